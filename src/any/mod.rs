//! Waiting for whichever comes first: blocking ([`wait_any`]), or in an executor's tasks (feature `async`).
//!
//! Both only tell that a source may be ready; the operation itself is what takes part in a segment, commits, and is safe to be killed
//! in. So there is no step here that a death could leave half done. What it could leave is a *wake*: a ring wakes one sleeper for each
//! thing published, and relies on it to look. The rules by which none is lost:
//!
//! 1. Announced before looked: all bells are armed, and everybody alive is counted, before the sources are looked at; then one wait
//!    watches all of it. What was published before is seen, what is published after rings; one that publishes and dies is seen dying.
//! 2. Several bells may have woken one thread before it ran, and the kernel names the last. So all sources are looked at after every
//!    wait, and all the deaths are passed on.
//! 3. Whoever was woken, or may have been, and leaves, rings the bell of each source that is still ready: whoever else sleeps there looks.
//!    Being told that a source is ready takes nothing from it, so this holds when the wait succeeds, too.
//!
//! | step | if the waiter dies after it |
//! |---|---|
//! | arm the bells | `SLEEPERS` stays set: each bell's next ring makes a system call in vain, and clears it |
//! | count, look, sleep | nobody waits for a sleeper |
//! | woken | the wakes it used up are made good by its own life word in each of those segments ([`crate::liveness`]) |
//! | ring those that are ready | done |

mod attempt;
mod blocking;
#[cfg(feature = "async")]
mod operation;
mod reactor;
mod server;
mod source;
mod subject;

pub use blocking::{try_wait_any, wait_any, wait_any_deadline, wait_any_timeout};
#[cfg(feature = "async")]
pub(crate) use operation::{HasRoom, Room, attempt, receiving, recv, send, stream};
pub use source::Waitable;
