//! A clock that is the same in every process.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Since some moment that all processes of the machine agree on. It is the clock behind [`Instant`](std::time::Instant), which does not say.
pub(crate) fn monotonic() -> Duration {
    let time = clock_gettime(ClockId::Monotonic);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
