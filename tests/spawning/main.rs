//! The launcher under pressure: limits reached, thousands of children, families whose heads are killed.
//!
//! `SPAWNING_CHILDREN=10000 cargo test --test spawning many:: -- --nocapture` is the long form of what is counted here.
#![allow(unsafe_code)] // users, limits and process groups have no safe wrapper

#[path = "../support/private_mount.rs"]
mod private_mount;
#[macro_use]
#[path = "../support/guarded.rs"]
mod guarded;
#[path = "../support/mod.rs"]
mod support;

mod families;
mod limits;
mod many;

use crossproc::process;

/// Runs `body` in a process of its own, so that it may change what belongs to a process.
#[track_caller]
fn alone<F: Fn(()) + Copy + 'static>(body: F) {
    let child = process::spawn(body, ()).expect("a process for the test");
    assert_eq!(child.join(), Ok(()));
}

/// Of this process.
fn descriptors() -> usize {
    // The listing has one itself.
    std::fs::read_dir("/proc/self/fd").unwrap().count() - 1
}
