//! The one loop in which everything that blocks, blocks.

use std::time::{Duration, Instant};

use super::bell::{Bell, Parking};
use crate::atomic::AtomicU32;
use crate::liveness::{Attachment, Census};
use crate::platform::futex::{self, Woken};
use crate::platform::membarrier;

/// How long a caller is prepared to wait.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Patience {
    /// Not at all.
    None,
    Forever,
    Until(Instant),
}

impl Patience {
    /// A duration past the end of the clock is for ever.
    pub(crate) fn timeout(timeout: Duration) -> Patience {
        Instant::now()
            .checked_add(timeout)
            .map_or(Patience::Forever, Patience::Until)
    }

    pub(crate) fn is_over(self) -> bool {
        match self {
            Patience::None => true,
            Patience::Forever => false,
            Patience::Until(deadline) => Instant::now() >= deadline,
        }
    }

    pub(crate) fn deadline(self) -> Option<Instant> {
        match self {
            Patience::None | Patience::Forever => None,
            Patience::Until(deadline) => Some(deadline),
        }
    }
}

/// Bells of this process's segments park on futexes.
#[derive(Clone, Copy)]
pub(crate) struct Futexes;

impl Parking for Futexes {
    #[inline]
    fn light(&self) {
        membarrier::light();
    }

    fn heavy(&self) -> bool {
        membarrier::heavy()
    }

    fn wake(&self, word: &AtomicU32, count: u32) -> usize {
        futex::wake(word, count)
    }
}

/// A bell in a segment.
pub(crate) type FutexBell<'a> = Bell<'a, Futexes>;

impl<'a> FutexBell<'a> {
    #[inline]
    pub(crate) fn new(word: &'a AtomicU32) -> Self {
        Bell {
            word,
            parking: Futexes,
        }
    }
}

/// The same as [`block_until_rung`] for those whom only what `attempt` finds concerns.
pub(crate) fn block_until<R>(
    attachment: &Attachment,
    word: &AtomicU32,
    patience: Patience,
    mut attempt: impl FnMut() -> Option<R>,
) -> Option<R> {
    block_until_rung(attachment, word, patience, |_| attempt())
}

/// Calls `attempt` until it gives a result; in between spins, then sleeps until `word`'s bell is rung.
/// `None` if there is none by the deadline, and at once if that has passed already.
///
/// `attempt` is told whether the bell has just been rung for this sleeper. It wakes up whenever membership of the segment changes, so
/// `attempt` may also wait for a death.
pub(crate) fn block_until_rung<R>(
    attachment: &Attachment,
    word: &AtomicU32,
    patience: Patience,
    mut attempt: impl FnMut(bool) -> Option<R>,
) -> Option<R> {
    if patience.is_over() {
        return None;
    }
    // A thread that could not join got that as its first attempt's result, and is not here.
    let participant = attachment.participant().ok()?;
    if let Some(result) = participant.spin.spin(|| attempt(false)) {
        return Some(result);
    }
    let bell = Bell::new(word);
    let mut first = true;
    let mut rung = false;
    loop {
        let armed = bell.arm();
        let mut census = Census::of([(word, armed.value)]);
        census.count(attachment, participant.index());
        if let Some(result) = attempt(rung) {
            if first {
                participant.spin.paid();
            }
            return Some(result);
        }
        if patience.is_over() {
            return None;
        }
        rung = census.sleep(armed.brief && first, patience.deadline()) == Woken::At(0);
        if first {
            participant.spin.did_not_pay();
            first = false;
        }
        // Mostly that was it, and the barrier of arming again, which interrupts whoever woke this one, is spared.
        bell.stay();
        if let Some(result) = attempt(rung) {
            return Some(result);
        }
    }
}
