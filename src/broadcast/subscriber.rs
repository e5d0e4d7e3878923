//! One of those for whom senders wait.

use std::fmt;
use std::time::{Duration, Instant};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Broadcast;
use super::channel::{Channel, checked};
use super::memory::{self, NOT_EMPTY, NOT_FULL};
use super::seats::{self, Joined, Seats};
use crate::atomic::Ordering;
use crate::element::Element;
use crate::error::{Fault, RecvError, RecvTimeoutError, TryRecvError};
use crate::handle;
use crate::holding::Holding;
use crate::owner::Owner;
use crate::place::Place;
use crate::wait::Patience;

/// A subscriber of a [`Broadcast`]. Dropping it unsubscribes.
///
/// It can move to another thread, and in the arguments of [`process::spawn`](crate::process::spawn) to a child process, with all that it has
/// not received yet; from then on senders wait for the child. In a forked child every operation fails with [`Fault::RoleLost`].
pub struct Subscriber<T: Element> {
    ring: Broadcast<T>,
    seat: Seat,
}

/// Whom it concerns that a subscriber leaves.
const BELLS: &[usize] = &[NOT_FULL];
const OVERTAKEN: Fault = Fault::Corrupted("senders did not wait for a subscriber");

impl<T: Element> Subscriber<T> {
    pub(super) fn new(ring: Broadcast<T>, joined: Joined, me: Owner) -> Subscriber<T> {
        let place = ring.channel.words.place.clone();
        let claim = memory::claim(joined.index);
        let seat = Seat {
            holding: Holding::new(place, claim, BELLS, joined.held, me),
            index: joined.index,
            position: joined.position,
        };
        Subscriber { ring, seat }
    }

    /// Receives the next value if it is there. Never blocks.
    ///
    /// # Errors
    ///
    /// [`Empty`](TryRecvError::Empty), [`Closed`](TryRecvError::Closed) when closed and drained, or
    /// [`Fault`](TryRecvError::Fault).
    #[inline]
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        self.seat.receive(&self.ring.channel)
    }

    /// Receives the next value, and blocks while it is not there. No death blocks it, nor do other subscribers.
    ///
    /// # Errors
    ///
    /// [`Closed`](RecvError::Closed) when closed and drained, or [`Fault`](RecvError::Fault).
    #[inline]
    pub fn recv(&mut self) -> Result<T, RecvError> {
        self.recv_within(Patience::Forever)
            .map_err(TryRecvError::of_recv)
    }

    /// Receives the next value, and blocks while it is not there, up to `timeout`.
    ///
    /// # Errors
    ///
    /// [`Timeout`](RecvTimeoutError::Timeout), and those of [`recv`](Subscriber::recv).
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.recv_within(Patience::timeout(timeout))
            .map_err(TryRecvError::of_recv_timeout)
    }

    /// Receives the next value, and blocks while it is not there, until `deadline`.
    ///
    /// # Errors
    ///
    /// As for [`recv_timeout`](Subscriber::recv_timeout).
    pub fn recv_deadline(&mut self, deadline: Instant) -> Result<T, RecvTimeoutError> {
        self.recv_within(Patience::Until(deadline))
            .map_err(TryRecvError::of_recv_timeout)
    }

    /// Receives until the ring is closed and drained, blocking while nothing is there. Ends early if the segment turns out
    /// unusable; then [`recv`](Subscriber::recv) says why.
    pub fn iter(&mut self) -> Iter<'_, T> {
        Iter(self)
    }

    /// Receives until nothing is there. Never blocks.
    pub fn try_iter(&mut self) -> TryIter<'_, T> {
        TryIter(self)
    }

    /// How many values it has not received yet.
    pub fn len(&self) -> usize {
        self.ring.channel.sent().saturating_sub(self.seat.position) as usize
    }

    /// Whether [`len`](Subscriber::len) is 0.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many values were sent before the one that it receives next.
    pub fn position(&self) -> u64 {
        self.seat.position
    }

    /// The ring, without the subscription.
    pub fn ring(&self) -> &Broadcast<T> {
        &self.ring
    }

    /// Unsubscribes, as dropping does.
    pub fn unsubscribe(self) {}

    /// Where the bell is that is rung when there may be something to receive.
    pub(crate) fn bell(&self) -> (&Place, usize) {
        (&self.ring.channel.words.place, NOT_EMPTY)
    }

    /// Whether a receive would not have to wait.
    pub(crate) fn is_ready(&self) -> bool {
        self.ring.channel.is_ready(self.seat.position)
    }

    #[inline]
    fn recv_within(&mut self, patience: Patience) -> Result<T, TryRecvError> {
        let Subscriber { ring, seat } = self;
        match seat.receive(&ring.channel) {
            Err(TryRecvError::Empty) => {
                ring.channel.block(patience, || seat.receive(&ring.channel))
            }
            outcome => outcome,
        }
    }
}

/// What a subscriber has in the segment.
struct Seat {
    holding: Holding,
    index: usize,
    /// Of the next value.
    position: u64,
}

impl Seat {
    #[inline]
    fn receive<T: Element>(&mut self, channel: &Channel<T>) -> Result<T, TryRecvError> {
        self.holding.enter().map_err(TryRecvError::Fault)?;
        let found = channel.read(self.position)?;
        if found.position != self.position {
            return Err(TryRecvError::Fault(OVERTAKEN));
        }
        self.position += 1;
        seats::advance(&channel.words, self.index, self.position);
        channel.bell(NOT_FULL).ring(1);
        checked(found.copy).map_err(TryRecvError::Fault)
    }
}

impl<T: Element> fmt::Debug for Subscriber<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriber")
            .field("ring", &self.ring)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

/// Only in the arguments of [`process::spawn`](crate::process::spawn), which moves the subscription to the child. Should the child
/// die before it has its arguments, it is unsubscribed.
impl<T: Element> Serialize for Subscriber<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Seat { holding, index, .. } = &self.seat;
        handle::serialize(holding.place(), (index, holding.send()), serializer)
    }
}

impl<'de, T: Element> Deserialize<'de> for Subscriber<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (ring, (index, held)) =
            handle::deserialize::<Broadcast<T>, (usize, u64), D>(deserializer)?;
        let words = &ring.channel.words;
        if index >= words.seats() {
            return Err(de::Error::custom(Fault::RoleLost));
        }
        let (place, claim) = (words.place.clone(), memory::claim(index));
        let holding =
            Holding::receive(place, claim, BELLS, held, seats::moved).map_err(de::Error::custom)?;
        let seat = Seat {
            holding,
            index,
            // Acquire: whoever held the seat before stored it before it was sent here.
            position: words.position(index).load(Ordering::Acquire),
        };
        Ok(Subscriber { ring, seat })
    }
}

/// Receives until the ring is closed and drained: see [`Subscriber::iter`].
#[derive(Debug)]
pub struct Iter<'a, T: Element>(&'a mut Subscriber<T>);

impl<T: Element> Iterator for Iter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.recv().ok()
    }
}

/// Receives until nothing is there: see [`Subscriber::try_iter`].
#[derive(Debug)]
pub struct TryIter<'a, T: Element>(&'a mut Subscriber<T>);

impl<T: Element> Iterator for TryIter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.try_recv().ok()
    }
}
