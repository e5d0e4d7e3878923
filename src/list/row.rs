//! A list of bytes in a heap, with its lock.

use std::fmt;
use std::ops::Deref;

use super::core;
use super::read::{self, Read, Which};
use crate::atomic::spin_loop;
use crate::error::{Fault, UpdateError};
use crate::heap::{self, Copied, Heap, HeapError, SHARD, Shard, Tenant};

/// How often a reader that is overtaken by writers tries again before it takes the lock.
const PATIENCE: u32 = 64;

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
        for _ in 0..PATIENCE {
            match read::read(&self.heap, self.at, which, copied)? {
                Read::Done(found) => return Ok(found),
                Read::Overtaken => spin_loop(),
            }
        }
        self.look(|list| {
            let index = match which {
                Which::At(index) => index,
                Which::Last => list.len()?.saturating_sub(1),
            };
            list.copy(index, copied)
        })
    }

    /// How many elements there are.
    #[inline]
    pub(super) fn len(&self) -> Result<u64, Fault> {
        for _ in 0..PATIENCE {
            match read::len(&self.heap, self.at)? {
                Read::Done(len) => return Ok(len),
                Read::Overtaken => spin_loop(),
            }
        }
        self.look(|list| list.len())
    }

    /// Runs `look` while nobody changes anything.
    #[cold]
    pub(super) fn look<R>(
        &self,
        look: impl FnOnce(&core::Locked<'_, Heap>) -> Result<R, HeapError>,
    ) -> Result<R, Fault> {
        let _lock = match self.lock() {
            Ok(lock) => Some(lock),
            // It is this thread that changes something, and so nobody else does.
            Err(UpdateError::Deadlock) => None,
            Err(UpdateError::Fault(fault)) => return Err(fault),
            Err(_) => return Err(Fault::Corrupted("a lock asks for memory")),
        };
        Ok(look(&self.unlocked())?)
    }

    /// Takes the lock, and blocks while a live thread has it. The list is in order then.
    #[inline]
    pub(super) fn lock(&self) -> Result<Locked<'_>, UpdateError> {
        let mut lock = self.heap.lock(self.at)?;
        let list = self.unlocked();
        lock.settle(|| list.recover())?;
        Ok(Locked { list, lock })
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

/// A list whose lock the calling thread has.
pub(super) struct Locked<'a> {
    list: core::Locked<'a, Heap>,
    #[expect(dead_code, reason = "lets go when dropped")]
    lock: heap::Locked<'a>,
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
