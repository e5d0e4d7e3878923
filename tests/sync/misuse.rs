//! What cannot work is refused, and says why; nothing is lost by trying.

use std::thread;
use std::time::Duration;

use crossproc::sync::Cause;
use crossproc::{
    Barrier, BarrierError, CountingSemaphore, Error, LockError, LockTimeoutError, Mutex, OnceLock,
    ReleaseError, Result, RwLock, Semaphore, TryLockError,
};

use super::support::unique_name;

const DEADLOCK: &str = "this thread holds the lock already, and would wait for itself";

/// All ways to take something that the calling thread has in its way.
macro_rules! is_a_deadlock {
    ($lock:ident . $blocks:ident, $tries:ident, $in_time:ident) => {
        let error = $lock.$blocks().map(drop).unwrap_err();
        assert!(matches!(error, LockError::Deadlock), "{error:?}");
        assert_eq!(error.to_string(), DEADLOCK);
        assert!(matches!($lock.$tries(), Err(TryLockError::Deadlock)));
        for patience in [Duration::ZERO, Duration::MAX] {
            let outcome = $lock.$in_time(patience);
            assert!(matches!(outcome, Err(LockTimeoutError::Deadlock)));
        }
        assert!(matches!(Error::from(error), Error::Deadlock));
    };
}

#[test]
fn locking_what_one_has_is_a_deadlock() {
    guarded!();
    let mutex = Mutex::new(1u64).unwrap();
    let guard = mutex.lock().unwrap();
    is_a_deadlock!(mutex.lock, try_lock, lock_timeout);
    drop(guard);
    let guard = mutex.lock().unwrap();
    let clone = mutex.clone();
    is_a_deadlock!(clone.lock, try_lock, lock_timeout);
    drop(guard);
    assert!(mutex.lock().is_ok());
}

#[test]
fn what_one_handle_has_every_other_of_the_process_has() {
    guarded!();
    let name = unique_name("misuse");
    let created = Mutex::create(&name, 1u64).unwrap();
    let opened = Mutex::<u64>::open(&name).unwrap();
    let guard = created.lock().unwrap();
    is_a_deadlock!(opened.lock, try_lock, lock_timeout);
    drop(guard);
    *opened.lock().unwrap() += 1;
    drop(created);
    assert_eq!(*opened.lock().unwrap(), 2);
    opened.unlink().unwrap();
}

#[test]
fn reading_and_writing_get_in_each_others_way() {
    guarded!();
    let lock = RwLock::new(1u64).unwrap();
    let reading = lock.read().unwrap();
    is_a_deadlock!(lock.write, try_write, write_timeout);
    assert!(lock.read().is_ok(), "reading again is allowed");
    drop(reading);
    let writing = lock.write().unwrap();
    is_a_deadlock!(lock.write, try_write, write_timeout);
    is_a_deadlock!(lock.read, try_read, read_timeout);
    drop(writing);
    assert!(lock.write().is_ok());
}

#[test]
fn a_value_cannot_be_asked_for_while_it_is_made() {
    guarded!();
    let once = OnceLock::<u64>::new().unwrap();
    let value = once.get_or_init(|| {
        assert!(matches!(once.get_or_init(|| 1), Err(LockError::Deadlock)));
        assert!(matches!(once.set(2), Err(LockError::Deadlock)));
        assert!(matches!(
            once.get_or_try_init(|| Ok::<_, ()>(3)),
            Err(LockError::Deadlock)
        ));
        assert_eq!(once.get(), Ok(None));
        4
    });
    assert_eq!(value.unwrap(), 4);
}

#[test]
fn releasing_more_than_there_can_be() {
    guarded!();
    let semaphore = CountingSemaphore::bounded(2, 2).unwrap();
    let error = semaphore.release(1).unwrap_err();
    assert_eq!(error, ReleaseError::OverRelease);
    assert_eq!(
        error.to_string(),
        "nothing was released: it would be more than the semaphore's maximum"
    );
    assert!(matches!(Error::from(error), Error::OverRelease));
    let semaphore = CountingSemaphore::new(i32::MAX as u32).unwrap();
    assert_eq!(semaphore.release(1), Err(ReleaseError::OverRelease));
    assert_eq!(semaphore.count(), i32::MAX as u32);
}

#[track_caller]
fn refused<H: std::fmt::Debug>(created: Result<H>, says: &str) {
    assert_eq!(created.unwrap_err().to_string(), says);
}

#[test]
fn sizes_that_cannot_be() {
    guarded!();
    for found in [0, 16_384, usize::MAX] {
        let says = format!(
            "a barrier's number of parties cannot be {found}: it has to be between 1 and 16383"
        );
        refused(Barrier::new(found), &says);
        refused(Barrier::create("never", found), &says);
        refused(Barrier::open_or_create("never", found), &says);
    }
    for found in [0, (1 << 20) + 1, usize::MAX] {
        let says = format!(
            "a semaphore's number of permits cannot be {found}: it has to be between 1 and 1048576"
        );
        refused(Semaphore::new(found), &says);
        refused(Semaphore::create("never", found), &says);
    }
    for maximum in [0, 1 << 31, u32::MAX] {
        refused(
            CountingSemaphore::bounded(0, maximum),
            &format!(
                "a semaphore's maximum cannot be {maximum}: it has to be between 1 and 2147483647"
            ),
        );
    }
    refused(
        CountingSemaphore::bounded(4, 3),
        "a semaphore's count cannot be 4: it cannot be above the maximum",
    );
    refused(
        CountingSemaphore::new(1 << 31),
        "a semaphore's count cannot be 2147483648: it cannot be above the maximum",
    );
    assert_eq!(Barrier::new(16_383).unwrap().parties(), 16_383);
    assert_eq!(Semaphore::new(1 << 20).unwrap().available(), 1 << 20);
}

#[test]
fn what_begins_with_something_takes_it_to_create() {
    guarded!();
    let name = unique_name("no-value");
    let says = "creating it takes a first value: give one with .value(…)";
    for outcome in [
        Mutex::<u64>::options().create(&name).map(drop),
        Mutex::<u64>::options().anonymous().map(drop),
        Mutex::<()>::options().open_or_create(&name).map(drop),
        RwLock::<u8>::options().create(&name).map(drop),
        CountingSemaphore::options()
            .maximum(3)
            .create(&name)
            .map(drop),
    ] {
        assert!(matches!(outcome, Err(Error::NoValue)));
        refused(outcome, says);
    }
    assert!(matches!(
        crossproc::unlink(&name),
        Err(Error::NotFound { .. })
    ));
}

#[test]
fn a_barrier_that_is_broken_or_full() {
    guarded!();
    let barrier = Barrier::new(1).unwrap();
    let mut party = barrier.join().unwrap();
    let error = barrier.join().unwrap_err();
    assert!(matches!(error, Error::PartiesFull { parties: 1 }));
    assert_eq!(error.to_string(), "all 1 parties of the barrier are there");
    barrier.abort().unwrap();
    let error = party.wait_timeout(Duration::MAX).unwrap_err();
    assert_eq!(error, BarrierError::Broken(Cause::Aborted));
    assert_eq!(
        error.to_string(),
        "the barrier is broken (aborted): reset() makes it whole again"
    );
    assert!(matches!(Error::from(error), Error::Broken(Cause::Aborted)));
    party.leave();
    assert!(barrier.join().is_ok(), "joining takes no whole barrier");
}

#[test]
fn more_threads_than_a_segment_has_room_for() {
    guarded!();
    let mutex = Mutex::options()
        .value(1u64)
        .participants(3)
        .anonymous()
        .unwrap();
    let here = mutex.lock().unwrap();
    drop(here);
    let met = std::sync::Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            assert_eq!(*mutex.lock().unwrap(), 1);
            met.wait();
            met.wait();
        });
        met.wait();
        let one_more = scope.spawn(|| mutex.lock().map(drop).map_err(Error::from));
        let full = matches!(
            one_more.join().unwrap(),
            Err(Error::ParticipantsFull { participants: 3 })
        );
        met.wait();
        assert!(full);
    });
}
