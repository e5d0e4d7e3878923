//! Pipes: each worker talks with a partner, a process of its own, in both directions at once.
//!
//! What is said follows from its place in the conversation, so that each side knows what it has to hear. Now and then they part: each
//! has then heard exactly what the other has said. Where there are kills, partners kill themselves at any moment, and the worker has to hear a
//! part of what they said, whole and in order, and then the news, whatever it does at the moment; and workers are killed, and their partners with them.
//!
//! Heard less than said is *lost*, more is *duplicated*, and what is not what comes next is *torn*. News that does not come is a hang.

mod line;
mod partner;
mod talk;

use super::Failure;
use super::outcome::Outcome;
use super::round::Conditions;
use super::sync;

/// Messages of any size.
pub(super) fn messages(conditions: &Conditions<'_>) -> Result<Outcome, Failure> {
    sync::run::<talk::Talking<line::Messages>>(conditions)
}

/// Bytes.
pub(super) fn bytes(conditions: &Conditions<'_>) -> Result<Outcome, Failure> {
    sync::run::<talk::Talking<line::Bytes>>(conditions)
}
