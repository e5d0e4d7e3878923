//! Opening segments that others made: nothing in them is believed before it has been compared.

use std::os::fd::OwnedFd;
use std::path::Path;

use super::header::{HEADER_LEN, Header, MAGIC};
use super::home::Home;
use super::mapped::Segment;
use super::shape::{Expected, Shape};
use crate::error::{Error, Result};
use crate::platform::page_size;
use crate::platform::shm::{self, Errno};

/// How often [`Segment::open_or_create`] finds the name gone and then taken before it gives up.
const ROUNDS: u32 = 1000;

impl Segment {
    /// Opens a named segment, if it is the one expected.
    pub(crate) fn open(name: &str, expected: &Expected) -> Result<Segment> {
        open(Home::named(name)?, expected)
    }

    /// Opens the segment at a path, if it is the one expected.
    pub(crate) fn open_at(path: &Path, expected: &Expected) -> Result<Segment> {
        open(Home::at(path)?, expected)
    }

    /// Opens the segment of this name, or creates it where there is none.
    pub(crate) fn open_or_create(
        name: &str,
        shape: &Shape,
        expected: &Expected,
        mode: u32,
    ) -> Result<Segment> {
        let create = || Segment::create(name, shape, mode);
        open_or_create(Home::named(name)?, expected, create)
    }

    /// Opens the segment at a path, or creates it where there is none.
    pub(crate) fn open_or_create_at(
        path: &Path,
        shape: &Shape,
        expected: &Expected,
        mode: u32,
    ) -> Result<Segment> {
        let create = || Segment::create_at(path, shape, mode);
        open_or_create(Home::at(path)?, expected, create)
    }

    /// Attaches a segment that arrived as a descriptor from another process, and where its file is. An anonymous one's length has to be
    /// sealed.
    pub(crate) fn from_fd(fd: OwnedFd, home: Home, expected: &Expected) -> Result<Segment> {
        if home == Home::Anonymous && !shm::is_sealed(&fd) {
            return Err(Error::Unsupported {
                reason: "an anonymous segment whose length is not sealed",
            });
        }
        attach(fd, home, expected)
    }
}

fn open(home: Home, expected: &Expected) -> Result<Segment> {
    let fd = open_file(&home, true)?;
    attach(fd, home, expected)
}

fn open_or_create(
    home: Home,
    expected: &Expected,
    create: impl Fn() -> Result<Segment>,
) -> Result<Segment> {
    for _ in 0..ROUNDS {
        match open(home.clone(), expected) {
            Err(Error::NotFound { .. }) => {}
            opened_or_failed => return opened_or_failed,
        }
        match create() {
            Err(Error::AlreadyExists { .. }) => {}
            created_or_failed => return created_or_failed,
        }
    }
    Err(Error::Contended { name: home.label() })
}

/// Opens the segment's file, whatever is in it.
pub(super) fn open_file(home: &Home, writable: bool) -> Result<OwnedFd> {
    let path = home.path().ok_or(Error::Anonymous)?;
    shm::open(&path, writable).map_err(|errno| match errno {
        Errno::NOENT => Error::NotFound { name: home.label() },
        Errno::LOOP => Error::NotASegment {
            name: home.label(),
            reason: "it is a symbolic link",
        },
        Errno::ISDIR | Errno::NXIO | Errno::NODEV => not_regular(&home.label()),
        errno => refused(home, &path, "open the segment", errno),
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
pub(super) fn refused(home: &Home, path: &Path, action: &'static str, errno: Errno) -> Error {
    match (errno, shm::status_of(path)) {
        (Errno::ACCESS | Errno::PERM, Ok(file)) => Error::PermissionDenied {
            name: home.label(),
            action,
            owner: file.owner,
            mode: file.mode,
            user: shm::user(),
        },
        _ => home.failed(action)(errno),
    }
}

fn not_regular(name: &str) -> Error {
    Error::NotASegment {
        name: name.to_owned(),
        reason: "it is not a regular file",
    }
}

fn attach(fd: OwnedFd, home: Home, expected: &Expected) -> Result<Segment> {
    let label = home.label();
    let (header, file_len) = read_header(&fd, &label)?;
    let geometry = header.check(&label, home.flags(), file_len, expected)?;
    Segment::map(fd, home, header, geometry)
}
