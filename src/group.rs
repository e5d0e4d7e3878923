//! Several primitives in one segment.

use std::fmt;
use std::os::fd::OwnedFd;

use crate::error::{Error, Fault, Result};
use crate::liveness::Attachment;
use crate::place::{Identity, MOST_PARTS, Part, Place};
use crate::segment::directory::{self, Directory};
use crate::segment::{
    BodyLen, ElementLayout, Expected, Home, Kind, MODE, Options, PARTICIPANTS, Primitive, Segment,
    Shape, Within, round_participants,
};

/// Several primitives in one segment, created, found and removed together.
///
/// A group is made of the options of its parts, in a tuple of up to eight. What it creates or opens are their handles:
///
/// ```
/// use crossproc::{Condvar, Group, Mutex, Semaphore};
///
/// let (balance, changed, tellers) = Group::of((
///     Mutex::options().value(0i64),
///     Condvar::options(),
///     Semaphore::options().permits(4),
/// ))
/// .anonymous()?;
/// let _teller = tellers.acquire()?;
/// *balance.lock()? += 100;
/// changed.notify_all()?;
/// # Ok::<(), crossproc::Error>(())
/// ```
///
/// A thread takes part in the segment as one, however many of the primitives it uses. Everything about the parts is as it would be in
/// segments of their own; but number of participants and access mode are the group's.
pub struct Group<P> {
    parts: P,
    participants: Option<u32>,
    mode: u32,
}

impl<P: Parts> Group<P> {
    /// A group of these parts, to be created or opened.
    pub fn of(parts: P) -> Self {
        Group {
            parts,
            participants: None,
            mode: MODE,
        }
    }

    /// As for a primitive alone: see [`Options::participants`].
    pub fn participants(mut self, threads: u32) -> Self {
        self.participants = Some(threads);
        self
    }

    /// As for a primitive alone: see [`Options::mode`].
    pub fn mode(mut self, permissions: u32) -> Self {
        self.mode = permissions;
        self
    }

    /// Creates the group without a name. Its parts reach other processes in the arguments of
    /// [`process::spawn`](crate::process::spawn), and go with their last user.
    ///
    /// # Errors
    ///
    /// See [`Options::anonymous`].
    pub fn anonymous(&self) -> Result<P::Handles> {
        self.attach(Segment::anonymous(&self.shape()?)?)
    }

    /// Creates the group under a name.
    ///
    /// # Errors
    ///
    /// See [`Options::create`].
    pub fn create(&self, name: &str) -> Result<P::Handles> {
        self.attach(Segment::create(name, &self.shape()?, self.mode)?)
    }

    /// Opens the group of this name. Each part has to be what it is taken for; first values do not matter.
    ///
    /// # Errors
    ///
    /// See [`Options::open`].
    pub fn open(&self, name: &str) -> Result<P::Handles> {
        self.attach(Segment::open(name, &self.expected()?)?)
    }

    /// Opens the group of this name, or creates it where there is none.
    ///
    /// # Errors
    ///
    /// See [`Options::open_or_create`].
    pub fn open_or_create(&self, name: &str) -> Result<P::Handles> {
        let (shape, expected) = (self.shape()?, self.expected()?);
        self.attach(Segment::open_or_create(name, &shape, &expected, self.mode)?)
    }

    fn shape(&self) -> Result<Shape> {
        let participants = round_participants(self.participants.unwrap_or(PARTICIPANTS))?;
        let parts = self.parts.shapes(participants)?;
        let capacity = parts.len() as u64;
        let too_large = Error::TooLarge {
            capacity,
            element_size: 0,
        };
        let (body_len, initial) = directory::lay_out(&parts).ok_or(too_large)?;
        Ok(Shape {
            kind: Kind::Group,
            element: ElementLayout::of::<()>(),
            capacity,
            participants,
            body_len,
            committed: None,
            initial,
        })
    }

    fn expected(&self) -> Result<Expected> {
        Ok(Expected {
            participants: self.participants.map(round_participants).transpose()?,
            ..Members::expected(Some(P::COUNT as u64))
        })
    }

    fn attach(&self, segment: Segment) -> Result<P::Handles> {
        self.parts.attach(&Members::attach(segment)?)
    }
}

impl<P> fmt::Debug for Group<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group")
            .field("participants", &self.participants)
            .finish_non_exhaustive()
    }
}

/// The parts of an attached group, of whatever kinds.
#[doc(hidden)]
#[derive(Debug)]
pub struct Members {
    place: Place,
    /// A copy of the directory.
    entries: Vec<u8>,
}

impl Members {
    fn expected(parts: Option<u64>) -> Expected {
        Expected {
            kind: Kind::Group,
            element: ElementLayout::of::<()>(),
            capacity: parts,
            participants: None,
            body_len: BodyLen::Stated,
        }
    }

    fn attach(segment: Segment) -> Result<Members> {
        let place = Place::whole(Attachment::of(segment)?);
        let len = usize::try_from(place.capacity())
            .ok()
            .filter(|parts| *parts <= MOST_PARTS)
            .map(directory::len)
            .filter(|len| *len <= place.len())
            .ok_or(Fault::Corrupted(
                "a group has more parts than it has room for",
            ))?;
        let entries = (0..len)
            .step_by(8)
            .flat_map(|offset| {
                let long = place.long(offset);
                long.load(crate::atomic::Ordering::Relaxed).to_ne_bytes()
            })
            .collect();
        Ok(Members { place, entries })
    }

    /// Attaches a group that arrived as a descriptor from another process.
    pub(crate) fn from_fd(fd: OwnedFd, home: Home) -> Result<Members> {
        Members::attach(Segment::from_fd(fd, home, &Members::expected(None))?)
    }

    /// The handle of part number `part`, if it is what `options` say.
    pub(crate) fn part<H: Primitive>(&self, part: u32, options: &Options<H>) -> Result<H> {
        let segment = self.place.attachment.segment();
        if u64::from(part) >= self.place.capacity() {
            return Err(Fault::Corrupted("a group has fewer parts than that").into());
        }
        let directory = Directory {
            segment: &segment.label(),
            participants: segment.participants(),
            body_len: segment.body_len() as u64,
            entries: &self.entries,
        };
        let found = directory.part(part as usize, &options.expected()?)?;
        // Both lie inside the mapping.
        let (offset, len) = (found.offset as usize, found.len as usize);
        let identity = Identity::of_group(part);
        let part = Part::OfGroup(part);
        H::attach(self.place.part(part, identity, offset, len, found.capacity))
    }
}

/// What a group can be made of: tuples of two to eight [`Options`].
pub trait Parts: sealed::Sealed {
    /// A tuple of as many handles.
    type Handles;
    #[doc(hidden)]
    const COUNT: usize;
    #[doc(hidden)]
    #[expect(private_interfaces, reason = "sealed")]
    fn shapes(&self, participants: u32) -> Result<Vec<Shape>>;
    #[doc(hidden)]
    fn attach(&self, members: &Members) -> Result<Self::Handles>;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! tuples {
    ($( $count:literal: $($H:ident $part:tt),+; )+) => { $(
        impl<$($H: Primitive),+> sealed::Sealed for ($(Options<$H>,)+) {}

        impl<$($H: Primitive),+> Parts for ($(Options<$H>,)+) {
            type Handles = ($($H,)+);
            const COUNT: usize = $count;

            #[expect(private_interfaces, reason = "sealed")]
            fn shapes(&self, participants: u32) -> Result<Vec<Shape>> {
                Ok(vec![$(self.$part.shape_in(Within::Group, participants)?),+])
            }

            fn attach(&self, members: &Members) -> Result<Self::Handles> {
                Ok(($(members.part($part, &self.$part)?,)+))
            }
        }
    )+ };
}

tuples! {
    2: A 0, B 1;
    3: A 0, B 1, C 2;
    4: A 0, B 1, C 2, D 3;
    5: A 0, B 1, C 2, D 3, E 4;
    6: A 0, B 1, C 2, D 3, E 4, F 5;
    7: A 0, B 1, C 2, D 3, E 4, F 5, G 6;
    8: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7;
}
