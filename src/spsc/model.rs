//! What the model checker says about the ring: whatever is sent is received once, whole and in order, whoever dies where.
//!
//! The algorithm is the real one, on words of the model checker. An element is two relaxed words, so that a torn one is
//! seen. Nobody waits: each side makes its attempts, and when both are through the ring is drained. Capacities and
//! lines are such that both wrap around.
//!
//! An actor dies at its k-th access to the memory, for every k. With `SEEDED_BUG=publish` elements must be torn.

use std::sync::Arc;

use loom::thread::{self, JoinHandle};

use super::core::{Memory, Receiver, Sender, Shape, find_tail};
use crate::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::wait::model::{DEAD, Life, check, live};

/// What the actors share.
struct Shared {
    shape: Shape,
    head: AtomicU64,
    lines: Vec<Line>,
    /// Of the actor that is to die.
    life: AtomicU32,
}

struct Line {
    header: AtomicU64,
    places: Vec<[AtomicU64; 2]>,
}

impl Shared {
    /// A ring that has seen so many elements come and go.
    fn new(capacity: u64, per_line: u32, used: usize) -> Arc<Shared> {
        let shape = Shape::new(capacity, per_line).unwrap();
        let place = |_| [0, 0].map(AtomicU64::new);
        let line = |_| Line {
            header: AtomicU64::new(0),
            places: (0..per_line).map(place).collect(),
        };
        let shared = Arc::new(Shared {
            shape,
            head: AtomicU64::new(0),
            lines: (0..shape.lines).map(line).collect(),
            life: AtomicU32::new(0),
        });
        let actor = Actor::new(&shared);
        let (mut sender, mut receiver) = (actor.sender(), actor.receiver());
        for _ in 0..used {
            actor.send(&mut sender, 0, 1);
            actor.receive(&mut receiver, 1);
        }
        shared
    }
}

/// One who uses the ring.
struct Actor {
    shared: Arc<Shared>,
    life: Life,
}

const SOUND: &str = "sound words are not taken for corrupted";

impl Actor {
    fn new(shared: &Arc<Shared>) -> Actor {
        Actor::mortal(shared, Life::LONG)
    }

    fn mortal(shared: &Arc<Shared>, accesses: u32) -> Actor {
        Actor {
            shared: Arc::clone(shared),
            life: Life::of(accesses),
        }
    }

    fn access(&self) -> &Shared {
        self.life.step();
        &self.shared
    }

    fn spawn<R: 'static>(self, act: impl FnOnce(&Actor) -> R + 'static) -> JoinHandle<R> {
        thread::spawn(move || act(&self))
    }

    fn live(&self, act: impl FnOnce(&Actor)) {
        live(&self.shared.life, || act(self));
    }

    /// Waits until the doomed actor is seen dead, as whoever takes over a role does.
    fn outlive(&self) {
        while self.access().life.load(Ordering::Acquire) != DEAD {
            thread::yield_now();
        }
    }

    fn sender(&self) -> Sender {
        Sender::take_over(self).expect(SOUND)
    }

    fn receiver(&self) -> Receiver {
        Receiver::take_over(self)
    }

    /// Makes so many attempts to send an element that tells its position and who sent it.
    fn send(&self, sender: &mut Sender, who: u64, attempts: usize) {
        for _ in 0..attempts {
            let value = element(who, sender.position());
            sender.send(self, &value).expect(SOUND);
        }
    }

    /// The same at one blow.
    fn send_slice(&self, sender: &mut Sender, who: u64, len: u64) {
        let at = sender.position();
        let values: Vec<_> = (at..at + len).map(|at| element(who, at)).collect();
        let sent = sender.send_slice(self, &values).expect(SOUND);
        assert_eq!(sender.position(), at + sent as u64);
    }

    /// Makes so many attempts to receive; what was received.
    fn receive(&self, receiver: &mut Receiver, attempts: usize) -> Vec<u64> {
        let mut received = Vec::new();
        for _ in 0..attempts {
            let at = receiver.position();
            let copy = receiver.receive(self).expect(SOUND);
            received.extend(copy.map(|copy| whole(copy, at)));
        }
        received
    }

    /// The same, up to `most` at one blow.
    fn receive_slice(&self, receiver: &mut Receiver, most: usize) -> Vec<u64> {
        let mut copies = Vec::new();
        let at = receiver.position();
        let count = receiver.receive_slice(self, most, |copy| copies.push(copy));
        assert_eq!(count.expect(SOUND), copies.len());
        copies
            .into_iter()
            .zip(at..)
            .map(|(copy, at)| whole(copy, at))
            .collect()
    }
}

fn element(who: u64, position: u64) -> u64 {
    who * 100 + position + 1
}

/// What was received at `position`.
fn whole([one, other]: [u64; 2], position: u64) -> u64 {
    let right = one == other && one % 100 == element(0, position);
    assert!(
        right,
        "torn or stale: {one}, {other} at position {position}"
    );
    one
}

impl Memory for Actor {
    type Value = u64;
    type Copy = [u64; 2];

    fn shape(&self) -> Shape {
        self.shared.shape
    }

    fn head(&self) -> &AtomicU64 {
        &self.access().head
    }

    fn header(&self, index: u64) -> &AtomicU64 {
        &self.access().lines[index as usize].header
    }

    fn write(&self, index: u64, place: u32, value: &u64) {
        for half in [0, 1] {
            let place = &self.access().lines[index as usize].places[place as usize];
            place[half].store(*value, Ordering::Relaxed);
        }
    }

    fn read(&self, index: u64, place: u32) -> [u64; 2] {
        [0, 1].map(|half| {
            let place = &self.access().lines[index as usize].places[place as usize];
            place[half].load(Ordering::Relaxed)
        })
    }
}

/// When both sides are through: drains the ring, and checks that `received`, from position `from` on, and the rest are all that was
/// sent: by `who` up to position `until`, and by its successor behind that.
fn settle(shared: &Arc<Shared>, mut received: Vec<u64>, from: usize, who: u64, until: u64) {
    let actor = Actor::new(shared);
    let end = find_tail(&actor).expect(SOUND);
    received.extend(actor.receive(&mut actor.receiver(), shared.shape.capacity as usize + 1));
    let sent = (from as u64..end).map(|at| element(if at < until { who } else { who + 1 }, at));
    assert_eq!(
        received,
        sent.collect::<Vec<_>>(),
        "lost, duplicated or out of order"
    );
    assert_eq!(shared.head.load(Ordering::Relaxed), end);
}

/// Capacity, elements in a line, and elements that came and went before: enough that the history goes from the last line to the
/// first.
const SHAPES: [(u64, u32, usize); 4] = [(2, 1, 2), (2, 2, 3), (1, 1, 1), (3, 2, 5)];

#[test]
fn one_by_one() {
    for (capacity, per_line, used) in SHAPES {
        check(3, move || {
            let shared = Shared::new(capacity, per_line, used);
            let consumer =
                Actor::new(&shared).spawn(|actor| actor.receive(&mut actor.receiver(), 3));
            let producer = Actor::new(&shared);
            producer.send(&mut producer.sender(), 1, 3);
            settle(&shared, consumer.join().unwrap(), used, 1, u64::MAX);
        });
    }
}

#[test]
fn in_slices() {
    for (capacity, per_line, used) in SHAPES {
        check(3, move || {
            let shared = Shared::new(capacity, per_line, used);
            let consumer = Actor::new(&shared).spawn(|actor| {
                let mut receiver = actor.receiver();
                let first = actor.receive_slice(&mut receiver, 2);
                [first, actor.receive_slice(&mut receiver, 3)].concat()
            });
            let producer = Actor::new(&shared);
            let mut sender = producer.sender();
            producer.send_slice(&mut sender, 1, 3);
            producer.send_slice(&mut sender, 1, 2);
            settle(&shared, consumer.join().unwrap(), used, 1, u64::MAX);
        });
    }
}

/// Its uncommitted element vanishes whole; its successor carries on where it stopped, while the consumer runs.
#[test]
fn a_producer_dies() {
    for &(capacity, per_line, used) in &SHAPES[..2] {
        for accesses in 0..=11 {
            check(2, move || {
                let shared = Shared::new(capacity, per_line, used);
                let mut sender = Actor::new(&shared).sender();
                let doomed = Actor::mortal(&shared, accesses);
                let doomed = doomed.spawn(move |doomed| {
                    doomed.live(|doomed| {
                        doomed.send(&mut sender, 1, 1);
                        doomed.send_slice(&mut sender, 1, 2);
                    });
                });
                let consumer =
                    Actor::new(&shared).spawn(|actor| actor.receive(&mut actor.receiver(), 2));
                let successor = Actor::new(&shared);
                successor.outlive();
                let mut sender = successor.sender();
                let until = sender.position();
                successor.send(&mut sender, 2, 1);
                doomed.join().unwrap();
                settle(&shared, consumer.join().unwrap(), used, 1, until);
            });
        }
    }
}

/// What it had not received goes to its successor, while the producer runs.
#[test]
fn a_consumer_dies() {
    for &(capacity, per_line, used) in &SHAPES[..2] {
        for accesses in 0..=12 {
            check(2, move || {
                let shared = Shared::new(capacity, per_line, used);
                let producer = Actor::new(&shared);
                let mut sender = producer.sender();
                producer.send_slice(&mut sender, 1, 2);
                let producer = producer.spawn(move |producer| producer.send(&mut sender, 1, 2));
                let doomed = Actor::mortal(&shared, accesses).spawn(|doomed| {
                    doomed.live(|doomed| {
                        let mut receiver = doomed.receiver();
                        doomed.receive(&mut receiver, 1);
                        doomed.receive_slice(&mut receiver, 2);
                    });
                });
                let successor = Actor::new(&shared);
                successor.outlive();
                let mut receiver = successor.receiver();
                let from = receiver.position() as usize;
                let received = successor.receive(&mut receiver, 1);
                producer.join().unwrap();
                doomed.join().unwrap();
                settle(&shared, received, from, 1, u64::MAX);
            });
        }
    }
}

/// Whoever counts what is under way gets an answer, exact if nothing was received meanwhile.
#[test]
fn an_onlooker_counts() {
    check(2, || {
        let shared = Shared::new(2, 2, 3);
        let producer = Actor::new(&shared).spawn(|actor| actor.send(&mut actor.sender(), 1, 3));
        let consumer = Actor::new(&shared).spawn(|actor| actor.receive(&mut actor.receiver(), 2));
        let onlooker = Actor::new(&shared);
        let head = onlooker.head().load(Ordering::Acquire);
        let tail = find_tail(&onlooker);
        if onlooker.head().load(Ordering::Acquire) == head {
            assert!((head..=head + 2).contains(&tail.expect(SOUND)));
        }
        producer.join().unwrap();
        settle(&shared, consumer.join().unwrap(), 3, 1, u64::MAX);
    });
}
