#![allow(unsafe_code)] // views of the chunk's bytes, which the guard keeps mapped
//! What a process has of a queue's memory: a loan to fill, a message received, a job on lease. Each gives it back when dropped.

use std::fmt;
use std::io;
use std::ops::Deref;

use super::blocks::Run;
use super::chunk::Chunk;
use super::delivery;
use super::exchange::Messages;
use super::memory::Label;
use crate::atomic::Ordering;
use crate::bytes::{SharedBytes, SharedBytesMut};
use crate::error::{SendError, TrySendError};
use crate::liveness::current_thread;
use crate::owner::Owner;
use crate::wait::Patience;

/// A chunk that this process has.
pub(super) struct Held<'a> {
    pub(super) messages: &'a Messages,
    pub(super) run: Run,
    chunk: Chunk,
    /// Bytes of the message, at most those of the chunk.
    len: usize,
    process: Owner,
    /// The thread that took it.
    thread: u64,
}

impl<'a> Held<'a> {
    /// `len` has been compared with the run's length.
    pub(super) fn new(
        messages: &'a Messages,
        run: Run,
        chunk: Chunk,
        len: usize,
        process: Owner,
    ) -> Held<'a> {
        Held {
            messages,
            run,
            chunk,
            len,
            process,
            thread: current_thread(),
        }
    }

    /// Whether this process may still do something with the chunk: in a forked child it is a copy.
    fn is_mine(&self) -> bool {
        let attachment = &self.messages.words.place.attachment;
        self.thread == current_thread() || attachment.known_process() == Some(self.process)
    }

    pub(super) fn bytes(&self) -> SharedBytes<'_> {
        // SAFETY: the run lies inside the memory, `len` bytes inside the run, and the queue that is borrowed keeps it mapped.
        unsafe { SharedBytes::new(self.messages.words.data(self.run.start), self.len) }
    }

    fn bytes_mut(&mut self) -> SharedBytesMut<'_> {
        if self.thread != current_thread() {
            // A thread that may write takes part: until it has ended nobody else gets the memory. One for which there is no room may tear
            // another's message while its process is being killed.
            let _ = self.messages.actor();
        }
        // SAFETY: as above; the chunk is this process's, and this the only guard of it.
        unsafe { SharedBytesMut::new(self.messages.words.data(self.run.start), self.len) }
    }

    fn write_label(&self, deliveries: u16) {
        let label = Label {
            len: self.len as u64,
            deliveries,
        };
        // Relaxed: the next owner reads it after it has acquired the chunk's word.
        self.messages
            .words
            .label(self.run.start)
            .store(label.bits(), Ordering::Relaxed);
    }

    /// Gives the chunk back by a thread that cannot take part, as there are too many: it announces nothing, so that the blocks of a chunk that
    /// becomes vacant are found by a sweep. Should it die before it has rung, others hear of it late.
    #[cold]
    fn change_unannounced(&self, to: Chunk) {
        let words = &self.messages.words;
        if self.chunk.replace(words.chunk(self.run.start), to) {
            words.spread_news();
            words.ring_all();
        }
    }

    /// Hands the chunk to somebody else, who answers for it now.
    pub(super) fn forget(self) {
        std::mem::forget(self);
    }
}

impl Drop for Held<'_> {
    #[inline]
    fn drop(&mut self) {
        if !self.is_mine() {
            return;
        }
        let Ok(actor) = self.messages.actor() else {
            return self.change_unannounced(Chunk::VACANT);
        };
        delivery::free(&actor, self.run, self.chunk);
    }
}

/// Memory of a queue, to be filled and sent. Dropping it gives the memory back.
///
/// It belongs to the process: it can be filled and sent by another thread. In a forked child it is a copy that sends nothing.
pub struct Loan<'a> {
    held: Held<'a>,
    /// Where `io::Write` goes on.
    written: usize,
}

impl<'a> Loan<'a> {
    pub(super) fn new(held: Held<'a>) -> Loan<'a> {
        Loan { held, written: 0 }
    }

    /// How many bytes the message will have.
    pub fn len(&self) -> usize {
        self.held.len
    }

    /// Whether it will have none.
    pub fn is_empty(&self) -> bool {
        self.held.len == 0
    }

    /// Copies `from` over the bytes from `offset` on.
    ///
    /// # Panics
    ///
    /// If there are not as many.
    pub fn write(&mut self, offset: usize, from: &[u8]) {
        self.bytes().write(offset, from);
    }

    /// The bytes, to be written in place. At first they are what was there before, of whatever message. Aligned to 64 bytes.
    pub fn bytes(&mut self) -> SharedBytesMut<'_> {
        self.held.bytes_mut()
    }

    /// Makes the message shorter.
    ///
    /// # Panics
    ///
    /// If it would become longer.
    pub fn truncate(&mut self, len: usize) {
        assert!(len <= self.held.len, "{len} bytes of {}", self.held.len);
        self.held.len = len;
        self.written = self.written.min(len);
    }

    /// Sends the message, without copying it. Does not block, but for a queue most of whose places were claimed by senders that died.
    ///
    /// # Errors
    ///
    /// [`Closed`](SendError::Closed), [`Fault`](SendError::Fault), each with the loan.
    #[inline]
    pub fn send(self) -> Result<(), SendError<Self>> {
        self.send_within(Patience::Forever)
            .map_err(|(loan, refused)| refused.of_send(loan))
    }

    #[inline]
    pub(super) fn send_within(self, patience: Patience) -> Result<(), (Self, TrySendError<()>)> {
        if !self.held.is_mine() {
            return Err((self, TrySendError::Fault((), crate::Fault::RoleLost)));
        }
        self.held.write_label(0);
        match self.held.messages.send_run(self.held.run, patience) {
            Ok(()) => {
                self.held.forget();
                Ok(())
            }
            Err(refused) => Err((self, refused)),
        }
    }
}

/// Writes one piece behind the other; what does not fit is not written.
impl io::Write for Loan<'_> {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        let now = from.len().min(self.held.len - self.written);
        let at = self.written;
        Loan::write(self, at, &from[..now]);
        self.written += now;
        Ok(now)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A message received, in the queue's memory. Dropping it frees that.
///
/// It belongs to the process, and can move between its threads.
pub struct Message<'a>(Held<'a>);

impl<'a> Message<'a> {
    pub(super) fn new(held: Held<'a>) -> Message<'a> {
        Message(held)
    }
}

/// The message's bytes. Aligned to 64 bytes.
impl Message<'_> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.len == 0
    }

    /// The bytes in place.
    pub fn bytes(&self) -> SharedBytes<'_> {
        self.0.bytes()
    }

    /// Copies the bytes from `offset` on into `to`, filling it.
    ///
    /// # Panics
    ///
    /// If there are not as many.
    pub fn read(&self, offset: usize, to: &mut [u8]) {
        self.bytes().read(offset, to);
    }

    /// A copy of the bytes.
    pub fn to_vec(&self) -> Vec<u8> {
        self.bytes().to_vec()
    }
}

/// A message received that comes back unless it is acknowledged: if this is dropped, or if the process dies.
///
/// The lease has no end of its own: a process that is slow, or stopped, keeps it. It belongs to the process, and can move between its threads.
#[must_use = "a lease that is dropped gives the message to the next receiver"]
pub struct Lease<'a> {
    /// Taken out by acknowledging.
    message: Option<Message<'a>>,
    deliveries: u16,
}

impl<'a> Lease<'a> {
    pub(super) fn new(held: Held<'a>, deliveries: u16) -> Lease<'a> {
        // Who gets it next counts this delivery.
        held.write_label(deliveries);
        Lease {
            message: Some(Message::new(held)),
            deliveries,
        }
    }

    /// Says that the message is done with: **the commit**. Killed before, this process has not done it; killed afterwards, it has.
    pub fn ack(mut self) {
        self.message = None;
    }

    /// How often it was on lease before, without having been acknowledged; at most 65535.
    pub fn deliveries(&self) -> u32 {
        self.deliveries.into()
    }

    /// Whether it was on lease before: whoever had it may have done some of what it takes.
    pub fn is_redelivered(&self) -> bool {
        self.deliveries > 0
    }
}

impl<'a> Deref for Lease<'a> {
    type Target = Message<'a>;

    fn deref(&self) -> &Message<'a> {
        self.message
            .as_ref()
            .expect("it is taken out at the end only")
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let Some(Message(held)) = self.message.take() else {
            return; // Acknowledged.
        };
        if !held.is_mine() {
            return held.forget();
        }
        match held.messages.actor() {
            Ok(actor) => delivery::give_back(&actor, held.run),
            Err(_) => held.change_unannounced(Chunk::returned(held.run.len)),
        }
        held.forget();
    }
}

macro_rules! debug_by_len {
    ($($name:ident),+) => { $(
        impl fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).field("len", &self.len()).finish_non_exhaustive()
            }
        }
    )+ };
}

debug_by_len!(Loan, Message, Lease);
