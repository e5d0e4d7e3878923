//! Which names segments may have, and which files they are.

use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::platform::shm;

/// Leaves room for the prefix within the 255 bytes a file name may have.
const LONGEST: usize = 200;

/// Keeps this crate's files apart from others in the same directory.
const PREFIX: &str = "crossproc.";

/// Checks that a segment may have this name.
pub(super) fn validate_name(name: &str) -> Result<()> {
    let reason = match name {
        "" => "it is empty",
        "." | ".." => "it names a directory",
        _ if name.len() > LONGEST => "it is longer than 200 bytes",
        _ if name.contains('/') => "it contains a slash",
        _ if name.contains('\0') => "it contains a NUL character",
        _ => return Ok(()),
    };
    Err(Error::InvalidName {
        name: name.to_owned(),
        reason,
    })
}

/// The file of the segment with this name.
pub(super) fn path_of(name: &str) -> Result<PathBuf> {
    validate_name(name)?;
    Ok(PathBuf::from(format!("{}/{PREFIX}{name}", shm::DIRECTORY)))
}
