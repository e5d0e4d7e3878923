//! Pipes that can be found.

use std::fmt;
use std::marker::PhantomData;

use super::end::End;
use super::ends::{self, Which};
use super::memory::{Bare, Direction};
use super::receiver::Receiver;
use super::sender::Sender;
use crate::error::Result;
use crate::handle::handle;
use crate::place::Place;
use crate::platform::page_size;
use crate::segment::{Capacity, Kind, Options, Primitive, Size};

/// Bytes a pipe holds in each direction unless told otherwise: enough for both sides to copy at once, and little enough to stay in a
/// processor's cache.
pub(super) const CAPACITY: usize = 512 << 10;

/// A pipe for two who meet by a name: one takes its left [`End`], which sends values of type `A` and receives such of type `B`, and the other its
/// right one, for which it is the other way round.
///
/// ```
/// use crossproc::pipe::Pipe;
///
/// # let name = format!("greeter-{}", std::process::id());
/// let here = Pipe::<String, usize>::open_or_create(&name)?;
/// let mut caller = here.left()?;
/// caller.send(&"hello".to_owned())?;             // whether or not there is anyone yet
///
/// // Elsewhere, perhaps in another program:
/// let there = Pipe::<String, usize>::open_or_create(&name)?;
/// let mut greeter = there.right()?;
/// let length = greeter.recv()?.len();
/// greeter.send(&length)?;
///
/// assert_eq!(caller.recv()?, 5);
/// # here.unlink()?;
/// # Ok::<(), crossproc::Error>(())
/// ```
///
/// Both have to agree on the types: they are not written down.
///
/// # One connection after the other
///
/// Each end has one holder. Its holder may come late: whatever the other sends until then is kept, as far as there is room; who comes late
/// may find that the other has gone already, and receives what is left. When one has closed its end,
/// or was killed, the other is told, and receives what is left; nobody takes the place of the one who is gone. When the other is gone too, the
/// pipe can be used again: whoever takes an end that has been used has it start anew, and what was left in it is gone.
pub struct Pipe<A, B> {
    bare: Bare,
    values: PhantomData<fn() -> (A, B)>,
}

handle! {
    impl<A: Sized, B: Sized> Pipe<A, B>, "pipe", bare.place;
    /// It holds 512 KiB in each direction.
    fn new();
    /// How often, since the pipe was created, it started anew after a death.
    fn repairs();
}

impl<A, B> Pipe<A, B> {
    /// Takes the left end, which sends values of type `A` and receives such of type `B`. Does not wait for anybody but those who take an end
    /// at the same time.
    ///
    /// # Errors
    ///
    /// [`Error::RoleHeld`](crate::Error::RoleHeld) if a live process has it, or half of it. [`Error::EndSpent`](crate::Error::EndSpent) if
    /// whoever had it is gone, and the other end is still in use. [`Error::Corrupted`](crate::Error::Corrupted).
    pub fn left(&self) -> Result<End<A, B>> {
        self.end(0, "left end")
    }

    /// Takes the right end, which sends values of type `B` and receives such of type `A`.
    ///
    /// # Errors
    ///
    /// As for [`left`](Pipe::left).
    pub fn right(&self) -> Result<End<B, A>> {
        self.end(1, "right end")
    }

    fn end<S, R>(&self, direction: u8, name: &'static str) -> Result<End<S, R>> {
        let away = Direction::there_and_back(direction);
        let (inlet, outlet) = ends::take(&self.bare.place, &Which { away, name })?;
        Ok(End {
            sender: Sender::new(inlet),
            receiver: Receiver::new(outlet),
        })
    }

    /// Bytes that it holds in each direction.
    pub fn capacity(&self) -> usize {
        (self.bare.place.capacity() / 2) as usize
    }
}

impl<A, B> Options<Pipe<A, B>> {
    /// Bytes it holds in each direction, rounded up to a power of two and to a whole page; 512 KiB unless set. Messages may be larger.
    pub fn memory(self, bytes: usize) -> Self {
        self.sized(capacity(bytes, 2))
    }
}

/// The capacity of a pipe of so many directions with so much memory in each: 0 for none, and more than there is room for if it is too much.
pub(super) fn capacity(bytes: usize, directions: u64) -> u64 {
    let each = match bytes {
        0 => Some(0),
        bytes => bytes.max(page_size()).checked_next_power_of_two(),
    };
    let all = each.and_then(|each| (each as u64).checked_mul(directions));
    all.unwrap_or(u64::MAX)
}

impl<A, B> Primitive for Pipe<A, B> {
    type Element = u8;
    const KIND: Kind = Kind::Pipe;
    const CAPACITY: Capacity = Capacity {
        what: "memory",
        default: Some(2 * CAPACITY as u64),
        most: u64::MAX,
        rule: "give the number of bytes it is to hold in each direction, at least 1",
    };

    fn body_len(size: Size) -> Option<u64> {
        Bare::body_len(size)
    }

    fn attach(place: Place) -> Result<Self> {
        Ok(Pipe {
            bare: Bare::attach(place)?,
            values: PhantomData,
        })
    }
}

impl<A, B> fmt::Debug for Pipe<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipe")
            .field("name", &self.name())
            .field("capacity", &self.capacity())
            .finish_non_exhaustive()
    }
}
