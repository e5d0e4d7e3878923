#![allow(unsafe_code)] // a view of the private copy of a message
//! Receiving messages from a stream.

use std::fmt;
use std::ptr::NonNull;

use super::frame::{self, HEADER};
use super::outlet::{Outlet, wait};
use crate::bytes::SharedBytes;
use crate::error::{Fault, TryRecvError};
use crate::wait::Patience;

/// Receives messages of any length.
pub(super) struct Inbox {
    pub(super) outlet: Outlet,
    /// What has arrived of a message that is larger than the ring.
    parts: Option<Parts>,
}

#[derive(Default)]
struct Parts {
    bytes: Vec<u8>,
    missing: usize,
}

/// Where the next message is.
#[derive(Clone, Copy)]
enum Next {
    /// So many bytes in the ring.
    InPlace(usize),
    /// Put together from its parts, here.
    Assembled(NonNull<u8>, usize),
}

const NO_HEADER: TryRecvError = TryRecvError::Fault(Fault::Corrupted(
    "there is no message where one should begin",
));
const CUT_SHORT: TryRecvError =
    TryRecvError::Fault(Fault::Corrupted("a message ends before its end"));

impl Inbox {
    pub(super) fn new(outlet: Outlet) -> Inbox {
        Inbox {
            outlet,
            parts: None,
        }
    }

    /// Whether it has some of a message that nobody else can have any more.
    pub(super) fn is_midway(&self) -> bool {
        self.parts.is_some()
    }

    /// Whether a receive would find something to do.
    pub(super) fn is_ready(&self) -> bool {
        let assembled = self.parts.as_ref().is_some_and(|parts| parts.missing == 0);
        assembled || self.outlet.is_ready()
    }

    /// Waits for a message.
    pub(super) fn poll(&mut self, patience: Patience) -> Result<(), TryRecvError> {
        self.next(patience).map(|_| ())
    }

    /// Receives a message into `to`, in place of what it holds.
    #[inline]
    pub(super) fn recv(
        &mut self,
        to: &mut Vec<u8>,
        patience: Patience,
    ) -> Result<(), TryRecvError> {
        match self.next(patience)? {
            Next::InPlace(len) => {
                to.clear();
                self.outlet.append(HEADER, len, to);
                self.outlet.commit(frame::total(len));
            }
            Next::Assembled(..) => *to = self.parts.take().unwrap_or_default().bytes,
        }
        Ok(())
    }

    /// Shows a message where it is.
    pub(super) fn look(&mut self, patience: Patience) -> Result<Message<'_>, TryRecvError> {
        let next = self.next(patience)?;
        Ok(Message { inbox: self, next })
    }

    #[inline]
    fn next(&mut self, patience: Patience) -> Result<Next, TryRecvError> {
        match self.fetch() {
            Err(TryRecvError::Empty) => wait(&self.outlet.stream(), patience, || self.fetch()),
            outcome => outcome,
        }
    }

    /// Goes on receiving, without waiting; what it has of a message it keeps.
    #[inline]
    fn fetch(&mut self) -> Result<Next, TryRecvError> {
        if self.parts.is_none() {
            let ready = self.outlet.ready(1)?;
            let mut header = [0; HEADER];
            if ready < HEADER {
                return Err(NO_HEADER);
            }
            self.outlet.copy(0, &mut header);
            let len = frame::parse(header, self.outlet.position()).ok_or(NO_HEADER)?;
            let total = frame::total(len);
            if total <= ready {
                return Ok(Next::InPlace(len));
            }
            if total <= self.outlet.capacity() {
                // It was to be written by one commit.
                return Err(CUT_SHORT);
            }
            self.outlet.commit(HEADER);
            let parts = Parts {
                bytes: Vec::new(),
                missing: len,
            };
            self.parts = Some(parts);
        }
        let outcome = self.assemble();
        if !matches!(outcome, Ok(_) | Err(TryRecvError::Empty)) {
            self.parts = None;
        }
        outcome
    }

    /// Whatever the header claims, no more memory is taken than bytes have come.
    #[cold]
    fn assemble(&mut self) -> Result<Next, TryRecvError> {
        let Inbox { outlet, parts } = self;
        let parts = parts.get_or_insert_default();
        while parts.missing > 0 {
            let wanted = parts.missing.min(outlet.part());
            let ready = match outlet.ready(wanted) {
                // It is to be sent to its end as long as its sender lives.
                Err(TryRecvError::Closed) => return Err(CUT_SHORT),
                outcome => outcome?,
            };
            let len = ready.min(wanted);
            outlet.append(0, len, &mut parts.bytes);
            parts.missing -= len;
            let padding = match parts.missing {
                0 => frame::padding(len),
                _ => 0,
            };
            if len + padding > ready {
                return Err(CUT_SHORT);
            }
            outlet.commit(len + padding);
        }
        let start = NonNull::from(parts.bytes.as_mut_slice()).cast();
        Ok(Next::Assembled(start, parts.bytes.len()))
    }
}

/// A message, to be looked at where it is: see [`Receiver::look`](super::Receiver::look). Dropping it consumes it.
pub struct Message<'a> {
    inbox: &'a mut Inbox,
    next: Next,
}

impl Message<'_> {
    /// The message. One that did not fit into the pipe, and came in parts, has been put together in this process's own memory.
    pub fn bytes(&self) -> SharedBytes<'_> {
        match self.next {
            Next::InPlace(len) => self.inbox.outlet.view(HEADER, len),
            // SAFETY: the bytes stay as long as this does, and are used by way of the view only.
            Next::Assembled(start, len) => unsafe { SharedBytes::new(start, len) },
        }
    }

    /// Done with it: what dropping does.
    pub fn consume(self) {}
}

impl Drop for Message<'_> {
    fn drop(&mut self) {
        match self.next {
            Next::InPlace(len) => self.inbox.outlet.commit(frame::total(len)),
            Next::Assembled(..) => self.inbox.parts = None,
        }
    }
}

impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("len", &self.bytes().len())
            .finish_non_exhaustive()
    }
}
