//! The algorithm of a stream of bytes, apart from the memory it runs on.
//!
//! Positions count bytes from the stream's creation. Byte number `n` is stored at `n % capacity`, and the memory is mapped twice in a row,
//! so a run of up to `capacity` bytes is one run of addresses. The words:
//!
//! | word | value | written by |
//! |---|---|---|
//! | `tail` | number of bytes written | the writer |
//! | `head` | number of bytes read | the reader |
//!
//! The bytes from `head` to `tail` are the reader's, the others the writer's. Each side keeps a copy of its own word, and the other's as it saw
//! it last, and looks again only when that does not suffice (the cached-index idea is from Lee, Bu, Chandranmenon, "MCRingBuffer", 2010).
//!
//! | step | if the actor dies after it |
//! |---|---|
//! | the writer copies bytes in | nothing happened: they are behind `tail` |
//! | `tail` (Release): **the commit** of a write | written, all that were copied in |
//! | the writer rings *not empty* | done |
//! | the reader copies bytes out | nothing happened |
//! | `head` (Release): **the commit** of a read | read, by the dead |
//! | the reader rings *not full* | done |
//!
//! One who is asleep when the other dies before it has rung is woken by the death ([`crate::liveness`]). Nobody succeeds the dead: the survivor is
//! told. So a position never goes back, and each side can believe its own copy rather than the word that others might overwrite.

use crate::atomic::{AtomicU64, Ordering, release_but_for};

/// Where a stream's positions are.
pub(crate) trait Memory {
    fn capacity(&self) -> u64;
    fn head(&self) -> &AtomicU64;
    fn tail(&self) -> &AtomicU64;
}

/// The segment's words contradict each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Corrupted;

/// How many bytes are between the two, at most `capacity`.
#[inline]
fn under_way(head: u64, tail: u64, capacity: u64) -> Result<u64, Corrupted> {
    let bytes = tail.wrapping_sub(head);
    if bytes > capacity {
        return Err(Corrupted);
    }
    Ok(bytes)
}

/// The writer's private state.
#[derive(Debug)]
pub(crate) struct Writer {
    tail: u64,
    /// A `head` of the past.
    seen_head: u64,
}

impl Writer {
    /// Goes on where whoever was the writer before, perhaps in another process, left off.
    pub(crate) fn take_over<M: Memory>(memory: &M) -> Writer {
        // Acquire: pairs with that one's commit.
        let tail = memory.tail().load(Ordering::Acquire);
        // As if it were full: the first write looks.
        let seen_head = tail.wrapping_sub(memory.capacity());
        Writer { tail, seen_head }
    }

    /// How many bytes can be copied in from [`position`](Writer::position) on. Looks at the reader only if it is fewer than `wanted`
    /// as far as is known.
    #[inline]
    pub(crate) fn room<M: Memory>(&mut self, memory: &M, wanted: u64) -> Result<u64, Corrupted> {
        let capacity = memory.capacity();
        let room = capacity - under_way(self.seen_head, self.tail, capacity)?;
        if room >= wanted {
            return Ok(room);
        }
        // Acquire: pairs with the reader's commit, whose copies precede our writes.
        let head = memory.head().load(Ordering::Acquire);
        let room = capacity - under_way(head, self.tail, capacity)?;
        self.seen_head = head;
        Ok(room)
    }

    /// The first `len` bytes from the position on have been copied in, and there was room for them: they are written.
    #[inline]
    pub(crate) fn commit<M: Memory>(&mut self, memory: &M, len: u64) {
        self.tail = self.tail.wrapping_add(len);
        memory.tail().store(self.tail, commit());
    }

    /// Bytes written since the stream's creation.
    #[inline]
    pub(crate) fn position(&self) -> u64 {
        self.tail
    }
}

/// Release: pairs with the Acquire of `tail` in [`Reader::ready`].
#[inline(always)]
fn commit() -> Ordering {
    release_but_for("publish")
}

/// The reader's private state.
#[derive(Debug)]
pub(crate) struct Reader {
    head: u64,
    /// A `tail` of the past.
    seen_tail: u64,
}

impl Reader {
    /// Goes on where whoever was the reader before, perhaps in another process, left off.
    pub(crate) fn take_over<M: Memory>(memory: &M) -> Reader {
        // Acquire: pairs with that one's commit.
        let head = memory.head().load(Ordering::Acquire);
        Reader {
            head,
            seen_tail: head,
        }
    }

    /// How many bytes can be copied out from [`position`](Reader::position) on. Looks at the writer only if it is fewer than `wanted`
    /// as far as is known.
    #[inline]
    pub(crate) fn ready<M: Memory>(&mut self, memory: &M, wanted: u64) -> Result<u64, Corrupted> {
        if self.seen_tail.wrapping_sub(self.head) < wanted {
            self.seen_tail = self.look(memory)?;
        }
        Ok(self.seen_tail.wrapping_sub(self.head))
    }

    /// Whether there are any: the same without remembering it.
    pub(crate) fn is_ready<M: Memory>(&self, memory: &M) -> Result<bool, Corrupted> {
        Ok(self.seen_tail != self.head || self.look(memory)? != self.head)
    }

    #[inline]
    fn look<M: Memory>(&self, memory: &M) -> Result<u64, Corrupted> {
        // Acquire: pairs with the writer's commit.
        let tail = memory.tail().load(Ordering::Acquire);
        under_way(self.head, tail, memory.capacity())?;
        Ok(tail)
    }

    /// The first `len` bytes from the position on, all of which were ready, are read.
    #[inline]
    pub(crate) fn commit<M: Memory>(&mut self, memory: &M, len: u64) {
        self.head = self.head.wrapping_add(len);
        // Release: the copies are made before the writer may write there again.
        memory.head().store(self.head, Ordering::Release);
    }

    /// Bytes read since the stream's creation.
    #[inline]
    pub(crate) fn position(&self) -> u64 {
        self.head
    }
}
