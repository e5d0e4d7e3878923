//! A list's table: a word for how many elements there are, and a link to a record for each.
//!
//! | word | meaning |
//! |---|---|
//! | root | number of the commit (32 bits), the table's block (32); without a block: nothing in it |
//! | table, 0 | how many elements there are |
//! | table, 8 | number of the commit that emptied the list last, its era (32 bits); how many links the table has room for (32); the same for as long as it is a table |
//! | table, 16 on | links: number of the commit (32 bits), the record's block (32); from the last element on they mean nothing |

use crate::atomic::{AtomicU64, Ordering};
use crate::heap::{Block, HeapError, Link, Memory, is_inside};

const LEN: u64 = 0;
const FIXED: u64 = 8;
const LINKS: u64 = 16;
const LINK: u64 = 8;

/// Bytes of the smallest table.
pub(super) const LEAST: u64 = if cfg!(loom) { 32 } else { 64 };

pub(super) const NO_TABLE: HeapError =
    HeapError::Corrupted("a list's table is not where one can be");

/// A root with a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) block: Block,
    pub(super) era: u32,
    /// How many links there is room for. They are inside.
    pub(super) room: u32,
}

/// Bytes of a table with room for so many links.
pub(super) fn bytes(room: u64) -> u64 {
    LINKS + room * LINK
}

/// With as much room as is worth having for so many elements.
pub(super) fn room_for(len: u64) -> Result<u32, HeapError> {
    let bytes = bytes(len).next_power_of_two().max(LEAST);
    u32::try_from((bytes - LINKS) / LINK).map_err(|_| HeapError::Oversized)
}

impl Table {
    /// `None` if there is none.
    #[inline]
    pub(super) fn of_root(root: u64, memory: &impl Memory) -> Result<Option<Table>, HeapError> {
        let block = Block(root as u32);
        if block.0 == 0 {
            return Ok(None);
        }
        if !is_inside(memory, block, LINKS)? {
            return Err(NO_TABLE);
        }
        let fixed = memory.long(block.at() + FIXED).load(Ordering::Relaxed);
        let table = Table {
            block,
            era: (fixed >> 32) as u32,
            room: fixed as u32,
        };
        let inside = is_inside(memory, block, table.bytes())?;
        inside.then_some(Some(table)).ok_or(NO_TABLE)
    }

    pub(super) fn bytes(self) -> u64 {
        bytes(self.room.into())
    }

    /// How many elements there are: no more than there is room for.
    #[inline]
    pub(super) fn len(self, memory: &impl Memory) -> Result<u64, HeapError> {
        // Acquire: pairs with `set_len`.
        let len = memory.long(self.block.at() + LEN).load(Ordering::Acquire);
        (len <= self.room.into()).then_some(len).ok_or(NO_TABLE)
    }

    /// Fills it with these links, before anybody else can see it.
    pub(super) fn fill(self, memory: &impl Memory, links: &[Link]) {
        let fixed = u64::from(self.era) << 32 | u64::from(self.room);
        let word = |index: u64| match index {
            0 => links.len() as u64,
            1 => fixed,
            _ => links
                .get(index as usize - 2)
                .map_or(Link::NONE.0, |link| link.0),
        };
        for index in 0..self.bytes() / 8 {
            // Relaxed: the commit makes it visible.
            memory
                .long(self.block.at() + index * 8)
                .store(word(index), Ordering::Relaxed);
        }
    }

    pub(super) fn set_len(self, memory: &impl Memory, len: u64) {
        // Release: pairs with the Acquire of readers: the links are there.
        memory
            .long(self.block.at() + LEN)
            .store(len, Ordering::Release);
    }

    #[inline]
    pub(super) fn link(self, memory: &impl Memory, index: u64) -> &AtomicU64 {
        debug_assert!(index < self.room.into());
        memory.long(self.block.at() + LINKS + index * LINK)
    }
}

/// What a list's root says if there is no table.
pub(super) fn era_of(root: u64) -> u32 {
    (root >> 32) as u32
}
