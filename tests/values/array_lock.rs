//! The lock of an array.

use std::thread;
use std::time::{Duration, Instant};

use crossproc::{Array, LockError, LockTimeoutError, TryLockError};

use super::children::{Holder, asleep, killed_while_another_sleeps, succeeds};
use super::forked::fork;

#[test]
fn it_keeps_out_others_who_lock() {
    guarded!();
    let array = Array::<u64>::new(4).unwrap();
    let limit = Duration::from_millis(20);
    let locked = array.lock().unwrap();
    locked.set(0, 1).unwrap();
    succeeds(&mut fork(|| {
        assert!(matches!(array.try_lock(), Err(TryLockError::WouldBlock)));
        let timed_out = array.lock_timeout(limit);
        assert!(matches!(timed_out, Err(LockTimeoutError::Timeout)));
        let timed_out = array.lock_deadline(Instant::now() + limit);
        assert!(matches!(timed_out, Err(LockTimeoutError::Timeout)));
        // Not those who do not.
        assert_eq!(array.fetch_add(0, 1), Ok(1));
        array.write(1, &[5, 6]).unwrap();
    }));
    assert!(matches!(array.lock(), Err(LockError::Deadlock)));
    let mut other = asleep(|| {
        let locked = array.lock().unwrap();
        assert_eq!(locked.read(0..4), Ok(vec![2, 5, 6, 7]));
    });
    locked.set(3, 7).unwrap();
    drop(locked);
    succeeds(&mut other);
    assert_eq!(array.repairs(), 0);
}

#[test]
fn no_change_under_it_is_lost() {
    guarded!();
    const TIMES: u64 = 2000;
    let array = Array::<[u64; 5]>::new(2).unwrap();
    let change = || {
        for _ in 0..TIMES {
            let locked = array.lock().unwrap();
            let [a, b] = [0, 1].map(|index| locked.get(index).unwrap());
            assert_eq!(a, b.map(|n| 0u64.wrapping_sub(n)));
            locked.set(0, a.map(|n| n.wrapping_add(1))).unwrap();
            locked.set(1, b.map(|n| n.wrapping_sub(1))).unwrap();
        }
    };
    let mut child = fork(change);
    thread::scope(|scope| {
        scope.spawn(change);
        change();
    });
    succeeds(&mut child);
    assert_eq!(array.get(0), Ok([3 * TIMES; 5]));
}

#[test]
fn the_next_is_told_of_a_death() {
    guarded!();
    let array = Array::<u8>::new(1000).unwrap();
    let has = || {
        let locked = array.lock().unwrap();
        locked.write(0, &[1; 500]).unwrap();
        locked
    };
    killed_while_another_sleeps(has, || {
        let Err(LockError::OwnerDied(locked)) = array.lock() else {
            panic!("it is not told");
        };
        assert!(!locked.is_consistent());
        assert_eq!(locked.read(499..501), Ok(vec![1, 0]), "as far as it came");
    });
    let Err(LockError::OwnerDied(mut locked)) = array.lock() else {
        panic!("nobody has declared it consistent");
    };
    locked.mark_consistent();
    drop(locked);
    assert!(array.lock().unwrap().is_consistent());
    assert_eq!(array.repairs(), 1);
}

#[test]
fn the_next_is_told_of_a_panic() {
    guarded!();
    let array = Array::<u8>::new(1).unwrap();
    let panicked = thread::scope(|scope| {
        let panics = || {
            let _locked = array.lock().unwrap();
            panic!("on purpose");
        };
        scope.spawn(panics).join()
    });
    assert!(panicked.is_err());
    let Err(LockError::Poisoned(mut locked)) = array.lock() else {
        panic!("it is not told");
    };
    locked.mark_consistent();
    drop(locked);
    assert!(array.lock().is_ok());
}

#[test]
fn a_stopped_owner_keeps_it() {
    guarded!();
    let array = Array::<u8>::new(1).unwrap();
    let holder = Holder::of(|| array.lock().unwrap());
    holder.stop();
    let timed_out = array.lock_timeout(Duration::from_millis(50));
    assert!(matches!(timed_out, Err(LockTimeoutError::Timeout)));
    holder.go_on();
    holder.let_go();
    assert!(array.lock().unwrap().is_consistent());
}

#[test]
fn a_copy_of_a_guard_lets_go_of_nothing() {
    guarded!();
    let array = Array::<u8>::new(1).unwrap();
    let mut held = Some(array.lock().unwrap());
    succeeds(&mut fork(|| {
        drop(held.take());
        assert!(matches!(array.try_lock(), Err(TryLockError::WouldBlock)));
    }));
    assert!(matches!(array.try_lock(), Err(TryLockError::Deadlock)));
    drop(held);
    succeeds(&mut fork(|| assert!(array.try_lock().is_ok())));
}
