//! Named values, each of a type of its own, shared by processes.
//!
//! A [`Namespace`] is a dict of one shard, see [`crate::dict`]: each change is one store, and reading takes no lock. Beside a value it is written down what type it is.

mod handle;
mod tagged;

pub use handle::Namespace;
