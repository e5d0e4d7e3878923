//! What every test of a program begins with: nothing hangs, nothing stays behind.

use std::time::Duration;

/// Longer than any test takes on a machine busy with other things.
pub(crate) const HANG: Duration = Duration::from_secs(120);

macro_rules! guarded {
    () => {
        let _leaks = crate::support::Leaks::start();
        let _watchdog = crate::support::watchdog(crate::guarded::HANG);
    };
}
