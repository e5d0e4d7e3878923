//! The semaphore whose permits come back.

use std::fmt;
use std::time::{Duration, Instant};

use super::permits::{self, Permits};
use crate::atomic::AtomicU64;
use crate::error::{Fault, Result, TryAcquireError, WaitTimeoutError};
use crate::handle::{debug_by_name, handle};
use crate::liveness::current_thread;
use crate::owner::Owner;
use crate::place::Place;
use crate::segment::{Capacity, Kind, Options, Primitive, Size};
use crate::wait::{Patience, block_until};

const BELL: usize = 0;
const CLAIMS: usize = 64;
const CLAIM: usize = 8;

/// So many that looking through all of them takes a millisecond.
const MOST: u64 = 1 << 20;

/// So many claims share a cache line.
const PER_LINE: usize = CLAIMS / CLAIM;

/// A number of permits, of which each is held by one process at a time.
///
/// A permit comes back when its guard is dropped, and when the process that holds it dies, at whatever instruction. There are never
/// more of them than there were at first: what was not acquired cannot be released. Acquiring costs one locked instruction, and a
/// look at the permits that are taken. Waiters are not served in any order.
///
/// For signals, and where one process acquires and another releases, there is
/// [`CountingSemaphore`](crate::CountingSemaphore).
///
/// ```
/// use crossproc::Semaphore;
///
/// let downloads = Semaphore::new(2)?;
/// let one = downloads.acquire()?;
/// let two = downloads.acquire()?;
/// assert!(downloads.try_acquire().is_err());
/// drop(one);
/// assert_eq!(downloads.available(), 1);
/// # drop(two);
/// # Ok::<(), crossproc::Error>(())
/// ```
pub struct Semaphore {
    place: Place,
}

handle! {
    impl Semaphore, "semaphore", place;
    /// The number of permits has to be between 1 and 1048576.
    fn new(permits: usize);
    /// How often, since the semaphore was created, a permit was taken over from a process that had died.
    fn repairs();
}

debug_by_name!(impl Semaphore);

impl Semaphore {
    /// Acquires a permit. Blocks while live processes hold all of them.
    ///
    /// # Errors
    ///
    /// [`Fault`] if this thread cannot take part in the segment.
    #[inline]
    pub fn acquire(&self) -> Result<Permit<'_>, Fault> {
        match self.acquire_within(Patience::Forever) {
            Err(TryAcquireError::WouldBlock) => unreachable!("without a deadline it waits"),
            Err(TryAcquireError::Fault(fault)) => Err(fault),
            Ok(permit) => Ok(permit),
        }
    }

    /// Acquires a permit, unless live processes hold all of them. Never blocks.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](TryAcquireError::WouldBlock), [`Fault`](TryAcquireError::Fault).
    #[inline]
    pub fn try_acquire(&self) -> Result<Permit<'_>, TryAcquireError> {
        self.acquire_within(Patience::None)
    }

    /// Acquires a permit, and blocks up to `timeout`.
    ///
    /// # Errors
    ///
    /// [`Timeout`](WaitTimeoutError::Timeout), [`Fault`](WaitTimeoutError::Fault).
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<Permit<'_>, WaitTimeoutError> {
        self.acquire_within(Patience::timeout(timeout))
            .map_err(TryAcquireError::of_timeout)
    }

    /// Acquires a permit, and blocks until `deadline`.
    ///
    /// # Errors
    ///
    /// As for [`acquire_timeout`](Semaphore::acquire_timeout).
    pub fn acquire_deadline(&self, deadline: Instant) -> Result<Permit<'_>, WaitTimeoutError> {
        self.acquire_within(Patience::Until(deadline))
            .map_err(TryAcquireError::of_timeout)
    }

    /// How many permits no live process holds at this moment.
    pub fn available(&self) -> usize {
        permits::available(&self.place)
    }

    /// How many permits there are.
    pub fn permits(&self) -> usize {
        self.place.capacity() as usize
    }

    /// What is rung when a permit comes back.
    pub(crate) fn bell(&self) -> (&Place, usize) {
        (&self.place, BELL)
    }

    /// Whether there is a permit.
    pub(crate) fn is_ready(&self) -> bool {
        permits::is_available(&self.place)
    }

    #[inline]
    fn acquire_within(&self, patience: Patience) -> Result<Permit<'_>, TryAcquireError> {
        let place = &self.place;
        let participant = place
            .attachment
            .participant()
            .map_err(TryAcquireError::Fault)?;
        let process = participant.process;
        let from = participant.index() as usize * PER_LINE;
        let attempt = || permits::try_acquire(place, from, process);
        let acquired = attempt()
            .or_else(|| block_until(&place.attachment, place.word(BELL), patience, attempt))
            .ok_or(TryAcquireError::WouldBlock)?;
        if acquired.inherited {
            place.attachment.repaired();
        }
        Ok(Permit {
            place,
            index: acquired.index,
            process,
            thread: current_thread(),
        })
    }
}

impl Permits for Place {
    #[inline]
    fn count(&self) -> usize {
        self.capacity() as usize
    }

    #[inline]
    fn claim(&self, index: usize) -> &AtomicU64 {
        self.long(CLAIMS + index * CLAIM)
    }

    fn is_live(&self, owner: Owner) -> bool {
        self.attachment.is_process_live(owner)
    }
}

impl Options<Semaphore> {
    /// How many permits there are. Needed to create; when set, an existing semaphore has to have the same.
    pub fn permits(self, permits: usize) -> Self {
        self.sized(permits as u64)
    }
}

impl Primitive for Semaphore {
    type Element = ();
    const KIND: Kind = Kind::Semaphore;
    const CAPACITY: Capacity = Capacity {
        what: "a semaphore's number of permits",
        default: None,
        most: MOST,
        rule: "it has to be between 1 and 1048576",
    };

    fn body_len(size: Size) -> Option<u64> {
        size.capacity
            .checked_mul(CLAIM as u64)?
            .checked_add(CLAIMS as u64)
    }

    fn attach(place: Place) -> Result<Self> {
        Ok(Semaphore { place })
    }
}

/// A permit of a [`Semaphore`]. Dropping it gives it back.
///
/// The process holds it: it can move to other threads. In a forked child it is a copy that gives nothing back.
pub struct Permit<'a> {
    place: &'a Place,
    index: usize,
    process: Owner,
    /// The thread that acquired it.
    thread: u64,
}

impl Drop for Permit<'_> {
    #[inline]
    fn drop(&mut self) {
        let attachment = &self.place.attachment;
        if self.thread != current_thread() {
            if attachment.known_process() != Some(self.process) {
                return;
            }
            // Should this thread die before it has rung, those who sleep must know it.
            let _ = attachment.participant();
        }
        permits::release(self.place, self.index);
        self.place.bell(BELL).ring(1);
    }
}

impl fmt::Debug for Permit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit")
            .field("number", &self.index)
            .finish_non_exhaustive()
    }
}
