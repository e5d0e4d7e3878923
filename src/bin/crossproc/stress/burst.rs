//! How workers call, and how often they pause.

use super::desk::{Desk, Doing};
use super::random::Random;
use super::sheet::Pace;
use std::thread;
use std::time::Duration;

/// Longer than any round: a sleeper whose wake-up is lost stays asleep, and is noticed.
pub(crate) const BACKSTOP: Duration = Duration::from_secs(3600);
const GLANCE: Duration = Duration::from_micros(10);
const LONGEST_PAUSE: Duration = Duration::from_micros(100);
const LONGEST_NAP: Duration = Duration::from_millis(1);
const LONGEST_TIMEOUT: Duration = Duration::from_millis(1);

/// How a call may wait.
#[derive(Clone, Copy, Debug)]
pub(crate) enum How {
    Try,
    Block,
    Timeout(Duration),
}

impl How {
    pub(crate) fn doing(self) -> Doing {
        match self {
            Self::Try => Doing::Trying,
            Self::Block => Doing::Blocking,
            Self::Timeout(_) => Doing::Waiting,
        }
    }
}

/// A few calls of the same kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Burst {
    pub(crate) calls: u64,
    how: How,
}

impl Burst {
    /// Picks the next burst, and naps before it from time to time.
    pub(crate) fn next(desk: &Desk<'_>, random: &mut Random, bursts_per_nap: u64) -> Self {
        if random.one_in(bursts_per_nap) {
            desk.tell(Doing::Napping);
            thread::sleep(random.shorter_than(LONGEST_NAP));
        }
        Self {
            calls: 1 + random.below(64),
            how: match random.below(4) {
                0 => How::Try,
                1 => How::Timeout(random.shorter_than(LONGEST_TIMEOUT)),
                _ => How::Block,
            },
        }
    }

    pub(crate) fn how(&self, pace: Pace) -> How {
        if pace.is_tight() {
            How::Block
        } else {
            self.how
        }
    }
}

/// Waits until it is right to go on, and a little longer: the others fall asleep.
pub(crate) fn keep_pace(desk: &Desk<'_>, random: &mut Random, is_right: impl Fn() -> bool) {
    desk.tell(Doing::Pacing);
    while !is_right() {
        thread::sleep(GLANCE);
    }
    thread::sleep(random.shorter_than(LONGEST_PAUSE));
}
