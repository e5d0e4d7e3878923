//! Who has a role that one process has at a time: a ring's producer, the sending end of a pipe.
//!
//! One claim for each ([`crate::sync::claim`]): vacant as long as nobody has had the role, closed when its holder was done
//! with it. The tag counts changes, so that no two holdings have the same word.
//!
//! The holder is a process: a handle may move between its threads. A word that names a dead process is as good
//! as vacant. Every change is one compare-and-swap of the whole word, so whoever dies while changing it has changed it or
//! has not. Afterwards the bells are rung; if that is what death prevents, sleepers learn of the death
//! ([`crate::liveness`]) and look again.

use serde::{Deserialize, Serialize};

use crate::atomic::AtomicU64;
use crate::error::{Error, Fault, Result};
use crate::holding::Holding;
use crate::liveness::Attachment;
use crate::owner::Owner;
use crate::place::Place;
use crate::sync::claim::{self, Claim, Holder};

/// One of two sides that face each other: where in their place the words are that concern it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Side {
    pub(crate) name: &'static str,
    /// Its own claim.
    pub(crate) claim: usize,
    /// That of the side it faces.
    pub(crate) other: usize,
    /// The claim that the other side's holder takes just before that one, if there is one.
    pub(crate) beside_other: Option<usize>,
    /// The bells of those whom a change of the role concerns.
    pub(crate) bells: &'static [usize],
}

/// How the process at the other side is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    /// It is alive, or has not come yet.
    Expected,
    Closed,
    Died,
}

/// A role on its way to a child process.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Moving {
    /// Where its claim is: that of which side it is.
    claim: usize,
    held: u64,
}

/// A role that this process holds. Dropping it closes that side.
pub(crate) struct Role {
    side: Side,
    holding: Holding,
}

impl Role {
    /// Takes the role, if nobody has it, its holder closed it, or its holder's process has died.
    pub(crate) fn claim(place: &Place, side: Side) -> Result<Role> {
        let attachment = &place.attachment;
        // Should this thread die between the change and the news of it, those who sleep must know it.
        attachment.participant()?;
        let owner = attachment.process()?;
        let word = place.long(side.claim);
        let claimed = claim(word, attachment, owner).or_else(|_| {
            // Before turning the caller away, make sure that the holder is alive.
            attachment.examine();
            claim(word, attachment, owner)
        });
        let (held, died) = claimed.map_err(|holder| Error::RoleHeld {
            role: side.name,
            pid: attachment.records().pid(holder),
        })?;
        if died {
            attachment.repaired();
        }
        let holding = Holding::new(place.clone(), side.claim, side.bells, held, owner);
        holding.announce();
        Ok(Role { side, holding })
    }

    /// To be called before every operation: see [`Holding::enter`].
    #[inline]
    pub(crate) fn enter(&self) -> Result<(), Fault> {
        self.holding.enter()
    }

    /// Whether the other side was closed, whoever had it.
    #[inline]
    pub(crate) fn is_peer_closed(&self) -> bool {
        Claim::load(self.holding.place().long(self.side.other)).holder() == Holder::Closed
    }

    /// How the other side is doing. To be asked *before* a last look at what it did: that is visible afterwards.
    #[inline]
    pub(crate) fn peer(&self) -> Peer {
        self.holder_of(self.side.other)
            .unwrap_or_else(|| self.beside_peer())
    }

    /// How the holder of that claim is doing, if somebody has had it.
    #[inline]
    fn holder_of(&self, claim: usize) -> Option<Peer> {
        let place = self.holding.place();
        let load = || Claim::load(place.long(claim));
        let (claim, died) = claim::examine(load, |owner| place.attachment.is_process_live(owner));
        match claim.holder() {
            Holder::Vacant => None,
            Holder::Closed | Holder::Garbage => Some(Peer::Closed),
            Holder::Someone(_) if died => Some(Peer::Died),
            Holder::Someone(_) => Some(Peer::Expected),
        }
    }

    /// Of one who takes two roles, one after the other, the second was vacant when it was looked at. If by now the first is a
    /// dead one's, nobody comes for the second.
    #[cold]
    fn beside_peer(&self) -> Peer {
        let beside = self.side.beside_other;
        let holder = beside.and_then(|beside| self.holder_of(beside));
        holder.unwrap_or(Peer::Expected)
    }

    /// While arguments are serialised: what [`receive`](Role::receive) needs in the child, where the role goes.
    pub(crate) fn send(&self) -> Moving {
        Moving {
            claim: self.side.claim,
            held: self.holding.send(),
        }
    }

    /// In the child: takes over what its parent held.
    pub(crate) fn receive(place: Place, side: Side, moving: Moving) -> Result<Role, Fault> {
        let Moving { claim, held } = moving;
        if claim != side.claim {
            // Both sides may have been claimed alike, so that the other one's word would do.
            return Err(Fault::Corrupted("the role sent is that of the other side"));
        }
        let holding = Holding::receive(place, side.claim, side.bells, held, next_change)?;
        Ok(Role { side, holding })
    }
}

/// The tag of the next holding.
fn next_change(tag: u16) -> u16 {
    tag.wrapping_add(1)
}

/// Takes the role for process `owner`: the word to give it back with, and whether its last holder had died. If a live process
/// has it, that one.
fn claim(word: &AtomicU64, attachment: &Attachment, owner: Owner) -> Result<(Claim, bool), Owner> {
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
