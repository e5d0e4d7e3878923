//! The barrier's algorithm, apart from the memory it runs on.
//!
//! A *state* for all:
//!
//! | bits | meaning |
//! |---|---|
//! | 0..3 | 0 whole; broken: 1 by `abort`, 2 by a timeout, 3 because a party died, 4 because one left |
//! | 3..32 | while it is whole, how often somebody has joined; else the process id of the party that died |
//! | 32..64 | the generation: 1 more when all have arrived, 2 more when it is reset |
//!
//! and a *seat* for each party: a claim ([`super::claim`]) whose holder is a process. It is vacant until somebody joins, and closed when
//! its party left. Its tag is the low half of one more than the last generation in which the party arrived.
//!
//! | step | if the actor dies after it |
//! |---|---|
//! | join: seat `vacant`, closed or of the dead → `held(me)`; count it in the state | a seat of the dead |
//! | arrive: store the seat with this generation's tag | a seat of the dead, arrived |
//! | see that all have arrived; state: generation `g` → `g + 1`: **the commit** | all are released; sleepers learn of the death, and look |
//! | ring the bell | done |
//! | see that a party is dead; state: whole → broken: **the commit** | broken; sleepers learn of the death, and look |
//!
//! Each arrival is followed by a look at all seats, both in the one order of sequentially consistent operations, so the last to arrive sees
//! that all have. Each sleeper looks at all seats and their holders' lives, after it has armed the bell and taken its census,
//! so a death that concerns it wakes it. All changes of the state are compare-and-swaps of the whole word, so a generation is either
//! released or broken, and all who waited in it say the same. Since joining changes the state too, nobody releases a generation who
//! has not looked at the seats of all that had joined by then.
//!
//! A generation is not released without a live party that has joined, so while one waits in generation `g` there is at most one release,
//! of `g`, and no other after a reset: if the generation is an odd number away from `g`, it was released; if even, reset.

use std::fmt;

use super::claim::{self, Claim, Holder};
use crate::atomic::{AtomicU64, Ordering, fence, seeded};
use crate::owner::Owner;

/// Why a barrier is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// Somebody called `abort`.
    Aborted,
    /// A party did not wait longer than it had said.
    TimedOut,
    /// A party's process died.
    Died {
        /// The process, in its own PID namespace; 0 if that is not known any more.
        pid: u32,
    },
    /// A party left, and others waited for it.
    Left,
    /// Somebody called `reset` while parties waited.
    Reset,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Aborted => f.write_str("aborted"),
            Cause::TimedOut => f.write_str("a party timed out"),
            Cause::Died { pid: 0 } => f.write_str("a party died"),
            Cause::Died { pid } => write!(f, "a party died: process {pid}"),
            Cause::Left => f.write_str("a party left"),
            Cause::Reset => f.write_str("reset while parties waited"),
        }
    }
}

impl std::error::Error for Cause {}

/// The memory of one barrier.
pub(super) trait Seats {
    /// How many parties there are, at least one.
    fn parties(&self) -> usize;
    fn state(&self) -> &AtomicU64;
    fn seat(&self, index: usize) -> &AtomicU64;
    fn is_live(&self, owner: Owner) -> bool;
    fn pid(&self, owner: Owner) -> u32;
    /// Whether the living go on without the dead.
    fn goes_on(&self) -> bool;
    /// Wakes everybody who waits.
    fn ring(&self);
}

const CAUSE: u64 = 7;
const PID: u32 = 3;
const GENERATION: u32 = 32;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State(u64);

impl State {
    pub(super) fn load(seats: &impl Seats) -> State {
        // Acquire: pairs with the Release of whoever released or broke the barrier.
        State(seats.state().load(Ordering::Acquire))
    }

    pub(super) fn generation(self) -> u32 {
        (self.0 >> GENERATION) as u32
    }

    pub(super) fn cause(self) -> Option<Cause> {
        match self.0 & CAUSE {
            0 => None,
            1 => Some(Cause::Aborted),
            2 => Some(Cause::TimedOut),
            4 => Some(Cause::Left),
            _ => Some(Cause::Died {
                pid: self.0 as u32 >> PID,
            }),
        }
    }

    /// How `generation` ended for one who arrived in it and has not brought it about, if it has ended.
    fn end_of(self, generation: u32) -> Option<End> {
        let away = self.generation().wrapping_sub(generation);
        match self.cause() {
            _ if away % 2 == 1 => Some(End::Released { leader: false }),
            _ if away != 0 => Some(End::Broken(Cause::Reset)),
            cause => cause.map(End::Broken),
        }
    }

    fn broken(self, cause: Cause) -> State {
        let bits = match cause {
            Cause::Aborted | Cause::Reset => 1,
            Cause::TimedOut => 2,
            Cause::Died { pid } => u64::from(pid << PID) | 3,
            Cause::Left => 4,
        };
        State(self.0 >> GENERATION << GENERATION | bits)
    }

    fn later(self, by: u32) -> State {
        State(u64::from(self.generation().wrapping_add(by)) << GENERATION)
    }

    fn joined(self) -> State {
        let joins = (self.0 as u32).wrapping_add(1 << PID);
        State(self.0 >> GENERATION << GENERATION | u64::from(joins))
    }

    /// Commits a change of the state, and tells everybody.
    fn replace(self, seats: &impl Seats, with: State) -> bool {
        // Release: pairs with `load`. Acquire: whoever is released sees what all others did before they arrived.
        let changed = seats
            .state()
            .compare_exchange(self.0, with.0, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok();
        if changed {
            seats.ring();
        }
        changed
    }
}

/// The tag of a seat whose party has arrived in `generation`.
fn arrived(generation: u32) -> u16 {
    generation.wrapping_add(1) as u16
}

/// The claim of a party that joins now.
pub(super) fn joining(seats: &impl Seats, me: Owner) -> Claim {
    Claim::held(me, State::load(seats).generation() as u16)
}

/// A seat that nobody alive has, and what its word is.
pub(super) fn free_seat(seats: &impl Seats) -> Option<(usize, Claim)> {
    (0..seats.parties()).find_map(|index| {
        let now = Claim::load(seats.seat(index));
        (!is_taken(seats, now)).then_some((index, now))
    })
}

/// Whether somebody alive has the seat.
fn is_taken(seats: &impl Seats, seat: Claim) -> bool {
    matches!(seat.holder(), Holder::Someone(owner) if seats.is_live(owner))
}

/// To be called when a seat has been taken: who looked at it before releases nobody.
pub(super) fn joined(seats: &impl Seats) {
    while {
        let state = State::load(seats);
        state.cause().is_none() && !state.replace(seats, state.joined())
    } {}
}

/// How a generation ended for one who waited in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// All have arrived; whether it was the caller who released them.
    Released {
        leader: bool,
    },
    Broken(Cause),
}

/// The party in seat `index`, of process `me`, arrives; in which generation, and its claim from now on.
pub(super) fn arrive(seats: &impl Seats, index: usize, me: Owner) -> Result<(u32, Claim), Cause> {
    let state = State::load(seats);
    if let Some(cause) = state.cause() {
        return Err(cause);
    }
    let generation = state.generation();
    let claim = Claim::held(me, arrived(generation));
    // Release: whoever is released sees what we did. SeqCst, before the look at the others: see above.
    seats.seat(index).swap(claim.0, Ordering::SeqCst);
    Ok((generation, claim))
}

/// The party in seat `index`, of process `me`, has not passed `generation`, which was broken; its claim from now on. Left as it
/// was, the arrival would count again when the tags come round, 2^15 resets later.
pub(super) fn withdraw(seats: &impl Seats, index: usize, me: Owner, generation: u32) -> Claim {
    let claim = Claim::held(me, generation as u16);
    // Relaxed: only its holder changes a seat of the living, and no other word goes with it.
    seats.seat(index).store(claim.0, Ordering::Relaxed);
    claim
}

/// Whether `generation` has come to an end for a party that has arrived; brings it about if it is time.
pub(super) fn look(seats: &impl Seats, generation: u32) -> Option<End> {
    let state = State::load(seats);
    let ended = state.end_of(generation);
    if ended.is_some() {
        return ended;
    }
    match survey(seats, generation) {
        Survey::Complete if state.replace(seats, state.later(1)) => {
            Some(End::Released { leader: true })
        }
        Survey::Lost(cause) if state.replace(seats, state.broken(cause)) => {
            Some(End::Broken(cause))
        }
        Survey::Incomplete => None,
        // Somebody else was quicker to end it.
        _ => State::load(seats).end_of(generation),
    }
}

enum Survey {
    Complete,
    Incomplete,
    /// A party will not come any more.
    Lost(Cause),
}

fn survey(seats: &impl Seats, generation: u32) -> Survey {
    full_barrier();
    let mut complete = true;
    let mut lost = None;
    for index in 0..seats.parties() {
        let load = || Claim(seats.seat(index).load(Ordering::SeqCst));
        let (seat, died) = claim::examine(load, |owner| seats.is_live(owner));
        let here = seat.tag() == arrived(generation);
        match seat.holder() {
            Holder::Vacant => complete = false,
            Holder::Someone(_) if !died => complete &= here,
            Holder::Someone(owner) => {
                complete &= here || seats.goes_on();
                let pid = seats.pid(owner);
                lost = Some(Cause::Died { pid });
            }
            Holder::Closed | Holder::Garbage => {
                complete &= seats.goes_on();
                lost = lost.or(Some(Cause::Left));
            }
        }
    }
    match lost {
        _ if complete => Survey::Complete,
        Some(cause) if !seats.goes_on() => Survey::Lost(cause),
        _ => Survey::Incomplete,
    }
}

/// Breaks `generation`, if it has not ended; how it ended.
pub(super) fn break_up(seats: &impl Seats, generation: u32, cause: Cause) -> End {
    loop {
        if let Some(end) = look(seats, generation) {
            return end;
        }
        let state = State::load(seats);
        if state.generation() == generation
            && state.cause().is_none()
            && state.replace(seats, state.broken(cause))
        {
            return End::Broken(cause);
        }
    }
}

/// Breaks the barrier, if it is whole.
pub(super) fn abort(seats: &impl Seats) {
    loop {
        let state = State::load(seats);
        if state.cause().is_some() || state.replace(seats, state.broken(Cause::Aborted)) {
            return;
        }
    }
}

/// Makes the barrier whole, with the seats of the dead and of those who left vacant.
pub(super) fn reset(seats: &impl Seats) {
    for index in 0..seats.parties() {
        let seat = seats.seat(index);
        let now = Claim::load(seat);
        if !is_taken(seats, now) {
            // A failure means that somebody has joined.
            let _ = now.replace(seat, Claim::vacant(0));
        }
    }
    while {
        let state = State::load(seats);
        !state.replace(seats, state.later(2))
    } {}
}

/// How many parties have arrived and wait.
pub(super) fn waiting(seats: &impl Seats) -> usize {
    let state = State::load(seats);
    let is_here = |index: &usize| {
        let seat = Claim::load(seats.seat(*index));
        seat.tag() == arrived(state.generation()) && is_taken(seats, seat)
    };
    match state.cause() {
        Some(_) => 0,
        None => (0..seats.parties()).filter(is_here).count(),
    }
}

/// What the operations around it do already. The model checker takes SeqCst accesses for less than they are.
#[inline]
fn full_barrier() {
    if cfg!(loom) && !seeded("barrier") {
        fence(Ordering::SeqCst);
    }
}
