//! The names under which locks and the like are found.

use std::fmt::Debug;

use crossproc::{
    Barrier, Condvar, CountingSemaphore, Error, Event, Mutex, OnceLock, Options, Primitive, Queue,
    ReentrantMutex, Result, RwLock, Semaphore,
};

use super::support::unique_name;

/// What every kind can do with names. `same` tells by what happens whether two handles are on one and the same.
fn can_be_named<H: Primitive + Debug + Clone>(
    kind: &str,
    create: impl Fn(&str) -> Result<H>,
    open_or_create: impl Fn(&str) -> Result<H>,
    open: fn(&str) -> Result<H>,
    unlink: fn(&H) -> Result<()>,
    same: impl Fn(&H, &H) -> bool,
) {
    let name = unique_name("names");
    assert!(matches!(open(&name), Err(Error::NotFound { .. })));
    let first = create(&name).unwrap();
    assert!(format!("{first:?}").contains(&name), "{first:?}");
    assert!(matches!(create(&name), Err(Error::AlreadyExists { .. })));
    assert!(same(&first, &open(&name).unwrap()), "{kind}: open");
    assert!(
        same(&first, &open_or_create(&name).unwrap()),
        "{kind}: open_or_create"
    );
    assert!(same(&first, &first.clone()), "{kind}: clone");
    is_not(&name, kind, "queue", Queue::<u64>::open(&name).unwrap_err());
    unlink(&first).unwrap();
    assert!(matches!(unlink(&first), Err(Error::NotOurs { .. })));
    let second = open_or_create(&name).unwrap();
    assert!(!same(&first, &second), "{kind}: created anew");
    unlink(&second).unwrap();
}

#[track_caller]
fn is_not(name: &str, found: &str, expected: &str, error: Error) {
    let message = format!("segment `{name}` does not fit: kind is {found}, expected {expected}");
    assert_eq!(error.to_string(), message);
}

/// One call for each kind: its name, how it is created and opened, and what shows that two handles are on the same.
macro_rules! each_can_be_named {
    ($($kind:literal: $H:ty, ($($argument:expr),*), $same:expr;)+) => { $(
        can_be_named::<$H>(
            $kind,
            |name| <$H>::create(name, $($argument),*),
            |name| <$H>::open_or_create(name, $($argument),*),
            <$H>::open,
            <$H>::unlink,
            $same,
        );
    )+ };
}

#[test]
fn every_kind_is_created_found_and_removed() {
    guarded!();
    each_can_be_named! {
        "mutex": Mutex<u64>, (7), |a, b| {
            *a.lock().unwrap() += 1;
            let found = *b.lock().unwrap();
            *a.lock().unwrap() == found
        };
        "reentrant mutex": ReentrantMutex, (), |a, b| {
            let _guard = a.lock().unwrap();
            is_elsewhere(|| b.try_lock().is_err())
        };
        "reader-writer lock": RwLock<i8>, (-7), |a, b| {
            *a.write().unwrap() += 1;
            *b.read().unwrap() == *a.read().unwrap()
        };
        "semaphore": Semaphore, (3), |a, b| {
            let _permit = a.acquire().unwrap();
            b.available() == 2
        };
        "counting semaphore": CountingSemaphore, (3), |a, b| {
            a.release(1).unwrap();
            a.count() == b.count()
        };
        "event": Event, (), |a, b| {
            a.set().unwrap();
            b.reset().unwrap()
        };
        "barrier": Barrier, (2), |a, b| {
            let _party = a.join().unwrap();
            b.join().unwrap().index() == 1
        };
        "once lock": OnceLock<u16>, (), |a, b| {
            let _ = a.set(7).unwrap();
            b.get().unwrap() == Some(7)
        };
    }
}

fn is_elsewhere(is_so: impl FnOnce() -> bool + Send) -> bool {
    std::thread::scope(|scope| scope.spawn(is_so).join().unwrap())
}

#[test]
fn what_exists_is_not_created_again() {
    guarded!();
    let name = unique_name("names");
    let mutex = Mutex::open_or_create(&name, 1u64).unwrap();
    let again = Mutex::open_or_create(&name, 2u64).unwrap();
    assert_eq!(*again.lock().unwrap(), 1, "an existing one keeps its value");
    mutex.unlink().unwrap();

    let changed = Condvar::open_or_create(&name).unwrap();
    let opened = Condvar::open(&name).unwrap();
    assert_eq!(opened.name(), Some(&*name));
    changed.unlink().unwrap();
}

#[track_caller]
fn differs<H: Primitive + Debug>(opened: Result<H>, in_field: &str, says: &[&str]) {
    let error = opened.unwrap_err();
    assert!(
        matches!(&error, Error::Mismatch { field, .. } if *field == in_field),
        "{error}"
    );
    for part in says {
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn what_differs_is_named() {
    guarded!();
    let names = [(); 4].map(|()| unique_name("names"));
    let [mutex, semaphore, counting, barrier] = names.each_ref().map(|name| &**name);
    let _mutex = Mutex::create(mutex, 1u32).unwrap();
    let says = ["`u32` (4 bytes, aligned to 4), expected `u64` (8 bytes, aligned to 8)"];
    differs(Mutex::<u64>::open(mutex), "element", &says);
    differs(
        Mutex::<i32>::open(mutex),
        "element",
        &["`u32`", "expected `i32`"],
    );
    differs(
        Mutex::<()>::open(mutex),
        "element",
        &["`u32`", "expected `()`"],
    );
    differs(
        RwLock::<u32>::open(mutex),
        "kind",
        &["mutex, expected reader-writer lock"],
    );
    differs(
        ReentrantMutex::open(mutex),
        "kind",
        &["mutex, expected reentrant mutex"],
    );
    differs(
        OnceLock::<u32>::open_or_create(mutex),
        "kind",
        &["expected once lock"],
    );
    differs(
        Queue::<u32>::open(mutex),
        "kind",
        &["mutex, expected queue"],
    );
    let more: Options<Mutex<u32>> = Mutex::options().participants(300);
    differs(more.open(mutex), "participants", &["126, expected 300"]);

    let _semaphore = Semaphore::create(semaphore, 3).unwrap();
    differs(
        Semaphore::open_or_create(semaphore, 4),
        "capacity",
        &["3, expected 4"],
    );
    differs(
        CountingSemaphore::open(semaphore),
        "kind",
        &["expected counting semaphore"],
    );

    let bounded = || CountingSemaphore::options().count(1).maximum(5);
    let _counting = bounded().create(counting).unwrap();
    differs(
        bounded().maximum(6).open(counting),
        "capacity",
        &["5, expected 6"],
    );
    assert_eq!(
        CountingSemaphore::open_or_create(counting, 2)
            .unwrap()
            .count(),
        1
    );

    let _barrier = Barrier::create(barrier, 2).unwrap();
    differs(
        Barrier::open_or_create(barrier, 3),
        "capacity",
        &["2, expected 3"],
    );
    differs(Event::open(barrier), "kind", &["barrier, expected event"]);
    differs(
        Condvar::open(barrier),
        "kind",
        &["expected condition variable"],
    );
    names
        .iter()
        .for_each(|name| crossproc::unlink(name).unwrap());
}
