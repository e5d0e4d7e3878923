//! Waiting until a descriptor is readable, and a bell that makes one so.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::slice::from_mut;
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::Errno;

/// Blocks until at least one of `fds` is readable or broken; says of each whether it is.
pub(crate) fn readable<'fd>(fds: impl Iterator<Item = BorrowedFd<'fd>>) -> io::Result<Vec<bool>> {
    let mut fds: Vec<_> = fds
        .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
        .collect();
    match rustix::io::retry_on_intr(|| poll(&mut fds, None)) {
        Err(Errno::INVAL) => look_at_each(&mut fds)?,
        ready => drop(ready?),
    }
    Ok(fds.iter().map(|fd| !fd.revents().is_empty()).collect())
}

/// Where the limit of open descriptors (`RLIMIT_NOFILE`) was lowered below their number, the kernel refuses to wait for all at once.
fn look_at_each(fds: &mut [PollFd<'_>]) -> io::Result<()> {
    loop {
        let mut ready = 0;
        for fd in &mut *fds {
            let now = Timespec::default();
            ready += rustix::io::retry_on_intr(|| poll(from_mut(fd), Some(&now)))?;
        }
        if ready > 0 {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// Blocks until `fd` is readable or broken, until `deadline` at most; whether it is.
pub(crate) fn readable_by(fd: BorrowedFd<'_>, deadline: Option<Instant>) -> io::Result<bool> {
    let mut fds = [PollFd::from_borrowed_fd(fd, PollFlags::IN)];
    let ready = rustix::io::retry_on_intr(|| {
        let rest = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        // What is too far off to be told is no limit.
        let rest = rest.and_then(|rest| Timespec::try_from(rest).ok());
        poll(&mut fds, rest.as_ref())
    })?;
    Ok(ready > 0)
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
