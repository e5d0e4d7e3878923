//! The ring without a role, and what both roles share.

use std::fmt;
use std::ops::Deref;

use serde::{Deserializer, Serializer};

use super::core::{self, Corrupted, Memory};
use super::memory::{self, Words};
use super::{Consumer, Producer};
use crate::atomic::Ordering;
use crate::element::Element;
use crate::error::{Fault, Result};
use crate::handle::{self, handle};
use crate::place::Place;
use crate::role::{self, Side};
use crate::segment::{Bounded, Kind, Primitive, Size};
use crate::sync::claim::Claim;
use crate::travel;

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
    /// [`Error::RoleHeld`](crate::Error::RoleHeld) if a live process has it, [`Error::Corrupted`](crate::Error::Corrupted).
    pub fn producer(&self) -> Result<Producer<T>> {
        Producer::new(Role::claim(self, PRODUCER)?)
    }

    /// Takes the consumer's role, if nobody has it, its holder closed it, or its holder's process has died. The ring is open
    /// again afterwards.
    ///
    /// # Errors
    ///
    /// [`Error::RoleHeld`](crate::Error::RoleHeld) if a live process has it, [`Error::Corrupted`](crate::Error::Corrupted).
    pub fn consumer(&self) -> Result<Consumer<T>> {
        Ok(Consumer::new(Role::claim(self, CONSUMER)?))
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

pub(super) const PRODUCER: Side = Side {
    name: "producer",
    claim: memory::PRODUCER,
    other: memory::CONSUMER,
    beside_other: None,
    bells: &memory::BELLS,
};

pub(super) const CONSUMER: Side = Side {
    name: "consumer",
    claim: memory::CONSUMER,
    other: memory::PRODUCER,
    beside_other: None,
    bells: &memory::BELLS,
};

/// A role that this process holds, and the ring it is a role of. Dropping it closes that side.
pub(super) struct Role<T: Element> {
    pub(super) ring: Ring<T>,
    role: role::Role,
}

pub(super) const CORRUPTED: Fault = Fault::Corrupted("the ring's positions contradict each other");

impl<T: Element> Role<T> {
    fn claim(ring: &Ring<T>, side: Side) -> Result<Role<T>> {
        let role = role::Role::claim(&ring.words.place, side)?;
        Ok(Role {
            ring: ring.clone(),
            role,
        })
    }

    pub(super) fn words(&self) -> &Words<T> {
        &self.ring.words
    }

    pub(super) fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        handle::serialize(&self.ring.words.place, self.role.send(), serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
        side: Side,
    ) -> Result<Self, D::Error> {
        let (ring, held) = handle::deserialize::<Ring<T>, role::Moving, D>(deserializer)?;
        let place = ring.words.place.clone();
        let role = role::Role::receive(place, side, held).map_err(travel::refuse)?;
        Ok(Role { ring, role })
    }
}

impl<T: Element> Deref for Role<T> {
    type Target = role::Role;

    #[inline]
    fn deref(&self) -> &role::Role {
        &self.role
    }
}

impl From<Corrupted> for Fault {
    fn from(_: Corrupted) -> Fault {
        CORRUPTED
    }
}
