//! The messages between a pool and its workers: tasks there, results back.
//!
//! | job | bytes | |
//! |---|---|---|
//! | | 0..4 | ticket |
//! | | 4..8 | [flags](Flags) |
//! | | 8..16 | generation |
//! | | 16..24 | the code that runs the tasks, by its place in the program |
//! | | 24..32 | its [seal](super::code) |
//! | | 32..40 | how many tasks |
//! | | 40.. | the arguments of each, one behind the other |
//!
//! | report | bytes | |
//! |---|---|---|
//! | | 0..4 | ticket |
//! | | 4..8 | flags |
//! | | 8..16 | generation |
//! | | 16..24 | which of the job's tasks is the first one reported |
//! | | 24..32 | how many are |
//! | | 32..40 | how long they took, in nanoseconds |
//! | | 40.. | the outcome of each |
//!
//! A body that is too long for the queue, whose memory is the same for all, is put into a dict that grows. The parent takes it out again.

use bytemuck::{Pod, Zeroable};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::board::Use;
use crate::error::{Fault, LoanError, SendError, TryLoanError, UpdateError};
use crate::messages::{Loan, Message};
use crate::{Dict, MessageQueue};

/// Bits of what is to be known about a message.
pub(super) struct Flags;

impl Flags {
    /// The body is in the dict.
    pub(super) const STORED: u32 = 1;
    /// Of a job: its tasks' time is limited.
    pub(super) const TIMED: u32 = 2;
    /// Of a job: each result is to be sent at once.
    pub(super) const EACH: u32 = 4;
}

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct JobHeader {
    pub(super) ticket: u32,
    pub(super) flags: u32,
    pub(super) generation: u64,
    pub(super) code: u64,
    pub(super) seal: u64,
    pub(super) count: u64,
}

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct ReportHeader {
    pub(super) ticket: u32,
    pub(super) flags: u32,
    pub(super) generation: u64,
    pub(super) first: u64,
    pub(super) count: u64,
    pub(super) nanos: u64,
}

/// What either begins with.
pub(super) trait Header: Pod {
    /// Tells what is stored by parents from what is stored by workers.
    const SIDE: u8;
    fn subject(&self) -> Use;
    /// Tells several with the same subject apart.
    fn part(&self) -> u64;
    fn flags(&mut self) -> &mut u32;
}

impl Header for JobHeader {
    const SIDE: u8 = 0;

    fn subject(&self) -> Use {
        Use {
            ticket: self.ticket,
            generation: self.generation,
        }
    }

    fn part(&self) -> u64 {
        0
    }

    fn flags(&mut self) -> &mut u32 {
        &mut self.flags
    }
}

impl Header for ReportHeader {
    const SIDE: u8 = 1;

    fn subject(&self) -> Use {
        Use {
            ticket: self.ticket,
            generation: self.generation,
        }
    }

    fn part(&self) -> u64 {
        self.first
    }

    fn flags(&mut self) -> &mut u32 {
        &mut self.flags
    }
}

/// What a stored body is found by: side, ticket, generation, part.
pub(super) type Key = (u8, u32, u64, u64);

/// A body in the dict.
pub(super) struct Bytes(Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Bytes;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }
        }
        deserializer.deserialize_bytes(Visitor)
    }
}

pub(super) type Large = Dict<Key, Bytes>;

/// Why a message was not sent.
#[derive(Debug)]
pub(super) enum Unsent {
    /// There is no room in the queue at the moment.
    Full,
    Closed,
    /// There is no room for its body anywhere.
    NoRoom(UpdateError),
    Fault(Fault),
}

impl From<TryLoanError> for Unsent {
    fn from(error: TryLoanError) -> Unsent {
        match error {
            TryLoanError::Full => Unsent::Full,
            TryLoanError::Closed => Unsent::Closed,
            // Bodies are stored long before.
            TryLoanError::Oversized => Unsent::NoRoom(UpdateError::Oversized),
            TryLoanError::Fault(fault) => Unsent::Fault(fault),
        }
    }
}

impl From<LoanError> for Unsent {
    fn from(error: LoanError) -> Unsent {
        match error {
            LoanError::Closed => Unsent::Closed,
            LoanError::Oversized => Unsent::NoRoom(UpdateError::Oversized),
            LoanError::Fault(fault) => Unsent::Fault(fault),
        }
    }
}

fn key<H: Header>(header: &H) -> Key {
    let Use { ticket, generation } = header.subject();
    (H::SIDE, ticket, generation, header.part())
}

/// Sends a message. `loan` says how long to wait for room in the queue.
pub(super) fn send<'q, H: Header, E>(
    queue: &'q MessageQueue,
    large: &Large,
    mut header: H,
    body: &[u8],
    loan: impl FnOnce(&'q MessageQueue, usize) -> Result<Loan<'q>, E>,
) -> Result<(), Unsent>
where
    Unsent: From<E>,
{
    // As large as this, few find room at a time.
    let is_large = body.len() > queue.memory() / 8;
    let body = if is_large {
        large
            .insert(&key(&header), &Bytes(body.to_vec()))
            .map_err(Unsent::NoRoom)?;
        *header.flags() |= Flags::STORED;
        &[]
    } else {
        body
    };
    let sent = loan(queue, size_of::<H>() + body.len())
        .map_err(Unsent::from)
        .and_then(|mut loan| {
            loan.write(0, bytemuck::bytes_of(&header));
            loan.write(size_of::<H>(), body);
            loan.send().map_err(|unsent| match unsent {
                SendError::Closed(_) | SendError::PeerDied(_) => Unsent::Closed,
                SendError::Fault(_, fault) => Unsent::Fault(fault),
            })
        });
    if is_large && sent.is_err() {
        discard(large, &header);
    }
    sent
}

/// The header a message begins with; `None` if it is too short to have one.
pub(super) fn header<H: Header>(message: &Message<'_>) -> Option<H> {
    let mut header = H::zeroed();
    if message.len() < size_of::<H>() {
        return None;
    }
    message.read(0, bytemuck::bytes_of_mut(&mut header));
    Some(header)
}

/// Adds a copy of the body to these bytes. `false` if it was stored and is no longer there.
pub(super) fn body<H: Header>(
    large: &Large,
    header: &mut H,
    message: &Message<'_>,
    to: &mut Vec<u8>,
) -> Result<bool, Fault> {
    if *header.flags() & Flags::STORED != 0 {
        let stored = large.get(&key(header))?;
        if let Some(Bytes(stored)) = &stored {
            to.extend_from_slice(stored);
        }
        return Ok(stored.is_some());
    }
    let before = to.len();
    to.resize(before + message.len() - size_of::<H>(), 0);
    message.read(size_of::<H>(), &mut to[before..]);
    Ok(true)
}

/// Takes what may have been stored for a message out of the dict.
pub(super) fn discard<H: Header>(large: &Large, header: &H) {
    // A body that cannot be taken out stays until the pool goes.
    let _ = large.discard(&key(header));
}
