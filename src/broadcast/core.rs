//! The ring's algorithm, apart from the memory it runs on: one sender at a time, readers that nobody sees.
//!
//! Value number `p`, counted from the ring's creation, is its *position*; it lives in slot `p % slots`. The words:
//!
//! | word | value | written by |
//! |---|---|---|
//! | `tail` | how many values were sent; bit 63: closed | the holder of the senders' lock by compare-and-swap; `fetch_or` to close |
//! | `sequence` of a slot | `p + 1`: holds value `p`; 0: being written | the holder of the senders' lock |
//!
//! Senders are serialised by a lock that comes free when its holder dies ([`crate::sync`]). Readers look: a reader copies a slot between two
//! looks at its sequence, and has a whole value if that was the right one both times (a sequence lock; the orderings are those
//! of Boehm, "Can Seqlocks Get Along With Programming Language Memory Models?", 2012).
//!
//! # Sending
//!
//! | step, under the lock | if the sender dies after it |
//! |---|---|
//! | take the lock | the next sender takes it from the dead; nothing has changed |
//! | `sequence = 0` (Release), fence (Release) | value `tail - slots` is gone, which was out of reach; the slot will be written again |
//! | write the value (Relaxed), `sequence = tail + 1` (Release) | the same: nobody looks at a position that is not below `tail` |
//! | `tail`: `t` → `t + 1` (AcqRel): **the commit** | sent; who sleeps learns of the death, and looks |
//! | unlock, ring | done |
//!
//! A close and a commit are changes of one word, so what is sent is sent before the close, or not at all.
//!
//! # Reading
//!
//! The slot of position `p` is written again only for `p + slots`, once all before it are committed. So
//! a reader that finds the wrong sequence, and then (Acquire, pairs with both stores of the sequence) a `tail` that has not moved, or is less than
//! `slots` ahead, looks at garbage; otherwise so much was sent in the meantime, and it tries again with a newer value.
//! With `capacity + SPARE` slots or more, each failed try means more than [`SPARE`] values sent during one copy. Reading changes nothing;
//! whoever dies reading has not been there.

use crate::atomic::{AtomicU64, Ordering, fence, seeded};

/// In `tail`: closed.
const CLOSED: u64 = 1 << 63;

/// Slots beyond the capacity where senders wait for nobody: so many values can be sent while the oldest in reach, and the newest of a ring
/// of one, is being copied.
pub(crate) const SPARE: u64 = 3;

/// The memory a ring runs on.
pub(crate) trait Memory {
    /// What is sent.
    type Value;
    /// What is read: not to be trusted before it is checked.
    type Copy;

    /// How far behind a reader may be.
    fn capacity(&self) -> u64;
    /// How many there are: the capacity or more.
    fn slots(&self) -> u64;
    fn tail(&self) -> &AtomicU64;
    fn sequence(&self, position: u64) -> &AtomicU64;
    fn write(&self, position: u64, value: &Self::Value);
    fn read(&self, position: u64) -> Self::Copy;
    /// Whether the value `capacity` before `position` may go. Asked by the holder of the lock.
    fn has_room(&self, position: u64) -> Result<bool, Corrupted>;
}

/// The segment's words contradict each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Corrupted;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    Full,
    Closed,
    Corrupted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nothing {
    Empty,
    Closed,
    Corrupted,
}

/// A value, and where it was.
#[derive(Debug)]
pub(crate) struct Found<C> {
    pub(crate) position: u64,
    pub(crate) copy: C,
}

/// Sends `value`. The caller has the senders' lock.
#[inline]
pub(crate) fn send<M: Memory>(memory: &M, value: &M::Value) -> Result<(), Refused> {
    let tail = memory.tail().load(Ordering::Acquire);
    if tail & CLOSED != 0 {
        return Err(Refused::Closed);
    }
    let next = tail + 1;
    if next & CLOSED != 0 {
        return Err(Refused::Corrupted); // Positions do not come that far.
    }
    if !memory
        .has_room(tail)
        .map_err(|Corrupted| Refused::Corrupted)?
    {
        return Err(Refused::Full);
    }
    let sequence = memory.sequence(tail);
    // Release: a reader that finds it sees how far `tail` has come.
    sequence.store(0, Ordering::Release);
    // Pairs with the fence in `copy`: a reader that copies any of what follows finds the sequence changed.
    begin();
    memory.write(tail, value);
    // Release: pairs with the Acquire in `copy`.
    sequence.store(next, Ordering::Release);
    // Release: pairs with the Acquire of `tail` in `read`.
    let commit = memory
        .tail()
        .compare_exchange(tail, next, Ordering::AcqRel, Ordering::Acquire);
    match commit {
        Ok(_) => Ok(()),
        Err(now) if now == tail | CLOSED => Err(Refused::Closed),
        Err(_) => Err(Refused::Corrupted),
    }
}

#[inline]
fn begin() {
    if !seeded("fence") {
        fence(Ordering::Release);
    }
}

/// A copy of the value at `position`, unless it has been, or is being, overwritten.
#[inline]
fn copy<M: Memory>(memory: &M, position: u64) -> Option<M::Copy> {
    let sequence = memory.sequence(position);
    let is_there = || sequence.load(Ordering::Acquire) == position + 1;
    if !is_there() {
        return None;
    }
    let copy = memory.read(position);
    // The second look comes after the copy.
    fence(Ordering::Acquire);
    is_there().then_some(copy)
}

/// The oldest value in reach that is not before `position`.
#[inline]
pub(crate) fn read<M: Memory>(memory: &M, position: u64) -> Result<Found<M::Copy>, Nothing> {
    let mut reach = memory.capacity();
    let mut last = 0;
    loop {
        // Acquire: pairs with the commit; the value and its sequence are as new.
        let tail = memory.tail().load(Ordering::Acquire);
        let sent = tail & !CLOSED;
        let waiting = sent.checked_sub(position).ok_or(Nothing::Corrupted)?;
        if waiting == 0 {
            let is_closed = tail & CLOSED != 0;
            return Err([Nothing::Empty, Nothing::Closed][usize::from(is_closed)]);
        }
        let position = sent - waiting.min(reach);
        if let Some(copy) = copy(memory, position) {
            return Ok(Found { position, copy });
        }
        let now = self::sent(memory);
        // From one try to the next there are more, or it could go on for ever.
        if sent < last || now <= sent || now - position < memory.slots() {
            return Err(Nothing::Corrupted);
        }
        last = now;
        // The newest is the last to be overwritten.
        reach = (reach / 2).max(1);
    }
}

/// How many values were sent.
pub(crate) fn sent<M: Memory>(memory: &M) -> u64 {
    memory.tail().load(Ordering::Acquire) & !CLOSED
}

/// Lets nothing more be sent. What was sent before can still be read.
pub(crate) fn close<M: Memory>(memory: &M) {
    memory.tail().fetch_or(CLOSED, Ordering::AcqRel);
}

pub(crate) fn is_closed<M: Memory>(memory: &M) -> bool {
    memory.tail().load(Ordering::Acquire) & CLOSED != 0
}
