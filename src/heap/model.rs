//! The words of a heap, for the model checker; and what it says about pages: each is one tenant's at a time, whoever dies where.
//!
//! What the heap is for, blocks that are used again while somebody still reads them, is checked where it is used ([`crate::dict`]).

use super::layout::{DIRECTORY, Geometry};
use super::pages::{self, BODY, HeapError, Memory, Tenant, Use};
use crate::atomic::{AtomicU64, Ordering};
use crate::sync::model::scene::{Actor, NOBODY_DIES, play};

/// A heap of some pages.
pub(crate) struct Room {
    geometry: Geometry,
    words: Vec<AtomicU64>,
}

impl Room {
    pub(crate) fn new(pages: u64) -> Room {
        let geometry = Geometry::new(pages * super::PAGE, 0).unwrap();
        let words = geometry.end / 8;
        Room {
            geometry,
            words: (0..words).map(|_| AtomicU64::new(0)).collect(),
        }
    }
}

fn word_of(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes.try_into().unwrap())
}

/// Bytes come in whole words.
impl Memory for Room {
    fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    fn long(&self, at: u64) -> &AtomicU64 {
        assert!(at.is_multiple_of(8));
        &self.words[at as usize / 8]
    }

    fn read(&self, at: u64, to: &mut [u8]) {
        for (index, bytes) in to.chunks_mut(8).enumerate() {
            let word = self.long(at + 8 * index as u64).load(Ordering::Relaxed);
            bytes.copy_from_slice(&word.to_le_bytes()[..bytes.len()]);
        }
    }

    fn append(&self, at: u64, len: usize, to: &mut Vec<u8>) {
        let end = to.len();
        to.resize(end + len, 0);
        self.read(at, &mut to[end..]);
    }

    fn write(&self, at: u64, from: &[u8]) {
        for (index, bytes) in from.chunks(8).enumerate() {
            self.long(at + 8 * index as u64)
                .store(word_of(bytes), Ordering::Relaxed);
        }
    }

    fn back(&self, _: u64, _: u64) -> Result<(), HeapError> {
        Ok(())
    }
}

/// Each access is a step, at which its actor may die.
impl Memory for Actor<Room> {
    fn geometry(&self) -> &Geometry {
        &self.aside().geometry
    }

    fn long(&self, at: u64) -> &AtomicU64 {
        self.access().long(at)
    }

    fn read(&self, at: u64, to: &mut [u8]) {
        for (index, bytes) in to.chunks_mut(8).enumerate() {
            self.access().read(at + 8 * index as u64, bytes);
        }
    }

    fn append(&self, at: u64, len: usize, to: &mut Vec<u8>) {
        self.access().append(at, len, to);
    }

    fn write(&self, at: u64, from: &[u8]) {
        for (index, bytes) in from.chunks(8).enumerate() {
            self.access().write(at + 8 * index as u64, bytes);
        }
    }

    fn back(&self, at: u64, len: u64) -> Result<(), HeapError> {
        self.access().back(at, len)
    }
}

/// Where the only shard is.
pub(crate) const SHARD_AT: u64 = DIRECTORY;

fn tenant(actor: &Actor<Room>) -> u64 {
    let tenant = Tenant {
        object: actor.index + 1,
        shard: BODY,
    };
    tenant.word(Use::Run)
}

/// Each takes a run of its own length; nobody takes what another has. Afterwards all that lives has given back everything.
fn taking(
    preemptions: usize,
    room: u64,
    len: fn(u32) -> u32,
    accesses: impl IntoIterator<Item = u32>,
) {
    let act = move |actor: &Actor<Room>| {
        let (word, len) = (tenant(actor), len(actor.index));
        let Ok(first) = pages::take(actor, word, len) else {
            return;
        };
        for page in first..first + len {
            let mine = pages::tenant_word(actor, page).load(Ordering::Relaxed);
            assert_eq!(mine, word, "two tenants of a page");
            pages::give_back(actor, page);
        }
    };
    let after = |actor: &Actor<Room>| {
        for page in 0..pages::committed(actor).unwrap() {
            let word = pages::tenant_word(actor, page).load(Ordering::Relaxed);
            let dead = Tenant::from_word(word).is_none_or(|(tenant, _)| tenant.object == 1);
            assert!(dead, "a page is lost");
        }
    };
    play(
        preemptions,
        2,
        accesses,
        move || Room::new(room),
        act,
        after,
    );
}

#[test]
fn two_takers() {
    taking(2, 4, |_| 1, NOBODY_DIES);
    taking(2, 4, |index| 1 + index, NOBODY_DIES);
}

#[test]
fn a_taker_dies() {
    taking(1, 3, |_| 2, 0..=16);
}
