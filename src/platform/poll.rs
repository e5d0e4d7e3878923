//! Waiting until a descriptor is readable, and a bell that makes one so.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};

/// Blocks until at least one of `fds` is readable or broken; says of each whether it is.
pub(crate) fn readable<'fd>(fds: impl Iterator<Item = BorrowedFd<'fd>>) -> io::Result<Vec<bool>> {
    let mut fds: Vec<_> = fds
        .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
        .collect();
    rustix::io::retry_on_intr(|| poll(&mut fds, None))?;
    Ok(fds.iter().map(|fd| !fd.revents().is_empty()).collect())
}

/// Readable from [`ring`](Bell::ring) until [`silence`](Bell::silence).
pub(crate) struct Bell(OwnedFd);

impl Bell {
    pub(crate) fn new() -> io::Result<Bell> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        Ok(Bell(eventfd(0, flags)?))
    }

    pub(crate) fn ring(&self) {
        // Fails only when the counter is full, and then the bell is ringing.
        let _ = rustix::io::write(&self.0, &1u64.to_ne_bytes());
    }

    pub(crate) fn silence(&self) {
        // Fails only when nobody has rung.
        let _ = rustix::io::read(&self.0, &mut [0; 8]);
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
