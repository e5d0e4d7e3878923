//! Who is waited for: the subscribers' seats, apart from the memory they are in.
//!
//! | word | value | written by |
//! |---|---|---|
//! | a seat's claim | who has it ([`crate::sync::claim`]); the tag counts changes, and is odd while the seat counts | its holder; to join, the holder of the senders' lock |
//! | a seat's `position` | of the next value that its subscriber receives | its holder; before the seat counts, the holder of the lock |
//! | `used` | no seat from this one on was ever taken | the holder of the lock |
//! | `slowest` | no subscriber's position is below | the holder of the lock |
//!
//! The holder is a process: a subscriber may move between its threads, and to a child. A seat whose holder is dead is as good as vacant, and
//! its position counts for nothing.
//!
//! | step of joining, under the lock | if the actor dies after it |
//! |---|---|
//! | claim: a seat that nobody alive has → the caller's, tag even | the seat does not count; it is vacant with the last of its process's threads |
//! | `position = tail`, `used` | the same |
//! | claim: tag odd: **the commit** | subscribed, by the dead: vacant |
//!
//! | step of receiving | if the actor dies after it |
//! |---|---|
//! | copy the value at `position` | nothing happened, and the seat is vacant |
//! | `position + 1` (Release): **the commit** | received, by the dead; the seat is vacant |
//! | ring for those who wait for room | done |
//!
//! | step of leaving | if the actor dies after it |
//! |---|---|
//! | claim → closed: **the commit** | the seat is vacant |
//! | ring for those who wait for room | done |
//!
//! There is room for position `t` if `t - slowest` is less than the capacity. When that bound is used up the seats are looked through for a
//! new one. It stays a bound: subscribers join at `tail`, and positions only grow.

use super::core::Corrupted;
use crate::atomic::{AtomicU64, Ordering};
use crate::owner::Owner;
use crate::sync::claim::{Claim, Holder};

/// The subscribers' seats of one ring.
pub(crate) trait Seats {
    /// How many there are; 0 where nobody is waited for.
    fn seats(&self) -> usize;
    fn room(&self) -> u64;
    fn claim(&self, index: usize) -> &AtomicU64;
    fn position(&self, index: usize) -> &AtomicU64;
    fn used(&self) -> &AtomicU64;
    fn slowest(&self) -> &AtomicU64;
    fn is_live(&self, owner: Owner) -> bool;
}

/// The tag of a claim that counts, made of one that did not.
const COUNTS: u16 = 1;

/// The tag of a seat's next claim, made by `change` of the last one.
fn joining(last: u16) -> u16 {
    (last | COUNTS).wrapping_add(1)
}

/// The tag of a seat that goes from one process to another: of one that counts, one that counts.
pub(crate) fn moved(tag: u16) -> u16 {
    tag.wrapping_add(2)
}

fn is_taken(seats: &impl Seats, claim: Claim) -> bool {
    matches!(claim.holder(), Holder::Someone(owner) if seats.is_live(owner))
}

/// A seat just taken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Joined {
    pub(crate) index: usize,
    pub(crate) position: u64,
    pub(crate) held: Claim,
    /// Its last holder died.
    pub(crate) inherited: bool,
}

/// Takes a seat for process `me`, which is to receive everything from `tail` on; `None` if there is none. The caller has the senders' lock.
pub(crate) fn join(seats: &impl Seats, tail: u64, me: Owner) -> Result<Option<Joined>, Corrupted> {
    for index in 0..seats.seats() {
        let word = seats.claim(index);
        let now = Claim::load(word);
        if is_taken(seats, now) {
            continue;
        }
        // A failure means that a child has arrived to which the dead had sent the seat.
        let Ok(mine) = now.replace(word, Claim::held(me, joining(now.tag()))) else {
            continue;
        };
        // Relaxed: ordered by the claim, below, whose Release pairs with the Acquire in `positions`.
        seats.position(index).store(tail, Ordering::Relaxed);
        if seats.used().load(Ordering::Relaxed) <= index as u64 {
            seats.used().store(index as u64 + 1, Ordering::Relaxed);
        }
        let held = mine
            .replace(word, Claim::held(me, mine.tag() | COUNTS))
            .map_err(|_| Corrupted)?;
        return Ok(Some(Joined {
            index,
            position: tail,
            held,
            inherited: matches!(now.holder(), Holder::Someone(_)),
        }));
    }
    Ok(None)
}

/// The positions of those who are waited for.
fn positions(seats: &impl Seats) -> impl Iterator<Item = u64> {
    let used = seats.used().load(Ordering::Relaxed);
    let used = usize::try_from(used).map_or(seats.seats(), |used| used.min(seats.seats()));
    (0..used).filter_map(|index| {
        let claim = Claim::load(seats.claim(index));
        let counts = claim.tag() & COUNTS != 0 && is_taken(seats, claim);
        // Acquire: pairs with the Release of a receive, whose copy is made before its slot is written again.
        counts.then(|| seats.position(index).load(Ordering::Acquire))
    })
}

/// Whether the value `room` before `tail` may go. The caller has the senders' lock.
#[inline]
pub(crate) fn has_room(seats: &impl Seats, tail: u64) -> Result<bool, Corrupted> {
    let is_room = |slowest: u64| tail.wrapping_sub(slowest) < seats.room();
    // Relaxed: the last to store it let go of the lock since, or died.
    if seats.seats() == 0 || is_room(seats.slowest().load(Ordering::Relaxed)) {
        return Ok(true);
    }
    let mut slowest = tail;
    for position in positions(seats) {
        if tail.wrapping_sub(position) > seats.room() {
            return Err(Corrupted);
        }
        slowest = slowest.min(position);
    }
    seats.slowest().store(slowest, Ordering::Relaxed);
    Ok(is_room(slowest))
}

/// Whether somebody was waited for at one moment since `tail` was looked at; without the lock.
pub(crate) fn is_full(seats: &impl Seats, tail: u64) -> bool {
    positions(seats).any(|position| tail.saturating_sub(position) >= seats.room())
}

/// The holder of the seat has received all before `position`. To be followed by the bell.
#[inline]
pub(crate) fn advance(seats: &impl Seats, index: usize, position: u64) {
    // Release: pairs with the Acquire in `positions`.
    seats.position(index).store(position, Ordering::Release);
}

/// How many subscribers there are.
pub(crate) fn taken(seats: &impl Seats) -> usize {
    positions(seats).count()
}
