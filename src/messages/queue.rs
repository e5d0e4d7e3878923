//! The queue for bytes.

use std::time::{Duration, Instant};

use super::common::common;
use super::exchange::Messages;
use super::held::{Lease, Loan, Message};
use super::memory;
use super::transfer::Purpose;
use crate::error::{
    LoanError, LoanTimeoutError, RecvError, RecvTimeoutError, Result, TryLoanError, TryRecvError,
};
use crate::handle::handle;
use crate::place::Place;
use crate::segment::{Capacity, Kind, Options, Primitive, Size};
use crate::wait::Patience;

/// A queue for messages of any size, without copying them: see the [module](super).
///
/// Clones and handles opened elsewhere refer to the same queue. A handle can be used by any number of threads at once, and
/// travels in the arguments of [`process::spawn`](crate::process::spawn).
pub struct MessageQueue {
    pub(super) messages: Messages,
}

pub(super) const CAPACITY: Capacity = Capacity {
    what: "a queue's memory",
    default: None,
    most: 1 << 47,
    rule: "give the number of bytes it is to have for messages, at least 1",
};

handle! {
    impl MessageQueue, "queue for messages", messages.words.place;
    /// It has `memory` bytes for messages, rounded up to whole blocks.
    fn new(memory: usize);
    /// How often, since the queue was created, something was taken back from the dead: memory, a place in the queue, or a message to be
    /// delivered to another.
    fn repairs();
}

impl Options<MessageQueue> {
    /// How many bytes it has for messages. Needed to create; when set, an existing one has to have the same.
    pub fn memory(self, bytes: usize) -> Self {
        self.sized(bytes as u64)
    }
}

impl MessageQueue {
    /// Takes memory for a message of `len` bytes, to be filled and sent. Blocks while there is no room for it in one piece. Large messages
    /// may have to wait long where small ones are sent all the time.
    ///
    /// # Errors
    ///
    /// [`Oversized`](LoanError::Oversized), [`Closed`](LoanError::Closed), [`Fault`](LoanError::Fault).
    #[inline]
    pub fn loan(&self, len: usize) -> Result<Loan<'_>, LoanError> {
        self.loan_within(len, Patience::Forever)
            .map_err(TryLoanError::of_loan)
    }

    /// The same if there is room. Never blocks.
    ///
    /// # Errors
    ///
    /// [`Full`](TryLoanError::Full), and those of [`loan`](MessageQueue::loan).
    #[inline]
    pub fn try_loan(&self, len: usize) -> Result<Loan<'_>, TryLoanError> {
        self.loan_within(len, Patience::None)
    }

    /// The same, and blocks up to `timeout`.
    ///
    /// # Errors
    ///
    /// [`Timeout`](LoanTimeoutError::Timeout), and those of [`loan`](MessageQueue::loan).
    pub fn loan_timeout(
        &self,
        len: usize,
        timeout: Duration,
    ) -> Result<Loan<'_>, LoanTimeoutError> {
        self.loan_within(len, Patience::timeout(timeout))
            .map_err(TryLoanError::of_timeout)
    }

    /// The same, and blocks until `deadline`.
    ///
    /// # Errors
    ///
    /// As for [`loan_timeout`](MessageQueue::loan_timeout).
    pub fn loan_deadline(
        &self,
        len: usize,
        deadline: Instant,
    ) -> Result<Loan<'_>, LoanTimeoutError> {
        self.loan_within(len, Patience::Until(deadline))
            .map_err(TryLoanError::of_timeout)
    }

    /// Sends a copy of `bytes`, and blocks while there is no room for it.
    ///
    /// # Errors
    ///
    /// As for [`loan`](MessageQueue::loan). Nothing was sent then.
    #[inline]
    pub fn send(&self, bytes: &[u8]) -> Result<(), LoanError> {
        self.send_within(bytes, Patience::Forever)
            .map_err(TryLoanError::of_loan)
    }

    /// Sends a copy of `bytes` if there is room. Never blocks.
    ///
    /// # Errors
    ///
    /// As for [`try_loan`](MessageQueue::try_loan). Nothing was sent then.
    #[inline]
    pub fn try_send(&self, bytes: &[u8]) -> Result<(), TryLoanError> {
        self.send_within(bytes, Patience::None)
    }

    /// Sends a copy of `bytes`, and blocks up to `timeout`.
    ///
    /// # Errors
    ///
    /// As for [`loan_timeout`](MessageQueue::loan_timeout). Nothing was sent then.
    pub fn send_timeout(&self, bytes: &[u8], timeout: Duration) -> Result<(), LoanTimeoutError> {
        self.send_within(bytes, Patience::timeout(timeout))
            .map_err(TryLoanError::of_timeout)
    }

    /// Sends a copy of `bytes`, and blocks until `deadline`.
    ///
    /// # Errors
    ///
    /// As for [`loan_timeout`](MessageQueue::loan_timeout). Nothing was sent then.
    pub fn send_deadline(&self, bytes: &[u8], deadline: Instant) -> Result<(), LoanTimeoutError> {
        self.send_within(bytes, Patience::Until(deadline))
            .map_err(TryLoanError::of_timeout)
    }

    /// Receives the oldest message, and blocks while there is none.
    ///
    /// # Errors
    ///
    /// [`Closed`](RecvError::Closed) when the queue is closed, and neither is anything left nor on lease to another process;
    /// [`Fault`](RecvError::Fault).
    #[inline]
    pub fn recv(&self) -> Result<Message<'_>, RecvError> {
        self.recv_within(Patience::Forever)
            .map_err(TryRecvError::of_recv)
    }

    /// Receives the oldest message if there is one. Never blocks.
    ///
    /// # Errors
    ///
    /// [`Empty`](TryRecvError::Empty), and those of [`recv`](MessageQueue::recv).
    #[inline]
    pub fn try_recv(&self) -> Result<Message<'_>, TryRecvError> {
        self.recv_within(Patience::None)
    }

    /// Receives the oldest message, and blocks while there is none, up to `timeout`.
    ///
    /// # Errors
    ///
    /// [`Timeout`](RecvTimeoutError::Timeout), and those of [`recv`](MessageQueue::recv).
    pub fn recv_timeout(&self, timeout: Duration) -> Result<Message<'_>, RecvTimeoutError> {
        self.recv_within(Patience::timeout(timeout))
            .map_err(TryRecvError::of_recv_timeout)
    }

    /// Receives the oldest message, and blocks while there is none, until `deadline`.
    ///
    /// # Errors
    ///
    /// As for [`recv_timeout`](MessageQueue::recv_timeout).
    pub fn recv_deadline(&self, deadline: Instant) -> Result<Message<'_>, RecvTimeoutError> {
        self.recv_within(Patience::Until(deadline))
            .map_err(TryRecvError::of_recv_timeout)
    }

    /// Receives the oldest message on lease, and blocks while there is none.
    ///
    /// # Errors
    ///
    /// As for [`recv`](MessageQueue::recv).
    #[inline]
    pub fn lease(&self) -> Result<Lease<'_>, RecvError> {
        self.lease_within(Patience::Forever)
            .map_err(TryRecvError::of_recv)
    }

    /// Receives the oldest message on lease if there is one. Never blocks.
    ///
    /// # Errors
    ///
    /// As for [`try_recv`](MessageQueue::try_recv).
    #[inline]
    pub fn try_lease(&self) -> Result<Lease<'_>, TryRecvError> {
        self.lease_within(Patience::None)
    }

    /// Receives the oldest message on lease, and blocks while there is none, up to `timeout`.
    ///
    /// # Errors
    ///
    /// As for [`recv_timeout`](MessageQueue::recv_timeout).
    pub fn lease_timeout(&self, timeout: Duration) -> Result<Lease<'_>, RecvTimeoutError> {
        self.lease_within(Patience::timeout(timeout))
            .map_err(TryRecvError::of_recv_timeout)
    }

    /// Receives the oldest message on lease, and blocks while there is none, until `deadline`.
    ///
    /// # Errors
    ///
    /// As for [`recv_timeout`](MessageQueue::recv_timeout).
    pub fn lease_deadline(&self, deadline: Instant) -> Result<Lease<'_>, RecvTimeoutError> {
        self.lease_within(Patience::Until(deadline))
            .map_err(TryRecvError::of_recv_timeout)
    }

    #[inline]
    fn loan_within(&self, len: usize, patience: Patience) -> Result<Loan<'_>, TryLoanError> {
        self.messages.loan(len, patience).map(Loan::new)
    }

    #[inline]
    fn send_within(&self, bytes: &[u8], patience: Patience) -> Result<(), TryLoanError> {
        self.messages.send(bytes, patience)
    }

    #[inline]
    fn recv_within(&self, patience: Patience) -> Result<Message<'_>, TryRecvError> {
        let received = self.messages.receive(Purpose::Keep, patience);
        received.map(|(held, _)| Message::new(held))
    }

    #[inline]
    fn lease_within(&self, patience: Patience) -> Result<Lease<'_>, TryRecvError> {
        let received = self.messages.receive(Purpose::Lease, patience);
        received.map(|(held, deliveries)| Lease::new(held, deliveries))
    }
}

common!(impl MessageQueue);

impl Primitive for MessageQueue {
    type Element = ();
    const KIND: Kind = Kind::MessageQueue;
    const CAPACITY: Capacity = CAPACITY;

    fn body_len(size: Size) -> Option<u64> {
        memory::body_len(size)
    }

    fn attach(place: Place) -> Result<Self> {
        Ok(MessageQueue {
            messages: Messages::of(place),
        })
    }
}
