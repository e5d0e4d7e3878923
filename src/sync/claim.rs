//! A word that says who has something: the common part of locks, permits, seats at a barrier, roles at a ring.
//!
//! | bits | meaning |
//! |---|---|
//! | 0..2 | 0 vacant; 1 held; 2 closed: its last holder was done with it; 3 is never written |
//! | 2..16 | the holder's record, plus one |
//! | 16..32 | the tag: what else the primitive keeps in the word |
//! | 32..64 | the generation of the holder's record |
//!
//! The holder is one life of one participant ([`Owner`]): a thread where what is held cannot leave the thread, a process where
//! it can. Since the whole claim is one word, whoever dies while changing it has changed it or has not, and one that names a
//! dead holder is as good as vacant: the next takes it by compare-and-swap. A word never names the same life again
//! once that life has ended, so the compare-and-swap of a late taker fails.

use std::mem;

use crate::atomic::{AtomicU64, Ordering};
use crate::owner::Owner;

/// What a claim's word says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holder {
    Vacant,
    /// Alive or dead.
    Someone(Owner),
    Closed,
    /// No word that this crate writes.
    Garbage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Claim(pub(crate) u64);

/// A claim, and whether its holder had died by then. One who lets go of its claim and leaves does not live any more, and has not died. Who sees that it
/// has left sees the claim without it: leaving is the last that a life does, and is acquired.
#[inline]
pub(crate) fn examine(load: impl Fn() -> Claim, is_live: impl Fn(Owner) -> bool) -> (Claim, bool) {
    let mut claim = load();
    loop {
        match claim.holder() {
            Holder::Someone(owner) if !is_live(owner) => {}
            _ => return (claim, false),
        }
        // Another round takes another holder, who has left, too.
        let before = mem::replace(&mut claim, load());
        if before == claim {
            return (claim, true);
        }
    }
}

const VACANT: u64 = 0;
const HELD: u64 = 1;
const CLOSED: u64 = 2;
const TAG: u32 = 16;

impl Claim {
    #[inline]
    pub(crate) fn load(word: &AtomicU64) -> Claim {
        // Acquire: pairs with the Release of whoever changed the claim; what the last holder did is visible.
        Claim(word.load(Ordering::Acquire))
    }

    #[inline]
    pub(crate) fn vacant(tag: u16) -> Claim {
        Claim(u64::from(tag) << TAG | VACANT)
    }

    #[inline]
    pub(crate) fn closed(tag: u16) -> Claim {
        Claim(u64::from(tag) << TAG | CLOSED)
    }

    #[inline]
    pub(crate) fn held(by: Owner, tag: u16) -> Claim {
        let record = by.index().map_or(0, |index| u64::from(index + 1));
        Claim(u64::from(by.generation()) << 32 | u64::from(tag) << TAG | record << 2 | HELD)
    }

    #[inline]
    pub(crate) fn holder(self) -> Holder {
        match self.0 & 3 {
            VACANT => Holder::Vacant,
            HELD => {
                let record = (self.0 >> 2 & 0x3fff) as u32;
                let generation = (self.0 >> 32) as u32;
                // A record of 0 is nobody's, and so dead.
                let owner = record.checked_sub(1);
                Holder::Someone(owner.map_or(Owner::NOBODY, |index| Owner::new(index, generation)))
            }
            CLOSED => Holder::Closed,
            _ => Holder::Garbage,
        }
    }

    /// The same with the tag of another, itself having none.
    #[inline]
    pub(crate) fn with_tag_of(self, other: Claim) -> Claim {
        Claim(self.0 | other.0 & (0xffff << TAG))
    }

    #[inline]
    pub(crate) fn tag(self) -> u16 {
        (self.0 >> TAG) as u16
    }

    /// Commits a change of the claim; if it has changed meanwhile, says to what.
    #[inline]
    pub(crate) fn replace(self, word: &AtomicU64, with: Claim) -> Result<Claim, Claim> {
        // Release: pairs with `load`; whoever comes next sees what this holder did. Acquire: the other way round. SeqCst: a
        // writer that takes a lock looks for its readers next, and they do it the other way round.
        word.compare_exchange(self.0, with.0, Ordering::SeqCst, Ordering::Acquire)
            .map(|_| with)
            .map_err(Claim)
    }
}
