#![allow(unsafe_code)] // copies to and from the mapping
//! A heap in a mapped segment, and the locks of its shards.

use std::marker::PhantomData;
use std::sync::MutexGuard as NotSend;
use std::thread;
use std::time::Duration;

use rapidhash::v3::{RapidSecrets, rapidhash_v3_seeded};

use super::layout::{Geometry, SEED};
use super::pages::{HeapError, Memory};
use super::shard::LOCK;
use crate::atomic::{AtomicU64, Ordering};
use crate::error::{Error, Fault, TryLockError, UpdateError};
use crate::place::Place;
use crate::platform::copy;
use crate::sync::guarded::{self, Taken};
use crate::wait::Patience;

/// How often a reader that is overtaken by writers tries again before it takes the lock.
pub(crate) const OPTIMISM: u32 = 64;

/// How long it waits for that before it tries again without: if the lock's owner stands still, nobody overtakes a reader any more.
pub(crate) fn a_while() -> Patience {
    Patience::timeout(Duration::from_millis(10))
}

/// The lock that a reader asked for; nothing if this thread has it, because then nobody else changes anything.
pub(crate) fn unless_mine<L>(lock: Result<L, UpdateError>) -> Result<Option<L>, Fault> {
    match lock {
        Ok(lock) => Ok(Some(lock)),
        Err(UpdateError::Deadlock) => Ok(None),
        Err(UpdateError::Fault(fault)) => Err(fault),
        Err(_) => Err(Fault::Corrupted("a lock asks for memory")),
    }
}

/// The body of a manager's segment.
#[derive(Clone, Debug)]
pub(crate) struct Heap {
    pub(crate) place: Place,
    geometry: Geometry,
    secrets: RapidSecrets,
}

impl Heap {
    /// Of the whole body of a segment whose header has been checked, for so many pins.
    pub(crate) fn of(place: Place, pins: u32) -> Heap {
        let geometry = Geometry::new(place.capacity(), pins)
            .expect("opening checked that the body's length does not overflow");
        let seed = place.long(SEED as usize).load(Ordering::Relaxed);
        Heap {
            secrets: RapidSecrets::seed(seed),
            geometry,
            place,
        }
    }

    /// Of a key: rapidhash, version 3 (De Carli, 2025), whose secrets follow from the segment's own random seed, so that nobody can choose keys that collide
    /// who has not seen it, or worked it out from how long things take. It is part of the format.
    #[inline]
    pub(crate) fn hash(&self, key: &[u8]) -> u64 {
        rapidhash_v3_seeded(key, &self.secrets)
    }

    /// Takes the lock of the shard at `at`, and waits while a live thread has it, so long.
    #[inline(always)]
    pub(crate) fn lock(&self, at: u64, patience: Patience) -> Result<Locked<'_>, TryLockError<()>> {
        let taken = guarded::take(&self.place, (at + LOCK) as usize, patience)?;
        Ok(Locked {
            heap: self,
            at,
            taken,
            panicking: thread::panicking(),
            stays: PhantomData,
        })
    }
}

impl Heap {
    /// Whether the last owner of the lock of the shard at `at` died, and nobody has put in order what it left.
    pub(crate) fn is_orphaned(&self, at: u64) -> bool {
        guarded::is_orphaned(&self.place, (at + LOCK) as usize)
    }

    /// Whether the calling thread has the lock of the shard at `at`.
    pub(crate) fn is_mine(&self, at: u64) -> bool {
        guarded::is_mine(&self.place, (at + LOCK) as usize)
    }
}

impl Memory for Heap {
    #[inline]
    fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    #[inline]
    fn long(&self, at: u64) -> &AtomicU64 {
        self.place.long(at as usize)
    }

    #[inline]
    fn read(&self, at: u64, to: &mut [u8]) {
        let from = self.bytes(at, to.len());
        // SAFETY: as many bytes of the mapping, as has just been checked, and a private slice.
        unsafe { copy::copy_out(to, from) }
    }

    fn append(&self, at: u64, len: usize, to: &mut Vec<u8>) {
        let from = self.bytes(at, len);
        // SAFETY: as many bytes of the mapping, as has just been checked.
        unsafe { copy::append(to, from, len) }
    }

    #[inline]
    fn write(&self, at: u64, from: &[u8]) {
        let to = self.bytes(at, from.len());
        // SAFETY: as many bytes of the mapping, as has just been checked, and a private slice.
        unsafe { copy::copy_in(to, from) }
    }

    #[cold]
    fn back(&self, at: u64, len: u64) -> Result<(), HeapError> {
        let segment = self.place.attachment.segment();
        segment
            .commit(at as usize, len as usize)
            .map_err(|_| HeapError::System)
    }
}

impl Heap {
    #[inline]
    fn bytes(&self, at: u64, len: usize) -> *mut u8 {
        assert!(
            at <= self.geometry.end && len as u64 <= self.geometry.end - at,
            "lengths are checked where they are read"
        );
        // SAFETY: inside the mapping.
        unsafe { self.place.start().as_ptr().add(at as usize) }
    }
}

/// A shard whose lock the calling thread has. Lets go of it when dropped.
pub(crate) struct Locked<'a> {
    heap: &'a Heap,
    at: u64,
    taken: Taken,
    panicking: bool,
    /// The owner of a lock is a thread.
    stays: PhantomData<NotSend<'a, ()>>,
}

impl Locked<'_> {
    /// If the owner before died, puts in order what it left, or leaves that to the next owner.
    #[inline]
    pub(crate) fn settle<E>(&mut self, recover: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
        if self.taken.is_orphaned() {
            recover()?;
            self.taken.set_orphaned(false);
        }
        Ok(())
    }

    /// To be called before every change: in a forked child this is a copy, and the lock the parent's.
    #[inline]
    pub(crate) fn check(&self) -> Result<(), Fault> {
        match self.taken.is_mine() {
            true => Ok(()),
            false => Err(Fault::RoleLost),
        }
    }
}

impl Drop for Locked<'_> {
    #[inline]
    fn drop(&mut self) {
        // Nothing here panics that holds a lock, but what is not known to be in order is not taken to be.
        if thread::panicking() && !self.panicking {
            self.taken.set_orphaned(true);
        }
        guarded::let_go(&self.heap.place, (self.at + LOCK) as usize, &self.taken);
    }
}

impl From<HeapError> for Fault {
    fn from(error: HeapError) -> Fault {
        match error {
            HeapError::Corrupted(what) => Fault::Corrupted(what),
            HeapError::Full | HeapError::System | HeapError::Oversized => {
                Fault::Corrupted("memory is asked for where none is needed")
            }
        }
    }
}

impl From<HeapError> for UpdateError {
    fn from(error: HeapError) -> UpdateError {
        match error {
            HeapError::Full => UpdateError::MaximumReached,
            HeapError::System => UpdateError::NoMemory,
            HeapError::Oversized => UpdateError::Oversized,
            HeapError::Corrupted(what) => UpdateError::Fault(Fault::Corrupted(what)),
        }
    }
}

impl From<HeapError> for Error {
    fn from(error: HeapError) -> Error {
        UpdateError::from(error).into()
    }
}

impl From<Fault> for UpdateError {
    fn from(fault: Fault) -> UpdateError {
        UpdateError::Fault(fault)
    }
}

/// Of a shard's lock, which guards nothing that could be told of.
impl From<TryLockError<()>> for UpdateError {
    fn from(error: TryLockError<()>) -> UpdateError {
        match error {
            TryLockError::Deadlock => UpdateError::Deadlock,
            TryLockError::Fault(fault) => UpdateError::Fault(fault),
            TryLockError::WouldBlock | TryLockError::OwnerDied(()) | TryLockError::Poisoned(()) => {
                unreachable!(
                    "whoever asks for no more than some patience looks first; and it tells of nobody"
                )
            }
        }
    }
}
