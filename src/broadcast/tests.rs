//! What a reader makes of words that change under its eyes, or should have and did not.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use super::core::{self, Corrupted, Memory, Nothing};

/// A ring whose values are their positions. So much is sent before each look at `tail` but the first; only slots of positions from
/// `whole_from` on hold what they should.
struct Staged {
    tail: AtomicU64,
    sequence: AtomicU64,
    capacity: u64,
    slots: u64,
    step: Cell<u64>,
    looks: Cell<u64>,
    whole_from: u64,
}

impl Staged {
    fn new(capacity: u64, slots: u64, sent: u64) -> Staged {
        Staged {
            tail: AtomicU64::new(sent),
            sequence: AtomicU64::new(0),
            capacity,
            slots,
            step: Cell::new(0),
            looks: Cell::new(0),
            whole_from: u64::MAX,
        }
    }
}

impl Memory for Staged {
    type Value = u64;
    type Copy = u64;

    fn capacity(&self) -> u64 {
        self.capacity
    }

    fn slots(&self) -> u64 {
        self.slots
    }

    fn tail(&self) -> &AtomicU64 {
        if self.looks.replace(self.looks.get() + 1) > 0 {
            self.tail.fetch_add(self.step.get(), Ordering::Relaxed);
        }
        assert!(self.looks.get() < 1000, "it looks for ever");
        &self.tail
    }

    fn sequence(&self, position: u64) -> &AtomicU64 {
        let is_whole = position >= self.whole_from;
        let sequence = if is_whole { position + 1 } else { 0 };
        self.sequence.store(sequence, Ordering::Relaxed);
        &self.sequence
    }

    fn write(&self, _: u64, _: &u64) {
        unreachable!("nobody sends")
    }

    fn read(&self, position: u64) -> u64 {
        position
    }

    fn has_room(&self, _: u64) -> Result<bool, Corrupted> {
        unreachable!("nobody sends")
    }
}

#[test]
fn a_wrong_sequence_is_garbage_unless_more_was_sent() {
    for (capacity, slots) in [(4, 4), (4, 8), (1, 1), (1, 4)] {
        for sent in 1..=capacity {
            let ring = Staged::new(capacity, slots, sent);
            let found = core::read(&ring, 0).map(|found| found.position);
            assert_eq!(found, Err(Nothing::Corrupted), "{capacity} of {slots}");
        }
    }
}

#[test]
fn a_tail_that_goes_back_is_garbage() {
    let ring = Staged::new(4, 8, 1 << 40);
    ring.step.set(0u64.wrapping_sub(1 << 30));
    let found = core::read(&ring, 0).map(|found| found.position);
    assert_eq!(found, Err(Nothing::Corrupted));
}

#[test]
fn who_is_lapped_again_and_again_reads_the_newest() {
    let mut ring = Staged::new(64, 128, 64);
    ring.step.set(130);
    // Half as far behind each time: by the seventh it is the newest.
    ring.whole_from = 64 + 2 * 6 * 130 - 1;
    let found = core::read(&ring, 0).map(|found| found.position);
    assert_eq!(found, Ok(ring.whole_from));
}
