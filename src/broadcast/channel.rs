//! What all three have in common: sending under the senders' lock, closing, looking.

use super::core::{self, Corrupted, Found, Memory, Nothing, Refused};
use super::memory::{NOT_EMPTY, NOT_FULL, Senders, Words};
use super::seats::{self, Joined};
use crate::atomic::spin_loop;
use crate::element::{Element, Unchecked};
use crate::error::{Error, Fault, Result, TryLockError, TryRecvError, TrySendError};
use crate::owner::Owner;
use crate::place::Place;
use crate::sync::guarded;
use crate::wait::{FutexBell, Patience, block_until};

const CORRUPTED: Fault = Fault::Corrupted("the ring's positions contradict each other");
const NOT_A_VALUE: Fault = Fault::Corrupted("what was received is no valid value");

/// How often one that does not want to block looks whether another sender is done.
const LOOKS: u32 = 64;

/// A ring without a position in it.
#[derive(Clone)]
pub(super) struct Channel<T: Element> {
    pub(super) words: Words<T>,
}

impl<T: Element> Channel<T> {
    pub(super) fn of(place: Place, senders: Senders) -> Channel<T> {
        Channel {
            words: Words::of(place, senders),
        }
    }

    #[inline]
    pub(super) fn send_within(
        &self,
        value: &T,
        patience: Patience,
    ) -> Result<(), TrySendError<()>> {
        match self.send_once(value, patience) {
            Err(TrySendError::Full(())) => self.send_blocking(value, patience),
            outcome => outcome,
        }
    }

    /// Where nobody is waited for there is always room; then `Full` means that the time was up before the lock was to be had.
    #[inline]
    fn send_once(&self, value: &T, patience: Patience) -> Result<(), TrySendError<()>> {
        let sent = self
            .locked(patience, || core::send(&self.words, value))
            .map_err(|refused| match refused {
                TryLockError::WouldBlock => TrySendError::Full(()),
                refused => TrySendError::Fault((), refused.of_short_lock()),
            })?;
        sent.map_err(|refused| match refused {
            Refused::Full => TrySendError::Full(()),
            Refused::Closed => TrySendError::Closed(()),
            Refused::Corrupted => TrySendError::Fault((), CORRUPTED),
        })?;
        self.bell(NOT_EMPTY).ring_all();
        Ok(())
    }

    #[cold]
    fn send_blocking(&self, value: &T, patience: Patience) -> Result<(), TrySendError<()>> {
        let place = &self.words.place;
        let is_full = || seats::is_full(&self.words, self.sent()) && !self.is_closed();
        let attempt = || {
            if is_full() {
                return None;
            }
            match self.send_once(value, patience) {
                Err(TrySendError::Full(())) => None,
                outcome => Some(outcome),
            }
        };
        let sent = block_until(&place.attachment, place.word(NOT_FULL), patience, attempt);
        sent.unwrap_or_else(|| {
            // The room that this one was woken for, but came too late to the lock to use, is another's.
            if !is_full() {
                self.bell(NOT_FULL).ring(1);
            }
            Err(TrySendError::Full(()))
        })
    }

    /// What `act` returns, which runs while no other thread sends.
    #[inline]
    fn locked<R>(
        &self,
        patience: Patience,
        act: impl FnOnce() -> R,
    ) -> Result<R, TryLockError<()>> {
        let place = &self.words.place;
        let mut taken = guarded::take(place, 0, patience);
        if matches!(patience, Patience::None) {
            for _ in 0..LOOKS {
                if !matches!(taken, Err(TryLockError::WouldBlock)) {
                    break;
                }
                spin_loop();
                taken = guarded::take(place, 0, patience);
            }
        }
        let taken = taken?;
        let result = act();
        guarded::let_go(place, 0, &taken);
        Ok(result)
    }

    /// A seat for process `me`, unless all are taken.
    pub(super) fn join(&self, me: Owner, patience: Patience) -> Result<Option<Joined>> {
        let joined = self.locked(patience, || seats::join(&self.words, self.sent(), me));
        let joined = joined.map_err(|refused| match refused {
            TryLockError::WouldBlock => Error::Timeout,
            refused => refused.of_short_lock().into(),
        })?;
        joined.map_err(|Corrupted| CORRUPTED.into())
    }

    pub(super) fn close(&self) {
        // Should this thread die before it has rung, those who sleep must know it. Without a record they hear of it late.
        let _ = self.words.place.attachment.participant();
        core::close(&self.words);
        self.bell(NOT_EMPTY).ring_all();
        self.bell(NOT_FULL).ring_all();
    }

    #[inline]
    pub(super) fn is_closed(&self) -> bool {
        core::is_closed(&self.words)
    }

    #[inline]
    pub(super) fn sent(&self) -> u64 {
        core::sent(&self.words)
    }

    pub(super) fn capacity(&self) -> u64 {
        self.words.capacity()
    }

    /// The oldest value in reach that is not before `position`.
    #[inline]
    pub(super) fn read(&self, position: u64) -> Result<Found<Unchecked<T>>, TryRecvError> {
        core::read(&self.words, position).map_err(|nothing| match nothing {
            Nothing::Empty => TryRecvError::Empty,
            Nothing::Closed => TryRecvError::Closed,
            Nothing::Corrupted => TryRecvError::Fault(CORRUPTED),
        })
    }

    /// Whether reading from `position` on would not have to wait.
    pub(super) fn is_ready(&self, position: u64) -> bool {
        self.sent() != position || self.is_closed()
    }

    /// What `attempt` returns that finds something, and blocks while it finds nothing.
    #[cold]
    pub(super) fn block<R>(
        &self,
        patience: Patience,
        mut attempt: impl FnMut() -> Result<R, TryRecvError>,
    ) -> Result<R, TryRecvError> {
        let place = &self.words.place;
        place
            .attachment
            .participant()
            .map_err(TryRecvError::Fault)?;
        let found = block_until(
            &place.attachment,
            place.word(NOT_EMPTY),
            patience,
            || match attempt() {
                Err(TryRecvError::Empty) => None,
                outcome => Some(outcome),
            },
        );
        found.unwrap_or(Err(TryRecvError::Empty))
    }

    #[inline]
    pub(super) fn bell(&self, bell: usize) -> FutexBell<'_> {
        self.words.place.bell(bell)
    }
}

/// The copy as a value.
#[inline]
pub(super) fn checked<T: Element>(copy: Unchecked<T>) -> Result<T, Fault> {
    copy.check().ok_or(NOT_A_VALUE)
}
