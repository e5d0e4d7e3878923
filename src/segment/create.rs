//! Making segments. A name is either absent or complete, whoever dies meanwhile.

use std::os::fd::OwnedFd;

use super::commit;
use super::header::Header;
use super::mapped::Segment;
use super::name::path_of;
use super::shape::Shape;
use crate::error::{Error, Result};
use crate::platform::shm::{self, Errno};

impl Segment {
    /// Creates a named segment that users within `mode` can open; fails if the name is taken.
    pub(crate) fn create(name: &str, shape: &Shape, mode: u32) -> Result<Segment> {
        if mode & !0o666 != 0 {
            return Err(Error::InvalidMode { mode });
        }
        let path = path_of(name)?;
        let fd = shm::create_unnamed().map_err(no_unnamed_file)?;
        shm::set_mode(&fd, mode).map_err(Error::os("set the segment's mode"))?;
        let segment = fill(fd, Some(name), shape)?;
        match shm::link(segment.fd(), &path) {
            Ok(()) => Ok(segment),
            Err(Errno::EXIST) => Err(Error::AlreadyExists {
                name: name.to_owned(),
            }),
            Err(errno) => Err(Error::os("give the segment its name")(errno)),
        }
    }

    /// Creates a segment without a name, whose length is sealed; it goes with its last user.
    pub(crate) fn anonymous(shape: &Shape) -> Result<Segment> {
        let fd = shm::create_anonymous().map_err(Error::os("create anonymous memory"))?;
        let segment = fill(fd, None, shape)?;
        shm::seal(segment.fd()).map_err(Error::os("seal the segment's length"))?;
        Ok(segment)
    }
}

/// Turns a new file into a segment that nobody else can see yet.
fn fill(fd: OwnedFd, name: Option<&str>, shape: &Shape) -> Result<Segment> {
    let (header, geometry) = Header::new(shape)?;
    let taken = match shape.committed {
        None => geometry.total,
        Some(committed) => {
            let body = committed.max(shape.initial.len() as u64);
            geometry.body_offset + body.min(geometry.body_len)
        }
    };
    commit::take(&fd, name.is_some(), 0, taken)?;
    if taken < geometry.total {
        shm::set_len(&fd, geometry.total).map_err(Error::os("set the segment's length"))?;
    }
    shm::write_at(&fd, &header.encode(), 0).map_err(Error::os("write the segment's header"))?;
    shm::write_at(&fd, &shape.initial, geometry.body_offset)
        .map_err(Error::os("write the segment's first value"))?;
    Segment::map(fd, name, header, geometry)
}

fn no_unnamed_file(errno: Errno) -> Error {
    match errno {
        Errno::NOENT | Errno::NOTDIR => Error::Unsupported {
            reason: "there is no /dev/shm: mount a tmpfs there",
        },
        Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL => Error::Unsupported {
            reason: "the file system at /dev/shm has no unnamed files (O_TMPFILE): mount a tmpfs there",
        },
        errno => Error::os("create a file in /dev/shm")(errno),
    }
}
