//! How segments are created and opened, the same for every primitive.

use std::fmt;
use std::marker::PhantomData;
use std::os::fd::OwnedFd;

use super::mapped::Segment;
use super::shape::{ElementLayout, Expected, Kind, Shape, round_participants};
use crate::element::Element;
use crate::error::{Error, Result};

/// Participants a segment has room for unless told otherwise.
const PARTICIPANTS: u32 = 126;

/// Read and write, for the creator's user only.
const MODE: u32 = 0o600;

/// What a segment can hold: implemented by the handles of this crate, and by nothing else.
pub trait Primitive: Sized {
    /// What it transports.
    type Element: Element;
    #[doc(hidden)]
    const KIND: Kind;
    /// Bytes the primitive needs for itself, unless their number overflows.
    #[doc(hidden)]
    fn body_len(capacity: u64, element_size: u32) -> Option<u64>;
    /// Makes the handle of a segment whose header has been checked. `Segment` cannot be named outside this crate,
    /// so neither can this be implemented there.
    #[doc(hidden)]
    fn attach(segment: Segment) -> Result<Self>;
}

/// How to create or open a queue or ring: begin with `Queue::options()` or `Ring::options()`.
///
/// ```no_run
/// # fn main() -> crossproc::Result<()> {
/// let orders = crossproc::Queue::<u64>::options().capacity(1024).mode(0o660).open_or_create("orders")?;
/// # Ok(())
/// # }
/// ```
pub struct Options<H> {
    capacity: Option<usize>,
    participants: Option<u32>,
    mode: u32,
    handle: PhantomData<fn() -> H>,
}

impl<H: Primitive> Options<H> {
    pub(crate) fn new() -> Self {
        Options {
            capacity: None,
            participants: None,
            mode: MODE,
            handle: PhantomData,
        }
    }

    /// How many elements it holds at most. Needed to create; when set, an existing one has to have the same.
    pub fn capacity(mut self, elements: usize) -> Self {
        self.capacity = Some(elements);
        self
    }

    /// How many threads of all processes can take part at a time, 126 unless set; rounded up to a multiple of 3,
    /// at most 16383. When set, an existing segment has to have the same.
    pub fn participants(mut self, threads: u32) -> Self {
        self.participants = Some(threads);
        self
    }

    /// Who can open it by name, as in `chmod`, whatever the umask: `0o600` unless set, `0o660` for the group,
    /// `0o666` for everyone. Takes both reading and writing to open. Used when creating only.
    ///
    /// Whoever can open it can also disturb everyone who uses it, and end them by truncating the file.
    pub fn mode(mut self, permissions: u32) -> Self {
        self.mode = permissions;
        self
    }

    /// Creates it without a name. It reaches other processes in the arguments of
    /// [`process::spawn`](crate::process::spawn), and goes with its last user.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidSize`], [`Error::TooLarge`], [`Error::OutOfMemory`].
    pub fn anonymous(&self) -> Result<H> {
        H::attach(Segment::anonymous(&self.shape()?)?)
    }

    /// Creates it under this name: 1 to 200 bytes without a slash. It stays until it is unlinked or the machine
    /// stops; if this process dies meanwhile, it exists completely or not at all.
    ///
    /// # Errors
    ///
    /// [`Error::AlreadyExists`] if the name is taken, [`Error::InvalidName`], [`Error::InvalidMode`],
    /// [`Error::InvalidSize`], [`Error::TooLarge`], [`Error::SharedMemoryFull`], [`Error::OutOfMemory`].
    pub fn create(&self, name: &str) -> Result<H> {
        H::attach(Segment::create(name, &self.shape()?, self.mode)?)
    }

    /// Opens the one of this name.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is none, [`Error::Mismatch`] if it holds something else (says what differs),
    /// [`Error::PermissionDenied`], [`Error::NotASegment`], [`Error::Truncated`], [`Error::BeforeBoot`],
    /// [`Error::InvalidName`].
    pub fn open(&self, name: &str) -> Result<H> {
        H::attach(Segment::open(name, &self.expected()?)?)
    }

    /// Opens the one of this name, or creates it where there is none. Of several who do so at once, one creates.
    ///
    /// # Errors
    ///
    /// Those of [`create`](Options::create) and [`open`](Options::open), without "exists already" and "not found";
    /// [`Error::Contended`] if others kept creating and removing the name.
    pub fn open_or_create(&self, name: &str) -> Result<H> {
        H::attach(Segment::open_or_create(
            name,
            &self.shape()?,
            &self.expected()?,
            self.mode,
        )?)
    }

    /// Attaches one that arrived as a descriptor from another process.
    pub(crate) fn from_fd(fd: OwnedFd, name: Option<&str>) -> Result<H> {
        H::attach(Segment::from_fd(fd, name, &Self::new().expected()?)?)
    }

    fn shape(&self) -> Result<Shape> {
        let capacity = self.capacity.unwrap_or(0) as u64;
        if capacity == 0 {
            let reason = "give the number of elements it is to hold, at least 1";
            return Err(Error::InvalidSize {
                what: "capacity",
                found: 0,
                reason,
            });
        }
        let element = ElementLayout::of::<H::Element>();
        let body_len = H::body_len(capacity, element.size).ok_or(Error::TooLarge {
            capacity,
            element_size: element.size,
        })?;
        let participants = round_participants(self.participants.unwrap_or(PARTICIPANTS))?;
        Ok(Shape {
            kind: H::KIND,
            element,
            capacity,
            participants,
            body_len,
        })
    }

    fn expected(&self) -> Result<Expected> {
        Ok(Expected {
            kind: H::KIND,
            element: ElementLayout::of::<H::Element>(),
            capacity: self.capacity.map(|elements| elements as u64),
            participants: self.participants.map(round_participants).transpose()?,
            body_len: H::body_len,
        })
    }
}

impl<H> Clone for Options<H> {
    fn clone(&self) -> Self {
        Options { ..*self }
    }
}

impl<H> fmt::Debug for Options<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Options {
            capacity,
            participants,
            mode,
            handle: _,
        } = self;
        write!(
            f,
            "Options {{ capacity: {capacity:?}, participants: {participants:?}, mode: {mode:#o} }}"
        )
    }
}
