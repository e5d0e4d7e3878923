//! Managers and what lives in them.
//!
//! What is verified, and where a violation shows:
//!
//! | | lost | duplicated | reordered | torn |
//! |---|---|---|---|---|
//! | `dict` | increments of a key acknowledged and not there | increments nobody made | a key's count that is less than one seen before | a value half changed, or of another key |
//! | `list` | values put in, and neither there nor taken out | values that nobody put in | values of one worker in another order than it put them in | a value half written |
//! | `manager` | objects created and not there | objects removed and still there | | an object's content in another one |
//!
//! What a worker was doing when it was killed may have happened or not. Whoever comes when all have ended empties everything, and finds
//! whether any memory is missing: that fails the run.

mod dict;
mod list;
mod objects;
mod sealed;

use super::Failure;
use super::outcome::Outcome;
use super::round::Conditions;
use super::sync;

pub(super) fn dict(conditions: &Conditions<'_>) -> Result<Outcome, Failure> {
    sync::run::<dict::Counting>(conditions)
}

pub(super) fn list(conditions: &Conditions<'_>) -> Result<Outcome, Failure> {
    sync::run::<list::Rowing>(conditions)
}

pub(super) fn manager(conditions: &Conditions<'_>) -> Result<Outcome, Failure> {
    sync::run::<objects::Keeping>(conditions)
}
