//! Values that any process can read and write in place: one, or many in a row.
//!
//! | | is | reading | writing |
//! |---|---|---|---|
//! | [`Value`] of 1, 2, 4 or 8 bytes | one word | a load | a store, or one atomic instruction |
//! | [`Value`] of any other size | two copies and a version | a copy, never half changed; leaves no trace | one writer after the other; those who read do not wait |
//! | [`Array`] | elements, one behind the other | by index, or many at once | the same; under its lock if it is to be all or nothing for others who lock it |
//!
//! A writer that dies has written or has not, and holds nobody up; only who dies with the lock of an [`Array`] may leave some elements written and others not,
//! and the next who locks it is told.
//!
//! Integers and floats ([`Number`]) are counted up and down in place, by [`fetch_add`](Value::fetch_add) and the like.
//!
//! [`Plain`] makes of such a value one that serde can serialise, as its bytes: so it goes wherever objects go.
//!
//! To wait for a change there is [`Latest`](crate::Latest); to change several things together, [`Mutex`](crate::Mutex).

mod core;
#[cfg(all(loom, test))]
mod model;
#[cfg(all(test, not(loom)))]
mod tests;

#[cfg(not(loom))]
mod arithmetic;
#[cfg(not(loom))]
mod array;
#[cfg(not(loom))]
mod elements;
#[cfg(not(loom))]
mod locked;
#[cfg(not(loom))]
mod number;
#[cfg(not(loom))]
mod plain;
#[cfg(not(loom))]
mod value;
#[cfg(not(loom))]
mod versioned;
#[cfg(not(loom))]
mod word;

#[cfg(not(loom))]
pub use array::{Array, Iter};
#[cfg(not(loom))]
pub use locked::ArrayGuard;
#[cfg(not(loom))]
pub use number::{Integer, Number};
#[cfg(not(loom))]
pub use plain::Plain;
#[cfg(not(loom))]
pub use value::Value;
