//! Where a ring's words are in its segment.
//!
//! | offset in the body | what |
//! |---|---|
//! | 0, 8 | the senders' lock: its claim and its bell, as of any lock ([`guarded`](crate::sync::guarded)) |
//! | 16, 24 | `slowest` and `used` of the seats |
//! | 128 | `tail`, on lines of its own |
//! | 256, 260 | the bells *not empty* and *not full*, on a line of their own |
//! | 384 | the seats, 64 bytes each: claim and position. As many as the segment has participants; none where nobody is waited for |
//! | after them | the slots: a power of two |
//!
//! A slot is a 64-bit sequence and the element, rounded up to 8 bytes.

use std::marker::PhantomData;

use super::core::{self, Corrupted};
use super::seats::{self, Seats};
use crate::atomic::AtomicU64;
use crate::element::{Element, Unchecked};
use crate::owner::Owner;
use crate::place::Place;
use crate::segment::Size;

const SLOWEST: usize = 16;
const USED: usize = 24;
pub(super) const TAIL: usize = 128;
pub(super) const NOT_EMPTY: usize = 256;
pub(super) const NOT_FULL: usize = 260;
const SEATS: usize = 384;
const SEAT: usize = 64;
/// In a seat, behind its claim.
const POSITION: usize = 8;
/// In a slot, in front of the element.
pub(super) const SEQUENCE: usize = 8;

/// Whether senders wait for those who receive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Senders {
    Wait,
    Overwrite,
}

impl Senders {
    fn seats(self, participants: u32) -> usize {
        match self {
            Senders::Wait => participants as usize,
            Senders::Overwrite => 0,
        }
    }

    fn slots(self, capacity: u64) -> Option<u64> {
        let spare = match self {
            Senders::Wait => 0,
            Senders::Overwrite => core::SPARE,
        };
        capacity.checked_add(spare)?.checked_next_power_of_two()
    }

    /// Where the slots begin.
    pub(super) fn slots_start(self, participants: u32) -> usize {
        SEATS + self.seats(participants) * SEAT
    }

    /// Bytes of the body; `None` on overflow.
    pub(super) fn body_len(self, size: Size) -> Option<u64> {
        self.slots(size.capacity)?
            .checked_mul(SEQUENCE as u64 + u64::from(size.element_size).next_multiple_of(8))?
            .checked_add(self.slots_start(size.participants) as u64)
    }
}

/// Where the claim of a seat is.
pub(super) fn claim(index: usize) -> usize {
    SEATS + index * SEAT
}

/// A ring's words, and the place that keeps them mapped.
#[derive(Clone)]
pub(super) struct Words<T> {
    pub(super) place: Place,
    seats: usize,
    slots_start: usize,
    mask: u64,
    element: PhantomData<fn() -> T>,
}

impl<T: Element> Words<T> {
    pub(super) fn of(place: Place, senders: Senders) -> Words<T> {
        const { assert!(size_of::<T>() > 0, "elements must have a size") };
        let participants = place.attachment.segment().participants();
        let slots = senders
            .slots(place.capacity())
            .expect("opening checked that the body's length does not overflow");
        Words {
            seats: senders.seats(participants),
            slots_start: senders.slots_start(participants),
            mask: slots - 1,
            place,
            element: PhantomData,
        }
    }

    #[inline]
    fn slot(&self, position: u64) -> usize {
        // The mask keeps any position inside the body, so the cast and the product cannot overflow.
        self.slots_start
            + (position & self.mask) as usize
                * const { SEQUENCE + size_of::<T>().next_multiple_of(8) }
    }
}

impl<T: Element> core::Memory for Words<T> {
    type Value = T;
    type Copy = Unchecked<T>;

    #[inline]
    fn capacity(&self) -> u64 {
        self.place.capacity()
    }

    #[inline]
    fn slots(&self) -> u64 {
        self.mask + 1
    }

    #[inline]
    fn tail(&self) -> &AtomicU64 {
        self.place.long(TAIL)
    }

    #[inline]
    fn sequence(&self, position: u64) -> &AtomicU64 {
        self.place.long(self.slot(position))
    }

    #[inline]
    fn write(&self, position: u64, value: &T) {
        self.place.write(self.slot(position) + SEQUENCE, value);
    }

    #[inline]
    fn read(&self, position: u64) -> Unchecked<T> {
        self.place.read(self.slot(position) + SEQUENCE)
    }

    #[inline]
    fn has_room(&self, position: u64) -> Result<bool, Corrupted> {
        seats::has_room(self, position)
    }
}

impl<T: Element> Seats for Words<T> {
    fn seats(&self) -> usize {
        self.seats
    }

    fn room(&self) -> u64 {
        self.place.capacity()
    }

    fn claim(&self, index: usize) -> &AtomicU64 {
        self.place.long(claim(index))
    }

    fn position(&self, index: usize) -> &AtomicU64 {
        self.place.long(claim(index) + POSITION)
    }

    fn used(&self) -> &AtomicU64 {
        self.place.long(USED)
    }

    fn slowest(&self) -> &AtomicU64 {
        self.place.long(SLOWEST)
    }

    fn is_live(&self, owner: Owner) -> bool {
        self.place.attachment.is_process_live(owner)
    }
}
