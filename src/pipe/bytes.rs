//! A pipe of bytes, without messages.

use std::fmt;
use std::io;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::inlet::{Inlet, Refused};
use super::outbox::Reservation;
use super::outlet::Outlet;
use super::verbs::{receiving, sending};
use crate::bytes::SharedBytes;
use crate::error::{Error, Fault, Result, TryRecvError, TrySendError};
#[cfg(doc)]
use crate::error::{RecvError, RecvTimeoutError, SendError, SendTimeoutError};
use crate::place::Place;
use crate::wait::Patience;

/// The only writer of a pipe of bytes: see the [module](super). Dropping it closes the pipe: the reader reads what is left, and then the end.
///
/// [`write`](io::Write::write) blocks while there is no room, then writes as much as there is room for, and returns how much that was.
/// With the reader gone it fails with [`BrokenPipe`](io::ErrorKind::BrokenPipe) if that closed its side, and with
/// [`ConnectionReset`](io::ErrorKind::ConnectionReset) if it was killed. [`flush`](io::Write::flush) has nothing to do.
///
/// It can move to another thread, and in the arguments of [`process::spawn`](crate::process::spawn) to a child process. In a forked
/// child every operation fails with [`Fault::RoleLost`].
pub struct ByteSender {
    inlet: Inlet,
    patience: Option<Duration>,
}

/// The only reader of a pipe of bytes: see the [module](super). Dropping it closes the pipe: the writer can write nothing more.
///
/// [`read`](io::Read::read) blocks while there is nothing, then reads as much as is there, and returns how much that was: 0 if the writer
/// closed its side, or was dropped, and everything has been read. If the writer was killed, reading what it left is followed by
/// [`ConnectionReset`](io::ErrorKind::ConnectionReset).
///
/// It can move to another thread, and in the arguments of [`process::spawn`](crate::process::spawn) to a child process. In a forked
/// child every operation fails with [`Fault::RoleLost`].
pub struct ByteReceiver {
    outlet: Outlet,
    patience: Option<Duration>,
}

fn patience(timeout: Option<Duration>) -> Patience {
    timeout.map_or(Patience::Forever, Patience::timeout)
}

impl ByteSender {
    pub(super) fn new(inlet: Inlet) -> Self {
        ByteSender {
            inlet,
            patience: None,
        }
    }

    /// Writes as much as there is room for; how much. Never blocks.
    ///
    /// # Errors
    ///
    /// [`Full`](TrySendError::Full), [`Closed`](TrySendError::Closed) if the reader closed its side, [`PeerDied`](TrySendError::PeerDied) if
    /// it was killed, or [`Fault`](TrySendError::Fault).
    pub fn try_write(&mut self, bytes: &[u8]) -> Result<usize, TrySendError<()>> {
        self.write_within(bytes, Patience::None)
    }

    fn write_within(&mut self, bytes: &[u8], patience: Patience) -> Result<usize, Refused> {
        if bytes.is_empty() {
            return Ok(0);
        }
        let room = self.inlet.await_room(1, bytes.len(), patience)?;
        let bytes = &bytes[..bytes.len().min(room)];
        for part in bytes.chunks(self.inlet.part()) {
            self.inlet.put(0, part);
            self.inlet.commit(part.len());
        }
        Ok(bytes.len())
    }

    sending! {
        /// Room for `len` bytes, to write to in place: no copy is made of them.
        ///
        /// # Panics
        ///
        /// If `len` is more than the pipe's [capacity](ByteSender::capacity).
        self.reserve_within(len: usize) -> Reservation<'_>;
        try_reserve, reserve, reserve_timeout, reserve_deadline;
    }

    fn reserve_within(
        &mut self,
        len: usize,
        patience: Patience,
    ) -> Result<Reservation<'_>, Refused> {
        let most = self.capacity();
        assert!(len <= most, "{len} bytes in place, of at most {most}");
        self.inlet.await_room(len, len, patience)?;
        Ok(Reservation::of_bytes(&mut self.inlet, len))
    }

    /// How long [`write`](io::Write::write) blocks at most; `None` for ever, as at first. After that it fails with
    /// [`TimedOut`](io::ErrorKind::TimedOut).
    pub fn set_write_timeout(&mut self, timeout: Option<Duration>) {
        self.patience = timeout;
    }

    /// Bytes that the pipe holds.
    pub fn capacity(&self) -> usize {
        self.inlet.capacity()
    }

    /// Whether the reader closed its side.
    pub fn is_closed(&self) -> bool {
        self.inlet.is_closed()
    }

    /// Closes the writing side, as dropping does.
    pub fn close(self) {}
}

impl ByteReceiver {
    pub(super) fn new(outlet: Outlet) -> Self {
        ByteReceiver {
            outlet,
            patience: None,
        }
    }

    /// Reads into the front of `bytes` what is there; how much. Never blocks.
    ///
    /// # Errors
    ///
    /// [`Empty`](TryRecvError::Empty); [`Closed`](TryRecvError::Closed) if nothing is left and the writer closed its side;
    /// [`PeerDied`](TryRecvError::PeerDied) if nothing is left and the writer was killed; or [`Fault`](TryRecvError::Fault).
    pub fn try_read(&mut self, bytes: &mut [u8]) -> Result<usize, TryRecvError> {
        self.read_within(bytes, Patience::None)
    }

    fn read_within(&mut self, bytes: &mut [u8], patience: Patience) -> Result<usize, TryRecvError> {
        if bytes.is_empty() {
            return Ok(0);
        }
        let ready = self.outlet.await_ready(bytes.len(), patience)?;
        let len = bytes.len().min(ready);
        for part in bytes[..len].chunks_mut(self.outlet.part()) {
            self.outlet.copy(0, part);
            self.outlet.commit(part.len());
        }
        Ok(len)
    }

    receiving! {
        /// Looks at what is there, at least one byte, without a copy. [`consume`](ByteReceiver::consume) then makes room for more.
        self.look_within() -> SharedBytes<'_>;
        try_look, look, look_timeout, look_deadline;
    }

    fn look_within(&mut self, patience: Patience) -> Result<SharedBytes<'_>, TryRecvError> {
        let ready = self.outlet.await_ready(self.capacity(), patience)?;
        Ok(self.outlet.view(0, ready))
    }

    /// Counts the first `len` bytes as read. Never blocks.
    ///
    /// # Panics
    ///
    /// If not as many are there.
    pub fn consume(&mut self, len: usize) {
        if len > 0 {
            let ready = self.outlet.ready(len).unwrap_or(0);
            assert!(len <= ready, "{len} of {ready} bytes");
            self.outlet.commit(len);
        }
    }

    /// Waits up to `timeout` for something to read. True if the next read does not block: there is something, or the writer closed its side,
    /// or has died.
    ///
    /// # Errors
    ///
    /// Those that a read would meet otherwise.
    pub fn poll(&mut self, timeout: Duration) -> Result<bool, Fault> {
        let patience = match timeout {
            Duration::ZERO => Patience::None,
            timeout => Patience::timeout(timeout),
        };
        match self.outlet.await_ready(1, patience) {
            Ok(_) | Err(TryRecvError::Closed | TryRecvError::PeerDied) => Ok(true),
            Err(TryRecvError::Empty) => Ok(false),
            Err(TryRecvError::Fault(fault)) => Err(fault),
        }
    }

    /// Where the bell is that is rung when there may be something to read.
    pub(crate) fn bell(&self) -> (&Place, usize) {
        self.outlet.bell()
    }

    /// Whether a read would not block.
    pub(crate) fn is_ready(&self) -> bool {
        self.outlet.is_ready()
    }

    /// How long [`read`](io::Read::read) blocks at most; `None` for ever, as at first. After that it fails with
    /// [`TimedOut`](io::ErrorKind::TimedOut).
    pub fn set_read_timeout(&mut self, timeout: Option<Duration>) {
        self.patience = timeout;
    }

    /// Bytes that the pipe holds.
    pub fn capacity(&self) -> usize {
        self.outlet.capacity()
    }

    /// Closes the reading side, as dropping does.
    pub fn close(self) {}
}

fn failure(kind: io::ErrorKind, error: Error) -> io::Error {
    io::Error::new(kind, error)
}

impl io::Write for ByteSender {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_within(bytes, patience(self.patience))
            .map_err(|refused| match refused {
                Refused::Full(()) => failure(io::ErrorKind::TimedOut, Error::Timeout),
                Refused::Closed(()) => failure(io::ErrorKind::BrokenPipe, Error::Closed),
                Refused::PeerDied(()) => failure(io::ErrorKind::ConnectionReset, Error::PeerDied),
                Refused::Fault((), fault) => io::Error::other(fault),
            })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl io::Read for ByteReceiver {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self.read_within(bytes, patience(self.patience)) {
            Ok(read) => Ok(read),
            Err(TryRecvError::Closed) => Ok(0),
            Err(TryRecvError::Empty) => Err(failure(io::ErrorKind::TimedOut, Error::Timeout)),
            Err(TryRecvError::PeerDied) => {
                Err(failure(io::ErrorKind::ConnectionReset, Error::PeerDied))
            }
            Err(TryRecvError::Fault(fault)) => Err(io::Error::other(fault)),
        }
    }
}

impl fmt::Debug for ByteSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteSender")
            .field("capacity", &self.capacity())
            .field("written", &self.inlet.position())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ByteReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteReceiver")
            .field("capacity", &self.capacity())
            .field("read", &self.outlet.position())
            .finish_non_exhaustive()
    }
}

/// Only in the arguments of [`process::spawn`](crate::process::spawn), which moves it to the child. Should the child
/// die before it has its arguments, the writing side is closed.
impl Serialize for ByteSender {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.inlet.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ByteSender {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Inlet::deserialize(deserializer).map(ByteSender::new)
    }
}

/// Only in the arguments of [`process::spawn`](crate::process::spawn), which moves it to the child. Should the child
/// die before it has its arguments, the reading side is closed.
impl Serialize for ByteReceiver {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.outlet.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ByteReceiver {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Outlet::deserialize(deserializer).map(ByteReceiver::new)
    }
}
