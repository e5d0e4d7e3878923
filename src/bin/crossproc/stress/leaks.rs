//! What this process holds, to be compared before and after.

use rustix::io::Errno;
use rustix::process::{WaitId, WaitIdOptions, waitid};
use std::fs;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

/// Things the library's background thread closes may outlive the call that made them useless.
const SETTLING_TIME: Duration = Duration::from_secs(2);

/// How the names of this run's segments begin.
pub(crate) fn name_prefix() -> String {
    format!("stress-{}", std::process::id())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Holdings {
    descriptors: usize,
    mappings: usize,
    names: usize,
    children: bool,
}

impl Holdings {
    pub(crate) fn now() -> io::Result<Self> {
        let prefix = name_prefix();
        let maps = fs::read_to_string("/proc/self/maps")?;
        let shared = |line: &&str| line.contains("/memfd:") || line.contains("/dev/shm/");
        Ok(Self {
            descriptors: fs::read_dir("/proc/self/fd")?.count(),
            mappings: maps.lines().filter(shared).count(),
            names: fs::read_dir("/dev/shm")?
                .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
                .filter(|name| name.contains(&prefix))
                .count(),
            children: has_children(),
        })
    }

    /// How many things are held now that were not held before.
    pub(crate) fn leaked_since(self) -> io::Result<u64> {
        let deadline = Instant::now() + SETTLING_TIME;
        loop {
            let now = Self::now()?;
            let leaked = now.descriptors.saturating_sub(self.descriptors)
                + now.mappings.saturating_sub(self.mappings)
                + now.names.saturating_sub(self.names)
                + usize::from(now.children && !self.children);
            if leaked == 0 || Instant::now() > deadline {
                return Ok(leaked as u64);
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Whether this process has a child, alive or not yet waited for.
fn has_children() -> bool {
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    !matches!(waitid(WaitId::All, look), Err(Errno::CHILD))
}
