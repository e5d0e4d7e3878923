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
//! # What a child has and has not
//!
//! [`builder`] says it: name, environment, working directory, standard streams, processors, niceness, limits. What is impossible is told by
//! `spawn` ([`Error::InvalidSetting`](crate::Error::InvalidSetting), [`Error::File`](crate::Error::File)), what the system refuses to the child by
//! joining it ([`JoinError::Setting`]). Without a word said a child has the environment, the directory and the streams of its parent. It has no
//! descriptor that was not sent to it, and neither blocks nor ignores signals because its parent does.
//!
//! # Who dies with whom
//!
//! A child is killed (SIGKILL) when its parent ends, however that ends, and so are its own children, in turn: `main` that returns does not wait for
//! children, nor does dropping a [`Child`]. In Python's terms every child is a daemon, but one whose parent may be killed too; who wants to
//! wait joins it. One that is to [outlive](Builder::outlive_parent) its parent does; it meets others by the name of a segment.
//! [`active_children`] are those that have not ended.
//!
//! # Other programs
//!
//! [`Command`] starts them, with the same settings, and with handles that they find by name:
//!
//! | in Python | here |
//! |---|---|
//! | `Process(target=f, args=a).start()` | [`spawn(f, a)`](spawn) |
//! | `Process(…, name="n")` | [`builder().name("n")`](Builder::name)[`.spawn(f, a)`](Builder::spawn) |
//! | `daemon=True` | so it is; `daemon=False` is [`outlive_parent()`](Builder::outlive_parent), or a join at the end |
//! | `p.join()`, `p.join(timeout)` | [`join`](Child::join), [`join_timeout`](Child::join_timeout), which give the result |
//! | `p.is_alive()`, `p.exitcode`, `p.pid`, `p.name`, `p.sentinel` | [`is_alive`](Child::is_alive), [`exit_status`](Child::exit_status), [`id`](Child::id), [`name`](Child::name), [`pidfd`](Child::pidfd) |
//! | `p.terminate()`, `p.kill()` | [`terminate`](Child::terminate), [`kill`](Child::kill), [`interrupt`](Child::interrupt) |
//! | `multiprocessing.connection.wait` | [`wait_any`](crate::wait_any()) |
//! | `active_children()`, `current_process()`, `parent_process()` | [`active_children`], [`current`], [`parent_id`] |
//! | `subprocess.Popen(program)` | [`Command`] |
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
pub use inherited::inherited;
pub(crate) use panics::describe as describe_panic;
pub use resource::Resource;
pub use settings::Setting;
pub use spawn::spawn;
pub use status::ExitStatus;
pub use stdio::Stdio;
