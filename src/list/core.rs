//! A list of bytes: the algorithm, apart from the memory it runs on.
//!
//! A table has a word for how many elements there are, and a link to a record for each. The list's root says where the table is. Records never change, so *each change of
//! the list is one store*: of a link, of the number of elements, or of the root. Whoever changes has the lock; whoever reads takes no lock, and leaves no trace.
//!
//! | replacing an element | if the actor dies after it |
//! |---|---|
//! | take the lock | whoever takes it next is told, and has the list's memory listed anew |
//! | allocate, and write the record | the same: nothing refers to it, so it is free |
//! | store the link: **the commit** | the new value is there |
//! | free the record that was replaced | nothing refers to it, so it is free |
//! | let go of the lock; ring | sleepers learn of the death |
//!
//! | appending, one or many | if the actor dies after it |
//! |---|---|
//! | write the records | as above |
//! | if the table has no room: allocate a larger one, copy the links, store the root; free the old one | before the store, nothing refers to the new one; after it, nothing to the old one: what nothing refers to is free |
//! | store the links behind the last element | they mean nothing: whoever takes the lock next clears them |
//! | store the number of elements: **the commit** | all are there |
//!
//! | removing the last ones | if the actor dies after it |
//! |---|---|
//! | store the number of elements: **the commit** | they are gone |
//! | clear their links, one after the other | whoever takes the lock next does it, before it lists the memory |
//! | free their records; if most of the table is of no use: a smaller one, as above | nothing refers to them, so they are free |
//!
//! | any other change of the order | if the actor dies after it |
//! |---|---|
//! | write the record, if there is a new one; allocate a table, and fill it | as above |
//! | store the root: **the commit** | the new order is there |
//! | free the old table, and the record that is in the new one no more | nothing refers to them, so they are free |
//!
//! | emptying the list | if the actor dies after it |
//! |---|---|
//! | root = the commit's number, no table: **the commit** | empty |
//! | list its memory anew | whoever takes the lock next does it |

use std::ops::Deref;

use super::table::{LEAST, NO_TABLE, Table, bytes, era_of, room_for};
use crate::atomic::{AtomicU64, Ordering, seeded};
use crate::heap::{Block, Copied, HeapError, Lengths, Link, Memory, ROOT, Shard, record};

const NO_RECORD: HeapError = HeapError::Corrupted("a list's element refers to no record");

/// A list, for who has its lock.
pub(crate) struct Locked<'a, M> {
    pub(crate) shard: Shard<'a, M>,
}

impl<M: Memory> Locked<'_, M> {
    fn memory(&self) -> &M {
        self.shard.memory
    }

    fn root(&self) -> u64 {
        // Relaxed: the lock orders it.
        self.shard.long(ROOT).load(Ordering::Relaxed)
    }

    fn set_root(&self, block: Block) {
        let root = u64::from(self.shard.next_number()) << 32 | u64::from(block.0);
        // Release: pairs with the Acquire of readers.
        self.shard.long(ROOT).store(root, Ordering::Release);
    }

    fn table(&self) -> Result<Option<Table>, HeapError> {
        Table::of_root(self.root(), self.memory())
    }

    pub(crate) fn len(&self) -> Result<u64, HeapError> {
        self.table()?
            .map_or(Ok(0), |table| table.len(self.memory()))
    }

    /// Changes when the list is emptied.
    pub(crate) fn era(&self) -> Result<u32, HeapError> {
        let table = self.table()?;
        Ok(table.map_or_else(|| era_of(self.root()), |table| table.era))
    }

    /// The link of an element.
    pub(crate) fn link(&self, index: u64) -> Result<Option<Link>, HeapError> {
        let Some(table) = self.table()? else {
            return Ok(None);
        };
        if index >= table.len(self.memory())? {
            return Ok(None);
        }
        match Link::load(table.link(self.memory(), index)) {
            Link::NONE => Err(NO_RECORD),
            link => Ok(Some(link)),
        }
    }

    /// The links of all elements, in order.
    pub(crate) fn links(&self) -> Result<Vec<Link>, HeapError> {
        (0..self.len()?)
            .map(|index| self.link(index)?.ok_or(NO_RECORD))
            .collect()
    }

    /// Copies the record of an element; whether there is one.
    pub(crate) fn copy(&self, index: u64, copied: &mut Copied) -> Result<bool, HeapError> {
        match self.link(index)? {
            Some(link) => copied.copy_locked(self.memory(), link).map(|()| true),
            None => Ok(false),
        }
    }

    /// After the death of one who had the lock.
    #[cold]
    pub(crate) fn recover(&self) -> Result<(), HeapError> {
        let mut used: Vec<(Block, u64)> = Vec::new();
        if let Some(table) = self.table()? {
            used.push((table.block, table.bytes()));
            for link in self.links()? {
                let lengths = Lengths::of_used(self.memory(), link.block())?;
                used.push((link.block(), lengths.total()));
            }
            let leftover = table.len(self.memory())?..table.room.into();
            for index in leftover.filter(|_| !seeded("leftover")) {
                clear(table.link(self.memory(), index));
            }
        }
        self.shard.rebuild(&used)
    }

    /// Writes a record that is no element yet.
    fn write(&self, value: &[u8]) -> Result<Link, HeapError> {
        let block = record::write(&self.shard, &[], value)?;
        Ok(Link::new(self.shard.next_number(), block))
    }

    /// Replaces an element, of which there is one.
    pub(crate) fn set(&self, index: u64, value: &[u8]) -> Result<(), HeapError> {
        let (table, old) = self.table()?.zip(self.link(index)?).ok_or(NO_TABLE)?;
        self.write(value)?.commit(table.link(self.memory(), index));
        record::free(&self.shard, old.block())
    }

    /// Appends elements, all at once.
    pub(crate) fn extend<V: Deref<Target = [u8]>>(&self, values: &[V]) -> Result<(), HeapError> {
        self.or_nothing(|| {
            let links: Result<Vec<Link>, HeapError> =
                values.iter().map(|value| self.write(value)).collect();
            let (links, len) = (links?, self.len()?);
            let table = self.with_room(len + links.len() as u64)?;
            for (index, link) in (len..).zip(&links) {
                link.commit(table.link(self.memory(), index));
            }
            table.set_len(self.memory(), len + links.len() as u64);
            Ok(())
        })
    }

    /// If the change cannot be made, puts in order what it has come to have, as after a death.
    fn or_nothing(&self, change: impl FnOnce() -> Result<(), HeapError>) -> Result<(), HeapError> {
        change().or_else(|error| {
            self.recover()?;
            Err(error)
        })
    }

    /// Removes the elements from `len` on, of which there may be none.
    pub(crate) fn shorten(&self, len: u64) -> Result<(), HeapError> {
        let Some(table) = self.table()? else {
            return Ok(());
        };
        let before = table.len(self.memory())?;
        if len >= before {
            return Ok(());
        }
        table.set_len(self.memory(), len);
        let words = (len..before).map(|index| table.link(self.memory(), index));
        for word in words {
            let link = Link::load(word);
            clear(word);
            if link != Link::NONE {
                record::free(&self.shard, link.block())?;
            }
        }
        self.trim(table, len)
    }

    /// Gives memory back when most of the table is of no use.
    fn trim(&self, table: Table, len: u64) -> Result<(), HeapError> {
        if table.bytes() <= LEAST || len >= u64::from(table.room) / 8 {
            return Ok(());
        }
        match self.put_in_order(&self.links()?, len * 2) {
            // It takes memory to give some back. If there is none, so be it.
            Ok(_) | Err(HeapError::Full | HeapError::System) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// A table with the elements there are, and room for so many.
    fn with_room(&self, len: u64) -> Result<Table, HeapError> {
        match self.table()? {
            Some(table) if len <= table.room.into() => Ok(table),
            _ => self.put_in_order(&self.links()?, len),
        }
    }

    /// Makes these the list's elements, in a new table with room for so many. Does not free those that are not among them.
    fn put_in_order(&self, links: &[Link], room: u64) -> Result<Table, HeapError> {
        let old = self.table()?;
        let room = room_for(room.max(links.len() as u64))?;
        let era = self.era()?;
        let table = Table {
            block: self.shard.allocate(bytes(room.into()))?,
            era,
            room,
        };
        table.fill(self.memory(), links);
        self.set_root(table.block);
        if let Some(old) = old {
            self.shard.free(old.block, old.bytes())?;
        }
        Ok(table)
    }

    /// Puts the elements into this order.
    pub(crate) fn reorder(&self, links: &[Link]) -> Result<(), HeapError> {
        self.put_in_order(links, 0).map(|_| ())
    }

    /// Inserts an element in front of the one at `index`, or behind the last one.
    pub(crate) fn insert(&self, index: usize, value: &[u8]) -> Result<(), HeapError> {
        self.or_nothing(|| {
            let mut links = self.links()?;
            links.insert(index, self.write(value)?);
            self.reorder(&links)
        })
    }

    /// Removes the element at `index`, of which there is one.
    pub(crate) fn remove(&self, index: usize) -> Result<(), HeapError> {
        let mut links = self.links()?;
        if index + 1 == links.len() {
            return self.shorten(index as u64);
        }
        let old = links.remove(index);
        self.reorder(&links)?;
        record::free(&self.shard, old.block())
    }

    /// Removes everything, at once.
    pub(crate) fn clear(&self) -> Result<(), HeapError> {
        self.set_root(Block(0));
        self.shard.rebuild(&[])
    }
}

/// Clears a link that means nothing any more.
fn clear(word: &AtomicU64) {
    // Relaxed: `retire` orders it before whatever is written into the block.
    word.store(Link::NONE.0, Ordering::Relaxed);
}
