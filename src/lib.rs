//! Queues, pipes, rings, locks, and shared dicts, lists and values in shared memory that survive their users, and a launcher for the processes that use them.
//!
//! - [`Queue`]: first in, first out, any number of senders and receivers in any number of processes.
//! - [`spsc`]: a ring with one producer and one consumer, the fastest way from one thread to another.
//! - [`pipe`]: bytes, or messages of any size and type, from one end to the other, or both ways.
//! - [`messages`]: [`MessageQueue`] and [`ObjectQueue`], for messages of any size and values of any type, with leases for jobs that must not be lost.
//! - [`broadcast`]: [`Broadcast`], where every subscriber receives everything; [`Overwriting`], where senders wait for nobody; [`Latest`], where
//!   only the newest value counts.
//! - [`values`]: [`Value`] and [`Array`], read and written in place; [`Plain`], such a value in serialised form.
//! - [`sync`]: [`Mutex`], [`RwLock`], [`Condvar`], [`Semaphore`], [`Event`], [`Barrier`] and others, between processes.
//! - [`manager`]: named objects in one segment, without a server: [`Dict`], [`List`], [`Namespace`] of any serde types, and all of the others.
//! - [`values`]: [`Value`] and [`Array`], at the speed of memory.
//! - [`Group`]: several of these in one segment.
//! - [`Pool`]: worker processes that run functions of this program, many tasks at a time, with results in order or as they come.
//! - [`process`]: child processes that run a function of this program, with typed arguments and results, in which all of these
//!   travel.
//!
//! Any participant may be killed at any instruction. Survivors never wait for the dead; what was committed is delivered
//! once, in order; what was not has never been; what the dead held comes back; and no name is left in a state that nobody can
//! open. `docs/crash-safety.md` in the repository says for each operation which instruction commits it.
//!
//! ```
//! use crossproc::{Queue, process};
//!
//! fn squares((numbers, results): (Queue<u64>, Queue<u64>)) -> u64 {
//!     let mut done = 0;
//!     for n in &numbers {                     // ends when the queue is closed and drained
//!         results.send(n * n).unwrap();
//!         done += 1;
//!     }
//!     done                                    // becomes the result of join()
//! }
//!
//! fn main() -> crossproc::Result<()> {
//!     crossproc::init();                      // a child of this program goes to its entry function here
//!     let numbers = Queue::new(1024)?;        // anonymous: gone with its last user
//!     let results = Queue::new(1024)?;
//!     let child = process::spawn(squares, (numbers.clone(), results.clone()))?;
//!     for n in 0..10 {
//!         numbers.send(n)?;
//!     }
//!     numbers.close();
//!     assert_eq!(child.join()?, 10);          // or: panicked with …, killed by …, exited with …
//!     assert_eq!(results.try_iter().sum::<u64>(), 285);
//!     Ok(())
//! }
//! ```
//!
//! Programs that do not start one another meet by name: [`Queue::create`], [`Queue::open`], [`Queue::open_or_create`].
//!
//! # The verbs
//!
//! | | never blocks | blocks | blocks up to | blocks until |
//! |---|---|---|---|---|
//! | send | `try_send` | `send` | `send_timeout` | `send_deadline` |
//! | receive | `try_recv` | `recv` | `recv_timeout` | `recv_deadline` |
//! | receive on lease | `try_lease` | `lease` | `lease_timeout` | `lease_deadline` |
//! | take memory for a message | `try_loan` | `loan` | `loan_timeout` | `loan_deadline` |
//! | lock | `try_lock` | `lock` | `lock_timeout` | `lock_deadline` |
//! | acquire | `try_acquire` | `acquire` | `acquire_timeout` | `acquire_deadline` |
//! | wait | `is_set` and the like | `wait` | `wait_timeout` | `wait_deadline` |
//! | wait for any of several | `try_wait_any` | `wait_any` | `wait_any_timeout` | `wait_any_deadline` |
//! | join a child | `try_join` | `join` | `join_timeout` | `join_deadline` |
//!
//! With the feature `async`, `recv_async`, `send_async`, `acquire_async` and so on are futures for any executor, and `stream` is all that is
//! received. What blocks there sleeps in a thread that the process has for all of them.
//!
//! Blocking means spinning for some microseconds and then sleeping in the kernel. While nobody sleeps, no operation makes a
//! system call.
//!
//! # Threads, forks, limits
//!
//! Handles are `Send`, and all but those of a ring's roles, a pipe's ends and a barrier's parties are `Sync` too. A thread takes part in a segment from its first operation there until it ends, and
//! a segment has room for 126 threads at a time unless told otherwise ([`Options::participants`]). A forked child may use what it
//! inherits; guards, permits, parties, roles, ends, loans and leases stay with the parent.
//!
//! Elements are plain bytes of a fixed size ([`Element`]); objects are what serde can serialise ([`Object`]). Whoever may write a segment may write anything there: what is read
//! is checked, and garbage is an error ([`Fault::Corrupted`]), never undefined behaviour.

#[cfg(all(not(loom), not(target_os = "linux")))]
compile_error!("crossproc needs Linux");

// A child's other descriptors are closed by `posix_spawn_file_actions_addclosefrom_np`, which others have not.
#[cfg(all(not(loom), target_os = "linux", not(target_env = "gnu")))]
compile_error!("crossproc needs the GNU C library");

// The README's programs are compiled with the documentation's.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

// For the model checker there are the algorithms and their models, nothing else.
#[cfg(any(not(loom), test))]
mod atomic;
#[cfg(any(not(loom), test))]
pub mod broadcast;
#[cfg(any(not(loom), test))]
pub mod dict;
#[cfg(any(not(loom), test))]
mod heap;
#[cfg(any(not(loom), test))]
pub mod list;
#[cfg(any(not(loom), test))]
pub mod messages;
#[cfg(any(not(loom), test))]
mod owner;
#[cfg(any(not(loom), test))]
pub mod pipe;
#[cfg(any(not(loom), test))]
pub mod pool;
#[cfg(any(not(loom), test))]
pub mod queue;
#[cfg(any(not(loom), test))]
pub mod spsc;
#[cfg(any(not(loom), test))]
pub mod sync;
#[cfg(any(not(loom), test))]
pub mod values;
#[cfg(any(not(loom), test))]
mod wait;

#[cfg(not(loom))]
mod any;
#[cfg(not(loom))]
mod bytes;
#[cfg(not(loom))]
mod element;
#[cfg(not(loom))]
mod error;
#[cfg(not(loom))]
mod group;
#[cfg(not(loom))]
mod handle;
#[cfg(not(loom))]
mod holding;
#[cfg(not(loom))]
mod keeper;
#[cfg(not(loom))]
mod liveness;
#[cfg(not(loom))]
pub mod manager;
#[cfg(not(loom))]
pub mod namespace;
#[cfg(not(loom))]
mod object;
#[cfg(not(loom))]
mod place;
#[cfg(not(loom))]
mod platform;
#[cfg(not(loom))]
pub mod process;
#[cfg(not(loom))]
mod refusal;
#[cfg(not(loom))]
mod role;
#[cfg(not(loom))]
mod segment;
#[cfg(not(loom))]
#[doc(hidden)]
pub mod testing;
#[cfg(not(loom))]
mod travel;

#[cfg(not(loom))]
pub use any::{Waitable, try_wait_any, wait_any, wait_any_deadline, wait_any_timeout};
#[cfg(not(loom))]
pub use broadcast::{Broadcast, Latest, Overwriting};
#[cfg(not(loom))]
pub use bytemuck;
#[cfg(not(loom))]
pub use bytes::{SharedBytes, SharedBytesMut};
#[cfg(not(loom))]
pub use dict::Dict;
#[cfg(not(loom))]
pub use element::Element;
#[cfg(not(loom))]
pub use error::{
    BarrierError, Error, Fault, IndexError, LoanError, LoanTimeoutError, LockError,
    LockTimeoutError, RecvError, RecvTimeoutError, ReleaseError, Result, SendError,
    SendTimeoutError, TryAcquireError, TryLoanError, TryLockError, TryRecvError, TrySendError,
    UpdateAtError, UpdateError, WaitTimeoutError,
};
#[cfg(not(loom))]
pub use group::{Group, Parts};
#[cfg(not(loom))]
pub use list::List;
#[cfg(not(loom))]
pub use manager::Manager;
#[cfg(not(loom))]
pub use messages::{MessageQueue, ObjectQueue};
#[cfg(not(loom))]
pub use namespace::Namespace;
#[cfg(not(loom))]
pub use object::Object;
#[cfg(not(loom))]
pub use pool::Pool;
#[cfg(not(loom))]
pub use process::init;
#[cfg(not(loom))]
pub use queue::Queue;
#[cfg(not(loom))]
pub use segment::{Bounded, Options, Primitive, unlink};
#[cfg(not(loom))]
pub use sync::{
    Barrier, Condvar, CountingSemaphore, Event, Mutex, OnceLock, ReentrantMutex, RwLock, Semaphore,
};
#[cfg(not(loom))]
pub use values::{Array, Plain, Value};
