//! The sending side.

use std::fmt;
use std::time::{Duration, Instant};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::core::{Corrupted, Sender};
use super::ring::{PRODUCER, Ring, Role};
use crate::element::Element;
use crate::error::{Fault, Result, SendError, SendTimeoutError, TrySendError};
use crate::role::Peer;
use crate::wait::{Bell, Patience, block_until};

/// The only sender of a ring: see the [module](super). Dropping it closes the sending side.
///
/// It can move to another thread, and in the arguments of [`process::spawn`](crate::process::spawn) to a child process. In a forked
/// child every operation fails with [`Fault::RoleLost`].
pub struct Producer<T: Element> {
    pub(super) role: Role<T>,
    pub(super) sender: Sender,
}

type Refused = TrySendError<()>;

impl<T: Element> Producer<T> {
    pub(super) fn new(role: Role<T>) -> Result<Self> {
        let sender = Sender::take_over(role.words()).map_err(Fault::from)?;
        Ok(Producer { role, sender })
    }

    /// Sends `value` if there is room. Never blocks.
    ///
    /// # Errors
    ///
    /// [`Full`](TrySendError::Full), [`Closed`](TrySendError::Closed) if the consumer closed its side,
    /// [`PeerDied`](TrySendError::PeerDied) if there is no room and the consumer was killed, or
    /// [`Fault`](TrySendError::Fault), each with the value.
    #[inline]
    pub fn try_send(&mut self, value: T) -> Result<(), TrySendError<T>> {
        send_once(&self.role, &mut self.sender, &value)
            .map_err(|refused| refused.of_try_send(value))
    }

    /// Sends `value`, and blocks while the ring is full.
    ///
    /// # Errors
    ///
    /// [`Closed`](SendError::Closed), [`PeerDied`](SendError::PeerDied) or [`Fault`](SendError::Fault), as for
    /// [`try_send`](Producer::try_send), also if it happens meanwhile.
    #[inline]
    pub fn send(&mut self, value: T) -> Result<(), SendError<T>> {
        self.send_within(&value, Patience::Forever)
            .map_err(|refused| refused.of_send(value))
    }

    /// Sends `value`, and blocks while the ring is full, up to `timeout`.
    ///
    /// # Errors
    ///
    /// [`Timeout`](SendTimeoutError::Timeout), and those of [`send`](Producer::send).
    pub fn send_timeout(&mut self, value: T, timeout: Duration) -> Result<(), SendTimeoutError<T>> {
        self.send_within(&value, Patience::timeout(timeout))
            .map_err(|refused| refused.of_send_timeout(value))
    }

    /// Sends `value`, and blocks while the ring is full, until `deadline`.
    ///
    /// # Errors
    ///
    /// As for [`send_timeout`](Producer::send_timeout).
    pub fn send_deadline(
        &mut self,
        value: T,
        deadline: Instant,
    ) -> Result<(), SendTimeoutError<T>> {
        self.send_within(&value, Patience::Until(deadline))
            .map_err(|refused| refused.of_send_timeout(value))
    }

    /// Sends the first of `values`, as many as there is room for; how many. Never blocks. Killed half-way, it has sent some of them,
    /// from the first on.
    ///
    /// # Errors
    ///
    /// As for [`try_send`](Producer::try_send), if none was sent.
    pub fn try_send_slice(&mut self, values: &[T]) -> Result<usize, TrySendError<()>> {
        if values.is_empty() {
            return Ok(0);
        }
        send_some(&self.role, &mut self.sender, values)
    }

    /// Sends all of `values`, and blocks while the ring is full. Killed half-way, it has sent some of them, from the first on.
    ///
    /// # Errors
    ///
    /// As for [`send`](Producer::send), with those that were not sent.
    pub fn send_slice<'a>(&mut self, values: &'a [T]) -> Result<(), SendError<&'a [T]>> {
        let Producer { role, sender } = self;
        let mut rest = values;
        while !rest.is_empty() {
            let sent = match send_some(role, sender, rest) {
                Err(Refused::Full(())) => {
                    block(role, Patience::Forever, || send_some(role, sender, rest))
                }
                outcome => outcome,
            };
            rest = &rest[sent.map_err(|refused| refused.of_send(rest))?..];
        }
        Ok(())
    }

    /// Closes the sending side, as dropping does.
    pub fn close(self) {}

    /// Whether the consumer closed its side.
    pub fn is_closed(&self) -> bool {
        self.role.is_peer_closed()
    }

    /// The ring, without the role.
    pub fn ring(&self) -> &Ring<T> {
        &self.role.ring
    }

    /// How many elements the ring can hold.
    pub fn capacity(&self) -> usize {
        self.role.ring.capacity()
    }

    #[inline]
    fn send_within(&mut self, value: &T, patience: Patience) -> Result<(), Refused> {
        let Producer { role, sender } = self;
        match send_once(role, sender, value) {
            Err(Refused::Full(())) => block(role, patience, || send_once(role, sender, value)),
            outcome => outcome,
        }
    }
}

#[inline]
fn send_once<T: Element>(role: &Role<T>, sender: &mut Sender, value: &T) -> Result<(), Refused> {
    prepare(role)?;
    match sender.send(role.words(), value) {
        Ok(true) => {
            Bell::new(role.words().not_empty()).ring(1);
            Ok(())
        }
        outcome => Err(refuse(role, outcome.map(|_| ()))),
    }
}

fn send_some<T: Element>(
    role: &Role<T>,
    sender: &mut Sender,
    values: &[T],
) -> Result<usize, Refused> {
    prepare(role)?;
    match sender.send_slice(role.words(), values) {
        Ok(sent) if sent > 0 => {
            Bell::new(role.words().not_empty()).ring(1);
            Ok(sent)
        }
        outcome => Err(refuse(role, outcome.map(|_| ()))),
    }
}

#[inline]
fn prepare<T: Element>(role: &Role<T>) -> Result<(), Refused> {
    role.enter().map_err(|fault| Refused::Fault((), fault))?;
    if role.is_peer_closed() {
        return Err(Refused::Closed(()));
    }
    Ok(())
}

/// Why nothing was sent.
#[cold]
fn refuse<T: Element>(role: &Role<T>, outcome: Result<(), Corrupted>) -> Refused {
    match outcome {
        Err(corrupted) => Refused::Fault((), corrupted.into()),
        Ok(()) => match role.peer() {
            Peer::Expected => Refused::Full(()),
            Peer::Closed => Refused::Closed(()),
            Peer::Died => Refused::PeerDied(()),
        },
    }
}

#[cold]
fn block<T: Element, R>(
    role: &Role<T>,
    patience: Patience,
    mut attempt: impl FnMut() -> Result<R, Refused>,
) -> Result<R, Refused> {
    let words = role.words();
    block_until(
        &words.place.attachment,
        words.not_full(),
        patience,
        || match attempt() {
            Err(Refused::Full(())) => None,
            outcome => Some(outcome),
        },
    )
    .unwrap_or(Err(Refused::Full(())))
}

impl<T: Element> fmt::Debug for Producer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer")
            .field("ring", self.ring())
            .field("sent", &self.sender.position())
            .finish()
    }
}

/// Only in the arguments of [`process::spawn`](crate::process::spawn), which moves the role to the child. Should the child
/// die before it has its arguments, the sending side is closed.
impl<T: Element> Serialize for Producer<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.role.serialize(serializer)
    }
}

impl<'de, T: Element> Deserialize<'de> for Producer<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let role = Role::deserialize(deserializer, PRODUCER)?;
        Producer::new(role).map_err(serde::de::Error::custom)
    }
}
