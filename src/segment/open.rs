//! Opening segments that others made: nothing in them is believed before it has been compared.

use std::os::fd::OwnedFd;
use std::path::Path;

use super::header::{HEADER_LEN, Header, MAGIC};
use super::mapped::Segment;
use super::name::{path_of, validate_name};
use super::shape::{Expected, Shape};
use crate::error::{Error, Result};
use crate::platform::page_size;
use crate::platform::shm::{self, Errno};

/// How often [`Segment::open_or_create`] finds the name gone and then taken before it gives up.
const ROUNDS: u32 = 1000;

impl Segment {
    /// Opens a named segment, if it is the one expected.
    pub(crate) fn open(name: &str, expected: &Expected) -> Result<Segment> {
        let fd = open_file(name, true)?;
        attach(fd, Some(name), expected)
    }

    /// Opens the segment of this name, or creates it where there is none.
    pub(crate) fn open_or_create(
        name: &str,
        shape: &Shape,
        expected: &Expected,
        mode: u32,
    ) -> Result<Segment> {
        for _ in 0..ROUNDS {
            match Segment::open(name, expected) {
                Err(Error::NotFound { .. }) => {}
                opened_or_failed => return opened_or_failed,
            }
            match Segment::create(name, shape, mode) {
                Err(Error::AlreadyExists { .. }) => {}
                created_or_failed => return created_or_failed,
            }
        }
        Err(Error::Contended {
            name: name.to_owned(),
        })
    }

    /// Attaches a segment that arrived as a descriptor from another process: a named one with its name, or an
    /// anonymous one, whose length has to be sealed.
    pub(crate) fn from_fd(fd: OwnedFd, name: Option<&str>, expected: &Expected) -> Result<Segment> {
        match name {
            Some(name) => validate_name(name)?,
            None if shm::is_sealed(&fd) => {}
            None => {
                return Err(Error::Unsupported {
                    reason: "an anonymous segment whose length is not sealed",
                });
            }
        }
        attach(fd, name, expected)
    }
}

/// Opens the file of this name, whatever is in it.
pub(super) fn open_file(name: &str, writable: bool) -> Result<OwnedFd> {
    let path = path_of(name)?;
    shm::open(&path, writable).map_err(|errno| match errno {
        Errno::NOENT => Error::NotFound {
            name: name.to_owned(),
        },
        Errno::LOOP => Error::NotASegment {
            name: name.to_owned(),
            reason: "it is a symbolic link",
        },
        Errno::ISDIR | Errno::NXIO | Errno::NODEV => not_regular(name),
        errno => refused(name, &path, "open the segment", errno),
    })
}

/// Reads the header of a file that begins like a segment, and the file's length.
pub(super) fn read_header(fd: &OwnedFd, label: &str) -> Result<(Header, u64)> {
    let status = shm::status(fd).map_err(Error::os("look at the segment's file"))?;
    if !status.is_regular {
        return Err(not_regular(label));
    }
    let mut bytes = [0; HEADER_LEN];
    let read = shm::read_start(fd, &mut bytes).map_err(Error::os("read the segment's header"))?;
    if !bytes.starts_with(&MAGIC) {
        return Err(Error::NotASegment {
            name: label.to_owned(),
            reason: "it does not begin like one",
        });
    }
    if read < HEADER_LEN {
        let expected = page_size() as u64;
        return Err(Error::Truncated {
            segment: label.to_owned(),
            found: status.len,
            expected,
        });
    }
    Ok((Header::decode(&bytes), status.len))
}

/// Explains a refusal by what the file's owner allows.
pub(super) fn refused(name: &str, path: &Path, action: &'static str, errno: Errno) -> Error {
    match (errno, shm::status_of(path)) {
        (Errno::ACCESS | Errno::PERM, Ok(file)) => Error::PermissionDenied {
            name: name.to_owned(),
            action,
            owner: file.owner,
            mode: file.mode,
            user: shm::user(),
        },
        _ => Error::os(action)(errno),
    }
}

fn not_regular(name: &str) -> Error {
    Error::NotASegment {
        name: name.to_owned(),
        reason: "it is not a regular file",
    }
}

fn attach(fd: OwnedFd, name: Option<&str>, expected: &Expected) -> Result<Segment> {
    let label = name.unwrap_or("(anonymous)");
    let (header, file_len) = read_header(&fd, label)?;
    let geometry = header.check(label, file_len, expected)?;
    Segment::map(fd, name, header, geometry)
}
