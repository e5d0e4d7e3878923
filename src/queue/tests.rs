//! What a queue tells those who wait, in races that are staged.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use super::core::{self, Memory, Nothing, Refused};

/// A queue of one, on the heap. Somebody else claims a ticket just before the nth look at `tail`.
#[derive(Default)]
struct Staged {
    tail: AtomicU64,
    head: AtomicU64,
    sequence: AtomicU64,
    value: Cell<u64>,
    looks: Cell<u32>,
    overtaken_at: Cell<u32>,
    withdrawals: Cell<u32>,
    freed: Cell<u32>,
    repairs: Cell<u32>,
}

impl Memory for Staged {
    type Value = u64;
    type Copy = u64;

    fn capacity(&self) -> u64 {
        1
    }

    fn head(&self) -> &AtomicU64 {
        &self.head
    }

    fn tail(&self) -> &AtomicU64 {
        self.looks.set(self.looks.get() + 1);
        if self.looks.get() == self.overtaken_at.get() {
            self.tail.fetch_add(1, Ordering::Relaxed);
        }
        &self.tail
    }

    fn sequence(&self, _: u64) -> &AtomicU64 {
        &self.sequence
    }

    fn write(&self, _: u64, value: &u64) {
        self.value.set(*value);
    }

    fn read(&self, _: u64) -> u64 {
        self.value.get()
    }

    fn is_intended(&self, _: u64) -> bool {
        false
    }

    fn repaired(&self) {
        self.repairs.set(self.repairs.get() + 1);
    }

    fn freed(&self) {
        self.freed.set(self.freed.get() + 1);
    }

    fn withdrew(&self) {
        self.withdrawals.set(self.withdrawals.get() + 1);
    }
}

#[test]
fn an_announcement_that_became_no_claim_is_withdrawn_aloud() {
    let queue = Staged::default();
    let (intent, seen_head) = (AtomicU64::new(0), Cell::new(0));
    queue.overtaken_at.set(2); // Between the look at `tail` and the claim.
    assert_eq!(
        core::send(&queue, &intent, &seen_head, &5),
        Err(Refused::Full)
    );
    assert_eq!(
        (intent.load(Ordering::Relaxed), queue.withdrawals.get()),
        (0, 1)
    );
    // A plain refusal announces nothing, and leaves nothing to withdraw.
    assert_eq!(
        core::send(&queue, &intent, &seen_head, &5),
        Err(Refused::Full)
    );
    assert_eq!(queue.withdrawals.get(), 1);
}

#[test]
fn a_place_given_up_is_announced_as_free() {
    let queue = Staged::default();
    queue.tail.store(1, Ordering::Relaxed); // A claim by somebody dead.
    assert_eq!(core::receive(&queue), Err(Nothing::Empty));
    assert_eq!((queue.repairs.get(), queue.freed.get()), (1, 1));
    let (intent, seen_head) = (AtomicU64::new(0), Cell::new(0));
    assert_eq!(core::send(&queue, &intent, &seen_head, &5), Ok(()));
    assert_eq!(core::receive(&queue), Ok(5));
}

#[test]
fn closing_refuses_what_comes_and_keeps_what_is_there() {
    let queue = Staged::default();
    let (intent, seen_head) = (AtomicU64::new(0), Cell::new(0));
    assert_eq!(core::send(&queue, &intent, &seen_head, &5), Ok(()));
    core::close(&queue.tail);
    assert_eq!(
        core::send(&queue, &intent, &seen_head, &6),
        Err(Refused::Closed)
    );
    assert_eq!(core::len(&queue.head, &queue.tail, 1), 1);
    assert_eq!(core::receive(&queue), Ok(5));
    assert_eq!(core::receive(&queue), Err(Nothing::Closed));
}
