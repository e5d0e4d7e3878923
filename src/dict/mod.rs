//! Values of any type that are found by key, shared by processes.
//!
//! A [`Dict`] lives in a [`Manager`](crate::Manager). Reading takes no lock, writes nothing, and is never in anybody's way; a change takes the lock of one of 16
//! shards, and is one store in the end, so whoever dies has changed a key or has not.

#[cfg(not(loom))]
pub(crate) mod shards;
pub(crate) mod table;

#[cfg(all(loom, test))]
mod model;

#[cfg(not(loom))]
mod entry;
#[cfg(not(loom))]
mod handle;
#[cfg(not(loom))]
mod iter;

#[cfg(not(loom))]
pub use entry::Entry;
#[cfg(not(loom))]
pub use handle::Dict;
#[cfg(not(loom))]
pub use iter::Iter;
