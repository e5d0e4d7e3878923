//! A list of bytes in a heap, with its lock.

use std::fmt;
use std::ops::{Deref, Range};

use super::core;
use super::read::{self, Read, Which};
use crate::atomic::spin_loop;
use crate::error::{Fault, TryLockError, UpdateError};
use crate::heap::{self, Copied, Heap, HeapError, Link, OPTIMISM, SHARD, Shard, Tenant};
use crate::manager;
use crate::object::Encoded;
use crate::wait::Patience;

/// The words of a list of bytes, and the heap that keeps them mapped.
#[derive(Clone)]
pub(super) struct Row {
    heap: Heap,
    at: u64,
    object: u32,
}

impl Row {
    /// Bytes of its words.
    pub(super) const BODY: u64 = SHARD;

    /// The list at `at`, of object `object`.
    pub(super) fn new(heap: Heap, at: u64, object: u32) -> Row {
        Row { heap, at, object }
    }

    /// Copies an element, without a lock; whether there is one.
    #[inline]
    pub(super) fn get(&self, which: Which, copied: &mut Copied) -> Result<bool, Fault> {
        loop {
            for _ in 0..OPTIMISM {
                match read::read(&self.heap, self.at, which, copied)? {
                    Read::Done(found) => return Ok(found),
                    Read::Overtaken => spin_loop(),
                }
            }
            let found = self.look_within(heap::a_while(), |list| {
                let index = match which {
                    Which::At(index) => index,
                    Which::Last => list.len()?.saturating_sub(1),
                };
                list.copy(index, copied)
            })?;
            if let Some(found) = found {
                return Ok(found);
            }
        }
    }

    /// How many elements there are.
    #[inline]
    pub(super) fn len(&self) -> Result<u64, Fault> {
        loop {
            for _ in 0..OPTIMISM {
                match read::len(&self.heap, self.at)? {
                    Read::Done(len) => return Ok(len),
                    Read::Overtaken => spin_loop(),
                }
            }
            if let Some(len) = self.look_within(heap::a_while(), |list| list.len())? {
                return Ok(len);
            }
        }
    }

    /// The list's era, and copies of the elements in a range, as far as there are any.
    pub(super) fn copies(&self, range: Range<u64>) -> Result<(u32, Vec<Vec<u8>>), Fault> {
        self.look(|list| {
            let mut copied = Copied::new();
            let mut copies = Vec::new();
            for index in range.start..range.end.min(list.len()?) {
                if list.copy(index, &mut copied)? {
                    copies.push(copied.value().to_vec());
                }
            }
            Ok((list.era()?, copies))
        })
    }

    /// Runs `look` while nobody changes anything.
    pub(super) fn look<R>(
        &self,
        look: impl FnOnce(&core::Locked<'_, Heap>) -> Result<R, HeapError>,
    ) -> Result<R, Fault> {
        let seen = self.look_within(Patience::Forever, look)?;
        Ok(seen.expect("it waits for ever"))
    }

    /// The same, if the lock can be had in time.
    #[cold]
    fn look_within<R>(
        &self,
        patience: Patience,
        look: impl FnOnce(&core::Locked<'_, Heap>) -> Result<R, HeapError>,
    ) -> Result<Option<R>, Fault> {
        let lock = heap::unless_mine(self.lock_within(patience))?;
        if matches!(lock, Some(None)) {
            return Ok(None);
        }
        Ok(Some(look(&self.unlocked())?))
    }

    /// Takes the lock, and blocks while a live thread has it. The list is in order then.
    #[inline]
    pub(super) fn lock(&self) -> Result<Locked<'_>, UpdateError> {
        let locked = self.lock_within(Patience::Forever)?;
        Ok(locked.expect("it waits for ever"))
    }

    /// The same, if it can be had in time.
    #[inline]
    fn lock_within(&self, patience: Patience) -> Result<Option<Locked<'_>>, UpdateError> {
        let mut lock = match self.heap.lock(self.at, patience) {
            Err(TryLockError::WouldBlock) => return Ok(None),
            lock => lock?,
        };
        let list = self.unlocked();
        lock.settle(|| list.recover())?;
        Ok(Some(Locked { list, lock }))
    }

    /// What is to be done under the lock only.
    fn unlocked(&self) -> core::Locked<'_, Heap> {
        core::Locked {
            shard: Shard {
                memory: &self.heap,
                at: self.at,
                tenant: Tenant {
                    object: self.object,
                    shard: 0,
                },
            },
        }
    }
}

/// A list whose lock the calling thread has, unless it has forked: what changes it goes through here.
pub(super) struct Locked<'a> {
    list: core::Locked<'a, Heap>,
    lock: heap::Locked<'a>,
}

impl Locked<'_> {
    fn change(
        &self,
        change: impl Fn(&core::Locked<'_, Heap>) -> Result<(), HeapError>,
    ) -> Result<(), UpdateError> {
        self.lock.check()?;
        let place = &self.list.shard.memory.place;
        manager::with_room(place, || Ok(change(&self.list)?))
    }

    pub(super) fn set(&self, index: u64, value: &[u8]) -> Result<(), UpdateError> {
        self.change(|list| list.set(index, value))
    }

    pub(super) fn extend(&self, values: &[Encoded]) -> Result<(), UpdateError> {
        self.change(|list| list.extend(values))
    }

    pub(super) fn shorten(&self, len: u64) -> Result<(), UpdateError> {
        self.change(|list| list.shorten(len))
    }

    pub(super) fn reorder(&self, links: &[Link]) -> Result<(), UpdateError> {
        self.change(|list| list.reorder(links))
    }

    pub(super) fn insert(&self, index: usize, value: &[u8]) -> Result<(), UpdateError> {
        self.change(|list| list.insert(index, value))
    }

    pub(super) fn remove(&self, index: usize) -> Result<(), UpdateError> {
        self.change(|list| list.remove(index))
    }

    pub(super) fn clear(&self) -> Result<(), UpdateError> {
        self.change(|list| list.clear())
    }
}

impl<'a> Deref for Locked<'a> {
    type Target = core::Locked<'a, Heap>;

    fn deref(&self) -> &Self::Target {
        &self.list
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row")
            .field("object", &self.object)
            .finish_non_exhaustive()
    }
}
