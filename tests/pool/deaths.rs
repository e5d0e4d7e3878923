//! Workers that die by the hundred, tasks that are cancelled or take too long at any moment: each task has one outcome, and is begun as often as that says.
//!
//! `POOL_DEATHS=1000 cargo test --test pool -- --nocapture deaths` is the long form.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossproc::pool::JobError;
use crossproc::{Array, Pool};
use rustix::process::{Pid, Signal, kill_process};

use crate::kill_myself;

/// How often each task was begun, and how often it came to its end; and how often any was begun. Counted in memory that the dead share.
#[derive(Clone)]
struct Counts(Array<u64>);

const BEGUN: usize = 0;
const ENDED: usize = 1;

impl Counts {
    fn of(tasks: usize) -> Counts {
        Counts(Array::new(2 * tasks + 1).unwrap())
    }

    fn add(&self, task: usize, what: usize) {
        self.0.fetch_add(2 * task + what, 1).unwrap();
    }

    fn add_to_all(&self) {
        self.0.fetch_add(self.0.len() - 1, 1).unwrap();
    }

    fn all(&self) -> u64 {
        self.0.get(self.0.len() - 1).unwrap()
    }

    fn get(&self, task: usize) -> (u64, u64) {
        let get = |what| self.0.get(2 * task + what).unwrap();
        (get(BEGUN), get(ENDED))
    }
}

/// What a worker has of them.
static COUNTS: OnceLock<Array<u64>> = OnceLock::new();

fn pool(workers: usize, counts: &Counts) -> Pool {
    let keep = |counts: Array<u64>| COUNTS.set(counts).unwrap();
    let builder = Pool::builder().workers(workers);
    builder.initializer(keep, counts.0.clone()).build().unwrap()
}

fn own_counts() -> Counts {
    Counts(COUNTS.get().unwrap().clone())
}

fn count(task: usize, what: usize) {
    own_counts().add(task, what);
    if what == BEGUN {
        own_counts().add_to_all();
    }
}

fn deaths() -> usize {
    std::env::var("POOL_DEATHS").map_or(100, |count| count.parse().unwrap())
}

/// In Python's pool the result is lost, and who waits for it waits for ever.
#[test]
fn a_worker_that_is_killed_in_a_task_is_told_of_at_once_and_replaced() {
    guarded!();
    let counts = Counts::of(1);
    let mut told = Vec::new();
    let mut replaced = Vec::new();
    for _ in 0..20 {
        let pool = self::pool(1, &counts);
        let before = counts.get(0).0;
        let lost = pool.submit(
            |(): ()| {
                count(0, BEGUN);
                thread::sleep(Duration::from_secs(3600));
            },
            (),
        );
        while counts.get(0).0 == before {
            thread::yield_now();
        }
        let [worker] = pool.worker_ids()[..] else {
            panic!("one worker");
        };
        let killed = Instant::now();
        kill_process(Pid::from_raw(worker as i32).unwrap(), Signal::KILL).unwrap();
        let (signal, code) = (Some(libc::SIGKILL), None);
        let attempts = 1;
        assert_eq!(
            lost.unwrap().join(),
            Err(JobError::WorkerDied {
                signal,
                code,
                attempts
            })
        );
        told.push(killed.elapsed());
        assert_eq!(pool.submit(|n: u32| n + 1, 1).unwrap().join(), Ok(2));
        replaced.push(killed.elapsed());
    }
    let median = |times: &mut Vec<Duration>| {
        times.sort_unstable();
        (times[times.len() / 2], times[times.len() - 1])
    };
    println!(
        "a worker is killed in a task: who waited for it was told after {:?} (median, most), the next job was done by another after {:?}",
        median(&mut told),
        median(&mut replaced)
    );
}

/// Every fourth task kills its worker.
#[test]
fn each_death_is_accounted_for_once() {
    guarded!();
    let tasks = 4 * deaths();
    for chunk in [1, 16] {
        let counts = Counts::of(tasks);
        let pool = pool(2, &counts);
        let task = |n: usize| {
            count(n, BEGUN);
            if n % 4 == 3 {
                kill_myself();
            }
            count(n, ENDED);
            n
        };
        let results = pool.tasks().chunk_size(chunk).map_ordered(task, 0..tasks);
        let mut died = 0;
        for (n, result) in results.enumerate() {
            let (begun, ended) = counts.get(n);
            match result {
                Ok(result) => assert_eq!((result, begun, ended), (n, 1, 1)),
                Err(error) => {
                    assert_eq!(error.index, n);
                    let is_death = matches!(
                        error.error,
                        JobError::WorkerDied {
                            signal: Some(libc::SIGKILL),
                            attempts: 1,
                            ..
                        }
                    );
                    assert!(is_death, "{error}");
                    // What had ended within the last moment dies, too.
                    assert!(begun == 1 && (n % 4 == 3 || chunk > 1), "{n}: {begun}");
                    died += 1;
                }
            }
        }
        assert!(died >= tasks / 4, "{died}");
        assert_eq!(pool.deaths(), tasks as u64 / 4);
    }
}

/// A task that kills its worker the first two times.
#[test]
fn what_is_run_again_is_begun_as_often_as_it_takes() {
    guarded!();
    let tasks = deaths();
    let counts = Counts::of(tasks);
    let pool = pool(2, &counts);
    let task = |n: usize| {
        count(n, BEGUN);
        if n % 2 == 1 && COUNTS.get().unwrap().get(2 * n).unwrap() <= 2 {
            kill_myself();
        }
        count(n, ENDED);
        n
    };
    let results = pool.tasks().chunk_size(1).retries(2).map(task, 0..tasks);
    assert_eq!(results.unwrap(), (0..tasks).collect::<Vec<_>>());
    for n in 0..tasks {
        let begun = if n % 2 == 1 { 3 } else { 1 };
        assert_eq!(counts.get(n), (begun, 1), "task {n}");
    }
    assert_eq!(pool.deaths(), tasks as u64 / 2 * 2);
}

/// Kills workers from outside while `body` runs. A few at a time: then some worker gets to its work, as it does where the machine is busy with other things, too. A pool
/// none of whose workers ever does gives up.
fn in_a_storm<R>(
    pool: &Pool,
    counts: &Counts,
    pause: impl Fn(u64) -> Duration + Sync,
    body: impl FnOnce() -> R,
) -> R {
    const AT_A_TIME: u64 = 4;
    /// The storm is over when the body is, also if that panics.
    struct Calm<'a>(&'a AtomicBool);
    impl Drop for Calm<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    let is_over = AtomicBool::new(false);
    let storm = || {
        let mut kills = 0;
        while !is_over.load(Ordering::Relaxed) {
            for id in pool.worker_ids() {
                thread::sleep(pause(kills));
                kills += 1;
                // Still one of the pool's: its id can mean nothing else while it is not reaped.
                if pool.worker_ids().contains(&id) {
                    let _ = kill_process(Pid::from_raw(id as i32).unwrap(), Signal::KILL);
                }
                let begun = counts.all();
                while kills.is_multiple_of(AT_A_TIME)
                    && counts.all() == begun
                    && !is_over.load(Ordering::Relaxed)
                {
                    thread::sleep(Duration::from_micros(50));
                }
            }
        }
    };
    thread::scope(|scope| {
        scope.spawn(storm);
        let _calm = Calm(&is_over);
        body()
    })
}

/// At whatever point of its work a worker is killed.
#[test]
fn in_a_storm_no_task_is_lost_or_run_twice() {
    guarded!();
    let tasks = 20 * deaths();
    for (chunk, retries) in [(1, 0), (7, 0), (1, 3), (7, 3)] {
        let counts = Counts::of(tasks);
        let pool = pool(2, &counts);
        let task = |n: usize| {
            count(n, BEGUN);
            thread::sleep(Duration::from_micros(n as u64 % 7 * 100));
            count(n, ENDED);
            n
        };
        let pause = |n| Duration::from_micros(n * 377 % 20_000);
        let results: Vec<_> = in_a_storm(&pool, &counts, pause, || {
            let terms = pool.tasks().chunk_size(chunk).retries(retries);
            terms.map_ordered(task, 0..tasks).collect()
        });
        assert_eq!(results.len(), tasks);
        for (n, result) in results.into_iter().enumerate() {
            let (begun, ended) = counts.get(n);
            match result {
                Ok(result) => {
                    assert_eq!(result, n);
                    let most = 1 + u64::from(retries);
                    assert!(ended >= 1 && begun <= most, "{n}: {begun}, {ended}");
                }
                Err(error) => {
                    let JobError::WorkerDied { attempts, .. } = error.error else {
                        panic!("{error}");
                    };
                    assert!(begun <= u64::from(attempts), "{n}: {begun} of {attempts}");
                    assert_eq!(attempts, retries + 1);
                }
            }
        }
        assert!(pool.deaths() > 0);
        println!(
            "chunks of {chunk}, {retries} retries: {tasks} tasks, {} deaths",
            pool.deaths()
        );
    }
}

#[test]
fn cancelled_at_any_time_a_job_has_one_outcome() {
    guarded!();
    let jobs = 10 * deaths();
    let counts = Counts::of(jobs);
    let pool = pool(2, &counts);
    let task = |n: usize| {
        count(n, BEGUN);
        thread::sleep(Duration::from_micros(n as u64 % 5 * 50));
        count(n, ENDED);
        n
    };
    let (mut done, mut cancelled) = (0, 0);
    for n in 0..jobs {
        let job = pool.submit(task, n).unwrap();
        thread::sleep(Duration::from_micros(n as u64 * 37 % 400));
        job.cancel();
        let joined = job.join();
        let (begun, ended) = counts.get(n);
        match joined {
            Ok(result) => {
                assert_eq!((result, begun, ended), (n, 1, 1));
                done += 1;
            }
            Err(error) => {
                assert_eq!(error, JobError::Cancelled);
                assert!(begun <= 1);
                cancelled += 1;
            }
        }
    }
    println!(
        "{done} done, {cancelled} cancelled, {} deaths",
        pool.deaths()
    );
    // What was cancelled before it was begun is not begun later.
    let before: Vec<_> = (0..jobs).map(|n| counts.get(n)).collect();
    assert_eq!(pool.submit(|n: u8| n, 1).unwrap().join(), Ok(1));
    pool.join().unwrap();
    let after: Vec<_> = (0..jobs).map(|n| counts.get(n)).collect();
    assert_eq!(before, after);
}

/// Only the task that takes too long is told so, not the one behind it.
#[test]
fn at_the_limit_of_its_time_a_task_has_one_outcome() {
    guarded!();
    let tasks = 2 * deaths();
    let counts = Counts::of(tasks);
    let pool = pool(2, &counts);
    let task = |n: usize| {
        count(n, BEGUN);
        // Every other one is done at about the time when its time is up.
        let micros = if n % 2 == 1 {
            9_000 + n as u64 * 37 % 3_000
        } else {
            0
        };
        thread::sleep(Duration::from_micros(micros));
        count(n, ENDED);
        n
    };
    let limit = Duration::from_millis(10);
    let terms = pool.tasks().timeout(limit).chunk_size(8);
    let mut timed_out = 0;
    for (n, result) in terms.map_ordered(task, 0..tasks).enumerate() {
        let (begun, ended) = counts.get(n);
        match result {
            Ok(result) => assert_eq!((result, begun, ended), (n, 1, 1)),
            Err(error) => {
                assert_eq!(error.error, JobError::TimedOut { limit });
                assert!(begun <= 1);
                timed_out += 1;
            }
        }
    }
    println!("{timed_out} of {tasks} timed out");
}

#[test]
fn terminated_or_dropped_at_any_time_a_pool_ends_everything() {
    guarded!();
    for n in 0..deaths() as u64 / 4 {
        let pool = Pool::new(2).unwrap();
        let task = |n: u64| {
            thread::sleep(Duration::from_micros(n));
            n
        };
        let jobs: Vec<_> = (0..20).map(|n| pool.submit(task, n).unwrap()).collect();
        thread::sleep(Duration::from_micros(n * 173 % 5000));
        if n % 2 == 0 {
            pool.terminate();
        }
        drop(pool);
        for (n, job) in jobs.into_iter().enumerate() {
            match job.join() {
                Ok(result) => assert_eq!(result, n as u64),
                Err(error) => assert_eq!(error, JobError::Terminated),
            }
        }
    }
}

/// Tasks on their way to workers that die wait in the parent, as there is no room for all of them in the queue; their time does not run meanwhile.
#[test]
fn in_a_storm_with_a_full_queue_time_limits_concern_who_runs() {
    guarded!();
    let counts = Counts::of(0);
    let pool = pool(2, &counts);
    let task = |bytes: Vec<u8>| {
        own_counts().add_to_all();
        thread::sleep(Duration::from_micros(bytes[0].into()));
        bytes.len()
    };
    let pause = |n| Duration::from_micros(n * 377 % 9_000);
    in_a_storm(&pool, &counts, pause, || {
        for _ in 0..deaths() / 10 {
            let terms = || {
                pool.tasks()
                    .timeout(Duration::from_millis(10))
                    .retries(1000)
            };
            let jobs: Vec<_> = (0..40)
                .map(|n| terms().submit(task, vec![n; 200_000]).unwrap())
                .collect();
            for job in jobs {
                match job.join() {
                    Ok(len) => assert_eq!(len, 200_000),
                    Err(error) => assert!(matches!(error, JobError::TimedOut { .. }), "{error}"),
                }
            }
        }
    });
}
