#![allow(unsafe_code)] // forms references to atomics inside the mapping
//! Where a primitive is: an attached segment, and the bytes in it that are the primitive's own.

use std::fmt;
use std::ptr::NonNull;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::element::{self, Element, Unchecked};
use crate::liveness::Attachment;
use crate::manager::Pin;
use crate::wait::FutexBell;

/// As many primitives as a group has at most.
pub(crate) const MOST_PARTS: usize = 8;

/// From here on, copying a value in bulk is faster than piece by piece.
const LARGE: usize = 64;

/// How another process finds a place again in the same segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Part {
    /// It is all of the body.
    Whole,
    /// By its number in a group.
    OfGroup(u32),
    /// By its number among the objects of a manager.
    Object(u32),
}

/// What tells a place from the others in its segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Which of the places now in use it is, in what participants announce. It may be given to another when this one is gone and no
    /// live participant announces anything under it any more.
    pub(crate) announced: u8,
    /// Which of all places there ever were in the segment it is: what a thread remembers of a place it remembers under this.
    pub(crate) number: u64,
}

impl Identity {
    /// Of the only place in a segment.
    const ONLY: Identity = Identity {
        announced: 0,
        number: 0,
    };

    /// Of a part of a group, of which there are few, and always the same.
    pub(crate) fn of_group(part: u32) -> Identity {
        Identity {
            announced: part as u8,
            number: part.into(),
        }
    }
}

/// A primitive's bytes, and the attachment that keeps them mapped.
#[derive(Clone)]
pub struct Place {
    pub(crate) attachment: Arc<Attachment>,
    start: NonNull<u8>,
    len: usize,
    capacity: u64,
    part: Part,
    identity: Identity,
    /// What keeps the bytes from being used for something else.
    #[expect(dead_code, reason = "keeps, by being there")]
    pin: Option<Arc<Pin>>,
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
            part: Part::Whole,
            identity: Identity::ONLY,
            pin: None,
        }
    }

    /// Part of what is here: `len` bytes from `offset` on.
    pub(crate) fn part(
        &self,
        part: Part,
        identity: Identity,
        offset: usize,
        len: usize,
        capacity: u64,
    ) -> Place {
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
            part,
            identity,
            pin: None,
        }
    }

    /// The same, kept for as long as it is in use by a pin.
    pub(crate) fn pinned(self, pin: Arc<Pin>) -> Place {
        Place {
            pin: Some(pin),
            ..self
        }
    }

    /// Where in the body of the segment it begins.
    pub(crate) fn offset(&self) -> usize {
        let segment = self.attachment.segment();
        self.start.addr().get() - segment.base().addr().get() - segment.body_offset()
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

    pub(crate) fn which_part(&self) -> Part {
        self.part
    }

    pub(crate) fn identity(&self) -> Identity {
        self.identity
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

    /// Copies `value` to `offset`: a multiple of 8, or of the value's size from one.
    #[inline]
    pub(crate) fn write<T: Element>(&self, offset: usize, value: &T) {
        let to = self.at::<AtomicU64>(offset, size_of::<T>()).cast();
        // SAFETY: as many aligned bytes inside the mapping, which is accessed atomically only.
        unsafe { element::write(to, value) }
    }

    /// Copies a value from `offset`; as for [`write`](Place::write).
    #[inline]
    pub(crate) fn read<T: Element>(&self, offset: usize) -> Unchecked<T> {
        let from = self.at::<AtomicU64>(offset, size_of::<T>()).cast();
        // SAFETY: as many aligned bytes inside the mapping, which is accessed atomically only.
        unsafe { element::read(from) }
    }

    /// The same as [`write`](Place::write) for a value that nobody wants a part of: in bulk if it is large.
    #[inline]
    pub(crate) fn write_whole<T: Element>(&self, offset: usize, value: &T) {
        if const { size_of::<T>() < LARGE } {
            return self.write(offset, value);
        }
        let to = self.at::<u8>(offset, size_of::<T>());
        // SAFETY: as many bytes inside the mapping, which is accessed atomically or by assembly only.
        unsafe { element::write_large(to, value) }
    }

    /// The same as [`read`](Place::read) for a value that nobody wants a part of: in bulk if it is large.
    #[inline]
    pub(crate) fn read_whole<T: Element>(&self, offset: usize) -> Unchecked<T> {
        if const { size_of::<T>() < LARGE } {
            return self.read(offset);
        }
        let from = self.at::<u8>(offset, size_of::<T>());
        // SAFETY: as above.
        unsafe { element::read_large(from) }
    }

    /// Copies `values` to `offset`; as for [`write`](Place::write).
    pub(crate) fn write_all<T: Element>(&self, offset: usize, values: &[T]) {
        let to = self.at::<u8>(offset, size_of_val(values));
        // SAFETY: as many aligned bytes inside the mapping, which is accessed atomically or by assembly only.
        unsafe { element::write_all(to, values) }
    }

    /// Copies values from `offset`, as many as `to` has room for; as for [`write`](Place::write). Nothing if the bytes of one are no value.
    pub(crate) fn read_all<T: Element>(&self, offset: usize, to: &mut [T]) -> Option<()> {
        let from = self.at::<u8>(offset, size_of_val(to));
        // SAFETY: as above.
        unsafe { element::read_all(from, to) }
    }

    /// Copies `count` values from `offset`, behind what is in `to`; as for [`read_all`](Place::read_all).
    pub(crate) fn append<T: Element>(
        &self,
        offset: usize,
        count: usize,
        to: &mut Vec<T>,
    ) -> Option<()> {
        let from = self.at::<u8>(offset, count * size_of::<T>());
        // SAFETY: as above.
        unsafe { element::append(from, count, to) }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place")
            .field("segment", &self.attachment.segment().label())
            .field("part", &self.part)
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::Queue;
    use crate::error::TrySendError;
    use crate::segment::{PARTICIPANTS, Primitive, Segment, Size, Within};

    /// The body of a segment, all zero, that is longer than what is going to be in it.
    fn body() -> Place {
        let shape = Queue::<[u64; 64]>::options()
            .capacity(64)
            .shape_in(Within::Segment, PARTICIPANTS);
        let segment = Segment::anonymous(&shape.unwrap()).unwrap();
        Place::whole(Attachment::of(segment).unwrap())
    }

    /// One primitive after the other in the same bytes of a segment, under the same announced number.
    fn next<H: Primitive>(body: &Place, number: u64, capacity: u64) -> H {
        let offset = 1024;
        let size = Size {
            capacity,
            element_size: size_of::<H::Element>() as u32,
            participants: PARTICIPANTS,
        };
        let len = H::body_len(size).unwrap() as usize;
        (0..len).step_by(8).for_each(|word| {
            body.long(offset + word).store(0, Ordering::Relaxed);
        });
        let identity = Identity {
            announced: 200,
            number,
        };
        H::attach(body.part(Part::Whole, identity, offset, len, capacity)).unwrap()
    }

    #[test]
    fn what_was_seen_of_one_queue_is_not_believed_of_the_next() {
        let body = body();
        // Eight apart, so that they are remembered in the same place.
        let old: Queue<u64> = next(&body, 3, 2);
        for n in 0..9 {
            old.try_send(n).unwrap();
            assert_eq!(old.try_recv(), Ok(n));
        }
        let new: Queue<u64> = next(&body, 11, 2);
        thread::scope(|scope| {
            let others = scope.spawn(|| {
                for n in 0..9 {
                    new.try_send(n).unwrap();
                    if n < 7 {
                        assert_eq!(new.try_recv(), Ok(n));
                    }
                }
            });
            others.join().unwrap();
        });
        // Full, though by the head that was seen of the old one there would be room.
        assert_eq!(new.try_send(9), Err(TrySendError::Full(9)));
        assert_eq!((new.try_recv(), new.try_recv()), (Ok(7), Ok(8)));
    }

    #[test]
    fn what_was_seen_is_kept_for_as_long_as_the_place_is_in_use() {
        let body = body();
        let participant = body.attachment.participant().unwrap();
        participant.seen(3).head.set(7);
        participant.seen(4).head.set(8);
        assert_eq!(participant.seen(3).head.get(), 7);
        assert_eq!(participant.seen(4).head.get(), 8);
        participant.seen(3).orphans.set(Some(1));
        participant.seen(3).memory.set(Some(2));
        let next = participant.seen(11);
        assert_eq!(
            (next.head.get(), next.orphans.get(), next.memory.get()),
            (0, None, None)
        );
        assert_eq!(participant.seen(3).head.get(), 0);
    }
}
