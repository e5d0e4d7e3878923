//! Pools: worker processes that run functions of this program.
//!
//! A [`Pool`] has a number of workers, each a process. Functions are `fn` items, or closures that capture nothing; inputs and results are serde values.
//!
//! ```
//! use crossproc::Pool;
//!
//! fn main() -> crossproc::Result<()> {
//!     crossproc::init();                          // a worker begins here
//!     let pool = Pool::new(4)?;
//!     let squares: Vec<u64> = pool.map(|n: u64| n * n, 0..1000)?;
//!     assert_eq!(squares[999], 998_001);
//!     Ok(())
//! }
//! ```
//!
//! | | results | the first error |
//! |---|---|---|
//! | [`map`](Pool::map), [`starmap`](Pool::starmap) | in a vector, in order | ends it |
//! | [`map_ordered`](Pool::map_ordered) | one by one, in order | is an item |
//! | [`map_unordered`](Pool::map_unordered) | one by one, as they come | is an item |
//! | [`submit`](Pool::submit) | one, from its [`Job`] | is the job's |
//!
//! How tasks are run is said by [`Pool::tasks`]: in what [chunks](Tasks::chunk_size), with what [time limit](Tasks::timeout), how often [again](Tasks::retries) if a worker dies.
//!
//! # When a worker dies
//!
//! | | |
//! |---|---|
//! | the task it was running | [`WorkerDied`](JobError::WorkerDied), or is run again if it is to be |
//! | tasks of the same chunk that it had done | have their results, but for those it had finished within the last millisecond: they fare like the one that was running |
//! | tasks of the same chunk behind that | are run by others |
//! | all others | are not affected |
//! | the worker | is replaced |
//!
//! Each task has one outcome, and none is run twice unless it was told to be by [`retries`](Tasks::retries).
//!
//! # When the parent dies
//!
//! Its workers are killed by the kernel, whatever they do, and theirs in turn; the pool's memory has no name and goes with them. A pool that is dropped kills its workers, and does not
//! hang.
//!
//! # In a worker
//!
//! A task may have pools of its own, and children. Handles cannot be part of what a task is given or returns; they reach workers in the arguments of the
//! [initializer](Builder::initializer), or by name.

mod board;
#[cfg(all(loom, test))]
mod model;

#[cfg(not(loom))]
mod builder;
#[cfg(not(loom))]
mod clock;
#[cfg(not(loom))]
mod code;
#[cfg(not(loom))]
mod desk;
#[cfg(not(loom))]
mod ends;
#[cfg(not(loom))]
mod error;
#[cfg(not(loom))]
mod handle;
#[cfg(not(loom))]
mod job;
#[cfg(not(loom))]
mod message;
#[cfg(not(loom))]
mod order;
#[cfg(not(loom))]
mod shared;
#[cfg(not(loom))]
mod shift;
#[cfg(not(loom))]
mod star;
#[cfg(not(loom))]
mod stream;
#[cfg(not(loom))]
mod tasks;
#[cfg(not(loom))]
mod worker;

#[cfg(not(loom))]
pub use builder::Builder;
#[cfg(not(loom))]
pub use error::{JobError, TaskError};
#[cfg(not(loom))]
pub use handle::Pool;
#[cfg(not(loom))]
pub use job::Job;
#[cfg(not(loom))]
pub use star::Star;
#[cfg(not(loom))]
pub use stream::{Ordered, Unordered};
#[cfg(not(loom))]
pub use tasks::{Progress, Tasks};
