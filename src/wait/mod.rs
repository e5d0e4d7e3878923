//! Sleeping and waking: one mechanism for everything that blocks.

mod bell;
#[cfg(not(loom))]
mod blocking;
#[cfg(all(loom, test))]
pub(crate) mod model;
#[cfg(not(loom))]
mod spin;

pub(crate) use bell::{Bell, Parking};
#[cfg(not(loom))]
pub(crate) use bell::{arm_all, is_fenced, pass_on};
#[cfg(not(loom))]
pub(crate) use blocking::{FutexBell, Patience, block_until, block_until_rung};
#[cfg(not(loom))]
pub(crate) use spin::SpinBudget;
