//! Workers: what they are given, how they end, and what becomes of what they had.

use std::process::exit;
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use crossproc::pool::JobError;
use crossproc::{Pool, Queue};

use crate::kill_myself;

fn die_at_seven(n: u32) -> u32 {
    if n == 7 {
        kill_myself();
    }
    n
}

#[test]
fn only_the_task_that_killed_its_worker_fails() {
    guarded!();
    let pool = Pool::new(2).unwrap();
    let results: Vec<_> = pool
        .tasks()
        .chunk_size(1)
        .map_ordered(die_at_seven, 0..50)
        .collect();
    for (n, result) in results.into_iter().enumerate() {
        match result {
            Ok(result) => assert_eq!(result as usize, n),
            Err(error) => {
                assert_eq!((error.index, n), (7, 7));
                let signal = Some(9);
                let (code, attempts) = (None, 1);
                assert_eq!(
                    error.error,
                    JobError::WorkerDied {
                        signal,
                        code,
                        attempts
                    }
                );
            }
        }
    }
    assert_eq!(pool.deaths(), 1);
}

#[test]
fn a_task_that_kills_its_worker_each_time_is_given_up() {
    guarded!();
    let pool = Pool::new(2).unwrap();
    let results: Vec<_> = pool
        .tasks()
        .chunk_size(20)
        .retries(3)
        .map_ordered(die_at_seven, 0..100)
        .collect();
    let failed: Vec<_> = results.into_iter().filter_map(Result::err).collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!(failed[0].index, 7);
    assert!(matches!(
        failed[0].error,
        JobError::WorkerDied {
            signal: Some(9),
            attempts: 4,
            ..
        }
    ));
    assert_eq!(pool.deaths(), 4);
}

#[test]
fn a_task_that_exits_has_ended_its_worker() {
    guarded!();
    let pool = Pool::new(1).unwrap();
    let error = pool
        .submit(|code: i32| -> () { exit(code) }, 7)
        .unwrap()
        .join();
    assert!(matches!(
        error,
        Err(JobError::WorkerDied { code: Some(7), .. })
    ));
    assert_eq!(pool.submit(|n: u8| n, 1).unwrap().join(), Ok(1));
}

static GREETING: OnceLock<String> = OnceLock::new();

#[test]
fn an_initializer_runs_first_in_each_worker() {
    guarded!();
    let started = Queue::<u32>::new(64).unwrap();
    let begin = |(greeting, started): (String, Queue<u32>)| {
        GREETING.set(greeting).unwrap();
        started.send(std::process::id()).unwrap();
    };
    let pool = Pool::builder()
        .workers(2)
        .initializer(begin, ("hello".to_owned(), started.clone()))
        .tasks_per_worker(3)
        .build()
        .unwrap();
    let greet = |name: String| format!("{} {name}", GREETING.get().unwrap());
    let names = (0..30).map(|n| n.to_string());
    let greetings = pool.tasks().chunk_size(1).map(greet, names).unwrap();
    assert_eq!(greetings[29], "hello 29");
    assert_eq!(pool.deaths(), 0, "to be renewed is no death");
    pool.join().unwrap();
    assert!(
        started.len() >= 10,
        "{} workers for 30 tasks",
        started.len()
    );
}

#[test]
fn workers_that_never_get_ready_are_told_of() {
    guarded!();
    let pool = Pool::builder()
        .workers(2)
        .initializer(|(): ()| panic!("no database"), ())
        .build()
        .unwrap();
    for _ in 0..3 {
        let error = pool.submit(|n: u8| n, 1).unwrap().join().unwrap_err();
        let JobError::NoWorkers { reason } = error else {
            panic!("{error}");
        };
        assert!(reason.contains("no database"), "{reason}");
    }
}

#[test]
fn a_pool_in_a_worker() {
    guarded!();
    let pool = Pool::new(2).unwrap();
    let inner = |n: u64| -> u64 {
        let pool = Pool::new(2).unwrap();
        pool.map(|n: u64| n * 2, 0..n).unwrap().iter().sum()
    };
    assert_eq!(pool.map(inner, [10, 20]).unwrap(), [90, 380]);
}

#[test]
fn idle_workers_that_are_killed_are_replaced() {
    guarded!();
    let pool = Pool::new(2).unwrap();
    assert_eq!(pool.map(|n: u8| n, 0..10).unwrap().len(), 10);
    for _ in 0..5 {
        for id in pool.worker_ids() {
            let pid = rustix::process::Pid::from_raw(id as i32).unwrap();
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
        assert_eq!(
            pool.tasks()
                .retries(100)
                .map(|n: u8| n, 0..10)
                .unwrap()
                .len(),
            10
        );
    }
    thread::sleep(Duration::from_millis(1));
}
