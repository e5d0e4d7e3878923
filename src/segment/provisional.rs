//! Files with a name of their own until they are complete, for file systems without unnamed ones (`O_TMPFILE`).
//!
//! Such a name is random, so nobody who died with one is in anybody's way; and its creator keeps the file locked, so the next one who needs a
//! provisional name in the same directory can tell the names of the dead, and removes them.
//!
//! | step | if the creator dies after it |
//! |---|---|
//! | create `.crossproc-new-…` | a file that nobody has locked: removed by the next creator |
//! | lock it, unless somebody took it for one of the dead | the lock goes with its creator: the same |
//! | fill it, link it to the segment's path: **the commit** | the segment has two names |
//! | remove the provisional one | the segment is as any other |

use std::fs;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use crate::platform::shm::{self, Errno};

const PREFIX: &str = ".crossproc-new-";

/// How often a file may be taken for one of the dead before it is locked.
const ROUNDS: u32 = 100;

/// A provisional name. Dropping it removes it.
#[derive(Debug)]
pub(super) struct Provisional(PathBuf);

impl Provisional {
    /// A new file in `directory`, to be [`shm::link`]ed.
    pub(super) fn create(directory: &Path) -> Result<(OwnedFd, Provisional), Errno> {
        remove_those_of_the_dead(directory);
        for _ in 0..ROUNDS {
            let name = format!("{PREFIX}{:016x}", shm::random_id()?);
            let path = directory.join(name);
            let fd = shm::create_named(&path)?;
            let provisional = Provisional(path);
            // Somebody who has it locked, or had, has removed it or is about to.
            if shm::lock(&fd)? && shm::status(&fd)?.has_name {
                return Ok((fd, provisional));
            }
        }
        Err(Errno::AGAIN)
    }
}

impl Drop for Provisional {
    fn drop(&mut self) {
        let _ = shm::unlink(&self.0);
    }
}

/// What cannot be read or removed stays: it is in nobody's way.
fn remove_those_of_the_dead(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            let path = entry.path();
            let file = shm::open(&path, true);
            // Locked for as long as it takes: its creator may be just about to.
            if file.as_ref().is_ok_and(|file| shm::lock(file) == Ok(true)) {
                let _ = shm::unlink(&path);
            }
        }
    }
}
