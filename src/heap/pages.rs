//! Pages, and whose they are.
//!
//! A page's tenant is one word, and the only truth about it: zero while the page is free, else the object that it belongs to, the shard of that object, and
//! what it is used for. It is taken by compare-and-swap from zero, and given back by a store of zero, by none but the tenant.
//!
//! | taking a run | if the actor dies after it |
//! |---|---|
//! | tenant of one page after the other: zero → mine | pages of a tenant that nothing in it refers to: whoever takes the tenant's lock from the dead gives them back |
//!
//! | committing more pages | if the actor dies after it |
//! |---|---|
//! | have the system back their entries and them with memory | nothing: whoever comes next does it again, which changes nothing |
//! | move `committed` up: **the commit** | they can be had |
//!
//! A tenant has a lock, and gives back only under it. So it is enough that whoever inherits the lock looks for what belongs to the tenant, and is not
//! referred to: there is no log.

use super::layout::{COMMITTED, Geometry, HINT, PAGE};
use super::shard::{Block, retire};
use crate::atomic::{AtomicU64, Ordering};

/// Why there is no memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeapError {
    /// The heap has grown to its maximum.
    Full,
    /// The system has none left.
    System,
    /// More was asked for than the heap could ever have.
    Oversized,
    /// A word makes no sense; says which.
    Corrupted(&'static str),
}

/// The bytes of a heap, as one process sees them. Offsets are checked by the caller.
pub(crate) trait Memory {
    fn geometry(&self) -> &Geometry;
    /// The word at a multiple of 8.
    fn long(&self, at: u64) -> &AtomicU64;
    /// Copies bytes out, without any promise about order or wholeness.
    fn read(&self, at: u64, to: &mut [u8]);
    /// The same for `len` bytes, to behind what is in `to`.
    fn append(&self, at: u64, len: usize, to: &mut Vec<u8>);
    /// Copies bytes in.
    fn write(&self, at: u64, from: &[u8]);
    /// Has these bytes backed by memory, if they are not.
    fn back(&self, at: u64, len: u64) -> Result<(), HeapError>;
}

/// Who has a page, and what for. Never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tenant {
    pub(crate) object: u32,
    pub(crate) shard: u16,
}

/// The part of an object that is not a shard's: what it begins with.
pub(crate) const BODY: u16 = u16::MAX;

/// What a page is used for: from 1 on, for blocks of a class; or in a run of whole pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Blocks(usize),
    Run,
}

const RUN: u16 = u16::MAX;

impl Tenant {
    #[inline]
    pub(super) fn word(self, used: Use) -> u64 {
        let used = match used {
            Use::Blocks(class) => class as u16 + 1,
            Use::Run => RUN,
        };
        u64::from(self.object) << 32 | u64::from(self.shard) << 16 | u64::from(used)
    }

    /// What a page's word says.
    pub(super) fn from_word(word: u64) -> Option<(Tenant, Use)> {
        let tenant = Tenant {
            object: (word >> 32) as u32,
            shard: (word >> 16) as u16,
        };
        match word as u16 {
            0 => None,
            RUN => Some((tenant, Use::Run)),
            class => Some((tenant, Use::Blocks(usize::from(class) - 1))),
        }
    }
}

/// How often a caller that finds what it needs taken away meanwhile tries again before it calls the heap full.
const ROUNDS: u32 = 1000;

/// Pages that can be used, from the first on.
#[inline]
pub(crate) fn committed(memory: &impl Memory) -> Result<u32, HeapError> {
    // Acquire: pairs with the Release of whoever committed them.
    let pages = memory.long(COMMITTED).load(Ordering::Acquire);
    u32::try_from(pages)
        .ok()
        .filter(|pages| *pages <= memory.geometry().pages)
        .ok_or(HeapError::Corrupted(
            "more pages are in use than the heap has",
        ))
}

/// How many bytes from a block on are in pages that can be used, if it is in one: what is read of a segment without the lock may say anything.
#[inline]
pub(crate) fn room_from(memory: &impl Memory, block: Block) -> Result<Option<u64>, HeapError> {
    let geometry = memory.geometry();
    let end = geometry.page(committed(memory)?);
    Ok(end
        .checked_sub(block.at())
        .filter(|room| *room > 0 && block.at() >= geometry.page(0)))
}

/// Whether `len` bytes from a block on are.
#[inline]
pub(crate) fn is_inside(memory: &impl Memory, block: Block, len: u64) -> Result<bool, HeapError> {
    Ok(room_from(memory, block)?.is_some_and(|room| len <= room))
}

#[inline]
pub(super) fn tenant_word(memory: &impl Memory, page: u32) -> &AtomicU64 {
    memory.long(memory.geometry().entry(page))
}

/// Takes `len` pages in a row for `word`.
pub(super) fn take(memory: &impl Memory, word: u64, len: u32) -> Result<u32, HeapError> {
    if len > memory.geometry().pages {
        return Err(HeapError::Oversized);
    }
    let hint = memory.long(HINT);
    for _ in 0..ROUNDS {
        let end = committed(memory)?;
        // Relaxed: where to begin does not matter.
        let from = u32::try_from(hint.load(Ordering::Relaxed)).map_or(0, |from| from.min(end));
        // What begins before the hint may end behind it.
        let before = from.saturating_add(len - 1).min(end);
        let first =
            scan(memory, word, len, from, end).or_else(|| scan(memory, word, len, 0, before));
        if let Some(first) = first {
            hint.store(u64::from(first + len), Ordering::Relaxed);
            return Ok(first);
        }
        commit(memory, end, len)?;
    }
    Err(HeapError::Full)
}

/// Takes the first run in `from..end`.
fn scan(memory: &impl Memory, word: u64, len: u32, from: u32, end: u32) -> Option<u32> {
    let (mut first, mut page) = (from, from);
    while page < end {
        if tenant_word(memory, page).load(Ordering::Relaxed) != 0 {
            first = page + 1;
        } else if page - first + 1 == len {
            match claim(memory, word, first, len) {
                Ok(()) => return Some(first),
                Err(taken) => (first, page) = (taken + 1, taken),
            }
        }
        page += 1;
    }
    None
}

/// Takes these pages, or says which one was not free.
fn claim(memory: &impl Memory, word: u64, first: u32, len: u32) -> Result<(), u32> {
    for page in first..first + len {
        // Acquire: pairs with the Release of who gave the page back. Release: who finds it taken may look what for.
        let taken = tenant_word(memory, page).compare_exchange(
            0,
            word,
            Ordering::AcqRel,
            Ordering::Relaxed,
        );
        if taken.is_err() {
            (first..page).for_each(|page| give_back(memory, page));
            return Err(page);
        }
    }
    Ok(())
}

/// Gives a page back. Only its tenant does, under its lock, or whoever removed the object.
pub(super) fn give_back(memory: &impl Memory, page: u32) {
    // Release: pairs with the Acquire of who takes it next.
    tenant_word(memory, page).store(0, Ordering::Release);
}

/// Gives back pages among which there may be whole runs: who looks for memory begins there.
pub(super) fn look_from(memory: &impl Memory, page: u32) {
    let hint = memory.long(HINT);
    if hint.load(Ordering::Relaxed) > u64::from(page) {
        hint.store(page.into(), Ordering::Relaxed);
    }
}

/// Makes so many more pages than `end` usable that there are `len` in a row. If there cannot be, none.
#[cold]
fn commit(memory: &impl Memory, end: u32, len: u32) -> Result<(), HeapError> {
    let geometry = memory.geometry();
    let is_free = |page: &u32| tenant_word(memory, *page).load(Ordering::Relaxed) == 0;
    let free = (0..end).rev().take_while(is_free).take(len as usize - 1);
    let enough = len - free.count() as u32;
    let left = geometry.pages - end;
    if enough > left {
        return Err(HeapError::Full);
    }
    let generous = enough.max(end / 8).max(LEAST).min(left);
    let back = |pages: u32| {
        let (from, to) = (geometry.entry(end), geometry.entry(end + pages));
        memory.back(from, to - from)?;
        memory.back(geometry.page(end), u64::from(pages) * PAGE)
    };
    let pages = match back(generous) {
        Err(_) if enough < generous => back(enough).map(|()| enough)?,
        done => done.map(|()| generous)?,
    };
    // Release: pairs with `committed`. If somebody else was first there is more anyhow.
    let _ = memory.long(COMMITTED).compare_exchange(
        end.into(),
        u64::from(end + pages),
        Ordering::Release,
        Ordering::Relaxed,
    );
    Ok(())
}

/// Pages that are committed at a time, at least.
const LEAST: u32 = 16;

/// Calls `look` with each page that has a tenant, and what for.
pub(super) fn tenants(
    memory: &impl Memory,
    mut look: impl FnMut(u32, Tenant, Use),
) -> Result<(), HeapError> {
    for page in 0..committed(memory)? {
        let word = tenant_word(memory, page).load(Ordering::Acquire);
        if let Some((tenant, used)) = Tenant::from_word(word) {
            look(page, tenant, used);
        }
    }
    Ok(())
}

/// Takes memory of whole pages, for what an object begins with: where it is.
pub(crate) fn take_body(memory: &impl Memory, object: u32, len: u64) -> Result<u64, HeapError> {
    let pages = u32::try_from(len.div_ceil(PAGE)).map_err(|_| HeapError::Oversized)?;
    let tenant = Tenant {
        object,
        shard: BODY,
    };
    let first = take(memory, tenant.word(Use::Run), pages.max(1));
    retire();
    Ok(memory.geometry().page(first?))
}

/// Gives back all pages of the objects that `is_gone` names. Nobody must use them any more. How many.
pub(crate) fn clear_out(
    memory: &impl Memory,
    mut is_gone: impl FnMut(u32) -> bool,
) -> Result<u32, HeapError> {
    let mut pages = 0;
    tenants(memory, |page, tenant, _| {
        if is_gone(tenant.object) {
            give_back(memory, page);
            look_from(memory, page);
            pages += 1;
        }
    })?;
    Ok(pages)
}

/// How many pages have a tenant.
#[cfg(not(loom))]
pub(crate) fn used(memory: &impl Memory) -> Result<u64, HeapError> {
    let mut pages = 0;
    tenants(memory, |_, _, _| pages += 1)?;
    Ok(pages)
}
