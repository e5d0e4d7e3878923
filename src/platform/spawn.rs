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
use rustix::process::Pid;

use super::pidfd;
use super::signals::SignalMask;

/// What the new process is given.
pub(crate) struct Start<'a> {
    pub(crate) arguments: &'a [CString],
    pub(crate) environment: &'a [CString],
    /// Which become 0, 1 and 2; what is not given stays as it is here.
    pub(crate) streams: [Option<BorrowedFd<'a>>; 3],
    /// Which become [`FIRST`] and the numbers after it.
    pub(crate) fds: &'a [BorrowedFd<'a>],
    /// Its working directory, if not this process's.
    pub(crate) directory: Option<BorrowedFd<'a>>,
    pub(crate) mask: SignalMask,
    /// Which are as if they had never been ignored.
    pub(crate) defaults: SignalMask,
}

/// A child, and its pidfd.
pub(crate) type Started = (Pid, io::Result<Option<OwnedFd>>);

/// The number that the first of [`Start::fds`] has in the child.
pub(crate) const FIRST: RawFd = 3;

/// Starts the program this process runs, as a child of the calling *thread*. Returns when the new
/// image is in place: the child's pid, and its pidfd, unless it has ended and been reaped already,
/// which the kernel does by itself where SIGCHLD is ignored. If there is no pidfd to be had, the child is
/// there all the same.
///
/// `/proc/self/exe` is the image itself rather than its path, so the child runs the same code even
/// if the file has since been replaced or removed.
///
/// The child has no other descriptors than those given and 0, 1 and 2, whether or not this process
/// marks its own close-on-exec. So that none is overwritten before it has been duplicated, those given
/// as streams and as `fds` have to be [`above`] all the numbers that they become.
pub(crate) fn this_program(start: &Start<'_>) -> io::Result<Started> {
    const PATH: &CStr = c"/proc/self/exe";
    let mut actions = Actions::new()?;
    if let Some(directory) = start.directory {
        actions.change_directory(directory)?;
    }
    for (stream, number) in start.streams.iter().zip(0..) {
        if let Some(stream) = stream {
            actions.duplicate(*stream, number)?;
        }
    }
    for (fd, number) in start.fds.iter().zip(FIRST..) {
        actions.duplicate(*fd, number)?;
    }
    actions.close_from(end_of(start.fds.len()))?;
    let attributes = Attributes::new(&start.mask, &start.defaults)?;
    let mut pid = 0;
    // SAFETY: both arrays are null-terminated and point at live C strings; both objects are live.
    check(unsafe {
        libc::posix_spawn(
            &mut pid,
            PATH.as_ptr(),
            &actions.0,
            &attributes.0,
            pointers(start.arguments).as_ptr(),
            pointers(start.environment).as_ptr(),
        )
    })?;
    let pid = Pid::from_raw(pid).expect("posix_spawn returns the child's pid");
    Ok((pid, pidfd::open(pid)))
}

/// The first number after those that so many descriptors become.
pub(crate) fn end_of(fds: usize) -> RawFd {
    RawFd::try_from(fds).map_or(RawFd::MAX, |fds| fds.saturating_add(FIRST))
}

/// The same descriptor, at this number or above.
pub(crate) fn above(fd: OwnedFd, lowest: RawFd) -> io::Result<OwnedFd> {
    if fd.as_raw_fd() >= lowest {
        return Ok(fd);
    }
    Ok(rustix::io::fcntl_dupfd_cloexec(fd, lowest)?)
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

/// Another descriptor for what `fd` is, close-on-exec.
///
/// # Safety
///
/// Nothing may be done with it that its owner here, if it has one, does not expect.
pub(crate) unsafe fn duplicate(fd: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: borrowed for the duration of a call that reports a closed descriptor as an error.
    unsafe { BorrowedFd::borrow_raw(fd) }.try_clone_to_owned()
}

/// Lets the program that this process becomes have the descriptor, too.
pub(crate) fn pass_on(fd: BorrowedFd<'_>) -> io::Result<()> {
    Ok(rustix::io::fcntl_setfd(fd, FdFlags::empty())?)
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

    /// The duplicate is not close-on-exec, in the child alone: no other program this process starts
    /// meanwhile can inherit it.
    fn duplicate(&mut self, fd: BorrowedFd<'_>, number: RawFd) -> io::Result<()> {
        // SAFETY: the object is initialised.
        check(unsafe {
            libc::posix_spawn_file_actions_adddup2(&mut self.0, fd.as_raw_fd(), number)
        })
    }

    fn change_directory(&mut self, directory: BorrowedFd<'_>) -> io::Result<()> {
        // SAFETY: the object is initialised.
        check(unsafe {
            libc::posix_spawn_file_actions_addfchdir_np(&mut self.0, directory.as_raw_fd())
        })
    }

    fn close_from(&mut self, lowest: RawFd) -> io::Result<()> {
        // SAFETY: the object is initialised.
        check(unsafe { libc::posix_spawn_file_actions_addclosefrom_np(&mut self.0, lowest) })
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
    fn new(mask: &SignalMask, defaults: &SignalMask) -> io::Result<Attributes> {
        let mut attributes = MaybeUninit::uninit();
        // SAFETY: the call initialises the object it is given.
        check(unsafe { libc::posix_spawnattr_init(attributes.as_mut_ptr()) })?;
        // SAFETY: initialised just now.
        let mut attributes = Attributes(unsafe { attributes.assume_init() });
        let flags = libc::POSIX_SPAWN_SETSIGMASK | libc::POSIX_SPAWN_SETSIGDEF;
        let flags = flags as libc::c_short;
        // SAFETY: the object is initialised.
        check(unsafe { libc::posix_spawnattr_setflags(&mut attributes.0, flags) })?;
        let defaults = defaults.as_raw();
        // SAFETY: the object and the set are initialised.
        check(unsafe { libc::posix_spawnattr_setsigdefault(&mut attributes.0, defaults) })?;
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
