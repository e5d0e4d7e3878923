//! Child processes that run a function of this program.
//!
//! [`spawn`] starts the program once more and has the new process call an entry function; the
//! function's result comes back to [`Child::join`]. Nothing is forked: the child starts from a clean
//! slate, and threads and locks of the parent are no concern of its.
//!
//! ```
//! use crossproc::process;
//!
//! fn product(factors: Vec<u64>) -> u64 {
//!     factors.iter().product()
//! }
//!
//! fn main() -> crossproc::Result<()> {
//!     crossproc::init(); // A child goes to its entry function here.
//!     let child = process::spawn(product, vec![2, 3, 7])?;
//!     assert_eq!(child.join()?, 42);
//!     Ok(())
//! }
//! ```
//!
//! # How a child can end
//!
//! [`join`](Child::join) returns the result, or a [`JoinError`]: the child panicked (with message and
//! place), was killed by a signal, exited on its own, or never got as far as reading its arguments.
//!
//! ```
//! use crossproc::process::{self, JoinError};
//!
//! # fn main() -> crossproc::Result<()> {
//! # crossproc::init();
//! let child = process::spawn(|denominator: i32| 1 / denominator, 0)?;
//! match child.join() {
//!     Err(JoinError::Panicked { message, .. }) => assert!(message.contains("divide by zero")),
//!     other => panic!("{other:?}"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A child is killed when its parent ends, and so are its own children, in turn. If it must outlive
//! the parent it is not a child in this sense: start it with [`std::process::Command`], and meet it
//! by the name of a segment.
//!
//! # In tests
//!
//! Tests spawn as programs do, without [`init`]. Their children begin before `main`, while the
//! program is being loaded: on the main thread, as yet without the message the standard library
//! prints on a stack overflow, and perhaps before other crates' own functions of that kind.

mod builder;
mod child;
mod command;
mod entry;
mod error;
mod exec;
mod family;
mod inherited;
mod launch;
mod letter;
mod panics;
mod resource;
mod settings;
mod spawn;
mod status;
mod stdio;
#[cfg(test)]
mod tests;

pub use builder::{Builder, Function, builder};
pub use child::Child;
pub(crate) use child::ChildProcess;
pub use command::{Command, Program};
pub use entry::init;
pub use error::JoinError;
pub use family::{Current, active_children, current, parent_id};
pub(crate) use panics::describe as describe_panic;
pub use inherited::inherited;
pub use resource::Resource;
pub use settings::Setting;
pub use spawn::spawn;
pub use status::ExitStatus;
pub use stdio::Stdio;
