//! What the model checker says about the stream: whatever is written is read once and in order, whoever dies where.
//!
//! The algorithm is the real one, on words of the model checker; a byte is a relaxed word, which tells its position, so that one
//! read too early or written over too early is seen. Nobody waits: each side makes its attempts, and when both are through the rest is read. The capacity
//! is such that positions wrap around.
//!
//! An actor dies at its k-th access to the memory, for every k. With `SEEDED_BUG=publish` bytes must be torn.

use std::sync::Arc;

use loom::thread::{self, JoinHandle};

use super::core::{Memory, Reader, Writer};
use crate::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::wait::model::{DEAD, Life, check, live};

/// What the actors share.
struct Shared {
    head: AtomicU64,
    tail: AtomicU64,
    bytes: Vec<AtomicU64>,
    /// Of the actor that is to die.
    life: AtomicU32,
}

impl Shared {
    /// A stream that so many bytes have gone through.
    fn new(capacity: usize, used: u64) -> Arc<Shared> {
        let zero = |_| AtomicU64::new(0);
        let shared = Arc::new(Shared {
            head: AtomicU64::new(0),
            tail: AtomicU64::new(0),
            bytes: (0..capacity).map(zero).collect(),
            life: AtomicU32::new(0),
        });
        let actor = Actor::mortal(&shared, Life::LONG);
        let (mut writer, mut reader) = (Writer::take_over(&actor), Reader::take_over(&actor));
        for _ in 0..used {
            actor.write(&mut writer, 1);
            actor.read(&mut reader, 1);
        }
        shared
    }
}

/// One who uses the stream.
struct Actor {
    shared: Arc<Shared>,
    life: Life,
}

const SOUND: &str = "sound words are not taken for corrupted";

impl Memory for Actor {
    fn capacity(&self) -> u64 {
        self.shared.bytes.len() as u64
    }

    fn head(&self) -> &AtomicU64 {
        &self.access().head
    }

    fn tail(&self) -> &AtomicU64 {
        &self.access().tail
    }
}

impl Actor {
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

    fn byte(&self, position: u64) -> &AtomicU64 {
        &self.access().bytes[(position % self.capacity()) as usize]
    }

    fn spawn<R: 'static>(self, act: impl FnOnce(&Actor) -> R + 'static) -> JoinHandle<R> {
        thread::spawn(move || act(&self))
    }

    /// Writes up to `most` bytes by one commit, as many as there is room for; how many.
    fn write(&self, writer: &mut Writer, most: u64) -> u64 {
        let len = writer.room(self, most).expect(SOUND).min(most);
        for position in writer.position()..writer.position() + len {
            self.byte(position).store(position + 1, Ordering::Relaxed);
        }
        if len > 0 {
            writer.commit(self, len);
        }
        len
    }

    /// Reads up to `most` bytes by one commit, as many as there are; how many.
    fn read(&self, reader: &mut Reader, most: u64) -> u64 {
        let len = reader.ready(self, most).expect(SOUND).min(most);
        for position in reader.position()..reader.position() + len {
            let byte = self.byte(position).load(Ordering::Relaxed);
            assert_eq!(byte, position + 1, "torn or stale at position {position}");
        }
        if len > 0 {
            reader.commit(self, len);
        }
        len
    }

    fn writes(&self, writer: &mut Writer) -> u64 {
        WRITES.iter().map(|most| self.write(writer, *most)).sum()
    }

    fn reads(&self, reader: &mut Reader) -> u64 {
        READS.iter().map(|most| self.read(reader, *most)).sum()
    }

    /// Whatever is left.
    fn read_out(&self, reader: &mut Reader) {
        while self.read(reader, u64::MAX) > 0 {}
    }
}

/// What goes in at a time, and what comes out.
const WRITES: [u64; 3] = [2, 1, 3];
const READS: [u64; 3] = [1, 3, 1];

/// Capacities, and bytes that went through before: enough that the history goes over the end of the ring.
const SHAPES: [(usize, u64); 3] = [(2, 1), (3, 2), (4, 3)];

#[test]
fn a_writer_and_a_reader() {
    for (capacity, used) in SHAPES {
        check(3, move || {
            let shared = Shared::new(capacity, used);
            let reading = Actor::mortal(&shared, Life::LONG).spawn(|actor| {
                let mut reader = Reader::take_over(actor);
                actor.reads(&mut reader);
                reader
            });
            let actor = Actor::mortal(&shared, Life::LONG);
            let mut writer = Writer::take_over(&actor);
            let written = actor.writes(&mut writer);
            let mut reader = reading.join().unwrap();
            actor.read_out(&mut reader);
            assert_eq!(reader.position(), used + written, "lost or duplicated");
        });
    }
}

/// The reader finds all of each write or nothing, goes on, and then has everything that was committed.
#[test]
fn a_writer_dies() {
    for (capacity, used) in SHAPES {
        for accesses in 0..=12 {
            check(2, move || {
                let shared = Shared::new(capacity, used);
                let doomed = Actor::mortal(&shared, accesses).spawn(|doomed| {
                    live(&doomed.shared.life, || {
                        let mut writer = Writer::take_over(doomed);
                        doomed.writes(&mut writer);
                    });
                });
                let actor = Actor::mortal(&shared, Life::LONG);
                let mut reader = Reader::take_over(&actor);
                actor.read(&mut reader, 2);
                // As a reader does: it asks how the writer is, and then looks once more.
                while actor.access().life.load(Ordering::Acquire) != DEAD {
                    thread::yield_now();
                }
                actor.read_out(&mut reader);
                doomed.join().unwrap();
                let tail = shared.tail.load(Ordering::Relaxed);
                assert_eq!(reader.position(), tail, "lost or duplicated");
            });
        }
    }
}

/// What it had not read is still there, and nothing is written over it.
#[test]
fn a_reader_dies() {
    for (capacity, used) in SHAPES {
        for accesses in 0..=12 {
            check(2, move || {
                let shared = Shared::new(capacity, used);
                let doomed = Actor::mortal(&shared, accesses).spawn(|doomed| {
                    live(&doomed.shared.life, || {
                        let mut reader = Reader::take_over(doomed);
                        doomed.reads(&mut reader);
                    });
                });
                let actor = Actor::mortal(&shared, Life::LONG);
                let mut writer = Writer::take_over(&actor);
                actor.writes(&mut writer);
                doomed.join().unwrap();
                // Nobody takes the dead one's place; but what is there is sound.
                let mut reader = Reader::take_over(&actor);
                actor.read_out(&mut reader);
                assert_eq!(reader.position(), writer.position(), "lost or duplicated");
            });
        }
    }
}
