//! The operations, each made of the steps whose tables are in [`super::blocks`] and [`super::transfer`]; and when somebody need not look for what
//! the dead left, because there is no news since it looked in vain.

use super::blocks::{self, Run};
use super::chunk::Chunk;
use super::site::Site;
use super::transfer::{self, Adopted, Orphan, Purpose};
use crate::atomic::Ordering;
use crate::queue::core::{self, Nothing, Refused};

/// Takes memory of `len` blocks, of the dead too; `from` as in [`blocks::allocate`].
#[inline]
pub(super) fn allocate(site: &impl Site, len: u32, from: u32) -> Option<Run> {
    let allocate = || blocks::allocate(site, site.me(), len, from);
    let mut run = allocate();
    // More than one sweep: what one takes back may keep it from taking back what lies beside it.
    while run.is_none() && sweep(site) {
        run = allocate();
    }
    run
}

/// Takes back what the dead have, unless there is no news of any; whether there was something.
#[cold]
fn sweep(site: &impl Site) -> bool {
    let news = site.news();
    if site.seen_of_memory().get() == Some(news) {
        return false;
    }
    let swept = blocks::sweep(site);
    if swept.complete {
        site.seen_of_memory().set(Some(news));
    }
    (0..swept.freed).for_each(|_| site.repaired());
    swept.freed > 0
}

/// Gives back what the caller has: memory on loan, a message received, one on lease, which is acknowledged by that.
#[inline]
pub(super) fn free(site: &impl Site, run: Run, chunk: Chunk) {
    blocks::free(site, run, chunk);
    site.settled();
}

/// Lets another have what the caller has on lease.
pub(super) fn give_back(site: &impl Site, run: Run) {
    transfer::give_back(site, run);
    site.spread_news();
    site.not_empty().ring(1);
}

/// Sends what the caller has on loan.
#[inline]
pub(super) fn send(site: &impl Site, run: Run) -> Result<(), Refused> {
    let send = || core::send(site, site.sending(), site.seen_head(), &run);
    let sent = match send() {
        Err(Refused::Full) => {
            // Full of holes, for there are more places than blocks. Perhaps there is no receiver to give them up.
            let _ = core::look(site);
            send()
        }
        outcome => outcome,
    };
    sent?;
    site.not_empty().ring(1);
    Ok(())
}

/// A message received.
pub(super) struct Received {
    pub(super) run: Run,
    pub(super) chunk: Chunk,
    /// Somebody had it on lease before.
    pub(super) again: bool,
}

/// Why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    Empty,
    /// Nothing is left, nor can come back from another process.
    Closed,
    /// The queue's positions contradict each other.
    Positions,
    /// A place names no chunk that was sent under it.
    Chunk,
}

#[inline]
pub(super) fn receive(site: &impl Site, purpose: Purpose) -> Result<Received, Missing> {
    let news = site.news();
    match receive_or_adopt(site, purpose, news) {
        // With a hole that was given up an orphan may have come to light.
        Err(Missing::Empty) if site.news() != news => receive_or_adopt(site, purpose, site.news()),
        outcome => outcome,
    }
}

#[inline]
fn receive_or_adopt(site: &impl Site, purpose: Purpose, news: u64) -> Result<Received, Missing> {
    if site.seen_of_orphans().get() != Some(news) {
        match adopt(site, purpose) {
            Ok(received) => return Ok(received),
            Err(rest) if rest.complete => site.seen_of_orphans().set(Some(news)),
            Err(_) => {}
        }
    }
    let claimed = match core::receive(site) {
        Ok((ticket, start)) => {
            transfer::claim(site, start, ticket, site.me(), purpose).ok_or(Missing::Chunk)
        }
        Err(Nothing::Corrupted) => Err(Missing::Positions),
        Err(nothing) => {
            site.withdraw_receipt(false);
            if nothing != Nothing::Closed {
                return Err(Missing::Empty);
            }
            // What others have on lease may yet come back.
            return adopt(site, purpose).map_err(|rest| match rest.outstanding {
                true => Missing::Empty,
                false => Missing::Closed,
            });
        }
    };
    site.withdraw_receipt(claimed.is_ok());
    if claimed.is_err() {
        // Somebody scribbled. The message may be whole: then it is an orphan.
        site.spread_news();
    }
    let (run, chunk) = claimed?;
    site.made_room();
    site.settled();
    Ok(Received {
        run,
        chunk,
        again: false,
    })
}

/// What is left when there is nothing to adopt: see [`Adopted::Nothing`].
struct Rest {
    complete: bool,
    outstanding: bool,
}

#[cold]
fn adopt(site: &impl Site, purpose: Purpose) -> Result<Received, Rest> {
    match transfer::adopt(site, site.me(), purpose) {
        Adopted::Found { run, chunk, orphan } => {
            if orphan != Orphan::Returned {
                Site::repaired(site);
            }
            site.settled();
            Ok(Received {
                run,
                chunk,
                again: orphan != Orphan::Unreceived,
            })
        }
        Adopted::Nothing {
            complete,
            outstanding,
        } => Err(Rest {
            complete,
            outstanding,
        }),
    }
}

/// Whether a receive would find something, or that nothing comes any more.
pub(super) fn is_ready(site: &impl Site) -> bool {
    let outlook = || transfer::outlook(site, site.me());
    let news = site.news();
    if site.seen_of_orphans().get() != Some(news) && outlook().orphan {
        return true;
    }
    match core::look(site) {
        Ok(_) | Err(Nothing::Corrupted) => true,
        // With a hole that was given up an orphan may have come to light.
        Err(Nothing::Empty | Nothing::Busy) => site.news() != news && outlook().orphan,
        Err(Nothing::Closed) => {
            let outlook = outlook();
            outlook.orphan || !outlook.outstanding
        }
    }
}

/// Whether everything that was sent is done with; `None` if the positions contradict each other.
pub(super) fn is_idle(site: &impl Site) -> Option<bool> {
    loop {
        let before = site.tail_word().load(Ordering::Acquire);
        match core::look(site) {
            Err(Nothing::Corrupted) => return None,
            Err(Nothing::Empty | Nothing::Closed) if transfer::is_idle(site) => {}
            _ => return Some(false),
        }
        if site.tail_word().load(Ordering::Acquire) == before {
            return Some(true);
        }
    }
}
