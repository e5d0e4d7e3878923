//! The flag that can be waited for.
//!
//! One 64-bit word and a bell:
//!
//! | bit | meaning |
//! |---|---|
//! | 0 | set |
//! | 1.. | how often it has been set |
//!
//! A waiter remembers how often it had been set when it came, and goes when it is set, or has been set since: one that was waiting
//! is served even if the event is reset again before it runs.
//!
//! | step | if the actor dies after it |
//! |---|---|
//! | set: the word, by compare-and-swap: **the commit** | it is set; whoever sleeps learns of the death, and looks |
//! | set: ring the bell | done |
//! | reset: the word, by compare-and-swap: **the commit** | it is reset |
//! | wait: arm the bell, sleep | the next ring makes a system call in vain |

use std::time::{Duration, Instant};

use crate::atomic::{AtomicU64, Ordering};
use crate::error::{Fault, Result, WaitTimeoutError};
use crate::handle::{debug_by_name, handle};
use crate::place::Place;
use crate::segment::{Capacity, Kind, Primitive, Size};
use crate::wait::{Patience, block_until};

const WORD: usize = 0;
const BELL: usize = 8;

const SET: u64 = 1;
const ONCE: u64 = 2;

/// A flag that any number of threads can wait for until it is set. It stays set until it is reset.
///
/// Waiters that die, whether asleep or awake, leave nothing behind that others would wait for.
///
/// ```
/// use crossproc::{Event, process};
///
/// # crossproc::init();
/// let go = Event::new()?;
/// let child = process::spawn(|go: Event| go.wait().is_ok(), go.clone())?;
/// go.set()?;
/// assert!(child.join()?);
/// # Ok::<(), crossproc::Error>(())
/// ```
pub struct Event {
    place: Place,
}

handle! {
    impl Event, "event, not set", place;
    fn new();
    /// Always 0: nobody owns an event.
    fn repairs();
}

debug_by_name!(impl Event);

impl Event {
    /// Sets it, and wakes everyone who waits. Never blocks. Whether it was not set before.
    ///
    /// # Errors
    ///
    /// [`Fault`] if this thread cannot take part in the segment.
    #[inline]
    pub fn set(&self) -> Result<bool, Fault> {
        let changed =
            self.change(|word| (word & SET == 0).then(|| word.wrapping_add(ONCE) | SET))?;
        // Also if it was set: whoever set it may have been stopped before it rang.
        self.place.bell(BELL).ring_all();
        Ok(changed)
    }

    /// Resets it: from now on, whoever comes waits. Never blocks. Whether it was set before.
    ///
    /// # Errors
    ///
    /// As for [`set`](Event::set).
    #[inline]
    pub fn reset(&self) -> Result<bool, Fault> {
        self.change(|word| (word & SET != 0).then_some(word & !SET))
    }

    fn change(&self, to: impl Fn(u64) -> Option<u64>) -> Result<bool, Fault> {
        // Should this thread die before it has rung, those who sleep must know it.
        self.place.attachment.participant()?;
        // Release: pairs with the Acquire in `wait`; what was done before setting it is visible after waiting.
        let changed = self
            .word()
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, to);
        Ok(changed.is_ok())
    }

    /// Whether it is set.
    #[inline]
    pub fn is_set(&self) -> bool {
        self.word().load(Ordering::Acquire) & SET != 0
    }

    /// Blocks until it is set; not at all if it is.
    ///
    /// # Errors
    ///
    /// [`Fault`] if this thread cannot take part in the segment.
    #[inline]
    pub fn wait(&self) -> Result<(), Fault> {
        match self.wait_within(Patience::Forever) {
            Err(WaitTimeoutError::Timeout) => unreachable!("without a deadline it waits"),
            Err(WaitTimeoutError::Fault(fault)) => Err(fault),
            Ok(()) => Ok(()),
        }
    }

    /// The same, up to `timeout`.
    ///
    /// # Errors
    ///
    /// [`Timeout`](WaitTimeoutError::Timeout), [`Fault`](WaitTimeoutError::Fault).
    pub fn wait_timeout(&self, timeout: Duration) -> Result<(), WaitTimeoutError> {
        self.wait_within(Patience::timeout(timeout))
    }

    /// The same, until `deadline`.
    ///
    /// # Errors
    ///
    /// As for [`wait_timeout`](Event::wait_timeout).
    pub fn wait_deadline(&self, deadline: Instant) -> Result<(), WaitTimeoutError> {
        self.wait_within(Patience::Until(deadline))
    }

    #[inline]
    fn wait_within(&self, patience: Patience) -> Result<(), WaitTimeoutError> {
        let attachment = &self.place.attachment;
        attachment.participant().map_err(WaitTimeoutError::Fault)?;
        let first = self.mark();
        if first & SET != 0 {
            return Ok(());
        }
        block_until(attachment, self.place.word(BELL), patience, || {
            self.has_been_set_since(first).then_some(())
        })
        .ok_or(WaitTimeoutError::Timeout)
    }

    /// What is rung when it is set.
    pub(crate) fn bell(&self) -> (&Place, usize) {
        (&self.place, BELL)
    }

    /// For [`has_been_set_since`](Event::has_been_set_since), before the wait begins.
    pub(crate) fn mark(&self) -> u64 {
        self.word().load(Ordering::Acquire)
    }

    /// Whether one who has waited since `mark` was made has waited long enough.
    #[inline]
    pub(crate) fn has_been_set_since(&self, mark: u64) -> bool {
        let now = self.word().load(Ordering::Acquire);
        now & SET != 0 || now != mark
    }

    #[inline]
    fn word(&self) -> &AtomicU64 {
        self.place.long(WORD)
    }
}

impl Primitive for Event {
    type Element = ();
    const KIND: Kind = Kind::Event;
    const CAPACITY: Capacity = Capacity::ONE;

    fn body_len(_: Size) -> Option<u64> {
        Some(16)
    }

    fn attach(place: Place) -> Result<Self> {
        Ok(Event { place })
    }
}
