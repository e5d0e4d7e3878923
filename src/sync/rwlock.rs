//! The reader-writer lock.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::MutexGuard as NotSend;
use std::time::{Duration, Instant};

use super::claim::{Claim, Holder};
use super::guarded::{self, BELL, CLAIM, Guarded, OWN, told};
use super::lock::Refused;
use super::readers::{self, Readers};
use crate::atomic::AtomicU64;
use crate::element::Element;
use crate::error::{LockError, LockTimeoutError, Result, TryLockError};
use crate::handle::{debug_by_name, handle};
use crate::liveness::current_thread;
use crate::owner::Owner;
use crate::place::Place;
use crate::segment::{Capacity, Kind, Options, Primitive, Size};
use crate::wait::{FutexBell, Patience, block_until};

/// Rung when readers may come in.
const READERS: usize = OWN;
/// Rung for a writer that waits for readers to leave.
const DRAINED: usize = OWN + 4;
/// From one participant's word to the next: no two share a line.
const STRIDE: u64 = 64;

/// A value shared by processes, for many readers or one writer at a time.
///
/// Writers are as the owners of a [`Mutex`](crate::Mutex): if one dies or panics, both readers and writers are told from then on,
/// until a writer calls [`mark_consistent`](RwLockWriteGuard::mark_consistent); a changed value is committed as the guard is dropped,
/// and discarded otherwise. A reader that dies is forgotten.
///
/// A reader writes only to a line of its own, so readers do not slow each other down: reading costs one locked instruction, and a copy
/// of the value. A writer looks at one line for each thread that takes part in the segment.
///
/// A waiting writer keeps new readers out. A thread that reads may read again, whoever waits.
///
/// ```
/// use crossproc::RwLock;
///
/// let limits = RwLock::new([10u32, 20])?;
/// assert_eq!(*limits.read()?, [10, 20]);
/// limits.write()?[1] = 30;
/// assert_eq!(limits.read()?[1], 30);
/// # Ok::<(), crossproc::Error>(())
/// ```
pub struct RwLock<T: Element> {
    place: Place,
    value: PhantomData<fn() -> T>,
}

handle! {
    impl<T: Element> RwLock<T>, "lock", place;
    fn new(value: T);
    /// How often, since the lock was created, it was taken over from a writer that had died.
    fn repairs();
}

debug_by_name!(impl<T: Element> RwLock<T>);

impl<T: Element> RwLock<T> {
    /// Reads. Blocks while a live thread writes, or waits to write.
    ///
    /// # Errors
    ///
    /// [`OwnerDied`](LockError::OwnerDied) and [`Poisoned`](LockError::Poisoned) if a writer did, with the guard;
    /// [`Deadlock`](LockError::Deadlock) if this thread writes; [`Fault`](LockError::Fault).
    #[inline]
    pub fn read(&self) -> Result<RwLockReadGuard<'_, T>, LockError<RwLockReadGuard<'_, T>>> {
        self.read_within(Patience::Forever)
            .map_err(TryLockError::of_lock)
    }

    /// Reads, unless a live thread writes or waits to write. Never blocks.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](TryLockError::WouldBlock), and those of [`read`](RwLock::read).
    #[inline]
    pub fn try_read(&self) -> Result<RwLockReadGuard<'_, T>, TryLockError<RwLockReadGuard<'_, T>>> {
        self.read_within(Patience::None)
    }

    /// Reads, and blocks up to `timeout`.
    ///
    /// # Errors
    ///
    /// [`Timeout`](LockTimeoutError::Timeout), and those of [`read`](RwLock::read).
    pub fn read_timeout(
        &self,
        timeout: Duration,
    ) -> Result<RwLockReadGuard<'_, T>, LockTimeoutError<RwLockReadGuard<'_, T>>> {
        self.read_within(Patience::timeout(timeout))
            .map_err(TryLockError::of_timeout)
    }

    /// Reads, and blocks until `deadline`.
    ///
    /// # Errors
    ///
    /// As for [`read_timeout`](RwLock::read_timeout).
    pub fn read_deadline(
        &self,
        deadline: Instant,
    ) -> Result<RwLockReadGuard<'_, T>, LockTimeoutError<RwLockReadGuard<'_, T>>> {
        self.read_within(Patience::Until(deadline))
            .map_err(TryLockError::of_timeout)
    }

    /// Writes. Blocks while a live thread has the lock, be it as a reader or as a writer.
    ///
    /// # Errors
    ///
    /// [`OwnerDied`](LockError::OwnerDied) and [`Poisoned`](LockError::Poisoned) if an earlier writer did, with the
    /// guard; [`Deadlock`](LockError::Deadlock) if this thread has the lock; [`Fault`](LockError::Fault).
    #[inline]
    pub fn write(&self) -> Result<RwLockWriteGuard<'_, T>, LockError<RwLockWriteGuard<'_, T>>> {
        self.write_within(Patience::Forever)
            .map_err(TryLockError::of_lock)
    }

    /// Writes, unless a live thread has the lock. Never blocks.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](TryLockError::WouldBlock), and those of [`write`](RwLock::write).
    pub fn try_write(
        &self,
    ) -> Result<RwLockWriteGuard<'_, T>, TryLockError<RwLockWriteGuard<'_, T>>> {
        self.write_within(Patience::None)
    }

    /// Writes, and blocks up to `timeout`.
    ///
    /// # Errors
    ///
    /// [`Timeout`](LockTimeoutError::Timeout), and those of [`write`](RwLock::write).
    pub fn write_timeout(
        &self,
        timeout: Duration,
    ) -> Result<RwLockWriteGuard<'_, T>, LockTimeoutError<RwLockWriteGuard<'_, T>>> {
        self.write_within(Patience::timeout(timeout))
            .map_err(TryLockError::of_timeout)
    }

    /// Writes, and blocks until `deadline`.
    ///
    /// # Errors
    ///
    /// As for [`write_timeout`](RwLock::write_timeout).
    pub fn write_deadline(
        &self,
        deadline: Instant,
    ) -> Result<RwLockWriteGuard<'_, T>, LockTimeoutError<RwLockWriteGuard<'_, T>>> {
        self.write_within(Patience::Until(deadline))
            .map_err(TryLockError::of_timeout)
    }

    #[inline]
    fn read_within(
        &self,
        patience: Patience,
    ) -> Result<RwLockReadGuard<'_, T>, TryLockError<RwLockReadGuard<'_, T>>> {
        let place = &self.place;
        let participant = place
            .attachment
            .participant()
            .map_err(TryLockError::Fault)?;
        let (index, me) = (participant.index(), participant.owner);
        let tag = match self.try_read_once(index, me) {
            Err(Refused::Busy) => self.read_blocking(index, me, patience)?,
            outcome => outcome?,
        };
        let reading = Reading {
            place,
            index,
            me,
            thread: current_thread(),
            stays: PhantomData,
        };
        let value = guarded::read(place, tag).map_err(TryLockError::Fault)?;
        told(
            RwLockReadGuard {
                value,
                _reading: reading,
            },
            tag,
        )
    }

    #[inline]
    fn try_read_once(&self, index: u32, me: Owner) -> Result<u16, Refused> {
        let claim = self.place.long(CLAIM);
        let outcome = readers::try_read(&self.place, claim, index, me);
        if outcome.is_err() {
            self.place.bell(DRAINED).ring_all();
        }
        outcome
    }

    #[cold]
    fn read_blocking(&self, index: u32, me: Owner, patience: Patience) -> Result<u16, Refused> {
        let (place, claim) = (&self.place, self.place.long(CLAIM));
        let attempt = || {
            if readers::clear_dead_writer(place, claim) {
                place.attachment.repaired();
                place.bell(BELL).ring_next();
                place.bell(READERS).ring_all();
            }
            // Announcing itself for nothing would keep a writer waiting.
            if matches!(Claim::load(claim).holder(), Holder::Someone(_)) {
                return None;
            }
            match self.try_read_once(index, me) {
                Err(Refused::Busy) => None,
                outcome => Some(outcome),
            }
        };
        if let Some(outcome) = attempt() {
            return outcome; // The writer is gone, or was dead.
        }
        block_until(&place.attachment, place.word(READERS), patience, attempt)
            .unwrap_or(Err(Refused::Busy))
    }

    fn write_within(
        &self,
        patience: Patience,
    ) -> Result<RwLockWriteGuard<'_, T>, TryLockError<RwLockWriteGuard<'_, T>>> {
        let place = &self.place;
        let participant = place
            .attachment
            .participant()
            .map_err(TryLockError::Fault)?;
        if readers::is_reader(place, participant.index(), participant.owner) {
            return Err(TryLockError::Deadlock);
        }
        if matches!(patience, Patience::None) && !readers::is_drained(place) {
            return Err(TryLockError::WouldBlock); // Without getting in the way of anybody.
        }
        let taken = guarded::take(place, 0, patience).map_err(TryLockError::without_guard)?;
        // From here on, readers are to hear when the lock is let go of, after the writers.
        let readers_after = RingAfterwards(place.bell(READERS));
        if !readers::is_drained(place) && self.drain(patience).is_none() {
            guarded::let_go(place, 0, &taken);
            return Err(TryLockError::WouldBlock);
        }
        let tag = taken.tag;
        let held = Guarded::new(place, taken).map_err(TryLockError::Fault)?;
        told(
            RwLockWriteGuard {
                held,
                _readers: readers_after,
            },
            tag,
        )
    }

    #[cold]
    fn drain(&self, patience: Patience) -> Option<()> {
        let place = &self.place;
        block_until(&place.attachment, place.word(DRAINED), patience, || {
            readers::is_drained(place).then_some(())
        })
    }
}

impl Readers for Place {
    fn count(&self) -> u32 {
        self.attachment.records().used()
    }

    #[inline]
    fn word(&self, index: u32) -> &AtomicU64 {
        // At the end of the primitive's bytes, so that it need not know how long a value is.
        let from_end = u64::from(self.attachment.records().count() - index) * STRIDE;
        self.long(self.len() - from_end as usize)
    }

    #[inline]
    fn is_live(&self, owner: Owner) -> bool {
        self.attachment.is_thread_live(owner)
    }
}

/// Rings the bell when dropped.
struct RingAfterwards<'a>(FutexBell<'a>);

impl Drop for RingAfterwards<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.ring_all();
    }
}

impl<T: Element> Options<RwLock<T>> {
    /// The first value. Needed to create; an existing lock keeps its own.
    pub fn value(self, value: T) -> Self {
        self.beginning(guarded::initial(&value))
    }
}

impl<T: Element> Primitive for RwLock<T> {
    type Element = T;
    const KIND: Kind = Kind::RwLock;
    const CAPACITY: Capacity = Capacity::ONE;
    const NEEDS_VALUE: bool = true;

    fn body_len(size: Size) -> Option<u64> {
        let values = guarded::end(size.element_size).next_multiple_of(128);
        Some(values + u64::from(size.participants) * STRIDE)
    }

    fn attach(place: Place) -> Result<Self> {
        Ok(RwLock {
            place,
            value: PhantomData,
        })
    }
}

/// One of the calling thread's read guards.
struct Reading<'a> {
    place: &'a Place,
    index: u32,
    me: Owner,
    thread: u64,
    /// A reader is a thread.
    stays: PhantomData<NotSend<'a, ()>>,
}

impl Drop for Reading<'_> {
    #[inline]
    fn drop(&mut self) {
        // In a forked child the guard is a copy.
        if self.thread == current_thread() && readers::end_read(self.place, self.index, self.me) {
            self.place.bell(DRAINED).ring_all();
        }
    }
}

/// The right to read the value of a [`RwLock`], and a copy of it.
///
/// It cannot leave its thread; in a forked child it is a copy that lets go of nothing.
pub struct RwLockReadGuard<'a, T: Element> {
    value: T,
    _reading: Reading<'a>,
}

impl<T: Element> Deref for RwLockReadGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: Element + fmt::Debug> fmt::Debug for RwLockReadGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RwLockReadGuard").field(&self.value).finish()
    }
}

/// The right to change the value of a [`RwLock`]. Dropping it commits the value and unlocks.
///
/// It cannot leave its thread; in a forked child it is a copy that lets go of nothing.
pub struct RwLockWriteGuard<'a, T: Element> {
    // In this order: first the lock is let go of.
    held: Guarded<'a, T>,
    _readers: RingAfterwards<'a>,
}

impl<T: Element> RwLockWriteGuard<'_, T> {
    /// Declares that all is in order, after the death or panic of a writer: nobody later will be told of it. Takes
    /// effect when the guard is dropped.
    pub fn mark_consistent(&mut self) {
        self.held.mark_consistent();
    }

    /// Whether no writer has died or panicked that nobody has made up for yet.
    pub fn is_consistent(&self) -> bool {
        self.held.is_consistent()
    }
}

impl<T: Element> Deref for RwLockWriteGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.held
    }
}

impl<T: Element> DerefMut for RwLockWriteGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.held
    }
}

impl<T: Element + fmt::Debug> fmt::Debug for RwLockWriteGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RwLockWriteGuard").field(&**self).finish()
    }
}
