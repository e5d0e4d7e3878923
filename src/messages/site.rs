//! The pool and its queue as one participant sees them: what the algorithms run on, in a segment or in a model.

use std::cell::Cell;

use super::blocks::{Pool, Run};
use super::chunk::Ticket;
use super::transfer::{self, Tickets};
use crate::atomic::{AtomicU64, Ordering, seeded};
use crate::owner::Owner;
use crate::queue::core;
use crate::wait::{Bell, Parking};

/// In an announced ticket: which of the primitives in the segment it is for, above any ticket there will ever be.
const PART: u32 = 56;

/// Words, bells, and the others; and what all operations do with these.
pub(super) trait Site: Pool + Sized {
    /// Places in the queue: at least twice as many as blocks, so that only holes can fill it.
    fn slots(&self) -> u64;
    fn head_word(&self) -> &AtomicU64;
    fn tail_word(&self) -> &AtomicU64;
    fn sequence_word(&self, ticket: u64) -> &AtomicU64;
    /// In a slot, beside the sequence.
    fn first_block(&self, ticket: u64) -> &AtomicU64;
    /// How often something happened that makes orphans.
    fn news_word(&self) -> &AtomicU64;

    fn not_empty(&self) -> Bell<'_, impl Parking>;
    fn memory(&self) -> Bell<'_, impl Parking>;
    fn idle(&self) -> Bell<'_, impl Parking>;

    /// The caller's process.
    fn me(&self) -> Owner;
    /// A number that changes whenever somebody joins, leaves or dies.
    fn membership(&self) -> u64;
    fn repaired(&self);

    /// Where the caller announces tickets that it is about to send.
    fn sending(&self) -> &AtomicU64;
    /// Where it announces those that it is about to receive.
    fn receiving(&self) -> &AtomicU64;
    /// Whether a live participant announces to send something that is it.
    fn anyone_sends(&self, is_it: impl Fn(u64) -> bool) -> bool;
    fn anyone_receives(&self, is_it: impl Fn(u64) -> bool) -> bool;

    /// What the calling thread remembers: a head in the past, and of what news nothing more comes.
    fn seen_head(&self) -> &Cell<u64>;
    fn seen_of_orphans(&self) -> &Cell<Option<u64>>;
    fn seen_of_memory(&self) -> &Cell<Option<u64>>;

    /// A number that changes when the dead may have left something.
    #[inline]
    fn news(&self) -> u64 {
        // Acquire: pairs with `spread_news`; who sees the number changed sees what happened.
        let happened = self.news_word().load(Ordering::Acquire);
        self.membership() ^ happened.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    /// Something happened that makes an orphan.
    fn spread_news(&self) {
        // Release: pairs with the Acquire in `news`.
        self.news_word().fetch_add(1, Ordering::AcqRel);
    }

    /// No more is being received by this thread. If a ticket was announced that another got, its message may have looked as if somebody alive were
    /// receiving it.
    #[inline]
    fn withdraw_receipt(&self, received: bool) {
        let receiving = self.receiving();
        if receiving.load(Ordering::Relaxed) == 0 {
            return;
        }
        // Release: who sees it withdrawn sees the chunk's word changed.
        receiving.store(0, Ordering::Release);
        if !received {
            self.not_empty().ring(1);
        }
    }

    /// A place in the queue is free. A sender waits for that, and not for memory, only where most places are holes.
    #[inline]
    fn made_room(&self) {
        let memory = self.memory();
        if memory.is_awaited() && self.tickets() >= self.slots() / 2 {
            memory.ring_all();
        }
    }

    /// Tickets claimed that the head has not passed.
    fn tickets(&self) -> u64 {
        core::len(self.head_word(), self.tail_word(), self.slots())
    }

    /// A message is done with: if nothing is left, whoever waits for that hears of it.
    #[inline]
    fn settled(&self) {
        let idle = self.idle();
        if idle.is_awaited() && !self.has_more() {
            idle.ring_all();
        }
        self.ring_if_closed();
    }

    /// Whether there is another message to be received. A ticket in front that nobody has committed yet counts for none: it may be a hole, which
    /// whoever waits finds out better, having looked later who is alive.
    #[cold]
    fn has_more(&self) -> bool {
        if seeded("wakeups") {
            return self.tickets() > 0;
        }
        core::look(self).is_ok()
    }

    /// Receivers of a closed queue wait for what may yet come back.
    #[inline]
    fn ring_if_closed(&self) {
        let not_empty = self.not_empty();
        if not_empty.is_awaited() && core::is_closed(self.tail_word()) {
            not_empty.ring_all();
        }
    }
}

impl<S: Site> core::Memory for S {
    type Value = Run;
    /// The ticket, and the first block.
    type Copy = (u64, u64);

    fn capacity(&self) -> u64 {
        self.slots()
    }

    fn head(&self) -> &AtomicU64 {
        self.head_word()
    }

    fn tail(&self) -> &AtomicU64 {
        self.tail_word()
    }

    fn sequence(&self, ticket: u64) -> &AtomicU64 {
        self.sequence_word(ticket)
    }

    #[inline]
    fn write(&self, ticket: u64, run: &Run) {
        transfer::enqueue(self, *run, ticket);
        self.first_block(ticket)
            .store(run.start.into(), Ordering::Relaxed);
    }

    #[inline]
    fn read(&self, ticket: u64) -> (u64, u64) {
        (ticket, self.first_block(ticket).load(Ordering::Relaxed))
    }

    #[inline]
    fn receiving(&self, ticket: u64) {
        self.withdraw_receipt(false);
        // Release: pairs with the Acquire in `anyone_receives`; the head's move makes sure that it is seen in time.
        let intention = core::Memory::intention(self, ticket);
        Site::receiving(self).store(intention, Ordering::Release);
    }

    #[inline]
    fn intention(&self, ticket: u64) -> u64 {
        self.part() << PART | ticket.wrapping_add(1)
    }

    #[cold]
    fn is_intended(&self, intent: u64) -> bool {
        self.anyone_sends(|announced| announced == intent)
    }

    fn repaired(&self) {
        Site::repaired(self);
        if seeded("wakeups") {
            self.spread_news();
        }
    }

    fn freed(&self) {
        // The message of the ticket may have been sent all the same. It is an orphan since the head has passed it, and no sooner.
        if !seeded("wakeups") {
            self.spread_news();
        }
        self.memory().ring_all();
        // With the hole a message may have come to light, or it was all that was left.
        self.not_empty().ring(1);
        self.idle().ring_all();
        self.ring_if_closed();
    }

    fn withdrew(&self) {
        self.not_empty().ring(1);
    }
}

impl<S: Site> Tickets for S {
    fn head(&self) -> u64 {
        // Acquire: pairs with the move of the head, and so with the announcement before it.
        self.head_word().load(Ordering::Acquire)
    }

    fn is_being_received(&self, ticket: Ticket) -> bool {
        let part = self.part();
        self.anyone_receives(|intent| {
            let announced = (intent & ((1 << PART) - 1)).wrapping_sub(1);
            intent != 0 && intent >> PART == part && Ticket::of(announced) == ticket
        }) && !seeded("messages")
    }
}
