//! Pools: each of the round's processes owns one, and gives its workers tasks in all the ways there are. Tasks leave marks where the pool knows nothing of them.
//!
//! What is verified, and where a violation shows:
//!
//! | lost | duplicated | reordered | torn | leaked |
//! |---|---|---|---|---|
//! | a task without an outcome; one that was not done although there is a result, or not begun although it is said to have died with its worker | begun once more than it may be, or after its outcome was told; a second outcome | results out of order where there is to be one | a result that is another task's, or damaged on its way there or back | workers that outlive their pool or its owner, and what a pool leaves open |
//!
//! Where the run kills, owners kill workers of theirs, tasks end the process they run in, and owners are killed like any worker of the other primitives. All kills are counted.
//! A worker may be killed after it has told its pool of a task and before it begins it: each kill excuses one task that was not begun.

mod batch;
mod marks;
mod orphans;
mod owner;
mod task;

use super::Failure;
use super::outcome::Outcome;
use super::round::Conditions;
use super::sync;
use orphans::Orphans;

pub(super) fn pool(conditions: &Conditions<'_>) -> Result<Outcome, Failure> {
    let orphans = Orphans::adopt()?;
    let mut outcome = sync::run::<owner::Owning>(conditions)?;
    outcome.leaked += orphans.await_end()?;
    Ok(outcome)
}
