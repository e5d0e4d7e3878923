//! The queue's algorithm, apart from the memory it runs on: *announce, claim, write, commit*.
//!
//! Tickets are 64-bit and never repeat; ticket `t` lives in slot `t % capacity`. The words:
//!
//! | word | value |
//! |---|---|
//! | `tail` | the next ticket to claim; bit 63: closed. Written by compare-and-swap, and `fetch_or` to close |
//! | `head` | the next ticket to receive. Written by compare-and-swap |
//! | `sequence` of a slot | `t + 1`: holds ticket `t`; with bit 63: ticket `t` was given up; anything else: not yet |
//! | `intent` of a participant | `t + 1` and the queue's place in its segment: it is about to claim ticket `t`, or has and may be writing; 0: nothing |
//!
//! A slot is free when `head` has passed its last ticket, so receiving writes nothing but `head`. This is the
//! array queue of Vyukov ("Bounded MPMC queue", 2010) with two changes: receivers commit by moving `head` after
//! copying, as in optimistic reading, and senders announce what they claim, so that a claim whose owner died has a name.
//!
//! # Sending
//!
//! A send that finds no room leaves no announcement behind: an old one of the same sender names a ticket that it
//! committed, and one that did not become a claim is withdrawn.
//!
//! | step | if the sender dies after it |
//! |---|---|
//! | `intent = t + 1` (Release) | nothing was claimed; a dead participant's intent counts for nothing |
//! | `tail`: `t` → `t + 1` (AcqRel): the claim | a hole, found and given up by the next receiver |
//! | write the value (Relaxed) | the same: nobody looks at a slot without its sequence |
//! | `sequence = t + 1` (Release): **the commit** | sent |
//!
//! # Receiving
//!
//! | step | if the receiver dies after it |
//! |---|---|
//! | read `head` `h`, then `sequence` (Acquire) | nothing happened |
//! | copy the value (Relaxed) | nothing happened |
//! | `head`: `h` → `h + 1` (AcqRel): **the commit** | received, by the dead: delivered at most once |
//!
//! # Giving up a hole
//!
//! Ticket `h` is claimed and not committed. If a live participant's intent is that ticket, it is merely slow. Otherwise
//! nobody can commit it any more: the claimant announced before it claimed, and this receiver saw the claim (Acquire
//! of `tail`), hence the announcement or a later one of the same participant. A later announcement follows the commit
//! of this one, or a claim that failed. So `sequence`, read before the announcements, either is stale and the
//! compare-and-swap to *given up* fails, or the claimant is dead. Whoever dies on the way has changed nothing, or
//! completed the repair. Tickets never repeat, so a late repairer's compare-and-swap fails.

use std::cell::Cell;

use crossbeam_utils::Backoff;

use crate::atomic::{AtomicU64, Ordering, release_but_for};

/// In `tail`: closed. In a sequence: given up.
const FLAG: u64 = 1 << 63;

/// The memory a queue runs on.
pub(crate) trait Memory {
    /// What is sent.
    type Value;
    /// What is read: not to be trusted before the receive has committed.
    type Copy;

    fn capacity(&self) -> u64;
    fn head(&self) -> &AtomicU64;
    fn tail(&self) -> &AtomicU64;
    fn sequence(&self, ticket: u64) -> &AtomicU64;
    fn write(&self, ticket: u64, value: &Self::Value);
    fn read(&self, ticket: u64) -> Self::Copy;
    /// The caller is about to receive `ticket`: for those who have to know what was received by one who has died since.
    #[inline]
    fn receiving(&self, _ticket: u64) {}
    /// What a participant writes down that is about to claim `ticket`: unlike any other ticket of any queue in the segment.
    fn intention(&self, ticket: u64) -> u64 {
        ticket.wrapping_add(1)
    }
    /// Whether a live participant's intent holds this value.
    fn is_intended(&self, intent: u64) -> bool;
    /// Counts a hole given up.
    fn repaired(&self);
    /// A place became free without a receive: whoever waits for one must hear of it.
    fn freed(&self);
    /// An intent that made a hole look busy is withdrawn: whoever waits at the hole must hear of it.
    fn withdrew(&self);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    Full,
    Closed,
    Corrupted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nothing {
    Empty,
    /// The next value is being written by a live sender.
    Busy,
    Closed,
    Corrupted,
}

/// Sends `value`. `intent` is the caller's own; `seen_head` its memory of a `head` in the past.
#[inline]
pub(crate) fn send<M: Memory>(
    memory: &M,
    intent: &AtomicU64,
    seen_head: &Cell<u64>,
    value: &M::Value,
) -> Result<(), Refused> {
    let capacity = memory.capacity();
    let backoff = Backoff::new();
    let mut announced = false;
    // Acquire: pairs with the claim that made it, so that `head` read afterwards is no older.
    let mut tail = memory.tail().load(Ordering::Acquire);
    let refused = loop {
        if tail & FLAG != 0 {
            break Refused::Closed;
        }
        if tail.wrapping_sub(seen_head.get()) >= capacity {
            // Acquire: pairs with the Release of the receiver's commit, whose copy precedes our write.
            seen_head.set(memory.head().load(Ordering::Acquire));
            let used = tail.wrapping_sub(seen_head.get());
            if used >= capacity {
                let again = memory.tail().load(Ordering::Acquire);
                if again == tail {
                    // `tail` stood still around the look at `head`, so `used` is exact.
                    break if used == capacity {
                        Refused::Full
                    } else {
                        Refused::Corrupted
                    };
                }
                tail = again;
                continue;
            }
        }
        // Release: pairs with the Acquire in `is_intended`; the claim makes sure it is seen in time.
        intent.store(memory.intention(tail), Ordering::Release);
        announced = true;
        let claim = memory.tail().compare_exchange(
            tail,
            tail.wrapping_add(1),
            // Release: pairs with the Acquire of `tail` before a repair. Acquire: orders the next announcement.
            Ordering::AcqRel,
            Ordering::Acquire,
        );
        match claim {
            Ok(ticket) => {
                memory.write(ticket, value);
                memory
                    .sequence(ticket)
                    .store(ticket.wrapping_add(1), commit());
                return Ok(());
            }
            Err(now) => {
                tail = now;
                backoff.spin();
            }
        }
    };
    if announced {
        // An announcement that did not become a claim makes a hole left by another look busy.
        intent.store(0, Ordering::Release);
        memory.withdrew();
    }
    Err(refused)
}

/// Release: pairs with the Acquire of the sequence in [`receive`].
#[inline(always)]
fn commit() -> Ordering {
    release_but_for("publish")
}

/// How often a receiver looks again at a ticket that was claimed but not committed.
const LOOKS: u32 = if cfg!(loom) { 0 } else { 64 };

/// Receives the oldest value.
#[inline]
pub(crate) fn receive<M: Memory>(memory: &M) -> Result<M::Copy, Nothing> {
    let backoff = Backoff::new();
    let mut looks = 0;
    let mut head = memory.head().load(Ordering::Acquire);
    loop {
        // Mostly it is there: for what else there is to know, the way is longer.
        if !is_there(memory, head) {
            head = oldest(memory, head, &mut looks)?;
        }
        let copy = memory.read(head);
        memory.receiving(head);
        match advance(memory, head) {
            Ok(_) => return Ok(copy),
            Err(now) => {
                head = now;
                backoff.spin();
            }
        }
    }
}

/// Whether there is something to receive: the oldest value's ticket. Holes in front of it are given up.
pub(crate) fn look<M: Memory>(memory: &M) -> Result<u64, Nothing> {
    let head = memory.head().load(Ordering::Acquire);
    oldest(memory, head, &mut 0)
}

/// Whether `ticket` holds a value.
#[inline]
fn is_there<M: Memory>(memory: &M, ticket: u64) -> bool {
    let ready = ticket.wrapping_add(1);
    // Acquire: pairs with the sender's commit. Tickets do not come as far as the flag.
    (ticket | ready) & FLAG == 0 && memory.sequence(ticket).load(Ordering::Acquire) == ready
}

/// Moves `head` from `ticket` to the next: with a copy of the value made, **the commit** of receiving it.
#[inline]
fn advance<M: Memory>(memory: &M, ticket: u64) -> Result<u64, u64> {
    // Release: the copy is made before a sender may write the slot again. Acquire: `head` only grows.
    let next = ticket.wrapping_add(1);
    memory
        .head()
        .compare_exchange(ticket, next, Ordering::AcqRel, Ordering::Acquire)
}

/// The oldest ticket that holds a value, looking from `head` on, where `head` stands or has stood. Passes those that were given up, and
/// gives up those that have to be.
#[inline(never)]
fn oldest<M: Memory>(memory: &M, mut head: u64, looks: &mut u32) -> Result<u64, Nothing> {
    loop {
        let ready = head.wrapping_add(1);
        if (head | ready) & FLAG != 0 {
            return Err(Nothing::Corrupted); // Tickets do not come that far.
        }
        // Acquire: pairs with the sender's commit.
        let sequence = memory.sequence(head).load(Ordering::Acquire);
        if sequence == ready {
            return Ok(head);
        }
        if sequence & !FLAG == ready {
            head = match advance(memory, head) {
                Ok(_) => {
                    memory.freed();
                    ready
                }
                Err(now) => now,
            };
            continue;
        }
        // Acquire: pairs with the claim, and so with the announcement before it.
        let tail = memory.tail().load(Ordering::Acquire);
        let again = memory.head().load(Ordering::Acquire);
        if again != head {
            head = again;
            continue;
        }
        // `head` stood still around the look at `tail`, so their distance was exact then.
        match (tail & !FLAG).wrapping_sub(head) {
            0 if tail & FLAG != 0 => return Err(Nothing::Closed),
            0 => return Err(Nothing::Empty),
            claimed if claimed > memory.capacity() => return Err(Nothing::Corrupted),
            _ if *looks < LOOKS => {
                *looks += 1;
                crate::atomic::spin_loop();
            }
            _ if memory.is_intended(memory.intention(head)) => return Err(Nothing::Busy),
            _ => give_up(memory, head, sequence),
        }
    }
}

/// Marks `ticket`, which no live participant intends to commit, as given up.
#[cold]
fn give_up<M: Memory>(memory: &M, ticket: u64, sequence: u64) {
    let given_up = ticket.wrapping_add(1) | FLAG;
    // AcqRel: pairs with the Acquire of the sequence by other receivers, and orders us behind the last commit.
    let repair = memory.sequence(ticket).compare_exchange(
        sequence,
        given_up,
        Ordering::AcqRel,
        Ordering::Relaxed,
    );
    if repair.is_ok() {
        memory.repaired();
    }
}

/// Lets nothing more be sent. What was sent before can still be received.
pub(crate) fn close(tail: &AtomicU64) {
    tail.fetch_or(FLAG, Ordering::AcqRel);
}

pub(crate) fn is_closed(tail: &AtomicU64) -> bool {
    tail.load(Ordering::Acquire) & FLAG != 0
}

/// Values sent and not yet received, those being written included; never more than the capacity.
pub(crate) fn len(head: &AtomicU64, tail: &AtomicU64, capacity: u64) -> u64 {
    loop {
        let before = tail.load(Ordering::Acquire);
        let head = head.load(Ordering::Acquire);
        if tail.load(Ordering::Acquire) == before {
            return (before & !FLAG).wrapping_sub(head).min(capacity);
        }
    }
}
