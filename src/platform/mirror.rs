#![allow(unsafe_code)] // maps memory
//! Memory mapped twice in a row, so that a run of bytes that goes over the end goes on at the start without anyone's doing.
//!
//! A well-known device for byte rings ("magic ring buffer", "virtual ring buffer"): two neighbouring runs of addresses lead to the same
//! pages of a file.

use std::os::fd::BorrowedFd;
use std::ptr::{self, NonNull};

use rustix::io::{Errno, Result};
use rustix::mm::{MapFlags, ProtFlags, mmap, mmap_anonymous, munmap};

/// Part of a file, twice in a row. Unmapped when dropped; a forked child has, and unmaps, a copy of its own.
#[derive(Debug)]
pub(crate) struct Mirror {
    start: NonNull<u8>,
    /// Bytes in the file, a power of two and whole pages.
    len: usize,
}

// SAFETY: the bytes are shared by design, and whoever accesses them does so as with any bytes of a segment.
unsafe impl Send for Mirror {}
// SAFETY: as above.
unsafe impl Sync for Mirror {}

impl Mirror {
    /// Maps `len` bytes of the file, a power of two, from `offset` on. Both have to be whole pages inside the file, whose length
    /// is not to change.
    pub(crate) fn map(fd: BorrowedFd<'_>, offset: u64, len: usize) -> Result<Mirror> {
        assert!(len.is_power_of_two(), "positions wrap around by their bits");
        let both = len.checked_mul(2).ok_or(Errno::NOMEM)?;
        // SAFETY: the kernel chooses addresses that nothing else has.
        let start = unsafe {
            mmap_anonymous(
                ptr::null_mut(),
                both,
                ProtFlags::empty(),
                MapFlags::PRIVATE | MapFlags::NORESERVE,
            )?
        };
        let start = NonNull::new(start.cast::<u8>()).ok_or(Errno::NOMEM)?;
        // From here on, dropping it unmaps all of it, whatever of it is in place.
        let mirror = Mirror { start, len };
        for copy in [0, len] {
            let protection = ProtFlags::READ | ProtFlags::WRITE;
            // Populated: else every page would be faulted in twice, one by one.
            let flags = MapFlags::SHARED | MapFlags::FIXED | MapFlags::POPULATE;
            // SAFETY: replaces addresses that have just been reserved, and that nobody has been given.
            unsafe {
                mmap(
                    start.as_ptr().add(copy).cast(),
                    len,
                    protection,
                    flags,
                    fd,
                    offset,
                )?
            };
        }
        Ok(mirror)
    }

    /// How many bytes there are.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Where the byte at `position`, counted on and on, is; as many as [`len`](Mirror::len) bytes are mapped from there on.
    #[inline]
    pub(crate) fn at(&self, position: u64) -> NonNull<u8> {
        let offset = position as usize & (self.len - 1);
        // SAFETY: the offset is below the length, and twice as many bytes are mapped.
        unsafe { self.start.add(offset) }
    }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        // SAFETY: the addresses are this value's own, and views of them do not outlive it.
        let _ = unsafe { munmap(self.start.as_ptr().cast(), self.len * 2) };
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;
    use crate::platform::{copy, page_size, shm};

    #[test]
    fn a_run_over_the_end_goes_on_at_the_start() {
        let page = page_size();
        let file = shm::create_anonymous().unwrap();
        shm::allocate(&file, 0, 3 * page as u64).unwrap();
        let mirror = Mirror::map(file.as_fd(), page as u64, 2 * page).unwrap();
        assert_eq!(mirror.len(), 2 * page);
        let sent: Vec<u8> = (0..2 * page).map(|byte| byte as u8 ^ 7).collect();
        let position = u64::MAX - 4;
        let mut received = vec![0; sent.len()];
        // SAFETY: as many bytes are mapped from any position on, and nobody else has them.
        unsafe {
            copy::copy_in(mirror.at(position).as_ptr(), &sent);
            copy::copy_out(&mut received, mirror.at(position).as_ptr());
        }
        assert_eq!(received, sent);
        // The file's first page is untouched, and what came after the position's end is at the start of the second.
        let mut bytes = vec![0; page + 1];
        shm::read_start(&file, &mut bytes).unwrap();
        assert!(bytes[..page].iter().all(|byte| *byte == 0));
        assert_eq!(bytes[page], sent[5]);
    }

    #[test]
    fn what_the_address_space_has_no_room_for_is_refused() {
        let file = shm::create_anonymous().unwrap();
        assert!(Mirror::map(file.as_fd(), 0, 1 << 62).is_err());
        assert!(Mirror::map(file.as_fd(), 0, 1 << 63).is_err());
    }
}
