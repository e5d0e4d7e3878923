//! The bell: how whoever publishes something wakes whoever sleeps for it, at no cost while nobody does.
//!
//! One 32-bit word, on a line that is read often and written rarely:
//!
//! | bits | name | meaning |
//! |---|---|---|
//! | 0 | `SLEEPERS` | somebody sleeps here, or is about to |
//! | 1 | `FENCED` | a sleeper could not use `membarrier`: ringers must use a real fence; never cleared |
//! | 2.. | epoch | changes at each ring that found sleepers |
//!
//! The sleeper: *arm* (set `SLEEPERS`; heavy barrier) → take a census → examine the condition → sleep unless the word
//! changed. The ringer: publish → light barrier → look at the word; while `SLEEPERS` is not set, that is all.
//! The barriers pair, so either the sleeper sees what was published or the ringer sees `SLEEPERS` (asymmetric
//! Dekker synchronization; the same reasoning as for a SeqCst fence on both sides).
//!
//! The kernel's barrier passes over some threads of other processes ([`crate::platform::membarrier`]). One that was passed over may have
//! looked at the word before `SLEEPERS` was set, and its publishing store still be on its way; but not for as long as a brief sleep. So where other
//! processes take part, a sleeper sleeps briefly once, and looks again; from then on, while the word holds the same value, `SLEEPERS` has been set
//! all along, and every ringer sees it.
//!
//! A ringer that sees `SLEEPERS` wakes one sleeper per thing published ([`ring`](Bell::ring)). Fewer woken means that the others have not
//! fallen asleep yet, or have left: it changes the epoch, clears `SLEEPERS` and wakes whoever is there. One
//! about to sleep finds the word changed; one that slept meanwhile is woken.
//!
//! Where only one can have the thing, waking one more at each ring would be too many
//! ([`ring_next`](Bell::ring_next)): the ringer clears `SLEEPERS`, then wakes one. Until that one looks nobody else needs to be
//! woken; before it looks it announces itself again, so whoever has the thing by then rings again.
//!
//! Where it is for those only who sleep at the moment ([`ring_for_the_present`](Bell::ring_for_the_present)), the ringer changes the epoch
//! first: one that is about to sleep finds the word changed, and is not overtaken by one that came after it was published.
//!
//! # If somebody dies
//!
//! | who, where | what the survivors find |
//! |---|---|
//! | ringer, after publishing, before or within its wake | its life word wakes a sleeper, which passes the news on; one not yet asleep finds the life word changed ([`crate::liveness`]) |
//! | sleeper, armed | `SLEEPERS` stays set: the next ring makes one system call in vain, and clears it |
//! | sleeper, woken and not yet armed again | the wake it swallowed is made good by its own life word, as for a ringer |
//!
//! A woken sleeper examines its condition before it reports anything, a timeout too: a wake is never swallowed by one
//! that had no use for it while another sleeps on.

use crate::atomic::{AtomicU32, Ordering, fence, seeded};

const SLEEPERS: u32 = 1;
const FENCED: u32 = 2;
const EPOCH: u32 = 4;

const EVERYBODY: u32 = u32::MAX >> 1;
/// Far more often than ringers get in each other's way.
const RETRIES: u32 = 100;

/// How threads park on a word; the model checker puts its own behind it.
pub(crate) trait Parking: Copy {
    /// Orders "publish" before "look at the word", as seen by a thread that calls [`heavy`](Parking::heavy).
    fn light(&self);
    /// The sleeper's side of it; false if only a fence in the ringers will do.
    fn heavy(&self) -> bool;
    /// Wakes up to `count` of the threads parked on `word`; how many it woke.
    fn wake(&self, word: &AtomicU32, count: u32) -> usize;
}

/// A bell's word and what it parks on.
#[derive(Clone, Copy)]
pub(crate) struct Bell<'a, P> {
    pub(crate) word: &'a AtomicU32,
    pub(crate) parking: P,
}

/// What the word holds when a sleeper has announced itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Armed {
    pub(crate) value: u32,
    /// Ringers may have missed the announcement: the first sleep must be short.
    pub(crate) brief: bool,
}

/// [`Bell::arm`] for one who sleeps at several bells: what each word holds then, and whether the first sleep must be short. One barrier
/// is enough for all: each ringer's pairs with it, whichever bell it rings.
pub(crate) fn arm_all<P: Parking>(bells: &mut [(Bell<'_, P>, u32)]) -> bool {
    fn announce<P>(bells: &mut [(Bell<'_, P>, u32)], bits: u32) {
        for (bell, value) in bells {
            *value = bell.word.fetch_or(bits, Ordering::SeqCst) | bits;
        }
    }
    announce(bells, SLEEPERS);
    if bells.first().is_none_or(|(bell, _)| bell.parking.heavy()) {
        return false;
    }
    announce(bells, SLEEPERS | FENCED);
    fence(Ordering::SeqCst);
    true
}

/// Whether a sleeper that armed and found this had to rely on the ringers' fences, which the first may not have known.
pub(crate) fn is_fenced(value: u32) -> bool {
    value & FENCED != 0
}

/// For one who slept at several bells and leaves: `ready` are those of what it could have and does not take. It may have been woken by
/// more of them than it knows of, and whoever rang relies on it to look.
pub(crate) fn pass_on<'a, P: Parking + 'a>(ready: impl Iterator<Item = Bell<'a, P>>) {
    if !seeded("pass_on") {
        ready.for_each(|bell| bell.ring(1));
    }
}

impl<P: Parking> Bell<'_, P> {
    /// Announces a sleeper. What is published after this returns rings the bell; what was published
    /// before is visible to the caller.
    pub(crate) fn arm(&self) -> Armed {
        let mut only = [(*self, 0)];
        let brief = arm_all(&mut only);
        let [(_, value)] = only;
        Armed { value, brief }
    }

    /// Announces a sleeper that was woken and looks once more before it [arms](Bell::arm), which costs a barrier. If it gets what it waited for,
    /// this is enough: whoever has that next has it from there, and sees the word. Otherwise it still has to arm.
    pub(crate) fn stay(&self) {
        self.word.fetch_or(SLEEPERS, Ordering::SeqCst);
    }

    /// To be called after publishing: wakes a sleeper for each of `count` things published.
    #[inline]
    pub(crate) fn ring(&self, count: u32) {
        if let Some(value) = self.sleepers() {
            self.wake(value, count);
        }
    }

    /// The same for what only those are to have who slept when it was published: one that is about to sleep finds the word
    /// changed, so that none who came later is woken in its place.
    #[inline]
    pub(crate) fn ring_for_the_present(&self, count: u32) {
        if let Some(value) = self.sleepers() {
            self.word.fetch_add(EPOCH, Ordering::SeqCst);
            self.wake(value, count);
        }
    }

    /// The same after giving back something that only one can have: the sleeper that is woken announces itself anew before
    /// it looks, so that it is woken, or whoever got ahead of it wakes the next. Not to be mixed with the others on one bell.
    #[inline]
    pub(crate) fn ring_next(&self) {
        if let Some(value) = self.sleepers() {
            self.clear(value, 1);
        }
    }

    /// Wakes everybody, for what concerns them all: closing, a change of roles.
    #[inline]
    pub(crate) fn ring_all(&self) {
        if let Some(value) = self.sleepers() {
            self.clear(value, EVERYBODY);
        }
    }

    /// Whether somebody may be asleep: for what is not worth finding out otherwise. To be asked, as the others are to be called, after
    /// publishing.
    #[inline]
    pub(crate) fn is_awaited(&self) -> bool {
        self.sleepers().is_some()
    }

    /// The word, if it shows sleepers, or that a light barrier does not suffice to see them.
    #[inline]
    fn sleepers(&self) -> Option<u32> {
        self.parking.light();
        // Relaxed: ordered after the publishing store by the light barrier, which pairs with `arm`.
        let value = self.word.load(Ordering::Relaxed);
        (value & (SLEEPERS | FENCED) != 0).then_some(value)
    }

    #[cold]
    fn wake(&self, value: u32, count: u32) {
        let value = self.fenced(value);
        if value & SLEEPERS != 0 && self.parking.wake(self.word, count) < count as usize {
            self.clear(value, EVERYBODY);
        }
    }

    fn fenced(&self, value: u32) -> u32 {
        if value & FENCED == 0 {
            return value;
        }
        fence(Ordering::SeqCst);
        self.word.load(Ordering::Relaxed)
    }

    /// Changes the epoch and clears `SLEEPERS`, so that nobody falls asleep who has not looked since, and then wakes up to
    /// `count` who have.
    #[cold]
    fn clear(&self, value: u32, count: u32) {
        let mut value = self.fenced(value);
        // A failure means that a sleeper added `FENCED`, or another ringer cleared it after we published.
        for _ in 0..RETRIES {
            if value & SLEEPERS == 0 {
                return;
            }
            let next = (value & !SLEEPERS).wrapping_add(EPOCH);
            // Release: a sleeper that finds the new epoch and looks again sees what was published.
            match self
                .word
                .compare_exchange(value, next, Ordering::SeqCst, Ordering::Relaxed)
            {
                Ok(_) => {
                    self.parking.wake(self.word, count);
                    return;
                }
                Err(now) => value = now,
            }
        }
        // Somebody scribbles on the word.
        self.parking.wake(self.word, EVERYBODY);
    }
}
