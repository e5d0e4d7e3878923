//! The value that is created once.
//!
//! One claim ([`super::claim`]) whose holder is a thread, a bell, and the value. Vacant: there is no value yet. Held: somebody is about to
//! make it. Closed: it is there, for good.
//!
//! | step | if the actor dies after it |
//! |---|---|
//! | take the claim | the claim names a dead holder: the next who comes takes it, and makes the value |
//! | make the value, write it | the same |
//! | close the claim: **the commit** | the value is there; a sleeper learns of the death, and looks |
//! | ring the bell | done |

use std::marker::PhantomData;
use std::time::{Duration, Instant};

use super::claim::{Claim, Holder};
use super::guarded::{self, BELL, CLAIM, NOT_A_LOCK, NOT_A_VALUE, VALUES};
use super::lock::{self, Refused};
use crate::atomic::Ordering;
use crate::element::Element;
use crate::error::{Fault, LockError, Result, TryLockError, WaitTimeoutError};
use crate::handle::{debug_by_name, handle};
use crate::liveness::current_thread;
use crate::place::Place;
use crate::segment::{Capacity, Kind, Primitive, Size};
use crate::wait::{Patience, block_until};

/// A value shared by processes that whoever comes first creates; `OnceLock<()>` for something that is to be done once.
///
/// If the creating process dies, or its function panics or fails, there is no value yet, and the next one creates it. Once
/// there, it never changes; reading it is a copy.
///
/// ```
/// use crossproc::OnceLock;
///
/// let seed = OnceLock::new()?;
/// assert_eq!(seed.get()?, None);
/// assert_eq!(seed.get_or_init(|| 42u64)?, 42);
/// assert_eq!(seed.get_or_init(|| unreachable!())?, 42);
/// # Ok::<(), crossproc::Error>(())
/// ```
pub struct OnceLock<T: Element> {
    place: Place,
    value: PhantomData<fn() -> T>,
}

handle! {
    impl<T: Element> OnceLock<T>, "once lock, without a value", place;
    fn new();
    /// How often, since it was created, somebody took over from one that had died while making the value.
    fn repairs();
}

debug_by_name!(impl<T: Element> OnceLock<T>);

impl<T: Element> OnceLock<T> {
    /// The value, if it is there. Never blocks.
    ///
    /// # Errors
    ///
    /// [`Fault`] if what is there is no value.
    #[inline]
    pub fn get(&self) -> Result<Option<T>, Fault> {
        match Claim::load(self.place.long(CLAIM)).holder() {
            Holder::Closed => self.place.read(VALUES).check().ok_or(NOT_A_VALUE).map(Some),
            Holder::Garbage => Err(NOT_A_LOCK),
            Holder::Vacant | Holder::Someone(_) => Ok(None),
        }
    }

    /// The value; if it is not there, that of `init`. Blocks while another live thread makes it.
    ///
    /// # Errors
    ///
    /// [`Deadlock`](LockError::Deadlock) if `init` asks for the value itself; [`Fault`](LockError::Fault).
    #[inline]
    pub fn get_or_init(&self, init: impl FnOnce() -> T) -> Result<T, LockError<()>> {
        match self.get_or_try_init(|| Ok::<T, std::convert::Infallible>(init()))? {
            Ok(value) => Ok(value),
            Err(never) => match never {},
        }
    }

    /// The value; if it is not there, that of `init`, unless `init` fails: then there still is none. Blocks while another
    /// live thread makes it.
    ///
    /// # Errors
    ///
    /// Outside, as for [`get_or_init`](OnceLock::get_or_init); inside, the error of `init`.
    #[inline]
    pub fn get_or_try_init<E>(
        &self,
        init: impl FnOnce() -> Result<T, E>,
    ) -> Result<Result<T, E>, LockError<()>> {
        if let Some(value) = self.get().map_err(LockError::Fault)? {
            return Ok(Ok(value));
        }
        self.init(init)
    }

    /// Makes `value` the value, if there is none. Blocks while another live thread makes one.
    ///
    /// # Errors
    ///
    /// `Ok(Err(value))` hands it back if there is one already; [`Deadlock`](LockError::Deadlock) in the function that makes it;
    /// [`Fault`](LockError::Fault).
    pub fn set(&self, value: T) -> Result<Result<(), T>, LockError<()>> {
        let mut mine = false;
        self.get_or_init(|| {
            mine = true;
            value
        })?;
        Ok(if mine { Ok(()) } else { Err(value) })
    }

    /// Blocks until somebody has made the value; the value.
    ///
    /// # Errors
    ///
    /// [`Fault`].
    pub fn wait(&self) -> Result<T, Fault> {
        match self.wait_within(Patience::Forever) {
            Err(WaitTimeoutError::Timeout) => unreachable!("without a deadline it waits"),
            Err(WaitTimeoutError::Fault(fault)) => Err(fault),
            Ok(value) => Ok(value),
        }
    }

    /// The same, up to `timeout`.
    ///
    /// # Errors
    ///
    /// [`Timeout`](WaitTimeoutError::Timeout), [`Fault`](WaitTimeoutError::Fault).
    pub fn wait_timeout(&self, timeout: Duration) -> Result<T, WaitTimeoutError> {
        self.wait_within(Patience::timeout(timeout))
    }

    /// The same, until `deadline`.
    ///
    /// # Errors
    ///
    /// As for [`wait_timeout`](OnceLock::wait_timeout).
    pub fn wait_deadline(&self, deadline: Instant) -> Result<T, WaitTimeoutError> {
        self.wait_within(Patience::Until(deadline))
    }

    fn wait_within(&self, patience: Patience) -> Result<T, WaitTimeoutError> {
        let attachment = &self.place.attachment;
        attachment.participant().map_err(WaitTimeoutError::Fault)?;
        let attempt = || self.get().transpose();
        let value =
            attempt().or_else(|| block_until(attachment, self.place.word(BELL), patience, attempt));
        value
            .ok_or(WaitTimeoutError::Timeout)?
            .map_err(WaitTimeoutError::Fault)
    }

    #[cold]
    fn init<E>(&self, init: impl FnOnce() -> Result<T, E>) -> Result<Result<T, E>, LockError<()>> {
        let place = &self.place;
        let attachment = &place.attachment;
        let me = attachment.participant().map_err(LockError::Fault)?.owner;
        let attempt = || {
            let is_live = |owner| attachment.is_thread_live(owner);
            match lock::try_lock(place.long(CLAIM), me, is_live) {
                Err(Refused::Busy) => None,
                outcome => Some(outcome),
            }
        };
        let taken = attempt()
            .or_else(|| block_until(attachment, place.word(BELL), Patience::Forever, attempt))
            .expect("without a deadline it waits");
        match taken {
            Ok(locked) => {
                if locked.inherited {
                    attachment.repaired();
                }
            }
            // Somebody else has made it meanwhile.
            Err(Refused::Closed) => {
                let value = self.get().map_err(LockError::Fault)?;
                return value.map(Ok).ok_or(LockError::Fault(NOT_A_LOCK));
            }
            Err(refused) => return Err(TryLockError::from(refused).of_lock()),
        }
        let mut making = Making {
            place,
            thread: current_thread(),
            then: Claim::vacant(0),
        };
        let value = init();
        if let Ok(value) = &value {
            making.finish(value);
        }
        Ok(value)
    }
}

/// The calling thread makes the value.
struct Making<'a> {
    place: &'a Place,
    thread: u64,
    /// What becomes of the claim.
    then: Claim,
}

impl Making<'_> {
    /// False if `init` forked, in the child: there the value is for itself, and the parent goes on making it for all.
    fn is_mine(&self) -> bool {
        self.thread == current_thread()
    }

    fn finish<T: Element>(&mut self, value: &T) {
        if self.is_mine() {
            self.place.write(VALUES, value);
            self.then = Claim::closed(0);
        }
    }
}

impl Drop for Making<'_> {
    fn drop(&mut self) {
        if self.is_mine() {
            // Release: pairs with the Acquire of whoever finds the value there, or makes it instead.
            self.place.long(CLAIM).store(self.then.0, Ordering::Release);
            self.place.bell(BELL).ring_all();
        }
    }
}

impl<T: Element> Primitive for OnceLock<T> {
    type Element = T;
    const KIND: Kind = Kind::OnceLock;
    const CAPACITY: Capacity = Capacity::ONE;

    fn body_len(size: Size) -> Option<u64> {
        Some(guarded::end(size.element_size))
    }

    fn attach(place: Place) -> Result<Self> {
        Ok(OnceLock {
            place,
            value: PhantomData,
        })
    }
}
