//! One who reads at its own pace.

use std::fmt;
use std::time::{Duration, Instant};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::view::View;
use super::{Overwriting, Received};
use crate::element::Element;
use crate::error::{RecvError, RecvTimeoutError, TryRecvError};
use crate::place::Place;
use crate::wait::Patience;

/// A reader of an [`Overwriting`] ring: a position in it, which is private. A clone goes on from the same position, and so does what arrives
/// in the arguments of [`process::spawn`](crate::process::spawn), or in a forked child.
#[derive(Clone)]
pub struct Reader<T: Element>(pub(super) View<T>);

impl<T: Element> Reader<T> {
    /// Receives the next value that is still there. Never blocks.
    ///
    /// # Errors
    ///
    /// [`Empty`](TryRecvError::Empty), [`Closed`](TryRecvError::Closed) when closed and all is read, or
    /// [`Fault`](TryRecvError::Fault).
    #[inline]
    pub fn try_recv(&mut self) -> Result<Received<T>, TryRecvError> {
        self.0.try_next()
    }

    /// Receives the next value that is still there, and blocks while there is none. No death blocks it.
    ///
    /// # Errors
    ///
    /// [`Closed`](RecvError::Closed) when closed and all is read, or [`Fault`](RecvError::Fault).
    #[inline]
    pub fn recv(&mut self) -> Result<Received<T>, RecvError> {
        self.0
            .next_within(Patience::Forever)
            .map_err(TryRecvError::of_recv)
    }

    /// Receives the next value that is still there, and blocks while there is none, up to `timeout`.
    ///
    /// # Errors
    ///
    /// [`Timeout`](RecvTimeoutError::Timeout), and those of [`recv`](Reader::recv).
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<Received<T>, RecvTimeoutError> {
        self.0
            .next_within(Patience::timeout(timeout))
            .map_err(TryRecvError::of_recv_timeout)
    }

    /// Receives the next value that is still there, and blocks while there is none, until `deadline`.
    ///
    /// # Errors
    ///
    /// As for [`recv_timeout`](Reader::recv_timeout).
    pub fn recv_deadline(&mut self, deadline: Instant) -> Result<Received<T>, RecvTimeoutError> {
        self.0
            .next_within(Patience::Until(deadline))
            .map_err(TryRecvError::of_recv_timeout)
    }

    /// How many values were sent before the one that it receives next, if that is not overwritten before.
    pub fn position(&self) -> u64 {
        self.0.position()
    }

    /// Where the bell is that is rung when there may be something to receive.
    pub(crate) fn bell(&self) -> (&Place, usize) {
        self.0.bell()
    }

    /// Whether a receive would not have to wait.
    pub(crate) fn is_ready(&self) -> bool {
        self.0.is_ready()
    }
}

/// Receives until the ring is closed and all is read, blocking while nothing is there. Ends early if the segment turns out unusable;
/// then [`recv`](Reader::recv) says why.
impl<T: Element> Iterator for Reader<T> {
    type Item = Received<T>;

    fn next(&mut self) -> Option<Received<T>> {
        self.recv().ok()
    }
}

impl<T: Element> fmt::Debug for Reader<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("position", &self.position())
            .finish_non_exhaustive()
    }
}

/// Only in the arguments of [`process::spawn`](crate::process::spawn): the child gets a reader at the same position.
impl<T: Element> Serialize for Reader<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Element> Deserialize<'de> for Reader<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        View::deserialize(deserializer, |ring: Overwriting<T>| ring.channel).map(Reader)
    }
}
