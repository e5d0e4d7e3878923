//! How a message changes hands.
//!
//! Chunks travel through a queue of their numbers ([`crate::queue`]). On the way it is the chunk's word ([`super::chunk`]) that says whose it is, and every change of hands is
//! one store or compare-and-swap of that word.
//!
//! | sending | if the sender dies after it |
//! |---|---|
//! | announce ticket `t`, claim it | the chunk is still the dead's: it is freed. The ticket is a hole, given up by the next receiver |
//! | chunk: `held(me)` → `queued(t)`: **the commit** | the ticket is a hole, but the message is sent: it is adopted |
//! | write the number, the slot's sequence | sent |
//!
//! | receiving | if the receiver dies after it |
//! |---|---|
//! | announce that ticket `t` is to be received | nothing happened |
//! | move the queue's head over `t` | nobody has received the message: it is adopted |
//! | chunk: `queued(t)` → `held(me)`, or `leased(me)`: **the commit** | received by the dead, delivered at most once: it is freed. Leased: it is adopted |
//! | withdraw the announcement | the same |
//!
//! | afterwards | if the receiver dies after it |
//! |---|---|
//! | a message is dropped, a lease acknowledged: chunk → `vacant`: **the commit** | it is done ([`super::blocks`]) |
//! | a lease is dropped: chunk → `returned`: **the commit** | it is adopted |
//!
//! # Adopting
//!
//! A message is an *orphan* if it was returned; if it is leased by a dead process; or if it is queued under a ticket that lies behind the queue's head
//! and no live participant announces to receive. In the last case nobody can receive it any more: the announcement came before the head
//! moved, and it is withdrawn only after the chunk's word has changed. A receiver takes an orphan by compare-and-swap of the chunk's word: **the commit**.
//! The word is unlike all others the chunk ever had, or says that it was returned again, so one who looked long ago gets nothing but an orphan.
//!
//! Who finds nothing to receive may sleep: an orphan is made by a death, which every sleeper learns of; by returning, which rings; or by giving up
//! a hole, which counts as news. An announcement that hides an orphan, because its ticket went to another who died, is withdrawn with a ring.

use super::blocks::{Pool, Run, chunks};
use super::chunk::{Chunk, State, Ticket};
use crate::atomic::about_to_change;
use crate::owner::Owner;

/// What adopting and claiming need besides the pool.
pub(super) trait Tickets: Pool {
    /// The queue's head.
    fn head(&self) -> u64;
    /// Whether a live participant announces to receive this ticket.
    fn is_being_received(&self, ticket: Ticket) -> bool;
}

/// To what end a message is received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// It is gone with its receiver.
    Keep,
    /// Until it is acknowledged it comes back.
    Lease,
}

impl Purpose {
    #[inline]
    fn chunk(self, me: Owner, blocks: u32) -> Chunk {
        match self {
            Purpose::Keep => Chunk::held(me, blocks),
            Purpose::Lease => Chunk::leased(me, blocks),
        }
    }
}

/// Puts the caller's chunk into the queue under its ticket. Called between claiming the ticket and committing it to the queue.
#[inline]
pub(super) fn enqueue(pool: &impl Pool, run: Run, ticket: u64) {
    Chunk::queued(ticket, run.len).store(pool.chunk(run.start));
}

/// Takes the chunk that ticket `ticket` was received with, which is to begin at block `start`.
#[inline]
pub(super) fn claim(
    pool: &impl Pool,
    start: u64,
    ticket: u64,
    me: Owner,
    purpose: Purpose,
) -> Option<(Run, Chunk)> {
    let start = u32::try_from(start)
        .ok()
        .filter(|start| *start < pool.blocks())?;
    about_to_change(pool.chunk(start));
    let now = Chunk::load(pool.chunk(start));
    let run = Run::of(pool, start, now)?;
    let mine = purpose.chunk(me, run.len);
    let is_it = now == Chunk::queued(ticket, run.len) && now.replace(pool.chunk(start), mine);
    is_it.then_some((run, mine))
}

/// How a message came to be one that nobody has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Orphan {
    /// Its sender, or the receiver that was about to have it, died.
    Unreceived,
    /// It was on lease to one who died.
    Leased,
    Returned,
}

/// What looking for orphans came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Adopted {
    Found {
        run: Run,
        chunk: Chunk,
        orphan: Orphan,
    },
    Nothing {
        /// Until there is news, there is nothing more to be had.
        complete: bool,
        /// Other live processes have messages that may come back.
        outstanding: bool,
    },
}

/// What a chunk is to somebody who looks for orphans.
enum Kin {
    Orphan(Orphan),
    /// On lease to somebody alive.
    Leased(Owner),
    /// Perhaps: somebody alive may be receiving it.
    Unknown,
    /// Not to be received, or by way of the queue.
    Other,
}

fn kin(pool: &impl Tickets, head: u64, chunk: Chunk) -> Kin {
    match chunk.state() {
        State::Returned => Kin::Orphan(Orphan::Returned),
        State::Leased(owner) if pool.is_live(owner) => Kin::Leased(owner),
        State::Leased(_) => Kin::Orphan(Orphan::Leased),
        State::Queued(ticket) if !ticket.is_before(head) => Kin::Other,
        State::Queued(ticket) if pool.is_being_received(ticket) => Kin::Unknown,
        State::Queued(_) => Kin::Orphan(Orphan::Unreceived),
        State::Vacant | State::Held(_) | State::Garbage => Kin::Other,
    }
}

/// Takes an orphan, if there is one.
#[cold]
pub(super) fn adopt(pool: &impl Tickets, me: Owner, purpose: Purpose) -> Adopted {
    let head = pool.head();
    let (mut complete, mut outstanding, mut found) = (true, false, None);
    chunks(pool, |run, chunk| {
        if found.is_some() {
            return;
        }
        match kin(pool, head, chunk) {
            // What says to be longer than it can be is garbage.
            Kin::Orphan(orphan) if run.len == chunk.blocks() => {
                let mine = purpose.chunk(me, run.len);
                if chunk.replace(pool.chunk(run.start), mine) {
                    found = Some(Adopted::Found {
                        run,
                        chunk: mine,
                        orphan,
                    });
                } else {
                    (complete, outstanding) = (false, true);
                }
            }
            Kin::Leased(owner) => outstanding |= owner != me,
            Kin::Unknown => (complete, outstanding) = (false, true),
            Kin::Orphan(_) | Kin::Other => {}
        }
    });
    found.unwrap_or(Adopted::Nothing {
        complete,
        outstanding,
    })
}

/// What [`adopt`] would find at this moment.
pub(super) struct Outlook {
    pub(super) orphan: bool,
    /// As in [`Adopted::Nothing`].
    pub(super) outstanding: bool,
}

#[cold]
pub(super) fn outlook(pool: &impl Tickets, me: Owner) -> Outlook {
    let head = pool.head();
    let (mut orphan, mut outstanding) = (false, false);
    chunks(pool, |run, chunk| match kin(pool, head, chunk) {
        Kin::Orphan(_) => orphan |= run.len == chunk.blocks(),
        Kin::Leased(owner) => outstanding |= owner != me,
        Kin::Unknown => outstanding = true,
        Kin::Other => {}
    });
    Outlook {
        orphan,
        outstanding,
    }
}

/// Whether no message is on its way, being leased, or waiting to be adopted. To be asked when the queue holds no ticket, and believed if
/// it still holds none afterwards.
pub(super) fn is_idle(pool: &impl Pool) -> bool {
    let mut idle = true;
    chunks(pool, |_, chunk| {
        idle &= !matches!(
            chunk.state(),
            State::Leased(_) | State::Queued(_) | State::Returned
        );
    });
    idle
}

/// Gives a leased chunk back without acknowledging it.
pub(super) fn give_back(pool: &impl Pool, run: Run) {
    Chunk::returned(run.len).store(pool.chunk(run.start));
}
