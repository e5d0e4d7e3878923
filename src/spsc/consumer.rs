//! The receiving side.

use std::fmt;
use std::time::{Duration, Instant};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::core::Receiver;
use super::memory;
use super::ring::{CONSUMER, Ring, Role};
use crate::element::{Element, Unchecked};
use crate::error::{Fault, RecvError, RecvTimeoutError, Result, TryRecvError};
use crate::place::Place;
use crate::role::Peer;
use crate::wait::{Bell, Patience, block_until};

/// The only receiver of a ring: see the [module](super). Dropping it closes the receiving side.
///
/// It can move to another thread, and in the arguments of [`process::spawn`](crate::process::spawn) to a child process. In a forked
/// child every operation fails with [`Fault::RoleLost`].
pub struct Consumer<T: Element> {
    role: Role<T>,
    receiver: Receiver,
}

const NOT_A_VALUE: Fault = Fault::Corrupted("what was received is no valid value");

impl<T: Element> Consumer<T> {
    pub(super) fn new(role: Role<T>) -> Self {
        let receiver = Receiver::take_over(role.words());
        Consumer { role, receiver }
    }

    /// Receives the oldest value if there is one. Never blocks.
    ///
    /// # Errors
    ///
    /// [`Empty`](TryRecvError::Empty); [`Closed`](TryRecvError::Closed) if nothing is left and the producer closed its side;
    /// [`PeerDied`](TryRecvError::PeerDied) if nothing is left and the producer was killed; or
    /// [`Fault`](TryRecvError::Fault).
    #[inline]
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        receive_once(&self.role, &mut self.receiver)
    }

    /// Receives the oldest value, and blocks while there is none.
    ///
    /// # Errors
    ///
    /// [`Closed`](RecvError::Closed), [`PeerDied`](RecvError::PeerDied) or [`Fault`](RecvError::Fault), as for
    /// [`try_recv`](Consumer::try_recv), also if it happens meanwhile.
    #[inline]
    pub fn recv(&mut self) -> Result<T, RecvError> {
        self.recv_within(Patience::Forever)
            .map_err(TryRecvError::of_recv)
    }

    /// Receives the oldest value, and blocks while there is none, up to `timeout`.
    ///
    /// # Errors
    ///
    /// [`Timeout`](RecvTimeoutError::Timeout), and those of [`recv`](Consumer::recv).
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.recv_within(Patience::timeout(timeout))
            .map_err(TryRecvError::of_recv_timeout)
    }

    /// Receives the oldest value, and blocks while there is none, until `deadline`.
    ///
    /// # Errors
    ///
    /// As for [`recv_timeout`](Consumer::recv_timeout).
    pub fn recv_deadline(&mut self, deadline: Instant) -> Result<T, RecvTimeoutError> {
        self.recv_within(Patience::Until(deadline))
            .map_err(TryRecvError::of_recv_timeout)
    }

    /// Receives into the front of `values` what is there; how many. Never blocks. Killed half-way, it has received nothing, or
    /// all of them.
    ///
    /// # Errors
    ///
    /// As for [`try_recv`](Consumer::try_recv), if there was none.
    pub fn try_recv_slice(&mut self, values: &mut [T]) -> Result<usize, TryRecvError> {
        if values.is_empty() {
            return Ok(0);
        }
        receive_some(&self.role, &mut self.receiver, values)
    }

    /// Receives into the front of `values` what is there, and blocks while there is none; how many. Killed half-way, it has
    /// received nothing, or all of them.
    ///
    /// # Errors
    ///
    /// As for [`recv`](Consumer::recv).
    pub fn recv_slice(&mut self, values: &mut [T]) -> Result<usize, RecvError> {
        if values.is_empty() {
            return Ok(0);
        }
        let Consumer { role, receiver } = self;
        let received = match receive_some(role, receiver, values) {
            Err(TryRecvError::Empty) => block(role, Patience::Forever, || {
                receive_some(role, receiver, values)
            }),
            outcome => outcome,
        };
        received.map_err(TryRecvError::of_recv)
    }

    /// Receives until the producer has closed its side, or died, and nothing is left; blocks while the ring is empty. Then
    /// [`try_recv`](Consumer::try_recv) says which it was.
    pub fn iter(&mut self) -> Iter<'_, T> {
        Iter(self)
    }

    /// Receives until nothing is there. Never blocks.
    pub fn try_iter(&mut self) -> TryIter<'_, T> {
        TryIter(self)
    }

    /// Closes the receiving side, as dropping does.
    pub fn close(self) {}

    /// The ring, without the role.
    pub fn ring(&self) -> &Ring<T> {
        &self.role.ring
    }

    /// How many elements the ring can hold.
    pub fn capacity(&self) -> usize {
        self.role.ring.capacity()
    }

    /// What is rung when something is to be received.
    pub(crate) fn bell(&self) -> (&Place, usize) {
        (&self.role.words().place, memory::NOT_EMPTY)
    }

    /// Whether a receive would not block: something is there, the producer has left, or it would fail.
    pub(crate) fn is_ready(&self) -> bool {
        let nothing = self.role.enter().is_ok()
            && matches!(self.receiver.peek(self.role.words()), Ok(0))
            && self.role.peer() == Peer::Expected;
        !nothing
    }

    #[inline]
    fn recv_within(&mut self, patience: Patience) -> Result<T, TryRecvError> {
        let Consumer { role, receiver } = self;
        match receive_once(role, receiver) {
            Err(TryRecvError::Empty) => block(role, patience, || receive_once(role, receiver)),
            outcome => outcome,
        }
    }
}

/// If nothing seems to be there, looks at the producer, and if that has left, once more at what it left.
#[inline]
fn receive_once<T: Element>(role: &Role<T>, receiver: &mut Receiver) -> Result<T, TryRecvError> {
    role.enter().map_err(TryRecvError::Fault)?;
    match receiver.receive(role.words()) {
        Ok(Some(copy)) => return received(role, copy),
        Ok(None) => {}
        Err(corrupted) => return Err(TryRecvError::Fault(corrupted.into())),
    }
    receive_last(role, receiver)
}

/// Nothing was there: says why, unless there is something by now.
#[inline(never)]
fn receive_last<T: Element>(role: &Role<T>, receiver: &mut Receiver) -> Result<T, TryRecvError> {
    let gone = gone(role)?;
    match receiver.receive(role.words()) {
        Ok(Some(copy)) => received(role, copy),
        Ok(None) => Err(gone),
        Err(corrupted) => Err(TryRecvError::Fault(corrupted.into())),
    }
}

fn receive_some<T: Element>(
    role: &Role<T>,
    receiver: &mut Receiver,
    values: &mut [T],
) -> Result<usize, TryRecvError> {
    role.enter().map_err(TryRecvError::Fault)?;
    match receive_ready(role, receiver, values) {
        Err(TryRecvError::Empty) => {}
        outcome => return outcome,
    }
    let gone = gone(role)?;
    match receive_ready(role, receiver, values) {
        Err(TryRecvError::Empty) => Err(gone),
        outcome => outcome,
    }
}

/// How the producer left; `Empty` as the error if it did not.
#[inline]
fn gone<T: Element>(role: &Role<T>) -> Result<TryRecvError, TryRecvError> {
    match role.peer() {
        Peer::Expected => Err(TryRecvError::Empty),
        Peer::Closed => Ok(TryRecvError::Closed),
        Peer::Died => Ok(TryRecvError::PeerDied),
    }
}

#[inline]
fn received<T: Element>(role: &Role<T>, copy: Unchecked<T>) -> Result<T, TryRecvError> {
    Bell::new(role.words().not_full()).ring(1);
    copy.check().ok_or(TryRecvError::Fault(NOT_A_VALUE))
}

fn receive_ready<T: Element>(
    role: &Role<T>,
    receiver: &mut Receiver,
    values: &mut [T],
) -> Result<usize, TryRecvError> {
    let (mut place, mut valid) = (values.iter_mut(), true);
    let room = place.len();
    let received = receiver.receive_slice(role.words(), room, |copy| {
        match (place.next(), copy.check()) {
            (Some(place), Some(value)) => *place = value,
            _ => valid = false,
        }
    });
    match received {
        Err(corrupted) => Err(TryRecvError::Fault(corrupted.into())),
        Ok(0) => Err(TryRecvError::Empty),
        Ok(received) => {
            Bell::new(role.words().not_full()).ring(1);
            if valid {
                Ok(received)
            } else {
                Err(TryRecvError::Fault(NOT_A_VALUE))
            }
        }
    }
}

#[cold]
fn block<T: Element, R>(
    role: &Role<T>,
    patience: Patience,
    mut attempt: impl FnMut() -> Result<R, TryRecvError>,
) -> Result<R, TryRecvError> {
    let words = role.words();
    block_until(
        &words.place.attachment,
        words.not_empty(),
        patience,
        || match attempt() {
            Err(TryRecvError::Empty) => None,
            outcome => Some(outcome),
        },
    )
    .unwrap_or(Err(TryRecvError::Empty))
}

impl<T: Element> fmt::Debug for Consumer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("ring", self.ring())
            .field("received", &self.receiver.position())
            .finish()
    }
}

/// Only in the arguments of [`process::spawn`](crate::process::spawn), which moves the role to the child. Should the child
/// die before it has its arguments, the receiving side is closed.
impl<T: Element> Serialize for Consumer<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.role.serialize(serializer)
    }
}

impl<'de, T: Element> Deserialize<'de> for Consumer<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Role::deserialize(deserializer, CONSUMER).map(Consumer::new)
    }
}

/// Receives until the producer's side is closed and drained: see [`Consumer::iter`].
#[derive(Debug)]
pub struct Iter<'a, T: Element>(&'a mut Consumer<T>);

impl<T: Element> Iterator for Iter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.recv().ok()
    }
}

/// Receives until nothing is there: see [`Consumer::try_iter`].
#[derive(Debug)]
pub struct TryIter<'a, T: Element>(&'a mut Consumer<T>);

impl<T: Element> Iterator for TryIter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.try_recv().ok()
    }
}
