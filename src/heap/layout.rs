//! Where the parts of a heap are.
//!
//! | offset in the body | what |
//! |---|---|
//! | 0 | how many pages are committed: backed by memory, for good |
//! | 8 | the page from which to look for free ones |
//! | 16 | the number of the last object that was made |
//! | 32 | the seed of the hash function, random |
//! | 128 | 16 shards: the directory of objects, a dict |
//! | 4224 | for each number, from 1 on, under which a queue's participants make announcements: the object that has it, 255 words |
//! | 6272 | the pins, two words each: a claim of a process, and the object it has open |
//! | | for each page 3 words: its tenant; of its blocks how many are used (16 bits), the first free one, how many were ever handed out; its neighbours in the list of its class |
//! | | the pages, from a multiple of their size on |
//!
//! All of it follows from the capacity, the bytes of memory that it can grow to, and from the number of participants.

/// Bytes of a page. The model checker cannot have so many.
pub(crate) const PAGE: u64 = if cfg!(loom) { 64 } else { 4096 };

/// What addresses count in: blocks are aligned to it.
pub(crate) const UNIT: u64 = 16;

/// As many bytes as addresses of 32 bits can tell apart.
#[cfg(not(loom))]
pub(crate) const MOST_MEMORY: u64 = 1 << 36;

pub(super) const COMMITTED: u64 = 0;
pub(super) const HINT: u64 = 8;
pub(crate) const LAST_OBJECT: u64 = 16;
#[cfg(not(loom))]
pub(crate) const SEED: u64 = 32;
/// Where the directory's shards begin.
pub(crate) const DIRECTORY: u64 = 128;
const ANNOUNCED: u64 = DIRECTORY + if cfg!(loom) { 256 } else { 16 * 256 };
/// Numbers under which announcements are made, from 1 on.
pub(crate) const MOST_ANNOUNCED: u8 = if cfg!(loom) { 1 } else { 255 };
const PINS: u64 = ANNOUNCED + 8 * (MOST_ANNOUNCED as u64 + 1);
pub(super) const ENTRY: u64 = 24;
const PIN: u64 = 16;

/// How a heap's body is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    pub(crate) pins: u32,
    pub(crate) pages: u32,
    pub(super) entries_offset: u64,
    pub(super) pages_offset: u64,
    pub(crate) end: u64,
}

impl Geometry {
    /// For so many bytes of memory and so many pins; `None` if that is more than addresses can tell apart.
    pub(crate) fn new(memory: u64, pins: u32) -> Option<Geometry> {
        let pages = memory.div_ceil(PAGE);
        let entries_offset = PINS + u64::from(pins) * PIN;
        let pages_offset = entries_offset
            .checked_add(pages.checked_mul(ENTRY)?)?
            .checked_next_multiple_of(PAGE)?;
        let end = pages_offset.checked_add(pages.checked_mul(PAGE)?)?;
        let reachable = end / UNIT <= u64::from(u32::MAX);
        reachable.then_some(Geometry {
            pins,
            pages: u32::try_from(pages).ok()?,
            entries_offset,
            pages_offset,
            end,
        })
    }

    /// What has to be backed by memory from the start.
    #[cfg(not(loom))]
    pub(crate) fn beginning(&self) -> u64 {
        self.entries_offset
    }

    /// The word of a number, from 1 on, under which announcements are made.
    pub(crate) fn announced(&self, number: u8) -> u64 {
        ANNOUNCED + 8 * u64::from(number - 1)
    }

    pub(crate) fn pin(&self, pin: u32) -> u64 {
        debug_assert!(pin < self.pins);
        PINS + u64::from(pin) * PIN
    }

    /// The entry of a page.
    #[inline]
    pub(super) fn entry(&self, page: u32) -> u64 {
        self.entries_offset + u64::from(page) * ENTRY
    }

    /// The first byte of a page.
    #[inline]
    pub(crate) fn page(&self, page: u32) -> u64 {
        self.pages_offset + u64::from(page) * PAGE
    }

    /// The page that a byte is in, if it is in one.
    #[inline]
    pub(super) fn page_of(&self, at: u64) -> Option<u32> {
        let page = at.checked_sub(self.pages_offset)? / PAGE;
        u32::try_from(page).ok().filter(|page| *page < self.pages)
    }
}
