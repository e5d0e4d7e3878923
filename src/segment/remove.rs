//! Removing names. Those who have the segment mapped keep it.

use std::path::Path;

use super::home::Home;
use super::mapped::Segment;
use super::open::{open_file, read_header, refused};
use crate::error::{Error, Result};
use crate::platform::shm::{self, Errno, Status};

/// Removes the named segment, so that no one else can open it and the name is free again.
///
/// Those who have it open keep it, and its memory is freed when the last of them is gone. Damaged segments,
/// those of other versions of this crate and those made before the machine last started are removed too.
///
/// # Errors
///
/// [`Error::NotFound`] if there is none, [`Error::NotASegment`] if the file of this name is something else (it is
/// left alone), [`Error::PermissionDenied`] if it may not be read or removed.
pub fn unlink(name: &str) -> Result<()> {
    let home = Home::named(name)?;
    let fd = open_file(&home, false)?;
    match read_header(&fd, name) {
        Ok(_) | Err(Error::Truncated { .. }) => {}
        Err(error) => return Err(error),
    }
    let file = shm::status(&fd).map_err(Error::os("look at the segment's file"))?;
    remove(&home, &file)
}

impl Segment {
    /// Removes the name, unless it names another segment by now.
    pub(crate) fn unlink(&self) -> Result<()> {
        let file = shm::status(self.fd()).map_err(Error::os("look at the segment's file"))?;
        remove(self.home(), &file)
    }
}

/// Removes the name if it is this file's. Between the look and the removal the name could only change if another
/// process removed it and created it again just then: Linux cannot do both in one step.
fn remove(home: &Home, file: &Status) -> Result<()> {
    let path = home.path().ok_or(Error::Anonymous)?;
    let failed = |errno| removal_failed(home, &path, errno);
    if !shm::status_of(&path).map_err(failed)?.is_same_file(file) {
        return Err(Error::NotOurs { name: home.label() });
    }
    shm::unlink(&path).map_err(failed)
}

fn removal_failed(home: &Home, path: &Path, errno: Errno) -> Error {
    match errno {
        Errno::NOENT => Error::NotOurs { name: home.label() },
        errno => refused(home, path, "remove the segment", errno),
    }
}
