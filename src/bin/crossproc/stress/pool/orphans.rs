//! Processes whose parent has died, and that were to die with it.

use crate::stress::crew::TICK;
use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, getpid, kill_process, set_child_subreaper, waitid,
};
use std::collections::HashSet;
use std::fs;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

/// The dead may take a moment to be gone.
const SETTLING_TIME: Duration = Duration::from_secs(5);

/// While there is one of these, whoever loses its parent becomes a child of this process, if it descends from it.
#[derive(Debug)]
pub(super) struct Orphans {
    /// Children that this process had before.
    own: HashSet<Pid>,
}

impl Orphans {
    pub(super) fn adopt() -> io::Result<Orphans> {
        let own = children()?;
        set_child_subreaper(Some(getpid()))?;
        Ok(Orphans { own })
    }

    /// Waits until none is left, and kills those that do not end by themselves: how many they were. This process has no other children then than it had before.
    pub(super) fn await_end(self) -> io::Result<u64> {
        let mut leaked = 0;
        let mut deadline = Instant::now() + SETTLING_TIME;
        loop {
            let mut living = Vec::new();
            for orphan in children()?.difference(&self.own) {
                if !has_ended(*orphan)? {
                    living.push(*orphan);
                }
            }
            if living.is_empty() {
                return Ok(leaked);
            }
            if Instant::now() > deadline {
                leaked += living.len() as u64;
                // They are children not yet waited for, so their ids are theirs.
                living
                    .into_iter()
                    .try_for_each(|orphan| kill_process(orphan, Signal::KILL))?;
                // Theirs come next.
                deadline = Instant::now() + SETTLING_TIME;
            }
            thread::sleep(TICK);
        }
    }
}

impl Drop for Orphans {
    fn drop(&mut self) {
        // It cannot fail: it did not before.
        let _ = set_child_subreaper(None);
    }
}

/// Whether the child has ended. If so, it is gone.
fn has_ended(child: Pid) -> io::Result<bool> {
    match waitid(
        WaitId::Pid(child),
        WaitIdOptions::EXITED | WaitIdOptions::NOHANG,
    ) {
        Ok(status) => Ok(status.is_some()),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Alive, or not yet waited for.
fn children() -> io::Result<HashSet<Pid>> {
    let mut children = HashSet::new();
    for thread in fs::read_dir("/proc/self/task")? {
        // A thread that has ended meanwhile has left its children to another.
        let list = match fs::read_to_string(thread?.path().join("children")) {
            Err(error) if error.raw_os_error() == Some(Errno::SRCH.raw_os_error()) => continue,
            list => list?,
        };
        let ids = list.split_whitespace().filter_map(|id| id.parse().ok());
        children.extend(ids.filter_map(Pid::from_raw));
    }
    Ok(children)
}
