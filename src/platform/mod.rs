//! The only place with system calls.
//!
//! Everything above asks this layer for: a mapped segment ([`shm`]), twice in a row ([`mirror`]), to sleep on words and wake sleepers
//! ([`futex`]), a word that tells whether a thread has ended ([`robust`], with [`oracle`] as a second opinion), a
//! fence that costs the frequent side nothing ([`membarrier`]), state that a forked child starts afresh
//! ([`per_process`]), the time ([`clock`]), and child processes ([`spawn`], [`pidfd`], [`own`]).

pub(crate) mod clock;
pub(crate) mod copy;
pub(crate) mod futex;
pub(crate) mod image;
pub(crate) mod membarrier;
pub(crate) mod mirror;
pub(crate) mod oracle;
pub(crate) mod own;
pub(crate) mod per_process;
pub(crate) mod pidfd;
pub(crate) mod poll;
pub(crate) mod processors;
pub(crate) mod robust;
pub(crate) mod shm;
pub(crate) mod signals;
pub(crate) mod spawn;

/// The system's page size, bytes.
pub(crate) fn page_size() -> usize {
    rustix::param::page_size()
}
