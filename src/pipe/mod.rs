//! Pipes: bytes, or messages of any size, between two ends.
//!
//! | | sends | receives | |
//! |---|---|---|---|
//! | [`bytes()`] | [`ByteSender`] | [`ByteReceiver`] | bytes, by [`Write`](std::io::Write) and [`Read`](std::io::Read) |
//! | [`simplex()`] | [`Sender`] | [`Receiver`] | values of any type that serde knows, or messages of bytes |
//! | [`duplex()`] | [`End`] | [`End`] | both ways, with a type for each |
//!
//! ```
//! use crossproc::{pipe, process};
//!
//! fn shout(mut end: pipe::End<String, String>) {
//!     while let Ok(words) = end.recv() {
//!         end.send(&words.to_uppercase()).unwrap();
//!     }
//! }
//!
//! # crossproc::init();
//! let (mut here, there) = pipe::duplex::<String, String>()?;
//! let child = process::spawn(shout, there)?;
//! here.send(&"hello".to_owned())?;
//! assert_eq!(here.recv()?, "HELLO");
//! drop(here);                                   // end of file for the child
//! child.join()?;
//! # Ok::<(), crossproc::Error>(())
//! ```
//!
//! Ends move to other threads, and in the arguments of [`process::spawn`](crate::process::spawn) to other processes, each end or half for
//! itself. Programs that do not start one another find theirs by name: a [`Pipe`] has two ends for whoever comes first.
//!
//! # If a side goes away
//!
//! Dropping an end, or the half that sends, is the end of file: the other side receives everything that was sent and then gets `Closed`. Dropping the half that
//! receives makes the other side's next send fail with `Closed`. If a process is killed, its peer gets `PeerDied`: when sending at once, when receiving after
//! every whole message that the dead one has sent. Nobody can take the place of the dead: a new pipe is cheap, and a named one starts anew when both are gone.
//!
//! # Messages of any size
//!
//! A pipe has a fixed amount of memory, and a message may be larger. One that fits is sent by one instruction, all of it or, if the sender is killed before,
//! nothing. A larger one goes through in parts while it is being received; if its sender is killed meanwhile, what has arrived of it vanishes. A
//! sender's time limit counts until a message's first byte is on its way: from there on the message is sent to its end, unless the other side is closed or dies. A receiver can
//! give up at any time and go on later.
//!
//! Values are encoded with [postcard](https://docs.rs/postcard): compactly, without names or types, so both sides have to agree on the type, and
//! to be of the same version. What is no value of that type is a [`Fault::Decode`](crate::Fault::Decode) for the receiver, and the next message is
//! not affected.
//!
//! # Speed
//!
//! The ring is mapped twice in a row, so every copy is of one run of bytes; [`Sender::reserve`] and [`Receiver::look`] spare the
//! copies. While nobody has to wait, neither side makes a system call.

#[cfg(not(loom))]
mod bytes;
mod core;
#[cfg(not(loom))]
mod end;
#[cfg(not(loom))]
mod ends;
#[cfg(not(loom))]
mod frame;
#[cfg(all(feature = "async", not(loom)))]
mod futures;
#[cfg(not(loom))]
mod inbox;
#[cfg(not(loom))]
mod inlet;
#[cfg(not(loom))]
mod memory;
#[cfg(all(loom, test))]
mod model;
#[cfg(not(loom))]
mod named;
#[cfg(not(loom))]
mod options;
#[cfg(not(loom))]
mod outbox;
#[cfg(not(loom))]
mod outlet;
#[cfg(not(loom))]
mod receiver;
#[cfg(not(loom))]
mod sender;
#[cfg(not(loom))]
mod verbs;

#[cfg(not(loom))]
pub use bytes::{ByteReceiver, ByteSender};
#[cfg(not(loom))]
pub use end::End;
#[cfg(not(loom))]
pub use inbox::Message;
#[cfg(not(loom))]
pub use named::Pipe;
#[cfg(not(loom))]
pub use options::{Options, bytes, duplex, options, simplex};
#[cfg(not(loom))]
pub use outbox::Reservation;
#[cfg(not(loom))]
pub use receiver::{Iter, Receiver, TryIter};
#[cfg(not(loom))]
pub use sender::Sender;
