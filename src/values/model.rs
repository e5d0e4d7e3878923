//! What the model checker says about a value of several words, whoever dies where.
//!
//! The algorithm is the real one, on words of the model checker, and so are the lock and its bell. A value is two relaxed words, of which both are the
//! number of the version, plus one: so a torn or a stale one is seen. Who waits sleeps: a lost wake-up is a deadlock.
//!
//! Actor number 0 may be doomed: it dies at its k-th access to the memory, for every k.
//!
//! With `SEEDED_BUG=fence` writers have none before the value, which must be torn; with `SEEDED_BUG=publish` the lock is let go of in a way that
//! hides what was done under it, which must be lost.

use std::convert::Infallible;

use super::core::{self, Copies, Found};
use crate::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::sync::lock::{Refused, try_lock, unlock};
use crate::sync::model::scene::{Actor, DOOMED, NOBODY_DIES, Tally, play};

struct Value {
    claim: AtomicU64,
    bell: AtomicU32,
    version: AtomicU64,
    copies: [[AtomicU64; 2]; 2],
    /// How often it was written by those who returned.
    written: Tally,
}

impl Value {
    fn new() -> Value {
        Value {
            claim: AtomicU64::new(0),
            bell: AtomicU32::new(0),
            version: AtomicU64::new(0),
            copies: [[1, 1], [0, 0]].map(|copy| copy.map(AtomicU64::new)),
            written: Tally::default(),
        }
    }
}

impl Copies for Actor<Value> {
    type Value = u64;
    type Copy = [u64; 2];

    fn version(&self) -> &AtomicU64 {
        &self.access().version
    }

    fn write(&self, version: u64, value: &u64) {
        for half in [0, 1] {
            let copy = &self.access().copies[(version & 1) as usize];
            copy[half].store(*value, Ordering::Relaxed);
        }
    }

    fn read(&self, version: u64) -> [u64; 2] {
        [0, 1].map(|half| {
            let copy = &self.access().copies[(version & 1) as usize];
            copy[half].load(Ordering::Relaxed)
        })
    }
}

impl Actor<Value> {
    fn locked<R>(&self, act: impl FnOnce() -> R) -> R {
        let attempt = || {
            let is_live = |owner| self.is_live(owner);
            match try_lock(&self.access().claim, self.me(), is_live) {
                Ok(locked) => Some(locked),
                Err(Refused::Busy) => None,
                Err(refused) => panic!("a sound lock refused: {refused:?}"),
            }
        };
        let locked = self.block_until(|value| &value.bell, attempt);
        let result = act();
        unlock(&self.access().claim, locked.tag);
        self.bell(&self.aside().bell).ring_next();
        result
    }

    /// Reads; keeps writers out if one gets in the way. The version.
    fn get(&self) -> u64 {
        let locked = || Ok::<_, Infallible>(self.locked(|| core::read_locked(self)));
        let Ok(Found { version, copy }) = core::read(self, 1, locked);
        assert_eq!(copy, [version + 1; 2], "torn or stale");
        version
    }

    /// Writes, whatever is there.
    fn set(&self) {
        self.locked(|| {
            let Found { version, copy } = core::read_locked(self);
            assert_eq!(copy, [version + 1; 2], "torn or stale");
            core::write(self, &(version + 2));
        });
        self.aside().written.add();
    }

    /// Writes what is made of what is there.
    fn update(&self) {
        loop {
            let seen = self.get();
            let written = self.locked(|| {
                let unchanged = core::version_locked(self) == seen;
                if unchanged {
                    core::write(self, &(seen + 2));
                }
                unchanged
            });
            if written {
                self.aside().written.add();
                return;
            }
        }
    }

    /// Nothing was lost; at most one was written that did not return.
    fn finds_what_was_written(&self, deaths: u64) {
        let written = u64::from(self.aside().written.get());
        let found = self.get();
        let possible = written..=written + deaths;
        assert!(
            possible.contains(&found),
            "what was written is lost, or twice there: {found} of {possible:?}"
        );
        self.set();
        assert_eq!(self.get(), found + 1);
    }
}

#[test]
fn a_reader_is_overtaken() {
    let act = |actor: &Actor<Value>| match actor.index {
        DOOMED => {
            actor.get();
        }
        _ => {
            actor.set();
            actor.set();
        }
    };
    play(3, 2, NOBODY_DIES, Value::new, act, |last| {
        last.finds_what_was_written(0);
        assert_eq!(last.aside().written.get(), 3);
    });
}

#[test]
fn two_writers() {
    let act = |actor: &Actor<Value>| actor.update();
    play(3, 2, NOBODY_DIES, Value::new, act, |last| {
        last.finds_what_was_written(0);
        assert_eq!(last.aside().written.get(), 3);
    });
}

#[test]
fn a_reader_beside_two_writers() {
    let act = |actor: &Actor<Value>| match actor.index {
        DOOMED => {
            let before = actor.get();
            assert!(actor.get() >= before, "it went back");
        }
        _ => actor.set(),
    };
    play(2, 3, NOBODY_DIES, Value::new, act, |last| {
        last.finds_what_was_written(0);
    });
}

/// The other reads meanwhile, and writes.
fn a_writer_dies_who(
    preemptions: usize,
    writes: impl Fn(&Actor<Value>) + Send + Sync + Copy + 'static,
) {
    let act = move |actor: &Actor<Value>| match actor.index {
        DOOMED => writes(actor),
        _ => {
            let before = actor.get();
            actor.set();
            assert!(actor.get() > before, "its own is lost");
        }
    };
    play(preemptions, 2, 0..=30, Value::new, act, |last| {
        last.finds_what_was_written(1);
    });
}

#[test]
fn a_writer_dies() {
    a_writer_dies_who(2, Actor::set);
    a_writer_dies_who(1, |actor| {
        actor.set();
        actor.update();
    });
}

/// One sleeps while the other, which was woken, dies.
#[test]
fn one_of_three_writers_dies() {
    let act = |actor: &Actor<Value>| actor.set();
    play(1, 3, 0..=20, Value::new, act, |last| {
        last.finds_what_was_written(1);
    });
}
