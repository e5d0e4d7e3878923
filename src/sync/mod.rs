//! Sleeping and waking: one mechanism for everything that blocks.

mod bell;
#[cfg(not(loom))]
mod blocking;
#[cfg(not(loom))]
mod spin;

pub(crate) use bell::Bell;
#[cfg(not(loom))]
pub(crate) use blocking::{Patience, block_until};
#[cfg(not(loom))]
pub(crate) use spin::SpinBudget;
