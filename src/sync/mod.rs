//! Locks, semaphores, events, barriers and the like, none of which a death can leave locked, lost or waited for.
//!
//! | | guards | whose it is | if that dies |
//! |---|---|---|---|
//! | [`Mutex`] | a value, or nothing | a thread's | the next owner is told, with the value as last committed |
//! | [`ReentrantMutex`] | | a thread's, again and again | the next owner is told |
//! | [`RwLock`] | a value | one writing thread's, or many reading ones' | after a writer, readers and writers are told; readers are forgotten |
//! | [`Semaphore`] | a number of permits | a process's, each | the permit comes back |
//! | [`CountingSemaphore`] | a count | nobody's | what it took stays taken |
//! | [`Event`] | a flag | nobody's | |
//! | [`Condvar`] | | nobody's | those who wait look again |
//! | [`Barrier`] | a meeting | a process's, each party | it is broken, or goes on without, as chosen |
//! | [`OnceLock`] | a value made once | a thread's, while it makes it | the next one makes it |
//!
//! They work between the threads of a process as well as between processes. All of them wait in the same way: what can be changed by
//! one instruction is looked at again and again for some microseconds, and then the thread sleeps, until whoever changes it, or
//! dies, wakes it.
//!
//! Each has a segment to itself, under a name or without; or several [share one](crate::Group).

pub(crate) mod claim;
pub(crate) mod lock;
#[cfg(all(loom, test))]
pub(crate) mod model;
mod permits;
mod readers;
mod seats;

#[cfg(not(loom))]
mod barrier;
#[cfg(not(loom))]
mod condvar;
#[cfg(not(loom))]
mod counting;
#[cfg(not(loom))]
mod event;
#[cfg(all(feature = "async", not(loom)))]
mod futures;
#[cfg(not(loom))]
pub(crate) mod guarded;
#[cfg(not(loom))]
mod mutex;
#[cfg(not(loom))]
mod once_lock;
#[cfg(not(loom))]
mod reentrant;
#[cfg(not(loom))]
mod rwlock;
#[cfg(not(loom))]
mod semaphore;

#[cfg(not(loom))]
pub use barrier::{Barrier, BarrierWaitResult, Party};
#[cfg(not(loom))]
pub use condvar::{Condvar, Guard, WaitTimeoutResult};
#[cfg(not(loom))]
pub use counting::CountingSemaphore;
#[cfg(not(loom))]
pub use event::Event;
#[cfg(not(loom))]
pub use mutex::{Mutex, MutexGuard};
#[cfg(not(loom))]
pub use once_lock::OnceLock;
#[cfg(not(loom))]
pub use reentrant::{ReentrantMutex, ReentrantMutexGuard};
#[cfg(not(loom))]
pub use rwlock::{RwLock, RwLockReadGuard, RwLockWriteGuard};
pub use seats::Cause;
#[cfg(not(loom))]
pub use semaphore::{Permit, Semaphore};
