//! One shard's table: the algorithm, apart from the memory it runs on.
//!
//! A table is a power of two of slots, searched from where the hash says, one after the other. A slot is two words: the link to a record, and the hash of its key. The
//! shard's root says where the table is, and how large. Records never change, so *each change of the dict is one store*: of a slot's link, or of
//! the root. Whoever changes has the shard's lock; whoever reads takes no lock, and leaves no trace.
//!
//! | word | meaning |
//! |---|---|
//! | root | number of the commit (26 bits), logarithm of the number of slots (6), the table's block (32); zero: no table, nothing in it |
//! | link | number of the commit (32 bits), the record's block (32); 0: nothing was ever here, and a search ends; 1: removed, and a search goes on |
//! | the shard's epoch | the dict's, as it was when the shard was last emptied. If they differ, there is nothing in the shard, whatever the words say |
//!
//! | inserting, replacing | if the actor dies after it |
//! |---|---|
//! | take the lock | whoever takes it next is told, and has the shard's memory listed anew |
//! | allocate, and write the record | the same: nothing refers to it, so it is free |
//! | if the table is too full: allocate a larger one, copy the slots, store the root; free the old one | before the store, nothing refers to the new one; after it, nothing to the old one: what nothing refers to is free |
//! | store the hash beside a link that leads nowhere | nobody looks at it |
//! | store the link: **the commit** | the new value is there |
//! | free the record that was replaced | nothing refers to it, so it is free |
//! | count; let go of the lock; ring | counts are made anew with the lists; sleepers learn of the death |
//!
//! | removing | if the actor dies after it |
//! |---|---|
//! | link = 1: **the commit** | removed |
//! | free the record, count | as above |
//!
//! | emptying the dict | if the actor dies after it |
//! |---|---|
//! | the dict's epoch + 1: **the commit** | all shards are empty: none has this epoch |
//! | for each shard, under its lock: root = 0, list its memory anew, shard's epoch = the dict's | whoever takes the lock next does it |
//!
//! # Reading
//!
//! *Load both epochs, and the root. Search: load a link, copy the record, load the link again, load the root again; if either has changed, from the beginning.* A record that was copied while
//! its link stayed the same was the one committed there. While the root is the same, the table was not given back, so what was found to be a link was one. If the
//! key is not found, the root is loaded again at the end.
//!
//! Linearisability. A value that is found was in the dict when its link was loaded. Let a key not be found. Had it been there all the time, in this table, its slot
//! would have been the same all the time, and no slot between its first one and that one empty: the search would have come by. So there was an instant without it, and that lies in the
//! search, unless the key was in another table all the time; but then the root has changed. If the epochs differ, the dict was emptied, and
//! the shard had nothing in it when the second one was loaded, or when it was emptied between the two loads. An insertion that has read the epoch before the dict was emptied and commits afterwards
//! counts as done before: it had begun by then, and nobody has seen it.
//!
//! The search with a table of links and hashes beside immutable records follows what is common in optimistic hash tables (Fan et al., "MemC3", NSDI 2013); that a reader
//! validates what it copied is a sequence lock's idea (Lameter, "Effective synchronization on Linux/NUMA systems", 2005).

use crate::atomic::{Ordering, fence, seeded};
use crate::heap::{
    Block, COUNT, Copied, EPOCH, HeapError, Lengths, Link, Memory, ROOT, SECOND_COUNT, Shard, UNIT,
    is_inside, record,
};

/// A link of a slot whose record was removed.
const GONE: Link = Link(1);
const SLOT: u64 = 16;
/// The logarithms of how many slots a table can have.
const LEAST: u32 = if cfg!(loom) { 1 } else { 3 };
const MOST: u32 = 31;

/// Slots that are not empty, including those whose record was removed.
const USED: u64 = SECOND_COUNT;

const NO_TABLE: HeapError = HeapError::Corrupted("a dict's table is not where one can be");
const NO_COUNT: HeapError = HeapError::Corrupted("a dict's count is not that of its table");

/// A root that is not zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Table {
    block: Block,
    log: u32,
}

impl Table {
    /// `None` if there is none.
    #[inline]
    fn of_root(root: u64, memory: &impl Memory) -> Result<Option<Table>, HeapError> {
        if root == 0 {
            return Ok(None);
        }
        let table = Table {
            block: Block(root as u32),
            log: (root >> 32) as u32 & 0x3f,
        };
        let inside = table.log <= MOST && is_inside(memory, table.block, table.len())?;
        inside.then_some(Some(table)).ok_or(NO_TABLE)
    }

    #[inline]
    fn root(self, number: u32) -> u64 {
        u64::from(number) << 38 | u64::from(self.log) << 32 | u64::from(self.block.0)
    }

    #[inline]
    fn slots(self) -> u64 {
        1 << self.log
    }

    /// Bytes.
    #[inline]
    fn len(self) -> u64 {
        self.slots() * SLOT
    }

    /// Where slot `index`, or one as much further on as there are slots, is.
    #[inline]
    fn slot(self, index: u64) -> u64 {
        self.block.at() + (index & (self.slots() - 1)) * SLOT
    }
}

/// Where the words are that readers need: of the shard, and the dict's epoch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entrance {
    pub(crate) shard: u64,
    pub(crate) epoch: u64,
}

/// What an attempt to read came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    Found,
    Absent,
    /// Something changed meanwhile: try again.
    Overtaken,
}

/// Looks for a key without the lock. If it is found, its record is in `copied`.
#[inline]
pub(crate) fn read(
    memory: &impl Memory,
    entrance: Entrance,
    hash: u64,
    key: &[u8],
    copied: &mut Copied,
) -> Result<Read, HeapError> {
    // Acquire, all three: whoever sees a dict that was emptied sees no table from before.
    let epoch = memory.long(entrance.epoch).load(Ordering::Acquire);
    let emptied = memory.long(entrance.shard + EPOCH).load(Ordering::Acquire);
    if epoch != emptied {
        return Ok(Read::Absent);
    }
    let root_word = memory.long(entrance.shard + ROOT);
    let root = root_word.load(Ordering::Acquire);
    let Some(table) = Table::of_root(root, memory)? else {
        return Ok(Read::Absent);
    };
    let unchanged = || {
        // Pairs with the Release of whoever gave the table back.
        fence(Ordering::Acquire);
        root_word.load(Ordering::Relaxed) == root || seeded("root")
    };
    for index in 0..table.slots() {
        let slot = table.slot(hash.wrapping_add(index));
        let word = memory.long(slot);
        let link = Link::load(word);
        if link == Link::NONE {
            break;
        }
        if link == GONE || memory.long(slot + 8).load(Ordering::Relaxed) != hash {
            continue;
        }
        // Both: of a table that was given back, a word may say for ever what is no link.
        if !copied.copy(memory, link, || link.still_in(word) && unchanged())? {
            return Ok(Read::Overtaken);
        }
        if copied.is_of(key) {
            return Ok(Read::Found);
        }
    }
    Ok(match unchanged() {
        true => Read::Absent,
        false => Read::Overtaken,
    })
}

/// What a search under the lock came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spot {
    /// There it is.
    Found { slot: u64, link: Link },
    /// It is not there.
    Absent,
}

/// A shard, for who has its lock.
pub(crate) struct Locked<'a, M> {
    pub(crate) shard: Shard<'a, M>,
    /// Where the dict's epoch is.
    pub(crate) epoch: u64,
}

impl<M: Memory> Locked<'_, M> {
    #[inline]
    fn memory(&self) -> &M {
        self.shard.memory
    }

    #[inline]
    fn table(&self) -> Result<Option<Table>, HeapError> {
        // Relaxed: the lock orders it.
        Table::of_root(self.shard.long(ROOT).load(Ordering::Relaxed), self.memory())
    }

    /// To be called first by everyone who has taken the lock: if the dict was emptied since, so is the shard.
    #[inline]
    pub(crate) fn enter(&self) -> Result<(), HeapError> {
        // Acquire: pairs with the Release of who emptied the dict.
        let epoch = self.memory().long(self.epoch).load(Ordering::Acquire);
        if self.shard.long(EPOCH).load(Ordering::Relaxed) == epoch {
            return Ok(());
        }
        // Release: pairs with `unchanged`, before the memory is written to.
        self.shard.long(ROOT).store(0, Ordering::Release);
        self.shard.rebuild(&[])?;
        self.shard.set_count(COUNT, 0);
        self.shard.set_count(USED, 0);
        // Release: pairs with the Acquire of readers.
        self.shard.long(EPOCH).store(epoch, Ordering::Release);
        Ok(())
    }

    /// After the death of one who had the lock.
    #[cold]
    pub(crate) fn recover(&self) -> Result<(), HeapError> {
        self.enter()?;
        let mut used: Vec<(Block, u64)> = Vec::new();
        let mut count = 0;
        let mut not_empty = 0;
        if let Some(table) = self.table()? {
            used.push((table.block, table.len()));
            for index in 0..table.slots() {
                let link = Link::load(self.memory().long(table.slot(index)));
                not_empty += u64::from(link != Link::NONE);
                if link != Link::NONE && link != GONE {
                    let lengths = Lengths::of_used(self.memory(), link.block())?;
                    if !seeded("heir") {
                        used.push((link.block(), lengths.total()));
                    }
                    count += 1;
                }
            }
        }
        self.shard.rebuild(&used)?;
        self.shard.set_count(COUNT, count);
        self.shard.set_count(USED, not_empty);
        Ok(())
    }

    /// Looks for a key. If it is found, its record is in `copied`.
    #[inline]
    pub(crate) fn find(
        &self,
        hash: u64,
        key: &[u8],
        copied: &mut Copied,
    ) -> Result<Spot, HeapError> {
        let Some(table) = self.table()? else {
            return Ok(Spot::Absent);
        };
        for index in 0..table.slots() {
            let slot = table.slot(hash.wrapping_add(index));
            let word = self.memory().long(slot);
            let link = Link::load(word);
            if link == Link::NONE {
                break;
            }
            let their_hash = self.memory().long(slot + 8).load(Ordering::Relaxed);
            if link == GONE || their_hash != hash {
                continue;
            }
            copied.copy_locked(self.memory(), link)?;
            if copied.is_of(key) {
                return Ok(Spot::Found { slot, link });
            }
        }
        Ok(Spot::Absent)
    }

    /// Gives the key a value, where it was [found](Locked::find), or not.
    pub(crate) fn put(
        &self,
        spot: Spot,
        hash: u64,
        key: &[u8],
        value: &[u8],
    ) -> Result<(), HeapError> {
        let block = record::write(&self.shard, key, value)?;
        let link = Link::new(self.shard.next_number(), block);
        match spot {
            Spot::Found { slot, link: old } => {
                link.commit(self.memory().long(slot));
                record::free(&self.shard, old.block())
            }
            Spot::Absent => {
                let slot = match self.slot_for(hash) {
                    Ok(slot) => slot,
                    Err(error) => {
                        record::free(&self.shard, block)?;
                        return Err(error);
                    }
                };
                let word = self.memory().long(slot);
                let was_empty = word.load(Ordering::Relaxed) == Link::NONE.0;
                // Relaxed: the commit makes it visible.
                self.memory().long(slot + 8).store(hash, Ordering::Relaxed);
                link.commit(word);
                let (count, used) = (self.shard.count(COUNT), self.shard.count(USED));
                self.shard.set_count(COUNT, count.wrapping_add(1));
                self.shard
                    .set_count(USED, used.wrapping_add(was_empty.into()));
                Ok(())
            }
        }
    }

    /// Removes what was [found](Locked::find). To be followed by [`trim`](Locked::trim).
    pub(crate) fn remove(&self, slot: u64, link: Link) -> Result<(), HeapError> {
        GONE.commit(self.memory().long(slot));
        record::free(&self.shard, link.block())?;
        let count = self.shard.count(COUNT).saturating_sub(1);
        self.shard.set_count(COUNT, count);
        Ok(())
    }

    /// Calls `look` with the slot of each record, and its link; the record is in `copied`. Slots may be removed meanwhile.
    pub(crate) fn each<E: From<HeapError>>(
        &self,
        copied: &mut Copied,
        mut look: impl FnMut(u64, Link, &Copied) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(table) = self.table()? else {
            return Ok(());
        };
        for index in 0..table.slots() {
            let slot = table.slot(index);
            let word = self.memory().long(slot);
            let link = Link::load(word);
            if link == Link::NONE || link == GONE {
                continue;
            }
            copied.copy_locked(self.memory(), link)?;
            look(slot, link, copied)?;
        }
        Ok(())
    }

    /// A slot for a key that is not there: with room for the next one, too.
    fn slot_for(&self, hash: u64) -> Result<u64, HeapError> {
        let table = match self.table()? {
            Some(table) if self.shard.count(USED) < table.slots() / 4 * 3 => table,
            _ => self.remake(self.shard.count(COUNT))?,
        };
        (0..table.slots())
            .map(|index| table.slot(hash.wrapping_add(index)))
            .find(|slot| {
                let link = Link::load(self.memory().long(*slot));
                link == Link::NONE || link == GONE
            })
            .ok_or(NO_TABLE)
    }

    /// Gives memory back when most slots are of no use.
    pub(crate) fn trim(&self) -> Result<(), HeapError> {
        let count = self.shard.count(COUNT);
        let Some(table) = self.table()? else {
            return Ok(());
        };
        if table.log > LEAST && count < table.slots() / 8 {
            match self.remake(count) {
                // It takes memory to give some back. If there is none, so be it.
                Ok(_) | Err(HeapError::Full | HeapError::System) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Makes a table with room for twice so many records, and moves to it those there are.
    fn remake(&self, count: u64) -> Result<Table, HeapError> {
        let old = self.table()?;
        if count > old.map_or(0, Table::slots) {
            return Err(NO_COUNT);
        }
        let log = ((count + 1) * 2).next_power_of_two().ilog2();
        if log > MOST {
            return Err(HeapError::Oversized);
        }
        let log = log.max(LEAST);
        let len = (1u64 << log) * SLOT;
        let table = Table {
            block: self.shard.allocate(len)?,
            log,
        };
        let memory = self.memory();
        for at in (0..len).step_by(8) {
            memory
                .long(table.block.at() + at)
                .store(0, Ordering::Relaxed);
        }
        let mut moved = 0;
        for index in 0..old.map_or(0, Table::slots) {
            let slot = old.map_or(0, |old| old.slot(index));
            let link = Link::load(memory.long(slot));
            if link == Link::NONE || link == GONE {
                continue;
            }
            let hash = memory.long(slot + 8).load(Ordering::Relaxed);
            let free = (0..table.slots())
                .map(|index| table.slot(hash.wrapping_add(index)))
                .find(|slot| memory.long(*slot).load(Ordering::Relaxed) == Link::NONE.0);
            let Some(free) = free else {
                self.shard.free(table.block, len)?;
                return Err(NO_COUNT);
            };
            memory.long(free + 8).store(hash, Ordering::Relaxed);
            memory.long(free).store(link.0, Ordering::Relaxed);
            moved += 1;
        }
        let root = table.root(self.shard.next_number());
        // Release: pairs with the Acquire of readers: the slots are there.
        self.shard.long(ROOT).store(root, Ordering::Release);
        self.shard.set_count(USED, moved);
        if let Some(old) = old {
            self.shard.free(old.block, old.len())?;
        }
        Ok(table)
    }
}

const _: () = assert!(UNIT >= 2, "the block of a removed record's link is none");
