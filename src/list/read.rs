//! Reading a list without its lock: *load the root, the link, and then the number of elements; copy the record; load the link again, load the root again; if either has changed, from the beginning.*
//!
//! Linearisability. Let nothing have changed. While the root is the same, the table was not given back, so what was read there was its number of elements, and a
//! link. Let the index be less than that number. The link was the same before that number was loaded and after; so when it was loaded, the link was there, and meant an element:
//! this is the instant at which the element was read. (The other order would be wrong: the number is loaded; the last element removed; a record appended, but not
//! committed; its link loaded. Whoever appends it may die, and it has never been in the list.) Let the index not be less: then there was no such element when the number was loaded.
//!
//! The record is the one that was linked: its block is given back after the link was changed, cleared, or with its table. That is why links are cleared that mean nothing,
//! by survivors too: a reader that loaded one before must not find it again when the block has become another record.

use super::table::Table;
use crate::atomic::{Ordering, fence, seeded};
use crate::heap::{Copied, HeapError, Link, Memory, ROOT};

/// What an attempt to read came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Read<T> {
    Done(T),
    /// Something changed meanwhile: try again.
    Overtaken,
}

/// Which element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    At(u64),
    Last,
}

/// Runs `look` on the table of the list whose shard is at `at`, without the lock: what it came to counts if the list had this table all the time. It can ask for
/// that, too.
#[inline]
fn optimistically<T>(
    memory: &impl Memory,
    at: u64,
    look: impl FnOnce(Option<Table>, &dyn Fn() -> bool) -> Result<Read<T>, HeapError>,
) -> Result<Read<T>, HeapError> {
    let word = memory.long(at + ROOT);
    // Acquire: pairs with the Release of `set_root`: the table is there.
    let root = word.load(Ordering::Acquire);
    let unchanged = || {
        // Pairs with `retire`: if anything was seen that was written there after the table was given back, the change of the root is seen here.
        fence(Ordering::Acquire);
        word.load(Ordering::Relaxed) == root || seeded("root")
    };
    let found = Table::of_root(root, memory).and_then(|table| look(table, &unchanged));
    match unchanged() {
        true => found,
        false => Ok(Read::Overtaken),
    }
}

/// Copies an element; whether there is one.
#[inline]
pub(crate) fn read(
    memory: &impl Memory,
    at: u64,
    which: Which,
    copied: &mut Copied,
) -> Result<Read<bool>, HeapError> {
    optimistically(memory, at, |table, unchanged| {
        let Some(table) = table else {
            return Ok(Read::Done(false));
        };
        let index = match which {
            Which::At(index) => index,
            Which::Last => table.len(memory)?.saturating_sub(1),
        };
        if index >= table.room.into() {
            return Ok(Read::Done(false));
        }
        let word = table.link(memory, index);
        let too_early = seeded("order").then(|| table.len(memory)).transpose()?;
        let link = Link::load(word);
        // Behind the load of the link: see the head of this file.
        let len = match too_early {
            Some(len) => len,
            None => table.len(memory)?,
        };
        let is_other = which == Which::Last && index + 1 != len;
        if len == 0 || index >= len && !is_other {
            return Ok(Read::Done(false));
        }
        if is_other || link == Link::NONE {
            return Ok(Read::Overtaken);
        }
        // Both: of a table that was given back, a word may say for ever what is no link.
        let is_linked = || link.still_in(word) && unchanged();
        Ok(match copied.copy(memory, link, is_linked)? {
            true => Read::Done(true),
            false => Read::Overtaken,
        })
    })
}

/// How many elements there are.
#[inline]
pub(crate) fn len(memory: &impl Memory, at: u64) -> Result<Read<u64>, HeapError> {
    optimistically(memory, at, |table, _| {
        let len = table.map_or(Ok(0), |table| table.len(memory))?;
        Ok(Read::Done(len))
    })
}
