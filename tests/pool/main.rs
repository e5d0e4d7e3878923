//! Pools: every way to run tasks, and everything that can happen to them and their workers.

#[path = "../support/mod.rs"]
mod support;

mod jobs;
mod maps;
mod workers;

use std::time::Duration;

/// Longer than any test takes on a machine busy with other things.
const HANG: Duration = Duration::from_secs(120);

/// What every test begins with: nothing hangs, nothing stays behind.
macro_rules! guarded {
    () => {
        let _leaks = crate::support::Leaks::start();
        let _watchdog = crate::support::watchdog(crate::HANG);
    };
}
pub(crate) use guarded;

/// Kills the process it is called in.
pub(crate) fn kill_myself() -> ! {
    let own = rustix::process::getpid();
    rustix::process::kill_process(own, rustix::process::Signal::KILL).unwrap();
    unreachable!("nobody survives that")
}
