//! Child processes that are copies of this one, to be watched falling asleep and to be killed.
//!
//! Include it where it is needed: `#[path = "../support/forked.rs"] mod forked;`, and `asleep.rs` beside it.
#![allow(unsafe_code)] // fork(2), kill(2), waitpid(2)

use std::ffi::c_int;
use std::io;
use std::panic::{self, AssertUnwindSafe};

use super::asleep::is_asleep;

/// Exit code of a forked process whose body panicked.
pub(crate) const PANICKED: c_int = 101;

/// Runs `body` in a forked process, which ends with it and dies with this thread.
pub(crate) fn fork(body: impl FnOnce()) -> Child {
    // SAFETY: fork(2) copies this process; the copy runs `body` on the memory it inherited and exits
    // without returning into the caller's frames.
    match unsafe { libc::fork() } {
        -1 => panic!("fork: {}", io::Error::last_os_error()),
        0 => {
            // SAFETY: prctl(2) with these arguments touches no memory.
            unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
            let outcome = panic::catch_unwind(AssertUnwindSafe(body));
            // SAFETY: _exit(2) does not return.
            unsafe { libc::_exit(if outcome.is_ok() { 0 } else { PANICKED }) }
        }
        pid => Child { pid, reaped: None },
    }
}

/// A forked process; killed and reaped when dropped.
pub(crate) struct Child {
    pub(crate) pid: libc::pid_t,
    pub(crate) reaped: Option<Ending>,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Exited(c_int),
    Signalled(c_int),
}

impl Child {
    pub(crate) fn pid(&self) -> u32 {
        self.pid.unsigned_abs()
    }

    /// See [`is_asleep`].
    pub(crate) fn is_asleep(&self) -> bool {
        is_asleep(self.pid())
    }

    /// How it ended, if it has.
    pub(crate) fn try_wait(&mut self) -> Option<Ending> {
        if self.reaped.is_none() {
            self.wait_status(libc::WNOHANG);
        }
        self.reaped
    }

    pub(crate) fn wait(&mut self) -> Ending {
        loop {
            if let Some(ending) = self.reaped {
                return ending;
            }
            self.wait_status(0);
        }
    }

    /// SIGKILL, and on return the process is gone: the kernel has done for it all it ever will.
    pub(crate) fn kill(&mut self) {
        if self.reaped.is_none() {
            // SAFETY: kill(2) touches no memory; the process is a child not reaped yet.
            unsafe { libc::kill(self.pid, libc::SIGKILL) };
            self.wait();
        }
    }

    /// The signal the process stopped with, if it stopped; how it ended is kept.
    pub(crate) fn wait_status(&mut self, flags: c_int) -> Option<c_int> {
        let mut status = 0;
        // SAFETY: `status` is a valid place to write an int to.
        let waited = unsafe { libc::waitpid(self.pid, &raw mut status, flags | libc::__WALL) };
        if waited == -1 {
            panic!("waitpid: {}", io::Error::last_os_error());
        }
        if waited == 0 {
            return None;
        }
        if libc::WIFSTOPPED(status) {
            return Some(libc::WSTOPSIG(status));
        }
        self.reaped = Some(if libc::WIFEXITED(status) {
            Ending::Exited(libc::WEXITSTATUS(status))
        } else {
            Ending::Signalled(libc::WTERMSIG(status))
        });
        None
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}
