//! The value of which only the newest counts.

use std::fmt;
use std::time::{Duration, Instant};

use super::Watcher;
use super::channel::{Channel, checked};
use super::memory::{SEQUENCE, Senders, TAIL};
use super::view::View;
use crate::element::Element;
use crate::error::{Fault, Result, SendError, SendTimeoutError, TryRecvError, TrySendError};
use crate::handle::handle;
use crate::place::Place;
use crate::segment::{Capacity, Kind, Options, Primitive, Size};
use crate::wait::Patience;

/// A value that can be set by anyone, got at any time, and watched: an [`Overwriting`](super::Overwriting) ring that keeps one value,
/// and has one from the beginning.
///
/// Getting never waits for anyone, and gives a value that was set as a whole: also while it is being set, by one who is stopped meanwhile, or dies.
/// Setting waits for others who are in the middle of setting it, not for those who get.
///
/// For a value that is read, changed and written, there are [`Mutex`](crate::Mutex) and [`RwLock`](crate::RwLock).
///
/// ```
/// let speed = crossproc::Latest::new(10u32)?;
/// let mut watcher = speed.watch();
/// speed.set(20)?;
/// speed.set(30)?;
/// assert_eq!(speed.get()?, 30);
/// let newest = watcher.changed()?;
/// assert_eq!((newest.value, newest.missed), (30, 1));
/// # Ok::<(), crossproc::Error>(())
/// ```
pub struct Latest<T: Element> {
    pub(super) channel: Channel<T>,
}

handle! {
    impl<T: Element> Latest<T>, "latest value", channel.words.place;
    fn new(value: T);
    /// How often, since it was created, one set it in the place of another who had died while setting it.
    fn repairs();
}

const NO_VALUE: Fault = Fault::Corrupted("a latest value has none");

impl<T: Element> Latest<T> {
    /// The value that was set last. Never blocks. It is tried again as long as more than three values are set while one is being copied.
    ///
    /// # Errors
    ///
    /// [`Fault`] if the segment is corrupted.
    #[inline]
    pub fn get(&self) -> Result<T, Fault> {
        let newest = self.channel.sent().checked_sub(1).ok_or(NO_VALUE)?;
        match self.channel.read(newest) {
            Ok(found) => checked(found.copy),
            Err(TryRecvError::Fault(fault)) => Err(fault),
            Err(_) => Err(NO_VALUE),
        }
    }

    /// Sets it. Blocks only while another live thread is in the middle of setting it.
    ///
    /// # Errors
    ///
    /// [`Closed`](SendError::Closed), or [`Fault`](SendError::Fault), each with the value.
    #[inline]
    pub fn set(&self, value: T) -> Result<(), SendError<T>> {
        self.channel
            .send_within(&value, Patience::Forever)
            .map_err(|refused| refused.of_send(value))
    }

    /// Sets it. Never blocks.
    ///
    /// # Errors
    ///
    /// [`Full`](TrySendError::Full) if another thread has been in the middle of setting it for some time;
    /// [`Closed`](TrySendError::Closed), or [`Fault`](TrySendError::Fault), each with the value.
    #[inline]
    pub fn try_set(&self, value: T) -> Result<(), TrySendError<T>> {
        self.channel
            .send_within(&value, Patience::None)
            .map_err(|refused| refused.of_try_send(value))
    }

    /// Sets it, and blocks up to `timeout` while another live thread is in the middle of setting it.
    ///
    /// # Errors
    ///
    /// [`Timeout`](SendTimeoutError::Timeout), and those of [`set`](Latest::set).
    pub fn set_timeout(&self, value: T, timeout: Duration) -> Result<(), SendTimeoutError<T>> {
        self.channel
            .send_within(&value, Patience::timeout(timeout))
            .map_err(|refused| refused.of_send_timeout(value))
    }

    /// Sets it, and blocks until `deadline` while another live thread is in the middle of setting it.
    ///
    /// # Errors
    ///
    /// As for [`set_timeout`](Latest::set_timeout).
    pub fn set_deadline(&self, value: T, deadline: Instant) -> Result<(), SendTimeoutError<T>> {
        self.channel
            .send_within(&value, Patience::Until(deadline))
            .map_err(|refused| refused.of_send_timeout(value))
    }

    /// A watcher that waits for values newer than the present one. Any number of them can be made.
    pub fn watch(&self) -> Watcher<T> {
        Watcher(View::of(&self.channel, self.channel.sent()))
    }

    /// Closes it for everyone: it can no longer be set, only got, and watchers that have seen the last value get `Closed`. Wakes everyone who
    /// waits. Never blocks.
    pub fn close(&self) {
        self.channel.close();
    }

    /// Whether it was closed.
    pub fn is_closed(&self) -> bool {
        self.channel.is_closed()
    }

    /// How often it was set, the first value included.
    pub fn version(&self) -> u64 {
        self.channel.sent()
    }
}

impl<T: Element> Options<Latest<T>> {
    /// The first value. Needed to create; an existing one keeps its own.
    pub fn value(self, value: T) -> Self {
        let slots = Senders::Overwrite.slots_start(0);
        let mut initial = vec![0; slots];
        initial[TAIL..][..8].copy_from_slice(&1u64.to_ne_bytes());
        initial.extend([0; SEQUENCE]);
        initial[slots..].copy_from_slice(&1u64.to_ne_bytes());
        initial.extend(bytemuck::bytes_of(&value));
        self.beginning(initial.into())
    }
}

impl<T: Element> Primitive for Latest<T> {
    type Element = T;
    const KIND: Kind = Kind::Latest;
    const CAPACITY: Capacity = Capacity::ONE;
    const NEEDS_VALUE: bool = true;

    fn body_len(size: Size) -> Option<u64> {
        Senders::Overwrite.body_len(size)
    }

    fn attach(place: Place) -> Result<Self> {
        Ok(Latest {
            channel: Channel::of(place, Senders::Overwrite),
        })
    }
}

impl<T: Element> fmt::Debug for Latest<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Latest")
            .field("name", &self.name())
            .field("version", &self.version())
            .field("closed", &self.is_closed())
            .finish()
    }
}
