//! The counting semaphore.
//!
//! One 64-bit word, the count, another, the most it can be, and a bell. Acquiring takes from the count by compare-and-swap, releasing
//! adds to it by compare-and-swap: each is **the commit**. Whoever dies before has changed nothing. Whoever dies after acquiring takes
//! what it acquired along: nobody knows whose it was (for that there are permits, [`Semaphore`](crate::Semaphore)). Whoever dies
//! after releasing, before it has rung the bell, wakes the sleepers by its death, and they look.

use std::time::{Duration, Instant};

use crate::atomic::{AtomicU64, Ordering};
use crate::error::{Fault, ReleaseError, Result, TryAcquireError, WaitTimeoutError};
use crate::handle::{debug_by_name, handle};
use crate::place::Place;
use crate::segment::{Capacity, Kind, Options, Primitive, Size};
use crate::wait::{Patience, block_until};

const COUNT: usize = 0;
const BELL: usize = 8;

/// The most that a count can be.
const MOST: u64 = i32::MAX as u64;

/// A count that is taken from and added to, by anyone: the classic semaphore, for signals and for things that are made and used
/// up in different places.
///
/// What one that dies had acquired stays acquired; it is no lock. For that use [`Semaphore`](crate::Semaphore), whose
/// permits come back.
///
/// ```
/// use crossproc::{CountingSemaphore, ReleaseError};
///
/// let made = CountingSemaphore::bounded(0, 2)?;
/// made.release(2)?;
/// assert_eq!(made.release(1), Err(ReleaseError::OverRelease));
/// made.acquire()?;
/// assert_eq!(made.count(), 1);
/// # Ok::<(), crossproc::Error>(())
/// ```
pub struct CountingSemaphore {
    place: Place,
}

handle! {
    impl CountingSemaphore, "semaphore", place;
    /// Its maximum is 2147483647.
    fn new(count: u32);
    /// Always 0: nobody owns what is counted.
    fn repairs();
}

debug_by_name!(impl CountingSemaphore);

impl CountingSemaphore {
    /// Creates an anonymous semaphore with a maximum: releasing more is refused.
    ///
    /// # Errors
    ///
    /// As for [`new`](CountingSemaphore::new); the maximum has to be between 1 and 2³¹ - 1.
    pub fn bounded(count: u32, maximum: u32) -> Result<Self> {
        Self::options().count(count).maximum(maximum).anonymous()
    }

    /// Takes 1, and blocks while there is none.
    ///
    /// # Errors
    ///
    /// [`Fault`].
    #[inline]
    pub fn acquire(&self) -> Result<(), Fault> {
        match self.acquire_within(Patience::Forever) {
            Err(TryAcquireError::WouldBlock) => unreachable!("without a deadline it waits"),
            Err(TryAcquireError::Fault(fault)) => Err(fault),
            Ok(()) => Ok(()),
        }
    }

    /// Takes 1 if there is one. Never blocks.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](TryAcquireError::WouldBlock), [`Fault`](TryAcquireError::Fault).
    #[inline]
    pub fn try_acquire(&self) -> Result<(), TryAcquireError> {
        self.acquire_within(Patience::None)
    }

    /// Takes 1, and blocks up to `timeout`.
    ///
    /// # Errors
    ///
    /// [`Timeout`](WaitTimeoutError::Timeout), [`Fault`](WaitTimeoutError::Fault).
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<(), WaitTimeoutError> {
        self.acquire_within(Patience::timeout(timeout))
            .map_err(TryAcquireError::of_timeout)
    }

    /// Takes 1, and blocks until `deadline`.
    ///
    /// # Errors
    ///
    /// As for [`acquire_timeout`](CountingSemaphore::acquire_timeout).
    pub fn acquire_deadline(&self, deadline: Instant) -> Result<(), WaitTimeoutError> {
        self.acquire_within(Patience::Until(deadline))
            .map_err(TryAcquireError::of_timeout)
    }

    /// Adds `count`, and wakes as many who wait. Never blocks. All of it, or nothing.
    ///
    /// # Errors
    ///
    /// [`OverRelease`](ReleaseError::OverRelease) if it would be more than the maximum, [`Fault`](ReleaseError::Fault).
    #[inline]
    pub fn release(&self, count: u32) -> Result<(), ReleaseError> {
        // Should this thread die before it has rung, those who sleep must know it.
        let attachment = &self.place.attachment;
        attachment.participant().map_err(ReleaseError::Fault)?;
        let more = |now: u64| {
            let sum = now.checked_add(count.into())?;
            (sum <= self.place.capacity()).then_some(sum)
        };
        // Release: pairs with the Acquire of whoever acquires it.
        self.word()
            .fetch_update(Ordering::Release, Ordering::Relaxed, more)
            .map_err(|now| match now {
                _ if now > self.place.capacity() => ReleaseError::Fault(CORRUPTED),
                _ => ReleaseError::OverRelease,
            })?;
        if count > 0 {
            self.place.bell(BELL).ring(count.min(i32::MAX as u32));
        }
        Ok(())
    }

    /// How many can be acquired at this moment.
    pub fn count(&self) -> u32 {
        u32::try_from(self.word().load(Ordering::Acquire)).unwrap_or(u32::MAX)
    }

    /// The most that [`count`](CountingSemaphore::count) can be.
    pub fn maximum(&self) -> u32 {
        self.place.capacity() as u32
    }

    /// What is rung when something is released.
    pub(crate) fn bell(&self) -> (&Place, usize) {
        (&self.place, BELL)
    }

    /// Whether there is something to acquire.
    pub(crate) fn is_ready(&self) -> bool {
        self.count() > 0
    }

    #[inline]
    fn acquire_within(&self, patience: Patience) -> Result<(), TryAcquireError> {
        let attachment = &self.place.attachment;
        attachment.participant().map_err(TryAcquireError::Fault)?;
        if let Some(outcome) = self.take_one() {
            return outcome;
        }
        block_until(attachment, self.place.word(BELL), patience, || {
            self.take_one()
        })
        .unwrap_or(Err(TryAcquireError::WouldBlock))
    }

    #[inline]
    fn take_one(&self) -> Option<Result<(), TryAcquireError>> {
        let word = self.word();
        let mut now = word.load(Ordering::Relaxed);
        while now > 0 {
            if now > self.place.capacity() {
                return Some(Err(TryAcquireError::Fault(CORRUPTED)));
            }
            // Acquire: pairs with the Release in `release`.
            match word.compare_exchange_weak(now, now - 1, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return Some(Ok(())),
                Err(other) => now = other,
            }
        }
        None
    }

    #[inline]
    fn word(&self) -> &AtomicU64 {
        self.place.long(COUNT)
    }
}

const CORRUPTED: Fault = Fault::Corrupted("a semaphore's count is above its maximum");

impl Options<CountingSemaphore> {
    /// What the count begins with. Needed to create; an existing semaphore keeps its own.
    pub fn count(self, count: u32) -> Self {
        self.beginning(u64::from(count).to_ne_bytes().into())
    }

    /// The most the count can be, 2³¹ - 1 unless set. When set, an existing semaphore has to have the same.
    pub fn maximum(self, maximum: u32) -> Self {
        self.sized(maximum.into())
    }
}

impl Primitive for CountingSemaphore {
    type Element = ();
    const KIND: Kind = Kind::CountingSemaphore;
    const NEEDS_VALUE: bool = true;
    const CAPACITY: Capacity = Capacity {
        what: "a semaphore's maximum",
        default: Some(MOST),
        most: MOST,
        rule: "it has to be between 1 and 2147483647",
    };

    fn body_len(_: Size) -> Option<u64> {
        Some(16)
    }

    fn check_initial(size: Size, initial: &[u8]) -> Result<()> {
        let count = initial.try_into().map_or(0, u64::from_ne_bytes);
        if count <= size.capacity {
            return Ok(());
        }
        Err(crate::Error::InvalidSize {
            what: "a semaphore's count",
            found: count,
            reason: "it cannot be above the maximum",
        })
    }

    fn attach(place: Place) -> Result<Self> {
        Ok(CountingSemaphore { place })
    }
}

impl TryAcquireError {
    /// From here on up, `WouldBlock` also stands for "not in time".
    pub(super) fn of_timeout(self) -> WaitTimeoutError {
        match self {
            TryAcquireError::WouldBlock => WaitTimeoutError::Timeout,
            TryAcquireError::Fault(fault) => WaitTimeoutError::Fault(fault),
        }
    }
}
