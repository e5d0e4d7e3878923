//! Locks, semaphores, events, conditions, barriers and values made once.
//!
//! A row here is a [`Script`](crate::play::Script) of deeds; a primitive joins by being an
//! [`Actor`](crate::stage::Actor), or, if it is a lock, a [`Lock`](locks::Lock).

mod any;
mod barrier;
mod condvar;
mod counting;
mod event;
pub(crate) mod locks;
mod mutex;
mod once_lock;
mod reentrant;
mod rwlock;
mod semaphore;

use crate::scenario::Row;

pub(crate) fn rows() -> Vec<Row> {
    [
        mutex::rows(),
        reentrant::rows(),
        rwlock::rows(),
        condvar::rows(),
        semaphore::rows(),
        counting::rows(),
        event::rows(),
        any::rows(),
        barrier::rows(),
        once_lock::rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
