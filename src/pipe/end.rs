//! Both directions.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::inbox::Message;
use super::outbox::Reservation;
use super::receiver::{Iter, Receiver, TryIter};
use super::sender::Sender;
use super::verbs::{receiving, sending};
use crate::error::{Fault, Result};
#[cfg(doc)]
use crate::error::{
    RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError,
};
use crate::place::Place;

/// One of two ends that face each other: a [`Sender`] and a [`Receiver`] in one. It sends values of type `A`, and receives such of type `B`.
///
/// It can move to another thread, and in the arguments of [`process::spawn`](crate::process::spawn) to a child process; so can each half,
/// wherever the other is. Dropping it closes both directions.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct End<A, B> {
    pub(super) sender: Sender<A>,
    pub(super) receiver: Receiver<B>,
}

impl<A, B> End<A, B> {
    /// Its halves, each to be used, sent and dropped for itself.
    pub fn split(self) -> (Sender<A>, Receiver<B>) {
        (self.sender, self.receiver)
    }

    /// Closes the direction away from here: the other end receives what is left, and then the end. What it sends can still be received.
    pub fn close_sending(self) -> Receiver<B> {
        self.receiver
    }

    /// Whether the other end can receive no more.
    pub fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Bytes that the pipe holds in each direction.
    pub fn capacity(&self) -> usize {
        self.sender.capacity()
    }

    /// Waits up to `timeout` for something to receive: see [`Receiver::poll`].
    ///
    /// # Errors
    ///
    /// Those that a receive would meet otherwise.
    pub fn poll(&mut self, timeout: Duration) -> Result<bool, Fault> {
        self.receiver.poll(timeout)
    }

    /// Where the bell is that is rung when there may be something to receive.
    pub(crate) fn bell(&self) -> (&Place, usize) {
        self.receiver.bell()
    }

    /// See [`Receiver::is_ready`].
    pub(crate) fn is_ready(&self) -> bool {
        self.receiver.is_ready()
    }

    sending! {
        /// Sends bytes as one message: see [`Sender::send_bytes`].
        self.sender.outbox.send(message: &[u8]) -> ();
        try_send_bytes, send_bytes, send_bytes_timeout, send_bytes_deadline;
        /// A message that is larger than the pipe takes waiting: it is never sent, the pipe is [`Full`](TrySendError::Full) for it.
    }

    sending! {
        /// Room for a message of up to `len` bytes: see [`Sender::reserve`].
        ///
        /// # Panics
        ///
        /// If `len` is more than the pipe's [capacity](End::capacity) less 16 bytes.
        self.sender.outbox.reserve(len: usize) -> Reservation<'_>;
        try_reserve, reserve, reserve_timeout, reserve_deadline;
    }

    receiving! {
        /// Receives a message into `buffer`, in place of what it holds.
        self.receiver.inbox.recv(buffer: &mut Vec<u8>) -> ();
        try_recv_into, recv_into, recv_into_timeout, recv_into_deadline;
    }

    receiving! {
        /// Receives a message as it is.
        self.receiver.recv_bytes_within() -> Vec<u8>;
        try_recv_bytes, recv_bytes, recv_bytes_timeout, recv_bytes_deadline;
    }

    receiving! {
        /// Looks at the next message where it is: see [`Receiver::look`].
        self.receiver.inbox.look() -> Message<'_>;
        try_look, look, look_timeout, look_deadline;
    }
}

impl<A: Serialize, B> End<A, B> {
    sending! {
        /// Sends `value`.
        self.sender.send_within(value: &A) -> ();
        try_send, send, send_timeout, send_deadline;
        /// A message that is larger than the pipe takes waiting: it is never sent, the pipe is [`Full`](TrySendError::Full) for it.
    }
}

impl<A, B: DeserializeOwned> End<A, B> {
    receiving! {
        /// Receives a value. A message that is none is dropped, with [`Fault::Decode`].
        self.receiver.recv_within() -> B;
        try_recv, recv, recv_timeout, recv_deadline;
    }

    /// Receives until the other end is closed, or died: see [`Receiver::iter`].
    pub fn iter(&mut self) -> Iter<'_, B> {
        self.receiver.iter()
    }

    /// Receives until nothing is there. Never blocks.
    pub fn try_iter(&mut self) -> TryIter<'_, B> {
        self.receiver.try_iter()
    }
}
