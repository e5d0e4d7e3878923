//! One participant at a queue in a segment: the [`Site`] of the algorithms.

use std::cell::Cell;

use super::blocks::Pool;
use super::memory::Words;
use super::site::Site;
use crate::atomic::{AtomicU64, Ordering};
use crate::liveness::{Intents, Participant, Seen};
use crate::owner::Owner;
use crate::wait::{Bell, Parking};

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

    fn seen(&self) -> &Seen {
        self.participant.seen(self.words.identity.number)
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
        self.words.identity.announced.into()
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
        self.memory().ring_all();
    }

    fn is_live(&self, process: Owner) -> bool {
        process == self.participant.process || self.words.place.attachment.is_process_live(process)
    }
}

impl Site for Actor<'_> {
    fn slots(&self) -> u64 {
        self.words.slots()
    }

    fn head_word(&self) -> &AtomicU64 {
        self.words.head()
    }

    fn tail_word(&self) -> &AtomicU64 {
        self.words.tail()
    }

    fn sequence_word(&self, ticket: u64) -> &AtomicU64 {
        self.words.sequence(ticket)
    }

    fn first_block(&self, ticket: u64) -> &AtomicU64 {
        self.words.first_block(ticket)
    }

    fn news_word(&self) -> &AtomicU64 {
        self.words.news()
    }

    #[inline]
    fn not_empty(&self) -> Bell<'_, impl Parking> {
        Bell::new(self.words.not_empty())
    }

    #[inline]
    fn memory(&self) -> Bell<'_, impl Parking> {
        Bell::new(self.words.memory())
    }

    #[inline]
    fn idle(&self) -> Bell<'_, impl Parking> {
        Bell::new(self.words.idle())
    }

    fn me(&self) -> Owner {
        self.participant.process
    }

    fn membership(&self) -> u64 {
        self.words.place.attachment.membership()
    }

    fn repaired(&self) {
        self.words.place.attachment.repaired();
    }

    fn sending(&self) -> &AtomicU64 {
        &self.participant.intents().send
    }

    fn receiving(&self) -> &AtomicU64 {
        &self.participant.intents().receive
    }

    fn anyone_sends(&self, is_it: impl Fn(u64) -> bool) -> bool {
        self.intents()
            // Acquire: pairs with the announcement.
            .any(|intents| is_it(intents.send.load(Ordering::Acquire)))
    }

    fn anyone_receives(&self, is_it: impl Fn(u64) -> bool) -> bool {
        self.intents()
            // Acquire: pairs with announcing and withdrawing.
            .any(|intents| is_it(intents.receive.load(Ordering::Acquire)))
    }

    fn seen_head(&self) -> &Cell<u64> {
        &self.seen().head
    }

    fn seen_of_orphans(&self) -> &Cell<Option<u64>> {
        &self.seen().orphans
    }

    fn seen_of_memory(&self) -> &Cell<Option<u64>> {
        &self.seen().memory
    }
}
