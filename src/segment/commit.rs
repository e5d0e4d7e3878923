//! Segments whose body is a hole to begin with: long, but without memory where nothing is needed yet.
//!
//! The length never changes, so all that is checked of a segment holds for one with holes too, and mappings stay as they are. Memory for
//! part of the body is taken when somebody is about to use it, by whoever that is, and stays for as long as the segment. Whoever
//! touched what nobody committed would take memory too, or get SIGBUS where there is none.

use std::os::fd::AsFd;

use super::home::Home;
use super::mapped::Segment;
use crate::error::{Error, Result};
use crate::platform::shm::{self, Errno};

/// If this many bytes or more are wanted, they are compared with the memory available before any of it is taken: the kernel
/// would end processes to make room.
const LARGE: u64 = 16 << 20;

impl Segment {
    /// Makes sure that there is memory for `len` bytes of the body from `offset` on: afterwards they can be accessed. What is there
    /// already stays as it is, so several may do the same at once, and any of them be killed: memory taken and not used is there for
    /// the next.
    ///
    /// # Errors
    ///
    /// [`Error::SharedMemoryFull`], [`Error::DiskFull`], [`Error::OutOfMemory`]: then nothing that was there has changed.
    ///
    /// # Panics
    ///
    /// If the body is not that long.
    pub(crate) fn commit(&self, offset: usize, len: usize) -> Result<()> {
        let end = offset.checked_add(len);
        assert!(
            end.is_some_and(|end| end <= self.body_len()),
            "ranges are checked where they are read"
        );
        if len == 0 {
            return Ok(());
        }
        // Files are limited by what holds them. Nothing limits anonymous memory but what there is.
        if *self.home() == Home::Anonymous {
            has_memory(len as u64)?;
        }
        take(
            &self.fd(),
            self.home(),
            (self.body_offset() + offset) as u64,
            len as u64,
        )
    }
}

/// Takes memory for so much of the file, which becomes as long as that.
pub(super) fn take(fd: &impl AsFd, home: &Home, offset: u64, len: u64) -> Result<()> {
    if len >= LARGE && shm::is_in_memory(fd) {
        has_memory(len)?;
    }
    shm::allocate(fd, offset, len).map_err(|errno| match (errno, home) {
        (Errno::NOSPC, Home::Named(_)) => Error::SharedMemoryFull {
            needed: len,
            available: shm::free_space(fd),
        },
        (Errno::NOSPC | Errno::DQUOT, Home::At(path)) => Error::DiskFull {
            path: path.clone(),
            needed: len,
            available: shm::free_space(fd),
        },
        (Errno::NOSPC | Errno::NOMEM, _) => out_of_memory(len),
        (Errno::OPNOTSUPP, Home::At(_)) => Error::Unsupported {
            reason: "the file system cannot take room for part of a file in advance (fallocate)",
        },
        (errno, home) => home.failed("allocate the segment's memory")(errno),
    })
}

fn has_memory(needed: u64) -> Result<()> {
    match shm::available_memory() {
        Some(available) if available < needed => Err(out_of_memory(needed)),
        _ => Ok(()),
    }
}

fn out_of_memory(needed: u64) -> Error {
    Error::OutOfMemory {
        needed,
        available: shm::available_memory().unwrap_or(0),
    }
}
