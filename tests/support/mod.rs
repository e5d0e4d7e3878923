//! What the test files share: a watchdog, a check for leftovers, and names nobody else uses.
//!
//! ```ignore
//! mod support;
//!
//! #[test]
//! fn something() {
//!     let _leaks = support::Leaks::start();                            // dropped last: asserts
//!     let _watchdog = support::watchdog(Duration::from_secs(30));      // dropped first: all went well
//!     let queue = Queue::create(&support::unique_name("orders"), 4)?;  // "orders-<pid>-<n>"
//! }
//! ```
//!
//! Beside these, `asleep.rs`, `forked.rs`, `plain.rs` and `trace.rs` are for those who kill processes, `body.rs` for those who pin the format; they are
//! included by path where they are needed.

mod leaks;
pub(crate) mod processes;
mod watchdog;

pub(crate) use leaks::{Leaks, unique_name};
pub(crate) use watchdog::{Guard, watchdog};

// Each test file is a program of its own and uses what it needs of the above; naming everything
// here keeps the compiler from calling the rest dead.
const _: () = {
    let _ = (Leaks::start, Leaks::finish, unique_name, watchdog);
    let _: Option<Guard> = None;
};
