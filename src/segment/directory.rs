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
//! The parts follow, each at a multiple of 128, or at a page's start where its kind has to be mapped again, in the same order. As with a header, an opener computes everything anew and compares.

use super::check::{describe_element, kind_name};
use super::shape::{Expected, Kind, Shape, Size};
use crate::error::{Error, Result};

/// Bytes of an entry.
pub(crate) const ENTRY: usize = 128;
const NAME: usize = 40;

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

/// Where a part of this kind begins, if the one before it ends there.
fn next(end: u64, kind: Kind) -> Option<u64> {
    end.checked_next_multiple_of(kind.alignment())
}

/// The entry of a part that begins at `offset`.
pub(crate) fn entry(shape: &Shape, offset: u64) -> [u8; ENTRY] {
    let mut entry = [0; ENTRY];
    let name = shape.element.stored_name(ENTRY - NAME);
    let mut field = |at: usize, bytes: &[u8]| entry[at..][..bytes.len()].copy_from_slice(bytes);
    field(0, &(shape.kind as u32).to_le_bytes());
    field(4, &shape.element.size.to_le_bytes());
    field(8, &shape.element.align.to_le_bytes());
    field(16, &shape.capacity.to_le_bytes());
    field(24, &offset.to_le_bytes());
    field(32, &shape.body_len.to_le_bytes());
    field(NAME, name.as_bytes());
    entry
}

/// The length of a body with these parts, and what it begins with: the directory, and each part's own beginning.
pub(crate) fn lay_out(parts: &[Shape]) -> Option<(u64, Box<[u8]>)> {
    let mut body = vec![0; len(parts.len())];
    let mut end = body.len() as u64;
    for (index, shape) in parts.iter().enumerate() {
        let offset = next(end, shape.kind)?;
        end = offset.checked_add(shape.body_len)?;
        body[index * ENTRY..][..ENTRY].copy_from_slice(&entry(shape, offset));
        if !shape.initial.is_empty() {
            let offset = usize::try_from(offset).ok()?;
            body.resize(offset, 0);
            body.extend_from_slice(&shape.initial);
        }
    }
    Some((end, body.into()))
}

/// A private copy of an entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a>(&'a [u8; ENTRY]);

impl<'a> Entry<'a> {
    /// The first of these bytes, if there are enough.
    pub(crate) fn of(bytes: &'a [u8]) -> Option<Entry<'a>> {
        bytes.first_chunk().map(Entry)
    }

    fn number(self, at: usize, bytes: usize) -> u64 {
        let mut number = [0; 8];
        number[..bytes].copy_from_slice(&self.0[at..][..bytes]);
        u64::from_le_bytes(number)
    }

    pub(crate) fn kind(self) -> String {
        kind_name(self.number(0, 4) as u32)
    }

    pub(crate) fn element(self) -> String {
        let (size, align) = (self.number(4, 4) as u32, self.number(8, 4) as u32);
        let name = String::from_utf8_lossy(&self.0[NAME..]);
        describe_element(name.trim_end_matches('\0'), size, align)
    }

    pub(crate) fn part(self) -> Part {
        Part {
            offset: self.number(24, 8),
            len: self.number(32, 8),
            capacity: self.number(16, 8),
        }
    }

    /// Whether it is what its opener takes it for, but for where it begins.
    pub(crate) fn check(self, label: &str, participants: u32, expected: &Expected) -> Result<Part> {
        let same = |field, found: String, expected: String| match found == expected {
            true => Ok(()),
            false => Err(Error::Mismatch {
                segment: label.to_owned(),
                field,
                found,
                expected,
            }),
        };
        same("kind", self.kind(), expected.kind.name().to_owned())?;
        let layout = &expected.element;
        same(
            "element",
            self.element(),
            describe_element(layout.stored_name(ENTRY - NAME), layout.size, layout.align),
        )?;
        let part = self.part();
        if expected.capacity.is_some() || part.capacity == 0 {
            equal(label, "capacity", part.capacity, expected.capacity)?;
        }
        let size = Size {
            capacity: part.capacity,
            element_size: layout.size,
            participants,
        };
        equal(label, "length", part.len, expected.body_len.computed(size))?;
        Ok(part)
    }
}

/// Whether a number is what it has to be, if it can be anything.
fn equal(label: &str, field: &'static str, found: u64, expected: Option<u64>) -> Result<()> {
    if expected == Some(found) {
        return Ok(());
    }
    Err(Error::Mismatch {
        segment: label.to_owned(),
        field,
        found: found.to_string(),
        expected: expected.map_or("one that fits".to_owned(), |number| number.to_string()),
    })
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
    fn entry(&self, entry: usize) -> Entry<'_> {
        Entry::of(&self.entries[entry * ENTRY..]).expect("there are whole entries")
    }

    /// Part `entry`, if it is as expected.
    pub(crate) fn part(&self, entry: usize, expected: &Expected) -> Result<Part> {
        let label = format!("{}, part {}", self.segment, entry + 1);
        let found = self
            .entry(entry)
            .check(&label, self.participants, expected)?;
        let before = match entry {
            0 => Some(self.entries.len() as u64),
            _ => {
                let before = self.entry(entry - 1).part();
                before.offset.checked_add(before.len)
            }
        };
        equal(
            &label,
            "offset",
            found.offset,
            before.and_then(|end| next(end, expected.kind)),
        )?;
        let end = found.offset.checked_add(found.len);
        if end.is_none_or(|end| end > self.body_len) {
            equal(&label, "end", end.unwrap_or(u64::MAX), Some(self.body_len))?;
        }
        Ok(found)
    }
}
