//! How pipes are made.

use std::num::NonZero;

use super::bytes::{ByteReceiver, ByteSender};
use super::end::End;
use super::inlet::Inlet;
use super::memory::{Direction, MOST_DIRECTIONS, Pipe, Stream};
use super::outlet::Outlet;
use super::receiver::Receiver;
use super::sender::Sender;
use crate::error::{Error, Result};
use crate::place::Place;
use crate::platform::page_size;
use crate::segment;

/// Bytes a pipe holds in each direction unless told otherwise: enough for both sides to copy at once, and little enough to stay in a
/// processor's cache.
const CAPACITY: usize = 512 << 10;

/// A pipe of bytes, with 512 KiB of memory.
///
/// ```
/// use std::io::{Read, Write};
///
/// let (mut sender, mut receiver) = crossproc::pipe::bytes()?;
/// sender.write_all(b"any number of bytes")?;
/// sender.close();
/// let mut text = String::new();
/// receiver.read_to_string(&mut text)?;          // to the end
/// assert_eq!(text, "any number of bytes");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// See [`Options::bytes`].
pub fn bytes() -> Result<(ByteSender, ByteReceiver)> {
    options().bytes()
}

/// A pipe for values of type `T`, with 512 KiB of memory.
///
/// # Errors
///
/// See [`Options::bytes`].
pub fn simplex<T>() -> Result<(Sender<T>, Receiver<T>)> {
    options().simplex()
}

/// A pipe for values of type `A` one way and of type `B` the other, with 512 KiB of memory each.
///
/// # Errors
///
/// See [`Options::bytes`].
pub fn duplex<A, B>() -> Result<(End<A, B>, End<B, A>)> {
    options().duplex()
}

/// For everything else that can be chosen.
pub fn options() -> Options {
    Options {
        capacity: CAPACITY,
        participants: None,
    }
}

/// How to create a pipe: begin with [`pipe::options()`](options).
///
/// ```
/// let (mut here, mut there) = crossproc::pipe::options().capacity(1 << 20).duplex::<String, usize>()?;
/// here.send(&"how long?".to_owned())?;
/// there.send(&"how long?".len())?;
/// assert_eq!(here.recv()?, there.recv()?.len());
/// # Ok::<(), crossproc::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    capacity: usize,
    participants: Option<u32>,
}

impl Options {
    /// Bytes it holds in each direction, rounded up to a power of two and to a whole page; 512 KiB unless set. Messages may be larger.
    pub fn capacity(self, bytes: usize) -> Self {
        Options {
            capacity: bytes,
            ..self
        }
    }

    /// How many threads can take part at a time: see [`Options::participants`](crate::Options::participants).
    pub fn participants(self, threads: u32) -> Self {
        Options {
            participants: Some(threads),
            ..self
        }
    }

    /// Creates a pipe of bytes. Each end can move to another thread, or in the arguments of [`process::spawn`](crate::process::spawn) to
    /// another process.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidSize`], [`Error::TooLarge`], [`Error::OutOfMemory`].
    pub fn bytes(&self) -> Result<(ByteSender, ByteReceiver)> {
        let [(inlet, outlet)] = self.create()?;
        Ok((ByteSender::new(inlet), ByteReceiver::new(outlet)))
    }

    /// Creates a pipe for values of type `T`.
    ///
    /// # Errors
    ///
    /// As for [`bytes`](Options::bytes).
    pub fn simplex<T>(&self) -> Result<(Sender<T>, Receiver<T>)> {
        let [(inlet, outlet)] = self.create()?;
        Ok((Sender::new(inlet), Receiver::new(outlet)))
    }

    /// Creates a pipe for values of type `A` one way, from the first end to the second, and of type `B` the other way.
    ///
    /// # Errors
    ///
    /// As for [`bytes`](Options::bytes).
    pub fn duplex<A, B>(&self) -> Result<(End<A, B>, End<B, A>)> {
        let [(to, from_here), (back, from_there)] = self.create()?;
        let first = End {
            sender: Sender::new(to),
            receiver: Receiver::new(from_there),
        };
        let second = End {
            sender: Sender::new(back),
            receiver: Receiver::new(from_here),
        };
        Ok((first, second))
    }

    /// The ends of each direction.
    fn create<const N: usize>(&self) -> Result<[(Inlet, Outlet); N]> {
        const { assert!(0 < N && N <= MOST_DIRECTIONS as usize) };
        let place = self.place(N as u64)?;
        let mut ends = Vec::with_capacity(N);
        for index in 0..N as u8 {
            let of = NonZero::new(N as u8).expect("at least one direction");
            let stream = Stream::of(place.clone(), Direction { index, of })?;
            ends.push((Inlet::claim(stream.clone())?, Outlet::claim(stream)?));
        }
        Ok(ends.try_into().ok().expect("as many as directions"))
    }

    fn place(&self, directions: u64) -> Result<Place> {
        let bytes = match self.capacity {
            0 => Some(0), // Refused below.
            bytes => bytes.max(page_size()).checked_next_power_of_two(),
        };
        let capacity = bytes.and_then(|bytes| (bytes as u64).checked_mul(directions));
        let capacity = capacity.ok_or(Error::TooLarge {
            capacity: self.capacity as u64,
            element_size: 1,
        })?;
        let options = segment::Options::<Pipe>::new().sized(capacity);
        let options = match self.participants {
            Some(threads) => options.participants(threads),
            None => options,
        };
        Ok(options.anonymous()?.place)
    }
}
