//! Who is the producer, who is the consumer.
//!
//! One claim for each ([`crate::sync::claim`]): vacant as long as nobody has had the role, closed when its holder was done
//! with it. The tag counts changes, so that no two holdings have the same word.
//!
//! The holder is a process: a handle may move between its threads. A word that names a dead process is as good
//! as vacant. Every change is one compare-and-swap of the whole word, so whoever dies while changing it has changed it or
//! has not. Afterwards the bells are rung; if that is what death prevents, sleepers learn of the death
//! ([`crate::liveness`]) and look again.

use crate::atomic::AtomicU64;
use crate::liveness::Attachment;
use crate::owner::Owner;
use crate::sync::claim::{Claim, Holder};

/// The tag of the next holding.
pub(super) fn next_change(tag: u16) -> u16 {
    tag.wrapping_add(1)
}

/// Takes the role for process `owner`: the word to give it back with, and whether its last holder had died. If a live process
/// has it, that one.
pub(super) fn claim(
    word: &AtomicU64,
    attachment: &Attachment,
    owner: Owner,
) -> Result<(Claim, bool), Owner> {
    loop {
        let now = Claim::load(word);
        let holder = now.holder();
        if let Holder::Someone(holder) = holder
            && attachment.is_process_live(holder)
        {
            return Err(holder);
        }
        // A failure means that somebody else has changed the role since: at most one more round for each claimant.
        if let Ok(held) = now.replace(word, Claim::held(owner, next_change(now.tag()))) {
            return Ok((held, matches!(holder, Holder::Someone(_))));
        }
    }
}
