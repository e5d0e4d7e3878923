//! Tasks that will not travel, fork or leave children behind; initializers that fail now and then; a system without processes to give.

use std::os::fd::OwnedFd;
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use crossproc::pool::JobError;
use crossproc::{Array, Pool, Queue, process};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Resource, Rlimit, Signal, getrlimit, kill_process};
use rustix::process::{pidfd_open, setrlimit};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What fails where: 0 nowhere, 1 when it is sent, 2 when it is unpacked.
struct Stubborn(u8);

impl Serialize for Stubborn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            1 => Err(serde::ser::Error::custom("will not go")),
            n => n.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Stubborn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u8::deserialize(deserializer)? {
            2 => Err(serde::de::Error::custom("will not come")),
            n => Ok(Stubborn(n)),
        }
    }
}

#[test]
fn what_does_not_travel_is_an_error_of_its_own() {
    guarded!();
    let pool = Pool::new(2).unwrap();
    let kinds = || (0..60).map(|n| (n % 3) as u8);
    for chunk in [1, 7] {
        // As arguments, each alone: what is behind one that cannot be unpacked cannot be either.
        let sent = pool.tasks().chunk_size(1);
        let sent = sent.map_ordered(|Stubborn(n)| n, kinds().map(Stubborn));
        for (kind, result) in kinds().zip(sent) {
            match (kind, result) {
                (0, Ok(0)) => {}
                (1 | 2, Err(error)) => assert!(error.error.was_not_begun(), "{error}"),
                (_, other) => panic!("{kind}: {other:?}"),
            }
        }
        let made = pool
            .tasks()
            .chunk_size(chunk)
            .map_ordered(Stubborn, kinds());
        let mut lost = false;
        for (n, (kind, result)) in kinds().zip(made).enumerate() {
            // The results of a chunk are one behind the other: behind one that cannot be unpacked there may be none to be had.
            lost &= chunk > 1 && n % chunk != 0;
            match (kind, result.map_err(|error| error.error)) {
                (0, Ok(Stubborn(0))) => {}
                (1 | 2, Err(JobError::Result { .. })) => lost |= kind == 2,
                (0, Err(JobError::Result { .. })) if lost => {}
                (_, Ok(_)) => panic!("{n}: it arrived"),
                (_, Err(error)) => panic!("{n}: {error}"),
            }
        }
    }
    assert_eq!(pool.deaths(), 0);
    assert_eq!(pool.map(|n: u8| n, 0..9).unwrap().len(), 9);
}

#[test]
fn a_task_that_forks_returns_once() {
    guarded!();
    let pool = Pool::new(2).unwrap();
    let fork = |n: u32| {
        // SAFETY: the forked process does what the task does after this, which is to return.
        let pid = unsafe { libc::fork() };
        if pid > 0 {
            // SAFETY: waits for the process made above, and asks for no status.
            unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) };
        }
        n
    };
    let results = pool.tasks().chunk_size(3).map(fork, 0..50);
    assert_eq!(results.unwrap(), (0..50).collect::<Vec<_>>());
    assert_eq!(pool.deaths(), 0);
}

fn await_end(process: &OwnedFd) {
    while poll(&mut [PollFd::new(process, PollFlags::IN)], None).is_err() {}
}

static PRESENT: OnceLock<Queue<u32>> = OnceLock::new();

#[test]
fn the_workers_of_a_worker_end_with_it() {
    guarded!();
    let present = Queue::<u32>::new(16).unwrap();
    let keep = |present: Queue<u32>| PRESENT.set(present).unwrap();
    let pool = Pool::builder()
        .workers(1)
        .initializer(keep, present.clone());
    let pool = pool.build().unwrap();
    for cancelled in [true, false] {
        let job = pool.submit(
            |()| {
                let inner = Pool::new(3).unwrap();
                let forever = inner.submit(|()| thread::sleep(Duration::from_secs(3600)), ());
                for id in inner.worker_ids() {
                    PRESENT.get().unwrap().send(id).unwrap();
                }
                forever.unwrap().join().unwrap();
            },
            (),
        );
        let job = job.unwrap();
        let inner: Vec<_> = (0..3)
            .map(|_| {
                let pid = Pid::from_raw(present.recv().unwrap() as i32).unwrap();
                pidfd_open(pid, PidfdFlags::empty()).unwrap()
            })
            .collect();
        if cancelled {
            job.cancel();
            assert_eq!(job.join(), Err(JobError::Cancelled));
        } else {
            pool.terminate();
            assert_eq!(job.join(), Err(JobError::Terminated));
        }
        inner.iter().for_each(await_end);
    }
}

#[test]
fn an_initializer_that_fails_now_and_then_is_tried_again() {
    guarded!();
    let starts = Array::<u64>::new(1).unwrap();
    let begin = |starts: Array<u64>| {
        if starts.fetch_add(0, 1).unwrap() % 3 != 2 {
            std::process::exit(9);
        }
    };
    let builder = Pool::builder().workers(2).tasks_per_worker(2);
    let pool = builder.initializer(begin, starts.clone()).build().unwrap();
    let results = pool.tasks().chunk_size(1).map(|n: u32| n, 0..40);
    assert_eq!(results.unwrap(), (0..40).collect::<Vec<_>>());
    assert!(pool.deaths() > 0);
}

/// The user `nobody`, whom limits concern.
fn become_nobody() {
    const NOBODY: u32 = 65534;
    // SAFETY: takes no arguments.
    if unsafe { libc::geteuid() } == 0 {
        // SAFETY: take plain numbers.
        let changed = unsafe {
            libc::setresgid(NOBODY, NOBODY, NOBODY) | libc::setresuid(NOBODY, NOBODY, NOBODY)
        };
        assert_eq!(changed, 0);
    }
}

#[test]
fn without_processes_to_be_had_jobs_are_told_and_afterwards_all_is_well() {
    guarded!();
    let child = process::spawn(
        |()| {
            become_nobody();
            let pool = Pool::new(2).unwrap();
            assert_eq!(pool.submit(|n: u8| n, 1).unwrap().join(), Ok(1));
            for _ in 0..3 {
                let before = getrlimit(Resource::Nproc);
                let current = Some(0);
                setrlimit(Resource::Nproc, Rlimit { current, ..before }).unwrap();
                let refused = loop {
                    // Some may have been on their way before there were no more to be had.
                    for id in pool.worker_ids() {
                        let _ = kill_process(Pid::from_raw(id as i32).unwrap(), Signal::KILL);
                    }
                    match pool.submit(|n: u8| n, 1).unwrap().join() {
                        Ok(_) | Err(JobError::WorkerDied { .. }) => {}
                        Err(error) => break error,
                    }
                };
                assert!(matches!(refused, JobError::NoWorkers { .. }), "{refused}");
                setrlimit(Resource::Nproc, before).unwrap();
                assert_eq!(pool.submit(|n: u8| n, 2).unwrap().join(), Ok(2));
            }
            pool.join().unwrap();
        },
        (),
    );
    assert_eq!(child.unwrap().join(), Ok(()));
}
