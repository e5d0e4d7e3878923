//! What can go wrong.
//!
//! [`Error`] covers the life of a segment or a process: creating, opening, attaching, spawning. Each operation
//! on a queue or ring has an error type of its own, with the cases it can meet and no others; the sending ones
//! hand back what was not sent. Every one of them turns into an [`Error`] with `?`.

mod index;
mod lock;
mod operation;
mod update_at;

use std::path::PathBuf;
use std::{fmt, io};

pub use index::IndexError;
pub use lock::{BarrierError, LockError, LockTimeoutError, TryLockError};
pub use operation::{
    Fault, LoanError, LoanTimeoutError, RecvError, RecvTimeoutError, ReleaseError, SendError,
    SendTimeoutError, TryAcquireError, TryLoanError, TryRecvError, TrySendError, UpdateError,
    WaitTimeoutError,
};
pub use update_at::UpdateAtError;

use crate::pool::{JobError, TaskError};
use crate::process::JoinError;

/// The result of everything here that is not a single send or receive.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a segment, a process or an operation is not to be had, and what to do about it.
///
/// `Debug` prints the message too: it is what `main` and `unwrap` show.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The name cannot be a segment's name.
    #[error("{name:?} cannot name a segment: {reason}")]
    InvalidName {
        /// The name, as given.
        name: String,
        /// Which rule it breaks.
        reason: &'static str,
    },

    /// The access mode has other bits than read and write.
    #[error("mode {mode:#o} has other bits than read and write: write it in octal, such as 0o660")]
    InvalidMode {
        /// The mode, as given.
        mode: u32,
    },

    /// A capacity of nothing, no capacity where one is needed, or a number of participants that cannot be.
    #[error("{what} cannot be {found}: {reason}")]
    InvalidSize {
        /// "capacity" or "participants".
        what: &'static str,
        /// The number asked for.
        found: u64,
        /// What it has to be.
        reason: &'static str,
    },

    /// No first value where one is needed.
    #[error("creating it takes a first value: give one with .value(…)")]
    NoValue,

    /// So many elements have no place in the address space.
    #[error(
        "a capacity of {capacity} elements of {element_size} bytes exceeds the address space: ask for fewer"
    )]
    TooLarge {
        /// The capacity asked for.
        capacity: u64,
        /// Bytes in each element.
        element_size: u32,
    },

    /// No segment has this name.
    #[error(
        "no segment is named `{name}`: create it first, or use open_or_create (`ls {}` shows what there is)",
        listing(name)
    )]
    NotFound {
        /// The name asked for.
        name: String,
    },

    /// Something has this name already. It was left as it is.
    #[error(
        "`{name}` exists already: open it, use open_or_create, or remove it{}",
        with_unlink(name)
    )]
    AlreadyExists {
        /// The name asked for.
        name: String,
    },

    /// What has this name is not a segment of this crate. It was left as it is.
    #[error(
        "`{name}` is not a segment: {reason}; the file ({}) was left as it is",
        file_of(name)
    )]
    NotASegment {
        /// The name asked for, or `(anonymous)`.
        name: String,
        /// What it is instead.
        reason: &'static str,
    },

    /// The file is shorter or longer than the segment in it.
    #[error(
        "segment `{segment}` is damaged: {found} bytes long, expected {expected}; remove it{} and create it again",
        with_unlink(segment)
    )]
    Truncated {
        /// The segment's name, or `(anonymous)`.
        segment: String,
        /// The file's length.
        found: u64,
        /// The length its header states, or a header's own length where the file has no room for one.
        expected: u64,
    },

    /// The segment is not the one the program takes it for: one field of its header differs.
    #[error("segment `{segment}` does not fit: {field} is {found}, expected {expected}")]
    Mismatch {
        /// The segment's name, or `(anonymous)`.
        segment: String,
        /// The first field that differs: "kind", "element", "capacity", "format version", …
        field: &'static str,
        /// What the segment has.
        found: String,
        /// What this program can work with, or asked for.
        expected: String,
    },

    /// The segment was made before the machine last started, so the owners it names mean nothing any more.
    #[error(
        "segment `{segment}` was made before the machine last started: remove it with crossproc::unlink and create it again"
    )]
    BeforeBoot {
        /// The segment's name, or `(anonymous)`.
        segment: String,
    },

    /// The file of this name belongs to someone who has not let this user in.
    #[error(
        "not allowed to {action} `{name}`: the file belongs to uid {owner} with mode {mode:#o}, this is uid {user}; its creator can let others in with .mode(0o660) or .mode(0o666)"
    )]
    PermissionDenied {
        /// The name asked for.
        name: String,
        /// "open the segment" or "remove the segment".
        action: &'static str,
        /// The file's owner.
        owner: u32,
        /// The file's permission bits.
        mode: u32,
        /// The user this process acts as.
        user: u32,
    },

    /// /dev/shm is too full for the segment. Nothing was created.
    #[error(
        "/dev/shm has {available} bytes free, {needed} are needed: make it bigger (`mount -o remount,size=… /dev/shm`, `docker run --shm-size=…`), free some of it, or ask for a smaller capacity"
    )]
    SharedMemoryFull {
        /// The segment's length in bytes.
        needed: u64,
        /// Bytes free in /dev/shm a moment later.
        available: u64,
    },

    /// The file system has too little room for the segment at this path. Nothing was created.
    #[error(
        "the file system of `{}` has {available} bytes free, {needed} are needed: free some of it, or ask for a smaller capacity",
        path.display()
    )]
    DiskFull {
        /// The path asked for.
        path: PathBuf,
        /// The segment's length in bytes, or how much of it was wanted.
        needed: u64,
        /// Bytes free there a moment later.
        available: u64,
    },

    /// The machine has too little memory for the segment. Nothing was created.
    #[error(
        "the machine has {available} bytes of memory available, {needed} are needed: free some, or ask for a smaller capacity"
    )]
    OutOfMemory {
        /// The segment's length in bytes.
        needed: u64,
        /// Bytes of memory and swap available.
        available: u64,
    },

    /// The name was removed, and may have been given to another segment since. Nothing was removed now.
    #[error("`{name}` no longer names this segment: someone removed it, nothing is left to do")]
    NotOurs {
        /// The name this segment was created or opened with.
        name: String,
    },

    /// An anonymous segment has no name to remove.
    #[error("an anonymous segment has no name to remove: it goes with its last user")]
    Anonymous,

    /// Others kept creating and removing the name, faster than it could be opened.
    #[error("`{name}` kept being created and removed while it was opened: try again")]
    Contended {
        /// The name asked for.
        name: String,
    },

    /// Bytes in the segment make no sense: someone wrote there who should not have.
    #[error("the segment is corrupted: {what}; create it again")]
    Corrupted {
        /// What makes no sense.
        what: &'static str,
    },

    /// Every place for a participant is taken by a live thread.
    #[error(
        "all {participants} places for participants are taken by live threads: create the segment with more, .participants(n)"
    )]
    ParticipantsFull {
        /// How many threads can take part at a time.
        participants: u32,
    },

    /// A live process has this role of the ring.
    #[error("the {role}'s role is held by process {pid}, which is alive")]
    RoleHeld {
        /// "producer", "consumer", "left end" and the like.
        role: &'static str,
        /// The process that holds it.
        pid: u32,
    },

    /// Whoever had this end of a pipe closed it or died, and the other end is still in use.
    #[error(
        "the {end} of the pipe has been used, and process {pid} still holds the other one: the pipe starts anew when that is gone too"
    )]
    EndSpent {
        /// "left end" or "right end".
        end: &'static str,
        /// The process that holds the other one.
        pid: u32,
    },

    /// The role handle is a forked copy, or the role was taken over by another.
    #[error(
        "this handle no longer holds its role: it was copied by fork, or the role was taken over; claim it again with producer() or consumer()"
    )]
    RoleLost,

    /// `process::spawn` in a program whose `main` does not begin with [`init`](crate::init).
    #[error(
        "call crossproc::init() first thing in main: a spawned process would run main again instead of its entry"
    )]
    NotInitialised,

    /// The arguments of a spawn cannot travel.
    #[error("the arguments cannot be sent to the new process: {reason}")]
    Arguments {
        /// Why.
        reason: String,
    },

    /// No process can be started with this setting.
    #[error("{setting} {value:?} is refused: {reason}")]
    InvalidSetting {
        /// "name", "environment variable", "program", "argument" and the like.
        setting: &'static str,
        /// As given.
        value: String,
        /// Which rule it breaks.
        reason: &'static str,
    },

    /// The program cannot be started.
    #[error("cannot start `{program}`: {source}")]
    Program {
        /// As given.
        program: String,
        /// Why: there is none of this name, or it cannot be executed.
        source: io::Error,
    },

    /// This program was not given a handle of this name when it was started.
    #[error(
        "this program was started without a handle `{name}`: it has those that process::Command was told with .handle(…) by whoever started it"
    )]
    NotInherited {
        /// The name asked for.
        name: String,
    },

    /// The handle that this program was given is not to be had, or not as what was asked for.
    #[error("the handle `{name}` that this program was started with is not to be had: {reason}")]
    Inherited {
        /// The name asked for.
        name: String,
        /// Why: what opening it said.
        reason: String,
    },

    /// A child process did not return a value.
    #[error(transparent)]
    Join(#[from] JoinError),

    /// A pool's job has no result.
    #[error(transparent)]
    Job(#[from] JobError),

    /// A task of several has no result.
    #[error(transparent)]
    Task(#[from] TaskError),

    /// This system cannot do what is needed.
    #[error("not supported here: {reason}")]
    Unsupported {
        /// What is missing.
        reason: &'static str,
    },

    /// The system refused a call.
    #[error("cannot {operation}: {source}")]
    Os {
        /// What the call was for.
        operation: &'static str,
        /// Its answer.
        source: io::Error,
    },

    /// A system call on the file at this path failed.
    #[error("cannot {operation} at `{}`: {source}", path.display())]
    File {
        /// What the call was for.
        operation: &'static str,
        /// The path asked for.
        path: PathBuf,
        /// Its answer.
        source: io::Error,
    },

    /// Closed: nothing more is sent, or all that was sent has been received.
    #[error("closed")]
    Closed,

    /// The process at the other end died without closing its side.
    #[error("the process at the other end died")]
    PeerDied,

    /// There is no room until something is received.
    #[error("full")]
    Full,

    /// There is nothing until something is sent.
    #[error("empty")]
    Empty,

    /// It would take waiting.
    #[error("it would take waiting")]
    WouldBlock,

    /// The last owner of the lock died while it held it.
    #[error(
        "the last owner of the lock died while it held it: see that all it guards is consistent, and say so with mark_consistent()"
    )]
    OwnerDied,

    /// The last owner of the lock panicked while it held it.
    #[error(
        "the last owner of the lock panicked while it held it: see that all it guards is consistent, and say so with mark_consistent()"
    )]
    Poisoned,

    /// The calling thread holds the lock already, and would wait for itself.
    #[error("this thread holds the lock already, and would wait for itself")]
    Deadlock,

    /// More was released than there can be.
    #[error("nothing was released: it would be more than the semaphore's maximum")]
    OverRelease,

    /// The barrier is broken.
    #[error("the barrier is broken ({0}): reset() makes it whole again")]
    Broken(#[from] crate::sync::Cause),

    /// Every place at the barrier is taken by a live party.
    #[error("all {parties} parties of the barrier are there")]
    PartiesFull {
        /// How many the barrier has.
        parties: u32,
    },

    /// No message can be made of the value: its `Serialize` failed, or needs what the encoding has not. Nothing was sent.
    #[error(
        "the value cannot be encoded as a message: its Serialize failed, or needs what a compact encoding has not"
    )]
    Encode,

    /// What was received is no value of the expected type. It is gone; what comes after it is not affected.
    #[error(
        "the message received is no value of the expected type, and was dropped: sender and receiver have to agree on the type"
    )]
    Decode,

    /// The message or value is larger than all of the memory there is for it. Nothing was sent or changed.
    #[error(
        "it is larger than all of the memory there is for it: create the queue or the manager with more, or split it up"
    )]
    Oversized,

    /// Every place for a subscriber is taken by a live one.
    #[error(
        "all {subscribers} places for subscribers are taken by live ones: create the segment with more, .participants(n)"
    )]
    SubscribersFull {
        /// How many there can be at a time.
        subscribers: u32,
    },

    /// The manager's memory has grown to the maximum it was created with. Nothing was changed.
    #[error(
        "the manager's memory has grown to the maximum it was created with: remove something, or create it with more, .memory(bytes)"
    )]
    MaximumReached,

    /// The dict or list was emptied while it was iterated over.
    #[error("it was emptied while it was iterated over: begin again")]
    Cleared,

    /// No object of the manager has this name.
    #[error(
        "the manager has no object named `{name}`: create it first, or use open_or_create (`objects()` says what there is)"
    )]
    NoObject {
        /// The name asked for.
        name: String,
    },

    /// The object has been removed from its manager; those who have it open go on using it.
    #[error("the object was removed from its manager: create it again")]
    Removed,

    /// Too many objects of the manager are open at a time.
    #[error(
        "{pins} objects of the manager are open, in all processes together: drop handles that are not used, or create the manager for more participants"
    )]
    TooManyOpen {
        /// How many can be open at a time, each counted once for every process that has it open.
        pins: u32,
    },

    /// Too many queues in one manager.
    #[error("the manager has {queues} queues: remove one, or create another manager")]
    TooManyQueues {
        /// How many it can have.
        queues: u32,
    },

    /// The system has no memory left for the manager to grow. Nothing was changed.
    #[error(
        "the system has no memory left for the manager to grow: free some, or make /dev/shm bigger (`mount -o remount,size=… /dev/shm`)"
    )]
    NoMemory,

    /// There is no such element.
    #[error("there is no element {index}: there are {len}, counted from 0")]
    OutOfBounds {
        /// The index asked for; of several, the last.
        index: usize,
        /// How many elements there are.
        len: usize,
    },

    /// The time was up first.
    #[error("timed out")]
    Timeout,
}

impl Error {
    /// For `map_err` on a system call: says what the call was for.
    pub(crate) fn os<E: Into<io::Error>>(operation: &'static str) -> impl FnOnce(E) -> Error {
        move |source| Error::Os {
            operation,
            source: source.into(),
        }
    }
}

// A segment at a path is called by that, which begins with a slash, and no name does.

fn listing(name: &str) -> &str {
    if name.starts_with('/') {
        name
    } else {
        "/dev/shm/crossproc.*"
    }
}

fn file_of(name: &str) -> &str {
    if name.starts_with('/') {
        name
    } else {
        "/dev/shm/crossproc.NAME"
    }
}

fn with_unlink(name: &str) -> &str {
    if name.starts_with('/') {
        ""
    } else {
        " with crossproc::unlink"
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
