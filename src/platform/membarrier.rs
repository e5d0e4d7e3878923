#![allow(unsafe_code)] // membarrier and pthread_atfork by way of libc
//! The asymmetric fence: free for the side that runs often, a system call for the side that sleeps.
//!
//! A sleeper announces itself, then makes every other participant's thread execute a memory barrier
//! (`membarrier(GLOBAL_EXPEDITED)`, about a microsecond); the others need only a compiler barrier
//! between "publish" and "look whether somebody sleeps". See Dice, Huang, Yang, "Asymmetric Dekker
//! Synchronization" (2001), and membarrier(2).

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering, compiler_fence, fence};

use super::per_process::PerProcess;

/// Set by tests to act as if the kernel refused `membarrier`.
pub(crate) static MEMBARRIER_REFUSED: AtomicBool = AtomicBool::new(false);

/// Whether this process's threads execute the barriers that sleepers elsewhere ask for. Looked at in every operation,
/// so it is a plain static, which the child of a fork clears until it has registered itself.
static REGISTERED: AtomicBool = AtomicBool::new(false);

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
    static DONE: PerProcess<()> = PerProcess::new();
    static AT_FORK: Once = Once::new();
    extern "C" fn clear() {
        REGISTERED.store(false, Ordering::Relaxed);
    }
    DONE.get_or_init(|| {
        // SAFETY: the handler stores to a static, which is safe in the child of a fork.
        AT_FORK
            .call_once(|| assert_eq!(unsafe { libc::pthread_atfork(None, None, Some(clear)) }, 0));
        REGISTERED.store(membarrier(CMD_REGISTER_GLOBAL_EXPEDITED), Ordering::Relaxed);
    });
}

/// The side that runs often: orders what precedes before what follows, as seen by a thread that
/// calls [`heavy`] in between. A compiler barrier where the kernel does the rest.
#[inline]
pub(crate) fn light() {
    if REGISTERED.load(Ordering::Relaxed) {
        compiler_fence(Ordering::SeqCst);
    } else {
        fence(Ordering::SeqCst);
    }
}

/// The side that sleeps. False if the kernel refused: then the other side must use a real fence.
pub(crate) fn heavy() -> bool {
    fence(Ordering::SeqCst);
    membarrier(CMD_GLOBAL_EXPEDITED)
}
