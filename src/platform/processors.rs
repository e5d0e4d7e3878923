#![allow(unsafe_code)] // sysconf has no safe wrapper
//! How many processors the machine has.

/// Whether it has one only. Not whether this process may use one only: a peer may well have another to itself.
pub(crate) fn only_one() -> bool {
    // SAFETY: sysconf takes a number and returns one.
    unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) == 1 }
}
