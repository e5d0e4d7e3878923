//! Switches for tests: what happens where the system refuses help, and where defence in depth is absent.
//!
//! Not covered by any promise of stability. Each concerns the calling process only.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::liveness;
use crate::platform::{futex, membarrier};

/// After how long every sleeper re-examines the world, whatever it was told. Half a second unless set.
pub fn set_backstop(backstop: Duration) {
    liveness::set_backstop(backstop);
}

/// Acts as if the kernel refused `membarrier`. To be set before the process first uses a segment.
pub fn refuse_membarrier(refuse: bool) {
    membarrier::MEMBARRIER_REFUSED.store(refuse, Ordering::Relaxed);
}

/// Acts as if the kernel refused `futex_waitv`.
pub fn refuse_waitv(refuse: bool) {
    futex::WAITV_REFUSED.store(refuse, Ordering::Relaxed);
}
