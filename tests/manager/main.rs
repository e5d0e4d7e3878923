//! Managers, and the dicts, lists and namespaces in them: what they do, in one process and between processes, and what becomes of them when those who use
//! them are slow, stopped, killed, forked or mistaken.
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

mod churn;
mod deaths;
mod dict;
mod limits;
mod list;
mod list_deaths;
mod list_storm;
mod namespace;
mod nested;
mod objects;
mod pins;
