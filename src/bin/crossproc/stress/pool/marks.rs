//! Marks that tasks leave: how often each was begun, and how often done.
//!
//! Each of the round's processes has a row of words. Word 0 counts the owners that have lived there, word 1 the marks that came when the task's outcome had been told. In each other:
//!
//! | bits | |
//! |---|---|
//! | 48 to 63 | which of the owners has the task |
//! | 16 to 47 | which of its tasks it is; 0 once the outcome is told |
//! | 8 to 15 | how often it was begun |
//! | 0 to 7 | how often it was done |
//!
//! An owner opens a task's word before it gives the task away, and closes it when it is told the outcome. Workers of an owner that is dead may go on for a moment; what they do does
//! not count. Every change is one atomic operation.

use crate::stress::sync::floor::Floor;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

/// More than an owner has under way at a time.
const TASKS: usize = 1 << 14;
const OWNERS: usize = 0;
const STRAYS: usize = 1;
const FIRST: usize = 2;
/// Of a row.
pub(super) const WORDS: usize = FIRST + TASKS;

const COUNTS: u32 = 16;

/// A task, of all that there are in a process's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Name {
    owner: u16,
    pub(super) number: u32,
}

impl Name {
    pub(super) fn new(owner: u16, number: u32) -> Name {
        Name { owner, number }
    }

    pub(super) fn bits(self) -> u64 {
        u64::from(self.owner) << 32 | u64::from(self.number)
    }

    fn told(self) -> Name {
        Name { number: 0, ..self }
    }
}

/// What a task says of itself.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mark {
    Begun = 1 << 8,
    Done = 1,
}

/// How often a task has said each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tally {
    pub(super) begun: u64,
    pub(super) done: u64,
}

/// A row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Marks<'a>(&'a [AtomicU64]);

impl<'a> Marks<'a> {
    pub(super) fn of(floor: &'a Floor, desk: usize) -> Marks<'a> {
        Marks(&floor.board()[desk * WORDS..][..WORDS])
    }

    /// A new owner's number.
    pub(super) fn come(&self) -> u16 {
        let before = self.0[OWNERS].fetch_add(1, SeqCst);
        u16::try_from(before + 1).expect("a round is not that long")
    }

    fn word(&self, name: Name) -> &'a AtomicU64 {
        &self.0[FIRST + name.number as usize % TASKS]
    }

    pub(super) fn open(&self, name: Name) {
        self.word(name).store(name.bits() << COUNTS, SeqCst);
    }

    /// The outcome is told: whatever the task says after this is one thing too many.
    pub(super) fn close(&self, name: Name) -> Tally {
        let word = self.word(name).swap(name.told().bits() << COUNTS, SeqCst);
        Tally {
            begun: word >> 8 & 0xff,
            done: word & 0xff,
        }
    }

    pub(super) fn mark(&self, name: Name, mark: Mark) {
        let add = |word: u64| (word >> COUNTS == name.bits()).then_some(word + mark as u64);
        if let Err(other) = self.word(name).fetch_update(SeqCst, SeqCst, add)
            && other >> COUNTS >> 32 == u64::from(name.owner)
        {
            self.0[STRAYS].fetch_add(1, SeqCst);
        }
    }

    pub(super) fn strays(&self) -> u64 {
        self.0[STRAYS].load(SeqCst)
    }
}
