//! A chunk's word: whose a run of blocks is, at every instant.
//!
//! | state | written by | if its owner is dead |
//! |---|---|---|
//! | vacant | whoever gives the chunk back | |
//! | held: a loan that is being filled, a message that was received | its owner, a process | the memory is free |
//! | leased: a message received and not yet acknowledged | its owner | the message is for the next receiver |
//! | queued under a ticket: sent | its sender | the message is for a receiver |
//! | returned: leased, and given back without being acknowledged | its owner | |
//!
//! It is a claim ([`crate::sync::claim`]) whose tag is the number of blocks, and whether it is a lease. A queued chunk
//! has the low bits of its ticket where a held one has its owner. Tickets do not repeat, nor do owners, so the compare-and-swap of somebody
//! late fails. A returned chunk may look like one that was returned before, and is as much for the next receiver.

use crate::atomic::{AtomicU64, Ordering};
use crate::owner::Owner;
use crate::sync::claim::{Claim, Holder};

/// So many bits of a ticket are kept: at ten million messages a second they last for 81 days, and half of that is how long one may be
/// on its way.
const TICKET: u64 = (1 << 46) - 1;

/// In the tag: the chunk is leased, or was and is returned.
const LEASED: u16 = 1 << 15;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Vacant,
    Held(Owner),
    Leased(Owner),
    Queued(Ticket),
    Returned,
    /// No word that this crate writes.
    Garbage,
}

/// As much of a ticket as a word has room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket(u64);

impl Ticket {
    pub(super) fn of(ticket: u64) -> Ticket {
        Ticket(ticket & TICKET)
    }

    /// Whether it lies before `head`: somebody received it, or it was given up.
    pub(super) fn is_before(self, head: u64) -> bool {
        let distance = head.wrapping_sub(self.0) & TICKET;
        distance != 0 && distance <= TICKET / 2
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chunk(u64);

impl Chunk {
    #[inline]
    pub(super) fn load(word: &AtomicU64) -> Chunk {
        // Acquire: pairs with the Release of whoever changed it; what was written into the chunk before is visible.
        Chunk(word.load(Ordering::Acquire))
    }

    pub(super) const VACANT: Chunk = Chunk(0);

    #[inline]
    pub(super) fn held(by: Owner, blocks: u32) -> Chunk {
        Chunk(Claim::held(by, blocks as u16).0)
    }

    #[inline]
    pub(super) fn leased(by: Owner, blocks: u32) -> Chunk {
        Chunk(Claim::held(by, blocks as u16 | LEASED).0)
    }

    #[inline]
    pub(super) fn queued(ticket: u64, blocks: u32) -> Chunk {
        let ticket = ticket & TICKET;
        let low = (ticket & 0x3fff) << 2;
        Chunk(ticket >> 14 << 32 | low | Claim::closed(blocks as u16).0)
    }

    pub(super) fn returned(blocks: u32) -> Chunk {
        Chunk(Claim::closed(blocks as u16 | LEASED).0)
    }

    #[cfg(all(loom, test))]
    pub(super) fn bits(self) -> u64 {
        self.0
    }

    /// How long it is, as far as its word says.
    #[inline]
    pub(super) fn blocks(self) -> u32 {
        u32::from(Claim(self.0).tag() & !LEASED)
    }

    #[inline]
    pub(super) fn state(self) -> State {
        if self == Chunk::VACANT {
            return State::Vacant;
        }
        let claim = Claim(self.0);
        match claim.holder() {
            Holder::Someone(owner) if claim.tag() & LEASED != 0 => State::Leased(owner),
            Holder::Someone(owner) => State::Held(owner),
            Holder::Closed if self == Chunk::returned(self.blocks()) => State::Returned,
            Holder::Closed if claim.tag() & LEASED == 0 => {
                State::Queued(Ticket(self.0 >> 32 << 14 | self.0 >> 2 & 0x3fff))
            }
            Holder::Closed => State::Garbage,
            Holder::Vacant | Holder::Garbage => State::Garbage,
        }
    }

    /// Commits a change of the word, if it still is this one.
    #[inline]
    pub(super) fn replace(self, word: &AtomicU64, with: Chunk) -> bool {
        // Release: pairs with `load`. Acquire: what the last owner wrote is visible to the next.
        word.compare_exchange(self.0, with.0, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
    }

    /// The same by its owner, with whom nobody competes.
    #[inline]
    pub(super) fn store(self, word: &AtomicU64) {
        // Release: pairs with `load`.
        word.store(self.0, Ordering::Release);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_word_says_what_was_put_in() {
        let owner = Owner::new(16_382, u32::MAX);
        assert_eq!(Chunk::held(owner, 4096).state(), State::Held(owner));
        assert_eq!(Chunk::leased(owner, 4096).state(), State::Leased(owner));
        assert_eq!(Chunk::returned(7).state(), State::Returned);
        for ticket in [
            0,
            1,
            0x3fff,
            0x4000,
            TICKET - 1,
            TICKET,
            TICKET + 1,
            1 << 55,
        ] {
            let chunk = Chunk::queued(ticket, 9);
            assert_eq!(chunk.state(), State::Queued(Ticket::of(ticket)));
            assert_eq!(chunk.blocks(), 9);
        }
        assert_eq!(Chunk::leased(owner, 4096).blocks(), 4096);
        assert_eq!(Chunk(3).state(), State::Garbage);
        assert_eq!(Chunk(Chunk::returned(7).0 | 4).state(), State::Garbage);
    }

    #[test]
    fn a_ticket_is_before_what_follows_it() {
        let far = 3 << 46;
        for ticket in [0, 5, far - 1, far, far + 5] {
            let kept = Ticket::of(ticket);
            assert!(!kept.is_before(ticket));
            assert!(kept.is_before(ticket + 1) && kept.is_before(ticket + 4096));
            assert!(!kept.is_before(ticket.wrapping_sub(1)));
        }
    }
}
