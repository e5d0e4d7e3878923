#![allow(unsafe_code)] // views of bytes inside a mapping
//! Runs of bytes in shared memory, to look at without copying all of them.
//!
//! Whoever has a segment mapped may write any of its bytes at any time, whether or not the protocol allows it. A `&[u8]` promises that nobody
//! does. So these views give copies, or atomics; and for those who trust every process that can open the segment, slices, by functions
//! that say so by being unsafe.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Bound, Deref, RangeBounds};
use std::ptr::NonNull;
use std::sync::atomic::AtomicU8;

use crate::platform::copy;

/// Bytes in shared memory, to read from.
#[derive(Clone, Copy)]
pub struct SharedBytes<'a> {
    start: NonNull<u8>,
    len: usize,
    life: PhantomData<&'a [AtomicU8]>,
}

// SAFETY: the bytes are shared by design, and accessed as atomics or by assembly.
unsafe impl Send for SharedBytes<'_> {}
// SAFETY: as above.
unsafe impl Sync for SharedBytes<'_> {}

impl<'a> SharedBytes<'a> {
    /// # Safety
    ///
    /// `len` bytes from `start` on must be inside a mapping that stays for `'a`.
    pub(crate) unsafe fn new(start: NonNull<u8>, len: usize) -> Self {
        SharedBytes {
            start,
            len,
            life: PhantomData,
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Some of them.
    ///
    /// # Panics
    ///
    /// If the range does not lie inside.
    pub fn slice(&self, range: impl RangeBounds<usize>) -> SharedBytes<'a> {
        let from = match range.start_bound() {
            Bound::Included(from) => *from,
            Bound::Excluded(before) => before.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let to = match range.end_bound() {
            Bound::Included(last) => last.saturating_add(1),
            Bound::Excluded(to) => *to,
            Bound::Unbounded => self.len,
        };
        assert!(
            from <= to && to <= self.len,
            "{from}..{to} of {} bytes",
            self.len
        );
        // SAFETY: the range has just been found inside.
        unsafe { SharedBytes::new(self.start.add(from), to - from) }
    }

    /// Copies the bytes from `offset` on into `to`, filling it.
    ///
    /// # Panics
    ///
    /// If there are not as many.
    #[inline]
    pub fn read(&self, offset: usize, to: &mut [u8]) {
        let from = self.slice(offset..offset.saturating_add(to.len()));
        // SAFETY: as many bytes are mapped there, and nobody else has `to`.
        unsafe { copy::copy_out(to, from.start.as_ptr()) }
    }

    /// A copy of all of them.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut copy = Vec::new();
        self.append_to(&mut copy);
        copy
    }

    /// Copies all of them behind what is in `to`.
    pub fn append_to(&self, to: &mut Vec<u8>) {
        // SAFETY: as many bytes are mapped there, and nobody else has `to`.
        unsafe { copy::append(to, self.start.as_ptr(), self.len) }
    }

    /// The bytes themselves. Each is what it is at the moment it is loaded.
    pub fn as_atomics(&self) -> &'a [AtomicU8] {
        // SAFETY: the bytes are mapped for as long, and accessed atomically, or by assembly that the compiler knows nothing of.
        unsafe { std::slice::from_raw_parts(self.start.cast::<AtomicU8>().as_ptr(), self.len) }
    }

    /// The bytes themselves, as a plain slice.
    ///
    /// # Safety
    ///
    /// No process that has the segment mapped may write them while the slice is in use. Those that use nothing but this crate's
    /// safe functions do not: a message is whole when it arrives, and its sender has no access any more.
    pub unsafe fn as_slice(&self) -> &'a [u8] {
        // SAFETY: the bytes are mapped for as long, and nobody writes them, as the caller promises.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl fmt::Debug for SharedBytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedBytes")
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}

/// Bytes in shared memory that nobody else is to touch, to write to.
pub struct SharedBytesMut<'a>(SharedBytes<'a>);

impl<'a> SharedBytesMut<'a> {
    /// # Safety
    ///
    /// As for [`SharedBytes::new`].
    pub(crate) unsafe fn new(start: NonNull<u8>, len: usize) -> Self {
        // SAFETY: forwarded from the caller.
        SharedBytesMut(unsafe { SharedBytes::new(start, len) })
    }

    /// Copies `from` over the bytes from `offset` on.
    ///
    /// # Panics
    ///
    /// If there are not as many.
    #[inline]
    pub fn write(&mut self, offset: usize, from: &[u8]) {
        let to = self.0.slice(offset..offset.saturating_add(from.len()));
        // SAFETY: as many bytes are mapped there, and a slice that somebody has is not among them.
        unsafe { copy::copy_in(to.start.as_ptr(), from) }
    }

    /// The bytes themselves, as a plain slice. What it holds at first is whatever was there before, of whatever message.
    ///
    /// # Safety
    ///
    /// No process that has the segment mapped may access them while the slice is in use. Those that use nothing but this crate's
    /// safe functions do not.
    pub unsafe fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: the bytes are mapped for as long, and nobody else accesses them, as the caller promises.
        unsafe { std::slice::from_raw_parts_mut(self.0.start.as_ptr(), self.0.len) }
    }
}

impl<'a> Deref for SharedBytesMut<'a> {
    type Target = SharedBytes<'a>;

    fn deref(&self) -> &SharedBytes<'a> {
        &self.0
    }
}

impl fmt::Debug for SharedBytesMut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedBytesMut")
            .field("len", &self.0.len)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering;

    #[test]
    fn copies_go_where_they_belong() {
        let mut memory = [0u8; 100];
        let start = NonNull::from(&mut memory).cast();
        // SAFETY: the array stays, and is used by way of the view only.
        let mut bytes = unsafe { SharedBytesMut::new(start, 100) };
        bytes.write(10, &[1, 2, 3]);
        assert_eq!(bytes.slice(9..14).to_vec(), [0, 1, 2, 3, 0]);
        assert_eq!(bytes.slice(12..).as_atomics()[0].load(Ordering::Relaxed), 3);
        let mut three = [0; 3];
        bytes.read(10, &mut three);
        assert_eq!(three, [1, 2, 3]);
        assert!(bytes.slice(100..).is_empty());
    }

    #[test]
    #[should_panic(expected = "98..101 of 100 bytes")]
    fn nothing_is_written_past_the_end() {
        let mut memory = [0u8; 100];
        // SAFETY: the array stays, and is used by way of the view only.
        let mut bytes = unsafe { SharedBytesMut::new(NonNull::from(&mut memory).cast(), 100) };
        bytes.write(98, &[1, 2, 3]);
    }
}
