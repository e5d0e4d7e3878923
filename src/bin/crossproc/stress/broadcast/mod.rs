//! Rings from which everyone hears everything: some workers speak, all others listen.
//!
//! What is verified, and where a violation shows:
//!
//! | lost | duplicated | reordered | torn |
//! |---|---|---|---|
//! | acknowledged after a listener joined, and neither heard nor counted as missed; where nobody misses anything, not heard | heard twice, or by a listener that joined later | heard after a later one of the same speaker | damaged |
//!
//! A message says how many of its speaker were acknowledged before it, so a listener can tell by two of them how many there were in between.
//! One that was being sent when its speaker was killed may have been sent or not; its number is not used again. Listeners keep to
//! themselves what they have heard, so that the death of one leaves no gap in the accounts of others.

mod listening;
mod message;
mod ring;

use super::Failure;
use super::outcome::Outcome;
use super::round::Conditions;
use super::sync;
use listening::Listening;

pub(super) fn broadcast(conditions: &Conditions<'_>) -> Result<Outcome, Failure> {
    sync::run::<Listening<ring::Waiting>>(conditions)
}

/// Overwriting rings and latest values take turns.
pub(super) fn overwriting(conditions: &Conditions<'_>) -> Result<Outcome, Failure> {
    match conditions.number % 4 {
        0 | 1 => sync::run::<Listening<ring::Overwriting>>(conditions),
        _ => sync::run::<Listening<ring::Latest>>(conditions),
    }
}
