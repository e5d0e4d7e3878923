//! The ring whose senders wait for nobody.

use std::fmt;
use std::time::{Duration, Instant};

use super::Reader;
use super::channel::Channel;
use super::memory::Senders;
use super::view::View;
use crate::element::Element;
use crate::error::{Result, SendError, SendTimeoutError, TrySendError};
use crate::handle::handle;
use crate::place::Place;
use crate::segment::{Bounded, Kind, Primitive, Size};
use crate::wait::Patience;

/// A ring that keeps the last values sent, and from which any number of readers read each at its own pace: see the
/// [module](super).
///
/// Sending never waits for a reader: the oldest value is overwritten. A reader that falls behind by more than the capacity goes on with the
/// oldest value there is, and is told how many it missed. Readers leave no trace in the ring; their number is not limited, and their death
/// concerns nobody.
///
/// Senders are served one at a time, in no particular order; one that is stopped in the middle of sending holds the others up, one that
/// dies there has sent nothing, or all of it, and does not. Either way the last values sent before stay readable.
///
/// ```
/// let samples = crossproc::Overwriting::new(4)?;
/// let mut reader = samples.reader();
/// for sample in 0..10 {
///     samples.send(sample)?;
/// }
/// let oldest = reader.recv()?;
/// assert_eq!((oldest.value, oldest.missed), (6, 6));
/// assert_eq!(reader.recv()?.value, 7);
/// # Ok::<(), crossproc::Error>(())
/// ```
pub struct Overwriting<T: Element> {
    pub(super) channel: Channel<T>,
}

handle! {
    impl<T: Element> Overwriting<T>, "overwriting ring", channel.words.place;
    /// It keeps the last `capacity` values.
    fn new(capacity: usize);
    /// How often, since the ring was created, a sender went on in the place of one that had died while sending.
    fn repairs();
}

impl<T: Element> Overwriting<T> {
    /// A reader of all that is sent from now on. Any number of them can be made.
    pub fn reader(&self) -> Reader<T> {
        Reader(View::of(&self.channel, self.sent()))
    }

    /// A reader that begins with the oldest value there is.
    pub fn reader_from_oldest(&self) -> Reader<T> {
        let oldest = self.sent().saturating_sub(self.channel.capacity());
        Reader(View::of(&self.channel, oldest))
    }

    /// Sends `value`. Never blocks.
    ///
    /// # Errors
    ///
    /// [`Full`](TrySendError::Full) if another sender has been in the middle of sending for some time;
    /// [`Closed`](TrySendError::Closed), or [`Fault`](TrySendError::Fault), each with the value.
    #[inline]
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        self.channel
            .send_within(&value, Patience::None)
            .map_err(|refused| refused.of_try_send(value))
    }

    /// Sends `value`. Blocks only while another live thread is in the middle of sending.
    ///
    /// # Errors
    ///
    /// [`Closed`](SendError::Closed), or [`Fault`](SendError::Fault), each with the value.
    #[inline]
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        self.channel
            .send_within(&value, Patience::Forever)
            .map_err(|refused| refused.of_send(value))
    }

    /// Sends `value`, and blocks up to `timeout` while another live thread is in the middle of sending.
    ///
    /// # Errors
    ///
    /// [`Timeout`](SendTimeoutError::Timeout), and those of [`send`](Overwriting::send).
    pub fn send_timeout(&self, value: T, timeout: Duration) -> Result<(), SendTimeoutError<T>> {
        self.channel
            .send_within(&value, Patience::timeout(timeout))
            .map_err(|refused| refused.of_send_timeout(value))
    }

    /// Sends `value`, and blocks until `deadline` while another live thread is in the middle of sending.
    ///
    /// # Errors
    ///
    /// As for [`send_timeout`](Overwriting::send_timeout).
    pub fn send_deadline(&self, value: T, deadline: Instant) -> Result<(), SendTimeoutError<T>> {
        self.channel
            .send_within(&value, Patience::Until(deadline))
            .map_err(|refused| refused.of_send_timeout(value))
    }

    /// Closes the ring for everyone: nothing more can be sent, what is there can still be read, and then readers get `Closed`. Wakes
    /// everyone who waits. Never blocks.
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

    /// How many values it keeps.
    pub fn capacity(&self) -> usize {
        self.channel.capacity() as usize
    }
}

impl<T: Element> Primitive for Overwriting<T> {
    type Element = T;
    const KIND: Kind = Kind::Overwriting;

    fn body_len(size: Size) -> Option<u64> {
        Senders::Overwrite.body_len(size)
    }

    fn attach(place: Place) -> Result<Self> {
        Ok(Overwriting {
            channel: Channel::of(place, Senders::Overwrite),
        })
    }
}

impl<T: Element> Bounded for Overwriting<T> {}

impl<T: Element> fmt::Debug for Overwriting<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Overwriting")
            .field("name", &self.name())
            .field("sent", &self.sent())
            .field("capacity", &self.capacity())
            .field("closed", &self.is_closed())
            .finish()
    }
}
