//! Named objects of every kind in one segment, without a server.
//!
//! # How it is made
//!
//! The segment's body is a heap (`src/heap/`). A dict at its beginning, the directory, says for each name what object has it: its kind, element and capacity as in
//! a segment's header, its number, which is never used twice, and the pages where it is. A number's last four bits are the directory's shard that the name belongs
//! to, so all about an object is under that shard's lock.
//!
//! | creating an object | if the actor dies after it |
//! |---|---|
//! | take the lock of the name's shard of the directory | whoever takes it next is told, and gives back what belongs to no object |
//! | draw a number; take pages for it, and for a queue a number for its announcements; write what the object begins with | pages of an object that is not in the directory: given back as above |
//! | put the record into the directory: **the commit** | the object exists, complete |
//! | let go of the lock | it is inherited |
//!
//! | removing one | if the actor dies after it |
//! |---|---|
//! | remove the record from the directory: **the commit** | nobody finds it any more |
//! | if no live process has it open: give its pages back | whoever inherits the lock does |
//!
//! Whoever opens an object sets a pin: *a claim of its process on a word, the object's number beside it, a full barrier, look into the directory again*. Whoever
//! removes one looks at the pins after it has removed the record, and a full barrier. So either the pin is seen, or that the object is gone. Its pages are
//! given back by whoever drops the last pin, or, if that one dies, by the next to create or remove something in the same shard, or who finds no
//! memory. Pins of the dead count for nothing.

mod directory;
mod handle;
pub(crate) mod nested;
mod pin;

#[cfg(test)]
mod tests;

pub(crate) use directory::{home, with_room};
pub(crate) use handle::validate_name;
pub use handle::{Manager, MemoryInfo, ObjectInfo};
pub(crate) use pin::Pin;
