//! The lock's algorithm, apart from the memory it runs on.
//!
//! One claim ([`super::claim`]), whose holder is a thread, and a bell. The claim's tag outlasts holders:
//!
//! | bit of the tag | name | meaning |
//! |---|---|---|
//! | 0 | `ORPHANED` | an owner died while it held the lock, and nobody has declared the data consistent since |
//! | 1 | `POISONED` | the same for an owner that panicked |
//! | 2 | `SECOND` | of the two copies of the data the second is the valid one |
//!
//! Only the owner, or whoever takes the lock from a dead one, changes the tag. Therefore unlocking is a plain store, and one
//! store both commits the data (by `SECOND`) and lets go of the lock. That a sleeper is not missed for want of a full barrier
//! behind that store is the bell's business ([`crate::wait`]): the sleeper pays for it.
//!
//! | step | if the actor dies after it |
//! |---|---|
//! | lock: claim `vacant(tag)` → `held(me, tag)`, or from a dead owner → `held(me, tag + ORPHANED)` | the claim names a dead owner: the next one takes it, and is told |
//! | change the copy that is not valid | the same: nobody reads that copy |
//! | unlock: store `vacant(tag)`: **the commit** | the lock is free, the data as committed; a sleeper that was to be woken learns of the death, and looks |
//! | ring the bell | done |
//!
//! A sleeper examines the claim and the owner's life after it has armed the bell and taken its census, so it is woken by whichever of
//! unlocking or dying comes first. Whoever dies while taking over from the dead has taken over, or has not. Mutual exclusion:
//! every way into the lock is a compare-and-swap from a word without a live owner, and only its owner stores
//! to a claim that names it.

use super::claim::{Claim, Holder};
use crate::atomic::{AtomicU64, release_but_for};
use crate::owner::Owner;

pub(crate) const ORPHANED: u16 = 1;
pub(super) const POISONED: u16 = 2;
pub(super) const SECOND: u16 = 4;

/// Why the lock was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// By now: a live owner has it.
    Busy,
    /// The caller has it already.
    Mine,
    /// It is closed, which only a lock that guards something to be done once ever is.
    Closed,
    Corrupted,
}

/// How often a caller that loses a race looks again at once.
const RACES: u32 = 8;

/// The lock's tag, and whether it was taken from the dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Locked {
    pub(crate) tag: u16,
    pub(crate) inherited: bool,
}

/// Takes the lock for `me` if it is free, and nobody interferes: what to try first. The tag.
#[inline]
pub(crate) fn try_lock_free(word: &AtomicU64, me: Claim) -> Option<u16> {
    let now = Claim::load(word);
    let free = now.holder() == Holder::Vacant;
    (free && now.replace(word, me.with_tag_of(now)).is_ok()).then(|| now.tag())
}

/// Takes the lock for `me` if it is free or its owner has died.
pub(crate) fn try_lock(
    word: &AtomicU64,
    me: Owner,
    is_live: impl Fn(Owner) -> bool,
) -> Result<Locked, Refused> {
    let mut now = Claim::load(word);
    for _ in 0..RACES {
        let (tag, inherited) = match now.holder() {
            Holder::Vacant => (now.tag(), false),
            Holder::Someone(owner) if owner == me => return Err(Refused::Mine),
            Holder::Someone(owner) if is_live(owner) => return Err(Refused::Busy),
            Holder::Someone(_) => (now.tag() | ORPHANED, true),
            Holder::Closed => return Err(Refused::Closed),
            Holder::Garbage => return Err(Refused::Corrupted),
        };
        match now.replace(word, Claim::held(me, tag)) {
            Ok(_) => return Ok(Locked { tag, inherited }),
            Err(other) => now = other,
        }
    }
    Err(Refused::Busy)
}

/// Lets go of the lock, which the caller has, and leaves it with `tag`. To be followed by the bell.
#[inline]
pub(crate) fn unlock(word: &AtomicU64, tag: u16) {
    // Release: pairs with the Acquire of whoever takes the lock next.
    word.store(Claim::vacant(tag).0, release_but_for("publish"));
}
