#![allow(unsafe_code)] // forms pointers to chunks inside the mapping
//! Where the words and the memory of a queue for messages are in its segment.
//!
//! | offset in the body | what |
//! |---|---|
//! | 0 | `tail` of the queue of chunks, on lines of its own |
//! | 128 | `head`, on lines of its own |
//! | 256, 260, 264 | the bells *not empty*, *memory*, *idle*, on a line of their own with: |
//! | 272 | news: how often something happened that makes orphans |
//! | 384 | the bitmap: 128 words |
//! | 1408 | two words for each block: its chunk, and of the message that begins there the length (48 bits) and how often it was delivered before (16 bits) |
//! | | the queue's slots: two words each, sequence and first block; twice as many as blocks, rounded up to a power of two |
//! | | the blocks, from the next multiple of 128 on |
//!
//! There are 4096 blocks, or as many of 64 bytes as make up the memory; their size is a multiple of 64. So all of it follows from the capacity, which is the memory
//! in bytes.

use std::ptr::NonNull;

use super::blocks::{MOST, PER_WORD};
use crate::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::place::{Identity, Place};
use crate::segment::Size;

const TAIL: usize = 0;
const HEAD: usize = 128;
pub(super) const NOT_EMPTY: usize = 256;
pub(super) const MEMORY: usize = 260;
pub(super) const IDLE: usize = 264;
const NEWS: usize = 272;
const MAP: usize = 384;
const CHUNKS: usize = MAP + (MOST / PER_WORD) as usize * 8;
const ENTRY: usize = 16;
const SLOT: usize = 16;
/// What blocks are a multiple of, and aligned to.
const LINE: u64 = 64;

/// How the memory is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Geometry {
    pub(super) blocks: u32,
    /// Bytes in a block.
    pub(super) block: u64,
    slots: u64,
    slots_offset: u64,
    data_offset: u64,
    end: u64,
}

impl Geometry {
    /// `None` on overflow.
    pub(super) fn new(memory: u64) -> Option<Geometry> {
        let block = memory
            .div_ceil(MOST.into())
            .checked_next_multiple_of(LINE)?;
        let blocks = memory.div_ceil(block).max(1);
        let slots = (2 * blocks).next_power_of_two();
        let slots_offset = CHUNKS as u64 + blocks * ENTRY as u64;
        let data_offset = (slots_offset + slots * SLOT as u64).next_multiple_of(128);
        let end = blocks.checked_mul(block)?.checked_add(data_offset)?;
        Some(Geometry {
            blocks: u32::try_from(blocks).ok()?,
            block,
            slots,
            slots_offset,
            data_offset,
            end,
        })
    }

    /// How many blocks a message of this length takes; `None` if it is more than there are.
    #[inline]
    pub(super) fn blocks_for(&self, len: usize) -> Option<u32> {
        let blocks = (len as u64).div_ceil(self.block).max(1);
        u32::try_from(blocks)
            .ok()
            .filter(|blocks| *blocks <= self.blocks)
    }
}

/// Bytes of the body; `None` on overflow.
pub(super) fn body_len(size: Size) -> Option<u64> {
    Geometry::new(size.capacity).map(|geometry| geometry.end)
}

/// What is known of the message that begins at a block. Zero in a segment is zero here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Label {
    pub(super) len: u64,
    /// How often it was delivered before.
    pub(super) deliveries: u16,
}

impl Label {
    pub(super) fn from_bits(bits: u64) -> Label {
        Label {
            len: bits & ((1 << 48) - 1),
            deliveries: (bits >> 48) as u16,
        }
    }

    pub(super) fn bits(self) -> u64 {
        u64::from(self.deliveries) << 48 | self.len
    }
}

/// The words, and the place that keeps them mapped.
#[derive(Clone)]
pub(super) struct Words {
    pub(super) place: Place,
    pub(super) geometry: Geometry,
    /// Which of the primitives in the segment it is.
    pub(super) identity: Identity,
}

impl Words {
    pub(super) fn of(place: Place) -> Words {
        let geometry = Geometry::new(place.capacity())
            .expect("opening checked that the body's length does not overflow");
        Words {
            identity: place.identity(),
            geometry,
            place,
        }
    }

    pub(super) fn head(&self) -> &AtomicU64 {
        self.place.long(HEAD)
    }

    pub(super) fn tail(&self) -> &AtomicU64 {
        self.place.long(TAIL)
    }

    pub(super) fn not_empty(&self) -> &AtomicU32 {
        self.place.word(NOT_EMPTY)
    }

    pub(super) fn memory(&self) -> &AtomicU32 {
        self.place.word(MEMORY)
    }

    pub(super) fn idle(&self) -> &AtomicU32 {
        self.place.word(IDLE)
    }

    pub(super) fn news(&self) -> &AtomicU64 {
        self.place.long(NEWS)
    }

    /// Something happened that makes an orphan, or leaves blocks without a chunk.
    pub(super) fn spread_news(&self) {
        self.news().fetch_add(1, Ordering::AcqRel);
    }

    /// Lets everyone who waits look again.
    pub(super) fn ring_all(&self) {
        for bell in [NOT_EMPTY, MEMORY, IDLE] {
            self.place.bell(bell).ring_all();
        }
    }

    pub(super) fn slots(&self) -> u64 {
        self.geometry.slots
    }

    /// The bitmap's words that there are for so many blocks.
    pub(super) fn map(&self, word: u32) -> &AtomicU64 {
        debug_assert!(word < MOST / PER_WORD);
        self.place.long(MAP + word as usize * 8)
    }

    #[inline]
    fn entry(&self, block: u32) -> usize {
        assert!(
            block < self.geometry.blocks,
            "a block's number is checked where it is read"
        );
        CHUNKS + block as usize * ENTRY
    }

    pub(super) fn chunk(&self, block: u32) -> &AtomicU64 {
        self.place.long(self.entry(block))
    }

    pub(super) fn label(&self, block: u32) -> &AtomicU64 {
        self.place.long(self.entry(block) + 8)
    }

    /// The slot of a ticket: its sequence, and behind it the first block.
    #[inline]
    fn slot(&self, ticket: u64) -> usize {
        let index = ticket & (self.geometry.slots - 1);
        self.geometry.slots_offset as usize + index as usize * SLOT
    }

    pub(super) fn sequence(&self, ticket: u64) -> &AtomicU64 {
        self.place.long(self.slot(ticket))
    }

    pub(super) fn first_block(&self, ticket: u64) -> &AtomicU64 {
        self.place.long(self.slot(ticket) + 8)
    }

    /// The first byte of a block.
    pub(super) fn data(&self, block: u32) -> NonNull<u8> {
        assert!(
            block < self.geometry.blocks,
            "a block's number is checked where it is read"
        );
        let offset = self.geometry.data_offset + u64::from(block) * self.geometry.block;
        // SAFETY: the block lies inside the body, whose length was computed from the same geometry.
        unsafe { self.place.start().add(offset as usize) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_divided_into_up_to_4096_blocks() {
        let divided = |memory| {
            let geometry = Geometry::new(memory).unwrap();
            (geometry.blocks, geometry.block)
        };
        assert_eq!(divided(1), (1, 64));
        assert_eq!(divided(64), (1, 64));
        assert_eq!(divided(65), (2, 64));
        assert_eq!(divided(64 * 4096), (4096, 64));
        assert_eq!(divided(64 * 4096 + 1), (2049, 128));
        assert_eq!(divided(64 << 20), (4096, 16 << 10));
        assert_eq!(Geometry::new(u64::MAX), None);
        assert_eq!(Geometry::new(u64::MAX - 63), None);
    }

    #[test]
    fn labels_keep_length_and_deliveries() {
        let label = Label {
            len: (1 << 48) - 1,
            deliveries: 7,
        };
        assert_eq!(Label::from_bits(label.bits()), label);
    }
}
