//! What a reader-writer lock does.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use crossproc::process::spawn;
use crossproc::{LockError, LockTimeoutError, RwLock, TryLockError};

use super::children::{Holder, asleep, sleeps, succeeds};

/// Writes one time in eight; a reader sees three equal numbers or the lock is none.
fn read_and_write(lock: &RwLock<[u64; 3]>, times: u64) {
    for n in 0..times {
        if n % 8 == 0 {
            lock.write().unwrap().iter_mut().for_each(|n| *n += 1);
        } else {
            let [a, b, c] = *lock.read().unwrap();
            assert!(a == b && b == c, "{a} {b} {c}");
        }
    }
}

#[test]
fn writers_exclude_everybody_in_one_process_and_between_processes() {
    guarded!();
    let lock = RwLock::new([0; 3]).unwrap();
    let children: Vec<_> = (0..2)
        .map(|_| {
            let entry = |lock: RwLock<[u64; 3]>| read_and_write(&lock, 16_000);
            spawn(entry, lock.clone()).unwrap()
        })
        .collect();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| read_and_write(&lock, 16_000));
        }
    });
    for child in children {
        child.join().unwrap();
    }
    assert_eq!(*lock.read().unwrap(), [8_000; 3]);
    assert_eq!(lock.repairs(), 0);
}

#[test]
fn readers_read_at_the_same_time() {
    guarded!();
    let lock = RwLock::new(7u64).unwrap();
    let all_read = Barrier::new(4);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let guard = lock.read().unwrap();
                all_read.wait();
                assert_eq!(*guard, 7);
                assert!(matches!(lock.try_write(), Err(TryLockError::Deadlock)));
                all_read.wait();
            });
        }
    });
    *lock.try_write().unwrap() += 1;
    let guard = lock.read().unwrap();
    assert_eq!(format!("{guard:?}"), "RwLockReadGuard(8)");
}

#[test]
fn a_waiting_writer_keeps_new_readers_out_but_not_those_who_read() {
    guarded!();
    let lock = RwLock::new(1u64).unwrap();
    let outer = lock.read().unwrap();
    let mut writer = asleep(|| *lock.write().unwrap() = 2);
    let newcomer = || matches!(lock.try_read(), Err(TryLockError::WouldBlock));
    thread::scope(|scope| assert!(scope.spawn(newcomer).join().unwrap()));
    let inner = lock.read().unwrap();
    assert_eq!((*outer, *inner), (1, 1));
    drop(outer);
    sleeps(&mut writer); // One guard of the reader is left.
    drop(inner);
    succeeds(&mut writer);
    assert_eq!(*lock.read().unwrap(), 2);
}

#[test]
fn a_writer_that_gives_up_lets_the_readers_in_who_waited_behind_it() {
    guarded!();
    let lock = RwLock::new(1u64).unwrap();
    let guard = lock.read().unwrap();
    let patience = Duration::from_millis(300);
    let mut writer = asleep(|| {
        assert!(matches!(
            lock.write_timeout(patience),
            Err(LockTimeoutError::Timeout)
        ));
    });
    let mut reader = asleep(|| assert_eq!(*lock.read().unwrap(), 1));
    succeeds(&mut writer);
    succeeds(&mut reader);
    drop(guard);
    assert!(lock.try_write().is_ok());
}

#[test]
fn everybody_who_waits_for_a_writer_is_served() {
    guarded!();
    let lock = RwLock::new(1u64).unwrap();
    let writer = Holder::with(|| lock.write().unwrap(), |mut guard| *guard = 2);
    let mut children: Vec<_> = (0..3)
        .map(|_| asleep(|| assert!(*lock.read().unwrap() >= 2)))
        .collect();
    children.push(asleep(|| *lock.write().unwrap() += 1));
    writer.let_go();
    children.iter_mut().for_each(succeeds);
    assert_eq!(*lock.read().unwrap(), 3);
}

#[test]
fn a_panic_of_a_writer_is_told_to_readers_and_writers_that_of_a_reader_to_nobody() {
    guarded!();
    let lock = RwLock::new(1u64).unwrap();
    let panics = AssertUnwindSafe(|| {
        let _guard = lock.read().unwrap();
        panic!("on purpose");
    });
    assert!(catch_unwind(panics).is_err());
    assert!(lock.write().is_ok());
    let panics = AssertUnwindSafe(|| {
        *lock.write().unwrap() = 666;
        let _guard = lock.write().unwrap();
        panic!("on purpose");
    });
    assert!(catch_unwind(panics).is_err());
    match lock.read() {
        Err(LockError::Poisoned(guard)) => assert_eq!(*guard, 666, "that was committed before"),
        other => panic!("{other:?}"),
    }
    match lock.write_timeout(Duration::ZERO) {
        Err(LockTimeoutError::Poisoned(mut guard)) => {
            assert!(!guard.is_consistent());
            guard.mark_consistent();
            *guard = 3;
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(*lock.read().unwrap(), 3);
}

#[test]
fn readers_of_one_thread_are_counted() {
    guarded!();
    let lock = RwLock::new(1u64).unwrap();
    let mut guards: Vec<_> = (0..100).map(|_| lock.read().unwrap()).collect();
    let mut writer = asleep(|| drop(lock.write().unwrap()));
    while let Some(guard) = guards.pop() {
        sleeps(&mut writer);
        drop(guard);
    }
    succeeds(&mut writer);
}
