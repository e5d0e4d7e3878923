//! The meeting point.

use std::fmt;
use std::time::{Duration, Instant};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::claim::Holder;
use super::seats::{self, Cause, End, Seats, State};
use crate::atomic::{AtomicU64, Ordering};
use crate::error::{BarrierError, Error, Fault, Result};
use crate::handle::{self, debug_by_name, handle};
use crate::holding::Holding;
use crate::owner::Owner;
use crate::place::Place;
use crate::segment::{Capacity, Kind, Options, Primitive, Size};
use crate::wait::{Patience, block_until};

const STATE: usize = 0;
const BELL: usize = 8;
const GOES_ON: usize = 12;
const SEATS: usize = 64;
const SEAT: usize = 8;

/// As many as a segment can have participants.
const MOST: u64 = 16_383;

/// A point that a number of parties pass together, again and again.
///
/// Each party [joins](Barrier::join) once; then it waits at the barrier as often as it likes. All who wait are released when every
/// party has arrived. A party is held by a process: it can move between its threads, and travel in the arguments of
/// [`process::spawn`](crate::process::spawn). It is known from the moment it joins, wherever it dies: then the barrier is broken for
/// the others ([`BarrierError::Broken`]), or they go on without it, if the barrier was made so
/// ([`go_on_without_the_dead`](Options::go_on_without_the_dead)). The same happens if a party is dropped, and the others wait for it.
///
/// ```
/// use crossproc::{Barrier, process, sync::Party};
///
/// # crossproc::init();
/// let barrier = Barrier::new(2)?;
/// let mut mine = barrier.join()?;
/// let child = process::spawn(
///     |mut party: Party| party.wait().unwrap().generation,
///     barrier.join()?,
/// )?;
/// assert_eq!(mine.wait()?.generation, 0);
/// assert_eq!(child.join()?, 0);
/// # Ok::<(), crossproc::Error>(())
/// ```
pub struct Barrier {
    place: Place,
}

handle! {
    impl Barrier, "barrier", place;
    /// The number of parties has to be between 1 and 16383.
    fn new(parties: usize);
    /// How often, since the barrier was created, a party took the place of one that had died.
    fn repairs();
}

debug_by_name!(impl Barrier);

impl Barrier {
    /// Becomes a party, in the place of one that died or left if need be. Never blocks.
    ///
    /// # Errors
    ///
    /// [`Error::PartiesFull`] if there are as many live parties as there can be.
    pub fn join(&self) -> Result<Party> {
        let place = &self.place;
        // Should this thread die between the change and the news of it, those who sleep must know it.
        place.attachment.participant()?;
        let owner = place.attachment.process()?;
        let mut examined = false;
        loop {
            let Some((index, now)) = seats::free_seat(place) else {
                if examined {
                    let parties = self.parties() as u32;
                    return Err(Error::PartiesFull { parties });
                }
                // Before turning the caller away, make sure that all are alive.
                place.attachment.examine();
                examined = true;
                continue;
            };
            let claim = offset(index);
            // A failure means that somebody else has taken the seat: at most one more round for each.
            if let Ok(held) = now.replace(place.long(claim), seats::joining(place, owner)) {
                seats::joined(place);
                if matches!(now.holder(), Holder::Someone(_)) {
                    place.attachment.repaired();
                }
                let holding = Holding::new(place.clone(), claim, &[BELL], held, owner);
                return Ok(Party { holding, index });
            }
        }
    }

    /// Breaks the barrier: everyone who waits, or comes before it is reset, gets
    /// [`Broken`](BarrierError::Broken). Never blocks.
    ///
    /// # Errors
    ///
    /// [`Fault`] if this thread cannot take part in the segment.
    pub fn abort(&self) -> Result<(), Fault> {
        self.place.attachment.participant()?;
        seats::abort(&self.place);
        Ok(())
    }

    /// Makes the barrier whole again, with vacant places for parties that died or left: others have to join in their
    /// stead. Everyone who waits gets [`Broken`](BarrierError::Broken). Never blocks.
    ///
    /// # Errors
    ///
    /// [`Fault`] if this thread cannot take part in the segment.
    pub fn reset(&self) -> Result<(), Fault> {
        self.place.attachment.participant()?;
        seats::reset(&self.place);
        Ok(())
    }

    /// Why it is broken, if it is.
    pub fn broken(&self) -> Option<Cause> {
        State::load(&self.place).cause()
    }

    /// How many parties it takes.
    pub fn parties(&self) -> usize {
        self.place.capacity() as usize
    }

    /// How many parties wait at this moment.
    pub fn waiting(&self) -> usize {
        seats::waiting(&self.place)
    }
}

fn offset(index: usize) -> usize {
    SEATS + index * SEAT
}

impl Seats for Place {
    fn parties(&self) -> usize {
        self.capacity() as usize
    }

    fn state(&self) -> &AtomicU64 {
        self.long(STATE)
    }

    fn seat(&self, index: usize) -> &AtomicU64 {
        self.long(offset(index))
    }

    fn is_live(&self, owner: Owner) -> bool {
        self.attachment.is_process_live(owner)
    }

    fn pid(&self, owner: Owner) -> u32 {
        self.attachment.records().pid(owner)
    }

    fn goes_on(&self) -> bool {
        self.word(GOES_ON).load(Ordering::Relaxed) != 0
    }

    fn ring(&self) {
        self.bell(BELL).ring_all();
    }
}

/// A party of a [`Barrier`]. Dropping it leaves.
///
/// It can move to another thread, and in the arguments of [`process::spawn`](crate::process::spawn) to a child process, whose death
/// is then the party's. In a forked child every operation fails with [`Fault::RoleLost`].
pub struct Party {
    holding: Holding,
    index: usize,
}

/// What a party learns when it is released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BarrierWaitResult {
    /// The party's number, from 0; no two have the same.
    pub index: usize,
    /// How often all had been released before.
    pub generation: u32,
    /// Exactly one party of each generation is its leader; none if that one dies as it releases the others.
    pub is_leader: bool,
}

impl Party {
    /// Arrives, and blocks until all parties have.
    ///
    /// # Errors
    ///
    /// [`Broken`](BarrierError::Broken) if the barrier is broken, or breaks meanwhile, in particular by a party's death;
    /// [`Fault`](BarrierError::Fault).
    pub fn wait(&mut self) -> Result<BarrierWaitResult, BarrierError> {
        self.wait_within(Patience::Forever)
    }

    /// The same, up to `timeout`; then the barrier is broken for all.
    ///
    /// # Errors
    ///
    /// As for [`wait`](Party::wait).
    pub fn wait_timeout(&mut self, timeout: Duration) -> Result<BarrierWaitResult, BarrierError> {
        self.wait_within(Patience::timeout(timeout))
    }

    /// The same, until `deadline`; then the barrier is broken for all.
    ///
    /// # Errors
    ///
    /// As for [`wait`](Party::wait).
    pub fn wait_deadline(&mut self, deadline: Instant) -> Result<BarrierWaitResult, BarrierError> {
        self.wait_within(Patience::Until(deadline))
    }

    /// The party's number, from 0; no two have the same.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Leaves, as dropping does.
    pub fn leave(self) {}

    fn wait_within(&mut self, patience: Patience) -> Result<BarrierWaitResult, BarrierError> {
        self.holding.enter().map_err(BarrierError::Fault)?;
        let (generation, held) =
            seats::arrive(self.holding.place(), self.index, self.holding.owner())
                .map_err(BarrierError::Broken)?;
        self.holding.renew(held);
        let place = self.holding.place();
        let attempt = || seats::look(place, generation);
        let end = attempt()
            .or_else(|| block_until(&place.attachment, place.word(BELL), patience, attempt))
            .unwrap_or_else(|| seats::break_up(place, generation, Cause::TimedOut));
        match end {
            End::Broken(cause) => {
                let owner = self.holding.owner();
                let held = seats::withdraw(place, self.index, owner, generation);
                self.holding.renew(held);
                Err(BarrierError::Broken(cause))
            }
            End::Released { leader } => Ok(BarrierWaitResult {
                index: self.index,
                generation,
                is_leader: leader,
            }),
        }
    }
}

impl Options<Barrier> {
    /// How many parties it takes. Needed to create; when set, an existing barrier has to have the same.
    pub fn parties(self, parties: usize) -> Self {
        self.sized(parties as u64)
    }

    /// Parties that die or leave are not waited for; unless set, they break the barrier. An existing barrier keeps to what
    /// it was created with.
    pub fn go_on_without_the_dead(self) -> Self {
        let mut initial = [0; SEATS];
        initial[GOES_ON] = 1;
        self.beginning(initial.into())
    }
}

impl Primitive for Barrier {
    type Element = ();
    const KIND: Kind = Kind::Barrier;
    const CAPACITY: Capacity = Capacity {
        what: "a barrier's number of parties",
        default: None,
        most: MOST,
        rule: "it has to be between 1 and 16383",
    };

    fn body_len(size: Size) -> Option<u64> {
        size.capacity
            .checked_mul(SEAT as u64)?
            .checked_add(SEATS as u64)
    }

    fn attach(place: Place) -> Result<Self> {
        Ok(Barrier { place })
    }
}

impl fmt::Debug for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Party")
            .field("index", &self.index)
            .finish_non_exhaustive()
    }
}

/// Only in the arguments of [`process::spawn`](crate::process::spawn), which moves the party to the child. Should the child
/// die before it has its arguments, the party has left.
impl Serialize for Party {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let extra = (self.index, self.holding.send());
        handle::serialize(self.holding.place(), extra, serializer)
    }
}

impl<'de> Deserialize<'de> for Party {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (barrier, (index, held)) =
            handle::deserialize::<Barrier, (usize, u64), D>(deserializer)?;
        if index >= barrier.parties() {
            return Err(de::Error::custom(Fault::RoleLost));
        }
        let holding = Holding::receive(barrier.place, offset(index), &[BELL], held, |tag| tag)
            .map_err(de::Error::custom)?;
        Ok(Party { holding, index })
    }
}
