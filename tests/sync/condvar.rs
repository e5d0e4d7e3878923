//! What a condition variable does.

use std::thread;
use std::time::{Duration, Instant};

use crossproc::process::spawn;
use crossproc::sync::{Guard, MutexGuard};
use crossproc::{Condvar, LockError, Mutex, ReentrantMutex, TryLockError};

use super::children::{asleep, sleeps, succeeds, until};
use super::forked::Child;

/// The guard, whatever the lock has to tell.
pub(crate) fn all_the_same<G>(locked: Result<G, LockError<G>>) -> G {
    locked.or_else(LockError::into_guard).unwrap()
}

/// Takes 1 when there is one.
pub(crate) fn take_one(count: &Mutex<u64>, changed: &Condvar) {
    let mut guard = all_the_same(count.lock());
    while *guard == 0 {
        guard = all_the_same(changed.wait(guard));
    }
    *guard -= 1;
}

pub(crate) fn taker(count: &Mutex<u64>, changed: &Condvar) -> Child {
    asleep(|| take_one(count, changed))
}

pub(crate) fn put(count: &Mutex<u64>, more: u64) {
    *all_the_same(count.lock()) += more;
}

#[test]
fn a_bounded_buffer_between_processes() {
    guarded!();
    const ROUNDS: u64 = 3_000;
    /// How many there are, how many have been taken; at most 3 at a time.
    type Buffer = (Mutex<[u64; 2]>, Condvar);
    fn take((buffer, changed): Buffer) {
        for _ in 0..ROUNDS {
            let empty = |[there, _]: &mut [u64; 2]| *there == 0;
            let mut guard = changed.wait_while(buffer.lock().unwrap(), empty).unwrap();
            *guard = [guard[0] - 1, guard[1] + 1];
            drop(guard);
            changed.notify_all().unwrap();
        }
    }
    let shared: Buffer = (Mutex::new([0; 2]).unwrap(), Condvar::new().unwrap());
    let children: Vec<_> = (0..2)
        .map(|_| spawn(take, shared.clone()).unwrap())
        .collect();
    let (buffer, changed) = &shared;
    for _ in 0..2 * ROUNDS {
        let full = |[there, _]: &mut [u64; 2]| *there == 3;
        changed.wait_while(buffer.lock().unwrap(), full).unwrap()[0] += 1;
        changed.notify_all().unwrap();
    }
    for child in children {
        child.join().unwrap();
    }
    assert_eq!(*buffer.lock().unwrap(), [0, 2 * ROUNDS]);
    assert_eq!(changed.repairs(), 0);
}

#[test]
fn one_notification_serves_one() {
    guarded!();
    let (count, changed) = (Mutex::new(0).unwrap(), Condvar::new().unwrap());
    let mut waiters: Vec<_> = (0..3).map(|_| taker(&count, &changed)).collect();
    for left in (0..3).rev() {
        put(&count, 1);
        changed.notify_one().unwrap();
        until(|| {
            waiters.retain_mut(|waiter| waiter.try_wait().is_none());
            waiters.len() == left
        });
        assert_eq!(*count.lock().unwrap(), 0);
    }
}

#[test]
fn as_many_are_served_as_were_notified() {
    guarded!();
    let (count, changed) = (Mutex::new(0).unwrap(), Condvar::new().unwrap());
    let mut waiters: Vec<_> = (0..4).map(|_| taker(&count, &changed)).collect();
    changed.notify_n(0).unwrap();
    waiters.iter_mut().for_each(sleeps);
    for notify in [&|| changed.notify_n(2) as _, &|| changed.notify_all() as _]
        as [&dyn Fn() -> Result<(), crossproc::Fault>; 2]
    {
        put(&count, 2);
        notify().unwrap();
        until(|| {
            waiters.retain_mut(|waiter| waiter.try_wait().is_none());
            *count.lock().unwrap() == 0
        });
    }
    waiters.iter_mut().for_each(succeeds);
    changed.notify_n(usize::MAX).unwrap(); // To nobody.
}

#[test]
fn waits_end_in_time_with_the_lock() {
    guarded!();
    let (lock, changed) = (Mutex::new(7u64).unwrap(), Condvar::new().unwrap());
    let patience = Duration::from_millis(50);
    let held = || matches!(lock.try_lock(), Err(TryLockError::Deadlock));

    let start = Instant::now();
    let (guard, result) = changed
        .wait_timeout(lock.lock().unwrap(), patience)
        .unwrap();
    assert!(result.timed_out() && start.elapsed() >= patience && held());
    let (guard, result) = changed.wait_deadline(guard, Instant::now()).unwrap();
    assert!(result.timed_out() && held());

    let start = Instant::now();
    let (guard, result) = changed
        .wait_timeout_while(guard, patience, |n| *n == 7)
        .unwrap();
    assert!(result.timed_out() && start.elapsed() >= patience && held());
    let past = Instant::now();
    let (guard, result) = changed
        .wait_deadline_while(guard, past, |n| *n != 7)
        .unwrap();
    assert!(!result.timed_out() && held());
    drop(guard);
    assert!(lock.try_lock().is_ok());
}

#[test]
fn the_condition_may_change_the_value() {
    guarded!();
    let (lock, changed) = (Mutex::new(0u64).unwrap(), Condvar::new().unwrap());
    let third_time = |n: &mut u64| {
        *n += 1;
        *n < 3
    };
    thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            *changed
                .wait_while(lock.lock().unwrap(), third_time)
                .unwrap()
        });
        while !waiter.is_finished() {
            changed.notify_one().unwrap();
        }
        assert_eq!(waiter.join().unwrap(), 3);
    });
    assert_eq!(*lock.lock().unwrap(), 3);
}

/// While `guard`'s owner waits, others can lock; afterwards they cannot.
fn lets_go_while_it_waits<G: Guard>(guard: G, is_free: impl Fn() -> bool + Sync) -> G {
    let changed = Condvar::new().unwrap();
    let elsewhere = || thread::scope(|scope| scope.spawn(&is_free).join().unwrap());
    assert!(!elsewhere());
    let guard = thread::scope(|scope| {
        scope.spawn(|| {
            until(&is_free);
            changed.notify_one().unwrap();
        });
        changed.wait(guard).map_err(drop).unwrap()
    });
    assert!(!elsewhere());
    guard
}

#[test]
fn both_kinds_of_locks_are_let_go_of_while_waiting() {
    guarded!();
    let mutex = Mutex::new(()).unwrap();
    drop(lets_go_while_it_waits(mutex.lock().unwrap(), || {
        mutex.try_lock().is_ok()
    }));
    let reentrant = ReentrantMutex::new().unwrap();
    let outer = reentrant.lock().unwrap();
    let inner = lets_go_while_it_waits(reentrant.lock().unwrap(), || reentrant.try_lock().is_ok());
    assert_eq!(inner.depth(), 2);
    drop((inner, outer));
    assert!(reentrant.try_lock().is_ok());
}

#[test]
fn who_waits_is_told_of_an_owner_that_died_meanwhile() {
    guarded!();
    let (lock, changed) = (Mutex::new(0u64).unwrap(), Condvar::new().unwrap());
    let told = |result: Result<MutexGuard<'_, u64>, LockError<_>>| {
        assert!(matches!(result, Err(LockError::OwnerDied(_))));
    };
    let mut waiter = asleep(|| told(changed.wait_while(lock.lock().unwrap(), |n| *n == 0)));
    thread::scope(|scope| {
        let owner = scope.spawn(|| {
            std::mem::forget(lock.lock().unwrap());
            changed.notify_one().unwrap();
        });
        owner.join().unwrap();
    });
    succeeds(&mut waiter);
}
