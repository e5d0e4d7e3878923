#![allow(unsafe_code)] // copies to and from the mapping
//! Where a pipe's words and bytes are in its segment.
//!
//! The body begins with a page of words, 384 bytes for each direction:
//!
//! | offset | what |
//! |---|---|
//! | 0 | `head`, on lines of its own |
//! | 128 | `tail`, on lines of its own |
//! | 256, 260 | the bells *not empty* and *not full*, on a line of their own with: |
//! | 264, 272 | the roles of the writer and the reader |
//!
//! At 768 is the lock of those who take ends, with its bell, and at 784 what [`super::ends`] says. From the next page on there are the bytes of the first direction, and then those of the second. How many directions there are is
//! not in the segment: whoever gets an end is told along with it, and one that is found by name has two.

use std::num::NonZero;
use std::ptr::NonNull;
use std::sync::Arc;

use super::core;
use crate::atomic::{AtomicU32, AtomicU64};
use crate::bytes::{SharedBytes, SharedBytesMut};
use crate::error::{Error, Fault, Result};
use crate::place::Place;
use crate::platform::mirror::Mirror;
use crate::platform::{copy, page_size};
use crate::role::Side;
use crate::segment::{Kind, Primitive, Size};

const HEAD: usize = 0;
const TAIL: usize = 128;
const NOT_EMPTY: usize = 256;
const NOT_FULL: usize = 260;
const WRITER: usize = 264;
const READER: usize = 272;
const WORDS: usize = 384;
pub(super) const LOCK: usize = 2 * WORDS;
pub(super) const STARTING: usize = LOCK + 16;

/// There and back.
pub(super) const MOST_DIRECTIONS: u8 = 2;

/// Which of how many directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Direction {
    pub(super) index: u8,
    pub(super) of: NonZero<u8>,
}

impl Direction {
    /// Of one.
    pub(super) const ONLY: Direction = Direction {
        index: 0,
        of: NonZero::<u8>::MIN,
    };

    /// Where its words are.
    const fn words(self) -> usize {
        self.index as usize * WORDS
    }

    pub(super) fn writer(self) -> Side {
        const SIDES: [Side; 2] = [writer(0), writer(1)];
        let side = SIDES[usize::from(self.index)];
        Side {
            // The reader's process has taken the other direction's writer first, if they are one end's.
            beside_other: self.back().map(|back| SIDES[usize::from(back.index)].claim),
            ..side
        }
    }

    pub(super) fn reader(self) -> Side {
        const SIDES: [Side; 2] = [reader(0), reader(1)];
        SIDES[usize::from(self.index)]
    }

    /// Where its positions are.
    pub(super) fn positions(self) -> [usize; 2] {
        [HEAD, TAIL].map(|position| self.words() + position)
    }

    /// Of two directions.
    pub(super) fn there_and_back(index: u8) -> Direction {
        let of = NonZero::new(MOST_DIRECTIONS).expect("two directions");
        Direction { index, of }
    }

    /// The other of two.
    pub(super) fn back(self) -> Option<Direction> {
        let index = 1 - self.index.min(1);
        (self.of.get() == MOST_DIRECTIONS).then_some(Direction { index, ..self })
    }
}

const BELLS: [[usize; 2]; 2] = [[NOT_EMPTY, NOT_FULL], [WORDS + NOT_EMPTY, WORDS + NOT_FULL]];

const fn writer(direction: usize) -> Side {
    Side {
        name: "writer",
        claim: direction * WORDS + WRITER,
        other: direction * WORDS + READER,
        beside_other: None,
        bells: &BELLS[direction],
    }
}

const fn reader(direction: usize) -> Side {
    Side {
        name: "reader",
        claim: direction * WORDS + READER,
        other: direction * WORDS + WRITER,
        beside_other: None,
        bells: &BELLS[direction],
    }
}

/// A pipe without a role in it: what its segment is taken for. Its capacity is the bytes of all directions together.
#[derive(Clone)]
pub(super) struct Bare {
    pub(super) place: Place,
}

impl Primitive for Bare {
    type Element = u8;
    const KIND: Kind = Kind::Pipe;

    fn body_len(size: Size) -> Option<u64> {
        // Whole pages only: else there is no mapping it twice in a row.
        size.capacity
            .is_multiple_of(page_size() as u64)
            .then(|| size.capacity.checked_add(page_size() as u64))?
    }

    fn attach(place: Place) -> Result<Self> {
        Ok(Bare { place })
    }
}

/// The words and bytes of one direction of a pipe, and what keeps them mapped.
#[derive(Clone)]
pub(super) struct Stream {
    pub(super) place: Place,
    pub(super) direction: Direction,
    bytes: Arc<Mirror>,
}

impl Stream {
    pub(super) fn of(place: Place, direction: Direction) -> Result<Stream> {
        let Direction { index, of } = direction;
        let segment = place.attachment.segment();
        let page = page_size() as u64;
        let capacity = place.capacity() / u64::from(of.get());
        let fits = of.get() <= MOST_DIRECTIONS
            && index < of.get()
            && place.offset().is_multiple_of(page_size())
            && capacity.is_power_of_two()
            && capacity.is_multiple_of(page);
        let capacity = usize::try_from(capacity).ok().filter(|_| fits);
        let capacity = capacity.ok_or(Fault::Corrupted("a pipe has no such direction"))?;
        let begin = (segment.body_offset() + place.offset()) as u64;
        let offset = begin + page + u64::from(index) * capacity as u64;
        let bytes = Mirror::map(segment.fd(), offset, capacity)
            .map_err(Error::os("map the pipe's bytes"))?;
        Ok(Stream {
            place,
            direction,
            bytes: Arc::new(bytes),
        })
    }

    #[inline]
    fn long(&self, offset: usize) -> &AtomicU64 {
        self.place.long(self.direction.words() + offset)
    }

    #[inline]
    fn word(&self, offset: usize) -> &AtomicU32 {
        self.place.word(self.direction.words() + offset)
    }

    /// Where the bell is that the writer rings.
    #[inline]
    pub(super) fn not_empty_at(&self) -> usize {
        self.direction.words() + NOT_EMPTY
    }

    #[inline]
    pub(super) fn not_empty(&self) -> &AtomicU32 {
        self.word(NOT_EMPTY)
    }

    #[inline]
    pub(super) fn not_full(&self) -> &AtomicU32 {
        self.word(NOT_FULL)
    }

    #[inline]
    pub(super) fn capacity(&self) -> usize {
        self.bytes.len()
    }

    /// Where a run of `len` bytes is, which are fewer than there are for all who ask: positions are compared before.
    #[inline]
    fn run(&self, position: u64, len: usize) -> NonNull<u8> {
        assert!(len <= self.bytes.len(), "a run is no longer than the ring");
        self.bytes.at(position)
    }

    /// Copies bytes in.
    #[inline]
    pub(super) fn write(&self, position: u64, from: &[u8]) {
        let to = self.run(position, from.len());
        // SAFETY: as many bytes are mapped there, and a slice that somebody has is not among them.
        unsafe { copy::copy_in(to.as_ptr(), from) }
    }

    /// Copies bytes out.
    #[inline]
    pub(super) fn read(&self, position: u64, to: &mut [u8]) {
        let from = self.run(position, to.len());
        // SAFETY: as many bytes are mapped there, and nobody else has `to`.
        unsafe { copy::copy_out(to, from.as_ptr()) }
    }

    /// Copies `len` bytes behind what is in `to`.
    #[inline]
    pub(super) fn append(&self, position: u64, len: usize, to: &mut Vec<u8>) {
        let from = self.run(position, len);
        // SAFETY: as many bytes are mapped there, and nobody else has `to`.
        unsafe { copy::append(to, from.as_ptr(), len) }
    }

    #[inline]
    pub(super) fn view(&self, position: u64, len: usize) -> SharedBytes<'_> {
        // SAFETY: as many bytes are mapped there, for as long as the mirror lives, which this borrows.
        unsafe { SharedBytes::new(self.run(position, len), len) }
    }

    #[inline]
    pub(super) fn view_mut(&self, position: u64, len: usize) -> SharedBytesMut<'_> {
        // SAFETY: as above.
        unsafe { SharedBytesMut::new(self.run(position, len), len) }
    }
}

impl core::Memory for Stream {
    #[inline]
    fn capacity(&self) -> u64 {
        self.bytes.len() as u64
    }

    #[inline]
    fn head(&self) -> &AtomicU64 {
        self.long(HEAD)
    }

    #[inline]
    fn tail(&self) -> &AtomicU64 {
        self.long(TAIL)
    }
}
