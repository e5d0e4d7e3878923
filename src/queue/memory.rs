#![allow(unsafe_code)] // forms references to atomics inside the mapping
//! Where a queue's words are in its segment.
//!
//! | offset in the body | what |
//! |---|---|
//! | 0 | `tail`, on lines of its own |
//! | 128 | `head`, on lines of its own |
//! | 256, 260 | the bells *not empty* and *not full*, on a line of their own |
//! | 384 | the slots: as many as the capacity, rounded up to a power of two |
//!
//! A slot is a 64-bit sequence and the element, rounded up to 8 bytes.

use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr::NonNull;

use super::core;
use crate::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::element::{self, Element, Unchecked};
use crate::liveness::Participant;
use crate::place::Place;
use crate::segment::Size;
use crate::wait::Bell;

const TAIL: usize = 0;
const HEAD: usize = 128;
pub(super) const NOT_EMPTY: usize = 256;
pub(super) const NOT_FULL: usize = 260;
const SLOTS: usize = 384;
/// In an intention: the queue's place in the segment, above any ticket there will ever be.
const PART: u32 = 56;
/// The sequence in front of the element.
const SEQUENCE: usize = 8;

fn stride(element_size: usize) -> usize {
    SEQUENCE + element_size.next_multiple_of(8)
}

/// Bytes of the body; `None` on overflow.
pub(super) fn body_len(size: Size) -> Option<u64> {
    let Size {
        capacity,
        element_size,
        ..
    } = size;
    let slots = capacity.checked_next_power_of_two()?;
    slots
        .checked_mul(stride(element_size as usize) as u64)?
        .checked_add(SLOTS as u64)
}

/// A queue's words, and the place that keeps them mapped.
pub(super) struct Words<T> {
    body: NonNull<u8>,
    capacity: u64,
    mask: u64,
    /// Which of the queues in the segment it is, in an intention.
    announced: u64,
    /// The same among all there ever were.
    number: u64,
    pub(super) place: Place,
    element: PhantomData<T>,
}

// SAFETY: the words are shared by design and accessed atomically; elements cross as copies, and are `Send`.
unsafe impl<T: Element> Send for Words<T> {}
// SAFETY: as above.
unsafe impl<T: Element> Sync for Words<T> {}

impl<T> Clone for Words<T> {
    fn clone(&self) -> Self {
        Words {
            place: self.place.clone(),
            ..*self
        }
    }
}

impl<T: Element> Words<T> {
    pub(super) fn of(place: Place) -> Words<T> {
        const { assert!(size_of::<T>() > 0, "elements must have a size") };
        let body = place.start();
        let capacity = place.capacity();
        let mask = capacity.next_power_of_two() - 1;
        Words {
            body,
            capacity,
            mask,
            announced: u64::from(place.identity().announced) << PART,
            number: place.identity().number,
            place,
            element: PhantomData,
        }
    }

    fn long(&self, offset: usize) -> &AtomicU64 {
        // SAFETY: callers pass 8-aligned offsets inside the body, which is accessed atomically only.
        unsafe { self.body.add(offset).cast().as_ref() }
    }

    fn word(&self, offset: usize) -> &AtomicU32 {
        // SAFETY: callers pass 4-aligned offsets inside the body, which is accessed atomically only.
        unsafe { self.body.add(offset).cast().as_ref() }
    }

    /// What the calling thread remembers of this queue's `head`.
    #[inline]
    pub(super) fn seen_head<'p>(&self, participant: &'p Participant) -> &'p Cell<u64> {
        &participant.seen(self.number).head
    }

    pub(super) fn not_empty(&self) -> &AtomicU32 {
        self.word(NOT_EMPTY)
    }

    pub(super) fn not_full(&self) -> &AtomicU32 {
        self.word(NOT_FULL)
    }

    #[inline]
    fn slot(&self, ticket: u64) -> usize {
        // The mask keeps any ticket inside the body, so the cast and the product cannot overflow.
        SLOTS
            + (ticket & self.mask) as usize
                * const { SEQUENCE + size_of::<T>().next_multiple_of(8) }
    }
}

impl<T: Element> core::Memory for Words<T> {
    type Value = T;
    type Copy = Unchecked<T>;

    fn capacity(&self) -> u64 {
        self.capacity
    }

    fn head(&self) -> &AtomicU64 {
        self.long(HEAD)
    }

    fn tail(&self) -> &AtomicU64 {
        self.long(TAIL)
    }

    fn sequence(&self, ticket: u64) -> &AtomicU64 {
        self.long(self.slot(ticket))
    }

    fn write(&self, ticket: u64, value: &T) {
        let offset = self.slot(ticket) + SEQUENCE;
        // SAFETY: the slot lies inside the body, 8-aligned, and is accessed atomically only.
        unsafe { element::write(self.body.add(offset), value) }
    }

    fn read(&self, ticket: u64) -> Unchecked<T> {
        let offset = self.slot(ticket) + SEQUENCE;
        // SAFETY: the slot lies inside the body, 8-aligned, and is accessed atomically only.
        unsafe { element::read(self.body.add(offset)) }
    }

    #[inline]
    fn intention(&self, ticket: u64) -> u64 {
        self.announced | ticket.wrapping_add(1)
    }

    #[cold]
    fn is_intended(&self, intent: u64) -> bool {
        let records = self.place.attachment.records();
        (0..records.used()).any(|index| {
            // Acquire: pairs with the announcement.
            records.intents(index).send.load(Ordering::Acquire) == intent
                && records.takes_part(index)
        })
    }

    fn repaired(&self) {
        self.place.attachment.repaired();
    }

    fn freed(&self) {
        Bell::new(self.not_full()).ring(1);
    }

    fn withdrew(&self) {
        Bell::new(self.not_empty()).ring(1);
    }
}
