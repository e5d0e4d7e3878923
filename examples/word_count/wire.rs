//! What travels through the queues: blocks of text one way, frames of counts the other.

use crossproc::bytemuck::{AnyBitPattern, NoUninit, Zeroable};

/// The most text in one block.
pub(crate) const BLOCK_LEN: usize = 64 * 1024 - 16;
/// A word as long as a block fits into one frame.
const FRAME_LEN: usize = BLOCK_LEN + ENTRY_HEADER;
const ENTRY_HEADER: usize = 8;

/// A piece of text cut between words.
#[derive(Clone, Copy, NoUninit, AnyBitPattern)]
#[repr(C)]
pub(crate) struct Block {
    pub(crate) id: u64,
    len: u64,
    bytes: [u8; BLOCK_LEN],
}

impl Block {
    pub(crate) fn new(id: u64, text: &[u8]) -> Box<Self> {
        let mut block = Self::zeroed();
        block.id = id;
        block.len = text.len() as u64;
        block.bytes[..text.len()].copy_from_slice(text);
        Box::new(block)
    }

    pub(crate) fn text(&self) -> &[u8] {
        &self.bytes[..self.len as usize]
    }
}

/// A part of one worker's answer to one block.
#[derive(Clone, Copy, NoUninit, AnyBitPattern)]
#[repr(C)]
pub(crate) struct Frame {
    pub(crate) block: u64,
    /// Lines in the block, said in every part.
    pub(crate) lines: u64,
    pub(crate) worker: u32,
    /// Counts from zero.
    pub(crate) part: u32,
    /// One in the last part, else zero.
    last: u32,
    len: u32,
    bytes: [u8; FRAME_LEN],
}

impl Frame {
    pub(crate) fn new(block: u64, worker: u32, lines: u64) -> Self {
        let mut frame = Self::zeroed();
        frame.block = block;
        frame.worker = worker;
        frame.lines = lines;
        frame
    }

    pub(crate) fn is_last(&self) -> bool {
        self.last == 1
    }

    pub(crate) fn set_last(&mut self) {
        self.last = 1;
    }

    /// Empties the frame for the next part.
    pub(crate) fn next_part(&mut self) {
        self.part += 1;
        self.len = 0;
    }

    /// Appends a word's count. False if there is no room for it.
    pub(crate) fn push(&mut self, word: &[u8], count: u32) -> bool {
        let start = self.len as usize;
        let end = start + ENTRY_HEADER + word.len();
        let Some(entry) = self.bytes.get_mut(start..end) else {
            return false;
        };
        entry[..4].copy_from_slice(&(word.len() as u32).to_ne_bytes());
        entry[4..8].copy_from_slice(&count.to_ne_bytes());
        entry[8..].copy_from_slice(word);
        self.len = end as u32;
        true
    }

    /// The words and counts pushed.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&[u8], u32)> {
        let mut rest = &self.bytes[..self.len as usize];
        std::iter::from_fn(move || {
            let (len, tail) = rest.split_first_chunk()?;
            let (count, tail) = tail.split_first_chunk()?;
            let (word, tail) = tail.split_at_checked(u32::from_ne_bytes(*len) as usize)?;
            rest = tail;
            Some((word, u32::from_ne_bytes(*count)))
        })
    }
}
