//! The ring's algorithm, apart from the memory it runs on: elements packed into cache lines.
//!
//! Element number `n`, counted from the ring's creation, is in line `n / per_line`, at place `n % per_line`. Line `l` is
//! stored at `l % lines`. The words:
//!
//! | word | value | written by |
//! |---|---|---|
//! | a line's `header` | `(l + 1) << 8 \| count`: holds the first `count` elements of line `l` | the producer |
//! | `head` | number of elements received | the consumer |
//!
//! That is all. One transfer of a line carries its header and up to `per_line` elements, and neither side reads a word
//! of the other's on the way, except the producer `head` once in `capacity` elements (the cached-index idea is
//! from Lee, Bu, Chandranmenon, "MCRingBuffer", 2010; packing header and payload into one line goes back to
//! Giacomoni, Moseley, Vachharajani, "FastForward", 2008).
//!
//! A line is reused `lines` lines later. At most `capacity` elements are under way, and
//! `(lines - 1) * per_line >= capacity - 1`, so by then the consumer has received all of it.
//!
//! | step | if the actor dies after it |
//! |---|---|
//! | producer writes the element | nothing happened: the header does not count it |
//! | `header` (Release): **the commit** of a send | sent |
//! | consumer copies the element | nothing happened |
//! | `head` (Release): **the commit** of a receive | received, by the dead: delivered at most once |
//!
//! Both positions follow from these words, so a successor starts where the dead one stopped: the consumer at
//! `head`, the producer behind the last element that a header counts ([`find_tail`]). The rest of each side's state is private.

use crate::atomic::{AtomicU64, Ordering, release_but_for};

/// The memory a ring runs on.
pub(crate) trait Memory {
    /// What is sent.
    type Value;
    /// What is read: not to be trusted before it is checked.
    type Copy;

    fn shape(&self) -> Shape;
    fn head(&self) -> &AtomicU64;
    fn header(&self, index: u64) -> &AtomicU64;
    fn write(&self, index: u64, place: u32, value: &Self::Value);
    fn read(&self, index: u64, place: u32) -> Self::Copy;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) capacity: u64,
    pub(crate) per_line: u32,
    pub(crate) lines: u64,
}

impl Shape {
    /// `None` on overflow.
    pub(crate) fn new(capacity: u64, per_line: u32) -> Option<Shape> {
        let lines = capacity.div_ceil(u64::from(per_line)).checked_add(1)?;
        Some(Shape {
            capacity,
            per_line,
            lines,
        })
    }
}

/// The segment's words contradict each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Corrupted;

/// `count` elements of line `line` are there.
fn header(line: u64, count: u32) -> u64 {
    line.wrapping_add(1) << 8 | u64::from(count)
}

/// How many elements of line `line` are there, judging by the header found at its place.
#[inline]
fn count(header: u64, line: u64, shape: Shape) -> Result<u32, Corrupted> {
    const LINE_MASK: u64 = u64::MAX >> 8;
    let (stored, count) = (header >> 8, (header & 0xff) as u32);
    if count > shape.per_line {
        return Err(Corrupted);
    }
    let ready = line.wrapping_add(1) & LINE_MASK;
    if stored == ready {
        return Ok(count);
    }
    // Otherwise it is the line that was there one lap before, complete, or none yet.
    let before = ready.wrapping_sub(shape.lines) & LINE_MASK;
    if header == 0 || stored == before {
        Ok(0)
    } else {
        Err(Corrupted)
    }
}

/// A place in the sequence of elements.
#[derive(Debug, Clone, Copy)]
struct Cursor {
    position: u64,
    line: u64,
    /// `line % lines`
    index: u64,
    /// `position % per_line`
    place: u32,
}

impl Cursor {
    fn at(position: u64, shape: Shape) -> Cursor {
        let line = position / u64::from(shape.per_line);
        Cursor {
            position,
            line,
            index: line % shape.lines,
            place: (position % u64::from(shape.per_line)) as u32,
        }
    }

    /// Moves over `count` elements, not past the line's end.
    #[inline]
    fn advance(&mut self, count: u32, shape: Shape) {
        self.position = self.position.wrapping_add(u64::from(count));
        self.place += count;
        if self.place == shape.per_line {
            self.place = 0;
            self.line = self.line.wrapping_add(1);
            self.index += 1;
            if self.index == shape.lines {
                self.index = 0;
            }
        }
    }
}

/// Number of elements sent so far: those received, and those that headers count beyond.
///
/// Lines behind the last one with elements have older headers, so the last is found by bisection.
pub(crate) fn find_tail<M: Memory>(memory: &M) -> Result<u64, Corrupted> {
    let shape = memory.shape();
    // Acquire: the headers looked at next are at least as new.
    let head = memory.head().load(Ordering::Acquire);
    let first = Cursor::at(head, shape);
    let sent = |line: u64| {
        let found = memory.header(line % shape.lines).load(Ordering::Acquire);
        count(found, line, shape)
    };
    let in_first = sent(first.line)?;
    if in_first < first.place {
        return Err(Corrupted);
    }
    let (mut full, mut empty) = (0, shape.lines);
    while empty - full > 1 {
        let middle = full + (empty - full) / 2;
        if sent(first.line.wrapping_add(middle))? > 0 {
            full = middle;
        } else {
            empty = middle;
        }
    }
    let last = first.line.wrapping_add(full);
    let tail = last
        .wrapping_mul(shape.per_line.into())
        .wrapping_add(sent(last)?.into());
    if tail.wrapping_sub(head) > shape.capacity {
        Err(Corrupted)
    } else {
        Ok(tail)
    }
}

/// The producer's private state.
#[derive(Debug)]
pub(crate) struct Sender {
    cursor: Cursor,
    /// A `head` of the past.
    seen_head: u64,
}

impl Sender {
    pub(crate) fn take_over<M: Memory>(memory: &M) -> Result<Sender, Corrupted> {
        let cursor = Cursor::at(find_tail(memory)?, memory.shape());
        // As if the ring were full: the first send looks.
        let seen_head = cursor.position.wrapping_sub(memory.shape().capacity);
        Ok(Sender { cursor, seen_head })
    }

    /// How many elements can be sent, at least one of them or none.
    #[inline]
    fn room<M: Memory>(&mut self, memory: &M, wanted: u64) -> Result<u64, Corrupted> {
        let capacity = memory.shape().capacity;
        let mut used = self.cursor.position.wrapping_sub(self.seen_head);
        if capacity - used < wanted {
            // Acquire: pairs with the Release of `head`, whose copies precede our writes.
            let head = memory.head().load(Ordering::Acquire);
            used = self.cursor.position.wrapping_sub(head);
            if used > capacity {
                return Err(Corrupted);
            }
            self.seen_head = head;
        }
        Ok(capacity - used)
    }

    /// How many elements can be sent at this moment, without remembering it.
    #[cfg(feature = "async")]
    pub(crate) fn peek<M: Memory>(&self, memory: &M) -> Result<u64, Corrupted> {
        let head = memory.head().load(Ordering::Acquire);
        let used = self.cursor.position.wrapping_sub(head);
        memory.shape().capacity.checked_sub(used).ok_or(Corrupted)
    }

    /// Sends `value`; false if there is no room.
    #[inline]
    pub(crate) fn send<M: Memory>(
        &mut self,
        memory: &M,
        value: &M::Value,
    ) -> Result<bool, Corrupted> {
        if self.room(memory, 1)? == 0 {
            return Ok(false);
        }
        let Cursor {
            line, index, place, ..
        } = self.cursor;
        memory.write(index, place, value);
        memory
            .header(index)
            .store(header(line, place + 1), commit());
        self.cursor.advance(1, memory.shape());
        Ok(true)
    }

    /// Sends as many of `values` as there is room for, one commit for each line; how many.
    pub(crate) fn send_slice<M: Memory>(
        &mut self,
        memory: &M,
        values: &[M::Value],
    ) -> Result<usize, Corrupted> {
        let shape = memory.shape();
        let room = self.room(memory, values.len() as u64)?;
        let mut rest = &values[..values
            .len()
            .min(usize::try_from(room).unwrap_or(usize::MAX))];
        let sent = rest.len();
        while !rest.is_empty() {
            let Cursor {
                line, index, place, ..
            } = self.cursor;
            let now = rest.len().min((shape.per_line - place) as usize);
            for (value, at) in rest[..now].iter().zip(place..) {
                memory.write(index, at, value);
            }
            memory
                .header(index)
                .store(header(line, place + now as u32), commit());
            self.cursor.advance(now as u32, shape);
            rest = &rest[now..];
        }
        Ok(sent)
    }
}

/// Release: pairs with the Acquire of the header in [`Receiver::ready`].
#[inline(always)]
fn commit() -> Ordering {
    release_but_for("publish")
}

/// The consumer's private state.
#[derive(Debug)]
pub(crate) struct Receiver {
    cursor: Cursor,
    /// Elements of the current line known to be there and not yet received.
    ready: u32,
}

impl Receiver {
    pub(crate) fn take_over<M: Memory>(memory: &M) -> Receiver {
        let head = memory.head().load(Ordering::Acquire);
        Receiver {
            cursor: Cursor::at(head, memory.shape()),
            ready: 0,
        }
    }

    /// How many elements of the current line can be received.
    #[inline]
    fn ready<M: Memory>(&mut self, memory: &M) -> Result<u32, Corrupted> {
        self.ready = self.peek(memory)?;
        Ok(self.ready)
    }

    /// The same, without remembering it.
    #[inline]
    pub(crate) fn peek<M: Memory>(&self, memory: &M) -> Result<u32, Corrupted> {
        if self.ready > 0 {
            return Ok(self.ready);
        }
        // Acquire: pairs with the producer's commit.
        let found = memory.header(self.cursor.index).load(Ordering::Acquire);
        let there = count(found, self.cursor.line, memory.shape())?;
        there.checked_sub(self.cursor.place).ok_or(Corrupted)
    }

    /// Receives one element; `None` if there is none.
    #[inline]
    pub(crate) fn receive<M: Memory>(&mut self, memory: &M) -> Result<Option<M::Copy>, Corrupted> {
        if self.ready(memory)? == 0 {
            return Ok(None);
        }
        let copy = memory.read(self.cursor.index, self.cursor.place);
        self.advance(memory, 1);
        self.commit(memory);
        Ok(Some(copy))
    }

    /// Receives up to `most` elements, one commit for all; how many. The commit is made even if `take` does not like
    /// what it gets.
    pub(crate) fn receive_slice<M: Memory>(
        &mut self,
        memory: &M,
        most: usize,
        mut take: impl FnMut(M::Copy),
    ) -> Result<usize, Corrupted> {
        let mut received = 0;
        let outcome = loop {
            if received == most {
                break Ok(received);
            }
            let ready = match self.ready(memory) {
                Ok(0) => break Ok(received),
                Ok(ready) => ready,
                Err(corrupted) => break Err(corrupted),
            };
            let now = ready.min(u32::try_from(most - received).unwrap_or(u32::MAX));
            for place in self.cursor.place..self.cursor.place + now {
                take(memory.read(self.cursor.index, place));
            }
            self.advance(memory, now);
            received += now as usize;
        };
        if received > 0 {
            self.commit(memory);
            return Ok(received);
        }
        outcome
    }

    #[inline]
    fn advance<M: Memory>(&mut self, memory: &M, count: u32) {
        self.ready -= count;
        self.cursor.advance(count, memory.shape());
    }

    #[inline]
    fn commit<M: Memory>(&self, memory: &M) {
        // Release: the copies are made before the producer may write the places again.
        memory.head().store(self.cursor.position, Ordering::Release);
    }

    /// Elements received since the ring's creation.
    pub(crate) fn position(&self) -> u64 {
        self.cursor.position
    }
}

impl Sender {
    /// Elements sent since the ring's creation.
    pub(crate) fn position(&self) -> u64 {
        self.cursor.position
    }
}
