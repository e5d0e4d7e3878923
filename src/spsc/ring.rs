//! The ring without a role, and what both roles share.

use std::fmt;

use serde::{Deserializer, Serializer, de};

use super::core::{self, Corrupted, Memory};
use super::memory::{self, Words};
use super::role;
use super::{Consumer, Producer};
use crate::atomic::Ordering;
use crate::element::Element;
use crate::error::{Error, Fault, Result};
use crate::handle::{self, handle};
use crate::holding::Holding;
use crate::place::Place;
use crate::segment::{Bounded, Kind, Primitive, Size};
use crate::sync::claim::{Claim, Holder};

/// Creates an anonymous ring for up to `capacity` elements, and takes both roles. Each handle can move to another thread, or in the
/// arguments of [`process::spawn`](crate::process::spawn) to another process.
///
/// # Errors
///
/// See [`Options::anonymous`](crate::Options::anonymous).
pub fn ring<T: Element>(capacity: usize) -> Result<(Producer<T>, Consumer<T>)> {
    let ring = Ring::new(capacity)?;
    Ok((ring.producer()?, ring.consumer()?))
}

/// A ring without a role in it: for claiming one, and for looking. See the [module](super).
pub struct Ring<T: Element> {
    pub(super) words: Words<T>,
}

handle! {
    impl<T: Element> Ring<T>, "ring", words.place;
    /// It holds up to `capacity` elements.
    fn new(capacity: usize);
    /// How often, since the ring was created, a role was taken over from a process that had died.
    fn repairs();
}

impl<T: Element> Ring<T> {
    /// Takes the producer's role, if nobody has it, its holder closed it, or its holder's process has died. The ring is open
    /// again afterwards.
    ///
    /// # Errors
    ///
    /// [`Error::RoleHeld`] if a live process has it, [`Error::Corrupted`].
    pub fn producer(&self) -> Result<Producer<T>> {
        Producer::new(Role::claim(self, Side::Producer)?)
    }

    /// Takes the consumer's role, if nobody has it, its holder closed it, or its holder's process has died. The ring is open
    /// again afterwards.
    ///
    /// # Errors
    ///
    /// [`Error::RoleHeld`] if a live process has it, [`Error::Corrupted`].
    pub fn consumer(&self) -> Result<Consumer<T>> {
        Ok(Consumer::new(Role::claim(self, Side::Consumer)?))
    }

    /// Elements sent and not yet received.
    pub fn len(&self) -> usize {
        loop {
            let head = self.words.head().load(Ordering::Acquire);
            let tail = core::find_tail(&self.words);
            if self.words.head().load(Ordering::Acquire) == head {
                // What makes no sense is for the roles to report.
                let tail = tail.unwrap_or(head);
                return tail.wrapping_sub(head).min(self.words.shape().capacity) as usize;
            }
        }
    }

    /// Whether [`len`](Ring::len) is 0.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many elements it can hold.
    pub fn capacity(&self) -> usize {
        self.words.shape().capacity as usize
    }
}

impl<T: Element> Primitive for Ring<T> {
    type Element = T;
    const KIND: Kind = Kind::Ring;

    fn body_len(size: Size) -> Option<u64> {
        memory::body_len(size)
    }

    fn attach(place: Place) -> Result<Self> {
        Ok(Ring {
            words: Words::of(place),
        })
    }
}

impl<T: Element> Bounded for Ring<T> {}

impl<T: Element> fmt::Debug for Ring<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ring")
            .field("name", &self.name())
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field(
                "producer",
                &Claim::load(self.words.producer_role()).holder(),
            )
            .field(
                "consumer",
                &Claim::load(self.words.consumer_role()).holder(),
            )
            .finish()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Producer,
    Consumer,
}

impl Side {
    fn name(self) -> &'static str {
        match self {
            Side::Producer => "producer",
            Side::Consumer => "consumer",
        }
    }

    /// Where its claim is.
    fn claim(self) -> usize {
        match self {
            Side::Producer => memory::PRODUCER,
            Side::Consumer => memory::CONSUMER,
        }
    }
}

/// How the process at the other end is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Peer {
    /// It is alive, or has not come yet.
    Expected,
    Closed,
    Died,
}

/// A role that this process holds. Dropping it closes that side.
pub(super) struct Role<T: Element> {
    pub(super) ring: Ring<T>,
    side: Side,
    holding: Holding,
}

pub(super) const CORRUPTED: Fault = Fault::Corrupted("the ring's positions contradict each other");

impl<T: Element> Role<T> {
    fn claim(ring: &Ring<T>, side: Side) -> Result<Role<T>> {
        let place = &ring.words.place;
        let attachment = &place.attachment;
        // Should this thread die between the change and the news of it, those who sleep must know it.
        attachment.participant()?;
        let owner = attachment.process()?;
        let word = place.long(side.claim());
        let claimed = role::claim(word, attachment, owner).or_else(|_| {
            // Before turning the caller away, make sure that the holder is alive.
            attachment.examine();
            role::claim(word, attachment, owner)
        });
        let (held, died) = claimed.map_err(|holder| Error::RoleHeld {
            role: side.name(),
            pid: attachment.records().pid(holder),
        })?;
        if died {
            attachment.repaired();
        }
        let holding = Holding::new(place.clone(), side.claim(), &memory::BELLS, held, owner);
        holding.announce();
        Ok(Role {
            ring: ring.clone(),
            side,
            holding,
        })
    }

    pub(super) fn words(&self) -> &Words<T> {
        &self.ring.words
    }

    /// To be called before every operation: see [`Holding::enter`].
    #[inline]
    pub(super) fn enter(&self) -> Result<(), Fault> {
        self.holding.enter()
    }

    /// How the other side is doing. To be asked *before* a last look at the ring: what it did before it left is
    /// visible afterwards.
    #[inline]
    pub(super) fn peer(&self) -> Peer {
        let words = self.words();
        let word = match self.side {
            Side::Producer => words.consumer_role(),
            Side::Consumer => words.producer_role(),
        };
        match Claim::load(word).holder() {
            Holder::Vacant => Peer::Expected,
            Holder::Closed | Holder::Garbage => Peer::Closed,
            Holder::Someone(owner) if words.place.attachment.is_process_live(owner) => {
                Peer::Expected
            }
            Holder::Someone(_) => Peer::Died,
        }
    }

    pub(super) fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        handle::serialize(self.holding.place(), self.holding.send(), serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
        side: Side,
    ) -> Result<Self, D::Error> {
        let (ring, held) = handle::deserialize::<Ring<T>, u64, D>(deserializer)?;
        let place = ring.words.place.clone();
        let holding =
            Holding::receive(place, side.claim(), &memory::BELLS, held, role::next_change)
                .map_err(de::Error::custom)?;
        Ok(Role {
            ring,
            side,
            holding,
        })
    }
}

impl From<Corrupted> for Fault {
    fn from(_: Corrupted) -> Fault {
        CORRUPTED
    }
}
