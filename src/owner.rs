//! Whose something is: a name for one life of one participant.

/// Who owns something that outlives an operation: a record and its generation. Zero is nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner(u64);

impl Owner {
    pub(crate) const NOBODY: Owner = Owner(0);

    #[inline]
    pub(crate) fn new(index: u32, generation: u32) -> Owner {
        Owner(u64::from(generation) << 32 | u64::from(index + 1))
    }

    /// The record's index; `None` for nobody.
    #[inline]
    pub(crate) fn index(self) -> Option<u32> {
        (self.0 as u32).checked_sub(1)
    }

    #[inline]
    pub(crate) fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// As it is written down in a segment.
    #[cfg(not(loom))]
    #[inline]
    pub(crate) fn bits(self) -> u64 {
        self.0
    }

    #[cfg(not(loom))]
    #[inline]
    pub(crate) fn from_bits(bits: u64) -> Owner {
        Owner(bits)
    }
}
