//! The permits' algorithm, apart from the memory it runs on.
//!
//! One claim for each permit ([`super::claim`]), whose holder is a process: a permit may move between its threads. There are never more
//! permits than claims, whoever does what.
//!
//! | step | if the actor dies after it |
//! |---|---|
//! | acquire: claim `vacant` → `held(me)`, or from a dead holder → `held(me)`: **the commit** | the claim names a dead holder: it is as good as vacant |
//! | release: store `vacant`: **the commit** | the permit is back; a sleeper that was to be woken learns of the death, and looks |
//! | ring the bell | done |
//!
//! Only its holder stores to a claim that names it. A sleeper looks at all claims and at their holders' lives after it has armed the
//! bell and taken its census, so it is woken by whichever of a release or a holder's death comes first.

use super::claim::{Claim, Holder};
use crate::atomic::{AtomicU64, Ordering};
use crate::owner::Owner;

/// The permits of one semaphore.
pub(super) trait Permits {
    /// How many there are, at least one.
    fn count(&self) -> usize;
    fn claim(&self, index: usize) -> &AtomicU64;
    fn is_live(&self, owner: Owner) -> bool;
}

/// A permit acquired, and whether it was taken over from the dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Acquired {
    pub(super) index: usize,
    pub(super) inherited: bool,
}

/// Acquires a permit for process `me`, if there is one, looking first at number `from`, so that not all look at the same.
#[inline]
pub(super) fn try_acquire(permits: &impl Permits, from: usize, me: Owner) -> Option<Acquired> {
    let count = permits.count();
    let from = from % count;
    let all = || (from..count).chain(0..from);
    all()
        .find_map(|index| take(permits, index, me, |holder| holder == Holder::Vacant))
        .or_else(|| inherit(permits, all(), me))
}

/// The same of those whose holders are dead.
#[cold]
fn inherit(
    permits: &impl Permits,
    mut all: impl Iterator<Item = usize>,
    me: Owner,
) -> Option<Acquired> {
    // Many permits have few holders.
    let mut live = me;
    let mut as_good_as_vacant = |holder| match holder {
        Holder::Vacant => true,
        Holder::Someone(owner) if owner == me || owner == live => false,
        Holder::Someone(owner) if permits.is_live(owner) => {
            live = owner;
            false
        }
        // Nobody alive has it; nor has anybody if the word is garbage.
        Holder::Someone(_) | Holder::Closed | Holder::Garbage => true,
    };
    all.find_map(|index| take(permits, index, me, &mut as_good_as_vacant))
}

#[inline]
fn take(
    permits: &impl Permits,
    index: usize,
    me: Owner,
    may: impl FnOnce(Holder) -> bool,
) -> Option<Acquired> {
    let word = permits.claim(index);
    let now = Claim::load(word);
    let taken = may(now.holder()) && now.replace(word, Claim::held(me, 0)).is_ok();
    let inherited = now.holder() != Holder::Vacant;
    taken.then_some(Acquired { index, inherited })
}

/// Gives a permit back. To be followed by the bell.
#[inline]
pub(super) fn release(permits: &impl Permits, index: usize) {
    // Release: pairs with the Acquire of whoever acquires it next.
    permits
        .claim(index)
        .store(Claim::vacant(0).0, Ordering::Release);
}

/// How many permits nobody alive holds.
pub(super) fn available(permits: &impl Permits) -> usize {
    vacant(permits).count()
}

/// Whether there is a permit that nobody alive holds.
#[cfg(not(loom))]
pub(super) fn is_available(permits: &impl Permits) -> bool {
    vacant(permits).next().is_some()
}

fn vacant(permits: &impl Permits) -> impl Iterator<Item = usize> {
    let is_vacant = |index: &usize| match Claim::load(permits.claim(*index)).holder() {
        Holder::Someone(owner) => !permits.is_live(owner),
        _ => true,
    };
    (0..permits.count()).filter(is_vacant)
}
