//! Values of any type in a row that grows, shared by processes.
//!
//! A [`List`] lives in a [`Manager`](crate::Manager). Reading takes no lock, writes nothing, and is never in anybody's way; a change takes the list's lock, and is one
//! store in the end, so whoever dies has made it or has not.

pub(crate) mod core;
#[cfg(all(loom, test))]
mod model;
pub(crate) mod read;
mod table;

#[cfg(not(loom))]
mod handle;
#[cfg(not(loom))]
mod iter;
#[cfg(not(loom))]
mod row;

#[cfg(not(loom))]
pub use handle::List;
#[cfg(not(loom))]
pub use iter::Iter;
