//! Thousands of children, from several threads: the parent needs no more for the last than for the first.

use std::fs;
use std::process::exit;
use std::thread;
use std::time::Instant;

use crossproc::Queue;
use crossproc::process::{JoinError, spawn};

use crate::descriptors;

/// What a process has, as the kernel counts it.
#[derive(Debug, Clone, Copy)]
struct Needs {
    descriptors: usize,
    threads: u64,
    /// In KiB.
    memory: u64,
}

impl Needs {
    fn now() -> Needs {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let field = |name: &str| -> u64 {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.unwrap().split_ascii_whitespace().next().unwrap();
            number.parse().unwrap()
        };
        Needs {
            descriptors: descriptors(),
            threads: field("Threads:"),
            memory: field("RssAnon:"),
        }
    }
}

/// One that returns, one that exits, one that is killed, one that is let go.
fn four(queue: &Queue<u64>, n: u64) {
    let double = |(queue, n): (Queue<u64>, u64)| {
        drop(queue);
        2 * n
    };
    let returns = spawn(double, (queue.clone(), n)).unwrap();
    let exits = spawn(|()| -> () { exit(3) }, ()).unwrap();
    let killed = spawn(double, (queue.clone(), n)).unwrap();
    drop(spawn(double, (queue.clone(), n)).unwrap());
    killed.kill().unwrap();
    assert_eq!(returns.join(), Ok(2 * n));
    assert_eq!(exits.join(), Err(JoinError::Exited { code: 3 }));
    match killed.join() {
        Ok(result) => assert_eq!(result, 2 * n),
        Err(JoinError::Killed { signal }) => assert_eq!(signal, libc::SIGKILL),
        Err(JoinError::NeverStarted { status }) => assert!(status.is_some()),
        Err(other) => panic!("{other:?}"),
    }
}

/// That many children, from four threads at once; what this process needs when all of them are gone.
fn children(queue: &Queue<u64>, count: u64) -> Needs {
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..count.div_ceil(16)).for_each(|n| four(queue, n)));
        }
    });
    while !crate::support::processes::descendants().is_empty() {
        thread::yield_now();
    }
    // The keeper has let go of all before it begins something new, except for the new one.
    assert_eq!(spawn(|()| 1, ()).unwrap().join(), Ok(1));
    let settled = Instant::now() + crate::guarded::HANG / 2;
    let letters_and_pidfds = || {
        let targets = fs::read_dir("/proc/self/fd").unwrap().flatten();
        let targets = targets.filter_map(|entry| fs::read_link(entry.path()).ok());
        let targets = targets.map(|target| target.to_string_lossy().into_owned());
        targets.filter(|target| target.contains("pidfd")).count()
    };
    while letters_and_pidfds() > 0 && Instant::now() < settled {
        thread::yield_now();
    }
    Needs::now()
}

#[test]
fn the_last_of_many_children_needs_no_more_than_the_first() {
    let count = std::env::var("SPAWNING_CHILDREN").map_or(500, |count| count.parse().unwrap());
    guarded!();
    // In a process of its own, where nobody else's descriptors and threads come and go.
    let child = spawn(
        |count: u64| {
            let queue = Queue::<u64>::new(4).unwrap();
            let before = children(&queue, 100);
            let begin = Instant::now();
            let after = children(&queue, count);
            let seconds = begin.elapsed().as_secs_f64();
            assert_eq!(
                after.descriptors, before.descriptors,
                "{before:?} {after:?}"
            );
            assert_eq!(after.threads, before.threads, "{before:?} {after:?}");
            // What the allocator keeps differs; a letter, a stack or a handle for each child would be far more.
            let grown = after.memory.saturating_sub(before.memory);
            assert!(grown < 1024 + count / 10, "{before:?} {after:?}");
            format!("{count} children in {seconds:.1} s; before: {before:?}, after: {after:?}")
        },
        count,
    );
    println!("{}", child.unwrap().join().unwrap());
}
