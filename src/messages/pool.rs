//! The pool and its queue as one participant sees them: what the algorithms run on.

use super::blocks::{Pool, Run};
use super::chunk::Ticket;
use super::memory::Words;
use super::transfer::{self, Tickets};
use crate::atomic::{AtomicU64, Ordering};
use crate::liveness::{Intents, Participant};
use crate::owner::Owner;
use crate::queue::core::{self, Nothing};
use crate::wait::Bell;

/// In an announced ticket: which of the primitives in the segment it is for, above any ticket there will ever be.
const PART: u32 = 56;

#[derive(Clone, Copy)]
pub(super) struct Actor<'a> {
    pub(super) words: &'a Words,
    pub(super) participant: &'a Participant,
}

impl Actor<'_> {
    /// What all live participants announce.
    fn intents(&self) -> impl Iterator<Item = &Intents> {
        let records = self.words.place.attachment.records();
        (0..records.used())
            .filter(|index| records.takes_part(*index))
            .map(|index| records.intents(index))
    }

    /// No more is being received by this thread. If a ticket was announced that another got, its message may have looked as if somebody alive were
    /// receiving it.
    #[inline]
    pub(super) fn withdraw_receipt(&self, received: bool) {
        let receive = &self.participant.intents().receive;
        if receive.load(Ordering::Relaxed) == 0 {
            return;
        }
        // Release: who sees it withdrawn sees the chunk's word changed.
        receive.store(0, Ordering::Release);
        if !received {
            Bell::new(self.words.not_empty()).ring(1);
        }
    }

    /// A number that changes when the dead may have left something.
    #[inline]
    pub(super) fn news(&self) -> u64 {
        let happened = self.words.news().load(Ordering::Acquire);
        self.words.place.attachment.membership() ^ happened.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    /// A place in the queue is free. A sender waits for that, and not for memory, only where most places are holes.
    #[inline]
    pub(super) fn made_room(&self) {
        let memory = Bell::new(self.words.memory());
        if memory.is_awaited() && core::len(self) >= self.words.slots() / 2 {
            memory.ring_all();
        }
    }

    /// A message is done with: if nothing is left, whoever waits for that hears of it.
    #[inline]
    pub(super) fn settled(&self) {
        let idle = Bell::new(self.words.idle());
        // Not the length, which counts holes too; those in front are given up.
        if idle.is_awaited() && matches!(core::look(self), Err(Nothing::Empty | Nothing::Closed)) {
            idle.ring_all();
        }
        self.ring_if_closed();
    }

    /// Receivers of a closed queue wait for what may yet come back.
    #[inline]
    fn ring_if_closed(&self) {
        let not_empty = Bell::new(self.words.not_empty());
        if not_empty.is_awaited() && core::is_closed(self) {
            not_empty.ring_all();
        }
    }
}

impl core::Memory for Actor<'_> {
    type Value = Run;
    /// The ticket, and the first block.
    type Copy = (u64, u64);

    fn capacity(&self) -> u64 {
        self.words.slots()
    }

    fn head(&self) -> &AtomicU64 {
        self.words.head()
    }

    fn tail(&self) -> &AtomicU64 {
        self.words.tail()
    }

    fn sequence(&self, ticket: u64) -> &AtomicU64 {
        self.words.sequence(ticket)
    }

    #[inline]
    fn write(&self, ticket: u64, run: &Run) {
        transfer::enqueue(self, *run, ticket);
        self.words
            .first_block(ticket)
            .store(run.start.into(), Ordering::Relaxed);
    }

    #[inline]
    fn read(&self, ticket: u64) -> (u64, u64) {
        (
            ticket,
            self.words.first_block(ticket).load(Ordering::Relaxed),
        )
    }

    #[inline]
    fn receiving(&self, ticket: u64) {
        self.withdraw_receipt(false);
        // Release: pairs with the Acquire in `is_being_received`; the head's move makes sure that it is seen in time.
        self.participant
            .intents()
            .receive
            .store(core::Memory::intention(self, ticket), Ordering::Release);
    }

    #[inline]
    fn intention(&self, ticket: u64) -> u64 {
        u64::from(self.words.part) << PART | ticket.wrapping_add(1)
    }

    #[cold]
    fn is_intended(&self, intent: u64) -> bool {
        self.intents()
            // Acquire: pairs with the announcement.
            .any(|intents| intents.send.load(Ordering::Acquire) == intent)
    }

    fn repaired(&self) {
        self.words.place.attachment.repaired();
    }

    fn freed(&self) {
        // The message of the ticket may have been sent all the same. It is an orphan since the head has passed it, and no sooner.
        self.words.spread_news();
        Bell::new(self.words.memory()).ring_all();
        // With the hole a message may have come to light, or it was all that was left.
        Bell::new(self.words.not_empty()).ring(1);
        Bell::new(self.words.idle()).ring_all();
        self.ring_if_closed();
    }

    fn withdrew(&self) {
        Bell::new(self.words.not_empty()).ring(1);
    }
}

impl Pool for Actor<'_> {
    fn blocks(&self) -> u32 {
        self.words.geometry.blocks
    }

    fn map(&self, word: u32) -> &AtomicU64 {
        self.words.map(word)
    }

    fn chunk(&self, block: u32) -> &AtomicU64 {
        self.words.chunk(block)
    }

    fn announcement(&self) -> &AtomicU64 {
        &self.participant.intents().memory
    }

    fn part(&self) -> u64 {
        self.words.part.into()
    }

    fn announcements(&self, mut look: impl FnMut(u64)) {
        for intents in self.intents() {
            // Acquire: pairs with announcing and withdrawing.
            look(intents.memory.load(Ordering::Acquire));
        }
    }

    #[inline]
    fn freed(&self) {
        // All: one may be waiting for more than what is free now, another for less.
        Bell::new(self.words.memory()).ring_all();
    }

    fn is_live(&self, process: Owner) -> bool {
        process == self.participant.process || self.words.place.attachment.is_process_live(process)
    }
}

impl Tickets for Actor<'_> {
    fn head(&self) -> u64 {
        // Acquire: pairs with the move of the head, and so with the announcement before it.
        self.words.head().load(Ordering::Acquire)
    }

    fn is_being_received(&self, ticket: Ticket) -> bool {
        let part = u64::from(self.words.part);
        self.intents().any(|intents| {
            // Acquire: pairs with announcing and withdrawing.
            let intent = intents.receive.load(Ordering::Acquire);
            let announced = (intent & ((1 << PART) - 1)).wrapping_sub(1);
            intent != 0 && intent >> PART == part && Ticket::of(announced) == ticket
        })
    }
}
