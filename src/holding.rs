//! Something that this process holds by a claim in a segment, and that can move: to another thread, or in the arguments of
//! [`process::spawn`](crate::process::spawn) to a child. A ring's role, a party's seat at a barrier.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering as ProcessLocal};

use crate::atomic::AtomicU64;
use crate::error::Fault;
use crate::liveness::current_thread;
use crate::owner::Owner;
use crate::place::Place;
use crate::sync::claim::Claim;
use crate::travel;

/// A claim that this process holds. Dropping it closes the claim.
pub(crate) struct Holding {
    place: Place,
    /// Where in the place the claim is.
    claim: usize,
    /// Where the bells are that those listen to whom the claim concerns.
    bells: &'static [usize],
    held: Claim,
    owner: Owner,
    /// The last thread to use it, which therefore takes part in the segment.
    thread: Cell<u64>,
    /// It went to a child process, which answers for it now.
    moved: Arc<AtomicBool>,
}

/// Unlike any [`current_thread`], also that of one that has not joined.
const NO_THREAD: u64 = u64::MAX;

fn announce(place: &Place, bells: &[usize]) {
    bells.iter().for_each(|bell| place.bell(*bell).ring_all());
}

impl Holding {
    /// Of a claim that was just made, `held`, by process `owner`.
    pub(crate) fn new(
        place: Place,
        claim: usize,
        bells: &'static [usize],
        held: Claim,
        owner: Owner,
    ) -> Holding {
        Holding {
            place,
            claim,
            bells,
            held,
            owner,
            thread: Cell::new(NO_THREAD),
            moved: Arc::default(),
        }
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    pub(crate) fn owner(&self) -> Owner {
        self.owner
    }

    pub(crate) fn word(&self) -> &AtomicU64 {
        self.place.long(self.claim)
    }

    /// The holder has changed its claim's tag.
    pub(crate) fn renew(&mut self, held: Claim) {
        self.held = held;
    }

    /// To be called before every operation: the calling thread takes part in the segment, and this process still is
    /// the one that holds the claim.
    #[inline]
    pub(crate) fn enter(&self) -> Result<(), Fault> {
        if current_thread() == self.thread.get() {
            Ok(())
        } else {
            self.enter_anew()
        }
    }

    #[cold]
    fn enter_anew(&self) -> Result<(), Fault> {
        let attachment = &self.place.attachment;
        attachment.participant()?;
        // A forked child takes part under its own name, and its parent keeps what it holds.
        if attachment.process()? != self.owner || self.moved.load(ProcessLocal::Relaxed) {
            return Err(Fault::RoleLost);
        }
        self.thread.set(current_thread());
        Ok(())
    }

    /// Lets whoever sleeps look again.
    pub(crate) fn announce(&self) {
        announce(&self.place, self.bells);
    }

    /// While arguments are serialised: it will go to the child. What [`receive`](Holding::receive) needs there.
    pub(crate) fn send(&self) -> u64 {
        // Whoever keeps the handle back has to enter anew, and finds that it has moved.
        self.thread.set(NO_THREAD);
        let moved = Arc::clone(&self.moved);
        travel::on_spawned(move || moved.store(true, ProcessLocal::Relaxed));
        let (place, claim, bells, held) = (self.place.clone(), self.claim, self.bells, self.held);
        travel::on_lost(move || {
            // The child took its arguments with it to the grave, unless it had come as far as to take the claim.
            if close(place.long(claim), held) {
                announce(&place, bells);
            }
        });
        self.held.0
    }

    /// In the child: takes over what its parent held as `held`.
    pub(crate) fn receive(
        place: Place,
        claim: usize,
        bells: &'static [usize],
        held: u64,
        tag: impl FnOnce(u16) -> u16,
    ) -> Result<Holding, Fault> {
        place.attachment.participant()?;
        let owner = place.attachment.process()?;
        let (from, word) = (Claim(held), place.long(claim));
        let held = from
            .replace(word, Claim::held(owner, tag(from.tag())))
            .map_err(|_| Fault::RoleLost)?;
        Ok(Holding::new(place, claim, bells, held, owner))
    }
}

fn close(word: &AtomicU64, held: Claim) -> bool {
    let closed = Claim::closed(held.tag().wrapping_add(1));
    held.replace(word, closed).is_ok()
}

impl Drop for Holding {
    fn drop(&mut self) {
        // A copy made by fork must not close what its parent holds.
        let attachment = &self.place.attachment;
        let moved = self.moved.load(ProcessLocal::Relaxed);
        if moved || attachment.known_process() != Some(self.owner) {
            return;
        }
        // Should this thread die before it has rung, those who sleep must know it.
        let _ = attachment.participant();
        if close(self.word(), self.held) {
            self.announce();
        }
    }
}
