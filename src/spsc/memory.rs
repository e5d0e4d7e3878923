#![allow(unsafe_code)] // forms references to atomics inside the mapping
//! Where a ring's words are in its segment.
//!
//! | offset in the body | what |
//! |---|---|
//! | 0 | `head`, on lines of its own |
//! | 128, 132 | the bells *not empty* and *not full*, on a line of their own with: |
//! | 136, 144 | the roles of producer and consumer |
//! | 256 | the lines |
//!
//! A line is a 64-bit header and as many elements as fit into the rest of 64 bytes, or one element and as
//! many more bytes as make it a multiple of 64.

use std::marker::PhantomData;
use std::ptr::NonNull;

use super::core::{self, Shape};
use crate::atomic::{AtomicU32, AtomicU64};
use crate::element::{self, Element, Unchecked};
use crate::place::Place;
use crate::segment::Size;

const HEAD: usize = 0;
pub(super) const NOT_EMPTY: usize = 128;
pub(super) const NOT_FULL: usize = 132;
pub(super) const PRODUCER: usize = 136;
pub(super) const CONSUMER: usize = 144;
pub(super) const BELLS: [usize; 2] = [NOT_EMPTY, NOT_FULL];
const LINES: usize = 256;

const HEADER: usize = 8;
const LINE: usize = 64;

const fn per_line(element_size: usize) -> u32 {
    let fit = (LINE - HEADER) / element_size;
    if fit == 0 { 1 } else { fit as u32 }
}

const fn stride(element_size: usize) -> usize {
    (HEADER + per_line(element_size) as usize * element_size).next_multiple_of(LINE)
}

/// Bytes of the body; `None` on overflow.
pub(super) fn body_len(size: Size) -> Option<u64> {
    let element_size = size.element_size as usize;
    let shape = Shape::new(size.capacity, per_line(element_size))?;
    shape
        .lines
        .checked_mul(stride(element_size) as u64)?
        .checked_add(LINES as u64)
}

/// A ring's words, and the place that keeps them mapped.
pub(super) struct Words<T> {
    body: NonNull<u8>,
    shape: Shape,
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
    const STRIDE: usize = stride(size_of::<T>());
    const PER_LINE: u32 = per_line(size_of::<T>());

    pub(super) fn of(place: Place) -> Words<T> {
        const { assert!(size_of::<T>() > 0, "elements must have a size") };
        let body = place.start();
        let shape = Shape::new(place.capacity(), Self::PER_LINE)
            .expect("opening checked that the body's length does not overflow");
        Words {
            body,
            shape,
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

    pub(super) fn not_empty(&self) -> &AtomicU32 {
        self.word(NOT_EMPTY)
    }

    pub(super) fn not_full(&self) -> &AtomicU32 {
        self.word(NOT_FULL)
    }

    pub(super) fn producer_role(&self) -> &AtomicU64 {
        self.long(PRODUCER)
    }

    pub(super) fn consumer_role(&self) -> &AtomicU64 {
        self.long(CONSUMER)
    }

    /// Start of line `index`, which the core keeps below the number of lines.
    #[inline]
    fn line(&self, index: u64) -> usize {
        LINES + index as usize * Self::STRIDE
    }

    #[inline]
    fn place(&self, index: u64, place: u32) -> NonNull<u8> {
        let offset = self.line(index) + HEADER + place as usize * size_of::<T>();
        // SAFETY: the core keeps `index` below the number of lines and `place` below the elements of a line.
        unsafe { self.body.add(offset) }
    }
}

impl<T: Element> core::Memory for Words<T> {
    type Value = T;
    type Copy = Unchecked<T>;

    #[inline]
    fn shape(&self) -> Shape {
        Shape {
            per_line: Self::PER_LINE,
            ..self.shape
        }
    }

    #[inline]
    fn head(&self) -> &AtomicU64 {
        self.long(HEAD)
    }

    #[inline]
    fn header(&self, index: u64) -> &AtomicU64 {
        self.long(self.line(index))
    }

    #[inline]
    fn write(&self, index: u64, place: u32, value: &T) {
        // SAFETY: the place lies inside the body, aligned for the element's pieces, and is accessed atomically only.
        unsafe { element::write(self.place(index, place), value) }
    }

    #[inline]
    fn read(&self, index: u64, place: u32) -> Unchecked<T> {
        // SAFETY: the place lies inside the body, aligned for the element's pieces, and is accessed atomically only.
        unsafe { element::read(self.place(index, place)) }
    }
}
