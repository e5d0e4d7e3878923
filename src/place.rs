#![allow(unsafe_code)] // forms references to atomics inside the mapping
//! Where a primitive is: an attached segment, and the bytes in it that are the primitive's own.

use std::fmt;
use std::ptr::NonNull;
use std::sync::Arc;

use crate::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::element::{self, Element, Unchecked};
use crate::liveness::Attachment;
use crate::wait::FutexBell;

/// As many primitives as share a segment at most.
pub(crate) const MOST_PARTS: usize = 8;

/// A primitive's bytes, and the attachment that keeps them mapped.
#[derive(Clone)]
pub struct Place {
    pub(crate) attachment: Arc<Attachment>,
    start: NonNull<u8>,
    len: usize,
    capacity: u64,
    /// Which part of a group it is, if it does not have the segment to itself.
    part: Option<u32>,
}

// SAFETY: the bytes are shared by design and accessed atomically.
unsafe impl Send for Place {}
// SAFETY: as above.
unsafe impl Sync for Place {}

impl Place {
    /// The whole body of a segment.
    pub(crate) fn whole(attachment: Arc<Attachment>) -> Place {
        let segment = attachment.segment();
        // SAFETY: opening checked that the body lies inside the mapping.
        let start = unsafe { segment.base().add(segment.body_offset()) };
        let (len, capacity) = (segment.body_len(), segment.capacity());
        Place {
            attachment,
            start,
            len,
            capacity,
            part: None,
        }
    }

    /// Part number `part` of what is here: `len` bytes from `offset` on.
    pub(crate) fn part(&self, part: u32, offset: usize, len: usize, capacity: u64) -> Place {
        assert!(
            offset.checked_add(len).is_some_and(|end| end <= self.len),
            "parts are checked where they are read"
        );
        Place {
            attachment: Arc::clone(&self.attachment),
            // SAFETY: the part lies inside these bytes, as has just been checked.
            start: unsafe { self.start.add(offset) },
            len,
            capacity,
            part: Some(part),
        }
    }

    /// The first of the bytes: 128-aligned, and mapped for as long as this value lives.
    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn capacity(&self) -> u64 {
        self.capacity
    }

    pub(crate) fn part_number(&self) -> Option<u32> {
        self.part
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.attachment.segment().name()
    }

    /// How often survivors have repaired something in the segment.
    pub(crate) fn repairs(&self) -> u64 {
        self.attachment.records().repairs().load(Ordering::Relaxed)
    }

    /// Offsets are a primitive's own constants, or follow from indexes below the capacity that its length was computed from:
    /// none is ever read from the segment.
    #[inline]
    fn at<A>(&self, offset: usize, len: usize) -> NonNull<A> {
        debug_assert!(offset <= self.len && len <= self.len - offset);
        // SAFETY: the offset has just been found inside the bytes.
        unsafe { self.start.add(offset) }.cast()
    }

    #[inline]
    pub(crate) fn long(&self, offset: usize) -> &AtomicU64 {
        // SAFETY: eight aligned bytes inside the mapping, which is accessed atomically only.
        unsafe { self.at::<AtomicU64>(offset, 8).as_ref() }
    }

    #[inline]
    pub(crate) fn word(&self, offset: usize) -> &AtomicU32 {
        // SAFETY: four aligned bytes inside the mapping, which is accessed atomically only.
        unsafe { self.at::<AtomicU32>(offset, 4).as_ref() }
    }

    #[inline]
    pub(crate) fn bell(&self, offset: usize) -> FutexBell<'_> {
        FutexBell::new(self.word(offset))
    }

    /// Copies `value` to `offset`, a multiple of 8.
    #[inline]
    pub(crate) fn write<T: Element>(&self, offset: usize, value: &T) {
        let to = self.at::<AtomicU64>(offset, size_of::<T>()).cast();
        // SAFETY: as many aligned bytes inside the mapping, which is accessed atomically only.
        unsafe { element::write(to, value) }
    }

    /// Copies a value from `offset`, a multiple of 8.
    #[inline]
    pub(crate) fn read<T: Element>(&self, offset: usize) -> Unchecked<T> {
        let from = self.at::<AtomicU64>(offset, size_of::<T>()).cast();
        // SAFETY: as many aligned bytes inside the mapping, which is accessed atomically only.
        unsafe { element::read(from) }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place")
            .field("name", &self.name())
            .field("part", &self.part)
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}
