//! A file system of one process's own, to find out what happens when it is full, or of the wrong kind.
//!
//! Include it where it is needed: `#[path = "../support/private_mount.rs"] mod private_mount;`.
#![allow(unsafe_code)] // unshare(2), mount(2)

use std::ffi::CStr;
use std::{fs, io};

pub(crate) fn succeeds(result: libc::c_int) -> io::Result<()> {
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Gives this process a file system of this type at `place` that no other process sees. For a forked child, before it runs a program.
pub(crate) fn private_mount(fs_type: &CStr, options: &CStr, place: &CStr) -> io::Result<()> {
    // SAFETY: takes no arguments.
    let (user, group) = unsafe { (libc::geteuid(), libc::getegid()) };
    let namespaces = match user {
        0 => libc::CLONE_NEWNS,
        _ => libc::CLONE_NEWNS | libc::CLONE_NEWUSER,
    };
    // SAFETY: takes plain numbers.
    succeeds(unsafe { libc::unshare(namespaces) })?;
    if user != 0 {
        fs::write("/proc/self/setgroups", "deny")?;
        fs::write("/proc/self/uid_map", format!("0 {user} 1"))?;
        fs::write("/proc/self/gid_map", format!("0 {group} 1"))?;
    }
    let private = libc::MS_REC | libc::MS_PRIVATE;
    let (nothing, root, place) = (std::ptr::null(), c"/".as_ptr(), place.as_ptr());
    // SAFETY: the strings end with NUL; a null pointer is allowed where nothing is said.
    succeeds(unsafe { libc::mount(nothing, root, nothing, private, nothing.cast()) })?;
    let (fs_type, options) = (fs_type.as_ptr(), options.as_ptr());
    // SAFETY: the strings end with NUL.
    succeeds(unsafe { libc::mount(fs_type, place, fs_type, 0, options.cast()) })
}
