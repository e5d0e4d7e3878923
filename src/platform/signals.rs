#![allow(unsafe_code)] // signal sets are C structures filled in by libc
//! Sets of signals, and the calling thread's mask.

use std::marker::PhantomData;
use std::mem::MaybeUninit;

/// A set of signals; those that a thread blocks.
#[derive(Clone, Copy)]
pub(crate) struct SignalMask(libc::sigset_t);

impl SignalMask {
    /// What the calling thread blocks now.
    pub(crate) fn current() -> SignalMask {
        let mut mask = MaybeUninit::uninit();
        // SAFETY: with no new set the call only writes the current one.
        unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), mask.as_mut_ptr()) };
        // SAFETY: written just now; with these arguments the call cannot fail.
        SignalMask(unsafe { mask.assume_init() })
    }

    pub(crate) fn none() -> SignalMask {
        let mut none = MaybeUninit::uninit();
        // SAFETY: the call fills the set; it cannot fail.
        unsafe { libc::sigemptyset(none.as_mut_ptr()) };
        // SAFETY: filled just now.
        SignalMask(unsafe { none.assume_init() })
    }

    fn all() -> SignalMask {
        let mut all = MaybeUninit::uninit();
        // SAFETY: the call fills the set; it cannot fail.
        unsafe { libc::sigfillset(all.as_mut_ptr()) };
        // SAFETY: filled just now.
        SignalMask(unsafe { all.assume_init() })
    }

    /// All but SIGPIPE, which Rust programs ignore from their start.
    pub(crate) fn all_but_pipe() -> SignalMask {
        let mut set = SignalMask::all();
        // SAFETY: the set is initialised, and the signal exists.
        unsafe { libc::sigdelset(&mut set.0, libc::SIGPIPE) };
        set
    }

    pub(crate) fn as_raw(&self) -> &libc::sigset_t {
        &self.0
    }

    fn install(&self) {
        // SAFETY: the set is initialised; nothing is asked back.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &self.0, std::ptr::null_mut()) };
    }
}

/// Blocks every signal in the calling thread, and in threads it starts, until the guard is dropped.
pub(crate) fn block_all() -> Blocked {
    let before = SignalMask::current();
    SignalMask::all().install();
    Blocked {
        before,
        thread: PhantomData,
    }
}

/// Restores the mask [`block_all`] found.
pub(crate) struct Blocked {
    before: SignalMask,
    /// Masks belong to threads, so the guard stays on its own.
    thread: PhantomData<*const ()>,
}

impl Drop for Blocked {
    fn drop(&mut self) {
        self.before.install();
    }
}
