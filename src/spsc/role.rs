//! Who is the producer, who is the consumer.
//!
//! One 64-bit word for each:
//!
//! | bits | meaning |
//! |---|---|
//! | 0..2 | 0 vacant: nobody has had it yet; 1 held; 2 closed: its holder was done with it |
//! | 2..16 | the holder's record, plus one |
//! | 16..32 | counts changes, so that no two holdings have the same word |
//! | 32..64 | the generation of the holder's record |
//!
//! The holder is a process: a handle may move between its threads. A word that names a dead process is as good
//! as vacant. Every change is one compare-and-swap of the whole word, so whoever dies while changing it has changed it or
//! has not. Afterwards the bells are rung; if that is what death prevents, sleepers learn of the death
//! ([`crate::liveness`]) and look again.

use crate::atomic::{AtomicU64, Ordering};
use crate::liveness::{Attachment, Owner};

/// What a role's word says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holder {
    Vacant,
    Process(Owner),
    Closed,
}

const VACANT: u64 = 0;
const HELD: u64 = 1;
const CLOSED: u64 = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RoleWord(pub(super) u64);

impl RoleWord {
    #[inline]
    pub(super) fn load(word: &AtomicU64) -> RoleWord {
        // Acquire: pairs with the Release of `replace`; what the last holder did is visible.
        RoleWord(word.load(Ordering::Acquire))
    }

    #[inline]
    pub(super) fn holder(self) -> Holder {
        match self.0 & 3 {
            VACANT => Holder::Vacant,
            HELD => {
                let record = (self.0 >> 2 & 0x3fff) as u32;
                let generation = (self.0 >> 32) as u32;
                // A record of 0 is nobody's, and so dead.
                Holder::Process(
                    record
                        .checked_sub(1)
                        .map_or(Owner::NOBODY, |index| Owner::new(index, generation)),
                )
            }
            _ => Holder::Closed,
        }
    }

    #[inline]
    pub(super) fn is_closed(self) -> bool {
        self.0 & 3 == CLOSED
    }

    fn next_change(self) -> u64 {
        (self.0 & 0xffff_0000).wrapping_add(0x1_0000) & 0xffff_0000
    }

    fn held_by(self, owner: Owner) -> RoleWord {
        let record = owner.index().map_or(0, |index| index + 1);
        let generation = u64::from(owner.generation()) << 32;
        RoleWord(generation | self.next_change() | u64::from(record) << 2 | HELD)
    }

    fn closed(self) -> RoleWord {
        RoleWord(self.next_change() | CLOSED)
    }

    /// The commit of every change.
    fn replace(self, word: &AtomicU64, with: RoleWord) -> Option<RoleWord> {
        // Release: pairs with `load`; a successor sees what this holder did. Acquire: the other way round.
        word.compare_exchange(self.0, with.0, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
            .then_some(with)
    }
}

/// Takes the role for process `owner`: the word to give it back with, and whether its last holder had died. If a live process
/// has it, that one.
pub(super) fn claim(
    word: &AtomicU64,
    attachment: &Attachment,
    owner: Owner,
) -> Result<(RoleWord, bool), Owner> {
    loop {
        let now = RoleWord::load(word);
        let holder = now.holder();
        if let Holder::Process(holder) = holder
            && attachment.is_process_live(holder)
        {
            return Err(holder);
        }
        // A failure means that somebody else has changed the role since: at most one more round for each claimant.
        if let Some(held) = now.replace(word, now.held_by(owner)) {
            return Ok((held, matches!(holder, Holder::Process(_))));
        }
    }
}

/// Hands the role on to another process, if `held` is still how it is held.
pub(super) fn hand_over(word: &AtomicU64, held: RoleWord, to: Owner) -> Option<RoleWord> {
    held.replace(word, held.held_by(to))
}

/// Gives the role up, if `held` is still how it is held.
pub(super) fn close(word: &AtomicU64, held: RoleWord) -> bool {
    held.replace(word, held.closed()).is_some()
}
