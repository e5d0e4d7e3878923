#![allow(unsafe_code)] // open-file-description locks and tgkill have no safe wrapper
//! A second opinion on whether a participant still lives, for when its life word says so.
//!
//! The life word is exact as long as the thread's robust list is intact. Code that replaces the list, unmaps
//! foreign memory or keeps thousands of robust mutexes can break it, and the word then says "alive" for
//! ever. Two slower oracles cover that, and both err only towards "alive":
//!
//! - in the same PID namespace, `tgkill(pid, tid, 0)`: no such thread, so it has ended;
//! - across namespaces, a byte of the segment's file that the process keeps locked through an open file
//!   description of its own (`F_OFD_SETLK`), which the kernel releases with the process.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;

use super::per_process::PerProcess;

/// Bytes from here on stand for participants; no segment is that large.
const LOCK_BASE: i64 = 1 << 40;

/// A locked byte; released when dropped, or by the kernel when the process ends.
#[derive(Debug)]
pub(crate) struct ByteLock {
    _description: File,
}

impl ByteLock {
    /// Locks byte `index` of the file behind `fd`, through a fresh open file description: one that
    /// travelled to a child process would be shared with it, and so would its locks.
    pub(crate) fn acquire(fd: BorrowedFd<'_>, index: u32) -> io::Result<ByteLock> {
        let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
        let description = OpenOptions::new().read(true).write(true).open(path)?;
        lock(description.as_fd(), libc::F_OFD_SETLK, index).map(|_| ())?;
        Ok(ByteLock {
            _description: description,
        })
    }

    /// Whether somebody other than this process holds byte `index`. `None` if the kernel cannot say.
    pub(crate) fn is_held(fd: BorrowedFd<'_>, index: u32) -> Option<bool> {
        let found = lock(fd, libc::F_OFD_GETLK, index).ok()?;
        Some(i32::from(found.l_type) != libc::F_UNLCK)
    }
}

fn lock(fd: BorrowedFd<'_>, command: libc::c_int, index: u32) -> io::Result<libc::flock> {
    // SAFETY: all-zero is a valid `flock`, a plain C struct.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = libc::F_WRLCK as libc::c_short;
    lock.l_whence = libc::SEEK_SET as libc::c_short;
    lock.l_start = LOCK_BASE + i64::from(index);
    lock.l_len = 1;
    // SAFETY: the pointer is to a live `flock`, which is what these commands read and write.
    let result = unsafe { libc::fcntl(fd.as_raw_fd(), command, &raw mut lock) };
    if result == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(lock)
    }
}

/// Whether thread `tid` of process `pid`, of this process's PID namespace, has certainly ended.
pub(crate) fn thread_has_ended(pid: u32, tid: u32) -> bool {
    let (Ok(pid), Ok(tid)) = (libc::pid_t::try_from(pid), libc::pid_t::try_from(tid)) else {
        return false;
    };
    if pid <= 0 || tid <= 0 {
        return false;
    }
    // SAFETY: signal 0 only asks whether the thread exists.
    let result = unsafe { libc::syscall(libc::SYS_tgkill, pid, tid, 0) };
    result == -1 && io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH)
}

/// This process's PID namespace, as the number the kernel gives it; 0 if it cannot be told.
pub(crate) fn pid_namespace() -> u64 {
    static NAMESPACE: PerProcess<u64> = PerProcess::new();
    *NAMESPACE.get_or_init(|| std::fs::metadata("/proc/self/ns/pid").map_or(0, |m| m.ino()))
}
