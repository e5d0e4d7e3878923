//! One who waits for newer values.

use std::fmt;
use std::time::{Duration, Instant};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::view::View;
use super::{Latest, Received};
use crate::element::Element;
use crate::error::{RecvError, RecvTimeoutError, TryRecvError};
use crate::place::Place;
use crate::wait::Patience;

/// A watcher of a [`Latest`] value: it remembers which value it has seen, and nobody else knows. A clone has seen the same, and so has what
/// arrives in the arguments of [`process::spawn`](crate::process::spawn), or in a forked child.
#[derive(Clone)]
pub struct Watcher<T: Element>(pub(super) View<T>);

impl<T: Element> Watcher<T> {
    /// The newest value, if it is newer than the one seen last; how many were set between the two. Never blocks.
    ///
    /// # Errors
    ///
    /// [`Empty`](TryRecvError::Empty) if it is not, [`Closed`](TryRecvError::Closed) if it never will be, or
    /// [`Fault`](TryRecvError::Fault).
    #[inline]
    pub fn try_changed(&mut self) -> Result<Received<T>, TryRecvError> {
        self.0.try_next()
    }

    /// The newest value; blocks until it is newer than the one seen last. No death blocks it.
    ///
    /// # Errors
    ///
    /// [`Closed`](RecvError::Closed) if there will be none, or [`Fault`](RecvError::Fault).
    #[inline]
    pub fn changed(&mut self) -> Result<Received<T>, RecvError> {
        self.0
            .next_within(Patience::Forever)
            .map_err(TryRecvError::of_recv)
    }

    /// The newest value; blocks until it is newer than the one seen last, up to `timeout`.
    ///
    /// # Errors
    ///
    /// [`Timeout`](RecvTimeoutError::Timeout), and those of [`changed`](Watcher::changed).
    pub fn changed_timeout(&mut self, timeout: Duration) -> Result<Received<T>, RecvTimeoutError> {
        self.0
            .next_within(Patience::timeout(timeout))
            .map_err(TryRecvError::of_recv_timeout)
    }

    /// The newest value; blocks until it is newer than the one seen last, or `deadline`.
    ///
    /// # Errors
    ///
    /// As for [`changed_timeout`](Watcher::changed_timeout).
    pub fn changed_deadline(&mut self, deadline: Instant) -> Result<Received<T>, RecvTimeoutError> {
        self.0
            .next_within(Patience::Until(deadline))
            .map_err(TryRecvError::of_recv_timeout)
    }

    /// Which version of the value it has seen last: see [`Latest::version`].
    pub fn version(&self) -> u64 {
        self.0.position()
    }

    /// Where the bell is that is rung when the value may have changed.
    pub(crate) fn bell(&self) -> (&Place, usize) {
        self.0.bell()
    }

    /// Whether [`changed`](Watcher::changed) would not have to wait.
    pub(crate) fn is_ready(&self) -> bool {
        self.0.is_ready()
    }
}

impl<T: Element> fmt::Debug for Watcher<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watcher")
            .field("seen", &self.0.position())
            .finish_non_exhaustive()
    }
}

/// Only in the arguments of [`process::spawn`](crate::process::spawn): the child gets a watcher that has seen the same.
impl<T: Element> Serialize for Watcher<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Element> Deserialize<'de> for Watcher<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        View::deserialize(deserializer, |value: Latest<T>| value.channel).map(Watcher)
    }
}
