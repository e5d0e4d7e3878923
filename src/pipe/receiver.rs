//! The receiving side of messages.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::inbox::{Inbox, Message};
use super::outlet::Outlet;
use super::verbs::receiving;
use crate::error::{Fault, Result, TryRecvError};
#[cfg(doc)]
use crate::error::{RecvError, RecvTimeoutError};
use crate::place::Place;
use crate::wait::Patience;

/// Receives values of type `T`, or messages as bytes, from one [`Sender`](super::Sender): see the [module](super). Dropping it closes the
/// pipe: the other side can send nothing more.
///
/// It can move to another thread, and in the arguments of [`process::spawn`](crate::process::spawn) to a child process, unless it has
/// received part of a large message. In a forked child every operation fails with [`Fault::RoleLost`].
///
/// An operation that gives up, for time or because it never blocks, leaves what has arrived of a large message for the next one.
pub struct Receiver<T> {
    pub(super) inbox: Inbox,
    /// For the encoded value, kept for the next one.
    buffer: Vec<u8>,
    value: PhantomData<fn() -> T>,
}

impl<T> Receiver<T> {
    pub(super) fn new(outlet: Outlet) -> Self {
        Receiver {
            inbox: Inbox::new(outlet),
            buffer: Vec::new(),
            value: PhantomData,
        }
    }

    receiving! {
        /// Receives a message into `buffer`, in place of what it holds.
        self.inbox.recv(buffer: &mut Vec<u8>) -> ();
        try_recv_into, recv_into, recv_into_timeout, recv_into_deadline;
    }

    receiving! {
        /// Receives a message as it is.
        self.recv_bytes_within() -> Vec<u8>;
        try_recv_bytes, recv_bytes, recv_bytes_timeout, recv_bytes_deadline;
    }

    receiving! {
        /// Looks at the next message where it is, without a copy. It is consumed when what this returns is dropped.
        self.inbox.look() -> Message<'_>;
        try_look, look, look_timeout, look_deadline;
    }

    pub(super) fn recv_bytes_within(
        &mut self,
        patience: Patience,
    ) -> Result<Vec<u8>, TryRecvError> {
        let mut message = Vec::new();
        self.inbox.recv(&mut message, patience).map(|()| message)
    }

    /// Waits up to `timeout` for something to receive. True if the next receive does not block: there is a message, or the other side was
    /// closed, or has died.
    ///
    /// # Errors
    ///
    /// Those that a receive would meet otherwise.
    pub fn poll(&mut self, timeout: Duration) -> Result<bool, Fault> {
        let patience = match timeout {
            Duration::ZERO => Patience::None,
            timeout => Patience::timeout(timeout),
        };
        match self.inbox.poll(patience) {
            Ok(()) | Err(TryRecvError::Closed | TryRecvError::PeerDied) => Ok(true),
            Err(TryRecvError::Empty) => Ok(false),
            Err(TryRecvError::Fault(fault)) => Err(fault),
        }
    }

    /// Where the bell is that is rung when there may be something to receive.
    pub(crate) fn bell(&self) -> (&Place, usize) {
        self.inbox.outlet.bell()
    }

    /// Whether a receive would find something to do: a message, part of a large one, or that there will be no more.
    pub(crate) fn is_ready(&self) -> bool {
        self.inbox.is_ready()
    }

    /// Bytes that the pipe holds.
    pub fn capacity(&self) -> usize {
        self.inbox.outlet.capacity()
    }

    /// Closes the receiving side, as dropping does.
    pub fn close(self) {}
}

impl<T: DeserializeOwned> Receiver<T> {
    receiving! {
        /// Receives a value. A message that is none is dropped, with [`Fault::Decode`].
        self.recv_within() -> T;
        try_recv, recv, recv_timeout, recv_deadline;
    }

    pub(super) fn recv_within(&mut self, patience: Patience) -> Result<T, TryRecvError> {
        self.inbox.recv(&mut self.buffer, patience)?;
        let value = match postcard::take_from_bytes(&self.buffer) {
            Ok((value, [])) => Ok(value),
            _ => Err(TryRecvError::Fault(Fault::Decode)),
        };
        // One large message is not to cost memory for ever.
        self.buffer.clear();
        self.buffer.shrink_to(self.inbox.outlet.capacity());
        value
    }

    /// Receives until the other side has closed the pipe, or died, and nothing is left, or something is wrong; blocks while there is nothing. Then
    /// [`try_recv`](Receiver::try_recv) says which it was.
    pub fn iter(&mut self) -> Iter<'_, T> {
        Iter(self)
    }

    /// Receives until nothing is there. Never blocks.
    pub fn try_iter(&mut self) -> TryIter<'_, T> {
        TryIter(self)
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("capacity", &self.capacity())
            .field("bytes_received", &self.inbox.outlet.position())
            .finish_non_exhaustive()
    }
}

/// Only in the arguments of [`process::spawn`](crate::process::spawn), which moves it to the child. Should the child
/// die before it has its arguments, the receiving side is closed.
impl<T> Serialize for Receiver<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.inbox.is_midway() {
            let reason = "it has received part of a message";
            return Err(serde::ser::Error::custom(reason));
        }
        self.inbox.outlet.serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for Receiver<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Outlet::deserialize(deserializer).map(Receiver::new)
    }
}

/// Receives until the pipe is closed and drained: see [`Receiver::iter`].
#[derive(Debug)]
pub struct Iter<'a, T>(&'a mut Receiver<T>);

impl<T: DeserializeOwned> Iterator for Iter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.recv().ok()
    }
}

/// Receives until nothing is there: see [`Receiver::try_iter`].
#[derive(Debug)]
pub struct TryIter<'a, T>(&'a mut Receiver<T>);

impl<T: DeserializeOwned> Iterator for TryIter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.try_recv().ok()
    }
}
