//! What a process can be limited in.

use serde::{Deserialize, Serialize};

/// What [`Builder::limit`](crate::process::Builder::limit) limits: `getrlimit(2)` has the details, and the units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Resource {
    /// Address space, bytes (`RLIMIT_AS`).
    AddressSpace,
    /// A core file, bytes (`RLIMIT_CORE`).
    CoreFile,
    /// Processor time, seconds (`RLIMIT_CPU`).
    ProcessorTime,
    /// Initialised data, uninitialised data and heap, bytes (`RLIMIT_DATA`).
    Data,
    /// A file written, bytes (`RLIMIT_FSIZE`).
    FileSize,
    /// Memory locked, bytes (`RLIMIT_MEMLOCK`).
    LockedMemory,
    /// POSIX message queues of the user, bytes (`RLIMIT_MSGQUEUE`).
    MessageQueues,
    /// What the niceness can be lowered to, as 20 less it (`RLIMIT_NICE`).
    Niceness,
    /// One more than the highest descriptor (`RLIMIT_NOFILE`).
    OpenFiles,
    /// Processes and threads of the user (`RLIMIT_NPROC`).
    Processes,
    /// Realtime priority (`RLIMIT_RTPRIO`).
    RealtimePriority,
    /// Processor time under realtime scheduling without a blocking call, microseconds (`RLIMIT_RTTIME`).
    RealtimeTime,
    /// Signals queued for the user (`RLIMIT_SIGPENDING`).
    PendingSignals,
    /// The main thread's stack, bytes (`RLIMIT_STACK`).
    Stack,
}

impl From<Resource> for rustix::process::Resource {
    fn from(resource: Resource) -> Self {
        match resource {
            Resource::AddressSpace => Self::As,
            Resource::CoreFile => Self::Core,
            Resource::ProcessorTime => Self::Cpu,
            Resource::Data => Self::Data,
            Resource::FileSize => Self::Fsize,
            Resource::LockedMemory => Self::Memlock,
            Resource::MessageQueues => Self::Msgqueue,
            Resource::Niceness => Self::Nice,
            Resource::OpenFiles => Self::Nofile,
            Resource::Processes => Self::Nproc,
            Resource::RealtimePriority => Self::Rtprio,
            Resource::RealtimeTime => Self::Rttime,
            Resource::PendingSignals => Self::Sigpending,
            Resource::Stack => Self::Stack,
        }
    }
}
