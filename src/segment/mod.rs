//! Segments: pieces of memory that several processes map, each holding one primitive, or a group of them.
//!
//! A *named* segment is the file `/dev/shm/crossproc.NAME`; an *anonymous* one is a sealed `memfd`, known by its
//! descriptor and gone with its last user; one *at a path* is a file in any file system, and outlives the machine's run. All begin with the same [header]. What follows is zero when new,
//! which is the valid first state of everything there but first values, counts and a group's [directory]: those are written with the header.
//!
//! **Whoever dies while creating**, a name is either absent or complete: a named segment is made as a file without
//! a name, given its pages and its header, and then linked into place by one system call that fails if the
//! name is taken.
//!
//! A segment may have a [hole](commit) where its body is not needed yet.
//!
//! **An opener trusts nothing.** It copies the header out once, compares every field with what it expects and
//! every length with what it computes itself, and maps the file only then. What remains is that a named file
//! cannot be sealed: a user who may write it may also truncate it later, and whoever touches the lost pages gets
//! SIGBUS. Share named segments (by `mode`) with users trusted that far; anonymous ones cannot be truncated.
//!
//! Never is a reference formed to bytes of a segment: other processes write them at any time.

mod check;
mod commit;
mod create;
pub(crate) mod directory;
mod header;
mod home;
mod mapped;
mod open;
mod options;
#[cfg(test)]
mod path_tests;
mod provisional;
mod remove;
mod shape;
#[cfg(test)]
mod sparse_tests;
mod sync;
#[cfg(test)]
mod tests;

pub(crate) use home::Home;
pub(crate) use mapped::Segment;
pub(crate) use shape::{
    BodyLen, ElementLayout, Expected, Kind, Shape, Size, Within, round_participants,
};

pub use options::{Bounded, Options, Primitive};
pub(crate) use options::{Capacity, MODE, PARTICIPANTS};
pub use remove::unlink;
