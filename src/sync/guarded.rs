//! A lock with a value, in a segment: what mutexes and the writers of reader-writer locks have in common.
//!
//! | offset | what |
//! |---|---|
//! | 0 | the lock's claim |
//! | 8 | its bell |
//! | 12 | more for the primitive's own use |
//! | 24 | the value, twice, each rounded up to 8 bytes |
//!
//! No reference is formed to a value in shared memory. Locking copies the valid one out, and checks it; a changed one is
//! written over the other copy, which becomes the valid one as the lock is let go of. So a value is never seen half
//! changed, whoever dies where, and one that its owner was changing when it died or panicked is as it was before.

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::MutexGuard as NotSend;
use std::thread;

use super::claim::{self, Claim, Holder};
use super::lock::{self, ORPHANED, POISONED, Refused, SECOND};
use crate::atomic::Ordering;
use crate::element::Element;
use crate::error::{Fault, LockError, LockTimeoutError, TryLockError};
use crate::liveness::current_thread;
use crate::owner::Owner;
use crate::place::Place;
use crate::wait::{Patience, block_until};

pub(super) const CLAIM: usize = 0;
pub(super) const BELL: usize = 8;
pub(super) const OWN: usize = 12;
pub(super) const VALUES: usize = 24;

pub(super) const NOT_A_LOCK: Fault = Fault::Corrupted("a lock's word is none");
pub(super) const NOT_A_VALUE: Fault = Fault::Corrupted("what a lock guards is no valid value");

/// Where the values end.
pub(super) fn end(element_size: u32) -> u64 {
    VALUES as u64 + 2 * u64::from(element_size).next_multiple_of(8)
}

/// What the bytes begin with if `value` is the first.
pub(super) fn initial<T: Element>(value: &T) -> Box<[u8]> {
    [&[0; VALUES], bytemuck::bytes_of(value)].concat().into()
}

/// Where the value is that `tag` says is valid.
#[inline]
fn value_offset<T>(tag: u16) -> usize {
    if tag & SECOND == 0 {
        VALUES
    } else {
        VALUES + const { size_of::<T>().next_multiple_of(8) }
    }
}

/// A copy of the value that `tag` says is valid.
#[inline]
pub(super) fn read<T: Element>(place: &Place, tag: u16) -> Result<T, Fault> {
    place
        .read(value_offset::<T>(tag))
        .check()
        .ok_or(NOT_A_VALUE)
}

/// The lock's tag, and the thread that has the lock.
pub(crate) struct Taken {
    pub(super) tag: u16,
    thread: u64,
    was_panicking: bool,
}

impl Taken {
    /// Of a lock that the calling thread has already.
    pub(super) fn again(place: &Place) -> Taken {
        Taken {
            tag: Claim::load(place.long(CLAIM)).tag(),
            thread: current_thread(),
            was_panicking: thread::panicking(),
        }
    }

    /// Whether the owner before died, or left what the lock guards to be put in order.
    pub(crate) fn is_orphaned(&self) -> bool {
        self.tag & ORPHANED != 0
    }

    /// What the lock guards is in order, or is to be put in order by the next owner.
    pub(crate) fn set_orphaned(&mut self, orphaned: bool) {
        self.tag = self.tag & !ORPHANED | if orphaned { ORPHANED } else { 0 };
    }

    /// Whether the owner has begun to panic since.
    #[inline]
    pub(super) fn panics(&self) -> bool {
        thread::panicking() && !self.was_panicking
    }

    /// False in a forked child, where a guard is a copy, and the lock the parent's.
    #[inline]
    pub(crate) fn is_mine(&self) -> bool {
        self.thread == current_thread()
    }

    /// Changes what the lock has to tell about its owners to `told`, at once.
    pub(super) fn mark(&mut self, place: &Place, told: u16) {
        let Ok(participant) = place.attachment.participant() else {
            return;
        };
        if self.is_mine() {
            let tag = Claim::load(place.long(CLAIM)).tag() & !(ORPHANED | POISONED) | told;
            let held = Claim::held(participant.owner, tag);
            // Relaxed: it concerns whoever takes the lock next, after the Release that lets go of it, or a death.
            place.long(CLAIM).store(held.0, Ordering::Relaxed);
            self.tag = tag;
        }
    }
}

/// Takes the lock whose claim is at `at`, and its bell behind that, without asking for its value.
#[inline(always)] // As for the rest of the way to lock a mutex: out of line it takes half as long again.
pub(crate) fn take(
    place: &Place,
    at: usize,
    patience: Patience,
) -> Result<Taken, TryLockError<()>> {
    let participant = place
        .attachment
        .participant()
        .map_err(TryLockError::Fault)?;
    // Before the locked instruction, which everything behind it waits for.
    let thread = current_thread();
    let was_panicking = thread::panicking();
    let tag = match lock::try_lock_free(place.long(at + CLAIM), participant.claim) {
        Some(tag) => tag,
        None => take_slowly(place, at, participant.owner, patience)?,
    };
    Ok(Taken {
        tag,
        thread,
        was_panicking,
    })
}

#[cold]
fn take_slowly(
    place: &Place,
    at: usize,
    me: Owner,
    patience: Patience,
) -> Result<u16, TryLockError<()>> {
    let attachment = &place.attachment;
    let attempt = || {
        let is_live = |owner| attachment.is_thread_live(owner);
        match lock::try_lock(place.long(at + CLAIM), me, is_live) {
            Err(Refused::Busy) => None,
            outcome => Some(outcome),
        }
    };
    let locked = attempt()
        .or_else(|| block_until(attachment, place.word(at + BELL), patience, attempt))
        .ok_or(TryLockError::WouldBlock)??;
    if locked.inherited {
        attachment.repaired();
    }
    Ok(locked.tag)
}

/// Whether the calling thread has the lock whose claim is at `at`.
pub(crate) fn is_mine(place: &Place, at: usize) -> bool {
    let me = place.attachment.participant().map(|me| me.owner);
    me.is_ok_and(|me| Claim::load(place.long(at + CLAIM)).holder() == Holder::Someone(me))
}

/// Whether the last owner of the lock whose claim is at `at` died, and nobody has put in order what it left.
pub(crate) fn is_orphaned(place: &Place, at: usize) -> bool {
    let load = || Claim::load(place.long(at + CLAIM));
    let (claim, died) = claim::examine(load, |owner| place.attachment.is_thread_live(owner));
    match claim.holder() {
        Holder::Vacant => claim.tag() & ORPHANED != 0,
        // One who lives is about to put it in order. It may stand still, and who only looks is not to wait for it.
        Holder::Someone(_) => died,
        Holder::Closed | Holder::Garbage => false,
    }
}

/// Lets go of a lock that [`take`] took.
#[inline]
pub(crate) fn let_go(place: &Place, at: usize, taken: &Taken) {
    if taken.is_mine() {
        release(place, at, taken.tag);
    }
}

/// What `act` returns, which runs while the calling thread has the lock: not code of users, which could want it too.
#[inline]
pub(crate) fn within<R>(place: &Place, act: impl FnOnce() -> R) -> Result<R, Fault> {
    let taken = take(place, 0, Patience::Forever).map_err(TryLockError::of_short_lock)?;
    let result = act();
    let_go(place, 0, &taken);
    Ok(result)
}

#[inline]
fn release(place: &Place, at: usize, tag: u16) {
    lock::unlock(place.long(at + CLAIM), tag);
    place.bell(at + BELL).ring_next();
}

/// The value of a lock that the calling thread has taken. Lets go of it when dropped.
pub(crate) struct Guarded<'a, T: Element> {
    pub(super) place: &'a Place,
    pub(super) taken: Taken,
    value: T,
    changed: bool,
    /// The owner of a lock is a thread.
    stays: PhantomData<NotSend<'a, ()>>,
}

impl<'a, T: Element> Guarded<'a, T> {
    /// The value of a lock just taken.
    #[inline(always)]
    pub(super) fn new(place: &'a Place, taken: Taken) -> Result<Self, Fault> {
        match read(place, taken.tag) {
            Ok(value) => Ok(Guarded {
                place,
                taken,
                value,
                changed: false,
                stays: PhantomData,
            }),
            Err(fault) => {
                let_go(place, 0, &taken);
                Err(fault)
            }
        }
    }

    #[inline(always)]
    pub(crate) fn lock(place: &'a Place, patience: Patience) -> Result<Self, TryLockError<()>> {
        let taken = take(place, 0, patience)?;
        Self::new(place, taken).map_err(TryLockError::Fault)
    }

    /// Writes the value; the tag that makes it the valid one.
    #[inline]
    fn commit(&self) -> u16 {
        let tag = self.taken.tag ^ SECOND;
        self.place.write(value_offset::<T>(tag), &self.value);
        tag
    }

    /// The tag if the thread panics. If it did already when it took the lock, that is not the lock's concern.
    #[cold]
    fn unwinding(&self) -> u16 {
        match self.taken.panics() {
            true => self.taken.tag | POISONED,
            false if self.changed => self.commit(),
            false => self.taken.tag,
        }
    }

    /// What the lock has to tell about its owners.
    #[inline]
    pub(crate) fn tag(&self) -> u16 {
        self.taken.tag
    }

    pub(crate) fn is_consistent(&self) -> bool {
        self.taken.tag & (ORPHANED | POISONED) == 0
    }

    pub(crate) fn mark_consistent(&mut self) {
        self.taken.tag &= !(ORPHANED | POISONED);
    }
}

impl<T: Element> Deref for Guarded<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: Element> DerefMut for Guarded<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.changed = true;
        &mut self.value
    }
}

impl<T: Element> Drop for Guarded<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if !self.taken.is_mine() {
            return;
        }
        let mut tag = self.taken.tag;
        if thread::panicking() {
            tag = self.unwinding();
        } else if self.changed {
            tag = self.commit();
        }
        release(self.place, 0, tag);
    }
}

/// Wraps a guard up in what its lock's tag has to tell.
#[inline]
pub(crate) fn told<G>(guard: G, tag: u16) -> Result<G, TryLockError<G>> {
    match tag & (ORPHANED | POISONED) {
        0 => Ok(guard),
        POISONED => Err(TryLockError::Poisoned(guard)),
        _ => Err(TryLockError::OwnerDied(guard)),
    }
}

impl<G> From<Refused> for TryLockError<G> {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Busy => TryLockError::WouldBlock,
            Refused::Mine => TryLockError::Deadlock,
            Refused::Closed | Refused::Corrupted => TryLockError::Fault(NOT_A_LOCK),
        }
    }
}

/// From here on up, every way to lock is one of bounded patience, where `WouldBlock` also stands for "not in time".
impl<G> TryLockError<G> {
    /// The error of an operation that got no guard from the one below it.
    #[inline]
    pub(crate) fn without_guard<H>(self) -> TryLockError<H> {
        match self {
            TryLockError::WouldBlock => TryLockError::WouldBlock,
            TryLockError::Deadlock => TryLockError::Deadlock,
            TryLockError::Fault(fault) => TryLockError::Fault(fault),
            TryLockError::OwnerDied(_) | TryLockError::Poisoned(_) => {
                unreachable!("below, the tag tells of them")
            }
        }
    }

    pub(crate) fn of_lock(self) -> LockError<G> {
        match self {
            TryLockError::WouldBlock => unreachable!("without a deadline it waits"),
            TryLockError::OwnerDied(guard) => LockError::OwnerDied(guard),
            TryLockError::Poisoned(guard) => LockError::Poisoned(guard),
            TryLockError::Deadlock => LockError::Deadlock,
            TryLockError::Fault(fault) => LockError::Fault(fault),
        }
    }

    /// Why a lock is not to be had at all that each thread takes and lets go of within one operation.
    #[cold]
    pub(crate) fn of_short_lock(self) -> Fault {
        match self {
            TryLockError::Fault(fault) => fault,
            _ => Fault::Corrupted("a lock names one who does not have it"),
        }
    }

    pub(crate) fn of_timeout(self) -> LockTimeoutError<G> {
        match self {
            TryLockError::WouldBlock => LockTimeoutError::Timeout,
            TryLockError::OwnerDied(guard) => LockTimeoutError::OwnerDied(guard),
            TryLockError::Poisoned(guard) => LockTimeoutError::Poisoned(guard),
            TryLockError::Deadlock => LockTimeoutError::Deadlock,
            TryLockError::Fault(fault) => LockTimeoutError::Fault(fault),
        }
    }
}
