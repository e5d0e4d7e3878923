//! Time, as parent and workers tell it to each other.

use std::time::Duration;

use crate::platform::clock;

/// Milliseconds of a clock that is the same in every process, and comes round after 49 days.
pub(super) fn now() -> u32 {
    clock::monotonic().as_millis() as u32
}

/// How long it is since `then`, at `now`. Nothing, if it is yet to come: one process may be ahead.
pub(super) fn between(then: u32, now: u32) -> Duration {
    let passed = now.wrapping_sub(then);
    Duration::from_millis(if passed > u32::MAX / 2 {
        0
    } else {
        passed.into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_comes_round() {
        assert_eq!(between(u32::MAX, 1), Duration::from_millis(2));
        assert_eq!(between(5, 4), Duration::ZERO);
        assert!(between(now(), now()) < Duration::from_secs(60));
    }
}
