//! The sending side of messages.

use std::fmt;
use std::marker::PhantomData;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::inlet::{Inlet, Refused};
use super::outbox::{Outbox, Reservation};
use super::verbs::sending;
use crate::error::{Fault, Result};
#[cfg(doc)]
use crate::error::{SendError, SendTimeoutError, TrySendError};
use crate::wait::Patience;

/// Sends values of type `T`, or messages that are bytes, to one [`Receiver`](super::Receiver): see the [module](super). Dropping it
/// closes the pipe: the other side receives what is left, and then the end.
///
/// It can move to another thread, and in the arguments of [`process::spawn`](crate::process::spawn) to a child process. In a forked
/// child every operation fails with [`Fault::RoleLost`].
pub struct Sender<T> {
    pub(super) outbox: Outbox,
    /// For the encoded value, kept for the next one.
    buffer: Vec<u8>,
    value: PhantomData<fn(&T)>,
}

impl<T> Sender<T> {
    pub(super) fn new(inlet: Inlet) -> Self {
        Sender {
            outbox: Outbox::new(inlet),
            buffer: Vec::new(),
            value: PhantomData,
        }
    }

    sending! {
        /// Sends bytes as one message, for [`recv_bytes`](super::Receiver::recv_bytes).
        self.outbox.send(message: &[u8]) -> ();
        try_send_bytes, send_bytes, send_bytes_timeout, send_bytes_deadline;
        /// A message that is larger than the pipe takes waiting: it is never sent, the pipe is [`Full`](TrySendError::Full) for it.
    }

    sending! {
        /// Room for a message of up to `len` bytes, to write it in place: no copy is made of it.
        ///
        /// # Panics
        ///
        /// If `len` is more than the pipe's [capacity](Sender::capacity) less 16 bytes.
        self.outbox.reserve(len: usize) -> Reservation<'_>;
        try_reserve, reserve, reserve_timeout, reserve_deadline;
    }

    /// Bytes that the pipe holds. A message takes 16 bytes besides its own, rounded up to a multiple of 8.
    pub fn capacity(&self) -> usize {
        self.outbox.inlet.capacity()
    }

    /// Whether the other side was closed.
    pub fn is_closed(&self) -> bool {
        self.outbox.inlet.is_closed()
    }

    /// Closes the sending side, as dropping does.
    pub fn close(self) {}
}

impl<T: Serialize> Sender<T> {
    sending! {
        /// Sends `value`.
        self.send_within(value: &T) -> ();
        try_send, send, send_timeout, send_deadline;
        /// A message that is larger than the pipe takes waiting: it is never sent, the pipe is [`Full`](TrySendError::Full) for it.
    }

    pub(super) fn send_within(&mut self, value: &T, patience: Patience) -> Result<(), Refused> {
        let mut buffer = std::mem::take(&mut self.buffer);
        // One large message is not to cost memory for ever.
        buffer.clear();
        buffer.shrink_to(self.capacity());
        self.buffer =
            postcard::to_extend(value, buffer).map_err(|_| Refused::Fault((), Fault::Encode))?;
        self.outbox.send(&self.buffer, patience)
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("capacity", &self.capacity())
            .field("bytes_sent", &self.outbox.inlet.position())
            .finish_non_exhaustive()
    }
}

/// Only in the arguments of [`process::spawn`](crate::process::spawn), which moves it to the child. Should the child
/// die before it has its arguments, the sending side is closed.
impl<T> Serialize for Sender<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.outbox.is_midway {
            return Err(serde::ser::Error::custom("a message was sent in part only"));
        }
        self.outbox.inlet.serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for Sender<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Inlet::deserialize(deserializer).map(Sender::new)
    }
}
