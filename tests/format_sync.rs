//! The words of locks, semaphores, events and the like are part of the format: see `docs/format.md`.

#[path = "support/body.rs"]
mod body;
mod support;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Duration;

use body::Body;
use crossproc::{
    Barrier, Condvar, CountingSemaphore, Event, LockError, Mutex, OnceLock, ReentrantMutex, RwLock,
    Semaphore,
};
use support::{Leaks, unique_name, watchdog};

const LIMIT: Duration = Duration::from_secs(60);

/// Who sleeps in `waits` sleeps on the bell at `offset`, until `wakes` has it rung.
fn has_a_bell_at(body: &Body, offset: u64, waits: impl FnOnce() + Send, wakes: impl FnOnce()) {
    thread::scope(|scope| {
        assert_eq!(body.u32(offset) & 1, 0, "nobody sleeps");
        let waiter = scope.spawn(waits);
        while body.u32(offset) & 1 == 0 {
            assert!(!waiter.is_finished(), "it did not have to wait");
            thread::sleep(Duration::from_micros(100));
        }
        wakes();
        // The end of a scope does not wait for a thread to have left the segment, where there is room for one only.
        waiter.join().unwrap();
    });
}

/// A claim of the first life in record number `record`, counted from 1. This process has the first, this thread the second.
const fn held(record: u64, tag: u64) -> u64 {
    1 << 32 | vacant(tag) | record << 2 | 1
}

const fn vacant(tag: u64) -> u64 {
    tag << 16
}

const PROCESS: u64 = 1;
const THREAD: u64 = 2;

const ORPHANED: u64 = 1;
const POISONED: u64 = 2;
const SECOND: u64 = 4;

#[test]
fn mutex() {
    let _leaks = Leaks::start();
    let _watchdog = watchdog(LIMIT);
    let name = unique_name("format");
    let mutex = Mutex::create(&name, [7u8; 5]).unwrap();
    let body = Body::of(&name, 3, 1, 24 + 2 * 8);
    assert_eq!(body.bytes(0), [0; 24]);
    assert_eq!(body.bytes(24), [7, 7, 7, 7, 7, 0, 0, 0]);

    let mut guard = mutex.lock().unwrap();
    guard[0] = 8;
    assert_eq!(body.u64(0), held(THREAD, 0));
    drop(guard);
    assert_eq!(body.u64(0), vacant(SECOND));
    assert_eq!(body.bytes(24), [7; 5], "as it was");
    assert_eq!(body.bytes(32), [8, 7, 7, 7, 7]);

    let panics = AssertUnwindSafe(|| {
        let _guard = mutex.lock();
        panic!("on purpose");
    });
    assert!(catch_unwind(panics).is_err());
    assert_eq!(body.u64(0), vacant(SECOND | POISONED));
    thread::scope(|scope| {
        scope
            .spawn(|| std::mem::forget(mutex.lock()))
            .join()
            .unwrap()
    });
    assert_eq!(
        body.u64(0),
        held(3, SECOND | POISONED),
        "as the dead left it"
    );
    let mut guard = mutex.lock().or_else(LockError::into_guard).unwrap();
    assert_eq!(body.u64(0), held(THREAD, SECOND | POISONED | ORPHANED));
    guard.mark_consistent();
    has_a_bell_at(&body, 8, || drop(mutex.lock().unwrap()), || drop(guard));
    assert_eq!(body.u64(0), vacant(SECOND));
}

#[test]
fn reentrant_mutex() {
    let _leaks = Leaks::start();
    let _watchdog = watchdog(LIMIT);
    let name = unique_name("format");
    let lock = ReentrantMutex::create(&name).unwrap();
    let body = Body::of(&name, 4, 1, 24);
    let guards = [lock.lock().unwrap(), lock.lock().unwrap()];
    assert_eq!((body.u64(0), body.u32(12)), (held(THREAD, 0), 2));
    has_a_bell_at(&body, 8, || drop(lock.lock().unwrap()), || drop(guards));
    assert_eq!(body.u64(0), vacant(0));
}

#[test]
fn rwlock() {
    let _leaks = Leaks::start();
    let _watchdog = watchdog(LIMIT);
    let name = unique_name("format");
    let options = RwLock::options().value(7u64).participants(3);
    let lock = options.create(&name).unwrap();
    let body = Body::of(&name, 5, 1, 128 + 3 * 64);
    *lock.write().unwrap() = 8;
    assert_eq!(body.u64(0), vacant(SECOND));
    assert_eq!((body.u64(24), body.u64(32)), (7, 8));

    let readers = [lock.read().unwrap(), lock.read().unwrap()];
    let announced = 128 + (THREAD - 1) * 64;
    assert_eq!(body.u64(announced), 1 << 32 | 2);
    has_a_bell_at(&body, 16, || drop(lock.write().unwrap()), || drop(readers));
    assert_eq!(body.u64(announced), 1 << 32);

    let writer = lock.write().unwrap();
    assert_eq!(body.u64(0), held(THREAD, SECOND));
    has_a_bell_at(&body, 12, || drop(lock.read().unwrap()), || drop(writer));
    let writer = lock.write().unwrap();
    has_a_bell_at(&body, 8, || drop(lock.write().unwrap()), || drop(writer));
}

#[test]
fn condvar() {
    let _leaks = Leaks::start();
    let _watchdog = watchdog(LIMIT);
    let name = unique_name("format");
    let changed = Condvar::create(&name).unwrap();
    let body = Body::of(&name, 6, 1, 16);
    changed.notify_one().unwrap();
    changed.notify_all().unwrap();
    assert_eq!(body.u64(0), 2, "notifications");
    let lock = Mutex::new(()).unwrap();
    let waits = || drop(changed.wait(lock.lock().unwrap()).unwrap());
    has_a_bell_at(&body, 8, waits, || changed.notify_one().unwrap());
    assert_eq!(body.u64(0), 3);
}

#[test]
fn semaphore() {
    let _leaks = Leaks::start();
    let _watchdog = watchdog(LIMIT);
    let name = unique_name("format");
    let semaphore = Semaphore::create(&name, 3).unwrap();
    let body = Body::of(&name, 7, 3, 64 + 3 * 8);
    let mut permits = [(); 3].map(|()| Some(semaphore.acquire().unwrap()));
    for index in 0..3 {
        assert_eq!(body.u64(64 + index * 8), held(PROCESS, 0));
    }
    let wakes = || drop(permits[0].take());
    has_a_bell_at(&body, 0, || drop(semaphore.acquire().unwrap()), wakes);
    drop(permits);
    assert_eq!(body.bytes(64), [0; 24]);
}

#[test]
fn counting_semaphore() {
    let _leaks = Leaks::start();
    let _watchdog = watchdog(LIMIT);
    let name = unique_name("format");
    let options = CountingSemaphore::options().count(3).maximum(5);
    let semaphore = options.create(&name).unwrap();
    let body = Body::of(&name, 8, 5, 16);
    assert_eq!(body.u64(0), 3);
    (0..3).for_each(|_| semaphore.acquire().unwrap());
    let wakes = || semaphore.release(5).unwrap();
    has_a_bell_at(&body, 8, || semaphore.acquire().unwrap(), wakes);
    assert_eq!(body.u64(0), 4);

    let name = unique_name("format");
    drop(CountingSemaphore::create(&name, 0).unwrap());
    Body::of(&name, 8, (1 << 31) - 1, 16);
}

#[test]
fn event() {
    let _leaks = Leaks::start();
    let _watchdog = watchdog(LIMIT);
    let name = unique_name("format");
    let event = Event::create(&name).unwrap();
    let body = Body::of(&name, 9, 1, 16);
    event.set().unwrap();
    assert_eq!(body.u64(0), 1 << 1 | 1, "set once, and still");
    event.reset().unwrap();
    assert_eq!(body.u64(0), 1 << 1);
    has_a_bell_at(
        &body,
        8,
        || event.wait().unwrap(),
        || assert_eq!(event.set(), Ok(true)),
    );
    assert_eq!(body.u64(0), 2 << 1 | 1);
}

#[test]
fn barrier() {
    let _leaks = Leaks::start();
    let _watchdog = watchdog(LIMIT);
    let name = unique_name("format");
    let barrier = Barrier::create(&name, 2).unwrap();
    let body = Body::of(&name, 10, 2, 64 + 2 * 8);
    let (mut first, mut second) = (barrier.join().unwrap(), barrier.join().unwrap());
    let seats = |body: &Body| [body.u64(64), body.u64(72)];
    assert_eq!(seats(&body), [held(PROCESS, 0); 2]);
    let waits = || assert_eq!(first.wait().unwrap().generation, 0);
    has_a_bell_at(&body, 8, waits, || {
        assert_eq!(second.wait().unwrap().index, 1)
    });
    assert_eq!(body.u64(0), 1 << 32, "released once");
    assert_eq!(
        seats(&body),
        [held(PROCESS, 1); 2],
        "arrived in the generation before this"
    );
    second.leave();
    assert_eq!(
        seats(&body),
        [held(PROCESS, 1), vacant(2) | 2],
        "left: closed"
    );
    for (cause, break_it) in [
        (4, &mut || assert!(first.wait().is_err()) as _),
        (1, &mut || barrier.abort().unwrap()),
    ] as [(u64, &mut dyn FnMut()); 2]
    {
        let generation = body.u64(0) >> 32;
        break_it();
        assert_eq!(body.u64(0), generation << 32 | cause);
        barrier.reset().unwrap();
        assert_eq!(body.u64(0), (generation + 2) << 32);
    }
    assert_eq!(body.u64(72), 0, "reset: vacant");
    assert!(first.wait_timeout(Duration::ZERO).is_err());
    assert_eq!(body.u64(0) & 7, 2, "timed out");

    let name = unique_name("format");
    let options = Barrier::options().parties(1).go_on_without_the_dead();
    let barrier = options.create(&name).unwrap();
    let body = Body::of(&name, 10, 1, 64 + 8);
    assert_eq!(
        (body.u64(0), body.u32(12)),
        (0, 1),
        "goes on without the dead"
    );
    drop(barrier);
}

#[test]
fn once_lock() {
    let _leaks = Leaks::start();
    let _watchdog = watchdog(LIMIT);
    let name = unique_name("format");
    let once = OnceLock::<[u8; 5]>::create(&name).unwrap();
    let body = Body::of(&name, 11, 1, 24 + 2 * 8);
    let wakes = || {
        let value = once.get_or_init(|| {
            assert_eq!(body.u64(0), held(THREAD, 0));
            [7; 5]
        });
        assert_eq!(value.unwrap(), [7; 5]);
    };
    // So that the records are numbered as above.
    assert!(once.wait_timeout(Duration::ZERO).is_err());
    has_a_bell_at(&body, 8, || assert_eq!(once.wait(), Ok([7; 5])), wakes);
    assert_eq!(body.u64(0), 2, "closed");
    assert_eq!(body.bytes(24), [7, 7, 7, 7, 7, 0, 0, 0]);
}

#[test]
fn what_they_transport_is_named() {
    let _leaks = Leaks::start();
    let _watchdog = watchdog(LIMIT);
    let name = unique_name("format");
    let element = |name: &str| {
        let bytes = fs::read(format!("/dev/shm/crossproc.{name}")).unwrap();
        crossproc::unlink(name).unwrap();
        let text = bytes[128..256]
            .split(|byte| *byte == 0)
            .next()
            .unwrap()
            .to_vec();
        (bytes[32], bytes[36], String::from_utf8(text).unwrap())
    };
    drop(Mutex::create(&name, [1u16; 3]).unwrap());
    assert_eq!(element(&name), (6, 2, "[u16; 3]".into()));
    drop(Event::create(&name).unwrap());
    assert_eq!(element(&name), (0, 1, "()".into()));
}
