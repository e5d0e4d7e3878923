//! Locks, semaphores, events, conditions, barriers and values made once: what they do, in one process and between
//! processes, and what becomes of them when those who use them are slow, stopped, killed or mistaken.
//!
//! The backstop is an hour away in these tests, so a wake that gets lost is a hang, which the watchdog reports.

#[path = "../support/asleep.rs"]
mod asleep;
#[path = "../support/forked.rs"]
mod forked;
#[path = "../support/plain.rs"]
mod plain;
#[path = "../support/mod.rs"]
mod support;
#[expect(dead_code, reason = "nothing is run one instruction at a time here")]
#[path = "../support/trace.rs"]
mod trace;

#[macro_use]
mod children;

mod barrier;
mod barrier_deaths;
mod condvar;
mod deaths;
mod event;
mod fork;
mod latency;
mod misuse;
mod mutex;
mod names;
mod namespaces;
mod once_lock;
mod overtaking;
mod reentrant;
mod rwlock;
mod semaphores;
mod stopped;
mod time_limits;
mod traits;
