//! What is left when the head of a family, or all of it, is killed: nothing but what has a name.

use std::collections::BTreeSet;
use std::fs;
use std::os::fd::OwnedFd;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crossproc::process::{JoinError, spawn};
use crossproc::{Queue, TryRecvError};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::private_mount::succeeds;
use crate::support::unique_name;

const CHILDREN: u64 = 4;
const GRANDCHILDREN: u64 = 3;

/// Who is there, said by each of the family; and something shared that has no name.
type Family = (Queue<u32>, Queue<u64>);

/// Only a signal ends it, or, so that nothing stays behind when a test has failed, a long time.
fn stay() {
    thread::sleep(2 * crate::guarded::HANG);
}

fn member((present, shared): Family) {
    shared.send(1).unwrap();
    present.send(std::process::id()).unwrap();
    stay();
}

fn child((present, shared): Family) {
    for _ in 0..GRANDCHILDREN {
        drop(spawn(member, (present.clone(), shared.clone())).unwrap());
    }
    member((present, shared));
}

/// Has children, who have children. Those that are detached no less than the others.
fn head(present: Queue<u32>) {
    let shared = Queue::new(64).unwrap();
    let first = spawn(child, (present.clone(), shared.clone())).unwrap();
    for _ in 1..CHILDREN {
        drop(spawn(child, (present.clone(), shared.clone())).unwrap());
    }
    member((present, shared));
    drop(first);
}

/// In a process group of its own.
fn head_of_a_group((present, name): (Queue<u32>, String)) {
    // SAFETY: takes plain numbers.
    succeeds(unsafe { libc::setpgid(0, 0) }).unwrap();
    let named = Queue::<u64>::create(&name, 4).unwrap();
    named.send(42).unwrap();
    head(present);
}

/// All of a family: readable when they have ended.
fn members(present: &Queue<u32>) -> Vec<(u32, OwnedFd)> {
    let count = 1 + CHILDREN * (1 + GRANDCHILDREN);
    let pids = (0..count).map(|_| present.recv().unwrap());
    pids.map(|pid| {
        let process = Pid::from_raw(pid as i32).unwrap();
        (pid, pidfd_open(process, PidfdFlags::empty()).unwrap())
    })
    .collect()
}

fn await_end(process: &OwnedFd) {
    while poll(&mut [PollFd::new(process, PollFlags::IN)], None).is_err() {}
}

/// The segments without a name that this process has mapped.
fn anonymous_segments(pid: u32) -> BTreeSet<u64> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
    let lines = maps
        .lines()
        .filter(|line| line.contains("/memfd:crossproc"));
    lines
        .map(|line| {
            line.split_ascii_whitespace()
                .nth(4)
                .unwrap()
                .parse()
                .unwrap()
        })
        .collect()
}

/// Somewhere on this machine.
fn all_anonymous_segments() -> BTreeSet<u64> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.flat_map(anonymous_segments).collect()
}

/// Kills; how long it took until the last of the family was gone.
fn time_to_end(members: &[(u32, OwnedFd)], kill: impl FnOnce()) -> Duration {
    let killed = Instant::now();
    kill();
    members.iter().for_each(|(_, process)| await_end(process));
    killed.elapsed()
}

#[test]
fn when_a_parent_is_killed_all_children_and_grandchildren_go_with_it() {
    guarded!();
    let present = Queue::<u32>::new(64).unwrap();
    let head = spawn(head, present.clone()).unwrap();
    let members = members(&present);
    let shared = anonymous_segments(head.id());
    assert!(shared.len() >= 2, "{shared:?}");
    let mut own = anonymous_segments(std::process::id());

    let took = time_to_end(&members, || head.kill().unwrap());
    let signal = libc::SIGKILL;
    assert_eq!(head.join(), Err(JoinError::Killed { signal }));
    // What only they had is had by nobody.
    let left = all_anonymous_segments();
    let theirs: BTreeSet<_> = shared.difference(&own).copied().collect();
    assert!(!theirs.is_empty() && left.is_disjoint(&theirs), "{left:?}");
    own.retain(|segment| left.contains(segment));
    assert!(
        !own.is_empty(),
        "the one that this process has is still there"
    );
    println!(
        "the parent is killed: the last of {} processes was gone after {took:?}",
        members.len()
    );
}

#[test]
fn when_a_whole_process_group_is_killed_only_what_has_a_name_is_left() {
    guarded!();
    let (present, name) = (Queue::<u32>::new(64).unwrap(), unique_name("family"));
    let files = || -> BTreeSet<_> {
        let files = fs::read_dir("/dev/shm").unwrap().flatten();
        let files = files.filter_map(|entry| entry.file_name().into_string().ok());
        files.filter(|file| file.contains(&name)).collect()
    };
    let head = spawn(head_of_a_group, (present.clone(), name.clone())).unwrap();
    let members = members(&present);
    let shared = anonymous_segments(head.id());
    let own = anonymous_segments(std::process::id());
    let theirs: BTreeSet<_> = shared.difference(&own).copied().collect();
    assert!(!theirs.is_empty());

    let group = head.id() as i32;
    let took = time_to_end(&members, || {
        // SAFETY: takes plain numbers; the group is that of a child not reaped yet.
        succeeds(unsafe { libc::kill(-group, libc::SIGKILL) }).unwrap();
    });
    let signal = libc::SIGKILL;
    assert_eq!(head.join(), Err(JoinError::Killed { signal }));
    assert!(all_anonymous_segments().is_disjoint(&theirs));

    assert_eq!(files(), BTreeSet::from([format!("crossproc.{name}")]));
    let queue = Queue::<u64>::open(&name).unwrap();
    assert_eq!(queue.recv(), Ok(42));
    queue.send(43).unwrap();
    assert_eq!(queue.recv(), Ok(43));
    queue.unlink().unwrap();
    assert!(files().is_empty());
    println!(
        "the process group is killed: the last of {} processes was gone after {took:?}; nothing without a name was left, \
         and what has one was opened, used and removed",
        members.len()
    );
}

/// Started as a program of its own: this test again.
const VISITED: &str = "CROSSPROC_TEST_VISITED";

#[test]
fn an_unrelated_process_that_leaves_destroys_nothing() {
    guarded!();
    if let Ok(name) = std::env::var(VISITED) {
        let queue = Queue::<u64>::open(&name).unwrap();
        queue.send(queue.recv().unwrap() + 1).unwrap();
        return;
    }
    let name = unique_name("visited");
    let queue = Queue::<u64>::create(&name, 4).unwrap();
    let began = Instant::now();
    for n in 0..3 {
        queue.send(n).unwrap();
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--test-threads=1"])
            .arg("families::an_unrelated_process_that_leaves_destroys_nothing")
            .env(VISITED, &name)
            .output()
            .unwrap();
        assert!(status.status.success(), "{status:?}");
        assert_eq!(queue.recv(), Ok(n + 1));
        assert!(matches!(queue.try_recv(), Err(TryRecvError::Empty)));
        // Whoever comes later finds it, too.
        Queue::<u64>::open(&name).unwrap();
    }
    println!(
        "three unrelated processes attached, exchanged a message and left in {:?}: the segment is there",
        began.elapsed()
    );
    queue.unlink().unwrap();
}
