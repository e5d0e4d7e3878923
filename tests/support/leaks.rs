//! Nothing may outlive a test: no process, no `/dev/shm` entry, no descriptor.

use std::collections::BTreeMap;
use std::fs;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::processes;

/// Children are reaped and descriptors closed in the background: how long that may take.
const SETTLING: Duration = Duration::from_secs(20);

/// What is looked at belongs to the whole process, so tests that look must not overlap.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// `tag`, made a segment name no other process and no other call uses: `tag-<pid>-<n>`.
pub(crate) fn unique_name(tag: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!(
        "{tag}-{}-{}",
        process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    )
}

/// Remembers what there is; when dropped, asserts that there is no more than that.
///
/// Tests of one file that hold one run one after the other; a file that uses it at all uses it in
/// every test that starts processes or opens segments. Declare it before everything it should check.
pub(crate) struct Leaks {
    descriptors: BTreeMap<String, usize>,
    segments: Vec<String>,
    _turn: MutexGuard<'static, ()>,
}

impl Leaks {
    #[must_use = "the check happens when the value is dropped"]
    pub(crate) fn start() -> Self {
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        Leaks {
            descriptors: open_descriptors(),
            segments: own_segments(),
            _turn: turn,
        }
    }

    /// Checks now rather than at the end of the scope.
    pub(crate) fn finish(self) {}

    fn new_segments(&self) -> impl Iterator<Item = String> {
        own_segments()
            .into_iter()
            .filter(|name| !self.segments.contains(name))
    }

    fn leftovers(&self) -> Vec<String> {
        let processes = processes::descendants()
            .into_iter()
            .map(|pid| format!("process left behind:\n{}", processes::describe(pid)));
        let segments = self
            .new_segments()
            .map(|name| format!("segment left behind: /dev/shm/{name}\n"));
        let descriptors = open_descriptors().into_iter().filter_map(|(target, now)| {
            // The background thread opens its bell, an eventfd, at first use and keeps it.
            let bell = usize::from(target == "anon_inode:[eventfd]");
            let before = self.descriptors.get(&target).copied().unwrap_or(0);
            (now > before + bell)
                .then(|| format!("descriptors left open: {target}: {before} before, {now} now\n"))
        });
        processes.chain(segments).chain(descriptors).collect()
    }

    /// A test that failed leaves nothing behind either.
    fn clean_up(&self) {
        processes::kill_descendants();
        self.new_segments().for_each(remove);
    }
}

impl Drop for Leaks {
    fn drop(&mut self) {
        if thread::panicking() {
            self.clean_up(); // The test has failed already; its own message stays in sight.
            return;
        }
        let deadline = Instant::now() + SETTLING;
        while !self.leftovers().is_empty() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
        }
        let leftovers = self.leftovers().concat();
        self.clean_up();
        assert!(leftovers.is_empty(), "{leftovers}");
    }
}

/// How many descriptors this process has open on each target. Sockets and pipes are one target
/// each kind, since their inode numbers change from test to test.
fn open_descriptors() -> BTreeMap<String, usize> {
    let mut count = BTreeMap::new();
    for entry in fs::read_dir("/proc/self/fd")
        .expect("/proc is mounted")
        .flatten()
    {
        // The descriptor this very listing uses is gone by the time it is looked up, or points at
        // a directory of /proc: neither is a leak.
        let Ok(target) = fs::read_link(entry.path()) else {
            continue;
        };
        let target = target.to_string_lossy();
        if target.starts_with("/proc/") {
            continue;
        }
        let kind = target
            .split_once(":[")
            .filter(|(kind, _)| matches!(*kind, "pipe" | "socket"));
        let target = kind.map_or_else(|| target.to_string(), |(kind, _)| kind.to_owned());
        *count.entry(target).or_insert(0) += 1;
    }
    count
}

fn remove(segment: String) {
    let _ = fs::remove_file(format!("/dev/shm/{segment}"));
}

/// For a process about to be aborted.
pub(super) fn remove_own_segments() {
    own_segments().into_iter().for_each(remove);
}

/// Segments in /dev/shm whose names [`unique_name`] made in this process.
fn own_segments() -> Vec<String> {
    let mark = format!("-{}-", process::id());
    let Ok(entries) = fs::read_dir("/dev/shm") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.starts_with("crossproc.") && name.contains(&mark))
        .collect()
}
