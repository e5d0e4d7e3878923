//! A record: a key and a value in serialised form, or a value alone. Written before anything refers to it, and never changed.
//!
//! | offset | what |
//! |---|---|
//! | 0 | the key's length, u32 |
//! | 4 | the value's length, u32 |
//! | 8 | the key, and behind it the value |
//!
//! What refers to a record is a word: the number of the commit that made it refer there, and the block. No two commits of a shard have
//! the same number within four thousand million, so *load the word, copy the record, load the word again* copies the record that was
//! committed, if the word has not changed: while something refers to a record its block is not given back.

use super::pages::{HeapError, Memory, room_from};
use super::shard::{Block, Shard};
use crate::atomic::{AtomicU64, Ordering, fence, release_but_for, seeded};

const HEADER: u64 = 8;

/// What refers to a record, or, zero, to none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link(pub(crate) u64);

impl Link {
    pub(crate) const NONE: Link = Link(0);

    #[inline]
    pub(crate) fn new(number: u32, block: Block) -> Link {
        Link(u64::from(number) << 32 | u64::from(block.0))
    }

    #[inline]
    pub(crate) fn load(word: &AtomicU64) -> Link {
        // Acquire: pairs with `commit`: the record is there.
        Link(word.load(Ordering::Acquire))
    }

    /// Makes the word refer to a record that has been written.
    #[inline]
    pub(crate) fn commit(self, word: &AtomicU64) {
        // Release: pairs with `load`.
        word.store(self.0, release_but_for("commit"));
    }

    #[inline]
    pub(crate) fn block(self) -> Block {
        Block(self.0 as u32)
    }

    /// For who has copied something meanwhile: whether the word is still this, and so the copy what it referred to.
    #[inline]
    pub(crate) fn still_in(self, word: &AtomicU64) -> bool {
        // What was copied was copied before. Pairs with `retire`: if the copy saw anything that was written into the block after it was given
        // back, the change of the word is seen here.
        fence(Ordering::Acquire);
        word.load(Ordering::Relaxed) == self.0 || seeded("link")
    }
}

/// The lengths of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lengths {
    pub(crate) key: u32,
    pub(crate) value: u32,
}

impl Lengths {
    #[inline]
    pub(crate) fn of(key: &[u8], value: &[u8]) -> Result<Lengths, HeapError> {
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).map_err(|_| HeapError::Oversized);
        Ok(Lengths {
            key: length(key)?,
            value: length(value)?,
        })
    }

    #[inline]
    fn word(self) -> u64 {
        u64::from(self.value) << 32 | u64::from(self.key)
    }

    /// Of all of the record.
    #[inline]
    pub(crate) fn total(self) -> u64 {
        HEADER + u64::from(self.key) + u64::from(self.value)
    }

    /// Of the record in this block, if one can be there: whoever does not have the lock may find anything.
    #[inline]
    pub(crate) fn load(memory: &impl Memory, block: Block) -> Result<Option<Lengths>, HeapError> {
        let Some(room) = room_from(memory, block)?.filter(|room| *room >= HEADER) else {
            return Ok(None);
        };
        let word = memory.long(block.at()).load(Ordering::Relaxed);
        let lengths = Lengths {
            key: word as u32,
            value: (word >> 32) as u32,
        };
        Ok((lengths.total() <= room).then_some(lengths))
    }

    /// Of one that is referred to, for who has the lock.
    pub(crate) fn of_used(memory: &impl Memory, block: Block) -> Result<Lengths, HeapError> {
        Lengths::load(memory, block)?.ok_or(HeapError::Corrupted(
            "a record is longer than the memory it is in",
        ))
    }
}

/// Writes a record that nothing refers to yet.
pub(crate) fn write<M: Memory>(
    shard: &Shard<'_, M>,
    key: &[u8],
    value: &[u8],
) -> Result<Block, HeapError> {
    let lengths = Lengths::of(key, value)?;
    let block = shard.allocate(lengths.total())?;
    let memory = shard.memory;
    memory
        .long(block.at())
        .store(lengths.word(), Ordering::Relaxed);
    memory.write(block.at() + HEADER, key);
    memory.write(block.at() + HEADER + u64::from(lengths.key), value);
    Ok(block)
}

/// Gives back the memory of a record that nothing refers to any more.
pub(crate) fn free<M: Memory>(shard: &Shard<'_, M>, block: Block) -> Result<(), HeapError> {
    let lengths = Lengths::of_used(shard.memory, block)?;
    shard.free(block, lengths.total())
}

/// Bytes that a copy holds without allocating.
const INLINE: usize = 128;

/// Bytes that can be copied by the word.
#[repr(C, align(8))]
struct Aligned([u8; INLINE]);

/// A private copy of a record.
pub(crate) struct Copied {
    inline: Aligned,
    spilled: Vec<u8>,
    lengths: Lengths,
}

impl Copied {
    #[inline]
    pub(crate) fn new() -> Copied {
        Copied {
            inline: Aligned([0; INLINE]),
            spilled: Vec::new(),
            lengths: Lengths { key: 0, value: 0 },
        }
    }

    /// Copies the record of a link for as long as `is_linked` says that it is one: false if it is not any more.
    #[inline]
    pub(crate) fn copy(
        &mut self,
        memory: &impl Memory,
        link: Link,
        is_linked: impl Fn() -> bool,
    ) -> Result<bool, HeapError> {
        let lengths = Lengths::load(memory, link.block())?;
        let Some(lengths) = lengths else {
            return match is_linked() {
                true => Err(HeapError::Corrupted("a word refers to no record")),
                false => Ok(false),
            };
        };
        self.lengths = lengths;
        let (from, len) = (
            link.block().at() + HEADER,
            (lengths.total() - HEADER) as usize,
        );
        // Whole words: blocks are, and what is behind the record is nobody's.
        match self.inline.0.get_mut(..len.next_multiple_of(8)) {
            Some(inline) => memory.read(from, inline),
            // It may be garbage, and long.
            None if !is_linked() => return Ok(false),
            None => {
                self.spilled.clear();
                memory.append(from, len, &mut self.spilled);
            }
        }
        Ok(is_linked())
    }

    /// The same for who has the lock.
    #[inline]
    pub(crate) fn copy_locked(
        &mut self,
        memory: &impl Memory,
        link: Link,
    ) -> Result<(), HeapError> {
        self.copy(memory, link, || true).map(|_| ())
    }

    #[inline]
    fn bytes(&self) -> &[u8] {
        let len = (self.lengths.total() - HEADER) as usize;
        self.inline.0.get(..len).unwrap_or(&self.spilled)
    }

    #[inline]
    pub(crate) fn key(&self) -> &[u8] {
        &self.bytes()[..self.lengths.key as usize]
    }

    /// Whether it is this key's.
    #[inline]
    pub(crate) fn is_of(&self, key: &[u8]) -> bool {
        let own = self.key();
        match own.len() == key.len() {
            // Byte by byte, as it was encoded a moment ago: a load of more than was stored at once waits.
            true if key.len() <= 8 => own.iter().zip(key).all(|(a, b)| a == b),
            equally_long => equally_long && own == key,
        }
    }

    #[inline]
    pub(crate) fn value(&self) -> &[u8] {
        &self.bytes()[self.lengths.key as usize..]
    }
}
