//! How segments are created and opened, the same for every primitive.

use std::fmt;
use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::path::Path;

use super::home::Home;
use super::mapped::Segment;
use super::shape::{
    BodyLen, ElementLayout, Expected, Kind, Shape, Size, Within, round_participants,
};
use crate::element::Element;
use crate::error::{Error, Result};
use crate::liveness::Attachment;
use crate::place::Place;

/// Participants a segment has room for unless told otherwise.
pub(crate) const PARTICIPANTS: u32 = 126;

/// Read and write, for the creator's user only.
pub(crate) const MODE: u32 = 0o600;

/// What a segment can hold: implemented by the handles of this crate, and by nothing else.
pub trait Primitive: Sized {
    /// What it transports or guards; `()` for nothing.
    type Element: Element;
    #[doc(hidden)]
    const KIND: Kind;
    #[doc(hidden)]
    const CAPACITY: Capacity = Capacity {
        what: "capacity",
        default: None,
        most: u64::MAX,
        rule: "give the number of elements it is to hold, at least 1",
    };
    /// Whether its first state is something that only its creator knows.
    #[doc(hidden)]
    const NEEDS_VALUE: bool = false;
    /// What two programs compare of the elements.
    #[doc(hidden)]
    #[expect(private_interfaces, reason = "for this crate's own use")]
    fn element() -> ElementLayout {
        ElementLayout::of::<Self::Element>()
    }
    /// Bytes the primitive needs for itself, unless their number overflows.
    #[doc(hidden)]
    fn body_len(size: Size) -> Option<u64>;
    /// For how many of them memory is taken when it is created, if not for all: it commits the others itself. Not for parts of a group.
    #[doc(hidden)]
    fn committed(_size: Size) -> Option<u64> {
        None
    }
    /// Whether a primitive of this size can begin like this.
    #[doc(hidden)]
    fn check_initial(_size: Size, _initial: &[u8]) -> Result<()> {
        Ok(())
    }
    /// What the primitive's bytes begin with; `given` is what its options say. Asked once the size is known to be possible.
    #[doc(hidden)]
    fn first_bytes(size: Size, given: Option<&[u8]>) -> Result<Box<[u8]>> {
        match given {
            Some(initial) => Self::check_initial(size, initial).map(|()| initial.into()),
            None if Self::NEEDS_VALUE => Err(Error::NoValue),
            None => Ok(Box::default()),
        }
    }
    /// Makes the handle of a primitive whose header has been checked. `Place` cannot be named outside this crate,
    /// so neither can this be implemented there.
    #[doc(hidden)]
    fn attach(place: Place) -> Result<Self>;
}

/// What a primitive's capacity is called, and how large it can be.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Capacity {
    pub(crate) what: &'static str,
    /// What it is when created unless told otherwise.
    pub(crate) default: Option<u64>,
    pub(crate) most: u64,
    pub(crate) rule: &'static str,
}

impl Capacity {
    /// Of what there is one.
    pub(crate) const ONE: Capacity = Capacity {
        what: "capacity",
        default: Some(1),
        most: 1,
        rule: "it has to be 1",
    };
}

/// Primitives that hold up to a number of elements.
pub trait Bounded: Primitive {}

/// How to create or open a primitive: begin with `Queue::options()`, `Mutex::options()` and so on.
///
/// ```no_run
/// # fn main() -> crossproc::Result<()> {
/// let orders = crossproc::Queue::<u64>::options().capacity(1024).mode(0o660).open_or_create("orders")?;
/// # Ok(())
/// # }
/// ```
pub struct Options<H> {
    capacity: Option<u64>,
    participants: Option<u32>,
    mode: u32,
    /// What the primitive's bytes begin with.
    initial: Option<Box<[u8]>>,
    handle: PhantomData<fn() -> H>,
}

impl<H: Bounded> Options<H> {
    /// How many elements it holds at most. Needed to create; when set, an existing one has to have the same.
    pub fn capacity(self, elements: usize) -> Self {
        self.sized(elements as u64)
    }
}

impl<H: Primitive> Options<H> {
    pub(crate) fn new() -> Self {
        Options {
            capacity: None,
            participants: None,
            mode: MODE,
            initial: None,
            handle: PhantomData,
        }
    }

    pub(crate) fn sized(mut self, capacity: u64) -> Self {
        self.capacity = Some(capacity);
        self
    }

    pub(crate) fn beginning(mut self, initial: Box<[u8]>) -> Self {
        self.initial = Some(initial);
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
    /// [`Error::InvalidSize`], [`Error::NoValue`], [`Error::TooLarge`], [`Error::OutOfMemory`].
    pub fn anonymous(&self) -> Result<H> {
        attach(Segment::anonymous(&self.shape()?)?)
    }

    /// Creates it under this name: 1 to 200 bytes without a slash. It stays until it is unlinked or the machine
    /// stops; if this process dies meanwhile, it exists completely or not at all.
    ///
    /// # Errors
    ///
    /// [`Error::AlreadyExists`] if the name is taken, [`Error::InvalidName`], [`Error::InvalidMode`],
    /// [`Error::InvalidSize`], [`Error::NoValue`], [`Error::TooLarge`], [`Error::SharedMemoryFull`], [`Error::OutOfMemory`].
    pub fn create(&self, name: &str) -> Result<H> {
        attach(Segment::create(name, &self.shape()?, self.mode)?)
    }

    /// Opens the one of this name.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is none, [`Error::Mismatch`] if it holds something else (says what differs),
    /// [`Error::PermissionDenied`], [`Error::NotASegment`], [`Error::Truncated`], [`Error::BeforeBoot`],
    /// [`Error::InvalidName`].
    pub fn open(&self, name: &str) -> Result<H> {
        attach(Segment::open(name, &self.expected()?)?)
    }

    /// Opens the one of this name, or creates it where there is none. Of several who do so at once, one creates.
    ///
    /// # Errors
    ///
    /// Those of [`create`](Options::create) and [`open`](Options::open), without "exists already" and "not found";
    /// [`Error::Contended`] if others kept creating and removing the name.
    pub fn open_or_create(&self, name: &str) -> Result<H> {
        attach(Segment::open_or_create(
            name,
            &self.shape()?,
            &self.expected()?,
            self.mode,
        )?)
    }

    /// Creates it as a file at this path, of any file system that can share a mapping between processes. It stays until the file is removed, also when the
    /// machine is started anew: whoever opens it first then finds everything as after the death of all who had it open.
    ///
    /// A machine that is shut down in good order writes it to the disk; for one that loses power see [`Manager::sync`](crate::Manager::sync).
    ///
    /// # Errors
    ///
    /// [`Error::AlreadyExists`] if there is a file, [`Error::Os`], and those of [`create`](Options::create) that do not concern names.
    pub fn create_at(&self, path: impl AsRef<Path>) -> Result<H> {
        attach(Segment::create_at(
            path.as_ref(),
            &self.shape()?,
            self.mode,
        )?)
    }

    /// Opens the one at this path.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Options::open) but for [`Error::BeforeBoot`]; [`Error::Os`].
    pub fn open_at(&self, path: impl AsRef<Path>) -> Result<H> {
        attach(Segment::open_at(path.as_ref(), &self.expected()?)?)
    }

    /// Opens the one at this path, or creates it where there is none. Of several who do so at once, one creates.
    ///
    /// # Errors
    ///
    /// Those of [`create_at`](Options::create_at) and [`open_at`](Options::open_at), without "exists already" and "not found".
    pub fn open_or_create_at(&self, path: impl AsRef<Path>) -> Result<H> {
        let (shape, expected) = (self.shape()?, self.expected()?);
        let path = path.as_ref();
        attach(Segment::open_or_create_at(
            path, &shape, &expected, self.mode,
        )?)
    }

    /// Attaches one that arrived as a descriptor from another process.
    pub(crate) fn from_fd(fd: OwnedFd, home: Home) -> Result<H> {
        attach(Segment::from_fd(fd, home, &Self::new().expected()?)?)
    }

    fn shape(&self) -> Result<Shape> {
        let participants = self.participants.unwrap_or(PARTICIPANTS);
        self.shape_in(Within::Segment, round_participants(participants)?)
    }

    /// The same in a segment for so many participants.
    pub(crate) fn shape_in(&self, within: Within, participants: u32) -> Result<Shape> {
        H::KIND.check_within(within)?;
        let Capacity {
            what,
            default,
            most,
            rule,
        } = H::CAPACITY;
        let capacity = self.capacity.or(default).unwrap_or(0);
        if capacity == 0 || capacity > most {
            return Err(Error::InvalidSize {
                what,
                found: capacity,
                reason: rule,
            });
        }
        let element = H::element();
        let size = Size {
            capacity,
            element_size: element.size,
            participants,
        };
        let body_len = H::body_len(size).ok_or(Error::TooLarge {
            capacity,
            element_size: element.size,
        })?;
        Ok(Shape {
            kind: H::KIND,
            element,
            capacity,
            participants,
            body_len,
            committed: H::committed(size),
            initial: H::first_bytes(size, self.initial.as_deref())?,
        })
    }

    pub(crate) fn expected(&self) -> Result<Expected> {
        Ok(Expected {
            kind: H::KIND,
            element: H::element(),
            capacity: self.capacity,
            participants: self.participants.map(round_participants).transpose()?,
            body_len: BodyLen::Computed(H::body_len),
        })
    }
}

fn attach<H: Primitive>(segment: Segment) -> Result<H> {
    H::attach(Place::whole(Attachment::of(segment)?))
}

impl<H> Clone for Options<H> {
    fn clone(&self) -> Self {
        Options {
            initial: self.initial.clone(),
            ..*self
        }
    }
}

impl<H> fmt::Debug for Options<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Options {
            capacity,
            participants,
            mode,
            initial: _,
            handle: _,
        } = self;
        write!(
            f,
            "Options {{ capacity: {capacity:?}, participants: {participants:?}, mode: {mode:#o} }}"
        )
    }
}
