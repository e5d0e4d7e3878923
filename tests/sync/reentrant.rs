//! What a lock does that its owner can take again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use crossproc::process::spawn;
use crossproc::{LockError, Mutex, ReentrantMutex, TryLockError};

fn is_taken(lock: &ReentrantMutex) -> bool {
    let elsewhere = || matches!(lock.try_lock(), Err(TryLockError::WouldBlock));
    thread::scope(|scope| scope.spawn(elsewhere).join().unwrap())
}

#[test]
fn it_is_free_when_the_last_guard_goes_whichever_that_is() {
    guarded!();
    let lock = ReentrantMutex::new().unwrap();
    let outer = lock.lock().unwrap();
    let middle = lock.try_lock().unwrap();
    let inner = lock.lock_timeout(std::time::Duration::ZERO).unwrap();
    assert_eq!(inner.depth(), 3);
    drop(outer);
    assert!(is_taken(&lock));
    drop(inner);
    assert_eq!(middle.depth(), 1);
    assert!(is_taken(&lock));
    drop(middle);
    assert!(!is_taken(&lock));
    assert_eq!(lock.lock().unwrap().depth(), 1);
}

/// Adds without a lock of its own, under one that excludes others.
fn count((lock, sum): (ReentrantMutex, Mutex<u64>)) {
    fn nested(lock: &ReentrantMutex, sum: &Mutex<u64>, depth: u32) {
        let guard = lock.lock().unwrap();
        if depth > 0 {
            nested(lock, sum, depth - 1);
        } else {
            let before = *sum.lock().unwrap();
            *sum.lock().unwrap() = before + 1;
        }
        drop(guard);
    }
    for n in 0..5_000 {
        nested(&lock, &sum, n % 4);
    }
}

#[test]
fn processes_exclude_each_other() {
    guarded!();
    let shared = (ReentrantMutex::new().unwrap(), Mutex::new(0).unwrap());
    let children: Vec<_> = (0..3)
        .map(|_| spawn(count, shared.clone()).unwrap())
        .collect();
    count(shared.clone());
    for child in children {
        child.join().unwrap();
    }
    assert_eq!(*shared.1.lock().unwrap(), 20_000);
    assert_eq!(shared.0.repairs(), 0);
}

#[test]
fn a_panic_is_told_to_the_owner_too_until_made_up_for() {
    guarded!();
    let lock = ReentrantMutex::new().unwrap();
    let outer = lock.lock().unwrap();
    let panics = AssertUnwindSafe(|| {
        let _inner = lock.lock().unwrap();
        panic!("on purpose");
    });
    assert!(catch_unwind(panics).is_err());
    assert!(!outer.is_consistent());
    assert_eq!(outer.depth(), 1);
    match lock.lock() {
        Err(LockError::Poisoned(mut inner)) => inner.mark_consistent(),
        other => panic!("{other:?}"),
    };
    assert!(outer.is_consistent());
    drop(outer);
    assert!(lock.lock().is_ok());
}

#[test]
fn a_thread_that_ends_with_guards_has_died() {
    guarded!();
    let lock = ReentrantMutex::new().unwrap();
    let leave = || {
        for _ in 0..3 {
            std::mem::forget(lock.lock().unwrap());
        }
    };
    thread::scope(|scope| scope.spawn(leave).join().unwrap());
    match lock.lock() {
        Err(LockError::OwnerDied(mut guard)) => {
            assert_eq!(guard.depth(), 1, "the dead owner's guards are nobody's");
            guard.mark_consistent();
        }
        other => panic!("{other:?}"),
    }
    assert!(lock.lock().is_ok());
    assert_eq!(lock.repairs(), 1);
}
