//! Faults made on purpose, so that tests can see each of them found.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
pub(crate) enum Sabotage {
    Lose,
    Duplicate,
    Reorder,
    Tear,
    Hang,
    Panic,
    Leak,
    /// Nobody listens when told that an owner died.
    Deafen,
    /// Somebody claims to have been told.
    Alarm,
}
