//! Segments at a path: in any file system, and after the machine has started anew.

#[path = "../support/asleep.rs"]
mod asleep;
#[path = "../support/forked.rs"]
mod forked;
#[path = "../support/image.rs"]
mod image;
#[path = "../support/plain.rs"]
mod plain;
#[path = "../support/private_mount.rs"]
mod private_mount;
#[path = "../support/mod.rs"]
mod support;

#[expect(dead_code, reason = "what others need of it")]
#[macro_use]
#[path = "../sync/children.rs"]
mod children;

mod deaths;
mod directory;
mod files;
mod manager;
mod provisional;
mod restart;
