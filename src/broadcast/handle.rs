//! The ring whose senders wait for every subscriber.

use std::fmt;
use std::time::{Duration, Instant};

use super::Subscriber;
use super::channel::Channel;
use super::memory::Senders;
use super::seats;
use crate::element::Element;
use crate::error::{Error, Result, SendError, SendTimeoutError, TrySendError};
use crate::handle::handle;
use crate::place::Place;
use crate::segment::{Bounded, Kind, Primitive, Size};
use crate::wait::Patience;

/// A ring from which every subscriber receives every value: see the [module](super).
///
/// Sending waits for the slowest live subscriber when that is a whole ring behind; one that is merely slow, or stopped, is waited for as long
/// as it takes. One that dies, at whatever instruction, is not waited for any more, and its place is another's. Without
/// subscribers values go nowhere.
///
/// Senders are served one at a time, in no particular order; one that is stopped in the middle of sending holds the others up, one that
/// dies there has sent nothing, or all of it, and does not. Values of one sender are received in the order in which they were sent, and all
/// subscribers receive all values in the same order.
///
/// There can be as many subscribers at a time as the segment has room for participants: 126 unless
/// [told otherwise](crate::Options::participants).
///
/// A thread that sends to a subscriber of its own waits for itself when the ring is full.
///
/// ```
/// use crossproc::{Broadcast, broadcast::Subscriber, process};
///
/// fn sum(mut prices: Subscriber<u64>) -> u64 {
///     prices.iter().sum()                     // ends when the ring is closed and drained
/// }
///
/// # crossproc::init();
/// let prices = Broadcast::new(16)?;
/// let first = process::spawn(sum, prices.subscribe()?)?;
/// let second = process::spawn(sum, prices.subscribe()?)?;
/// for price in 1..=100 {
///     prices.send(price)?;
/// }
/// prices.close();
/// assert_eq!((first.join()?, second.join()?), (5050, 5050));
/// # Ok::<(), crossproc::Error>(())
/// ```
pub struct Broadcast<T: Element> {
    pub(super) channel: Channel<T>,
}

handle! {
    impl<T: Element> Broadcast<T>, "broadcast ring", channel.words.place;
    /// It holds up to `capacity` elements.
    fn new(capacity: usize);
    /// How often, since the ring was created, a survivor went on in the place of a sender that had died while sending, or of a
    /// subscriber that had died.
    fn repairs();
}

impl<T: Element> Broadcast<T> {
    /// Subscribes: to everything that is sent from now on. Blocks only while a live sender is in the middle of sending.
    ///
    /// # Errors
    ///
    /// [`Error::SubscribersFull`] if there are as many live subscribers as there can be; [`Error::Corrupted`],
    /// [`Error::ParticipantsFull`].
    pub fn subscribe(&self) -> Result<Subscriber<T>> {
        self.subscribe_within(Patience::Forever)
    }

    /// The same, but blocks up to `timeout`.
    ///
    /// # Errors
    ///
    /// [`Error::Timeout`], and those of [`subscribe`](Broadcast::subscribe).
    pub fn subscribe_timeout(&self, timeout: Duration) -> Result<Subscriber<T>> {
        self.subscribe_within(Patience::timeout(timeout))
    }

    fn subscribe_within(&self, patience: Patience) -> Result<Subscriber<T>> {
        let attachment = &self.channel.words.place.attachment;
        let me = attachment.process()?;
        let joined = match self.channel.join(me, patience)? {
            None => {
                // Before turning the caller away, make sure that all are alive.
                attachment.examine();
                self.channel.join(me, patience)?
            }
            joined => joined,
        };
        let seat = joined.ok_or(Error::SubscribersFull {
            subscribers: attachment.segment().participants(),
        })?;
        if seat.inherited {
            attachment.repaired();
        }
        Ok(Subscriber::new(self.clone(), seat, me))
    }

    /// Sends `value` to all subscribers if there is room. Never blocks.
    ///
    /// # Errors
    ///
    /// [`Full`](TrySendError::Full) if a live subscriber is a whole ring behind, or another sender has been in the middle of sending for
    /// some time; [`Closed`](TrySendError::Closed), or [`Fault`](TrySendError::Fault), each with the value.
    #[inline]
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        self.channel
            .send_within(&value, Patience::None)
            .map_err(|refused| refused.of_try_send(value))
    }

    /// Sends `value` to all subscribers, and blocks while a live one is a whole ring behind. No death blocks it.
    ///
    /// # Errors
    ///
    /// [`Closed`](SendError::Closed), also if it is closed meanwhile, or [`Fault`](SendError::Fault), each with the value.
    #[inline]
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        self.channel
            .send_within(&value, Patience::Forever)
            .map_err(|refused| refused.of_send(value))
    }

    /// Sends `value` to all subscribers, and blocks while a live one is a whole ring behind, up to `timeout`.
    ///
    /// # Errors
    ///
    /// [`Timeout`](SendTimeoutError::Timeout), and those of [`send`](Broadcast::send).
    pub fn send_timeout(&self, value: T, timeout: Duration) -> Result<(), SendTimeoutError<T>> {
        self.channel
            .send_within(&value, Patience::timeout(timeout))
            .map_err(|refused| refused.of_send_timeout(value))
    }

    /// Sends `value` to all subscribers, and blocks while a live one is a whole ring behind, until `deadline`.
    ///
    /// # Errors
    ///
    /// As for [`send_timeout`](Broadcast::send_timeout).
    pub fn send_deadline(&self, value: T, deadline: Instant) -> Result<(), SendTimeoutError<T>> {
        self.channel
            .send_within(&value, Patience::Until(deadline))
            .map_err(|refused| refused.of_send_timeout(value))
    }

    /// Closes the ring for everyone: nothing more can be sent, what was sent can still be received, and then subscribers get
    /// `Closed`. Wakes everyone who waits. Never blocks.
    pub fn close(&self) {
        self.channel.close();
    }

    /// Whether it was closed.
    pub fn is_closed(&self) -> bool {
        self.channel.is_closed()
    }

    /// How many values were sent since the ring was created.
    pub fn sent(&self) -> u64 {
        self.channel.sent()
    }

    /// How many subscribers there are.
    pub fn subscribers(&self) -> usize {
        seats::taken(&self.channel.words)
    }

    /// How many elements it can hold.
    pub fn capacity(&self) -> usize {
        self.channel.capacity() as usize
    }
}

impl<T: Element> Primitive for Broadcast<T> {
    type Element = T;
    const KIND: Kind = Kind::Broadcast;

    fn body_len(size: Size) -> Option<u64> {
        Senders::Wait.body_len(size)
    }

    fn attach(place: Place) -> Result<Self> {
        Ok(Broadcast {
            channel: Channel::of(place, Senders::Wait),
        })
    }
}

impl<T: Element> Bounded for Broadcast<T> {}

impl<T: Element> fmt::Debug for Broadcast<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broadcast")
            .field("name", &self.name())
            .field("sent", &self.sent())
            .field("capacity", &self.capacity())
            .field("subscribers", &self.subscribers())
            .field("closed", &self.is_closed())
            .finish()
    }
}
