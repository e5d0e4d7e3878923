//! Directories for segments, in memory and on a disk.

use std::fs;
use std::path::{Path, PathBuf};

use super::support::unique_name;

/// Removed when dropped, with what is in it.
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn within(parent: &str) -> Directory {
        let path = Path::new(parent).join(unique_name("at-a-path"));
        fs::create_dir(&path).unwrap();
        Directory(path)
    }

    /// One on a disk, wherever the tests are built.
    pub(crate) fn new() -> Directory {
        Directory::within(env!("CARGO_TARGET_TMPDIR"))
    }

    /// One in memory, and one on a disk.
    pub(crate) fn both() -> [Directory; 2] {
        [Directory::within("/dev/shm"), Directory::new()]
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The names of all that is in it.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
