//! The algorithm of a value that is too large for one word, apart from the memory it is in: two copies and a version.
//!
//! | word | value | written by |
//! |---|---|---|
//! | the lock | its owner: one writer ([`crate::sync`]) | writers, by compare-and-swap; comes free when its owner dies |
//! | `version` | how often the value was written; its lowest bit says which copy is the valid one | the owner of the lock |
//! | the two copies | the value, and what it was before or is about to be | the owner of the lock: the one that is not valid |
//!
//! | step of a writer, under the lock | if it dies after it |
//! |---|---|
//! | take the lock, be it from the dead | the next writer takes it; nothing has changed |
//! | write the copy that is not valid | the same: nobody keeps what it reads there, and the next writer writes it anew |
//! | `version`: `v` → `v + 1`: **the commit** | the value is written; the next writer takes the lock, and goes on from there |
//! | let go of the lock, ring its bell | done |
//!
//! Readers look: a reader copies the copy that the version says is valid, and keeps it if the version is the same afterwards. While it is, nobody writes that
//! copy: a writer writes the other one until the version has changed. (A sequence lock; the orderings are those of Boehm,
//! "Can Seqlocks Get Along With Programming Language Memory Models?", 2012. With one copy a writer that is stopped, or dies, would hold up readers;
//! with two it does not.) Reading changes nothing; whoever dies reading has not been there.
//!
//! What a writer that died did under the lock is visible to the next: it died after it, and the next looked at its life (Acquire) before it took the lock.

use crate::atomic::{AtomicU64, Ordering, fence, seeded};

/// The memory of a value.
pub(crate) trait Copies {
    /// What is written.
    type Value;
    /// What is read: not to be trusted before it is checked.
    type Copy;

    fn version(&self) -> &AtomicU64;
    /// Writes the copy that is valid in `version`.
    fn write(&self, version: u64, value: &Self::Value);
    /// Reads the copy that is valid in `version`.
    fn read(&self, version: u64) -> Self::Copy;
}

/// A value, and its version.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found<C> {
    pub(crate) version: u64,
    pub(crate) copy: C,
}

/// The value. If it is written every time while it is being read, that many `tries`, `locked` reads it, which is to have the lock.
#[inline]
pub(crate) fn read<M: Copies, E>(
    memory: &M,
    tries: u32,
    locked: impl FnOnce() -> Result<Found<M::Copy>, E>,
) -> Result<Found<M::Copy>, E> {
    match try_read(memory) {
        Some(found) => Ok(found),
        None => read_again(memory, tries, locked),
    }
}

#[cold]
fn read_again<M: Copies, E>(
    memory: &M,
    tries: u32,
    locked: impl FnOnce() -> Result<Found<M::Copy>, E>,
) -> Result<Found<M::Copy>, E> {
    (1..tries)
        .find_map(|_| try_read(memory))
        .map_or_else(locked, Ok)
}

/// The value; nothing if it was written meanwhile.
#[inline]
fn try_read<M: Copies>(memory: &M) -> Option<Found<M::Copy>> {
    // Acquire: pairs with the commit; the copy is as the writer left it.
    let version = memory.version().load(Ordering::Acquire);
    let copy = memory.read(version);
    // Pairs with the fence in `write`: who has read anything of a later value finds the version changed. The second look comes after the copy.
    fence(Ordering::Acquire);
    let unchanged = memory.version().load(Ordering::Relaxed) == version;
    unchanged.then_some(Found { version, copy })
}

/// The value. The caller has the lock, so nobody else writes.
#[inline]
pub(crate) fn read_locked<M: Copies>(memory: &M) -> Found<M::Copy> {
    // Relaxed: the lock has made visible what its last owner did.
    let version = memory.version().load(Ordering::Relaxed);
    let copy = memory.read(version);
    Found { version, copy }
}

/// The version. The caller has the lock.
#[inline]
pub(crate) fn version_locked<M: Copies>(memory: &M) -> u64 {
    // Relaxed: as above.
    memory.version().load(Ordering::Relaxed)
}

/// Writes the value. The caller has the lock.
#[inline]
pub(crate) fn write<M: Copies>(memory: &M, value: &M::Value) {
    let next = version_locked(memory).wrapping_add(1);
    begin();
    memory.write(next, value);
    // Release: pairs with the Acquire in `try_read`.
    memory.version().store(next, Ordering::Release);
}

/// Release: pairs with the fence in `try_read`; the present version is visible before anything of what follows.
#[inline]
fn begin() {
    if !seeded("fence") {
        fence(Ordering::Release);
    }
}
