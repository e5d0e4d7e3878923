//! What a mutex does.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use crossproc::process::spawn;
use crossproc::{LockError, LockTimeoutError, Mutex, TryLockError};

use super::children::{LIMIT, Word, asleep, succeeds, until};
use super::plain::Shared;

/// Two numbers that are equal whenever nobody is at work on them.
type Twins = [u64; 2];

fn count(mutex: &Mutex<Twins>, times: u64) {
    for _ in 0..times {
        let mut twins = mutex.lock().unwrap();
        assert_eq!(twins[0], twins[1]);
        twins[0] += 1;
        twins[1] += 1;
    }
}

#[test]
fn threads_exclude_each_other() {
    guarded!();
    let mutex = Mutex::new([0; 2]).unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| count(&mutex, 20_000));
        }
    });
    assert_eq!(*mutex.lock().unwrap(), [80_000; 2]);
    assert_eq!(mutex.repairs(), 0);
}

#[test]
fn processes_exclude_each_other() {
    guarded!();
    let mutex = Mutex::new([0; 2]).unwrap();
    let children: Vec<_> = (0..3)
        .map(|_| spawn(|mutex: Mutex<Twins>| count(&mutex, 20_000), mutex.clone()).unwrap())
        .collect();
    count(&mutex, 20_000);
    for child in children {
        child.join().unwrap();
    }
    assert_eq!(*mutex.lock().unwrap(), [80_000; 2]);
    assert_eq!(mutex.repairs(), 0);
}

#[test]
fn a_value_is_committed_when_the_guard_goes() {
    guarded!();
    let mutex = Mutex::new([1u8; 3]).unwrap();
    let mut guard = mutex.lock().unwrap();
    guard[0] = 2;
    let elsewhere = || matches!(mutex.try_lock(), Err(TryLockError::WouldBlock));
    thread::scope(|scope| assert!(scope.spawn(elsewhere).join().unwrap()));
    drop(guard);
    assert_eq!(*mutex.try_lock().unwrap(), [2, 1, 1]);
    assert_eq!(*mutex.lock_timeout(Duration::MAX).unwrap(), [2, 1, 1]);
    let guard = mutex.lock().unwrap();
    assert_eq!(format!("{guard:?}"), "MutexGuard([2, 1, 1])");
}

#[test]
fn a_lock_alone_guards_nothing() {
    guarded!();
    let mutex = Mutex::new(()).unwrap();
    let guard = mutex.lock().unwrap();
    assert!(guard.is_consistent());
    assert_eq!(*guard, ());
}

/// Panics with the lock; what it changed is discarded.
fn panic_with(mutex: &Mutex<u64>) {
    let panics = AssertUnwindSafe(|| {
        let mut guard = mutex.lock().or_else(LockError::into_guard).unwrap();
        *guard = 666;
        panic!("on purpose");
    });
    assert!(catch_unwind(panics).is_err());
}

#[test]
fn a_panic_discards_the_value_and_is_told_until_made_up_for() {
    guarded!();
    let mutex = Mutex::new(1).unwrap();
    panic_with(&mutex);
    match mutex.lock() {
        Err(LockError::Poisoned(mut guard)) => {
            assert_eq!(*guard, 1);
            assert!(!guard.is_consistent());
            *guard = 2; // What is changed counts, whatever has been declared.
        }
        other => panic!("{other:?}"),
    }
    match mutex.try_lock() {
        Err(TryLockError::Poisoned(guard)) => assert_eq!(*guard, 2),
        other => panic!("{other:?}"),
    }
    match mutex.lock_timeout(Duration::ZERO) {
        Err(LockTimeoutError::Poisoned(mut guard)) => {
            guard.mark_consistent();
            assert!(guard.is_consistent());
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(*mutex.lock().unwrap(), 2);
    assert_eq!(mutex.repairs(), 0);
}

#[test]
fn a_guard_that_is_taken_and_dropped_while_panicking_poisons_nothing() {
    guarded!();
    struct AtTheEnd<'a>(&'a Mutex<u64>);
    impl Drop for AtTheEnd<'_> {
        fn drop(&mut self) {
            *self.0.lock().unwrap() += 1;
        }
    }
    let mutex = Mutex::new(1).unwrap();
    let panics = AssertUnwindSafe(|| {
        let _at_the_end = AtTheEnd(&mutex);
        panic!("on purpose");
    });
    assert!(catch_unwind(panics).is_err());
    assert_eq!(*mutex.lock().unwrap(), 2);
}

#[test]
fn a_thread_that_ends_without_unlocking_has_died() {
    guarded!();
    let mutex = Mutex::new(1u64).unwrap();
    let told_after = |leave: fn(&Mutex<u64>)| {
        thread::scope(|scope| scope.spawn(|| leave(&mutex)).join().unwrap());
        match mutex.lock() {
            Err(LockError::OwnerDied(mut guard)) => {
                assert_eq!(*guard, 1);
                guard.mark_consistent();
            }
            other => panic!("{other:?}"),
        };
    };
    told_after(|mutex| {
        let mut guard = mutex.lock().unwrap();
        *guard = 666;
        std::mem::forget(guard);
    });
    // What happened last is told, whatever happened before.
    told_after(|mutex| {
        panic_with(mutex);
        std::mem::forget(mutex.lock());
    });
    assert_eq!(*mutex.lock().unwrap(), 1);
    assert_eq!(mutex.repairs(), 2);
}

#[test]
fn a_thread_that_ends_without_unlocking_wakes_who_waits() {
    guarded!();
    let mutex = Mutex::new(1u64).unwrap();
    let end_when_asked = |ask: &Word| {
        std::mem::forget(mutex.lock());
        ask.set(1);
        until(|| ask.get() == 2);
    };
    let shared = Shared::<Word>::new();
    let ask: &Word = &shared;
    thread::scope(|scope| {
        let owner = scope.spawn(|| end_when_asked(ask));
        until(|| ask.get() == 1);
        let mut waiter = asleep(|| assert!(matches!(mutex.lock(), Err(LockError::OwnerDied(_)))));
        ask.set(2);
        owner.join().unwrap();
        succeeds(&mut waiter);
    });
}

#[test]
fn errors_turn_into_guards_and_into_errors() {
    guarded!();
    let mutex = Mutex::new(1).unwrap();
    panic_with(&mutex);
    let all_the_same = mutex.lock().or_else(LockError::into_guard).unwrap();
    assert_eq!(*all_the_same, 1);
    assert!(matches!(
        mutex.try_lock().or_else(TryLockError::into_guard),
        Err(TryLockError::Deadlock)
    ));
    drop(all_the_same);
    let error = crossproc::Error::from(mutex.lock().unwrap_err());
    assert!(matches!(error, crossproc::Error::Poisoned));
    assert!(error.to_string().contains("mark_consistent()"), "{error}");
}

#[test]
fn many_who_wait_are_all_served() {
    guarded!();
    let mutex = Mutex::new(0u64).unwrap();
    let start = Barrier::new(9);
    thread::scope(|scope| {
        let guard = mutex.lock().unwrap();
        for _ in 0..8 {
            scope.spawn(|| {
                start.wait();
                *mutex.lock_timeout(LIMIT).unwrap() += 1;
            });
        }
        start.wait();
        // Long enough for all to fall asleep, most of the time; the outcome is the same if not.
        thread::sleep(Duration::from_millis(20));
        drop(guard);
    });
    assert_eq!(*mutex.lock().unwrap(), 8);
}
