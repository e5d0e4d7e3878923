//! Queues for messages of any size, with any number of senders and receivers, in any number of processes.
//!
//! [`MessageQueue`] carries bytes, without copying them: a sender takes a [`Loan`] of the queue's memory, fills it in place and sends it, which moves a number; a receiver
//! gets a [`Message`] that borrows the same memory, and frees it when it is dropped. [`ObjectQueue`] carries values of any type that serde can
//! serialise.
//!
//! Their memory is bounded, and is the only bound: sending blocks while there is no room for the message, unless told otherwise. It is divided into
//! 4096 blocks, or as many of 64 bytes as there are; a message takes as many as it needs, one after the other, and at least one.
//!
//! # Jobs that are not lost
//!
//! A message that is received with `recv` belongs to the receiver: if that is killed, it is gone. One that is received with `lease` is gone only when
//! it is acknowledged. If the process that leased it dies before, or drops the [`Lease`], the message goes to the next receiver, who is told that it was delivered before.
//! A process that is merely slow, or stopped, keeps what it has leased. `wait_idle` blocks until everything that was sent is
//! done with, like `JoinableQueue.join` of Python.
//!
//! # When somebody dies
//!
//! At every instant each chunk of memory is free, or belongs to the queue or to one process. What a dead process was filling, or had received, is free for the next who
//! needs it; what it had sent is delivered; what it had leased, or was just about to receive, is delivered to another. Messages of one sender are received in the order in which they were sent,
//! except those that had to be taken from the dead: they come late.
//!
//! ```
//! use crossproc::MessageQueue;
//!
//! let frames = MessageQueue::new(1 << 20)?;
//! let mut loan = frames.loan(5)?;
//! loan.write(0, b"hello");
//! loan.send()?;
//! assert_eq!(frames.recv()?.to_vec(), b"hello");
//! # Ok::<(), crossproc::Error>(())
//! ```

mod blocks;
mod chunk;
mod delivery;
mod site;
mod transfer;

#[cfg(not(loom))]
mod actor;
#[cfg(not(loom))]
mod common;
#[cfg(not(loom))]
mod exchange;
#[cfg(all(feature = "async", not(loom)))]
mod futures;
#[cfg(not(loom))]
mod held;
#[cfg(not(loom))]
mod memory;
#[cfg(all(loom, test))]
mod model;
#[cfg(not(loom))]
mod object;
#[cfg(not(loom))]
mod queue;

#[cfg(not(loom))]
pub use held::{Lease, Loan, Message};
#[cfg(not(loom))]
pub use object::{Iter, ObjectLease, ObjectQueue};
#[cfg(not(loom))]
pub use queue::MessageQueue;
