#![allow(unsafe_code)] // forms references to atomics inside the mapping
//! A mapped segment.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;

use memmap2::MmapRaw;

use super::header::{BOOT_ID, Header};
use super::home::Home;
use super::shape::Geometry;
use crate::atomic::AtomicU64;
use crate::error::Result;
use crate::platform::shm;

/// A segment mapped into this process, its header checked. Unmapped when dropped; its name stays.
#[derive(Debug)]
pub(crate) struct Segment {
    map: MmapRaw,
    fd: OwnedFd,
    home: Home,
    pub(super) header: Header,
    pub(super) geometry: Geometry,
}

impl Segment {
    /// Maps a file whose header and length have been written or checked.
    pub(super) fn map(
        fd: OwnedFd,
        home: Home,
        header: Header,
        geometry: Geometry,
    ) -> Result<Segment> {
        let len =
            usize::try_from(geometry.total).expect("a segment's length fits the address space");
        let map = shm::map(&fd, len).map_err(home.failed("map the segment"))?;
        Ok(Segment {
            map,
            fd,
            home,
            header,
            geometry,
        })
    }

    /// The first byte. The memory is mapped, at a page's start, for as long as this segment lives.
    pub(crate) fn base(&self) -> NonNull<u8> {
        NonNull::new(self.map.as_mut_ptr()).expect("a mapping is never at address 0")
    }

    /// The header's boot id, in halves: the only field that changes, where it does.
    pub(crate) fn boot_id(&self) -> [&AtomicU64; 2] {
        [BOOT_ID, BOOT_ID + 8].map(|offset| {
            // SAFETY: eight aligned bytes of the header, mapped as long as `self`, and accessed atomically.
            unsafe { self.base().add(offset).cast().as_ref() }
        })
    }

    /// Has the system write every page that was changed by way of the mapping.
    pub(super) fn write_back(&self) -> io::Result<()> {
        self.map.flush()
    }

    /// What to hand to another process, for [`from_fd`](Segment::from_fd).
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Where its file is.
    pub(crate) fn home(&self) -> &Home {
        &self.home
    }

    /// The name it was created or opened with.
    pub(crate) fn name(&self) -> Option<&str> {
        self.home.name()
    }

    /// How errors call it.
    pub(crate) fn label(&self) -> String {
        self.home.label()
    }

    /// Elements, at least one.
    pub(crate) fn capacity(&self) -> u64 {
        self.header.capacity
    }

    /// Participant records, a multiple of three.
    pub(crate) fn participants(&self) -> u32 {
        self.header.participants
    }

    /// Where the participant records begin: at a page's start.
    pub(crate) fn participants_offset(&self) -> usize {
        self.geometry.participants_offset as usize
    }

    /// Where the primitive's own words begin: at a page's start.
    pub(crate) fn body_offset(&self) -> usize {
        self.geometry.body_offset as usize
    }

    /// Bytes of the body.
    pub(crate) fn body_len(&self) -> usize {
        self.geometry.body_len as usize
    }
}
