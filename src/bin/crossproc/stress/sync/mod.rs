//! The synchronization family: workers do work that goes visibly wrong if a primitive does.
//!
//! What is verified, and where a violation shows:
//!
//! | | lost | duplicated | reordered | torn |
//! |---|---|---|---|---|
//! | locks | increments acknowledged and not there | two owners at a time; increments nobody made; more owners said to be dead than are | | a value or invariant half changed, or left by a dead owner of whom the next is not told |
//! | `condvar` | items acknowledged and not there | items nobody put or took | | damaged items |
//! | `semaphore` | permits and tokens that do not come back | one permit or token too many | | |
//! | `wait_any` | tokens that do not come back | one token too many | | |
//! | `event` | not set although it is | set by two | a wait that ends without the event having been set | |
//! | `barrier` | generations without a leader | more than one | a party released before all have arrived, or out of turn | |
//! | `once` | a value there before and gone | a second value, a second initialiser | | a damaged value |
//!
//! What a worker was doing when it was killed may have happened or not: each such death widens the balance by what it
//! was about to do, and no more. Lost wake-ups are hangs.

mod any;
mod barrier;
mod condvar;
pub(super) mod drill;
mod event;
mod exercise;
pub(super) mod floor;
mod lock;
mod mutex;
mod once;
mod permits;
mod reentrant;
mod rwlock;
pub(super) mod settle;
pub(super) mod site;
mod tokens;

use super::Failure;
use super::outcome::Outcome;
use super::round::{self, Conditions};
use crossproc::CountingSemaphore;
use drill::Drill;
use exercise::Exercise;

pub(super) fn mutex(conditions: &Conditions<'_>) -> Result<Outcome, Failure> {
    run::<lock::Locking<mutex::Mutex>>(conditions)
}

pub(super) fn reentrant(conditions: &Conditions<'_>) -> Result<Outcome, Failure> {
    run::<lock::Locking<reentrant::Reentrant>>(conditions)
}

pub(super) fn rwlock(conditions: &Conditions<'_>) -> Result<Outcome, Failure> {
    run::<lock::Locking<rwlock::RwLock>>(conditions)
}

pub(super) fn condvar(conditions: &Conditions<'_>) -> Result<Outcome, Failure> {
    run::<condvar::Buffering>(conditions)
}

/// The two kinds of semaphores take turns.
pub(super) fn semaphore(conditions: &Conditions<'_>) -> Result<Outcome, Failure> {
    match conditions.number % 4 {
        0 | 1 => run::<permits::Holding>(conditions),
        _ => run::<tokens::Passing<CountingSemaphore>>(conditions),
    }
}

pub(super) fn wait_any(conditions: &Conditions<'_>) -> Result<Outcome, Failure> {
    run::<tokens::Passing<any::Several>>(conditions)
}

pub(super) fn event(conditions: &Conditions<'_>) -> Result<Outcome, Failure> {
    run::<event::Signalling>(conditions)
}

/// Barriers that go on without the dead, and those that break, take turns.
pub(super) fn barrier(conditions: &Conditions<'_>) -> Result<Outcome, Failure> {
    match conditions.number % 4 {
        0 | 1 => run::<barrier::Meeting<true>>(conditions),
        _ => run::<barrier::Meeting<false>>(conditions),
    }
}

pub(super) fn once(conditions: &Conditions<'_>) -> Result<Outcome, Failure> {
    run::<once::Making>(conditions)
}

pub(super) fn run<D: Drill>(conditions: &Conditions<'_>) -> Result<Outcome, Failure> {
    round::run::<Exercise<D>>(conditions)
}
