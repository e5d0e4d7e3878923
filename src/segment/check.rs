//! Whether a header describes the segment its opener takes it for.

use super::header::{ARCHITECTURE, AT_A_PATH, CACHE_LINE, Header, IN_MEMORY, NAME_LEN, VERSION};
use super::shape::{BodyLen, ElementLayout, Expected, Geometry, Kind, Size, round_participants};
use crate::error::{Error, Result};
use crate::platform::{page_size, shm};

impl Header {
    /// Compares every field with what the opener expects, those that give others their meaning first, and
    /// computes anew where the parts of the segment are.
    ///
    /// `flags` are those of where it was found, `file_len` is the file's true length. The magic has been compared already.
    pub(super) fn check(
        &self,
        segment: &str,
        flags: u32,
        file_len: u64,
        expected: &Expected,
    ) -> Result<Geometry> {
        let mismatch = |field, found: String, expected: String| Error::Mismatch {
            segment: segment.to_owned(),
            field,
            found,
            expected,
        };
        let same = |field, found: String, expected: String| {
            if found == expected {
                Ok(())
            } else {
                Err(mismatch(field, found, expected))
            }
        };
        let equal =
            |field, found: u64, expected: u64| same(field, found.to_string(), expected.to_string());

        equal("format version", self.version.into(), VERSION.into())?;
        same(
            "architecture",
            architecture(self.architecture),
            architecture(ARCHITECTURE),
        )?;
        same(
            "kind",
            kind_name(self.kind),
            expected.kind.name().to_owned(),
        )?;
        same("element", self.element(), element(&expected.element))?;
        equal("page size", self.page_size.into(), page_size() as u64)?;
        equal("cache line size", self.cache_line.into(), CACHE_LINE.into())?;
        same("place", place(self.flags), place(flags))?;
        if flags != AT_A_PATH
            && self.boot_id != shm::boot_id().map_err(Error::os("read the boot id"))?
        {
            return Err(Error::BeforeBoot {
                segment: segment.to_owned(),
            });
        }
        if let Some(capacity) = expected.capacity {
            equal("capacity", self.capacity, capacity)?;
        }
        if let Some(participants) = expected.participants {
            equal(
                "participants",
                self.participants.into(),
                participants.into(),
            )?;
        }
        if round_participants(self.participants).ok() != Some(self.participants) {
            let possible = "a multiple of 3 up to 16383".to_owned();
            return Err(mismatch(
                "participants",
                self.participants.to_string(),
                possible,
            ));
        }
        if self.id == 0 {
            return Err(mismatch("id", "0".to_owned(), "another number".to_owned()));
        }

        let body_len = match self.capacity {
            0 => None,
            capacity => match expected.body_len {
                BodyLen::Stated => Some(self.body_len),
                BodyLen::Computed(compute) => compute(Size {
                    capacity,
                    element_size: self.element_size,
                    participants: self.participants,
                }),
            },
        };
        let geometry = body_len
            .and_then(|body_len| Geometry::new(self.participants, body_len))
            .ok_or_else(|| {
                mismatch(
                    "capacity",
                    self.capacity.to_string(),
                    "one that fits the address space".to_owned(),
                )
            })?;
        equal("body offset", self.body_offset, geometry.body_offset)?;
        equal("body length", self.body_len, geometry.body_len)?;
        equal("total length", self.total, geometry.total)?;
        if file_len != self.total {
            let segment = segment.to_owned();
            return Err(Error::Truncated {
                segment,
                found: file_len,
                expected: self.total,
            });
        }
        Ok(geometry)
    }

    fn element(&self) -> String {
        let name = String::from_utf8_lossy(&self.element_name);
        describe_element(
            name.trim_end_matches('\0'),
            self.element_size,
            self.element_align,
        )
    }
}

// What is compared is what the message says: two values have the same text only if they are the same.

fn element(layout: &ElementLayout) -> String {
    describe_element(layout.stored_name(NAME_LEN), layout.size, layout.align)
}

pub(super) fn describe_element(name: &str, size: u32, align: u32) -> String {
    format!(
        "`{}` ({size} bytes, aligned to {align})",
        name.escape_debug()
    )
}

pub(super) fn kind_name(number: u32) -> String {
    let known = Kind::ALL.into_iter().find(|kind| *kind as u32 == number);
    known.map_or_else(
        || format!("unknown ({number})"),
        |kind| kind.name().to_owned(),
    )
}

fn place(flags: u32) -> String {
    match flags {
        IN_MEMORY => "memory".to_owned(),
        AT_A_PATH => "a path".to_owned(),
        unknown => format!("unknown ({unknown:#x})"),
    }
}

fn architecture(mark: [u8; 4]) -> String {
    match mark {
        [width, 0x0c, 0x0b, 0x0a] => format!("little-endian with {width}-byte pointers"),
        [0x0a, 0x0b, 0x0c, width] => format!("big-endian with {width}-byte pointers"),
        unknown => format!("unknown ({unknown:02x?})"),
    }
}
