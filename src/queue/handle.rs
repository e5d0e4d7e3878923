//! The queue as its users see it.

use std::fmt;
use std::time::{Duration, Instant};

use super::core::{self, Memory, Nothing, Refused};
use super::memory::{self, Words};
use crate::element::Element;
use crate::error::{
    Fault, RecvError, RecvTimeoutError, Result, SendError, SendTimeoutError, TryRecvError,
    TrySendError,
};
use crate::handle::handle;
use crate::liveness::Participant;
use crate::place::Place;
use crate::segment::{Bounded, Kind, Primitive, Size};
use crate::wait::{Bell, Patience, block_until};

/// A handle on a queue: see the [module](super).
///
/// Clones and handles opened elsewhere refer to the same queue. A handle can be used by any number of threads at once, and
/// travels in the arguments of [`process::spawn`](crate::process::spawn).
pub struct Queue<T: Element> {
    pub(super) words: Words<T>,
}

const CORRUPTED: Fault = Fault::Corrupted("the queue's positions contradict each other");
const NOT_A_VALUE: Fault = Fault::Corrupted("what was received is no valid value");

handle! {
    impl<T: Element> Queue<T>, "queue", words.place;
    /// It holds up to `capacity` elements.
    fn new(capacity: usize);
    /// How often, since the queue was created, a survivor gave up a place that a dead sender had claimed.
    fn repairs();
}

impl<T: Element> Queue<T> {
    /// Sends `value` if there is room. Never blocks.
    ///
    /// # Errors
    ///
    /// [`Full`](TrySendError::Full), [`Closed`](TrySendError::Closed), or [`Fault`](TrySendError::Fault), each
    /// with the value.
    #[inline]
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        self.send_once(&value)
            .map_err(|refused| refused.of_try_send(value))
    }

    /// Sends `value`, and blocks while the queue is full. The death of any other process does not block it.
    ///
    /// # Errors
    ///
    /// [`Closed`](SendError::Closed), also if it is closed meanwhile, or [`Fault`](SendError::Fault), each with the value.
    #[inline]
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        self.send_within(&value, Patience::Forever)
            .map_err(|refused| refused.of_send(value))
    }

    /// Sends `value`, and blocks while the queue is full, up to `timeout`.
    ///
    /// # Errors
    ///
    /// [`Timeout`](SendTimeoutError::Timeout), [`Closed`](SendTimeoutError::Closed), or
    /// [`Fault`](SendTimeoutError::Fault), each with the value.
    pub fn send_timeout(&self, value: T, timeout: Duration) -> Result<(), SendTimeoutError<T>> {
        self.send_within(&value, Patience::timeout(timeout))
            .map_err(|refused| refused.of_send_timeout(value))
    }

    /// Sends `value`, and blocks while the queue is full, until `deadline`.
    ///
    /// # Errors
    ///
    /// As for [`send_timeout`](Queue::send_timeout).
    pub fn send_deadline(&self, value: T, deadline: Instant) -> Result<(), SendTimeoutError<T>> {
        self.send_within(&value, Patience::Until(deadline))
            .map_err(|refused| refused.of_send_timeout(value))
    }

    /// Receives the oldest value if there is one. Never blocks.
    ///
    /// A value that is being written by a live sender at this moment counts as not there, and so do those behind it.
    ///
    /// # Errors
    ///
    /// [`Empty`](TryRecvError::Empty), [`Closed`](TryRecvError::Closed) when closed and drained, or
    /// [`Fault`](TryRecvError::Fault).
    #[inline]
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.receive_once()
    }

    /// Receives the oldest value, and blocks while there is none. The death of any other process does not block it.
    ///
    /// # Errors
    ///
    /// [`Closed`](RecvError::Closed) when closed and drained, or [`Fault`](RecvError::Fault).
    #[inline]
    pub fn recv(&self) -> Result<T, RecvError> {
        self.recv_within(Patience::Forever)
            .map_err(TryRecvError::of_recv)
    }

    /// Receives the oldest value, and blocks while there is none, up to `timeout`.
    ///
    /// # Errors
    ///
    /// [`Timeout`](RecvTimeoutError::Timeout), [`Closed`](RecvTimeoutError::Closed) when closed and drained, or
    /// [`Fault`](RecvTimeoutError::Fault).
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.recv_within(Patience::timeout(timeout))
            .map_err(TryRecvError::of_recv_timeout)
    }

    /// Receives the oldest value, and blocks while there is none, until `deadline`.
    ///
    /// # Errors
    ///
    /// As for [`recv_timeout`](Queue::recv_timeout).
    pub fn recv_deadline(&self, deadline: Instant) -> Result<T, RecvTimeoutError> {
        self.recv_within(Patience::Until(deadline))
            .map_err(TryRecvError::of_recv_timeout)
    }

    /// Closes the queue for everyone: nothing more can be sent, what was sent can still be received, and then
    /// receivers get `Closed`. Wakes everyone who waits.
    pub fn close(&self) {
        // Should this thread die before it has rung, those who sleep must know it. Without a record they hear of it late.
        let _ = self.participant();
        core::close(self.words.tail());
        Bell::new(self.words.not_empty()).ring_all();
        Bell::new(self.words.not_full()).ring_all();
    }

    /// Whether it was closed.
    pub fn is_closed(&self) -> bool {
        core::is_closed(self.words.tail())
    }

    /// Elements sent and not yet received, those being written at this moment included.
    pub fn len(&self) -> usize {
        let words = &self.words;
        core::len(words.head(), words.tail(), words.capacity()) as usize
    }

    /// Whether [`len`](Queue::len) is 0.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether [`len`](Queue::len) is the capacity.
    pub fn is_full(&self) -> bool {
        self.len() == self.capacity()
    }

    /// How many elements it can hold.
    pub fn capacity(&self) -> usize {
        self.words.place.capacity() as usize
    }

    /// Receives until the queue is closed and drained, blocking while it is empty. Ends early if the segment turns out
    /// unusable; then [`recv`](Queue::recv) says why.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter(self)
    }

    /// Receives until nothing is there. Never blocks.
    pub fn try_iter(&self) -> TryIter<'_, T> {
        TryIter(self)
    }

    #[inline]
    fn send_once(&self, value: &T) -> Result<(), TrySendError<()>> {
        let participant = self
            .participant()
            .map_err(|fault| TrySendError::Fault((), fault))?;
        let sent = core::send(
            &self.words,
            &participant.intents().send,
            self.words.seen_head(participant),
            value,
        );
        sent.map_err(|refused| match refused {
            Refused::Full => TrySendError::Full(()),
            Refused::Closed => TrySendError::Closed(()),
            Refused::Corrupted => TrySendError::Fault((), CORRUPTED),
        })?;
        Bell::new(self.words.not_empty()).ring(1);
        Ok(())
    }

    #[inline]
    fn receive_once(&self) -> Result<T, TryRecvError> {
        // A receiver that dies before it rings must be known to those who sleep.
        self.participant().map_err(TryRecvError::Fault)?;
        let copy = core::receive(&self.words).map_err(|nothing| match nothing {
            Nothing::Empty | Nothing::Busy => TryRecvError::Empty,
            Nothing::Closed => TryRecvError::Closed,
            Nothing::Corrupted => TryRecvError::Fault(CORRUPTED),
        })?;
        Bell::new(self.words.not_full()).ring(1);
        copy.check().ok_or(TryRecvError::Fault(NOT_A_VALUE))
    }

    #[inline]
    fn send_within(&self, value: &T, patience: Patience) -> Result<(), TrySendError<()>> {
        match self.send_once(value) {
            Err(TrySendError::Full(())) => self.send_blocking(value, patience),
            outcome => outcome,
        }
    }

    #[cold]
    fn send_blocking(&self, value: &T, patience: Patience) -> Result<(), TrySendError<()>> {
        let bell = self.words.not_full();
        block_until(
            &self.words.place.attachment,
            bell,
            patience,
            || match self.send_once(value) {
                Err(TrySendError::Full(())) => None,
                outcome => Some(outcome),
            },
        )
        .unwrap_or(Err(TrySendError::Full(())))
    }

    #[inline]
    fn recv_within(&self, patience: Patience) -> Result<T, TryRecvError> {
        match self.receive_once() {
            Err(TryRecvError::Empty) => self.recv_blocking(patience),
            outcome => outcome,
        }
    }

    #[cold]
    fn recv_blocking(&self, patience: Patience) -> Result<T, TryRecvError> {
        let bell = self.words.not_empty();
        let received = block_until(&self.words.place.attachment, bell, patience, || match self
            .receive_once()
        {
            Err(TryRecvError::Empty) => None,
            outcome => Some(outcome),
        });
        // A wake for a value behind one that was still being written was in vain. Whoever gets the first of them
        // passes the wake on.
        if !self.is_empty() {
            Bell::new(bell).ring(1);
        }
        received.unwrap_or(Err(TryRecvError::Empty))
    }

    /// What is rung when something is to be received.
    pub(crate) fn bell(&self) -> (&Place, usize) {
        (&self.words.place, memory::NOT_EMPTY)
    }

    /// Whether a receive would not block.
    pub(crate) fn is_ready(&self) -> bool {
        // To find out it may have to give up what the dead have claimed.
        self.participant().is_err()
            || !matches!(core::look(&self.words), Err(Nothing::Empty | Nothing::Busy))
    }

    #[inline]
    fn participant(&self) -> Result<&Participant, Fault> {
        self.words.place.attachment.participant()
    }
}

impl<T: Element> Primitive for Queue<T> {
    type Element = T;
    const KIND: Kind = Kind::Queue;

    fn body_len(size: Size) -> Option<u64> {
        memory::body_len(size)
    }

    fn attach(place: Place) -> Result<Self> {
        Ok(Queue {
            words: Words::of(place),
        })
    }
}

impl<T: Element> Bounded for Queue<T> {}

impl<T: Element> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("name", &self.name())
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("closed", &self.is_closed())
            .finish()
    }
}

/// Receives until the queue is closed and drained: see [`Queue::iter`].
#[derive(Debug)]
pub struct Iter<'a, T: Element>(&'a Queue<T>);

impl<T: Element> Iterator for Iter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.recv().ok()
    }
}

/// Receives until nothing is there: see [`Queue::try_iter`].
#[derive(Debug)]
pub struct TryIter<'a, T: Element>(&'a Queue<T>);

impl<T: Element> Iterator for TryIter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.try_recv().ok()
    }
}

impl<'a, T: Element> IntoIterator for &'a Queue<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}
