//! Taking the ends of a pipe that is found by name.
//!
//! An end is two roles ([`crate::role`]), the writer's of one direction and the reader's of the other. It is *fresh* as long as nobody has had it. One
//! whose holder closed it or died is *spent*: the other end was told of that, so nobody takes the place of the one who is gone. When both
//! ends are in nobody's hands the pipe can start anew, which makes both fresh and the pipe empty. Whoever takes a spent end has it start anew.
//!
//! Those who take ends do so one after the other, by a lock that survives its owners ([`crate::sync::guarded`]).
//!
//! | taking an end | if the actor dies after it |
//! |---|---|
//! | take the lock | the next one has it |
//! | the writer's role: vacant → held | the end is spent, and whoever waits at the other learns of the death: a reader's role that is vacant beside it counts as the dead one's |
//! | the reader's role: vacant → held: **the commit** | as any end whose holder dies |
//! | let go of the lock | the same |
//!
//! | starting anew, with nobody at either end | if the actor dies after it |
//! |---|---|
//! | `starting` = 1: **the commit** | the next one who takes an end does the rest first: until then nobody has one |
//! | the four roles are vacant, and the four positions 0, in any order | the same: all of it may be done twice |
//! | `starting` = 0 | a pipe like a new one |

use crate::atomic::Ordering;
use crate::error::{Error, Fault, Result, TryLockError};
use crate::owner::Owner;
use crate::pipe::inlet::Inlet;
use crate::pipe::memory::{Direction, LOCK, STARTING, Stream};
use crate::pipe::outlet::Outlet;
use crate::place::Place;
use crate::sync::claim::{Claim, Holder};
use crate::sync::guarded::{self, Taken};
use crate::wait::Patience;

/// One of two ends: which direction leads away from it.
pub(super) struct Which {
    pub(super) away: Direction,
    pub(super) name: &'static str,
}

impl Which {
    fn towards(&self) -> Direction {
        self.away.back().expect("there and back")
    }

    /// Its roles.
    fn claims(&self) -> [usize; 2] {
        [self.away.writer().claim, self.towards().reader().claim]
    }

    /// Those of the other end.
    fn claims_of_other(&self) -> [usize; 2] {
        [self.towards().writer().claim, self.away.reader().claim]
    }
}

/// Takes an end: where bytes go in, and where the others' come out.
pub(super) fn take(place: &Place, end: &Which) -> Result<(Inlet, Outlet)> {
    // First whatever may fail.
    let away = Stream::of(place.clone(), end.away)?;
    let towards = Stream::of(place.clone(), end.towards())?;
    let _lock = Lock::of(place)?;
    finish_starting(place, end)?;
    if let Some(owner) = holder(place, end.claims()) {
        return Err(Error::RoleHeld {
            role: end.name,
            pid: place.attachment.records().pid(owner),
        });
    }
    if !is_fresh(place, end) {
        if let Some(owner) = holder(place, end.claims_of_other()) {
            return Err(Error::EndSpent {
                end: end.name,
                pid: place.attachment.records().pid(owner),
            });
        }
        start_anew(place, end)?;
    }
    Ok((Inlet::claim(away)?, Outlet::claim(towards)?))
}

fn is_fresh(place: &Place, end: &Which) -> bool {
    let is_vacant = |claim: usize| Claim::load(place.long(claim)).holder() == Holder::Vacant;
    end.claims().into_iter().all(is_vacant)
}

/// The live process that has one of these roles.
fn holder(place: &Place, claims: [usize; 2]) -> Option<Owner> {
    let attachment = &place.attachment;
    let find = || {
        claims
            .into_iter()
            .find_map(|claim| match Claim::load(place.long(claim)).holder() {
                Holder::Someone(owner) if attachment.is_process_live(owner) => Some(owner),
                _ => None,
            })
    };
    find()?;
    // Before anyone is turned away, make sure that it is alive.
    attachment.examine();
    find()
}

fn start_anew(place: &Place, end: &Which) -> Result<()> {
    let died = |claim: usize| matches!(Claim::load(place.long(claim)).holder(), Holder::Someone(_));
    if [end.claims(), end.claims_of_other()]
        .into_iter()
        .flatten()
        .any(died)
    {
        place.attachment.repaired();
    }
    // Release: pairs with the Acquire of whoever has to finish it.
    place.long(STARTING).store(1, Ordering::Release);
    finish_starting(place, end)
}

fn finish_starting(place: &Place, end: &Which) -> Result<()> {
    if place.long(STARTING).load(Ordering::Acquire) == 0 {
        return Ok(());
    }
    let claims = [end.claims(), end.claims_of_other()];
    if claims
        .into_iter()
        .any(|claims| holder(place, claims).is_some())
    {
        return Err(Fault::Corrupted("a pipe starts anew under its users").into());
    }
    for claim in claims.into_iter().flatten() {
        let word = place.long(claim);
        let tag = Claim::load(word).tag().wrapping_add(1);
        word.store(Claim::vacant(tag).0, Ordering::Relaxed);
    }
    for position in [end.away, end.towards()]
        .into_iter()
        .flat_map(Direction::positions)
    {
        place.long(position).store(0, Ordering::Relaxed);
    }
    // Release: whoever takes an end, and by that lets others see its roles, has a pipe like a new one.
    place.long(STARTING).store(0, Ordering::Release);
    Ok(())
}

/// The lock of those who take ends, which the calling thread has until this is dropped.
struct Lock<'a> {
    place: &'a Place,
    taken: Taken,
}

impl Lock<'_> {
    fn of(place: &Place) -> Result<Lock<'_>> {
        match guarded::take(place, LOCK, Patience::Forever) {
            Ok(taken) => Ok(Lock { place, taken }),
            Err(TryLockError::Fault(fault)) => Err(fault.into()),
            Err(_) => Err(Fault::Corrupted("the lock of a pipe's ends is none").into()),
        }
    }
}

impl Drop for Lock<'_> {
    fn drop(&mut self) {
        guarded::let_go(self.place, LOCK, &self.taken);
    }
}
