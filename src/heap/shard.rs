//! Memory under a lock: blocks for what one shard of an object holds.
//!
//! A shard is 256 bytes of its object's body:
//!
//! | offset | what |
//! |---|---|
//! | 0 | the root: what its owner's readers begin with; its meaning is the owner's |
//! | 8 | the epoch, the owner's too |
//! | 128, 136 | the lock: claim and bell |
//! | 144 | the number of the last commit |
//! | 152, 160 | counts, of the owner's |
//! | 168 | for each class of blocks the first page (plus one) that has free ones, 4 bytes each |
//!
//! Readers use the first line only; who writes, the second one too.
//!
//! Blocks come from pages of one class each. Which blocks are used is written down nowhere but in what refers to them: the lists of free ones are derived,
//! and whoever takes the lock from a dead owner makes them anew ([`Shard::rebuild`]) from what its owner can reach. So a block that was taken and not yet referred to,
//! or no longer referred to and not yet given back, is free again, whichever instruction the dead one had come to; and none that is
//! referred to is ever handed out.
//!
//! What is in the lists can be garbage nevertheless, if somebody scribbles: each number is checked where it is read.

use std::collections::HashMap;

use super::layout::{PAGE, UNIT};
use super::pages::{self, HeapError, Memory, Tenant, Use};
use crate::atomic::{AtomicU64, Ordering, fence, seeded};

pub(crate) const ROOT: u64 = 0;
pub(crate) const EPOCH: u64 = 8;
#[cfg(any(not(loom), test))]
pub(crate) const LOCK: u64 = 128;
const NUMBER: u64 = 144;
pub(crate) const COUNT: u64 = 152;
pub(crate) const SECOND_COUNT: u64 = 160;
const CLASSES: u64 = 168;
/// Bytes of a shard.
pub(crate) const SHARD: u64 = 256;

/// Sizes of blocks: a class each.
const SIZES: [u16; if cfg!(loom) { 2 } else { 20 }] = sizes();

#[cfg(loom)]
const fn sizes() -> [u16; 2] {
    [16, 32]
}

/// The larger ones are what goes into a page so many times.
#[cfg(not(loom))]
const fn sizes() -> [u16; 20] {
    [
        16, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 400, 448, 576, 672, 1008, 1360,
        2048,
    ]
}

const NOT_MINE: HeapError = HeapError::Corrupted("a block is not where blocks of its length are");
const NO_LIST: HeapError = HeapError::Corrupted("a list of free blocks leads nowhere");

/// A block's place: its offset in units, never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Block(pub(crate) u32);

impl Block {
    #[inline]
    pub(crate) fn at(self) -> u64 {
        u64::from(self.0) * UNIT
    }

    #[inline]
    fn new(at: u64) -> Block {
        Block(u32::try_from(at / UNIT).expect("a heap is no longer than blocks can be told apart"))
    }
}

/// A shard, for whoever has its lock.
pub(crate) struct Shard<'a, M> {
    pub(crate) memory: &'a M,
    /// Where its words are.
    pub(crate) at: u64,
    pub(crate) tenant: Tenant,
}

/// What a page's second word says of its blocks. Numbers count from one; zero is none.
#[derive(Clone, Copy, Default)]
struct Occupancy {
    used: u16,
    /// The first free one, which says what the next is.
    free: u16,
    /// How many were handed out ever: the others have not been touched.
    fresh: u16,
}

impl Occupancy {
    fn from_word(word: u64) -> Occupancy {
        Occupancy {
            used: word as u16,
            free: (word >> 16) as u16,
            fresh: (word >> 32) as u16,
        }
    }

    fn word(self) -> u64 {
        u64::from(self.fresh) << 32 | u64::from(self.free) << 16 | u64::from(self.used)
    }
}

/// The class for so many bytes; `None` if they take whole pages.
#[inline]
fn class_for(len: u64) -> Option<usize> {
    SIZES.iter().position(|size| u64::from(*size) >= len)
}

#[inline]
fn blocks_per_page(class: usize) -> u16 {
    BLOCKS_PER_PAGE[class]
}

/// Looked up: a division would be the longest step of taking a block.
const BLOCKS_PER_PAGE: [u16; SIZES.len()] = {
    let mut blocks = [0; SIZES.len()];
    let mut class = 0;
    while class < SIZES.len() {
        blocks[class] = PAGE as u16 / SIZES[class];
        class += 1;
    }
    blocks
};

fn pages_for(len: u64) -> Result<u32, HeapError> {
    u32::try_from(len.div_ceil(PAGE)).map_err(|_| HeapError::Oversized)
}

/// Before anything is written into a block that something referred to until now, or did long ago: pairs with `Link::still_in`.
#[inline]
pub(super) fn retire() {
    if !seeded("retire") {
        fence(Ordering::Release);
    }
}

impl<M: Memory> Shard<'_, M> {
    /// One of its words.
    #[inline]
    pub(crate) fn long(&self, offset: u64) -> &AtomicU64 {
        self.memory.long(self.at + offset)
    }

    // Relaxed, here and below: the lock orders all of this.

    #[inline]
    fn get(&self, at: u64) -> u64 {
        self.memory.long(at).load(Ordering::Relaxed)
    }

    #[inline]
    fn put(&self, at: u64, word: u64) {
        self.memory.long(at).store(word, Ordering::Relaxed);
    }

    /// The number for the next commit: unlike those of the last four thousand million.
    #[inline]
    pub(crate) fn next_number(&self) -> u32 {
        let number = self.get(self.at + NUMBER).wrapping_add(1);
        self.put(self.at + NUMBER, number);
        number as u32
    }

    #[inline]
    pub(crate) fn count(&self, offset: u64) -> u64 {
        self.get(self.at + offset)
    }

    #[inline]
    pub(crate) fn set_count(&self, offset: u64, count: u64) {
        self.put(self.at + offset, count);
    }

    /// Memory for `len` bytes. Whatever was there before is there still.
    pub(crate) fn allocate(&self, len: u64) -> Result<Block, HeapError> {
        let block = self.allocate_anyhow(len);
        retire();
        block
    }

    fn allocate_anyhow(&self, len: u64) -> Result<Block, HeapError> {
        let Some(class) = class_for(len) else {
            let word = self.tenant.word(Use::Run);
            let first = pages::take(self.memory, word, pages_for(len)?)?;
            return Ok(Block::new(self.memory.geometry().page(first)));
        };
        let page = match self.first_page(class)? {
            Some(page) => page,
            None => {
                let word = self.tenant.word(Use::Blocks(class));
                let page = pages::take(self.memory, word, 1)?;
                self.set_occupancy(page, Occupancy::default());
                self.push_page(class, page)?;
                page
            }
        };
        let mut occupancy = self.occupancy(page);
        let number = match occupancy.free {
            0 => {
                occupancy.fresh = occupancy.fresh.saturating_add(1);
                occupancy.fresh
            }
            free => free,
        };
        if number > blocks_per_page(class) {
            return Err(NO_LIST);
        }
        let at = self.block_at(page, class, number);
        if occupancy.free != 0 {
            occupancy.free = self.get(at) as u16;
        }
        occupancy.used = occupancy.used.wrapping_add(1);
        self.set_occupancy(page, occupancy);
        if occupancy.free == 0 && occupancy.fresh >= blocks_per_page(class) {
            self.remove_page(class, page)?;
        }
        Ok(Block::new(at))
    }

    /// Gives back what was allocated for so many bytes.
    pub(crate) fn free(&self, block: Block, len: u64) -> Result<(), HeapError> {
        retire();
        let Some(class) = class_for(len) else {
            return self.free_run(block, pages_for(len)?);
        };
        let (page, number) = self.find(block, class)?;
        let mut occupancy = self.occupancy(page);
        let was_full = occupancy.free == 0 && occupancy.fresh >= blocks_per_page(class);
        self.put(block.at(), occupancy.free.into());
        occupancy.free = number;
        occupancy.used = occupancy.used.wrapping_sub(1);
        self.set_occupancy(page, occupancy);
        if was_full {
            self.push_page(class, page)?;
        }
        // One empty page is kept, for what is freed and allocated in turn.
        let is_only = self.neighbours(page) == (0, 0);
        if occupancy.used == 0 && !is_only {
            self.remove_page(class, page)?;
            pages::give_back(self.memory, page);
            pages::look_from(self.memory, page);
        }
        Ok(())
    }

    fn free_run(&self, block: Block, len: u32) -> Result<(), HeapError> {
        let geometry = self.memory.geometry();
        let first = geometry
            .page_of(block.at())
            .filter(|first| geometry.page(*first) == block.at())
            .filter(|first| len <= geometry.pages - first)
            .ok_or(NOT_MINE)?;
        for page in first..first + len {
            let word = pages::tenant_word(self.memory, page).load(Ordering::Relaxed);
            if word != self.tenant.word(Use::Run) {
                return Err(NOT_MINE);
            }
            pages::give_back(self.memory, page);
        }
        pages::look_from(self.memory, first);
        Ok(())
    }

    /// The page of a block of this class, and the block's number in it.
    #[inline]
    fn find(&self, block: Block, class: usize) -> Result<(u32, u16), HeapError> {
        let geometry = self.memory.geometry();
        let page = geometry.page_of(block.at()).ok_or(NOT_MINE)?;
        let word = pages::tenant_word(self.memory, page).load(Ordering::Relaxed);
        // Less than a page: a division of 16 bits takes half as long as one of 64.
        let within = (block.at() - geometry.page(page)) as u16;
        let before = within / SIZES[class];
        let sound = word == self.tenant.word(Use::Blocks(class))
            && within.is_multiple_of(SIZES[class])
            && before < blocks_per_page(class);
        sound.then_some((page, before + 1)).ok_or(NOT_MINE)
    }

    #[inline]
    fn block_at(&self, page: u32, class: usize, number: u16) -> u64 {
        self.memory.geometry().page(page) + u64::from(number - 1) * u64::from(SIZES[class])
    }

    // Of a page: its tenant, its occupancy, its neighbours.

    #[inline]
    fn occupancy_at(&self, page: u32) -> u64 {
        self.memory.geometry().entry(page) + 8
    }

    #[inline]
    fn occupancy(&self, page: u32) -> Occupancy {
        Occupancy::from_word(self.get(self.occupancy_at(page)))
    }

    #[inline]
    fn set_occupancy(&self, page: u32, occupancy: Occupancy) {
        self.put(self.occupancy_at(page), occupancy.word());
    }

    /// The pages before and behind, each plus one.
    #[inline]
    fn neighbours(&self, page: u32) -> (u32, u32) {
        let word = self.get(self.memory.geometry().entry(page) + 16);
        ((word >> 32) as u32, word as u32)
    }

    fn set_neighbours(&self, page: u32, (before, behind): (u32, u32)) {
        let word = u64::from(before) << 32 | u64::from(behind);
        self.put(self.memory.geometry().entry(page) + 16, word);
    }

    /// The word of two classes, and where in it this one is.
    #[inline]
    fn list(&self, class: usize) -> (u64, u32) {
        let word = self.at + CLASSES + class as u64 / 2 * 8;
        (word, class as u32 % 2 * 32)
    }

    #[inline]
    fn head(&self, class: usize) -> u32 {
        let (word, shift) = self.list(class);
        (self.get(word) >> shift) as u32
    }

    fn set_head(&self, class: usize, head: u32) {
        let (word, shift) = self.list(class);
        let others = self.get(word) & !(u64::from(u32::MAX) << shift);
        self.put(word, others | u64::from(head) << shift);
    }

    /// A page of this class with a free block.
    #[inline]
    fn first_page(&self, class: usize) -> Result<Option<u32>, HeapError> {
        self.page_listed(class, self.head(class))
    }

    /// The page that a list refers to, if it is of this class.
    #[inline]
    fn page_listed(&self, class: usize, listed: u32) -> Result<Option<u32>, HeapError> {
        let Some(page) = listed.checked_sub(1) else {
            return Ok(None);
        };
        let sound = page < self.memory.geometry().pages
            && pages::tenant_word(self.memory, page).load(Ordering::Relaxed)
                == self.tenant.word(Use::Blocks(class));
        sound.then_some(Some(page)).ok_or(NO_LIST)
    }

    fn push_page(&self, class: usize, page: u32) -> Result<(), HeapError> {
        let head = self.head(class);
        if let Some(first) = self.page_listed(class, head)? {
            let (_, behind) = self.neighbours(first);
            self.set_neighbours(first, (page + 1, behind));
        }
        self.set_neighbours(page, (0, head));
        self.set_head(class, page + 1);
        Ok(())
    }

    fn remove_page(&self, class: usize, page: u32) -> Result<(), HeapError> {
        let (before, behind) = self.neighbours(page);
        if let Some(next) = self.page_listed(class, behind)? {
            let (_, its_next) = self.neighbours(next);
            self.set_neighbours(next, (before, its_next));
        }
        match self.page_listed(class, before)? {
            Some(last) => {
                let (its_last, _) = self.neighbours(last);
                self.set_neighbours(last, (its_last, behind));
            }
            None => self.set_head(class, behind),
        }
        self.set_neighbours(page, (0, 0));
        Ok(())
    }

    /// After the death of one who had the lock: makes the lists anew, and gives back what is not among `used`, blocks with the lengths that they
    /// were allocated for. Can be broken off anywhere, and done again.
    #[cold]
    pub(crate) fn rebuild(&self, used: &[(Block, u64)]) -> Result<(), HeapError> {
        retire();
        let geometry = self.memory.geometry();
        // By page: which of its blocks are used; of runs only the page.
        let mut by_page: HashMap<u32, Vec<u16>> = HashMap::new();
        for (block, len) in used {
            match class_for(*len) {
                Some(class) => {
                    let (page, number) = self.find(*block, class)?;
                    by_page.entry(page).or_default().push(number);
                }
                None => {
                    let first = geometry.page_of(block.at()).ok_or(NOT_MINE)?;
                    let end = first.checked_add(pages_for(*len)?).ok_or(NOT_MINE)?;
                    if end > geometry.pages {
                        return Err(NOT_MINE);
                    }
                    by_page.extend((first..end).map(|page| (page, Vec::new())));
                }
            }
        }
        (0..SIZES.len()).for_each(|class| self.set_head(class, 0));
        let mut outcome = Ok(());
        pages::tenants(self.memory, |page, tenant, used| {
            if tenant != self.tenant || outcome.is_err() {
                return;
            }
            match (used, by_page.get_mut(&page)) {
                (_, None) => {
                    pages::give_back(self.memory, page);
                    pages::look_from(self.memory, page);
                }
                (Use::Run, Some(_)) => {}
                (Use::Blocks(class), Some(numbers)) if class < SIZES.len() => {
                    outcome = self.relist(class, page, numbers);
                }
                (Use::Blocks(_), Some(_)) => outcome = Err(NOT_MINE),
            }
        })?;
        outcome
    }

    fn relist(&self, class: usize, page: u32, used: &mut Vec<u16>) -> Result<(), HeapError> {
        used.sort_unstable();
        used.dedup();
        let fresh = used.last().copied().unwrap_or(0);
        // The page may have been of another class when they were found in it: somebody scribbles.
        if fresh > blocks_per_page(class) {
            return Err(NOT_MINE);
        }
        let mut free = 0;
        let mut next_used = used.iter().rev().peekable();
        for number in (1..=fresh).rev() {
            if next_used.next_if(|used| **used == number).is_none() {
                self.put(self.block_at(page, class, number), u64::from(free));
                free = number;
            }
        }
        let occupancy = Occupancy {
            used: used.len() as u16,
            free,
            fresh,
        };
        self.set_occupancy(page, occupancy);
        self.set_neighbours(page, (0, 0));
        if free != 0 || fresh < blocks_per_page(class) {
            self.push_page(class, page)?;
        }
        Ok(())
    }
}
