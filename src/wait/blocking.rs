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
    // What the word held when a brief sleep ended in vain: while it does, no ringer can have missed `SLEEPERS`.
    let mut settled = None;
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
        let brief = (armed.brief || census.is_shared()) && settled != Some(armed.value);
        let woken = census.sleep(brief, patience.deadline());
        rung = woken == Woken::At(0);
        if woken == Woken::TimedOut {
            settled = Some(armed.value);
        }
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

#[cfg(test)]
mod tests {
    #![allow(unsafe_code)] // alarm(2)

    use super::*;
    use crate::Queue;
    use crate::atomic::Ordering;
    use crate::liveness::set_backstop;
    use crate::platform::per_process::assert_in_a_fork;
    use crate::segment::{PARTICIPANTS, Segment, Within};

    #[test]
    fn a_ringer_that_saw_no_sleeper_is_found_out_after_a_brief_sleep() {
        let shape = Queue::<u64>::options()
            .capacity(1)
            .shape_in(Within::Segment, PARTICIPANTS);
        let segment = Segment::anonymous(&shape.unwrap()).unwrap();
        let attachment = Attachment::of(segment).unwrap();
        assert_in_a_fork(|| {
            // SAFETY: it ends this process if it sleeps for ever.
            unsafe { libc::alarm(20) };
            set_backstop(Duration::from_secs(3600));
            let word = AtomicU32::new(0);
            let mut looks = 0;
            // There is something by the second look after it was announced that somebody sleeps, and nobody rings.
            block_until(&attachment, &word, Patience::Forever, || {
                looks += word.load(Ordering::Relaxed) & 1;
                (looks == 2).then_some(())
            });
            looks == 2
        });
    }
}
