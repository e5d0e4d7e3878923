//! Memory shared with forked children that owes nothing to the crate under test.
//!
//! Include it where it is needed: `#[path = "../support/plain.rs"] mod plain;`.
#![allow(unsafe_code)] // mmap(2)

use std::io;
use std::mem::size_of;
use std::ops::Deref;
use std::ptr::{self, NonNull};

/// What may live there.
///
/// # Safety
///
/// All-zero bytes are a valid value, and every field is an atomic.
pub(crate) unsafe trait Zeroed: Sync {}

/// One value, zero at first, in pages that children forked from now on share.
pub(crate) struct Shared<T: Zeroed>(NonNull<T>);

impl<T: Zeroed> Shared<T> {
    pub(crate) fn new() -> Self {
        // SAFETY: a new mapping wherever the kernel likes disturbs nothing.
        let address = unsafe {
            libc::mmap(
                ptr::null_mut(),
                size_of::<T>(),
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        assert_ne!(
            address,
            libc::MAP_FAILED,
            "mmap: {}",
            io::Error::last_os_error()
        );
        Shared(NonNull::new(address.cast()).expect("mappings do not start at zero"))
    }
}

impl<T: Zeroed> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the mapping is large and aligned enough, lives as long as `self`, and its zero
        // bytes are a valid `T`, changed through atomics only.
        unsafe { self.0.as_ref() }
    }
}

impl<T: Zeroed> Drop for Shared<T> {
    fn drop(&mut self) {
        // SAFETY: this mapping is `self`'s alone; no borrow of it outlives `self`.
        unsafe { libc::munmap(self.0.as_ptr().cast(), size_of::<T>()) };
    }
}
