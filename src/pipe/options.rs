//! How pipes are made.

use super::bytes::{ByteReceiver, ByteSender};
use super::end::End;
use super::inlet::Inlet;
use super::memory::{Bare, Direction, Stream};
use super::named::{CAPACITY, Pipe, capacity};
use super::outlet::Outlet;
use super::receiver::Receiver;
use super::sender::Sender;
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::place::Place;
use crate::segment::{self, Primitive};

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
        let (inlet, outlet) = self.one_way()?;
        Ok((ByteSender::new(inlet), ByteReceiver::new(outlet)))
    }

    /// Creates a pipe for values of type `T`.
    ///
    /// # Errors
    ///
    /// As for [`bytes`](Options::bytes).
    pub fn simplex<T>(&self) -> Result<(Sender<T>, Receiver<T>)> {
        let (inlet, outlet) = self.one_way()?;
        Ok((Sender::new(inlet), Receiver::new(outlet)))
    }

    /// Creates a pipe for values of type `A` one way, from the first end to the second, and of type `B` the other way.
    ///
    /// # Errors
    ///
    /// As for [`bytes`](Options::bytes).
    pub fn duplex<A, B>(&self) -> Result<(End<A, B>, End<B, A>)> {
        let pipe = Pipe::<A, B>::attach(self.place(2)?)?;
        Ok((pipe.left()?, pipe.right()?))
    }

    /// Both sides of a pipe of one direction.
    fn one_way(&self) -> Result<(Inlet, Outlet)> {
        let stream = Stream::of(self.place(1)?, Direction::ONLY)?;
        Ok((Inlet::claim(stream.clone())?, Outlet::claim(stream)?))
    }

    fn place(&self, directions: u64) -> Result<Place> {
        let options = segment::Options::<Bare>::new().sized(capacity(self.capacity, directions));
        let options = match self.participants {
            Some(threads) => options.participants(threads),
            None => options,
        };
        Ok(options.anonymous()?.place)
    }
}
