//! What is sent reaches everyone: three ways of dealing with those who are slow.
//!
//! | | who receives | if one of them is slow | if one of them dies |
//! |---|---|---|---|
//! | [`Broadcast`] | every [`Subscriber`], everything from its joining on | it is waited for | it is not waited for any more |
//! | [`Overwriting`] | every [`Reader`], what is still there | it misses the oldest, and is told how many | nobody knows |
//! | [`Latest`] | everyone who looks, and every [`Watcher`], the newest value | it misses all but the newest | nobody knows |
//!
//! All are rings of elements of a fixed size, with any number of senders. A value is sent when its send commits: from then on everyone
//! receives it, in the same order. A sender killed before that has sent nothing, and holds nobody up.
//!
//! While nobody has to wait, nothing makes a system call. Sending takes two locked instructions and one copy, however many receive; receiving
//! takes a copy, and none.

mod core;
#[cfg(all(feature = "async", not(loom)))]
mod futures;
#[cfg(all(loom, test))]
mod model;
mod seats;
#[cfg(all(test, not(loom)))]
mod tests;

#[cfg(not(loom))]
mod channel;
#[cfg(not(loom))]
mod handle;
#[cfg(not(loom))]
mod latest;
#[cfg(not(loom))]
mod memory;
#[cfg(not(loom))]
mod overwriting;
#[cfg(not(loom))]
mod reader;
#[cfg(not(loom))]
mod subscriber;
#[cfg(not(loom))]
mod view;
#[cfg(not(loom))]
mod watcher;

#[cfg(not(loom))]
pub use handle::Broadcast;
#[cfg(not(loom))]
pub use latest::Latest;
#[cfg(not(loom))]
pub use overwriting::Overwriting;
#[cfg(not(loom))]
pub use reader::Reader;
#[cfg(not(loom))]
pub use subscriber::{Iter, Subscriber, TryIter};
#[cfg(not(loom))]
pub use view::Received;
#[cfg(not(loom))]
pub use watcher::Watcher;
