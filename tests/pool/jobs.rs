//! Tasks submitted one by one.

use std::thread;
use std::time::Duration;

use crossproc::Pool;
use crossproc::pool::JobError;

fn sleep_for(millis: u64) -> u64 {
    thread::sleep(Duration::from_millis(millis));
    millis
}

#[test]
fn a_job_has_its_result() {
    guarded!();
    let pool = Pool::new(2).unwrap();
    let jobs: Vec<_> = (0..100u32)
        .map(|n| pool.submit(|n: u32| format!("<{n}>"), n).unwrap())
        .collect();
    for (n, job) in jobs.into_iter().enumerate() {
        assert_eq!(job.join().unwrap(), format!("<{n}>"));
    }
}

#[test]
fn joining_can_be_tried_and_limited() {
    guarded!();
    let pool = Pool::new(1).unwrap();
    let mut job = pool.submit(sleep_for, 300).unwrap();
    assert_eq!(job.try_join(), Ok(None));
    assert_eq!(job.join_timeout(Duration::from_millis(1)), Ok(None));
    assert!(!job.is_done());
    assert_eq!(job.join_timeout(Duration::MAX), Ok(Some(300)));
    assert!(job.is_done());
    assert_eq!(job.try_join(), Ok(Some(300)));
    assert_eq!(job.join(), Ok(300));
}

#[test]
fn a_job_that_takes_too_long_is_killed() {
    guarded!();
    let pool = Pool::new(1).unwrap();
    let limit = Duration::from_millis(50);
    let slow = pool.tasks().timeout(limit).submit(sleep_for, 3_600_000);
    let next = pool.submit(sleep_for, 1).unwrap();
    assert_eq!(slow.unwrap().join(), Err(JobError::TimedOut { limit }));
    assert_eq!(next.join(), Ok(1));
    assert_eq!(pool.deaths(), 1);
    // In a map, the one alone.
    let results: Vec<_> = pool
        .tasks()
        .timeout(limit)
        .chunk_size(5)
        .map_ordered(sleep_for, [0, 1, 3_600_000, 2, 3])
        .collect();
    let timed_out: Vec<_> = results.iter().map(Result::is_err).collect();
    assert_eq!(timed_out, [false, false, true, false, false]);
}

#[test]
fn a_job_is_cancelled_before_it_begins_or_while_it_runs() {
    guarded!();
    let pool = Pool::new(1).unwrap();
    let running = pool.submit(sleep_for, 3_600_000).unwrap();
    let waiting = pool.submit(sleep_for, 3_600_000).unwrap();
    let last = pool.submit(sleep_for, 2).unwrap();
    thread::sleep(Duration::from_millis(20));
    waiting.cancel();
    assert_eq!(waiting.join(), Err(JobError::Cancelled));
    running.cancel();
    assert_eq!(running.join(), Err(JobError::Cancelled));
    assert_eq!(last.join(), Ok(2));
    let done = pool.submit(sleep_for, 0).unwrap();
    while !done.is_done() {
        thread::yield_now();
    }
    done.cancel();
    assert_eq!(done.join(), Ok(0));
}

#[test]
fn a_closed_pool_finishes_what_it_has() {
    guarded!();
    let pool = Pool::new(2).unwrap();
    let jobs: Vec<_> = (0..20)
        .map(|n| pool.submit(sleep_for, n).unwrap())
        .collect();
    pool.close();
    assert!(pool.is_closed());
    assert_eq!(pool.submit(sleep_for, 1).unwrap_err(), JobError::Closed);
    pool.join().unwrap();
    for (n, job) in jobs.into_iter().enumerate() {
        assert_eq!(job.join(), Ok(n as u64));
    }
}

#[test]
fn a_pool_that_is_dropped_or_terminated_ends_its_jobs() {
    guarded!();
    let pool = Pool::new(2).unwrap();
    let jobs: Vec<_> = (0..5)
        .map(|_| pool.submit(sleep_for, 3_600_000).unwrap())
        .collect();
    pool.terminate();
    assert_eq!(pool.submit(sleep_for, 1).unwrap_err(), JobError::Terminated);
    for job in jobs {
        assert_eq!(job.join(), Err(JobError::Terminated));
    }
    let pool = Pool::new(2).unwrap();
    let job = pool.submit(sleep_for, 3_600_000).unwrap();
    drop(pool);
    assert_eq!(job.join(), Err(JobError::Terminated));
}

#[test]
fn more_jobs_than_there_are_places_for_wait() {
    guarded!();
    let pool = Pool::new(2).unwrap();
    let jobs: Vec<_> = (0..5000u64)
        .map(|n| pool.submit(|n: u64| n + 1, n).unwrap())
        .collect();
    for (n, job) in jobs.into_iter().enumerate() {
        assert_eq!(job.join(), Ok(n as u64 + 1));
    }
    let slow: Vec<_> = std::iter::repeat_with(|| pool.try_submit(sleep_for, 1000))
        .take_while(Result::is_ok)
        .take(2000)
        .collect();
    assert_eq!(slow.len(), 1024);
    assert_eq!(pool.try_submit(sleep_for, 1).unwrap_err(), JobError::Full);
}
