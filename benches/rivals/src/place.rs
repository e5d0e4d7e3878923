//! Where it runs: which cores, and whether anything else ran there.

use std::fs;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::{Deserialize, Serialize};

/// The two cores everything is measured between.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Cores {
    pub first: usize,
    pub second: usize,
}

impl Cores {
    /// The first core this program may use, and the next one that is not its other hyperthread.
    pub fn choose() -> Option<Cores> {
        let allowed = sched_getaffinity(None).ok()?;
        let mut usable = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
        let first = usable.next()?;
        let siblings = siblings(first);
        let second = usable.find(|core| !siblings.contains(core))?;
        Some(Cores { first, second })
    }
}

fn siblings(core: usize) -> Vec<usize> {
    let path = format!("/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list");
    let list = fs::read_to_string(path).unwrap_or_default();
    let parts = list.trim().split(',').filter_map(|part| {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        Some(from.parse().ok()?..=to.parse().ok()?)
    });
    parts.flatten().collect()
}

/// Keeps the calling thread on one core.
pub fn pin(core: usize) {
    stay_on(&[core]);
}

/// Lets the calling thread run on both cores, and the threads it starts find the one that is free.
pub fn unpin(cores: Cores) {
    stay_on(&[cores.first, cores.second]);
}

fn stay_on(cores: &[usize]) {
    let mut set = CpuSet::new();
    cores.iter().for_each(|core| set.set(*core));
    sched_setaffinity(None, &set).expect("the cores are among those allowed");
}

/// How often the calling thread has been made to yield its core.
pub fn involuntary_switches() -> u64 {
    count("nonvoluntary_ctxt_switches:")
}

/// How often the calling thread has gone to sleep.
pub fn sleeps() -> u64 {
    count("voluntary_ctxt_switches:")
}

fn count(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    let count = status.lines().find_map(|line| line.strip_prefix(field));
    count
        .and_then(|count| count.trim().parse().ok())
        .unwrap_or(0)
}
