//! The first bytes of every segment: what it is, in fixed-width little-endian fields. See `docs/format.md`.
//!
//! Written once, before anyone else can see the segment, and never changed, but for the boot id of a segment at a path.

use std::time::UNIX_EPOCH;

use super::shape::{Geometry, Shape};
use crate::error::{Error, Result};
use crate::platform::{page_size, shm};

/// How many bytes from the start of a segment the header takes.
pub(super) const HEADER_LEN: usize = 256;

/// Room for an element's name.
pub(super) const NAME_LEN: usize = 128;

pub(super) const MAGIC: [u8; 8] = *b"CROSSPRC";
pub(super) const VERSION: u32 = 1;

/// Distance, in bytes, that keeps words from sharing a cache line: two lines, which some processors fetch together.
pub(super) const CACHE_LINE: u32 = 128;

/// Reads differently on a machine with the other byte order or another pointer width.
pub(super) const ARCHITECTURE: [u8; 4] = (0x0a0b_0c00 | size_of::<usize>() as u32).to_ne_bytes();

/// Flags: it is gone when the machine stops.
pub(super) const IN_MEMORY: u32 = 0;

/// Flags: it may be found after the machine has started again.
pub(super) const AT_A_PATH: u32 = 1;

/// Where the boot id is.
pub(super) const BOOT_ID: usize = 64;

/// A field's bytes in the header.
trait Field: Sized {
    fn put(&self, bytes: &mut [u8]);
    fn take(bytes: &[u8]) -> Self;
}

impl<const N: usize> Field for [u8; N] {
    fn put(&self, bytes: &mut [u8]) {
        bytes.copy_from_slice(self);
    }
    fn take(bytes: &[u8]) -> Self {
        bytes
            .try_into()
            .expect("a field's bytes are as many as the field has")
    }
}

macro_rules! little_endian_fields {
    ($($integer:ty),+) => { $(
        impl Field for $integer {
            fn put(&self, bytes: &mut [u8]) {
                self.to_le_bytes().put(bytes);
            }
            fn take(bytes: &[u8]) -> Self {
                Self::from_le_bytes(Field::take(bytes))
            }
        }
    )+ };
}
little_endian_fields!(u32, u64);

/// Defines the header from its table: each field with its type and offset.
macro_rules! header {
    ($( $(#[$doc:meta])* $offset:literal $field:ident: $type:ty, )+) => {
        /// A private copy of a segment's header.
        #[derive(Clone, Debug)]
        pub(super) struct Header { $( $(#[$doc])* pub(super) $field: $type, )+ }

        impl Header {
            pub(super) fn encode(&self) -> [u8; HEADER_LEN] {
                let mut bytes = [0; HEADER_LEN];
                $( self.$field.put(&mut bytes[$offset..$offset + size_of::<$type>()]); )+
                bytes
            }

            pub(super) fn decode(bytes: &[u8; HEADER_LEN]) -> Header {
                Header { $( $field: Field::take(&bytes[$offset..$offset + size_of::<$type>()]), )+ }
            }
        }
    };
}

header! {
    0 magic: [u8; 8],
    8 version: u32,
    12 kind: u32,
    16 total: u64,
    24 capacity: u64,
    32 element_size: u32,
    36 element_align: u32,
    40 page_size: u32,
    44 cache_line: u32,
    48 participants: u32,
    52 architecture: [u8; 4],
    /// Random, never zero: tells a segment from a later one of the same name.
    56 id: u64,
    64 boot_id: [u8; 16],
    80 creator: u32,
    /// [`IN_MEMORY`] or [`AT_A_PATH`].
    84 flags: u32,
    /// Unix seconds.
    88 created: u64,
    96 body_offset: u64,
    104 body_len: u64,
    128 element_name: [u8; NAME_LEN],
}

impl Header {
    /// The header of a new segment of this shape, and where its parts are.
    pub(super) fn new(shape: &Shape, flags: u32) -> Result<(Header, Geometry)> {
        let geometry =
            Geometry::new(shape.participants, shape.body_len).ok_or(Error::TooLarge {
                capacity: shape.capacity,
                element_size: shape.element.size,
            })?;
        let name = shape.element.stored_name(NAME_LEN).as_bytes();
        let mut element_name = [0; NAME_LEN];
        element_name[..name.len()].copy_from_slice(name);
        let since_1970 = UNIX_EPOCH.elapsed().unwrap_or_default();
        let header = Header {
            magic: MAGIC,
            version: VERSION,
            kind: shape.kind as u32,
            total: geometry.total,
            capacity: shape.capacity,
            element_size: shape.element.size,
            element_align: shape.element.align,
            page_size: page_size() as u32,
            cache_line: CACHE_LINE,
            participants: shape.participants,
            architecture: ARCHITECTURE,
            id: shm::random_id().map_err(Error::os("draw a random number"))?,
            boot_id: shm::boot_id().map_err(Error::os("read the boot id"))?,
            creator: std::process::id(),
            flags,
            created: since_1970.as_secs(),
            body_offset: geometry.body_offset,
            body_len: geometry.body_len,
            element_name,
        };
        Ok((header, geometry))
    }
}
