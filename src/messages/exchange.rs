//! Sending and receiving, the same for bytes and for objects.

use super::blocks::{self, Run};
use super::chunk::Chunk;
use super::held::{Held, Loan};
use super::memory::{self, Label, Words};
use super::pool::Actor;
use super::transfer::{self, Adopted, Orphan, Purpose};
use crate::atomic::Ordering;
use crate::error::{Fault, TryLoanError, TryRecvError, TrySendError, WaitTimeoutError};
use crate::place::{MOST_PARTS, Place};
use crate::queue::core::{self, Nothing, Refused};
use crate::wait::{Bell, Patience, block_until};

/// What the handles have in common.
#[derive(Clone)]
pub(super) struct Messages {
    pub(super) words: Words,
}

/// A message received, and how often it was delivered before.
type Received<'a> = (Held<'a>, u16);

const POSITIONS: Fault = Fault::Corrupted("the queue's positions contradict each other");
const CHUNK: Fault = Fault::Corrupted("a place in the queue names no chunk that was sent under it");
const LENGTH: Fault = Fault::Corrupted("a message is longer than its chunk");

impl Messages {
    pub(super) fn of(place: Place) -> Messages {
        Messages {
            words: Words::of(place),
        }
    }

    pub(super) fn actor(&self) -> Result<Actor<'_>, Fault> {
        let participant = self.words.place.attachment.participant()?;
        Ok(Actor {
            words: &self.words,
            participant,
        })
    }

    /// Calls `attempt` until it answers something else than `refused`, sleeping on `bell` in between.
    #[cold]
    fn block<R, E: PartialEq>(
        &self,
        bell: usize,
        patience: Patience,
        refused: E,
        mut attempt: impl FnMut() -> Result<R, E>,
    ) -> Result<R, E> {
        let place = &self.words.place;
        block_until(
            &place.attachment,
            place.word(bell),
            patience,
            || match attempt() {
                Err(error) if error == refused => None,
                outcome => Some(outcome),
            },
        )
        .unwrap_or(Err(refused))
    }

    // Memory.

    pub(super) fn loan(&self, len: usize, patience: Patience) -> Result<Held<'_>, TryLoanError> {
        match self.loan_once(len) {
            Err(TryLoanError::Full) => {
                self.block(memory::MEMORY, patience, TryLoanError::Full, || {
                    self.loan_once(len)
                })
            }
            outcome => outcome,
        }
    }

    #[inline]
    fn loan_once(&self, len: usize) -> Result<Held<'_>, TryLoanError> {
        let actor = self.actor().map_err(TryLoanError::Fault)?;
        let geometry = &self.words.geometry;
        let wanted = geometry.blocks_for(len).ok_or(TryLoanError::Oversized)?;
        if core::is_closed(&actor) {
            return Err(TryLoanError::Closed);
        }
        let participant = actor.participant;
        let process = participant.process;
        // Spread over the memory, so that participants rarely meet.
        let from = participant.index().wrapping_mul(0x9e37_79b9) >> 16;
        let allocate = || blocks::allocate(&actor, process, wanted, from);
        let mut run = allocate();
        // More than one sweep: what one takes back may keep it from taking back what lies beside it.
        while run.is_none() && self.sweep(&actor) {
            run = allocate();
        }
        let run = run.ok_or(TryLoanError::Full)?;
        let chunk = Chunk::held(process, run.len);
        Ok(Held::new(self, run, chunk, len, process))
    }

    /// Takes back what the dead have, unless there is no news of any; whether there was something.
    #[cold]
    fn sweep(&self, actor: &Actor<'_>) -> bool {
        let seen = &actor.participant.seen_news[self.words.part as usize % MOST_PARTS].memory;
        let news = actor.news();
        if seen.get() == Some(news) {
            return false;
        }
        let swept = blocks::sweep(actor);
        if swept.complete {
            seen.set(Some(news));
        }
        (0..swept.freed).for_each(|_| self.words.place.attachment.repaired());
        swept.freed > 0
    }

    // Sending.

    /// Sends a copy of `bytes`.
    #[inline]
    pub(super) fn send(&self, bytes: &[u8], patience: Patience) -> Result<(), TryLoanError> {
        let mut loan = Loan::new(self.loan(bytes.len(), patience)?);
        loan.write(0, bytes);
        loan.send_within(patience)
            .map_err(|(_, refused)| match refused {
                TrySendError::Full(()) => TryLoanError::Full,
                TrySendError::Closed(()) | TrySendError::PeerDied(()) => TryLoanError::Closed,
                TrySendError::Fault((), fault) => TryLoanError::Fault(fault),
            })
    }

    #[inline]
    pub(super) fn send_run(&self, run: Run, patience: Patience) -> Result<(), TrySendError<()>> {
        match self.send_once(run) {
            Err(TrySendError::Full(())) => {
                self.block(memory::MEMORY, patience, TrySendError::Full(()), || {
                    self.send_once(run)
                })
            }
            outcome => outcome,
        }
    }

    #[inline]
    fn send_once(&self, run: Run) -> Result<(), TrySendError<()>> {
        let actor = self
            .actor()
            .map_err(|fault| TrySendError::Fault((), fault))?;
        let participant = actor.participant;
        let seen_head = &participant.seen_heads[self.words.part as usize % MOST_PARTS];
        let send = || core::send(&actor, &participant.intents().send, seen_head, &run);
        let sent = match send() {
            Err(Refused::Full) => {
                // Full of holes, for there are more places than blocks. Perhaps there is no receiver to give them up.
                let _ = core::look(&actor);
                send()
            }
            outcome => outcome,
        };
        sent.map_err(|refused| match refused {
            Refused::Full => TrySendError::Full(()),
            Refused::Closed => TrySendError::Closed(()),
            Refused::Corrupted => TrySendError::Fault((), POSITIONS),
        })?;
        Bell::new(self.words.not_empty()).ring(1);
        Ok(())
    }

    // Receiving.

    #[inline]
    pub(super) fn receive(
        &self,
        purpose: Purpose,
        patience: Patience,
    ) -> Result<Received<'_>, TryRecvError> {
        match self.receive_once(purpose) {
            Err(TryRecvError::Empty) => self.receive_blocking(purpose, patience),
            outcome => outcome,
        }
    }

    #[cold]
    fn receive_blocking(
        &self,
        purpose: Purpose,
        patience: Patience,
    ) -> Result<Received<'_>, TryRecvError> {
        let received = self.block(memory::NOT_EMPTY, patience, TryRecvError::Empty, || {
            self.receive_once(purpose)
        });
        // A wake for a message behind one that was still being sent was in vain. Whoever gets the first of them passes the wake on.
        if self.len() > 0 {
            Bell::new(self.words.not_empty()).ring(1);
        }
        received
    }

    #[inline]
    fn receive_once(&self, purpose: Purpose) -> Result<Received<'_>, TryRecvError> {
        let actor = self.actor().map_err(TryRecvError::Fault)?;
        let news = actor.news();
        match self.receive_or_adopt(&actor, purpose, news) {
            // With a hole that was given up an orphan may have come to light.
            Err(TryRecvError::Empty) if actor.news() != news => {
                self.receive_or_adopt(&actor, purpose, actor.news())
            }
            outcome => outcome,
        }
    }

    #[inline]
    fn receive_or_adopt(
        &self,
        actor: &Actor<'_>,
        purpose: Purpose,
        news: u64,
    ) -> Result<Received<'_>, TryRecvError> {
        let seen = &actor.participant.seen_news[self.words.part as usize % MOST_PARTS].orphans;
        if seen.get() != Some(news) {
            match self.adopt(actor, purpose)? {
                Ok(received) => return Ok(received),
                Err(rest) if rest.complete => seen.set(Some(news)),
                Err(_) => {}
            }
        }
        let received = core::receive(actor);
        let claimed = match received {
            Ok((ticket, start)) => {
                transfer::claim(actor, start, ticket, actor.participant.process, purpose)
                    .ok_or(CHUNK)
            }
            Err(Nothing::Corrupted) => Err(POSITIONS),
            Err(nothing) => {
                actor.withdraw_receipt(false);
                if nothing != Nothing::Closed {
                    return Err(TryRecvError::Empty);
                }
                // What others have on lease may yet come back.
                return self
                    .adopt(actor, purpose)?
                    .map_err(|rest| match rest.outstanding {
                        true => TryRecvError::Empty,
                        false => TryRecvError::Closed,
                    });
            }
        };
        actor.withdraw_receipt(claimed.is_ok());
        let (run, chunk) = claimed.map_err(TryRecvError::Fault)?;
        actor.made_room();
        actor.settled();
        self.received(actor, run, chunk, false)
    }

    #[cold]
    fn adopt(
        &self,
        actor: &Actor<'_>,
        purpose: Purpose,
    ) -> Result<Result<Received<'_>, Rest>, TryRecvError> {
        match transfer::adopt(actor, actor.participant.process, purpose) {
            Adopted::Found { run, chunk, orphan } => {
                if orphan != Orphan::Returned {
                    self.words.place.attachment.repaired();
                }
                let again = orphan != Orphan::Unreceived;
                actor.settled();
                self.received(actor, run, chunk, again).map(Ok)
            }
            Adopted::Nothing {
                complete,
                outstanding,
            } => Ok(Err(Rest {
                complete,
                outstanding,
            })),
        }
    }

    #[inline]
    fn received(
        &self,
        actor: &Actor<'_>,
        run: Run,
        chunk: Chunk,
        again: bool,
    ) -> Result<Received<'_>, TryRecvError> {
        // Relaxed: written before the chunk's word was, which has been acquired.
        let label = self.words.label(run.start).load(Ordering::Relaxed);
        let label = Label::from_bits(label);
        let room = u64::from(run.len) * self.words.geometry.block;
        let valid = label.len <= room;
        let len = if valid { label.len as usize } else { 0 };
        let held = Held::new(self, run, chunk, len, actor.participant.process);
        if !valid {
            return Err(TryRecvError::Fault(LENGTH));
        }
        Ok((held, label.deliveries.saturating_add(again.into())))
    }

    // What is there.

    pub(super) fn len(&self) -> usize {
        self.actor().map_or(0, |actor| core::len(&actor) as usize)
    }

    pub(super) fn memory(&self) -> usize {
        let geometry = &self.words.geometry;
        (u64::from(geometry.blocks) * geometry.block) as usize
    }

    pub(super) fn available(&self) -> usize {
        let longest = self.actor().map_or(0, |actor| blocks::longest_free(&actor));
        (u64::from(longest) * self.words.geometry.block) as usize
    }

    pub(super) fn is_ready(&self) -> bool {
        let Ok(actor) = self.actor() else {
            return true; // A receive says why.
        };
        let seen = &actor.participant.seen_news[self.words.part as usize % MOST_PARTS].orphans;
        let outlook = || transfer::outlook(&actor, actor.participant.process);
        let news = actor.news();
        if seen.get() != Some(news) && outlook().orphan {
            return true;
        }
        match core::look(&actor) {
            Ok(_) | Err(Nothing::Corrupted) => true,
            // With a hole that was given up an orphan may have come to light.
            Err(Nothing::Empty | Nothing::Busy) => actor.news() != news && outlook().orphan,
            Err(Nothing::Closed) => {
                let outlook = outlook();
                outlook.orphan || !outlook.outstanding
            }
        }
    }

    pub(super) fn close(&self) {
        if let Ok(actor) = self.actor() {
            core::close(&actor);
        }
        self.words.ring_all();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.actor().is_ok_and(|actor| core::is_closed(&actor))
    }

    pub(super) fn wait_idle(&self, patience: Patience) -> Result<(), WaitTimeoutError> {
        match self.is_idle() {
            Err(WaitTimeoutError::Timeout) => {
                self.block(memory::IDLE, patience, WaitTimeoutError::Timeout, || {
                    self.is_idle()
                })
            }
            outcome => outcome,
        }
    }

    fn is_idle(&self) -> Result<(), WaitTimeoutError> {
        let actor = self.actor().map_err(WaitTimeoutError::Fault)?;
        loop {
            let before = self.words.tail().load(Ordering::Acquire);
            match core::look(&actor) {
                Err(Nothing::Corrupted) => return Err(WaitTimeoutError::Fault(POSITIONS)),
                Err(Nothing::Empty | Nothing::Closed) if transfer::is_idle(&actor) => {}
                _ => return Err(WaitTimeoutError::Timeout),
            }
            if self.words.tail().load(Ordering::Acquire) == before {
                return Ok(());
            }
        }
    }
}

/// What is left when there is nothing to adopt: see [`Adopted::Nothing`].
struct Rest {
    complete: bool,
    outstanding: bool,
}
