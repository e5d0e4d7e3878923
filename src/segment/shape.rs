//! What a segment is asked to be, and how long its parts are.

use crate::error::{Error, Result};
use crate::platform::page_size;
use crate::platform::robust::LIVES_PER_PAGE;

/// Participant records in one page.
const RECORDS_PER_PAGE: u32 = LIVES_PER_PAGE as u32;

/// The most participants a segment can have: a multiple of the above.
const MOST_PARTICIPANTS: u32 = 16_383;

/// What a segment holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Kind {
    /// A ring with one producer and one consumer.
    Ring = 1,
    /// A queue with any number of both.
    Queue = 2,
    /// A mutual exclusion lock, with or without a value.
    Mutex = 3,
    /// A lock that its owner can take again.
    ReentrantMutex = 4,
    /// A lock for one writer or many readers.
    RwLock = 5,
    /// A condition variable.
    Condvar = 6,
    /// Permits that come back when their holders die.
    Semaphore = 7,
    /// A count that is taken from and added to.
    CountingSemaphore = 8,
    /// A flag that can be waited for.
    Event = 9,
    /// A meeting point.
    Barrier = 10,
    /// A value that is created once.
    OnceLock = 11,
    /// Several primitives.
    Group = 12,
    /// Bytes, or messages of any size, between two ends.
    Pipe = 13,
    /// Messages of any size, with any number of senders and receivers.
    MessageQueue = 14,
    /// The same for serialised values.
    ObjectQueue = 15,
    /// Every subscriber receives everything.
    Broadcast = 16,
    /// The same without waiting for anyone.
    Overwriting = 17,
    /// Only the newest value.
    Latest = 18,
    /// One value, read and written whole.
    Value = 19,
    /// Values of one type, one after the other.
    Array = 20,
    /// Named objects of all kinds, and the memory they live in.
    Manager = 21,
    /// Values that are found by key.
    Dict = 22,
    /// Values in a row that grows.
    List = 23,
    /// Named values, each of a type of its own.
    Namespace = 24,
}

/// What something is made in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Within {
    /// A segment of its own.
    Segment,
    Group,
    Manager,
}

impl Kind {
    /// Whether it can be made there.
    pub(crate) fn check_within(self, within: Within) -> Result<()> {
        let reason = match (self, within) {
            (Kind::Manager, Within::Group | Within::Manager) => {
                "a Manager has a segment of its own"
            }
            (Kind::Dict | Kind::List | Kind::Namespace, Within::Segment | Within::Group) => {
                "it lives in a Manager only: ask the manager for it"
            }
            _ => return Ok(()),
        };
        Err(Error::Unsupported { reason })
    }

    pub(super) const ALL: [Kind; 24] = [
        Kind::Ring,
        Kind::Queue,
        Kind::Mutex,
        Kind::ReentrantMutex,
        Kind::RwLock,
        Kind::Condvar,
        Kind::Semaphore,
        Kind::CountingSemaphore,
        Kind::Event,
        Kind::Barrier,
        Kind::OnceLock,
        Kind::Group,
        Kind::Pipe,
        Kind::MessageQueue,
        Kind::ObjectQueue,
        Kind::Broadcast,
        Kind::Overwriting,
        Kind::Latest,
        Kind::Value,
        Kind::Array,
        Kind::Manager,
        Kind::Dict,
        Kind::List,
        Kind::Namespace,
    ];

    /// Where it can begin in the body of a segment: at multiples of this, which divides a page's size.
    pub(crate) fn alignment(self) -> u64 {
        match self {
            // It maps its bytes a second time.
            Kind::Pipe => page_size() as u64,
            _ => 128,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Ring => "spsc ring",
            Kind::Queue => "queue",
            Kind::Mutex => "mutex",
            Kind::ReentrantMutex => "reentrant mutex",
            Kind::RwLock => "reader-writer lock",
            Kind::Condvar => "condition variable",
            Kind::Semaphore => "semaphore",
            Kind::CountingSemaphore => "counting semaphore",
            Kind::Event => "event",
            Kind::Barrier => "barrier",
            Kind::OnceLock => "once lock",
            Kind::Group => "group",
            Kind::Pipe => "pipe",
            Kind::MessageQueue => "message queue",
            Kind::ObjectQueue => "object queue",
            Kind::Broadcast => "broadcast",
            Kind::Overwriting => "overwriting ring",
            Kind::Latest => "latest value",
            Kind::Value => "value",
            Kind::Array => "array",
            Kind::Manager => "manager",
            Kind::Dict => "dict",
            Kind::List => "list",
            Kind::Namespace => "namespace",
        }
    }
}

/// What an element is, as far as two programs can compare it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ElementLayout {
    pub(crate) size: u32,
    pub(crate) align: u32,
    /// The type's name without module paths, which may differ between the programs.
    pub(crate) name: String,
}

impl ElementLayout {
    /// As much of the name as there is room for.
    pub(super) fn stored_name(&self, room: usize) -> &str {
        &self.name[..self.name.floor_char_boundary(room)]
    }
}

/// What the length of a primitive depends on.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub(crate) capacity: u64,
    pub(crate) element_size: u32,
    pub(crate) participants: u32,
}

/// How an opener knows how long the body is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum BodyLen {
    /// It computes it, unless it overflows.
    Computed(fn(Size) -> Option<u64>),
    /// The header says so: the parts of a group are checked by themselves.
    Stated,
}

impl BodyLen {
    pub(super) fn computed(self, size: Size) -> Option<u64> {
        match self {
            BodyLen::Computed(compute) => compute(size),
            BodyLen::Stated => None,
        }
    }
}

/// A segment to create. `capacity` and `body_len` come checked for overflow.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub(crate) kind: Kind,
    pub(crate) element: ElementLayout,
    pub(crate) capacity: u64,
    pub(crate) participants: u32,
    pub(crate) body_len: u64,
    /// For how many bytes of the body memory is taken at once, if not for all: see [`Segment::commit`](super::Segment::commit).
    pub(crate) committed: Option<u64>,
    /// What the body begins with; the rest is zero.
    pub(crate) initial: Box<[u8]>,
}

/// What the opener of a segment takes it for; `None` where anything will do.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    pub(crate) kind: Kind,
    pub(crate) element: ElementLayout,
    pub(crate) capacity: Option<u64>,
    pub(crate) participants: Option<u32>,
    pub(crate) body_len: BodyLen,
}

/// How many participants a segment has when this many are asked for: whole pages of records.
pub(crate) fn round_participants(asked: u32) -> Result<u32> {
    match asked {
        1..=MOST_PARTICIPANTS => Ok(asked.next_multiple_of(RECORDS_PER_PAGE)),
        _ => Err(Error::InvalidSize {
            what: "participants",
            found: asked.into(),
            reason: "it has to be between 1 and 16383",
        }),
    }
}

/// Where the parts of a segment are: one page of header, whole pages of participant records, the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Geometry {
    pub(super) participants_offset: u64,
    pub(super) body_offset: u64,
    pub(super) body_len: u64,
    /// A whole number of pages that fits the address space.
    pub(super) total: u64,
}

impl Geometry {
    pub(super) fn new(participants: u32, body_len: u64) -> Option<Geometry> {
        let page = page_size() as u64;
        let body_offset = page * (1 + u64::from(participants / RECORDS_PER_PAGE));
        let total = body_offset
            .checked_add(body_len)?
            .checked_next_multiple_of(page)?;
        isize::try_from(total).ok()?;
        Some(Geometry {
            participants_offset: page,
            body_offset,
            body_len,
            total,
        })
    }
}
