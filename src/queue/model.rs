//! What the model checker says about the queue: nothing is lost, duplicated, torn or out of order, whoever dies where.
//!
//! The algorithm is the real one, on words of the model checker. A value is two relaxed words, so that a torn one is seen.
//! In most histories nobody waits: each actor makes its attempts, and when all are through the queue is drained. The
//! last ones are about waiting: there a lost wake-up is a deadlock.
//!
//! An actor dies at its k-th access to the memory, for every k.
//!
//! With `SEEDED_BUG=publish` values must be torn. With `SEEDED_BUG=announce` senders announce what they have already
//! claimed, and must be taken for dead.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64 as Count, Ordering::Relaxed};

use loom::thread::{self, JoinHandle};

use super::core::{self, Memory, Nothing, Refused};
use crate::atomic::{AtomicU32, AtomicU64, Ordering, seeded};
use crate::wait::model::{DEAD, Kernel, Life, check, live};

/// What the actors share.
struct Shared {
    capacity: u64,
    head: AtomicU64,
    tail: AtomicU64,
    slots: Vec<Slot>,
    records: [Record; 3],
    bells: Option<Bells>,
    /// Holes given up. Not part of the model: for checking it.
    repairs: Count,
}

struct Slot {
    sequence: AtomicU64,
    halves: [AtomicU64; 2],
}

/// Who may send.
struct Record {
    intent: AtomicU64,
    life: AtomicU32,
}

struct Bells {
    not_empty: AtomicU32,
    not_full: AtomicU32,
    kernel: Kernel,
}

impl Shared {
    fn new(capacity: u64) -> Arc<Shared> {
        Shared::with(capacity, None)
    }

    fn with_bells(capacity: u64) -> Arc<Shared> {
        let bells = Bells {
            not_empty: AtomicU32::new(0),
            not_full: AtomicU32::new(0),
            kernel: Kernel::new(true),
        };
        Shared::with(capacity, Some(bells))
    }

    fn with(capacity: u64, bells: Option<Bells>) -> Arc<Shared> {
        let slot = |_| Slot {
            sequence: AtomicU64::new(0),
            halves: [0, 0].map(AtomicU64::new),
        };
        let record = |_| Record {
            intent: AtomicU64::new(0),
            life: AtomicU32::new(0),
        };
        Arc::new(Shared {
            capacity,
            head: AtomicU64::new(0),
            tail: AtomicU64::new(0),
            slots: (0..capacity.next_power_of_two()).map(slot).collect(),
            records: [0, 1, 2].map(record),
            bells,
            repairs: Count::new(0),
        })
    }
}

/// One who uses the queue, under a record's name.
struct Actor {
    shared: Arc<Shared>,
    record: usize,
    seen_head: Cell<u64>,
    life: Life,
    /// Somebody closes the queue whenever this one has claimed and not yet committed.
    overtaken: bool,
}

impl Actor {
    fn new(shared: &Arc<Shared>, record: usize) -> Actor {
        Actor::mortal(shared, record, Life::LONG)
    }

    fn mortal(shared: &Arc<Shared>, record: usize, accesses: u32) -> Actor {
        Actor {
            shared: Arc::clone(shared),
            record,
            seen_head: Cell::new(0),
            life: Life::of(accesses),
            overtaken: false,
        }
    }

    fn access(&self) -> &Shared {
        self.life.step();
        &self.shared
    }

    fn slot(&self, ticket: u64) -> &Slot {
        let slots = &self.access().slots;
        &slots[ticket as usize % slots.len()]
    }

    fn intent(&self) -> &AtomicU64 {
        &self.shared.records[self.record].intent
    }

    fn try_send(&self, value: u64) -> Result<(), Refused> {
        let unseen;
        let intent = if seeded("announce") {
            unseen = AtomicU64::new(0);
            &unseen
        } else {
            self.intent()
        };
        let outcome = core::send(self, intent, &self.seen_head, &value);
        assert_ne!(
            outcome,
            Err(Refused::Corrupted),
            "sound words taken for corrupted"
        );
        if let (Ok(()), Some(bells)) = (outcome, &self.shared.bells) {
            bells.kernel.bell(&bells.not_empty).ring(1);
        }
        outcome
    }

    /// Tries to send each of `values`; those sent.
    fn send(&self, values: &[u64]) -> Vec<u64> {
        let sent = |value: &u64| self.try_send(*value).is_ok();
        values.iter().copied().filter(sent).collect()
    }

    fn try_receive(&self) -> Result<u64, Nothing> {
        let outcome = core::receive(self).map(|[one, other]| {
            assert!(one == other && one != 0, "torn or stale: {one}, {other}");
            one
        });
        assert_ne!(
            outcome,
            Err(Nothing::Corrupted),
            "sound words taken for corrupted"
        );
        if let (Ok(_), Some(bells)) = (outcome, &self.shared.bells) {
            bells.kernel.bell(&bells.not_full).ring(1);
        }
        outcome
    }

    /// Makes so many attempts to receive; what was received.
    fn receive(&self, attempts: usize) -> Vec<u64> {
        (0..attempts)
            .filter_map(|_| self.try_receive().ok())
            .collect()
    }

    fn spawn<R: 'static>(self, act: impl FnOnce(&Actor) -> R + 'static) -> JoinHandle<R> {
        thread::spawn(move || act(&self))
    }

    /// What `act` returns, or nothing if it is killed.
    fn live<R: Default>(&self, act: impl FnOnce(&Actor) -> R) -> R {
        let life = &self.shared.records[self.record].life;
        live(life, || act(self)).unwrap_or_default()
    }
}

impl Memory for Actor {
    type Value = u64;
    type Copy = [u64; 2];

    fn capacity(&self) -> u64 {
        self.shared.capacity
    }

    fn head(&self) -> &AtomicU64 {
        &self.access().head
    }

    fn tail(&self) -> &AtomicU64 {
        &self.access().tail
    }

    fn sequence(&self, ticket: u64) -> &AtomicU64 {
        &self.slot(ticket).sequence
    }

    fn write(&self, ticket: u64, value: &u64) {
        if seeded("announce") {
            self.intent().store(ticket + 1, Ordering::Release);
        }
        if self.overtaken {
            self.close();
        }
        for half in [0, 1] {
            self.slot(ticket).halves[half].store(*value, Ordering::Relaxed);
        }
    }

    fn read(&self, ticket: u64) -> [u64; 2] {
        [0, 1].map(|half| self.slot(ticket).halves[half].load(Ordering::Relaxed))
    }

    fn is_intended(&self, intent: u64) -> bool {
        [0, 1, 2].iter().any(|record| {
            let record = &self.access().records[*record];
            record.intent.load(Ordering::Acquire) == intent
                && record.life.load(Ordering::Acquire) != DEAD
        })
    }

    fn repaired(&self) {
        self.shared.repairs.fetch_add(1, Relaxed);
    }

    fn freed(&self) {
        if let Some(bells) = &self.access().bells {
            bells.kernel.bell(&bells.not_full).ring(1);
        }
    }

    fn withdrew(&self) {
        if let Some(bells) = &self.access().bells {
            bells.kernel.bell(&bells.not_empty).ring(1);
        }
    }
}

/// When all others are through: drains the queue, and checks that of `sent` every value was received once, and that no receiver
/// got those of one sender (those with the same tens) in another order.
fn settle(shared: &Arc<Shared>, mut sent: Vec<u64>, received: &[Vec<u64>]) {
    let actor = Actor::new(shared, 0);
    let mut rest = Vec::new();
    let end = loop {
        match actor.try_receive() {
            Ok(value) => rest.push(value),
            Err(nothing) => break nothing,
        }
    };
    assert!(
        matches!(end, Nothing::Empty | Nothing::Closed),
        "{end:?} for ever"
    );
    for values in received {
        let values = [&values[..], &rest].concat();
        for (at, value) in values.iter().enumerate() {
            let overtaken = |later: &u64| later / 10 == value / 10 && later < value;
            assert!(
                !values[at..].iter().any(overtaken),
                "out of order: {values:?}"
            );
        }
    }
    let claims = core::len(actor.head(), actor.tail(), actor.capacity())
        + shared.head.load(Ordering::Relaxed);
    let holes = claims - sent.len() as u64;
    let mut delivered = [received.concat(), rest].concat();
    delivered.sort_unstable();
    sent.sort_unstable();
    assert_eq!(delivered, sent, "lost or duplicated");
    assert_eq!(
        shared.repairs.load(Relaxed),
        holes,
        "each hole is given up once"
    );
}

#[test]
fn two_senders() {
    for capacity in [1, 2] {
        check(2, move || {
            let shared = Shared::new(capacity);
            let one = Actor::new(&shared, 0).spawn(|one| one.send(&[11, 12]));
            let other = Actor::new(&shared, 1).spawn(|other| other.send(&[21]));
            let received = Actor::new(&shared, 2).receive(2);
            let sent = [one.join().unwrap(), other.join().unwrap()].concat();
            settle(&shared, sent, &[received]);
        });
    }
}

#[test]
fn two_receivers() {
    for capacity in [1, 2] {
        check(2, move || {
            let shared = Shared::new(capacity);
            let one = Actor::new(&shared, 1).spawn(|one| one.receive(1));
            let other = Actor::new(&shared, 2).spawn(|other| other.receive(2));
            let sent = Actor::new(&shared, 0).send(&[11, 12]);
            let received = [one.join().unwrap(), other.join().unwrap()];
            settle(&shared, sent, &received);
        });
    }
}

/// A sender is refused only if the queue was full, a receiver only if it was empty, at some moment of the attempt.
#[test]
fn refusals_are_true() {
    check(4, || {
        let shared = Shared::new(2);
        let one = Actor::new(&shared, 0);
        let first = one.send(&[11]);
        let other = Actor::new(&shared, 1).spawn(|other| other.send(&[21]));
        let received = vec![one.try_receive().unwrap()];
        let sent = [first, one.send(&[12]), other.join().unwrap()].concat();
        assert_eq!(sent.len(), 3, "there always was room for one more");
        settle(&shared, sent, &[received]);
    });
    check(4, || {
        let shared = Shared::new(2);
        let one = Actor::new(&shared, 0);
        let first = one.send(&[11]);
        let other = Actor::new(&shared, 1).spawn(|other| other.receive(1));
        let sent = [first, one.send(&[12])].concat();
        let received = [one.receive(1), other.join().unwrap()];
        assert_eq!(received.concat().len(), 2, "there always was one more");
        settle(&shared, sent, &received);
    });
}

#[test]
fn closing() {
    check(2, || {
        let shared = Shared::new(2);
        let sender = Actor::new(&shared, 0).spawn(|sender| sender.send(&[11, 12]));
        let closer = Actor::new(&shared, 1).spawn(|closer| core::close(closer.tail()));
        let receiver = Actor::new(&shared, 2);
        let received = receiver.receive(1);
        let drained = receiver.try_receive();
        let sent = sender.join().unwrap();
        closer.join().unwrap();
        if drained == Err(Nothing::Closed) {
            assert_eq!(sent, received, "nothing is sent after that");
        }
        let received = [received, drained.into_iter().collect()].concat();
        assert!(core::is_closed(receiver.tail()));
        assert_eq!(receiver.try_send(21), Err(Refused::Closed));
        settle(&shared, sent, &[received]);
    });
}

/// Its value vanishes whole, or is delivered once; the other's is delivered.
#[test]
fn a_sender_dies() {
    for accesses in 0..=6 {
        check(2, move || {
            let shared = Shared::new(2);
            let doomed = Actor::mortal(&shared, 0, accesses)
                .spawn(|doomed| doomed.live(|doomed| doomed.send(&[11])));
            let other = Actor::new(&shared, 1).spawn(|other| other.send(&[21]));
            let received = Actor::new(&shared, 2).receive(2);
            let sent = [doomed.join().unwrap(), other.join().unwrap()].concat();
            settle(&shared, sent, &[received]);
        });
    }
}

/// The same where the doomed sender goes through the queue's only slot a second time.
#[test]
fn a_sender_dies_in_a_used_slot() {
    for accesses in 0..=7 {
        check(4, move || {
            let shared = Shared::new(1);
            let first = Actor::new(&shared, 1).send(&[21]);
            let receiver = Actor::new(&shared, 2).spawn(|receiver| receiver.receive(2));
            let doomed = Actor::mortal(&shared, 0, accesses);
            let second = doomed.live(|doomed| doomed.send(&[11]));
            let third = Actor::new(&shared, 1).send(&[22]);
            let received = receiver.join().unwrap();
            settle(&shared, [first, second, third].concat(), &[received]);
        });
    }
}

/// Two receivers find a hole with a value behind it; one of them dies anywhere.
#[test]
fn a_receiver_dies_over_a_hole() {
    for accesses in 0..=15 {
        check(3, move || {
            let shared = Shared::new(2);
            Actor::mortal(&shared, 0, 2).live(|doomed| doomed.send(&[11]));
            let sent = Actor::new(&shared, 1).send(&[21]);
            let doomed = Actor::mortal(&shared, 2, accesses)
                .spawn(|doomed| doomed.live(|doomed| doomed.receive(1)));
            let received = Actor::new(&shared, 1).receive(1);
            settle(&shared, sent, &[doomed.join().unwrap(), received]);
        });
    }
}

/// What it had not received goes to another, and the slot to the next sender.
#[test]
fn a_receiver_dies() {
    for accesses in 0..=6 {
        check(3, move || {
            let shared = Shared::new(1);
            let sender = Actor::new(&shared, 0);
            let first = sender.send(&[11]);
            let doomed = Actor::mortal(&shared, 1, accesses)
                .spawn(|doomed| doomed.live(|doomed| doomed.receive(1)));
            let other = Actor::new(&shared, 2).spawn(|other| other.receive(1));
            let sent = [first, sender.send(&[12])].concat();
            settle(
                &shared,
                sent,
                &[doomed.join().unwrap(), other.join().unwrap()],
            );
        });
    }
}

impl Actor {
    fn send_blocking(&self, value: u64) {
        let bells = self.shared.bells.as_ref().expect("a history with bells");
        let attempt = || self.try_send(value).ok();
        bells.kernel.block_until(&bells.not_full, attempt);
    }

    /// Nothing when the queue is closed and drained.
    fn receive_blocking(&self) -> Vec<u64> {
        let bells = self.shared.bells.as_ref().expect("a history with bells");
        let attempt = || match self.try_receive() {
            Ok(value) => Some(vec![value]),
            Err(Nothing::Closed) => Some(vec![]),
            Err(_) => None,
        };
        let received = bells.kernel.block_until(&bells.not_empty, attempt);
        // A wake that came too early for somebody else is passed on.
        if core::len(self.head(), self.tail(), self.capacity()) > 0 || core::is_closed(self.tail())
        {
            bells.kernel.bell(&bells.not_empty).ring(1);
        }
        received
    }

    fn close(&self) {
        let bells = self.shared.bells.as_ref().expect("a history with bells");
        core::close(self.tail());
        bells.kernel.bell(&bells.not_empty).ring_all();
        bells.kernel.bell(&bells.not_full).ring_all();
    }
}

#[test]
fn blocking_in_turns() {
    check(3, || {
        let shared = Shared::with_bells(1);
        let sender = Actor::new(&shared, 0).spawn(|sender| {
            sender.send_blocking(11);
            sender.send_blocking(12);
        });
        let receiver = Actor::new(&shared, 1);
        let received = [receiver.receive_blocking(), receiver.receive_blocking()].concat();
        sender.join().unwrap();
        settle(&shared, vec![11, 12], &[received]);
    });
}

/// The only slot is a hole: the sender waits for room, the receiver for a value.
#[test]
fn a_hole_makes_room() {
    check(3, || {
        let shared = Shared::with_bells(1);
        Actor::mortal(&shared, 0, 2).live(|doomed| doomed.send(&[11]));
        let sender = Actor::new(&shared, 1).spawn(|sender| sender.send_blocking(21));
        let received = Actor::new(&shared, 2).receive_blocking();
        sender.join().unwrap();
        settle(&shared, vec![21], &[received]);
    });
}

/// A hole with a value behind it, and a slow sender that announced the hole's ticket but did not get it: when it
/// gives up for want of room, the receiver must go on.
#[test]
fn a_withdrawal_is_heard() {
    check(3, || {
        let shared = Shared::with_bells(2);
        let slow = Actor::new(&shared, 1).spawn(|slow| slow.send(&[21]));
        Actor::mortal(&shared, 0, 2).live(|doomed| doomed.send(&[11]));
        let third = Actor::new(&shared, 2);
        let sent = third.send(&[31]);
        let received = sent.iter().flat_map(|_| third.receive_blocking()).collect();
        settle(&shared, [sent, slow.join().unwrap()].concat(), &[received]);
    });
}

/// The queue is closed while a value is under way and two receivers wait: one gets it, and both learn that it was the last.
#[test]
fn closing_is_heard() {
    check(2, || {
        let shared = Shared::with_bells(2);
        let receivers =
            [1, 2].map(|record| Actor::new(&shared, record).spawn(Actor::receive_blocking));
        let mut sender = Actor::new(&shared, 0);
        sender.overtaken = true;
        let sent = sender.send(&[11]);
        let received = receivers.map(|receiver| receiver.join().unwrap());
        settle(&shared, sent, &received);
    });
}
