//! The end of a stream where bytes go in.

use serde::{Deserializer, Serializer};

use super::core::{Corrupted, Writer};
use super::memory::{Bare, Direction, Stream};
use crate::bytes::SharedBytesMut;
use crate::error::{Fault, Result, TrySendError};
use crate::handle;
use crate::role::{Moving, Peer, Role};
use crate::travel;
use crate::wait::{Bell, Patience, block_until};

/// Why nothing went in.
pub(super) type Refused = TrySendError<()>;

/// Dropping it closes the stream for the other side, which reads what is in it first.
pub(super) struct Inlet {
    role: Role,
    stream: Stream,
    writer: Writer,
}

impl Inlet {
    pub(super) fn claim(stream: Stream) -> Result<Inlet> {
        let role = Role::claim(&stream.place, stream.direction.writer())?;
        Ok(Inlet::new(role, stream))
    }

    fn new(role: Role, stream: Stream) -> Inlet {
        let writer = Writer::take_over(&stream);
        Inlet {
            role,
            stream,
            writer,
        }
    }

    #[inline]
    pub(super) fn capacity(&self) -> usize {
        self.stream.capacity()
    }

    /// How many bytes go in at once where there are many, so that the other side can take some out meanwhile.
    #[inline]
    pub(super) fn part(&self) -> usize {
        self.capacity() / 4
    }

    #[inline]
    pub(super) fn position(&self) -> u64 {
        self.writer.position()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.role.is_peer_closed()
    }

    /// How many bytes there is room for, at least `least`. That there is room for `wanted`, which are as many or more, is found out.
    #[inline]
    pub(super) fn room(&mut self, least: usize, wanted: usize) -> Result<usize, Refused> {
        self.role
            .enter()
            .map_err(|fault| Refused::Fault((), fault))?;
        match self.role.peer() {
            Peer::Expected => {}
            Peer::Closed => return Err(Refused::Closed(())),
            Peer::Died => return Err(Refused::PeerDied(())),
        }
        match self.writer.room(&self.stream, wanted as u64) {
            Ok(room) if room >= least as u64 => Ok(room as usize),
            Ok(_) => Err(Refused::Full(())),
            Err(corrupted) => Err(Refused::Fault((), corrupted.into())),
        }
    }

    /// The same after waiting for it.
    #[inline]
    pub(super) fn await_room(
        &mut self,
        least: usize,
        wanted: usize,
        patience: Patience,
    ) -> Result<usize, Refused> {
        match self.room(least, wanted) {
            Err(Refused::Full(())) => self.block(least, wanted, patience),
            outcome => outcome,
        }
    }

    #[cold]
    fn block(&mut self, least: usize, wanted: usize, patience: Patience) -> Result<usize, Refused> {
        let stream = self.stream.clone();
        block_until(
            &stream.place.attachment,
            stream.not_full(),
            patience,
            || match self.room(least, wanted) {
                Err(Refused::Full(())) => None,
                outcome => Some(outcome),
            },
        )
        .unwrap_or(Err(Refused::Full(())))
    }

    /// Copies bytes to `offset` in the room that there is.
    #[inline]
    pub(super) fn put(&mut self, offset: usize, bytes: &[u8]) {
        self.stream.write(self.position() + offset as u64, bytes);
    }

    /// As many bytes at `offset` in the room that there is.
    pub(super) fn space(&mut self, offset: usize, len: usize) -> SharedBytesMut<'_> {
        self.stream.view_mut(self.position() + offset as u64, len)
    }

    /// The first `len` bytes of the room have been copied in: they are written.
    #[inline]
    pub(super) fn commit(&mut self, len: usize) {
        self.writer.commit(&self.stream, len as u64);
        Bell::new(self.stream.not_empty()).ring(1);
    }

    pub(super) fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let extra = (self.stream.direction, self.role.send());
        handle::serialize(&self.stream.place, extra, serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Self, D::Error> {
        let (stream, held) = arrive(deserializer)?;
        let role = Role::receive(stream.place.clone(), stream.direction.writer(), held);
        Ok(Inlet::new(role.map_err(travel::refuse)?, stream))
    }
}

/// What an end of a stream is made of in a child process: the stream, and by what word the parent held its role.
pub(super) fn arrive<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<(Stream, Moving), D::Error> {
    let (pipe, (direction, held)) =
        handle::deserialize::<Bare, (Direction, Moving), D>(deserializer)?;
    let stream = Stream::of(pipe.place, direction).map_err(travel::refuse)?;
    Ok((stream, held))
}

impl From<Corrupted> for Fault {
    fn from(_: Corrupted) -> Fault {
        Fault::Corrupted("the pipe's positions contradict each other")
    }
}
