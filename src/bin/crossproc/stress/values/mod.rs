//! Values that are read and written in place: workers count in them, in each of the ways there are.
//!
//! What is verified, and where a violation shows:
//!
//! | | lost | duplicated | reordered | torn |
//! |---|---|---|---|---|
//! | `value` | counted, acknowledged and not there | counted by nobody | a value older than one seen before | a value half written |
//! | `array` | the same of each element | the same; two owners of its lock at a time; more owners said to be dead than are | the same | elements that are not the same though nobody has the lock, and the owner is not told of a death |
//!
//! What a worker was counting when it was killed is there or not: each such death widens the balance by one.

mod array;
mod value;

use super::Failure;
use super::outcome::Outcome;
use super::round::Conditions;
use super::sync;

pub(super) fn value(conditions: &Conditions<'_>) -> Result<Outcome, Failure> {
    sync::run::<value::Counting>(conditions)
}

pub(super) fn array(conditions: &Conditions<'_>) -> Result<Outcome, Failure> {
    sync::run::<array::Sweeping>(conditions)
}
