//! The processes descended from this one, as `/proc` shows them.
#![allow(unsafe_code)] // kill(2), waitpid(2)

use std::{fs, process};

/// One line of `/proc/<pid>/stat`.
struct Stat {
    pid: u32,
    state: char,
    parent: u32,
}

fn stat(pid: u32) -> Option<Stat> {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The command's name is in parentheses and may itself contain blanks and parentheses.
    let mut rest = line[line.rfind(')')? + 1..].split_ascii_whitespace();
    let state = rest.next()?.chars().next()?;
    let parent = rest.next()?.parse().ok()?;
    Some(Stat { pid, state, parent })
}

fn numbered_entries(directory: &str) -> Vec<u32> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

/// Every descendant of process `pid`, zombies included.
pub(crate) fn descendants_of(pid: u32) -> Vec<u32> {
    let everyone: Vec<Stat> = numbered_entries("/proc")
        .into_iter()
        .filter_map(stat)
        .collect();
    let mut found = Vec::new();
    let mut parents = vec![pid];
    while let Some(parent) = parents.pop() {
        for child in everyone.iter().filter(|one| one.parent == parent) {
            found.push(child.pid);
            parents.push(child.pid);
        }
    }
    found
}

/// Every descendant of this process, zombies included.
pub(crate) fn descendants() -> Vec<u32> {
    descendants_of(process::id())
}

/// Whether it has ended and waits to be reaped.
pub(crate) fn is_zombie(pid: u32) -> bool {
    stat(pid).is_some_and(|process| process.state == 'Z')
}

/// What each thread of process `pid` and of its descendants is doing.
pub(crate) fn describe_tree(pid: u32) -> String {
    let processes = std::iter::once(pid).chain(descendants_of(pid));
    processes.map(describe).collect()
}

/// What each thread of process `pid` is doing: its state, its system call, where it waits.
pub(crate) fn describe(pid: u32) -> String {
    let read = |path: String| {
        fs::read_to_string(path).map_or_else(|_| "?".into(), |text| text.trim().to_owned())
    };
    let mut lines = String::new();
    if is_zombie(pid) {
        return format!("  process {pid}: ended, not reaped\n");
    }
    for task in numbered_entries(&format!("/proc/{pid}/task")) {
        let at = format!("/proc/{pid}/task/{task}");
        let status = read(format!("{at}/status"));
        let state = status
            .lines()
            .find_map(|line| line.strip_prefix("State:"))
            .unwrap_or("?");
        lines += &format!(
            "  process {pid}, thread {task} \"{}\": {}, waits in {}, system call {}\n",
            read(format!("{at}/comm")),
            state.trim(),
            read(format!("{at}/wchan")),
            read(format!("{at}/syscall")),
        );
    }
    lines
}

/// SIGKILLs and, where it is a child of this process, reaps every descendant.
pub(crate) fn kill_descendants() {
    // A process that dies hands its children on, so look again until there is nobody left to kill.
    for _ in 0..16 {
        let found = descendants();
        if found.is_empty() {
            return;
        }
        for pid in found {
            let pid = i32::try_from(pid).expect("process ids are positive 32-bit integers");
            // SAFETY: kill(2) and waitpid(2) with a null status touch no memory of this process.
            unsafe {
                libc::kill(pid, libc::SIGKILL);
                libc::waitpid(pid, std::ptr::null_mut(), libc::__WALL);
            }
        }
    }
}
