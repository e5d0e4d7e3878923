//! The condition variable.
//!
//! One 64-bit word, the number of notifications so far, and a bell. A waiter reads the number while it has the lock, lets go of the
//! lock, and sleeps until the bell wakes it, the number has changed, or somebody has died, joined or left since.
//!
//! | step | if the actor dies after it |
//! |---|---|
//! | wait: read the number and the membership | nothing happened |
//! | wait: unlock | the lock is free |
//! | wait: arm the bell, sleep | the next ring makes a system call in vain; whoever was to be woken instead learns of the death, and looks |
//! | wait: lock again | as for the lock |
//! | notify: add 1: **the commit** | whoever sleeps learns of the death, and looks: the number has changed |
//! | notify: ring the bell | done |
//!
//! Nothing counts waiters, so the dead among them are in nobody's way. A notifier that dies *before* it notifies, having changed
//! what the waiters wait for, wakes them too: a change of membership ends a wait, the condition is examined again.
//! What a waiter remembers of the membership is from before it unlocked, so it misses no death of one that locked after it.

use std::time::{Duration, Instant};

use super::mutex::{Mutex, MutexGuard};
use super::reentrant::{ReentrantMutex, ReentrantMutexGuard};
use crate::atomic::{AtomicU64, Ordering};
use crate::element::Element;
use crate::error::{Fault, LockError, Result, TryLockError};
use crate::handle::{debug_by_name, handle};
use crate::place::Place;
use crate::segment::{Capacity, Kind, Primitive, Size};
use crate::wait::{Patience, block_until_rung};

const NUMBER: usize = 0;
const BELL: usize = 8;

/// A place to wait for what others change under a lock.
///
/// It works with any [`Mutex`] or [`ReentrantMutex`], in the same segment or another; all who wait at one time have to use the
/// same lock. A wait can end without a notification, as with every condition variable: it does when a participant of the segment
/// dies, leaves or joins, and now and then when others were notified. Use [`wait_while`](Condvar::wait_while), or a loop.
///
/// A waiter that dies is nobody's concern, and neither is a notifier: had it changed what the others wait for, they look again. Of a
/// forked child they know from its first use of the condition variable on.
///
/// ```
/// use crossproc::{Condvar, Mutex, process};
///
/// # crossproc::init();
/// let ready = Mutex::new(false)?;
/// let changed = Condvar::new()?;
/// let child = process::spawn(
///     |(ready, changed): (Mutex<bool>, Condvar)| {
///         *ready.lock().unwrap() = true;
///         changed.notify_one().unwrap();
///     },
///     (ready.clone(), changed.clone()),
/// )?;
/// let guard = changed.wait_while(ready.lock()?, |ready| !*ready)?;
/// assert!(*guard);
/// # drop(guard);
/// # child.join()?;
/// # Ok::<(), crossproc::Error>(())
/// ```
pub struct Condvar {
    place: Place,
}

handle! {
    impl Condvar, "condition variable", place;
    fn new();
    /// Always 0: nobody owns a condition variable.
    fn repairs();
}

debug_by_name!(impl Condvar);

/// What a wait with a deadline returns besides the guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    /// Whether the time was up before anything happened.
    pub fn timed_out(self) -> bool {
        self.0
    }
}

/// The guards that can be let go of while waiting: those of [`Mutex`] and [`ReentrantMutex`].
pub trait Guard: Sized + sealed::Sealed {
    /// What is needed to lock again.
    #[doc(hidden)]
    type Lock;
    #[doc(hidden)]
    fn unlock(self) -> Self::Lock;
    #[doc(hidden)]
    fn lock(lock: Self::Lock) -> Result<Self, LockError<Self>>;
}

mod sealed {
    pub trait Sealed {}
}

impl<T: Element> sealed::Sealed for MutexGuard<'_, T> {}

impl<'a, T: Element> Guard for MutexGuard<'a, T> {
    type Lock = &'a Mutex<T>;

    fn unlock(self) -> &'a Mutex<T> {
        self.mutex
    }

    fn lock(mutex: &'a Mutex<T>) -> Result<Self, LockError<Self>> {
        mutex
            .lock_within(Patience::Forever)
            .map_err(TryLockError::of_lock)
    }
}

impl sealed::Sealed for ReentrantMutexGuard<'_> {}

/// All guards of the owner are let go of, and are what they were before when the wait is over.
impl<'a> Guard for ReentrantMutexGuard<'a> {
    type Lock = (&'a ReentrantMutex, u32);

    fn unlock(self) -> Self::Lock {
        let mutex = self.mutex;
        (mutex, self.let_go_of_all())
    }

    fn lock((mutex, depth): Self::Lock) -> Result<Self, LockError<Self>> {
        let locked = mutex.lock_within(Patience::Forever);
        if let Ok(_) | Err(TryLockError::OwnerDied(_) | TryLockError::Poisoned(_)) = locked {
            mutex.restore(depth);
        }
        locked.map_err(TryLockError::of_lock)
    }
}

impl Condvar {
    /// Unlocks, blocks until notified, and locks again.
    ///
    /// # Errors
    ///
    /// Those of locking: [`OwnerDied`](LockError::OwnerDied) and [`Poisoned`](LockError::Poisoned), with the guard, and
    /// [`Fault`](LockError::Fault), without.
    pub fn wait<G: Guard>(&self, guard: G) -> Result<G, LockError<G>> {
        self.wait_within(guard, Patience::Forever)
            .map(|(guard, _)| guard)
    }

    /// Waits as long as `condition` is true; it is examined under the lock, before anything else.
    ///
    /// # Errors
    ///
    /// As for [`wait`](Condvar::wait).
    pub fn wait_while<'a, T: Element>(
        &self,
        guard: MutexGuard<'a, T>,
        condition: impl FnMut(&mut T) -> bool,
    ) -> Result<MutexGuard<'a, T>, LockError<MutexGuard<'a, T>>> {
        self.wait_while_within(guard, condition, Patience::Forever)
            .map(|(guard, _)| guard)
    }

    /// [`wait`](Condvar::wait) up to `timeout`, not counting the time it takes to lock again.
    ///
    /// # Errors
    ///
    /// As for [`wait`](Condvar::wait).
    pub fn wait_timeout<G: Guard>(
        &self,
        guard: G,
        timeout: Duration,
    ) -> Result<(G, WaitTimeoutResult), LockError<G>> {
        self.wait_within(guard, Patience::timeout(timeout))
    }

    /// [`wait`](Condvar::wait) until `deadline`, not counting the time it takes to lock again.
    ///
    /// # Errors
    ///
    /// As for [`wait`](Condvar::wait).
    pub fn wait_deadline<G: Guard>(
        &self,
        guard: G,
        deadline: Instant,
    ) -> Result<(G, WaitTimeoutResult), LockError<G>> {
        self.wait_within(guard, Patience::Until(deadline))
    }

    /// [`wait_while`](Condvar::wait_while) up to `timeout`, not counting the time it takes to lock again. It has timed out if
    /// `condition` is true even now.
    ///
    /// # Errors
    ///
    /// As for [`wait`](Condvar::wait).
    pub fn wait_timeout_while<'a, T: Element>(
        &self,
        guard: MutexGuard<'a, T>,
        timeout: Duration,
        condition: impl FnMut(&mut T) -> bool,
    ) -> Result<(MutexGuard<'a, T>, WaitTimeoutResult), LockError<MutexGuard<'a, T>>> {
        self.wait_while_within(guard, condition, Patience::timeout(timeout))
    }

    /// [`wait_while`](Condvar::wait_while) until `deadline`, otherwise as
    /// [`wait_timeout_while`](Condvar::wait_timeout_while).
    ///
    /// # Errors
    ///
    /// As for [`wait`](Condvar::wait).
    pub fn wait_deadline_while<'a, T: Element>(
        &self,
        guard: MutexGuard<'a, T>,
        deadline: Instant,
        condition: impl FnMut(&mut T) -> bool,
    ) -> Result<(MutexGuard<'a, T>, WaitTimeoutResult), LockError<MutexGuard<'a, T>>> {
        self.wait_while_within(guard, condition, Patience::Until(deadline))
    }

    /// Ends the wait of one waiter, if there is one. To be called after changing, under the lock, what it waits for.
    ///
    /// # Errors
    ///
    /// [`Fault`] if this thread cannot take part in the segment.
    pub fn notify_one(&self) -> Result<(), Fault> {
        self.notify_n(1)
    }

    /// Ends the wait of `waiters` waiters, or as many as there are.
    ///
    /// # Errors
    ///
    /// As for [`notify_one`](Condvar::notify_one).
    pub fn notify_n(&self, waiters: usize) -> Result<(), Fault> {
        self.notify()?;
        let count = u32::try_from(waiters)
            .unwrap_or(u32::MAX)
            .min(i32::MAX as u32);
        if count > 0 {
            self.place.bell(BELL).ring_for_the_present(count);
        }
        Ok(())
    }

    /// Ends the wait of everyone who waits.
    ///
    /// # Errors
    ///
    /// As for [`notify_one`](Condvar::notify_one).
    pub fn notify_all(&self) -> Result<(), Fault> {
        self.notify()?;
        self.place.bell(BELL).ring_all();
        Ok(())
    }

    fn notify(&self) -> Result<(), Fault> {
        // Should this thread die before it has rung, those who sleep must know it.
        self.place.attachment.participant()?;
        // Release: pairs with the Acquire in `wait_within`.
        self.number().fetch_add(1, Ordering::Release);
        Ok(())
    }

    fn wait_while_within<'a, T: Element>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut condition: impl FnMut(&mut T) -> bool,
        patience: Patience,
    ) -> Result<(MutexGuard<'a, T>, WaitTimeoutResult), LockError<MutexGuard<'a, T>>> {
        let mut over = WaitTimeoutResult(false);
        while condition(&mut guard) {
            if over.timed_out() {
                return Ok((guard, over));
            }
            (guard, over) = self.wait_within(guard, patience)?;
        }
        Ok((guard, WaitTimeoutResult(false)))
    }

    fn wait_within<G: Guard>(
        &self,
        guard: G,
        patience: Patience,
    ) -> Result<(G, WaitTimeoutResult), LockError<G>> {
        let attachment = &self.place.attachment;
        attachment.participant().map_err(LockError::Fault)?;
        let number = self.number();
        let (first, members) = (number.load(Ordering::Acquire), attachment.membership());
        let lock = guard.unlock();
        let bell = self.place.word(BELL);
        let happened = block_until_rung(attachment, bell, patience, |rung| {
            // A ring that was heard is one notification, whoever else it might have been for.
            let notified = rung || number.load(Ordering::Acquire) != first;
            (notified || attachment.membership() != members).then_some(())
        });
        G::lock(lock).map(|guard| (guard, WaitTimeoutResult(happened.is_none())))
    }

    fn number(&self) -> &AtomicU64 {
        self.place.long(NUMBER)
    }
}

impl Primitive for Condvar {
    type Element = ();
    const KIND: Kind = Kind::Condvar;
    const CAPACITY: Capacity = Capacity::ONE;

    fn body_len(_: Size) -> Option<u64> {
        Some(16)
    }

    fn attach(place: Place) -> Result<Self> {
        Ok(Condvar { place })
    }
}
