//! Child processes by descriptor: unlike a pid, a pidfd never comes to mean somebody else.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{ExitStatusExt, parent_id};
use std::process::ExitStatus;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, WaitId, WaitIdOptions, kill_process, pidfd_open, pidfd_send_signal,
    set_parent_process_death_signal, waitid,
};

pub(crate) use rustix::process::Signal;

/// Readable once the process has ended. Close-on-exec. `None` if there is no such process any more.
pub(crate) fn open(pid: Pid) -> io::Result<Option<OwnedFd>> {
    match pidfd_open(pid, PidfdFlags::empty()) {
        Err(Errno::SRCH) => Ok(None),
        pidfd => Ok(Some(pidfd?)),
    }
}

/// Whether the process has ended. Never blocks.
pub(crate) fn has_ended(pidfd: &OwnedFd) -> bool {
    let mut fds = [PollFd::new(pidfd, PollFlags::IN)];
    poll(&mut fds, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
}

/// Waits for the child's end and collects its status. `None` if that has been done elsewhere: by a
/// `wait` for any child, or by the kernel itself where SIGCHLD is ignored.
pub(crate) fn reap(pidfd: impl AsFd) -> io::Result<Option<ExitStatus>> {
    collect(WaitId::PidFd(pidfd.as_fd()))
}

/// Kills a child that there is no pidfd for, and collects its status as [`reap`] does. As long as nobody has done so, its pid means it.
pub(crate) fn end(pid: Pid) -> io::Result<Option<ExitStatus>> {
    let _ = kill_process(pid, Signal::KILL);
    collect(WaitId::Pid(pid))
}

fn collect(id: WaitId<'_>) -> io::Result<Option<ExitStatus>> {
    let status = match rustix::io::retry_on_intr(|| waitid(id.clone(), WaitIdOptions::EXITED)) {
        Err(Errno::CHILD) => None,
        status => status?,
    };
    Ok(status.map(|status| match status.terminating_signal() {
        // `wait`'s encoding, which is what the standard library understands: a signal is in the low
        // bits, an exit code in the second byte.
        Some(signal) => ExitStatus::from_raw(signal | i32::from(status.dumped()) << 7),
        None => ExitStatus::from_raw(status.exit_status().unwrap_or(0) << 8),
    }))
}

/// Sends a signal. To a process that has ended that is no error.
pub(crate) fn signal(pidfd: impl AsFd, signal: Signal) -> io::Result<()> {
    match pidfd_send_signal(pidfd, signal) {
        Err(Errno::SRCH) => Ok(()),
        result => Ok(result?),
    }
}

/// Has the kernel SIGKILL this process when the thread that spawned it ends. `false` if the parent
/// has ended already.
///
/// The check comes after the request, so a death at any moment is noticed by one of them. A parent
/// in another PID namespace shows as 0, and cannot be checked.
pub(crate) fn die_with_parent(parent: u32) -> io::Result<bool> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    Ok(matches!(parent_id(), 0) || parent_id() == parent)
}
