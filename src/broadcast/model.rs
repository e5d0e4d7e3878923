//! What the model checker says about rings from which everyone receives, whoever dies where.
//!
//! The algorithm is the real one, on words of the model checker, and so are the lock, the seats and the bells. A value is two
//! relaxed words, so that a torn or a stale one is seen. Who waits sleeps: a lost wake-up is a deadlock.
//!
//! Actor number 0 may be doomed: it dies at its k-th access to the memory, for every k.
//!
//! With `SEEDED_BUG=fence` senders have none before the value, which must be torn.

use super::core::{self, Corrupted, Found, Memory, Nothing, Refused};
use super::seats::{self, Seats};
use crate::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::owner::Owner;
use crate::sync::claim::Claim;
use crate::sync::lock::{Refused as Locked, try_lock, try_lock_free, unlock};
use crate::sync::model::scene::{Actor, DOOMED, NOBODY_DIES, Tally, owner, play};

const CAPACITY: u64 = 1;

#[derive(Default)]
struct Slot {
    sequence: AtomicU64,
    value: [AtomicU64; 2],
}

/// A ring of one, with a seat or none.
struct Ring {
    claim: AtomicU64,
    bell: AtomicU32,
    not_empty: AtomicU32,
    not_full: AtomicU32,
    tail: AtomicU64,
    slots: Vec<Slot>,
    seats: Vec<[AtomicU64; 2]>,
    used: AtomicU64,
    slowest: AtomicU64,
    /// Of sends that returned.
    sent: Tally,
    received: Tally,
}

impl Ring {
    fn new(slots: usize, seats: usize) -> Ring {
        Ring {
            claim: AtomicU64::new(0),
            bell: AtomicU32::new(0),
            not_empty: AtomicU32::new(0),
            not_full: AtomicU32::new(0),
            tail: AtomicU64::new(0),
            slots: (0..slots).map(|_| Slot::default()).collect(),
            seats: (0..seats).map(|_| Default::default()).collect(),
            used: AtomicU64::new(0),
            slowest: AtomicU64::new(0),
            sent: Tally::default(),
            received: Tally::default(),
        }
    }

    /// The shortest that a reader can be lapped in.
    fn overwriting() -> Ring {
        Ring::new(2, 0)
    }

    fn with_a_vacant_seat() -> Ring {
        Ring::new(1, 1)
    }

    /// Actor `one` is subscribed from the first value on.
    fn with_subscriber(one: u32) -> Ring {
        let mut ring = Ring::with_a_vacant_seat();
        ring.used = AtomicU64::new(1);
        ring.seats[0][0] = AtomicU64::new(Claim::held(owner(one), 1).0);
        ring
    }
}

impl Memory for Actor<Ring> {
    type Value = u64;
    type Copy = [u64; 2];

    fn capacity(&self) -> u64 {
        CAPACITY
    }

    fn slots(&self) -> u64 {
        self.aside().slots.len() as u64
    }

    fn tail(&self) -> &AtomicU64 {
        &self.access().tail
    }

    fn sequence(&self, position: u64) -> &AtomicU64 {
        // Looked at twice for one call.
        &self.access().slots[(position % self.slots()) as usize].sequence
    }

    fn write(&self, position: u64, value: &u64) {
        for half in [0, 1] {
            let slot = &self.access().slots[(position % self.slots()) as usize];
            slot.value[half].store(*value, Ordering::Relaxed);
        }
    }

    fn read(&self, position: u64) -> [u64; 2] {
        [0, 1].map(|half| {
            let slot = &self.access().slots[(position % self.slots()) as usize];
            slot.value[half].load(Ordering::Relaxed)
        })
    }

    fn has_room(&self, position: u64) -> Result<bool, Corrupted> {
        seats::has_room(self, position)
    }
}

impl Seats for Actor<Ring> {
    fn seats(&self) -> usize {
        self.aside().seats.len()
    }

    fn room(&self) -> u64 {
        CAPACITY
    }

    fn claim(&self, index: usize) -> &AtomicU64 {
        &self.access().seats[index][0]
    }

    fn position(&self, index: usize) -> &AtomicU64 {
        &self.access().seats[index][1]
    }

    fn used(&self) -> &AtomicU64 {
        &self.access().used
    }

    fn slowest(&self) -> &AtomicU64 {
        &self.access().slowest
    }

    fn is_live(&self, owner: Owner) -> bool {
        Actor::is_live(self, owner)
    }
}

impl Actor<Ring> {
    fn locked<R>(&self, act: impl FnOnce() -> R) -> R {
        let mine = Claim::held(self.me(), 0);
        let tag = try_lock_free(&self.access().claim, mine)
            .unwrap_or_else(|| self.block_until(|ring| &ring.bell, || self.lock()));
        let result = act();
        unlock(&self.access().claim, tag);
        self.bell(&self.aside().bell).ring_next();
        result
    }

    fn lock(&self) -> Option<u16> {
        let is_live = |owner| Actor::is_live(self, owner);
        match try_lock(&self.access().claim, self.me(), is_live) {
            Ok(locked) => Some(locked.tag),
            Err(Locked::Busy) => None,
            Err(refused) => panic!("a sound lock refused: {refused:?}"),
        }
    }

    fn send(&self) {
        self.say(self.index + 1);
    }

    /// Sends `value`, which is neither 0 nor larger than the number of actors.
    fn say(&self, value: u32) {
        let attempt = || match self.locked(|| core::send(self, &value.into())) {
            Ok(()) => Some(()),
            Err(Refused::Full) => None,
            Err(refused) => panic!("a sound ring refused: {refused:?}"),
        };
        let is_full = || seats::is_full(self, core::sent(self));
        attempt().unwrap_or_else(|| {
            self.block_until(
                |ring| &ring.not_full,
                || if is_full() { None } else { attempt() },
            );
        });
        self.bell(&self.aside().not_empty).ring_all();
        self.aside().sent.add();
    }

    fn read(&self, position: u64) -> Result<u64, Nothing> {
        let Found { position, copy } = core::read(self, position)?;
        assert_eq!(copy[0], copy[1], "torn or stale");
        let senders = 1..=u64::from(self.actors());
        assert!(senders.contains(&copy[0]), "torn or stale");
        Ok(position + 1)
    }

    /// Reads on from `position`, until so many values were sent.
    fn read_all(&self, mut position: u64, values: u64) {
        while position < values {
            let attempt = || match self.read(position) {
                Ok(next) => Some(next),
                Err(Nothing::Empty) => None,
                Err(nothing) => panic!("a sound ring has {nothing:?}"),
            };
            position = self.block_until(|ring| &ring.not_empty, attempt);
        }
    }

    /// The subscriber in seat 0 receives the value at `position`.
    fn receive(&self, position: u64) {
        let attempt = || match self.read(position) {
            Ok(next) => Some(next),
            Err(Nothing::Empty) => None,
            Err(nothing) => panic!("a sound ring has {nothing:?}"),
        };
        let next = self.block_until(|ring| &ring.not_empty, attempt);
        assert_eq!(next, position + 1, "not waited for");
        seats::advance(self, 0, next);
        self.bell(&self.aside().not_full).ring(1);
        self.aside().received.add();
    }

    fn leave(&self, held: Claim) {
        let closed = Claim::closed(held.tag() + 1);
        held.replace(self.claim(0), closed).expect("it is its own");
        self.bell(&self.aside().not_full).ring_all();
    }

    fn subscribe(&self) -> seats::Joined {
        let joined = self.locked(|| seats::join(self, core::sent(self), self.me()));
        joined.expect("sound").expect("a vacant seat")
    }

    /// What is left is as it must be: the ring goes on.
    fn goes_on(&self) {
        let sent = core::sent(self);
        assert!(sent >= self.aside().sent.get().into(), "lost");
        self.send();
        assert_eq!(core::sent(self), sent + 1, "sent once");
        self.read_all(sent, sent + 1);
    }
}

/// Actors 0 and 1 send, and actor 2 reads until it has seen or missed what is sent for sure.
fn senders_and_a_reader(preemptions: usize, accesses: impl IntoIterator<Item = u32>, sure: u64) {
    play(
        preemptions,
        3,
        accesses,
        Ring::overwriting,
        move |actor| match actor.index {
            0 | 1 => actor.send(),
            _ => actor.read_all(0, sure),
        },
        Actor::goes_on,
    );
}

#[test]
fn two_senders_and_a_reader() {
    senders_and_a_reader(2, NOBODY_DIES, 2);
}

#[test]
fn a_sender_dies_and_others_send_and_read() {
    senders_and_a_reader(1, 0..=24, 1);
}

/// One sends again and again, so that it laps the reader in the middle of a copy.
#[test]
fn a_reader_is_lapped() {
    play(
        2,
        2,
        NOBODY_DIES,
        Ring::overwriting,
        |actor| match actor.index {
            0 => (1..=3).for_each(|value| actor.say(value)),
            _ => actor.read_all(0, 3),
        },
        Actor::goes_on,
    );
}

/// The slot that the doomed was writing is written again.
#[test]
fn a_sender_dies_and_a_reader_looks() {
    play(
        3,
        2,
        0..=24,
        Ring::overwriting,
        |actor| match actor.index {
            0 => actor.send(),
            _ => {
                for _ in 0..2 {
                    let _ = actor.read(0);
                }
            }
        },
        Actor::goes_on,
    );
}

#[test]
fn a_subscriber_is_waited_for() {
    play(
        2,
        3,
        NOBODY_DIES,
        || Ring::with_subscriber(2),
        |actor| match actor.index {
            0 | 1 => actor.send(),
            _ => (0..2).for_each(|position| actor.receive(position)),
        },
        |last| assert_eq!(last.aside().received.get(), 2),
    );
}

#[test]
fn a_sender_dies_and_a_subscriber_leaves() {
    play(
        1,
        3,
        0..=30,
        || Ring::with_subscriber(2),
        |actor| match actor.index {
            0 | 1 => actor.send(),
            _ => {
                actor.receive(0);
                actor.leave(Claim::held(actor.me(), 1));
            }
        },
        Actor::goes_on,
    );
}

#[test]
fn a_subscriber_dies() {
    play(
        2,
        2,
        0..=20,
        || Ring::with_subscriber(DOOMED),
        |actor| match actor.index {
            DOOMED => actor.receive(0),
            _ => (0..2).for_each(|_| actor.send()),
        },
        |last| {
            assert_eq!(last.aside().sent.get(), 2);
            let joined = last.subscribe();
            assert!(joined.inherited && joined.position == 2);
        },
    );
}

/// What is sent after it has joined it receives; whatever it dies of, nobody waits for it, and its seat is another's.
#[test]
fn one_joins_while_another_sends() {
    for (preemptions, accesses) in [(2, 0..=0), (1, 1..=30)] {
        let accesses = accesses.map(|k| if k == 0 { NOBODY_DIES[0] } else { k });
        play(
            preemptions,
            2,
            accesses,
            Ring::with_a_vacant_seat,
            |actor| match actor.index {
                DOOMED => {
                    let joined = actor.subscribe();
                    (joined.position..2).for_each(|position| actor.receive(position));
                    actor.leave(joined.held);
                }
                _ => (0..2).for_each(|_| actor.send()),
            },
            |last| {
                assert_eq!(last.aside().sent.get(), 2);
                assert_eq!(last.subscribe().position, 2);
            },
        );
    }
}
