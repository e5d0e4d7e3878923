//! Rings from which everyone receives: what they do, in one process and between processes, and what becomes of them when those who
//! use them are slow, stopped or killed.
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

#[macro_use]
#[path = "../sync/children.rs"]
mod children;

mod deaths;
mod fork;
mod latest;
mod overwriting;
mod spawned;
mod subscribers;
mod traffic;
