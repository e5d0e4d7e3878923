//! Memory in a segment that named objects share: pages, and blocks in them, for whoever has the lock of a part of an object.
//!
//! Three layers, each with one truth, from which all else is derived:
//!
//! - [`pages`]: a word for each page says whose it is.
//! - [`shard`]: under a lock, blocks from the pages that belong to it. Used is what its owner refers to, whatever the lists say.
//! - [`record`]: keys and values in blocks, written before anything refers to them.

mod layout;
#[cfg(not(loom))]
mod mapped;
#[cfg(all(loom, test))]
pub(crate) mod model;
mod pages;
pub(crate) mod record;
mod shard;

#[cfg(not(loom))]
pub(crate) use layout::{DIRECTORY, Geometry, LAST_OBJECT, MOST_ANNOUNCED};
#[cfg(not(loom))]
pub(crate) use layout::{MOST_MEMORY, SEED};
pub(crate) use layout::{PAGE, UNIT};
#[cfg(not(loom))]
pub(crate) use mapped::{Heap, Locked, OPTIMISM, a_while, unless_mine};
#[cfg(not(loom))]
pub(crate) use pages::used;
pub(crate) use pages::{HeapError, Memory, Tenant, is_inside};
#[cfg(not(loom))]
pub(crate) use pages::{clear_out, committed, take_body};
pub(crate) use record::{Copied, Lengths, Link};
#[cfg(all(loom, test))]
pub(crate) use shard::LOCK;
#[cfg(not(loom))]
pub(crate) use shard::SHARD;
pub(crate) use shard::{Block, COUNT, EPOCH, ROOT, SECOND_COUNT, Shard};
