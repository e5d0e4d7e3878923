//! What the two semaphores do: the one whose permits come back, and the one that counts.

use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use crossproc::process::spawn;
use crossproc::{
    CountingSemaphore, Mutex, ReleaseError, Semaphore, TryAcquireError, WaitTimeoutError,
};

use super::children::{asleep, succeeds};

/// With each of `permits` held by somebody inside, one more never is.
fn come_and_go((semaphore, inside): (Semaphore, Mutex<u64>)) {
    for _ in 0..3_000 {
        let permit = semaphore.acquire().unwrap();
        let now = {
            let mut inside = inside.lock().unwrap();
            *inside += 1;
            *inside
        };
        assert!(now <= semaphore.permits() as u64, "{now} inside");
        *inside.lock().unwrap() -= 1;
        drop(permit);
    }
}

#[test]
fn no_more_are_inside_than_there_are_permits() {
    guarded!();
    let shared = (Semaphore::new(2).unwrap(), Mutex::new(0).unwrap());
    let children: Vec<_> = (0..2)
        .map(|_| spawn(come_and_go, shared.clone()).unwrap())
        .collect();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| come_and_go(shared.clone()));
        }
    });
    for child in children {
        child.join().unwrap();
    }
    let (semaphore, inside) = shared;
    assert_eq!((semaphore.available(), *inside.lock().unwrap()), (2, 0));
    assert_eq!(semaphore.repairs(), 0, "nobody died");
}

#[test]
fn a_permit_moves_to_another_thread_and_comes_back_from_there() {
    guarded!();
    let semaphore = Semaphore::new(1).unwrap();
    thread::scope(|scope| {
        let (give, take) = channel();
        scope.spawn(|| drop(take.into_iter().collect::<Vec<_>>()));
        // Its thread has ended when it is given back.
        let semaphore = &semaphore;
        let giver = scope.spawn(move || give.send(semaphore.acquire().unwrap()).unwrap());
        giver.join().unwrap();
        drop(semaphore.acquire().unwrap());
    });
    assert_eq!((semaphore.available(), semaphore.repairs()), (1, 0));
}

#[test]
fn permits_are_counted() {
    guarded!();
    let semaphore = Semaphore::new(3).unwrap();
    let first = semaphore.acquire().unwrap();
    let second = semaphore.try_acquire().unwrap();
    let third = semaphore.acquire_timeout(Duration::ZERO).unwrap();
    assert_eq!((semaphore.available(), semaphore.permits()), (0, 3));
    assert!(matches!(
        semaphore.try_acquire(),
        Err(TryAcquireError::WouldBlock)
    ));
    let deadline = Instant::now() + Duration::from_millis(30);
    assert!(matches!(
        semaphore.acquire_deadline(deadline),
        Err(WaitTimeoutError::Timeout)
    ));
    assert!(Instant::now() >= deadline);
    let mut waiters: Vec<_> = (0..2)
        .map(|_| asleep(|| drop(semaphore.acquire().unwrap())))
        .collect();
    drop(second);
    waiters.iter_mut().for_each(succeeds);
    drop((first, third));
    assert_eq!(semaphore.available(), 3);
}

#[test]
fn a_count_goes_down_and_up() {
    guarded!();
    let semaphore = CountingSemaphore::new(1).unwrap();
    semaphore.acquire().unwrap();
    assert_eq!(semaphore.try_acquire(), Err(TryAcquireError::WouldBlock));
    let start = Instant::now();
    let patience = Duration::from_millis(30);
    assert_eq!(
        semaphore.acquire_timeout(patience),
        Err(WaitTimeoutError::Timeout)
    );
    assert!(start.elapsed() >= patience);
    semaphore.release(3).unwrap();
    semaphore.release(0).unwrap();
    semaphore.acquire_deadline(Instant::now()).unwrap();
    semaphore.try_acquire().unwrap();
    assert_eq!(
        (semaphore.count(), semaphore.maximum(), semaphore.repairs()),
        (1, i32::MAX as u32, 0)
    );
}

#[test]
fn a_maximum_is_kept() {
    guarded!();
    let semaphore = CountingSemaphore::bounded(1, 3).unwrap();
    assert_eq!(semaphore.release(3), Err(ReleaseError::OverRelease));
    assert_eq!(semaphore.release(u32::MAX), Err(ReleaseError::OverRelease));
    assert_eq!(semaphore.count(), 1, "all or nothing");
    semaphore.release(2).unwrap();
    assert_eq!((semaphore.count(), semaphore.maximum()), (3, 3));
}

#[test]
fn a_release_of_several_wakes_several() {
    guarded!();
    let semaphore = CountingSemaphore::new(0).unwrap();
    let mut waiters: Vec<_> = (0..4)
        .map(|_| asleep(|| semaphore.acquire().unwrap()))
        .collect();
    semaphore.release(1).unwrap();
    semaphore.release(3).unwrap();
    waiters.iter_mut().for_each(succeeds);
    assert_eq!(semaphore.count(), 0);
}

#[test]
fn what_one_process_makes_another_uses_up() {
    guarded!();
    const ROUNDS: u32 = 10_000;
    type Ends = (CountingSemaphore, CountingSemaphore);
    let room = CountingSemaphore::bounded(4, 4).unwrap();
    let made = CountingSemaphore::bounded(0, 4).unwrap();
    let ends: Ends = (room, made);
    let use_up = |(room, made): Ends| {
        for _ in 0..ROUNDS {
            made.acquire().unwrap();
            room.release(1).unwrap();
        }
    };
    let child = spawn(use_up, ends.clone()).unwrap();
    let (room, made) = ends;
    for _ in 0..ROUNDS {
        room.acquire().unwrap();
        made.release(1).unwrap();
    }
    child.join().unwrap();
    assert_eq!((room.count(), made.count()), (4, 0));
}
