//! Sending and receiving, the same for bytes and for objects.

use super::actor::Actor;
use super::blocks::{self, Run};
use super::chunk::Chunk;
use super::delivery::{self, Missing};
use super::held::{Held, Loan};
use super::memory::{self, Label, Words};
use super::transfer::Purpose;
use crate::atomic::Ordering;
use crate::error::{Fault, TryLoanError, TryRecvError, TrySendError, WaitTimeoutError};
use crate::place::Place;
use crate::queue::core::{self, Refused};
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
        if self.is_closed() {
            return Err(TryLoanError::Closed);
        }
        // Spread over the memory, so that participants rarely meet.
        let from = actor.participant.index().wrapping_mul(0x9e37_79b9) >> 16;
        let run = delivery::allocate(&actor, wanted, from).ok_or(TryLoanError::Full)?;
        let process = actor.participant.process;
        let chunk = Chunk::held(process, run.len);
        Ok(Held::new(self, run, chunk, len, process))
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
        delivery::send(&actor, run).map_err(|refused| match refused {
            Refused::Full => TrySendError::Full(()),
            Refused::Closed => TrySendError::Closed(()),
            Refused::Corrupted => TrySendError::Fault((), POSITIONS),
        })
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
        let received = delivery::receive(&actor, purpose).map_err(|missing| match missing {
            Missing::Empty => TryRecvError::Empty,
            Missing::Closed => TryRecvError::Closed,
            Missing::Positions => TryRecvError::Fault(POSITIONS),
            Missing::Chunk => TryRecvError::Fault(CHUNK),
        })?;
        self.received(&actor, received)
    }

    #[inline]
    fn received(
        &self,
        actor: &Actor<'_>,
        received: delivery::Received,
    ) -> Result<Received<'_>, TryRecvError> {
        let delivery::Received { run, chunk, again } = received;
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
        let words = &self.words;
        core::len(words.head(), words.tail(), words.slots()) as usize
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
        delivery::is_ready(&actor)
    }

    pub(super) fn close(&self) {
        // Should this thread die before it has rung, those who sleep must know it. Without a record they hear of it late.
        let _ = self.actor();
        core::close(self.words.tail());
        self.words.ring_all();
    }

    pub(super) fn is_closed(&self) -> bool {
        core::is_closed(self.words.tail())
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
        match delivery::is_idle(&actor) {
            None => Err(WaitTimeoutError::Fault(POSITIONS)),
            Some(true) => Ok(()),
            Some(false) => Err(WaitTimeoutError::Timeout),
        }
    }
}
