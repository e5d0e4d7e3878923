//! Switches for tests: what happens where the system refuses help, and where defence in depth is absent; and how handles get to processes that
//! are forked rather than spawned.
//!
//! Not covered by any promise of stability. Each concerns the calling process only.

use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::keeper;
use crate::liveness;
use crate::platform::{futex, membarrier, shm};
use crate::travel::{self, Parcel};

/// After how long every sleeper re-examines the world, whatever it was told. Half a second unless set.
pub fn set_backstop(backstop: Duration) {
    liveness::set_backstop(backstop);
}

/// Acts as if the kernel's barrier reached the threads of other processes always, where threads do not end in the middle of things: a sleeper does not look a second time
/// after a moment. A wake-up that is lost is then seen, however soon.
pub fn trust_membarrier(trust: bool) {
    liveness::BARRIER_TRUSTED.store(trust, Ordering::Relaxed);
}

/// Acts as if the kernel refused `membarrier`. To be set before the process first uses a segment.
pub fn refuse_membarrier(refuse: bool) {
    membarrier::MEMBARRIER_REFUSED.store(refuse, Ordering::Relaxed);
}

/// Acts as if the kernel refused `futex_waitv`.
pub fn refuse_waitv(refuse: bool) {
    futex::WAITV_REFUSED.store(refuse, Ordering::Relaxed);
}

/// Acts as if no file system had files without a name.
pub fn refuse_unnamed_files(refuse: bool) {
    shm::UNNAMED_REFUSED.store(refuse, Ordering::Relaxed);
}

/// From now on the calling thread does itself what it would have the keeper thread do for it, such as starting a child process, which then
/// dies with this thread.
pub fn act_as_keeper() {
    keeper::act_as_keeper();
}

/// Handles on their way to a child process that is a fork of this one, as if in the arguments of
/// [`process::spawn`](crate::process::spawn).
#[derive(Debug)]
pub struct Package {
    letter: Vec<u8>,
    /// Keeps this process taking part where roles were packed, until it is dropped: they are its own until somebody takes them out.
    parcel: Parcel,
}

/// Packs `value` for a child that is about to be forked; what moves has moved. To be kept until the child has unpacked it.
///
/// # Panics
///
/// If it cannot be serialised.
pub fn pack<T: Serialize>(value: T) -> Package {
    let (letter, mut parcel) = travel::packing(|| postcard::to_allocvec(&value));
    let letter = letter.expect("the value can be serialised");
    parcel.on_spawned.drain(..).for_each(|moved| moved());
    Package { letter, parcel }
}

impl Package {
    /// Of the segments that the handles are on.
    pub fn descriptors(&self) -> &[OwnedFd] {
        &self.parcel.fds
    }

    /// In the child: takes out what was packed.
    ///
    /// # Panics
    ///
    /// If that is not possible, or has been done before.
    pub fn unpack<T: DeserializeOwned>(&self) -> T {
        let fds = self.parcel.fds.iter().map(OwnedFd::try_clone);
        let fds = fds.collect::<Result<_, _>>().expect("descriptors");
        travel::unpacking(fds, || postcard::from_bytes(&self.letter))
            .unwrap_or_else(|error| panic!("what was packed cannot be unpacked: {error}"))
    }
}
