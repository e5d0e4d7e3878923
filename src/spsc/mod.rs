//! A ring with one producer and one consumer, in two processes or one: the fastest way from one thread to another.
//!
//! It holds a fixed number of elements of a fixed size. Several small elements share a cache line, so that one transfer of a
//! line carries them all; [`send_slice`](Producer::send_slice) and [`recv_slice`](Consumer::recv_slice)
//! make the most of that. While nobody has to wait, neither side makes a system call.
//!
//! Each side is a **role**, and one process holds it at a time, through a [`Producer`] or a [`Consumer`]. Dropping the handle closes
//! that side: the consumer receives what is left and then gets `Closed`, the producer gets `Closed` at once. If the
//! holder is killed instead, the other side gets `PeerDied`, and whoever has a [`Ring`] of it can claim the role
//! and carry on where the dead one stopped: what was sent is there, once, in order, and what was received is gone.
//!
//! ```
//! let (mut producer, mut consumer) = crossproc::spsc::ring(64)?;
//! std::thread::spawn(move || producer.send_slice(&[1u64, 2, 3]));
//! assert_eq!(consumer.iter().collect::<Vec<_>>(), [1, 2, 3]);
//! # Ok::<(), crossproc::Error>(())
//! ```

#[cfg(not(loom))]
mod consumer;
mod core;
#[cfg(all(feature = "async", not(loom)))]
mod futures;
#[cfg(not(loom))]
mod memory;
#[cfg(all(loom, test))]
mod model;
#[cfg(not(loom))]
mod producer;
#[cfg(not(loom))]
mod ring;

#[cfg(not(loom))]
pub use consumer::{Consumer, Iter, TryIter};
#[cfg(not(loom))]
pub use producer::Producer;
#[cfg(not(loom))]
pub use ring::{Ring, ring};
