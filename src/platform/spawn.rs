#![allow(unsafe_code)] // posix_spawn and its attribute objects are C; descriptors arrive as numbers
//! Starting this very program once more.

use std::ffi::{CStr, CString, c_char};
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::MetadataExt;
use std::ptr;

use rustix::io::FdFlags;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

use super::pidfd;
use super::signals::SignalMask;

/// Starts the program this process runs, as a child of the calling *thread*, giving it `fds` under
/// their own numbers. Returns when the new image is in place: the child's pid, and its pidfd, unless
/// it has ended and been reaped already, which the kernel does by itself where SIGCHLD is ignored.
///
/// `/proc/self/exe` is the image itself rather than its path, so the child runs the same code even
/// if the file has since been replaced or removed.
///
/// Signals this process ignores stay ignored in the child, as with any `exec`.
pub(crate) fn this_program(
    arguments: &[CString],
    environment: &[CString],
    fds: &[BorrowedFd<'_>],
    mask: &SignalMask,
) -> io::Result<(Pid, Option<OwnedFd>)> {
    const PATH: &CStr = c"/proc/self/exe";
    let mut actions = Actions::new()?;
    for fd in fds {
        actions.keep_open(fd.as_raw_fd())?;
    }
    let attributes = Attributes::new(mask)?;
    let mut pid = 0;
    // SAFETY: both arrays are null-terminated and point at live C strings; both objects are live.
    check(unsafe {
        libc::posix_spawn(
            &mut pid,
            PATH.as_ptr(),
            &actions.0,
            &attributes.0,
            pointers(arguments).as_ptr(),
            pointers(environment).as_ptr(),
        )
    })?;
    let pid = Pid::from_raw(pid).expect("posix_spawn returns the child's pid");
    match pidfd::open(pid) {
        Ok(pidfd) => Ok((pid, pidfd)),
        Err(error) => {
            // Out of descriptors. A child that cannot be watched must not live. Nobody has reaped
            // it, so the pid still means it.
            let _ = kill_process(pid, Signal::KILL);
            let _ = waitpid(Some(pid), WaitOptions::empty());
            Err(error)
        }
    }
}

/// Takes over a descriptor this process was started with, and passes it on to no further program.
///
/// # Safety
///
/// If `fd` is open, nothing else in this process may own it.
pub(crate) unsafe fn adopt(fd: RawFd) -> io::Result<OwnedFd> {
    if fd < 0 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: borrowed for the duration of a call that reports a closed descriptor as an error.
    rustix::io::fcntl_setfd(unsafe { BorrowedFd::borrow_raw(fd) }, FdFlags::CLOEXEC)?;
    // SAFETY: open, as the call above has shown, and the caller vouches that it is nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Whether `file` has no name in the file system and belongs to this process's own user.
pub(crate) fn is_own_and_nameless(file: &File) -> io::Result<bool> {
    let found = file.metadata()?;
    Ok(found.nlink() == 0 && found.uid() == rustix::process::geteuid().as_raw())
}

struct Actions(libc::posix_spawn_file_actions_t);

impl Actions {
    fn new() -> io::Result<Actions> {
        let mut actions = MaybeUninit::uninit();
        // SAFETY: the call initialises the object it is given.
        check(unsafe { libc::posix_spawn_file_actions_init(actions.as_mut_ptr()) })?;
        // SAFETY: initialised just now.
        Ok(Actions(unsafe { actions.assume_init() }))
    }

    /// A descriptor duplicated onto itself loses its close-on-exec mark, in the child alone: no
    /// other program this process starts meanwhile can inherit it.
    fn keep_open(&mut self, fd: RawFd) -> io::Result<()> {
        // SAFETY: the object is initialised.
        check(unsafe { libc::posix_spawn_file_actions_adddup2(&mut self.0, fd, fd) })
    }
}

impl Drop for Actions {
    fn drop(&mut self) {
        // SAFETY: initialised in `new`, destroyed once.
        unsafe { libc::posix_spawn_file_actions_destroy(&mut self.0) };
    }
}

struct Attributes(libc::posix_spawnattr_t);

impl Attributes {
    fn new(mask: &SignalMask) -> io::Result<Attributes> {
        let mut attributes = MaybeUninit::uninit();
        // SAFETY: the call initialises the object it is given.
        check(unsafe { libc::posix_spawnattr_init(attributes.as_mut_ptr()) })?;
        // SAFETY: initialised just now.
        let mut attributes = Attributes(unsafe { attributes.assume_init() });
        let flags = libc::POSIX_SPAWN_SETSIGMASK as libc::c_short;
        // SAFETY: the object is initialised.
        check(unsafe { libc::posix_spawnattr_setflags(&mut attributes.0, flags) })?;
        // SAFETY: the object and the set are initialised.
        check(unsafe { libc::posix_spawnattr_setsigmask(&mut attributes.0, mask.as_raw()) })?;
        Ok(attributes)
    }
}

impl Drop for Attributes {
    fn drop(&mut self) {
        // SAFETY: initialised in `new`, destroyed once.
        unsafe { libc::posix_spawnattr_destroy(&mut self.0) };
    }
}

/// The `posix_spawn` family returns its error instead of setting `errno`.
fn check(error: libc::c_int) -> io::Result<()> {
    match error {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

fn pointers(strings: &[CString]) -> Vec<*mut c_char> {
    let strings = strings.iter().map(|string| string.as_ptr().cast_mut());
    strings.chain([ptr::null_mut()]).collect()
}
