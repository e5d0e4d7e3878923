//! What is in a segment that holds a group of primitives: an entry for each, at the start of the body.
//!
//! | offset in an entry | what |
//! |---|---|
//! | 0 | kind, u32 |
//! | 4, 8 | the element's size and alignment, u32 each |
//! | 16 | capacity, u64 |
//! | 24, 32 | where the part begins in the body, and its length, u64 each |
//! | 40 | the element's name, up to 88 bytes |
//!
//! The parts follow, each on a line of its own, in the same order. As with a header, an opener computes everything anew and compares.

use super::check::{describe_element, kind_name};
use super::shape::{Expected, Shape, Size};
use crate::error::{Error, Result};

/// Bytes of an entry.
const ENTRY: usize = 128;
const NAME: usize = 40;
/// Parts begin at a multiple of this.
const ALIGN: u64 = 128;

/// Where a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) offset: u64,
    pub(crate) len: u64,
    pub(crate) capacity: u64,
}

/// Bytes of the entries of so many parts.
pub(crate) fn len(parts: usize) -> usize {
    parts * ENTRY
}

fn next(end: u64) -> Option<u64> {
    end.checked_next_multiple_of(ALIGN)
}

/// The length of a body with these parts, and what it begins with: the directory, and each part's own beginning.
pub(crate) fn lay_out(parts: &[Shape]) -> Option<(u64, Box<[u8]>)> {
    let mut body = vec![0; len(parts.len())];
    let mut end = body.len() as u64;
    for (entry, shape) in parts.iter().enumerate() {
        let offset = next(end)?;
        end = offset.checked_add(shape.body_len)?;
        let name = shape.element.stored_name(ENTRY - NAME);
        let mut field = |at: usize, bytes: &[u8]| {
            body[entry * ENTRY + at..][..bytes.len()].copy_from_slice(bytes);
        };
        field(0, &(shape.kind as u32).to_le_bytes());
        field(4, &shape.element.size.to_le_bytes());
        field(8, &shape.element.align.to_le_bytes());
        field(16, &shape.capacity.to_le_bytes());
        field(24, &offset.to_le_bytes());
        field(32, &shape.body_len.to_le_bytes());
        field(NAME, name.as_bytes());
        if !shape.initial.is_empty() {
            let offset = usize::try_from(offset).ok()?;
            body.resize(offset, 0);
            body.extend_from_slice(&shape.initial);
        }
    }
    Some((end, body.into()))
}

/// What one segment's directory is compared with.
pub(crate) struct Directory<'a> {
    /// The segment's name.
    pub(crate) segment: &'a str,
    pub(crate) participants: u32,
    pub(crate) body_len: u64,
    /// A copy of all entries.
    pub(crate) entries: &'a [u8],
}

impl Directory<'_> {
    fn number(&self, entry: usize, at: usize, bytes: usize) -> u64 {
        let mut number = [0; 8];
        number[..bytes].copy_from_slice(&self.entries[entry * ENTRY + at..][..bytes]);
        u64::from_le_bytes(number)
    }

    /// Part `entry`, if it is as expected.
    pub(crate) fn part(&self, entry: usize, expected: &Expected) -> Result<Part> {
        let same = |field: &'static str, found: String, expected: String| {
            if found == expected {
                return Ok(());
            }
            Err(Error::Mismatch {
                segment: format!("{}, part {}", self.segment, entry + 1),
                field,
                found,
                expected,
            })
        };
        let equal = |field, found: u64, expected: Option<u64>| {
            let expected = expected.map_or("one that fits".to_owned(), |number| number.to_string());
            same(field, found.to_string(), expected)
        };
        let kind = self.number(entry, 0, 4) as u32;
        same("kind", kind_name(kind), expected.kind.name().to_owned())?;

        let size = self.number(entry, 4, 4) as u32;
        let align = self.number(entry, 8, 4) as u32;
        let name = &self.entries[entry * ENTRY + NAME..(entry + 1) * ENTRY];
        let name = String::from_utf8_lossy(name);
        let layout = &expected.element;
        same(
            "element",
            describe_element(name.trim_end_matches('\0'), size, align),
            describe_element(layout.stored_name(ENTRY - NAME), layout.size, layout.align),
        )?;

        let capacity = self.number(entry, 16, 8);
        if expected.capacity.is_some() || capacity == 0 {
            equal("capacity", capacity, expected.capacity)?;
        }
        let size = Size {
            capacity,
            element_size: size,
            participants: self.participants,
        };
        let before = match entry {
            0 => Some(self.entries.len() as u64),
            _ => {
                let offset = self.number(entry - 1, 24, 8);
                offset.checked_add(self.number(entry - 1, 32, 8))
            }
        };
        let (offset, len) = (self.number(entry, 24, 8), self.number(entry, 32, 8));
        equal("offset", offset, before.and_then(next))?;
        equal("length", len, expected.body_len.computed(size))?;
        let end = offset.checked_add(len);
        if end.is_none_or(|end| end > self.body_len) {
            equal("end", end.unwrap_or(u64::MAX), Some(self.body_len))?;
        }
        Ok(Part {
            offset,
            len,
            capacity,
        })
    }
}
