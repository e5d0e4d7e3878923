//! A dict of bytes: its shards, and which of them a key is in.

use std::fmt;
use std::ops::Deref;

use super::table::{self, Entrance, Read, Spot};
use crate::atomic::{AtomicU64, Ordering, spin_loop};
use crate::error::{Fault, TryLockError, UpdateError};
use crate::heap::{
    self, COUNT, Copied, EPOCH, Heap, HeapError, Link, Memory, OPTIMISM, SHARD, Shard, Tenant,
};
use crate::wait::Patience;

/// Where in the first shard the words are that concern the whole dict: its epoch.
const DICT_EPOCH: u64 = 16;

/// Shards of a dict: as many can be changed at a time.
pub(crate) const SHARDS: u32 = 16;

/// A key and its value, as they are encoded.
pub(crate) type Pair = (Vec<u8>, Vec<u8>);

/// The words of a dict of bytes, and the heap that keeps them mapped.
#[derive(Clone)]
pub(crate) struct Shards {
    pub(crate) heap: Heap,
    at: u64,
    object: u32,
    shards: u32,
    heir: Heir,
}

/// What whoever takes a shard's lock from the dead has to do besides listing the shard's memory anew.
type Heir = fn(&Shards, u32) -> Result<(), HeapError>;

impl Shards {
    /// The dict of so many shards (a power of two) at `at`, of object `object`.
    pub(crate) fn new(heap: Heap, at: u64, object: u32, shards: u32) -> Shards {
        Shards {
            heap,
            at,
            object,
            shards,
            heir: |_, _| Ok(()),
        }
    }

    /// The same, where more is under a shard's lock than what is in the dict. Everyone who takes the lock has to put that in order, those too who
    /// only want to read.
    pub(crate) fn with_heir(self, heir: Heir) -> Shards {
        Shards { heir, ..self }
    }

    /// Bytes of so many shards.
    pub(crate) const fn body_len(shards: u32) -> u64 {
        shards as u64 * SHARD
    }

    pub(crate) fn count(&self) -> u32 {
        self.shards
    }

    /// The shard of a key with this hash. The slot in its table depends on other bits.
    #[inline]
    pub(crate) fn shard_of(&self, hash: u64) -> u32 {
        (hash >> 56) as u32 & (self.shards - 1)
    }

    #[inline]
    fn shard_at(&self, shard: u32) -> u64 {
        self.at + u64::from(shard) * SHARD
    }

    /// A word in a shard's first line that belongs to whoever uses the dict: from 24 on.
    pub(crate) fn own_word(&self, shard: u32, offset: u64) -> &AtomicU64 {
        self.heap.long(self.shard_at(shard) + offset)
    }

    #[inline]
    fn epoch(&self) -> u64 {
        self.at + DICT_EPOCH
    }

    /// Looks for a key, without a lock. If it is there, its record is in `copied`.
    #[inline]
    pub(crate) fn get(&self, key: &[u8], copied: &mut Copied) -> Result<bool, Fault> {
        let hash = self.heap.hash(key);
        let entrance = Entrance {
            shard: self.shard_at(self.shard_of(hash)),
            epoch: self.epoch(),
        };
        loop {
            for _ in 0..OPTIMISM {
                match table::read(&self.heap, entrance, hash, key, copied)? {
                    Read::Found => return Ok(true),
                    Read::Absent => return Ok(false),
                    Read::Overtaken => spin_loop(),
                }
            }
            if let Some(found) = self.get_locked(hash, key, copied)? {
                return Ok(found);
            }
        }
    }

    /// The same with the lock; `None` if it cannot be had for a while.
    #[cold]
    pub(crate) fn get_locked(
        &self,
        hash: u64,
        key: &[u8],
        copied: &mut Copied,
    ) -> Result<Option<bool>, Fault> {
        let shard = self.shard_of(hash);
        let found = match heap::unless_mine(self.lock_within(shard, heap::a_while()))? {
            Some(None) => return Ok(None),
            Some(Some(locked)) => locked.find(hash, key, copied)?,
            None => self.unlocked(shard).find(hash, key, copied)?,
        };
        Ok(Some(found != Spot::Absent))
    }

    /// Takes the lock of a shard, and blocks while a live thread has it. The shard is in order then.
    #[inline(always)]
    pub(crate) fn lock(&self, shard: u32) -> Result<Locked<'_>, UpdateError> {
        let locked = self.lock_within(shard, Patience::Forever)?;
        Ok(locked.expect("it waits for ever"))
    }

    /// The same, if it can be had in time.
    #[inline(always)]
    fn lock_within(
        &self,
        shard: u32,
        patience: Patience,
    ) -> Result<Option<Locked<'_>>, UpdateError> {
        let mut lock = match self.heap.lock(self.shard_at(shard), patience) {
            Err(TryLockError::WouldBlock) => return Ok(None),
            lock => lock?,
        };
        let table = self.unlocked(shard);
        lock.settle(|| {
            table.recover()?;
            (self.heir)(self, shard)
        })?;
        table.enter()?;
        // Made anew: to move what has just been stored in pieces takes longer.
        Ok(Some(Locked {
            table: self.unlocked(shard),
            lock,
        }))
    }

    /// Whether whoever takes the lock of this shard next has to put something in order.
    pub(crate) fn is_orphaned(&self, shard: u32) -> bool {
        self.heap.is_orphaned(self.shard_at(shard))
    }

    #[inline]
    fn tenant(&self, shard: u32) -> Tenant {
        Tenant {
            object: self.object,
            shard: shard as u16,
        }
    }

    /// What is to be done under a shard's lock only.
    #[inline]
    fn unlocked(&self, shard: u32) -> table::Locked<'_, Heap> {
        table::Locked {
            shard: Shard {
                memory: &self.heap,
                at: self.shard_at(shard),
                tenant: self.tenant(shard),
            },
            epoch: self.epoch(),
        }
    }

    /// How many keys there are: the sum of what each shard had at some moment.
    pub(crate) fn len(&self) -> u64 {
        let epoch = self.epoch_now();
        let of = |shard| {
            let at = self.shard_at(shard);
            if self.is_orphaned(shard) {
                // The dead one may have changed something and not counted it. If it cannot be counted, its count is what there is.
                let _ = self.lock(shard);
            }
            // Relaxed: as of some moment.
            let word = |offset| self.heap.long(at + offset).load(Ordering::Relaxed);
            if word(EPOCH) == epoch { word(COUNT) } else { 0 }
        };
        (0..self.shards).map(of).fold(0, u64::saturating_add)
    }

    /// Changes when the dict is emptied.
    pub(crate) fn epoch_now(&self) -> u64 {
        // Acquire: pairs with `clear`.
        self.heap.long(self.epoch()).load(Ordering::Acquire)
    }

    /// Removes everything at once.
    pub(crate) fn clear(&self) -> Result<(), UpdateError> {
        // So that who waits for a lock that it has when it dies is told.
        self.heap.place.attachment.participant()?;
        // What it then did under a lock that it has would count as done before.
        if (0..self.shards).any(|shard| self.heap.is_mine(self.shard_at(shard))) {
            return Err(UpdateError::Deadlock);
        }
        // Release: pairs with the Acquire of readers and of `enter`.
        self.heap.long(self.epoch()).fetch_add(1, Ordering::AcqRel);
        // It is done. What remains is to give the memory back.
        for shard in 0..self.shards {
            self.lock(shard)?;
        }
        Ok(())
    }

    /// Copies of all keys and values in a shard, as they were at one instant.
    pub(crate) fn snapshot(&self, shard: u32) -> Result<Vec<Pair>, Fault> {
        let lock = heap::unless_mine(self.lock(shard))?;
        let mut all = Vec::new();
        self.unlocked(shard)
            .each::<HeapError>(&mut Copied::new(), |_, _, copied| {
                all.push((copied.key().to_vec(), copied.value().to_vec()));
                Ok(())
            })?;
        drop(lock);
        Ok(all)
    }
}

/// A shard whose lock the calling thread has, unless it has forked: what changes it goes through here.
pub(crate) struct Locked<'a> {
    table: table::Locked<'a, Heap>,
    lock: heap::Locked<'a>,
}

impl Locked<'_> {
    #[inline]
    pub(crate) fn put(
        &self,
        spot: Spot,
        hash: u64,
        key: &[u8],
        value: &[u8],
    ) -> Result<(), UpdateError> {
        self.lock.check()?;
        Ok(self.table.put(spot, hash, key, value)?)
    }

    pub(crate) fn remove(&self, slot: u64, link: Link) -> Result<(), UpdateError> {
        self.lock.check()?;
        Ok(self.table.remove(slot, link)?)
    }

    pub(crate) fn trim(&self) -> Result<(), UpdateError> {
        self.lock.check()?;
        Ok(self.table.trim()?)
    }
}

impl<'a> Deref for Locked<'a> {
    type Target = table::Locked<'a, Heap>;

    fn deref(&self) -> &Self::Target {
        &self.table
    }
}

impl fmt::Debug for Shards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shards")
            .field("object", &self.object)
            .field("shards", &self.shards)
            .finish_non_exhaustive()
    }
}
