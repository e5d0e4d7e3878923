//! A private position in a ring: what readers and watchers are. It leaves no trace in the segment.

use serde::{Deserializer, Serializer, de};

use super::channel::{Channel, checked};
use super::memory::NOT_EMPTY;
use crate::element::Element;
use crate::error::{Fault, TryRecvError};
use crate::handle;
use crate::place::Place;
use crate::segment::Primitive;
use crate::wait::Patience;

/// A value, and how many there were before it that had been overwritten, or were passed over because it is newer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Received<T> {
    /// The value.
    pub value: T,
    /// How many values were sent since the last one received, and are gone.
    pub missed: u64,
}

#[derive(Clone)]
pub(super) struct View<T: Element> {
    channel: Channel<T>,
    /// Of the next value.
    position: u64,
}

impl<T: Element> View<T> {
    pub(super) fn of(channel: &Channel<T>, position: u64) -> View<T> {
        View {
            channel: channel.clone(),
            position,
        }
    }

    #[inline]
    pub(super) fn try_next(&mut self) -> Result<Received<T>, TryRecvError> {
        next(&self.channel, &mut self.position)
    }

    #[inline]
    pub(super) fn next_within(&mut self, patience: Patience) -> Result<Received<T>, TryRecvError> {
        let View { channel, position } = self;
        match next(channel, position) {
            Err(TryRecvError::Empty) => channel.block(patience, || next(channel, position)),
            outcome => outcome,
        }
    }

    pub(super) fn position(&self) -> u64 {
        self.position
    }

    pub(super) fn bell(&self) -> (&Place, usize) {
        (&self.channel.words.place, NOT_EMPTY)
    }

    pub(super) fn is_ready(&self) -> bool {
        self.channel.is_ready(self.position)
    }

    pub(super) fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        handle::serialize(&self.channel.words.place, self.position, serializer)
    }

    /// Of a ring of kind `H`.
    pub(super) fn deserialize<'de, H: Primitive, D: Deserializer<'de>>(
        deserializer: D,
        channel: impl FnOnce(H) -> Channel<T>,
    ) -> Result<Self, D::Error> {
        let (ring, position) = handle::deserialize::<H, u64, D>(deserializer)?;
        let channel = channel(ring);
        if position > channel.sent() {
            return Err(de::Error::custom(Fault::Corrupted(
                "a reader is ahead of its ring",
            )));
        }
        Ok(View { channel, position })
    }
}

#[inline]
fn next<T: Element>(channel: &Channel<T>, position: &mut u64) -> Result<Received<T>, TryRecvError> {
    let found = channel.read(*position)?;
    let missed = found.position - *position;
    *position = found.position + 1;
    let value = checked(found.copy).map_err(TryRecvError::Fault)?;
    Ok(Received { value, missed })
}
