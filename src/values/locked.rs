//! An array's lock.

use std::fmt;
use std::ops::Deref;
use std::time::{Duration, Instant};

use super::array::Array;
use crate::element::Element;
use crate::error::{LockError, LockTimeoutError, TryLockError};
use crate::sync::guarded::{Guarded, told};
use crate::wait::Patience;

impl<T: Element> Array<T> {
    /// Locks. Blocks while a live thread, of whatever process, has the lock. It keeps nobody from reading and writing who does not lock.
    ///
    /// # Errors
    ///
    /// As for a [`Mutex`](crate::Mutex): [`OwnerDied`](LockError::OwnerDied) and [`Poisoned`](LockError::Poisoned), with the guard;
    /// [`Deadlock`](LockError::Deadlock) if this thread has the lock; [`Fault`](LockError::Fault).
    ///
    /// ```
    /// use crossproc::{Array, LockError};
    ///
    /// let accounts = Array::<i64>::options().capacity(100).filled(50).anonymous()?;
    /// let locked = match accounts.lock() {
    ///     Err(LockError::OwnerDied(mut locked)) => {
    ///         // Money may be missing from one account that is not in the other yet.
    ///         locked.mark_consistent();
    ///         locked
    ///     }
    ///     locked => locked?,
    /// };
    /// locked.set(3, locked.get(3)? - 20)?;
    /// locked.set(4, locked.get(4)? + 20)?;
    /// # Ok::<(), crossproc::Error>(())
    /// ```
    pub fn lock(&self) -> Result<ArrayGuard<'_, T>, LockError<ArrayGuard<'_, T>>> {
        self.lock_within(Patience::Forever)
            .map_err(TryLockError::of_lock)
    }

    /// Locks, unless a live thread has the lock. Never blocks.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](TryLockError::WouldBlock), and those of [`lock`](Array::lock).
    pub fn try_lock(&self) -> Result<ArrayGuard<'_, T>, TryLockError<ArrayGuard<'_, T>>> {
        self.lock_within(Patience::None)
    }

    /// Locks, and blocks up to `timeout`.
    ///
    /// # Errors
    ///
    /// [`Timeout`](LockTimeoutError::Timeout), and those of [`lock`](Array::lock).
    pub fn lock_timeout(
        &self,
        timeout: Duration,
    ) -> Result<ArrayGuard<'_, T>, LockTimeoutError<ArrayGuard<'_, T>>> {
        self.lock_within(Patience::timeout(timeout))
            .map_err(TryLockError::of_timeout)
    }

    /// Locks, and blocks until `deadline`.
    ///
    /// # Errors
    ///
    /// As for [`lock_timeout`](Array::lock_timeout).
    pub fn lock_deadline(
        &self,
        deadline: Instant,
    ) -> Result<ArrayGuard<'_, T>, LockTimeoutError<ArrayGuard<'_, T>>> {
        self.lock_within(Patience::Until(deadline))
            .map_err(TryLockError::of_timeout)
    }

    fn lock_within(
        &self,
        patience: Patience,
    ) -> Result<ArrayGuard<'_, T>, TryLockError<ArrayGuard<'_, T>>> {
        let held =
            Guarded::<()>::lock(&self.place, patience).map_err(TryLockError::without_guard)?;
        let tag = held.tag();
        told(ArrayGuard { array: self, held }, tag)
    }
}

/// An array with its lock: nobody else has that, until this is dropped.
///
/// It cannot leave its thread; in a forked child it is a copy that lets go of nothing.
pub struct ArrayGuard<'a, T: Element> {
    array: &'a Array<T>,
    /// The elements are not the lock's value.
    held: Guarded<'a, ()>,
}

impl<T: Element> ArrayGuard<'_, T> {
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

impl<T: Element> Deref for ArrayGuard<'_, T> {
    type Target = Array<T>;

    fn deref(&self) -> &Array<T> {
        self.array
    }
}

impl<T: Element> fmt::Debug for ArrayGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ArrayGuard").field(self.array).finish()
    }
}
