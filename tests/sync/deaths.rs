//! Who is killed while it holds something or waits for something is in nobody's way.

use std::thread;
use std::time::Instant;

use crossproc::process::spawn;
use crossproc::{
    Condvar, CountingSemaphore, Event, LockError, Mutex, OnceLock, ReentrantMutex, RwLock,
    Semaphore,
};

use super::children::{Holder, LIMIT, asleep, killed_while_another_sleeps, succeeds};
use super::condvar::{all_the_same, put, taker};
use super::forked::Child;

/// The guard of a lock whose owner died.
fn inherited<G>(locked: Result<G, LockError<G>>) -> G {
    match locked {
        Err(LockError::OwnerDied(guard)) => guard,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("not told of the death"),
    }
}

#[test]
fn lock_holder_killed() {
    guarded!();
    let mutex = Mutex::new([1u64; 4]).unwrap();
    let has = || {
        let mut guard = mutex.lock().unwrap();
        guard.fill(666);
        guard
    };
    killed_while_another_sleeps(has, || assert_eq!(*inherited(mutex.lock()), [1; 4]));
    let mut guard = inherited(mutex.lock());
    assert!(!guard.is_consistent(), "until somebody says otherwise");
    guard.mark_consistent();
    drop(guard);
    assert_eq!(*mutex.lock().unwrap(), [1; 4]);
    assert_eq!(mutex.repairs(), 1);
}

#[test]
fn reentrant_lock_holder_killed() {
    guarded!();
    let lock = ReentrantMutex::new().unwrap();
    let has = || [(); 3].map(|()| lock.lock().unwrap());
    killed_while_another_sleeps(has, || {
        let mut guard = inherited(lock.lock());
        assert_eq!(guard.depth(), 1);
        guard.mark_consistent();
    });
    assert!(lock.lock().is_ok());
    assert_eq!(lock.repairs(), 1);
}

#[test]
fn lock_waiters_killed() {
    guarded!();
    let mutex = Mutex::new(0u64).unwrap();
    let guard = mutex.lock().unwrap();
    let mut waiters: Vec<_> = (0..8)
        .map(|_| asleep(|| *mutex.lock().unwrap() += 1))
        .collect();
    waiters.iter_mut().step_by(2).for_each(Child::kill);
    drop(guard);
    waiters.iter_mut().skip(1).step_by(2).for_each(succeeds);
    assert_eq!(*mutex.lock().unwrap(), 4);
    assert_eq!(mutex.repairs(), 0);
}

#[test]
fn reader_killed() {
    guarded!();
    let lock = RwLock::new(1u64).unwrap();
    let has = || [lock.read().unwrap(), lock.read().unwrap()];
    killed_while_another_sleeps(has, || *lock.write().unwrap() = 2);
    assert_eq!((*lock.read().unwrap(), lock.repairs()), (2, 0));
}

#[test]
fn writer_killed_while_a_writer_waits() {
    guarded!();
    let lock = RwLock::new(1u64).unwrap();
    let has = || {
        let mut guard = lock.write().unwrap();
        *guard = 666;
        guard
    };
    killed_while_another_sleeps(has, || assert_eq!(*inherited(lock.write()), 1));
    assert_eq!(*inherited(lock.read()), 1);
    inherited(lock.write()).mark_consistent();
    assert_eq!((*lock.read().unwrap(), lock.repairs()), (1, 1));
}

#[test]
fn writer_killed_while_readers_wait() {
    guarded!();
    let lock = RwLock::new(1u64).unwrap();
    let reader = || asleep(|| assert_eq!(*inherited(lock.read()), 1));
    let mut writer = Holder::of(|| lock.write().unwrap());
    let mut readers = [reader(), reader(), reader()];
    let start = Instant::now();
    writer.kill();
    readers.iter_mut().for_each(succeeds);
    println!(
        "three served, and ended: {:?} after the kill",
        start.elapsed()
    );
    assert_eq!(lock.repairs(), 1);
}

#[test]
fn waiting_writer_killed() {
    guarded!();
    let lock = RwLock::new(1u64).unwrap();
    let guard = lock.read().unwrap();
    let mut writer = asleep(|| drop(lock.write()));
    let mut reader = asleep(|| assert_eq!(*all_the_same(lock.read()), 1));
    let start = Instant::now();
    writer.kill();
    succeeds(&mut reader);
    println!("served, and ended: {:?} after the kill", start.elapsed());
    drop(guard);
}

#[test]
fn semaphore_holder_killed() {
    guarded!();
    let semaphore = Semaphore::new(3).unwrap();
    let mine = semaphore.acquire().unwrap();
    let has = || [semaphore.acquire().unwrap(), semaphore.acquire().unwrap()];
    killed_while_another_sleeps(has, || {
        let both = [semaphore.acquire().unwrap(), semaphore.acquire().unwrap()];
        assert!(semaphore.try_acquire().is_err(), "mine is still mine");
        drop(both);
    });
    assert_eq!((semaphore.available(), semaphore.repairs()), (2, 2));
    drop(mine);
    assert_eq!(semaphore.available(), 3);
}

#[test]
fn semaphore_waiters_killed() {
    guarded!();
    let semaphore = Semaphore::new(1).unwrap();
    let permit = semaphore.acquire().unwrap();
    let mut waiters: Vec<_> = (0..8)
        .map(|_| asleep(|| drop(semaphore.acquire().unwrap())))
        .collect();
    waiters.iter_mut().step_by(2).for_each(Child::kill);
    drop(permit);
    waiters.iter_mut().skip(1).step_by(2).for_each(succeeds);
    assert_eq!(semaphore.available(), 1);
}

#[test]
fn counting_waiters_killed() {
    guarded!();
    let semaphore = CountingSemaphore::new(0).unwrap();
    let mut waiters: Vec<_> = (0..8)
        .map(|_| asleep(|| semaphore.acquire().unwrap()))
        .collect();
    waiters.iter_mut().step_by(2).for_each(Child::kill);
    let start = Instant::now();
    semaphore.release(4).unwrap();
    waiters.iter_mut().skip(1).step_by(2).for_each(succeeds);
    println!(
        "four served, and ended: {:?} after the release",
        start.elapsed()
    );
    assert_eq!(semaphore.count(), 0);
}

#[test]
fn event_waiters_killed() {
    guarded!();
    let event = Event::new().unwrap();
    let mut waiters: Vec<_> = (0..8).map(|_| asleep(|| event.wait().unwrap())).collect();
    waiters.iter_mut().step_by(2).for_each(Child::kill);
    let start = Instant::now();
    event.set().unwrap();
    println!("set after {:?}", start.elapsed());
    waiters.iter_mut().skip(1).step_by(2).for_each(succeeds);
    println!("four served, and ended: {:?} after that", start.elapsed());
}

#[test]
fn condition_waiters_killed() {
    guarded!();
    const KILLED: usize = 50;
    for all in [false, true] {
        let (count, changed) = (Mutex::new(0).unwrap(), Condvar::new().unwrap());
        let mut first = taker(&count, &changed);
        for _ in 0..KILLED {
            taker(&count, &changed).kill();
        }
        let mut last = taker(&count, &changed);
        let start = Instant::now();
        put(&count, 2);
        if all {
            changed.notify_all().unwrap();
        } else {
            changed.notify_one().unwrap();
            changed.notify_one().unwrap();
        }
        succeeds(&mut first);
        succeeds(&mut last);
        println!("{KILLED} killed, two served: {:?}", start.elapsed());
        assert_eq!(*all_the_same(count.lock()), 0);
    }
}

#[test]
fn notifier_killed_before_notifying() {
    guarded!();
    let (count, changed) = (Mutex::new(0).unwrap(), Condvar::new().unwrap());
    let mut waiters = [taker(&count, &changed), taker(&count, &changed)];
    let put_it = Event::new().unwrap();
    // Takes part in the condition's segment from its beginning, unlike a forked child.
    let entry = |(count, _changed, put_it): (Mutex<u64>, Condvar, Event)| {
        put(&count, 2);
        put_it.set().unwrap();
        thread::sleep(2 * LIMIT);
    };
    let notifier = spawn(entry, (count.clone(), changed.clone(), put_it.clone())).unwrap();
    put_it.wait().unwrap();
    let start = Instant::now();
    notifier.kill().unwrap();
    waiters.iter_mut().for_each(succeeds);
    println!(
        "two served, and ended: {:?} after the kill",
        start.elapsed()
    );
}

#[test]
fn notifier_killed_with_the_lock() {
    guarded!();
    let (count, changed) = (Mutex::new(0).unwrap(), Condvar::new().unwrap());
    let mut waiter = taker(&count, &changed);
    let has = || {
        let mut guard = count.lock().unwrap();
        *guard = 666;
        changed.notify_all().unwrap();
        guard
    };
    let mut notifier = Holder::of(has);
    notifier.kill();
    put(&count, 1);
    changed.notify_one().unwrap();
    succeeds(&mut waiter);
    assert_eq!(
        *all_the_same(count.lock()),
        0,
        "what was not committed never was"
    );
}

#[test]
fn once_initialiser_killed() {
    guarded!();
    let once = OnceLock::<u64>::new().unwrap();
    // It has the right to make the value, and sleeps.
    let never = Event::new().unwrap();
    let mut maker = asleep(|| {
        let _ = once.get_or_init(|| {
            never.wait().unwrap();
            666
        });
    });
    let next = asleep(|| assert_eq!(once.get_or_init(|| 7).unwrap(), 7));
    let waiter = asleep(|| assert_eq!(once.wait(), Ok(7)));
    let start = Instant::now();
    maker.kill();
    [next, waiter].iter_mut().for_each(succeeds);
    println!(
        "two served, and ended: {:?} after the kill",
        start.elapsed()
    );
    assert_eq!(once.repairs(), 1);
}
