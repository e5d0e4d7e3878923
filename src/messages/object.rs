//! The queue for values that serde can serialise.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::time::{Duration, Instant};

use super::common::common;
use super::exchange::Messages;
use super::held::Lease;
use super::memory;
use super::queue::CAPACITY;
use super::transfer::Purpose;
use crate::error::{
    LoanError, LoanTimeoutError, RecvError, RecvTimeoutError, Result, TryLoanError, TryRecvError,
};
use crate::handle::handle;
use crate::object::{self, Object};
use crate::place::Place;
use crate::segment::{Capacity, ElementLayout, Kind, Options, Primitive, Size};
use crate::wait::Patience;

/// A queue for values of any type that serde can serialise: see the [module](super).
///
/// Whoever opens one by name has to use a type of the same name; whether it is the same type, decoding each value tells. Clones and handles opened elsewhere refer to the same queue. A handle can be used by any number of threads at once,
/// and travels in the arguments of [`process::spawn`](crate::process::spawn).
///
/// ```
/// use crossproc::ObjectQueue;
///
/// let jobs = ObjectQueue::<(String, Vec<u32>)>::new(1 << 16)?;
/// jobs.send(&("sum".to_owned(), vec![1, 2, 3]))?;
/// let job = jobs.lease()?;
/// let (what, numbers) = &*job;
/// assert_eq!((what.as_str(), numbers.iter().sum::<u32>()), ("sum", 6));
/// job.ack();                          // without this it would be delivered again
/// jobs.wait_idle()?;
/// # Ok::<(), crossproc::Error>(())
/// ```
pub struct ObjectQueue<T: Object> {
    messages: Messages,
    object: PhantomData<fn(T) -> T>,
}

handle! {
    impl<T: Object> ObjectQueue<T>, "queue for objects", messages.words.place;
    /// It has `memory` bytes for values in serialised form, rounded up to whole blocks.
    fn new(memory: usize);
    /// How often, since the queue was created, something was taken back from the dead: memory, a place in the queue, or a value to be
    /// delivered to another.
    fn repairs();
}

impl<T: Object> Options<ObjectQueue<T>> {
    /// How many bytes it has for values in serialised form. Needed to create; when set, an existing one has to have the same.
    pub fn memory(self, bytes: usize) -> Self {
        self.sized(bytes as u64)
    }
}

impl<T: Object> ObjectQueue<T> {
    /// Sends `value`, and blocks while there is no room for it.
    ///
    /// # Errors
    ///
    /// [`Oversized`](LoanError::Oversized), [`Closed`](LoanError::Closed), [`Fault`](LoanError::Fault), of which one is
    /// [`Encode`](crate::Fault::Encode). Nothing was sent then.
    pub fn send(&self, value: &T) -> Result<(), LoanError> {
        self.send_within(value, Patience::Forever)
            .map_err(TryLoanError::of_loan)
    }

    /// Sends `value` if there is room. Never blocks.
    ///
    /// # Errors
    ///
    /// [`Full`](TryLoanError::Full), and those of [`send`](ObjectQueue::send).
    pub fn try_send(&self, value: &T) -> Result<(), TryLoanError> {
        self.send_within(value, Patience::None)
    }

    /// Sends `value`, and blocks up to `timeout`.
    ///
    /// # Errors
    ///
    /// [`Timeout`](LoanTimeoutError::Timeout), and those of [`send`](ObjectQueue::send).
    pub fn send_timeout(&self, value: &T, timeout: Duration) -> Result<(), LoanTimeoutError> {
        self.send_within(value, Patience::timeout(timeout))
            .map_err(TryLoanError::of_timeout)
    }

    /// Sends `value`, and blocks until `deadline`.
    ///
    /// # Errors
    ///
    /// As for [`send_timeout`](ObjectQueue::send_timeout).
    pub fn send_deadline(&self, value: &T, deadline: Instant) -> Result<(), LoanTimeoutError> {
        self.send_within(value, Patience::Until(deadline))
            .map_err(TryLoanError::of_timeout)
    }

    /// Receives the oldest value, and blocks while there is none.
    ///
    /// # Errors
    ///
    /// [`Closed`](RecvError::Closed) when the queue is closed, and neither is anything left nor on lease to another process;
    /// [`Fault`](RecvError::Fault), of which one is [`Decode`](crate::Fault::Decode): what was received is no `T`, and is gone.
    pub fn recv(&self) -> Result<T, RecvError> {
        self.recv_within(Patience::Forever)
            .map_err(TryRecvError::of_recv)
    }

    /// Receives the oldest value if there is one. Never blocks.
    ///
    /// # Errors
    ///
    /// [`Empty`](TryRecvError::Empty), and those of [`recv`](ObjectQueue::recv).
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.recv_within(Patience::None)
    }

    /// Receives the oldest value, and blocks while there is none, up to `timeout`.
    ///
    /// # Errors
    ///
    /// [`Timeout`](RecvTimeoutError::Timeout), and those of [`recv`](ObjectQueue::recv).
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.recv_within(Patience::timeout(timeout))
            .map_err(TryRecvError::of_recv_timeout)
    }

    /// Receives the oldest value, and blocks while there is none, until `deadline`.
    ///
    /// # Errors
    ///
    /// As for [`recv_timeout`](ObjectQueue::recv_timeout).
    pub fn recv_deadline(&self, deadline: Instant) -> Result<T, RecvTimeoutError> {
        self.recv_within(Patience::Until(deadline))
            .map_err(TryRecvError::of_recv_timeout)
    }

    /// Receives the oldest value on lease, and blocks while there is none. A value that cannot be decoded is gone, as it would be from every
    /// receiver.
    ///
    /// # Errors
    ///
    /// As for [`recv`](ObjectQueue::recv).
    pub fn lease(&self) -> Result<ObjectLease<'_, T>, RecvError> {
        self.lease_within(Patience::Forever)
            .map_err(TryRecvError::of_recv)
    }

    /// Receives the oldest value on lease if there is one. Never blocks.
    ///
    /// # Errors
    ///
    /// As for [`try_recv`](ObjectQueue::try_recv).
    pub fn try_lease(&self) -> Result<ObjectLease<'_, T>, TryRecvError> {
        self.lease_within(Patience::None)
    }

    /// Receives the oldest value on lease, and blocks while there is none, up to `timeout`.
    ///
    /// # Errors
    ///
    /// As for [`recv_timeout`](ObjectQueue::recv_timeout).
    pub fn lease_timeout(&self, timeout: Duration) -> Result<ObjectLease<'_, T>, RecvTimeoutError> {
        self.lease_within(Patience::timeout(timeout))
            .map_err(TryRecvError::of_recv_timeout)
    }

    /// Receives the oldest value on lease, and blocks while there is none, until `deadline`.
    ///
    /// # Errors
    ///
    /// As for [`recv_timeout`](ObjectQueue::recv_timeout).
    pub fn lease_deadline(
        &self,
        deadline: Instant,
    ) -> Result<ObjectLease<'_, T>, RecvTimeoutError> {
        self.lease_within(Patience::Until(deadline))
            .map_err(TryRecvError::of_recv_timeout)
    }

    /// Receives until the queue is closed and nothing is left, blocking while it is empty. Ends early if something is wrong; then
    /// [`recv`](ObjectQueue::recv) says what, unless it was a value that could not be decoded.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter(self)
    }

    fn send_within(&self, value: &T, patience: Patience) -> Result<(), TryLoanError> {
        let bytes = object::encode(value).map_err(TryLoanError::Fault)?;
        self.messages.send(&bytes, patience)
    }

    fn recv_within(&self, patience: Patience) -> Result<T, TryRecvError> {
        let (held, _) = self.messages.receive(Purpose::Keep, patience)?;
        object::decode(&held.bytes().to_vec()).map_err(TryRecvError::Fault)
    }

    fn lease_within(&self, patience: Patience) -> Result<ObjectLease<'_, T>, TryRecvError> {
        let (held, deliveries) = self.messages.receive(Purpose::Lease, patience)?;
        // Should decoding panic, the value comes back.
        let lease = Lease::new(held, deliveries);
        match object::decode(&lease.to_vec()) {
            Ok(value) => Ok(ObjectLease { value, lease }),
            Err(fault) => {
                lease.ack();
                Err(TryRecvError::Fault(fault))
            }
        }
    }
}

common!(impl<T: Object> ObjectQueue<T>);

impl<T: Object> Primitive for ObjectQueue<T> {
    type Element = ();
    const KIND: Kind = Kind::ObjectQueue;
    const CAPACITY: Capacity = CAPACITY;

    #[expect(private_interfaces, reason = "for this crate's own use")]
    fn element() -> ElementLayout {
        ElementLayout::serialised::<T>()
    }

    fn body_len(size: Size) -> Option<u64> {
        memory::body_len(size)
    }

    fn attach(place: Place) -> Result<Self> {
        Ok(ObjectQueue {
            messages: Messages::of(place),
            object: PhantomData,
        })
    }
}

/// A value received that is delivered to another unless it is acknowledged: see [`Lease`].
#[must_use = "a lease that is dropped gives the value to the next receiver"]
pub struct ObjectLease<'a, T> {
    value: T,
    lease: Lease<'a>,
}

impl<T> ObjectLease<'_, T> {
    /// Says that the value is done with: **the commit**. Killed before, this process has not done it; killed afterwards, it has. The
    /// value.
    pub fn ack(self) -> T {
        self.lease.ack();
        self.value
    }

    /// How often it was on lease before, without having been acknowledged; at most 65535.
    pub fn deliveries(&self) -> u32 {
        self.lease.deliveries()
    }

    /// Whether it was on lease before: whoever had it may have done some of what it takes.
    pub fn is_redelivered(&self) -> bool {
        self.lease.is_redelivered()
    }
}

impl<T> Deref for ObjectLease<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: fmt::Debug> fmt::Debug for ObjectLease<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectLease")
            .field("value", &self.value)
            .field("deliveries", &self.deliveries())
            .finish_non_exhaustive()
    }
}

/// Receives until the queue is closed and nothing is left: see [`ObjectQueue::iter`].
#[derive(Debug)]
pub struct Iter<'a, T: Object>(&'a ObjectQueue<T>);

impl<T: Object> Iterator for Iter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.recv().ok()
    }
}

impl<'a, T: Object> IntoIterator for &'a ObjectQueue<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}
