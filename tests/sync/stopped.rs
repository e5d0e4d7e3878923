//! Who is slow is not dead: a process that is stopped keeps what it has, and lets go of it when it goes on.
//!
//! `SYNC_STOPPED_SECONDS=5` has it stopped for longer than the half second of the tests.

use std::thread;
use std::time::{Duration, Instant};

use crossproc::{Barrier, LockTimeoutError, Mutex, RwLock, Semaphore, WaitTimeoutError, testing};

use super::children::{Holder, asleep, succeeds};

fn long() -> Duration {
    let seconds = std::env::var("SYNC_STOPPED_SECONDS").map(|seconds| seconds.parse());
    Duration::from_secs_f64(seconds.map_or(0.5, |seconds| seconds.expect("a number of seconds")))
}

/// Stops the holder while somebody sleeps for what it has, and while the caller is refused it for a `long` time.
fn keeps_what_it_has(holder: Holder, waits: impl FnOnce(), refused: impl FnOnce(Duration)) {
    // Have sleepers look for deaths in every way they know.
    testing::set_backstop(Duration::from_millis(20));
    holder.stop();
    let mut waiter = asleep(waits);
    let (start, long) = (Instant::now(), long());
    refused(long);
    assert!(start.elapsed() >= long);
    assert_eq!(waiter.try_wait(), None, "nothing is stolen");
    holder.go_on();
    thread::sleep(Duration::from_millis(20));
    assert_eq!(waiter.try_wait(), None, "going on is not letting go");
    holder.let_go();
    succeeds(&mut waiter);
}

#[test]
fn a_lock_is_kept() {
    guarded!();
    let mutex = Mutex::new(1u64).unwrap();
    keeps_what_it_has(
        Holder::with(|| mutex.lock().unwrap(), |mut guard| *guard = 2),
        || assert_eq!(*mutex.lock().unwrap(), 2),
        |long| {
            let refused = mutex.lock_timeout(long).map(drop);
            assert!(matches!(refused, Err(LockTimeoutError::Timeout)));
        },
    );
    assert_eq!(mutex.repairs(), 0);
}

#[test]
fn a_reader_is_waited_for() {
    guarded!();
    let lock = RwLock::new(1u64).unwrap();
    keeps_what_it_has(
        Holder::of(|| lock.read().unwrap()),
        || *lock.write().unwrap() = 2,
        |long| {
            let refused = lock.write_timeout(long).map(drop);
            assert!(matches!(refused, Err(LockTimeoutError::Timeout)));
        },
    );
    assert_eq!((*lock.read().unwrap(), lock.repairs()), (2, 0));
}

#[test]
fn a_permit_is_kept() {
    guarded!();
    let semaphore = Semaphore::new(1).unwrap();
    keeps_what_it_has(
        Holder::of(|| semaphore.acquire().unwrap()),
        || drop(semaphore.acquire().unwrap()),
        |long| {
            let refused = semaphore.acquire_timeout(long).map(drop);
            assert_eq!(refused, Err(WaitTimeoutError::Timeout));
        },
    );
    assert_eq!((semaphore.available(), semaphore.repairs()), (1, 0));
}

#[test]
fn a_party_is_waited_for() {
    guarded!();
    let barrier = Barrier::new(2).unwrap();
    keeps_what_it_has(
        Holder::with(
            || barrier.join().unwrap(),
            |mut party| assert_eq!(party.wait().unwrap().generation, 0),
        ),
        || assert!(barrier.join().unwrap().wait().is_ok()),
        |long| {
            thread::sleep(long);
            assert_eq!((barrier.broken(), barrier.waiting()), (None, 1));
        },
    );
    assert_eq!(barrier.broken(), None);
}
