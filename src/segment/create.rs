//! Making segments. A name is either absent or complete, whoever dies meanwhile.

use std::os::fd::OwnedFd;
use std::path::Path;

use super::commit;
use super::header::Header;
use super::home::Home;
use super::mapped::Segment;
use super::provisional::Provisional;
use super::shape::Shape;
use crate::error::{Error, Result};
use crate::platform::shm::{self, Errno};

impl Segment {
    /// Creates a named segment that users within `mode` can open; fails if the name is taken.
    pub(crate) fn create(name: &str, shape: &Shape, mode: u32) -> Result<Segment> {
        let unnamed =
            |_: &Path| shm::create_unnamed(shm::DIRECTORY.as_ref()).map_err(no_unnamed_file);
        make(Home::named(name)?, shape, mode, unnamed)
    }

    /// Creates a segment at a path, in any file system; fails if there is something.
    pub(crate) fn create_at(path: &Path, shape: &Shape, mode: u32) -> Result<Segment> {
        let home = Home::at(path)?;
        // Until it is complete, it has a name of its own in a file system where there is no other way.
        let mut provisional = None;
        make(home.clone(), shape, mode, |path| {
            let directory = path.parent().unwrap_or(Path::new("/"));
            let file = match shm::create_unnamed(directory) {
                Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOENT) => {
                    Provisional::create(directory).map(|(fd, name)| {
                        provisional = Some(name);
                        fd
                    })
                }
                other => other,
            };
            file.map_err(home.failed("create a file"))
        })
    }

    /// Creates a segment without a name, whose length is sealed; it goes with its last user.
    pub(crate) fn anonymous(shape: &Shape) -> Result<Segment> {
        let fd = shm::create_anonymous().map_err(Error::os("create anonymous memory"))?;
        let segment = fill(fd, Home::Anonymous, shape)?;
        shm::seal(segment.fd()).map_err(Error::os("seal the segment's length"))?;
        Ok(segment)
    }
}

/// A segment that is given its name, atomically, when it is complete. `file` makes the file that becomes it.
fn make(
    home: Home,
    shape: &Shape,
    mode: u32,
    file: impl FnOnce(&Path) -> Result<OwnedFd>,
) -> Result<Segment> {
    if mode & !0o666 != 0 {
        return Err(Error::InvalidMode { mode });
    }
    let path = home.path().ok_or(Error::Anonymous)?;
    let fd = file(&path)?;
    shm::set_mode(&fd, mode).map_err(home.failed("set the segment's mode"))?;
    let segment = fill(fd, home, shape)?;
    let home = segment.home();
    match shm::link(segment.fd(), &path) {
        Ok(()) => Ok(segment),
        Err(Errno::EXIST) => Err(Error::AlreadyExists { name: home.label() }),
        Err(errno) => Err(home.failed("give the segment its name")(errno)),
    }
}

/// Turns a new file into a segment that nobody else can see yet.
fn fill(fd: OwnedFd, home: Home, shape: &Shape) -> Result<Segment> {
    let (header, geometry) = Header::new(shape, home.flags())?;
    let taken = match shape.committed {
        None => geometry.total,
        Some(committed) => {
            let body = committed.max(shape.initial.len() as u64);
            geometry.body_offset + body.min(geometry.body_len)
        }
    };
    commit::take(&fd, &home, 0, taken)?;
    if taken < geometry.total {
        shm::set_len(&fd, geometry.total).map_err(home.failed("set the segment's length"))?;
    }
    shm::write_at(&fd, &header.encode(), 0).map_err(home.failed("write the segment's header"))?;
    shm::write_at(&fd, &shape.initial, geometry.body_offset)
        .map_err(home.failed("write the segment's first value"))?;
    Segment::map(fd, home, header, geometry)
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
