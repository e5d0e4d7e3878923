//! What a reader makes of a value that is written under its eyes.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use super::core::{self, Copies, Found};

const TRIES: u32 = 5;

/// A value that is its version, and is written each time it is read, so many times.
struct Staged {
    version: AtomicU64,
    writes: Cell<u64>,
    reads: Cell<u32>,
}

impl Staged {
    fn new(writes: u64) -> Staged {
        Staged {
            version: AtomicU64::new(u64::MAX),
            writes: Cell::new(writes),
            reads: Cell::new(0),
        }
    }
}

impl Copies for Staged {
    type Value = u64;
    type Copy = u64;

    fn version(&self) -> &AtomicU64 {
        &self.version
    }

    fn write(&self, _: u64, _: &u64) {}

    fn read(&self, version: u64) -> u64 {
        self.reads.set(self.reads.get() + 1);
        if let Some(left) = self.writes.get().checked_sub(1) {
            self.writes.set(left);
            core::write(self, &0);
        }
        version
    }
}

/// The version that is found, or what the lock's owner would find.
fn read(staged: &Staged) -> Result<u64, &'static str> {
    let found = core::read(staged, TRIES, || Err("locked"));
    found.map(|Found { version, copy }| {
        assert_eq!(copy, version, "what was there before");
        version
    })
}

#[test]
fn a_reader_tries_again_and_then_keeps_writers_out() {
    for writes in 0..20 {
        let staged = Staged::new(writes);
        let found = read(&staged);
        if writes < TRIES.into() {
            // Counting goes on after the last version there can be.
            assert_eq!(found, Ok(u64::MAX.wrapping_add(writes)));
            assert_eq!(u64::from(staged.reads.get()), writes + 1);
        } else {
            assert_eq!(found, Err("locked"));
            assert_eq!(staged.reads.get(), TRIES);
        }
        assert_eq!(
            staged.version.load(Ordering::Relaxed),
            u64::MAX.wrapping_add(writes.min(TRIES.into()))
        );
    }
}
