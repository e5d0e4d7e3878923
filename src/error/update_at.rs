//! What can go wrong when an element that is found by index is changed.

use std::{error, fmt};

use super::{Error, Fault, UpdateError};

/// Why an element of a list was not changed, inserted or removed. Nothing was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateAtError {
    /// There is no such element.
    OutOfBounds {
        /// The index asked for.
        index: usize,
        /// How many elements there are.
        len: usize,
    },
    /// Whatever else keeps anything from being changed.
    Update(UpdateError),
}

impl From<UpdateError> for UpdateAtError {
    fn from(error: UpdateError) -> UpdateAtError {
        UpdateAtError::Update(error)
    }
}

impl From<Fault> for UpdateAtError {
    fn from(fault: Fault) -> UpdateAtError {
        UpdateAtError::Update(fault.into())
    }
}

impl From<UpdateAtError> for Error {
    fn from(error: UpdateAtError) -> Error {
        match error {
            UpdateAtError::OutOfBounds { index, len } => Error::OutOfBounds { index, len },
            UpdateAtError::Update(error) => error.into(),
        }
    }
}

impl fmt::Display for UpdateAtError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Error::from(*self).fmt(f)
    }
}

impl error::Error for UpdateAtError {}
