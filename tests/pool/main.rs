//! Pools: every way to run tasks, and everything that can happen to them and their workers.

#![allow(unsafe_code)] // fork(2)

#[path = "../support/asleep.rs"]
mod asleep;
#[expect(dead_code, reason = "forks are waited for, and no more")]
#[path = "../support/forked.rs"]
mod forked;
#[macro_use]
#[path = "../support/guarded.rs"]
mod guarded;
#[path = "../support/mod.rs"]
mod support;

mod deaths;
mod jobs;
mod maps;
mod races;
mod trouble;
mod workers;

/// Kills the process it is called in.
pub(crate) fn kill_myself() -> ! {
    let own = rustix::process::getpid();
    rustix::process::kill_process(own, rustix::process::Signal::KILL).unwrap();
    unreachable!("nobody survives that")
}

/// Runs `body` in a forked process, to its end.
pub(crate) fn in_a_fork(body: impl FnOnce()) {
    let mut child = forked::fork(body);
    assert_eq!(child.wait(), forked::Ending::Exited(0));
}
