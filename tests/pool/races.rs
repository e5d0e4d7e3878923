//! What happens at the same time as something else, and values at the end of what is possible.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossproc::pool::JobError;
use crossproc::{Pool, process};
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

fn kill_workers(pool: &Pool) {
    for id in pool.worker_ids() {
        kill_process(Pid::from_raw(id as i32).unwrap(), Signal::KILL).unwrap();
    }
}

/// Takes long to be dropped in the process that starts workers: they are there long before it has got round to noting that.
#[derive(Clone, Serialize, Deserialize)]
struct SlowToDrop {
    in_process: u32,
}

static DROPPING: AtomicU32 = AtomicU32::new(0);

impl Drop for SlowToDrop {
    fn drop(&mut self) {
        if std::process::id() == self.in_process {
            DROPPING.fetch_add(1, Ordering::Relaxed);
            thread::sleep(Duration::from_millis(300));
        }
    }
}

fn forever(_: ()) {
    thread::sleep(Duration::from_secs(3600));
}

#[test]
fn a_job_is_cancelled_that_runs_on_a_worker_just_hired() {
    guarded!();
    let slow = SlowToDrop {
        in_process: std::process::id(),
    };
    let builder = Pool::builder().workers(1);
    let pool = builder
        .initializer(|_: SlowToDrop| (), slow)
        .build()
        .unwrap();
    for _ in 0..3 {
        let hired = DROPPING.load(Ordering::Relaxed);
        kill_workers(&pool);
        let job = pool.submit(forever, ()).unwrap();
        while DROPPING.load(Ordering::Relaxed) == hired {
            thread::yield_now();
        }
        // By now it has begun, most likely.
        thread::sleep(Duration::from_millis(100));
        job.cancel();
        let joined = job.join();
        assert!(
            matches!(
                joined,
                Err(JobError::Cancelled | JobError::WorkerDied { .. })
            ),
            "{joined:?}"
        );
    }
}

#[test]
fn time_limits_that_never_come_are_none() {
    guarded!();
    let pool = Pool::new(1).unwrap();
    let ages = [
        Duration::MAX,
        Duration::MAX - Duration::from_secs(1),
        Duration::from_secs(u64::MAX / 4),
    ];
    for limit in ages {
        let terms = pool.tasks().timeout(limit);
        let pause = |millis| thread::sleep(Duration::from_millis(millis));
        assert_eq!(terms.submit(pause, 20).unwrap().join(), Ok(()));
    }
    // Whoever looks after the workers is still there.
    kill_workers(&pool);
    assert_eq!(
        pool.tasks().retries(9).submit(|n: u8| n, 1).unwrap().join(),
        Ok(1)
    );
}

#[test]
fn a_limit_of_no_time_ends_what_takes_any() {
    guarded!();
    let pool = Pool::new(1).unwrap();
    let limit = Duration::ZERO;
    let job = pool.tasks().timeout(limit).submit(forever, ());
    assert_eq!(job.unwrap().join(), Err(JobError::TimedOut { limit }));
}

/// A pool in a process that is forked while others use it: there nothing of it works, and nothing hangs.
#[test]
fn a_fork_leaves_the_pool_to_its_parent() {
    guarded!();
    let child = process::spawn(
        |()| {
            let pool = Pool::new(2).unwrap();
            thread::scope(|scope| {
                let busy = scope.spawn(|| pool.tasks().chunk_size(1).map(|n: u64| n, 0..200_000));
                for _ in 0..200 {
                    let mut job = pool.submit(|n: u8| n, 7).unwrap();
                    let dropped_there = pool.submit(|n: u8| n, 8).unwrap();
                    crate::in_a_fork(|| {
                        drop(dropped_there);
                        let _ = pool.worker_ids();
                        let _ = (pool.deaths(), pool.is_closed());
                        let refused = pool.submit(|n: u8| n, 1).map(|_| ());
                        assert_eq!(refused, Err(JobError::Forked));
                        assert!(job.is_done());
                        job.cancel();
                        assert_eq!(job.try_join(), Err(JobError::Forked));
                        let mapped = pool.map(|n: u8| n, 0..3).unwrap_err();
                        assert_eq!(mapped.error, JobError::Forked);
                    });
                    assert_eq!(job.join(), Ok(7));
                }
                drop(busy.join().unwrap().unwrap());
            });
        },
        (),
    );
    assert_eq!(child.unwrap().join(), Ok(()));
}

/// The last result, when it has come, ends the pool that waits for it: at once.
#[test]
fn joining_a_pool_takes_no_longer_than_its_jobs() {
    guarded!();
    let mut took = Vec::new();
    for _ in 0..9 {
        let pool = Pool::new(2).unwrap();
        let jobs: Vec<_> = (0..10)
            .map(|n| pool.submit(|n: u8| n, n).unwrap())
            .collect();
        let began = Instant::now();
        pool.join().unwrap();
        took.push(began.elapsed());
        drop(jobs);
    }
    took.sort_unstable();
    // What is only noticed because somebody looks every half second takes about that.
    assert!(took[4] < Duration::from_millis(400), "{took:?}");
}

/// More than the pool has memory for at a time, each of them less.
#[test]
fn what_there_is_no_memory_for_is_an_error_and_the_next_has_room() {
    guarded!();
    let pool = Pool::builder().workers(2).memory(16 << 20).build();
    let pool = pool.unwrap();
    let inputs: Vec<Vec<u8>> = (0..16u8).map(|n| vec![n; 3 << 20]).collect();
    let back = |bytes: Vec<u8>| bytes;
    for _ in 0..3 {
        let terms = pool.tasks().chunk_size(1);
        for (n, result) in terms.map_ordered(back, inputs.clone()).enumerate() {
            match result.map_err(|error| error.error) {
                Ok(bytes) => assert!(bytes == inputs[n]),
                Err(JobError::Arguments { .. } | JobError::Result { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
    let one = pool.submit(back, inputs[7].clone()).unwrap();
    assert!(one.join().unwrap() == inputs[7]);
}

#[test]
fn arguments_and_results_larger_than_all_memory_are_errors() {
    guarded!();
    let pool = Pool::builder().workers(2).memory(4 << 20).build().unwrap();
    let large = 16 << 20;
    let sent = pool.submit(|bytes: Vec<u8>| bytes.len(), vec![1; large]);
    let refused = sent.unwrap().join().unwrap_err();
    assert!(matches!(refused, JobError::Arguments { .. }), "{refused}");
    let made = pool.submit(|len: usize| vec![1_u8; len], large).unwrap();
    let refused = made.join().unwrap_err();
    assert!(matches!(refused, JobError::Result { .. }), "{refused}");
    let fits = pool.submit(|bytes: Vec<u8>| bytes.len(), vec![1; 1 << 20]);
    assert_eq!(fits.unwrap().join(), Ok(1 << 20));
}
