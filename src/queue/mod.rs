//! A first-in-first-out queue with any number of senders and receivers, in any number of processes.
//!
//! It holds a fixed number of elements of a fixed size. Sending blocks while it is full, receiving while it is
//! empty; nothing is ever overwritten. While nobody has to wait, neither makes a system call.
//!
//! Each process, and each thread, may be killed at any instruction. A value is sent when its [`send`](Queue::send)
//! commits: from then on it is delivered, once, to one receiver. A sender killed before that has sent
//! nothing. A receiver killed after its receive commits takes the value with it; one killed before leaves it
//! to the others. Survivors never wait for the dead.
//!
//! Values of one sender are received in the order in which they were sent.
//!
//! ```
//! let queue = crossproc::Queue::new(16)?;
//! queue.send(1u32)?;
//! queue.send(2)?;
//! queue.close();
//! assert_eq!(queue.iter().collect::<Vec<_>>(), [1, 2]);
//! # Ok::<(), crossproc::Error>(())
//! ```

pub(crate) mod core;
#[cfg(all(feature = "async", not(loom)))]
mod futures;
#[cfg(not(loom))]
mod handle;
#[cfg(not(loom))]
mod memory;
#[cfg(all(loom, test))]
mod model;
#[cfg(all(test, not(loom)))]
mod tests;

#[cfg(not(loom))]
pub use handle::{Iter, Queue, TryIter};
