//! The end of a stream where bytes come out.

use serde::{Deserializer, Serializer};

use super::core::Reader;
use super::inlet::arrive;
use super::memory::Stream;
use crate::bytes::SharedBytes;
use crate::error::{Result, TryRecvError};
use crate::handle;
use crate::place::Place;
use crate::role::{Peer, Role};
use crate::travel;
use crate::wait::{Bell, Patience, block_until};

/// Dropping it closes the stream for the other side.
pub(super) struct Outlet {
    role: Role,
    stream: Stream,
    reader: Reader,
}

impl Outlet {
    pub(super) fn claim(stream: Stream) -> Result<Outlet> {
        let role = Role::claim(&stream.place, stream.direction.reader())?;
        Ok(Outlet::new(role, stream))
    }

    fn new(role: Role, stream: Stream) -> Outlet {
        let reader = Reader::take_over(&stream);
        Outlet {
            role,
            stream,
            reader,
        }
    }

    #[inline]
    pub(super) fn capacity(&self) -> usize {
        self.stream.capacity()
    }

    /// How many bytes come out at once where there are many, so that the other side can put some in meanwhile.
    #[inline]
    pub(super) fn part(&self) -> usize {
        self.capacity() / 4
    }

    #[inline]
    pub(super) fn position(&self) -> u64 {
        self.reader.position()
    }

    /// Where the bell is that is rung when there may be something to read.
    pub(crate) fn bell(&self) -> (&Place, usize) {
        (&self.stream.place, self.stream.not_empty_at())
    }

    /// Whether [`ready`](Outlet::ready) would not say that it is empty.
    pub(crate) fn is_ready(&self) -> bool {
        let gone = self.role.enter().is_err() || self.role.peer() != Peer::Expected;
        gone || !matches!(self.reader.is_ready(&self.stream), Ok(false))
    }

    /// How many bytes are there, at least one. Whether `wanted` of them are is found out.
    ///
    /// If nothing seems to be there, looks at the other side, and if that has left, once more at what it left.
    #[inline]
    pub(super) fn ready(&mut self, wanted: usize) -> Result<usize, TryRecvError> {
        self.role.enter().map_err(TryRecvError::Fault)?;
        match self.look(wanted)? {
            0 => {}
            ready => return Ok(ready),
        }
        let gone = match self.role.peer() {
            Peer::Expected => return Err(TryRecvError::Empty),
            Peer::Closed => TryRecvError::Closed,
            Peer::Died => TryRecvError::PeerDied,
        };
        match self.look(wanted)? {
            0 => Err(gone),
            ready => Ok(ready),
        }
    }

    #[inline]
    fn look(&mut self, wanted: usize) -> Result<usize, TryRecvError> {
        let ready = self.reader.ready(&self.stream, wanted as u64);
        match ready {
            Ok(ready) => Ok(ready as usize),
            Err(corrupted) => Err(TryRecvError::Fault(corrupted.into())),
        }
    }

    /// The same after waiting for it.
    #[inline]
    pub(super) fn await_ready(
        &mut self,
        wanted: usize,
        patience: Patience,
    ) -> Result<usize, TryRecvError> {
        match self.ready(wanted) {
            Err(TryRecvError::Empty) => wait(&self.stream(), patience, || self.ready(wanted)),
            outcome => outcome,
        }
    }

    /// For [`wait`].
    pub(super) fn stream(&self) -> Stream {
        self.stream.clone()
    }

    /// Copies from `offset` in what is there.
    #[inline]
    pub(super) fn copy(&self, offset: usize, to: &mut [u8]) {
        self.stream.read(self.position() + offset as u64, to);
    }

    /// Copies `len` bytes from `offset` in what is there behind what is in `to`.
    #[inline]
    pub(super) fn append(&self, offset: usize, len: usize, to: &mut Vec<u8>) {
        self.stream.append(self.position() + offset as u64, len, to);
    }

    /// As many bytes from `offset` in what is there.
    pub(super) fn view(&self, offset: usize, len: usize) -> SharedBytes<'_> {
        self.stream.view(self.position() + offset as u64, len)
    }

    /// The first `len` bytes, which were there, are read.
    #[inline]
    pub(super) fn commit(&mut self, len: usize) {
        self.reader.commit(&self.stream, len as u64);
        Bell::new(self.stream.not_full()).ring(1);
    }

    pub(super) fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let extra = (self.stream.direction, self.role.send());
        handle::serialize(&self.stream.place, extra, serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Self, D::Error> {
        let (stream, held) = arrive(deserializer)?;
        let role = Role::receive(stream.place.clone(), stream.direction.reader(), held);
        Ok(Outlet::new(role.map_err(travel::refuse)?, stream))
    }
}

/// Waits until `attempt` finds something in the stream.
#[cold]
pub(super) fn wait<R>(
    stream: &Stream,
    patience: Patience,
    mut attempt: impl FnMut() -> Result<R, TryRecvError>,
) -> Result<R, TryRecvError> {
    block_until(
        &stream.place.attachment,
        stream.not_empty(),
        patience,
        || match attempt() {
            Err(TryRecvError::Empty) => None,
            outcome => Some(outcome),
        },
    )
    .unwrap_or(Err(TryRecvError::Empty))
}
