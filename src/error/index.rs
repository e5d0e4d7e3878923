//! What can go wrong with elements that are found by index.

use std::{error, fmt};

use super::{Error, Fault};

/// Why an element was not read, written or changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexError {
    /// There is no such element.
    OutOfBounds {
        /// The index asked for; of several, the last.
        index: usize,
        /// How many elements there are.
        len: usize,
    },
    /// The segment or the handle is unusable.
    Fault(Fault),
}

impl From<IndexError> for Error {
    fn from(error: IndexError) -> Error {
        match error {
            IndexError::OutOfBounds { index, len } => Error::OutOfBounds { index, len },
            IndexError::Fault(fault) => fault.into(),
        }
    }
}

impl fmt::Display for IndexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Error::from(*self).fmt(f)
    }
}

impl error::Error for IndexError {}
