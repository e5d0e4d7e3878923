#![allow(unsafe_code)] // a forked child must register anew: membarrier has no safe wrapper for it
//! The asymmetric fence: free for the side that runs often, a system call for the side that sleeps.
//!
//! A sleeper announces itself, then makes every other participant's thread execute a memory barrier
//! (`membarrier(GLOBAL_EXPEDITED)`, about a microsecond); the others need only a compiler barrier
//! between "publish" and "look whether somebody sleeps". See Dice, Huang, Yang, "Asymmetric Dekker
//! Synchronization" (2001), and membarrier(2).

use std::sync::atomic::{AtomicBool, Ordering, compiler_fence, fence};

use super::per_process::PerProcess;

/// Set by tests to act as if the kernel refused `membarrier`.
pub(crate) static MEMBARRIER_REFUSED: AtomicBool = AtomicBool::new(false);

/// Whether this process's threads execute the barriers that sleepers elsewhere ask for.
static REGISTERED: PerProcess<bool> = PerProcess::new();

const CMD_GLOBAL_EXPEDITED: libc::c_int = 1 << 1;
const CMD_REGISTER_GLOBAL_EXPEDITED: libc::c_int = 1 << 2;

fn membarrier(command: libc::c_int) -> bool {
    if MEMBARRIER_REFUSED.load(Ordering::Relaxed) {
        return false;
    }
    // SAFETY: membarrier takes no pointers; an unknown command is refused with an error.
    unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
}

/// Makes this process one whose threads [`heavy`] barriers of others reach. Called at attach.
pub(crate) fn register() {
    REGISTERED.get_or_init(|| membarrier(CMD_REGISTER_GLOBAL_EXPEDITED));
}

/// The side that runs often: orders what precedes before what follows, as seen by a thread that
/// calls [`heavy`] in between. A compiler barrier where the kernel does the rest.
#[inline]
pub(crate) fn light() {
    match REGISTERED.get() {
        Some(true) => compiler_fence(Ordering::SeqCst),
        _ => fence(Ordering::SeqCst),
    }
}

/// The side that sleeps. False if the kernel refused: then the other side must use a real fence.
pub(crate) fn heavy() -> bool {
    fence(Ordering::SeqCst);
    membarrier(CMD_GLOBAL_EXPEDITED)
}
