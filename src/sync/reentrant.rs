//! The lock that its owner can take again.

use std::fmt;
use std::marker::PhantomData;
use std::sync::MutexGuard as NotSend;
use std::time::{Duration, Instant};

use super::guarded::{self, OWN, Taken, told};
use super::lock::{ORPHANED, POISONED};
use crate::atomic::{AtomicU32, Ordering};
use crate::error::{Fault, LockError, LockTimeoutError, Result, TryLockError};
use crate::handle::{debug_by_name, handle};
use crate::place::Place;
use crate::segment::{Capacity, Kind, Primitive, Size};
use crate::wait::Patience;

/// How many guards the owner has. Nobody else reads or writes it: whoever takes the lock begins with 1.
const DEPTH: usize = OWN;

/// A lock that the thread which owns it can take again, as often as it likes; it is free when the last of its guards is
/// dropped. It guards no value of its own.
///
/// Otherwise it is as a [`Mutex`](crate::Mutex), also if its owner dies or panics.
///
/// ```
/// use crossproc::ReentrantMutex;
///
/// let lock = ReentrantMutex::new()?;
/// let outer = lock.lock()?;
/// let inner = lock.lock()?;
/// drop(outer);
/// drop(inner); // now it is free
/// # Ok::<(), crossproc::Error>(())
/// ```
pub struct ReentrantMutex {
    place: Place,
}

handle! {
    impl ReentrantMutex, "lock", place;
    fn new();
    /// How often, since the lock was created, it was taken over from an owner that had died.
    fn repairs();
}

debug_by_name!(impl ReentrantMutex);

impl ReentrantMutex {
    /// Locks. Blocks while another live thread has the lock.
    ///
    /// # Errors
    ///
    /// [`OwnerDied`](LockError::OwnerDied) and [`Poisoned`](LockError::Poisoned), with the guard;
    /// [`Fault`](LockError::Fault). Never [`Deadlock`](LockError::Deadlock).
    pub fn lock(&self) -> Result<ReentrantMutexGuard<'_>, LockError<ReentrantMutexGuard<'_>>> {
        self.lock_within(Patience::Forever)
            .map_err(TryLockError::of_lock)
    }

    /// Locks, unless another live thread has the lock. Never blocks.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](TryLockError::WouldBlock), and those of [`lock`](ReentrantMutex::lock).
    pub fn try_lock(
        &self,
    ) -> Result<ReentrantMutexGuard<'_>, TryLockError<ReentrantMutexGuard<'_>>> {
        self.lock_within(Patience::None)
    }

    /// Locks, and blocks up to `timeout`.
    ///
    /// # Errors
    ///
    /// [`Timeout`](LockTimeoutError::Timeout), and those of [`lock`](ReentrantMutex::lock).
    pub fn lock_timeout(
        &self,
        timeout: Duration,
    ) -> Result<ReentrantMutexGuard<'_>, LockTimeoutError<ReentrantMutexGuard<'_>>> {
        self.lock_within(Patience::timeout(timeout))
            .map_err(TryLockError::of_timeout)
    }

    /// Locks, and blocks until `deadline`.
    ///
    /// # Errors
    ///
    /// As for [`lock_timeout`](ReentrantMutex::lock_timeout).
    pub fn lock_deadline(
        &self,
        deadline: Instant,
    ) -> Result<ReentrantMutexGuard<'_>, LockTimeoutError<ReentrantMutexGuard<'_>>> {
        self.lock_within(Patience::Until(deadline))
            .map_err(TryLockError::of_timeout)
    }

    pub(super) fn lock_within(
        &self,
        patience: Patience,
    ) -> Result<ReentrantMutexGuard<'_>, TryLockError<ReentrantMutexGuard<'_>>> {
        let depth = self.depth();
        let taken = match guarded::take(&self.place, 0, patience) {
            Ok(taken) => {
                depth.store(1, Ordering::Relaxed);
                taken
            }
            Err(TryLockError::Deadlock) => {
                let more = depth.load(Ordering::Relaxed).checked_add(1);
                let more = more.ok_or(TryLockError::Fault(TOO_DEEP))?;
                depth.store(more, Ordering::Relaxed);
                Taken::again(&self.place)
            }
            Err(error) => return Err(error.without_guard()),
        };
        let tag = taken.tag;
        let guard = ReentrantMutexGuard {
            mutex: self,
            taken,
            stays: PhantomData,
        };
        told(guard, tag)
    }

    /// For the owner, when it has locked again after having let go of so many guards.
    pub(super) fn restore(&self, depth: u32) {
        self.depth().store(depth, Ordering::Relaxed);
    }

    fn depth(&self) -> &AtomicU32 {
        self.place.word(DEPTH)
    }
}

const TOO_DEEP: Fault = Fault::Corrupted("more guards of one lock than there can be");

impl Primitive for ReentrantMutex {
    type Element = ();
    const KIND: Kind = Kind::ReentrantMutex;
    const CAPACITY: Capacity = Capacity::ONE;

    fn body_len(_: Size) -> Option<u64> {
        Some(guarded::end(0))
    }

    fn attach(place: Place) -> Result<Self> {
        Ok(ReentrantMutex { place })
    }
}

/// A [`ReentrantMutex`] locked. Dropping the last guard of the owner unlocks.
///
/// It cannot leave its thread; in a forked child it is a copy that lets go of nothing.
pub struct ReentrantMutexGuard<'a> {
    pub(super) mutex: &'a ReentrantMutex,
    taken: Taken,
    /// The owner of a lock is a thread.
    stays: PhantomData<NotSend<'a, ()>>,
}

impl ReentrantMutexGuard<'_> {
    /// Declares that all is in order, after the death or panic of an owner: later owners will not be told of it.
    pub fn mark_consistent(&mut self) {
        self.taken.mark(&self.mutex.place, 0);
    }

    /// Whether no owner has died or panicked that nobody has made up for yet.
    pub fn is_consistent(&self) -> bool {
        Taken::again(&self.mutex.place).tag & (ORPHANED | POISONED) == 0
    }

    /// Unlocks, whatever other guards the owner has; how many they were, this one included.
    pub(super) fn let_go_of_all(self) -> u32 {
        if !self.taken.is_mine() {
            return 1; // In a forked child the guards are copies, and their number the parent's.
        }
        let depth = self.depth();
        self.mutex.restore(1);
        depth
    }

    /// How many guards the owner has, this one included.
    pub fn depth(&self) -> u32 {
        self.mutex.depth().load(Ordering::Relaxed)
    }
}

impl Drop for ReentrantMutexGuard<'_> {
    fn drop(&mut self) {
        if !self.taken.is_mine() {
            return;
        }
        if self.taken.panics() {
            self.taken.mark(&self.mutex.place, POISONED);
        }
        let depth = self.depth();
        if depth > 1 {
            self.mutex.depth().store(depth - 1, Ordering::Relaxed);
        } else {
            guarded::let_go(&self.mutex.place, 0, &Taken::again(&self.mutex.place));
        }
    }
}

impl fmt::Debug for ReentrantMutexGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReentrantMutexGuard")
            .field("depth", &self.depth())
            .finish_non_exhaustive()
    }
}
