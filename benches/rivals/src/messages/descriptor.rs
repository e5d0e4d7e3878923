#![allow(unsafe_code)] // a descriptor is known by its number only
//! Descriptors that a child process inherits.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, RawFd};

use rustix::io::{FdFlags, fcntl_setfd};
use serde::{Deserialize, Serialize};

/// A descriptor that has the same number in a child process as here. It stays open here until its owner closes it.
#[derive(Serialize, Deserialize)]
pub struct Inherited(RawFd);

impl Inherited {
    /// From now on the children have it too.
    pub fn from_here(descriptor: &impl AsFd) -> io::Result<Inherited> {
        let descriptor = descriptor.as_fd();
        fcntl_setfd(descriptor, FdFlags::empty())?;
        Ok(Inherited(descriptor.as_raw_fd()))
    }

    /// In the child: its own copy. Whatever kind of descriptor it is, as a file it is read and written without buffers.
    pub fn take(self) -> File {
        // SAFETY: the parent kept it open until this process existed, in which nobody else knows of it, and `self` ends here.
        unsafe { File::from_raw_fd(self.0) }
    }
}
