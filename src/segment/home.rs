//! Where a segment's file is, and which names it may have there.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::header::{AT_A_PATH, IN_MEMORY};
use crate::error::{Error, Result};
use crate::platform::shm;

/// Leaves room for the prefix within the 255 bytes a file name may have.
const LONGEST: usize = 200;

/// Keeps this crate's files apart from others in the same directory.
const PREFIX: &str = "crossproc.";

/// Where a segment's file is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Home {
    /// Nowhere: it goes with its last user.
    Anonymous,
    /// In /dev/shm, until the machine stops.
    Named(Box<str>),
    /// In any file system, for as long as the file is there.
    At(#[serde(serialize_with = "put_path", deserialize_with = "take_path")] PathBuf),
}

impl Home {
    pub(crate) fn named(name: &str) -> Result<Home> {
        let invalid = |reason| {
            Err(Error::InvalidName {
                name: name.to_owned(),
                reason,
            })
        };
        match name {
            "" => invalid("it is empty"),
            "." | ".." => invalid("it names a directory"),
            _ if name.len() > LONGEST => invalid("it is longer than 200 bytes"),
            _ if name.contains('/') => invalid("it contains a slash"),
            _ if name.contains('\0') => invalid("it contains a NUL character"),
            _ => Ok(Home::Named(name.into())),
        }
    }

    /// The path counts from where the process is now: it means the same when that changes, and in another process.
    pub(crate) fn at(path: &Path) -> Result<Home> {
        let invalid = |reason| Error::InvalidName {
            name: path.display().to_string(),
            reason,
        };
        let bytes = path.as_os_str().as_bytes();
        if bytes.contains(&0) {
            return Err(invalid("it contains a NUL character"));
        }
        if path.file_name().is_none() || bytes.ends_with(b"/") {
            return Err(invalid("it names a directory, or nothing"));
        }
        let absolute = std::path::absolute(path);
        absolute
            .map(Home::At)
            .map_err(Error::os("find the directory the process is in"))
    }

    /// The file, if it is to be found.
    pub(super) fn path(&self) -> Option<PathBuf> {
        match self {
            Home::Anonymous => None,
            Home::Named(name) => Some(format!("{}/{PREFIX}{name}", shm::DIRECTORY).into()),
            Home::At(path) => Some(path.clone()),
        }
    }

    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Home::Named(name) => Some(name),
            Home::Anonymous | Home::At(_) => None,
        }
    }

    /// How errors call it.
    pub(super) fn label(&self) -> String {
        match self {
            Home::Anonymous => "(anonymous)".to_owned(),
            Home::Named(name) => name.to_string(),
            Home::At(path) => path.display().to_string(),
        }
    }

    /// What a header says of it.
    pub(super) fn flags(&self) -> u32 {
        match self {
            Home::Anonymous | Home::Named(_) => IN_MEMORY,
            Home::At(_) => AT_A_PATH,
        }
    }

    /// For `map_err`: a system call on it has failed.
    pub(super) fn failed<E: Into<io::Error>>(
        &self,
        operation: &'static str,
    ) -> impl FnOnce(E) -> Error {
        move |source| match self {
            Home::At(path) => Error::File {
                operation,
                path: path.clone(),
                source: source.into(),
            },
            Home::Anonymous | Home::Named(_) => Error::os(operation)(source),
        }
    }
}

// Paths are bytes, of whatever encoding.

fn put_path<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    path.as_os_str().as_bytes().serialize(serializer)
}

fn take_path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
    let bytes = Vec::<u8>::deserialize(deserializer)?;
    Ok(std::ffi::OsStr::from_bytes(&bytes).into())
}
