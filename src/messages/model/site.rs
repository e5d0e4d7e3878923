//! A queue on words of the model checker, and one who uses it.

use std::cell::Cell;

use super::super::blocks::{self, MOST, PER_WORD, Pool, Run};
use super::super::chunk::{Chunk, State};
use super::super::delivery::{self, Missing, Received};
use super::super::site::Site;
use super::super::transfer::Purpose;
use crate::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::owner::Owner;
use crate::queue::core::Refused;
use crate::sync::model::scene::{Actor, Counted, DOOMED, Tally, Value, owner};
use crate::wait::{Bell, Parking};

/// What the actors share.
pub(super) struct Queue {
    blocks: u32,
    map: [AtomicU64; (MOST / PER_WORD) as usize],
    chunks: [AtomicU64; MOST as usize],
    values: [Value; MOST as usize],
    head: AtomicU64,
    tail: AtomicU64,
    slots: Vec<Slot>,
    news: AtomicU64,
    not_empty: AtomicU32,
    pub(super) memory: AtomicU32,
    idle: AtomicU32,
    records: [Record; 4],
    /// Beside the model: how many hold a block, what was surely sent, and what was received or acknowledged.
    holders: [Tally; MOST as usize],
    pub(super) sent: [Tally; 4],
    pub(super) delivered: [Tally; 4],
    /// What was perhaps received or acknowledged: by one that died doing it.
    pub(super) perhaps: [Tally; 4],
}

#[derive(Default)]
struct Slot {
    sequence: AtomicU64,
    first_block: AtomicU64,
}

/// What one announces.
#[derive(Default)]
struct Record {
    send: AtomicU64,
    receive: AtomicU64,
    memory: AtomicU64,
}

/// In the tail: closed.
const CLOSED: u64 = 1 << 63;

impl Queue {
    /// An empty one.
    pub(super) fn new(blocks: u32) -> Queue {
        Queue {
            blocks,
            map: Default::default(),
            chunks: Default::default(),
            values: [const { () }; MOST as usize].map(|()| Value::new(0)),
            head: AtomicU64::new(0),
            tail: AtomicU64::new(0),
            slots: (0..2 * blocks.next_power_of_two())
                .map(|_| Slot::default())
                .collect(),
            news: AtomicU64::new(0),
            not_empty: AtomicU32::new(0),
            memory: AtomicU32::new(0),
            idle: AtomicU32::new(0),
            records: Default::default(),
            holders: Default::default(),
            sent: Default::default(),
            delivered: Default::default(),
            perhaps: Default::default(),
        }
    }

    /// Takes a ticket and a block for it, as a sender does.
    fn claim(&mut self) -> (u64, u32) {
        let ticket = self.tail.with_mut(|tail| {
            *tail += 1;
            *tail - 1
        });
        let block = ticket as u32;
        self.map[(block / PER_WORD) as usize].with_mut(|word| *word |= 1 << (block % PER_WORD));
        (ticket, block)
    }

    /// With one more message of one block.
    pub(super) fn with_message(mut self, value: u32) -> Queue {
        let (ticket, block) = self.claim();
        self.values[block as usize] = Value::new(value.into());
        self.chunks[block as usize] = AtomicU64::new(Chunk::queued(ticket, 1).bits());
        self.slots[ticket as usize].first_block = AtomicU64::new(block.into());
        self.slots[ticket as usize].sequence = AtomicU64::new(ticket + 1);
        self.sent[value as usize].add();
        self
    }

    /// With one that was sent, but whose sender died before it had put it into the queue; the sender is number 0.
    pub(super) fn with_message_in_a_hole(mut self, value: u32) -> Queue {
        let (ticket, block) = self.claim();
        self.values[block as usize] = Value::new(value.into());
        self.chunks[block as usize] = AtomicU64::new(Chunk::queued(ticket, 1).bits());
        self.records[DOOMED as usize].send = AtomicU64::new(ticket + 1);
        self.sent[value as usize].add();
        self
    }

    /// With the place of one that was not sent, as its sender died; the sender is number 0.
    pub(super) fn with_hole(mut self) -> Queue {
        let (ticket, block) = self.claim();
        self.chunks[block as usize] = AtomicU64::new(Chunk::held(owner(DOOMED), 1).bits());
        self.records[DOOMED as usize].send = AtomicU64::new(ticket + 1);
        self
    }

    /// With blocks of number 0, from the first on, which died before it could say so.
    pub(super) fn with_lost_blocks(mut self, count: u32) -> Queue {
        self.map[0].with_mut(|word| *word |= (1 << count) - 1);
        self
    }

    pub(super) fn closed(mut self) -> Queue {
        self.tail.with_mut(|tail| *tail |= CLOSED);
        self
    }
}

/// One actor at the queue, and what it remembers.
pub(super) struct User<'a> {
    pub(super) actor: &'a Actor<Queue>,
    seen_head: Cell<u64>,
    seen_of_orphans: Cell<Option<u64>>,
    seen_of_memory: Cell<Option<u64>>,
}

impl<'a> User<'a> {
    pub(super) fn new(actor: &'a Actor<Queue>) -> User<'a> {
        User {
            actor,
            seen_head: Cell::new(0),
            seen_of_orphans: Cell::new(None),
            seen_of_memory: Cell::new(None),
        }
    }

    fn queue(&self) -> &Queue {
        self.actor.access()
    }

    fn own(&self) -> &Record {
        &self.queue().records[self.actor.index as usize]
    }

    fn others(&self) -> impl Iterator<Item = &Record> {
        let is_live = |index: &u32| self.actor.is_live(owner(*index));
        let record = |index: u32| &self.queue().records[index as usize];
        (0..self.actor.actors()).filter(is_live).map(record)
    }

    /// Counts the holders of the run, of whom there is one.
    fn hold(&self, run: Run) -> Vec<Counted<'_>> {
        let counted = |block: u32| {
            let holders = &self.actor.aside().holders[block as usize];
            let counted = Counted::new(holders);
            assert_eq!(holders.get(), 1, "two holders of a block");
            counted
        };
        (run.start..run.start + run.len).map(counted).collect()
    }

    /// Takes so many blocks, and uses them for a while.
    pub(super) fn try_use_blocks(&self, len: u32) -> Option<Run> {
        let run = delivery::allocate(self, len, 0)?;
        let held = self.hold(run);
        let last = run.start + run.len - 1;
        self.actor
            .write(|queue| &queue.values[last as usize], self.actor.index);
        self.actor
            .expect(|queue| &queue.values[last as usize], self.actor.index);
        drop(held);
        Some(run)
    }

    /// The same, and sleeps until there are as many.
    pub(super) fn use_blocks(&self, len: u32) -> Run {
        let attempt = || self.try_use_blocks(len);
        self.actor.block_until(|queue| &queue.memory, attempt)
    }

    pub(super) fn free_blocks(&self, run: Run) {
        delivery::free(self, run, Chunk::held(self.me(), run.len));
    }

    /// Sends a message of one block.
    pub(super) fn send(&self, value: u32) -> Result<(), Refused> {
        let Some(run) = delivery::allocate(self, 1, 0) else {
            return Err(Refused::Full);
        };
        let held = self.hold(run);
        self.actor
            .write(|queue| &queue.values[run.start as usize], value);
        drop(held);
        let outcome = delivery::send(self, run);
        assert_ne!(
            outcome,
            Err(Refused::Corrupted),
            "sound words taken for corrupted"
        );
        match outcome {
            Ok(()) => self.actor.aside().sent[value as usize].set(1),
            Err(_) => self.free_blocks(run),
        }
        outcome
    }

    /// Receives a message and drops it, or has it on lease and acknowledges it, or gives it back the first time.
    pub(super) fn try_receive(&self, purpose: Purpose, gives_back: bool) -> Result<u32, Missing> {
        let received = delivery::receive(self, purpose);
        let Received { run, chunk, again } = received.inspect_err(|missing| {
            let corrupted = matches!(missing, Missing::Positions | Missing::Chunk);
            assert!(!corrupted, "sound words taken for corrupted: {missing:?}");
        })?;
        let held = self.hold(run);
        let value = self.actor.copy(|queue| &queue.values[run.start as usize]);
        drop(held);
        let queue = self.actor.aside();
        match purpose {
            Purpose::Keep => {
                queue.delivered[value as usize].add();
                delivery::free(self, run, chunk);
            }
            Purpose::Lease if gives_back && !again => delivery::give_back(self, run),
            Purpose::Lease => {
                let perhaps = queue.perhaps[value as usize].swap(1);
                delivery::free(self, run, chunk);
                queue.perhaps[value as usize].set(perhaps);
                queue.delivered[value as usize].add();
            }
        }
        Ok(value)
    }

    /// The same, and sleeps until there is one; nothing if the queue is closed and none can come.
    pub(super) fn receive(&self, purpose: Purpose, gives_back: bool) -> Option<u32> {
        let attempt = || match self.try_receive(purpose, gives_back) {
            Err(Missing::Empty) => None,
            outcome => Some(outcome.ok()),
        };
        let received = self.actor.block_until(|queue| &queue.not_empty, attempt);
        if self.tickets() > 0 {
            self.not_empty().ring(1);
        }
        received
    }

    pub(super) fn wait_idle(&self) {
        let attempt = || match delivery::is_idle(self) {
            Some(idle) => idle.then_some(()),
            None => panic!("sound words taken for corrupted"),
        };
        self.actor.block_until(|queue| &queue.idle, attempt);
    }

    /// When all are through, and number 0 is dead: receives what is left, and has all of the memory.
    pub(super) fn settle(&self) {
        loop {
            let ready = delivery::is_ready(self);
            match self.try_receive(Purpose::Keep, false) {
                Ok(_) => assert!(ready, "there was a message"),
                Err(missing) => break assert_eq!(ready, missing == Missing::Closed),
            }
        }
        assert_eq!(delivery::is_idle(self), Some(true));
        let queue = self.actor.aside();
        let all = self.use_blocks(queue.blocks);
        assert_eq!(blocks::longest_free(self), 0);
        self.free_blocks(all);
        assert_eq!(blocks::longest_free(self), queue.blocks, "memory is lost");
        assert!(
            queue
                .chunks
                .iter()
                .all(|chunk| Chunk::load(chunk).state() == State::Vacant)
        );
    }
}

impl Pool for User<'_> {
    fn blocks(&self) -> u32 {
        self.actor.aside().blocks
    }

    fn map(&self, word: u32) -> &AtomicU64 {
        &self.queue().map[word as usize]
    }

    fn chunk(&self, block: u32) -> &AtomicU64 {
        &self.queue().chunks[block as usize]
    }

    fn announcement(&self) -> &AtomicU64 {
        &self.own().memory
    }

    fn part(&self) -> u64 {
        0
    }

    fn announcements(&self, mut look: impl FnMut(u64)) {
        for record in self.others() {
            look(record.memory.load(Ordering::Acquire));
        }
    }

    fn freed(&self) {
        self.memory().ring_all();
    }

    fn is_live(&self, process: Owner) -> bool {
        self.actor.is_live(process)
    }
}

impl Site for User<'_> {
    fn slots(&self) -> u64 {
        self.actor.aside().slots.len() as u64
    }

    fn head_word(&self) -> &AtomicU64 {
        &self.queue().head
    }

    fn tail_word(&self) -> &AtomicU64 {
        &self.queue().tail
    }

    fn sequence_word(&self, ticket: u64) -> &AtomicU64 {
        let slots = &self.queue().slots;
        &slots[ticket as usize % slots.len()].sequence
    }

    fn first_block(&self, ticket: u64) -> &AtomicU64 {
        let slots = &self.queue().slots;
        &slots[ticket as usize % slots.len()].first_block
    }

    fn news_word(&self) -> &AtomicU64 {
        &self.queue().news
    }

    fn not_empty(&self) -> Bell<'_, impl Parking> {
        self.actor.bell(&self.queue().not_empty)
    }

    fn memory(&self) -> Bell<'_, impl Parking> {
        self.actor.bell(&self.queue().memory)
    }

    fn idle(&self) -> Bell<'_, impl Parking> {
        self.actor.bell(&self.queue().idle)
    }

    fn me(&self) -> Owner {
        self.actor.me()
    }

    fn membership(&self) -> u64 {
        self.actor.is_live(owner(DOOMED)).into()
    }

    fn repaired(&self) {}

    fn sending(&self) -> &AtomicU64 {
        &self.own().send
    }

    fn receiving(&self) -> &AtomicU64 {
        &self.own().receive
    }

    fn anyone_sends(&self, is_it: impl Fn(u64) -> bool) -> bool {
        self.others()
            .any(|record| is_it(record.send.load(Ordering::Acquire)))
    }

    fn anyone_receives(&self, is_it: impl Fn(u64) -> bool) -> bool {
        self.others()
            .any(|record| is_it(record.receive.load(Ordering::Acquire)))
    }

    fn seen_head(&self) -> &Cell<u64> {
        &self.seen_head
    }

    fn seen_of_orphans(&self) -> &Cell<Option<u64>> {
        &self.seen_of_orphans
    }

    fn seen_of_memory(&self) -> &Cell<Option<u64>> {
        &self.seen_of_memory
    }
}
