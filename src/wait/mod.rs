//! Sleeping and waking: one mechanism for everything that blocks.

mod bell;
#[cfg(not(loom))]
mod blocking;
#[cfg(all(loom, test))]
pub(crate) mod model;
#[cfg(not(loom))]
mod spin;

#[cfg(not(loom))]
pub(crate) use bell::Bell;
#[cfg(not(loom))]
pub(crate) use blocking::{FutexBell, Patience, block_until};
#[cfg(not(loom))]
pub(crate) use spin::SpinBudget;
