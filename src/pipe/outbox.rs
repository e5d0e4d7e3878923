//! Sending messages into a stream.

use super::frame::{self, HEADER};
use super::inlet::{Inlet, Refused};
use crate::bytes::SharedBytesMut;
use crate::error::Fault;
use crate::wait::Patience;

/// Sends messages of any length.
pub(super) struct Outbox {
    pub(super) inlet: Inlet,
    /// The last message was begun and could not be sent to its end: there is no telling what its reader would make of more.
    pub(super) is_midway: bool,
}

const CUT_SHORT: Fault = Fault::Corrupted("a message could be sent in part only");

impl Outbox {
    pub(super) fn new(inlet: Inlet) -> Outbox {
        Outbox {
            inlet,
            is_midway: false,
        }
    }

    /// Sends a message. `patience` is how long its first byte may take.
    #[inline]
    pub(super) fn send(&mut self, message: &[u8], patience: Patience) -> Result<(), Refused> {
        let total = frame::total(message.len());
        if total > self.inlet.capacity() {
            return self.send_in_parts(message, patience);
        }
        self.await_room(total, patience)?;
        let header = frame::header(message.len(), self.inlet.position());
        self.inlet.put(0, &header);
        self.inlet.put(HEADER, message);
        self.inlet.commit(total);
        Ok(())
    }

    fn await_room(&mut self, room: usize, patience: Patience) -> Result<(), Refused> {
        if self.is_midway {
            // Most likely the other side is gone, which is what there is to say then.
            return self
                .inlet
                .room(0, 0)
                .and(Err(Refused::Fault((), CUT_SHORT)));
        }
        self.inlet.await_room(room, room, patience).map(|_| ())
    }

    /// What does not fit into the ring goes through it.
    #[cold]
    fn send_in_parts(&mut self, message: &[u8], patience: Patience) -> Result<(), Refused> {
        if let Patience::None = patience {
            // It would have to wait for the reader, but says first what else is the matter.
            let room = self.inlet.capacity();
            return self.await_room(room, patience).and(Err(Refused::Full(())));
        }
        self.await_room(HEADER, patience)?;
        let header = frame::header(message.len(), self.inlet.position());
        self.is_midway = true;
        self.inlet.put(0, &header);
        self.inlet.commit(HEADER);
        for part in message.chunks(self.inlet.part()) {
            // Only the last one needs any: parts are whole pages.
            let len = part.len() + frame::padding(part.len());
            self.inlet.await_room(len, len, Patience::Forever)?;
            self.inlet.put(0, part);
            self.inlet.commit(len);
        }
        self.is_midway = false;
        Ok(())
    }

    /// Room for a message of `len` bytes.
    ///
    /// # Panics
    ///
    /// If the ring is smaller.
    pub(super) fn reserve(
        &mut self,
        len: usize,
        patience: Patience,
    ) -> Result<Reservation<'_>, Refused> {
        let most = self.inlet.capacity() - HEADER;
        assert!(len <= most, "{len} bytes in place, of at most {most}");
        self.await_room(frame::total(len), patience)?;
        Ok(Reservation {
            inlet: &mut self.inlet,
            offset: HEADER,
            len,
        })
    }
}

/// Room in a pipe, to write to in place: see [`Sender::reserve`](super::Sender::reserve) and
/// [`ByteSender::reserve`](super::ByteSender::reserve). Dropping it sends nothing.
pub struct Reservation<'a> {
    inlet: &'a mut Inlet,
    /// Of the first byte: behind the header, if it is to be a message.
    offset: usize,
    len: usize,
}

impl<'a> Reservation<'a> {
    /// For bytes without a header.
    pub(super) fn of_bytes(inlet: &'a mut Inlet, len: usize) -> Self {
        Reservation {
            inlet,
            offset: 0,
            len,
        }
    }

    /// The room. What is in it at first is whatever was there before.
    pub fn bytes(&mut self) -> SharedBytesMut<'_> {
        self.inlet.space(self.offset, self.len)
    }

    /// Sends the first `len` bytes of it, as one message where there are messages. Never blocks.
    ///
    /// # Panics
    ///
    /// If there is not as much room.
    pub fn commit(self, len: usize) {
        let Reservation {
            inlet,
            offset,
            len: room,
        } = self;
        assert!(len <= room, "{len} of {room} bytes");
        if offset == 0 {
            return inlet.commit(len);
        }
        let header = frame::header(len, inlet.position());
        inlet.put(0, &header);
        inlet.commit(frame::total(len));
    }
}

impl std::fmt::Debug for Reservation<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reservation")
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}
