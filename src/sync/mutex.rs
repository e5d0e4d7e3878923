//! The mutual exclusion lock.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

use super::guarded::{self, Guarded, told};
use crate::element::Element;
use crate::error::{LockError, LockTimeoutError, Result, TryLockError};
use crate::handle::{debug_by_name, handle};
use crate::place::Place;
use crate::segment::{Capacity, Kind, Options, Primitive, Size};
use crate::wait::Patience;

/// A lock around a value that is shared by processes, or `Mutex<()>` for a lock alone.
///
/// The owner is a thread. If it dies while it owns the lock, at whatever instruction, the lock is free; the next owner is told
/// so by [`LockError::OwnerDied`], which carries the guard all the same, and so is every one after it until one calls
/// [`mark_consistent`](MutexGuard::mark_consistent). Likewise for a panic ([`LockError::Poisoned`]). An owner that is merely
/// slow, or stopped, keeps the lock.
///
/// The guard holds a copy of the value, which is small and plain ([`Element`]), and commits it as the lock is let go of: one
/// store does both. What an owner that died or panicked had changed by then is discarded; the value is never half
/// changed.
///
/// Locking and unlocking take one locked instruction while nobody contends. Otherwise it spins for some microseconds and
/// then sleeps. Waiters are not served in any order.
///
/// ```
/// use crossproc::{LockError, Mutex};
///
/// let balance = Mutex::new(100i64)?;
/// *balance.lock()? -= 30;
/// match balance.lock() {
///     Ok(guard) => assert_eq!(*guard, 70),
///     Err(LockError::OwnerDied(mut guard)) => guard.mark_consistent(),  // after having looked around
///     Err(error) => return Err(error.into()),
/// };
/// # Ok::<(), crossproc::Error>(())
/// ```
pub struct Mutex<T: Element> {
    place: Place,
    value: PhantomData<fn() -> T>,
}

handle! {
    impl<T: Element> Mutex<T>, "mutex", place;
    fn new(value: T);
    /// How often, since the lock was created, it was taken over from an owner that had died.
    fn repairs();
}

debug_by_name!(impl<T: Element> Mutex<T>);

impl<T: Element> Mutex<T> {
    /// Locks. Blocks while a live thread, of whatever process, has the lock.
    ///
    /// # Errors
    ///
    /// [`OwnerDied`](LockError::OwnerDied) and [`Poisoned`](LockError::Poisoned), with the guard;
    /// [`Deadlock`](LockError::Deadlock) if this thread has the lock; [`Fault`](LockError::Fault).
    #[inline]
    pub fn lock(&self) -> Result<MutexGuard<'_, T>, LockError<MutexGuard<'_, T>>> {
        self.lock_within(Patience::Forever)
            .map_err(TryLockError::of_lock)
    }

    /// Locks, unless a live thread has the lock. Never blocks.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](TryLockError::WouldBlock), and those of [`lock`](Mutex::lock).
    #[inline]
    pub fn try_lock(&self) -> Result<MutexGuard<'_, T>, TryLockError<MutexGuard<'_, T>>> {
        self.lock_within(Patience::None)
    }

    /// Locks, and blocks up to `timeout`.
    ///
    /// # Errors
    ///
    /// [`Timeout`](LockTimeoutError::Timeout), and those of [`lock`](Mutex::lock).
    pub fn lock_timeout(
        &self,
        timeout: Duration,
    ) -> Result<MutexGuard<'_, T>, LockTimeoutError<MutexGuard<'_, T>>> {
        self.lock_within(Patience::timeout(timeout))
            .map_err(TryLockError::of_timeout)
    }

    /// Locks, and blocks until `deadline`.
    ///
    /// # Errors
    ///
    /// As for [`lock_timeout`](Mutex::lock_timeout).
    pub fn lock_deadline(
        &self,
        deadline: Instant,
    ) -> Result<MutexGuard<'_, T>, LockTimeoutError<MutexGuard<'_, T>>> {
        self.lock_within(Patience::Until(deadline))
            .map_err(TryLockError::of_timeout)
    }

    #[inline(always)] // Out of line it takes half as long again.
    pub(super) fn lock_within(
        &self,
        patience: Patience,
    ) -> Result<MutexGuard<'_, T>, TryLockError<MutexGuard<'_, T>>> {
        let held = Guarded::lock(&self.place, patience).map_err(TryLockError::without_guard)?;
        let tag = held.taken.tag;
        told(MutexGuard { mutex: self, held }, tag)
    }
}

impl<T: Element> Options<Mutex<T>> {
    /// The first value. Needed to create; an existing mutex keeps its own.
    pub fn value(self, value: T) -> Self {
        self.beginning(guarded::initial(&value))
    }
}

impl<T: Element> Primitive for Mutex<T> {
    type Element = T;
    const KIND: Kind = Kind::Mutex;
    const CAPACITY: Capacity = Capacity::ONE;
    const NEEDS_VALUE: bool = true;

    fn body_len(size: Size) -> Option<u64> {
        Some(guarded::end(size.element_size))
    }

    fn attach(place: Place) -> Result<Self> {
        Ok(Mutex {
            place,
            value: PhantomData,
        })
    }
}

/// The right to the value of a [`Mutex`]. Dropping it commits the value and unlocks.
///
/// It cannot leave its thread; in a forked child it is a copy that lets go of nothing.
pub struct MutexGuard<'a, T: Element> {
    pub(super) mutex: &'a Mutex<T>,
    held: Guarded<'a, T>,
}

impl<T: Element> MutexGuard<'_, T> {
    /// Declares that all is in order, after the death or panic of an owner: later owners will not be told of it.
    /// Takes effect when the guard is dropped.
    pub fn mark_consistent(&mut self) {
        self.held.mark_consistent();
    }

    /// Whether no owner has died or panicked that nobody has made up for yet.
    pub fn is_consistent(&self) -> bool {
        self.held.is_consistent()
    }
}

impl<T: Element> Deref for MutexGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.held
    }
}

impl<T: Element> DerefMut for MutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.held
    }
}

impl<T: Element + fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MutexGuard").field(&**self).finish()
    }
}
