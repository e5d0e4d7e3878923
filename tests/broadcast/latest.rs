//! Only the newest value counts.

use std::thread;
use std::time::{Duration, Instant};

use crossproc::{Error, Latest, RecvError, RecvTimeoutError, SendError, TryRecvError};

use crate::support::unique_name;

#[test]
fn it_has_a_value_from_the_beginning() {
    guarded!();
    let value = Latest::new([1u64, 2, 3]).unwrap();
    assert_eq!(value.get(), Ok([1, 2, 3]));
    assert_eq!(value.version(), 1);
    let mut watcher = value.watch();
    assert_eq!(watcher.try_changed(), Err(TryRecvError::Empty));
    for n in 0..20 {
        value.set([n; 3]).unwrap();
        assert_eq!(value.get(), Ok([n; 3]));
    }
    let limit = Duration::from_millis(20);
    value.set_timeout([5; 3], limit).unwrap();
    value.set_deadline([6; 3], Instant::now() + limit).unwrap();
    value.try_set([7; 3]).unwrap();
    let newest = watcher.changed().unwrap();
    assert_eq!((newest.value, newest.missed), ([7; 3], 22));
    assert_eq!(watcher.version(), value.version());
    assert_eq!(watcher.try_changed(), Err(TryRecvError::Empty));
}

#[test]
fn creating_it_takes_a_value() {
    guarded!();
    let created = Latest::<u8>::options().anonymous();
    assert!(matches!(created, Err(Error::NoValue)));
    let name = unique_name("latest");
    let one = Latest::<u8>::create(&name, 5).unwrap();
    one.set(6).unwrap();
    let other = Latest::open_or_create(&name, 7u8).unwrap();
    assert_eq!(other.get(), Ok(6), "an existing one keeps its own");
    assert_eq!(Latest::<u8>::open(&name).unwrap().get(), Ok(6));
    one.unlink().unwrap();
}

#[test]
fn watchers_sleep_until_it_changes_or_is_closed() {
    guarded!();
    let value = Latest::new(0u64).unwrap();
    let mut watcher = value.watch();
    let limit = Duration::from_millis(20);
    assert_eq!(
        watcher.changed_timeout(limit),
        Err(RecvTimeoutError::Timeout)
    );
    thread::scope(|scope| {
        let watchers: Vec<_> = (0..3)
            .map(|_| value.watch())
            .map(|watcher| {
                scope.spawn(move || {
                    let mut watcher = watcher;
                    let first = watcher.changed().unwrap().value;
                    (first, watcher.changed())
                })
            })
            .collect();
        thread::sleep(limit);
        value.set(1).unwrap();
        thread::sleep(limit);
        value.close();
        for watcher in watchers {
            assert_eq!(watcher.join().unwrap(), (1, Err(RecvError::Closed)));
        }
    });
    assert_eq!(value.set(2), Err(SendError::Closed(2)));
    assert_eq!(value.get(), Ok(1));
    assert_eq!(watcher.changed().map(|newest| newest.value), Ok(1));
    assert_eq!(watcher.changed(), Err(RecvError::Closed));
}

/// Of a value of many words, none is ever seen half set.
#[test]
fn it_is_whole() {
    guarded!();
    const LAST: u64 = 20_000;
    let value = Latest::new([0u64; 64]).unwrap();
    thread::scope(|scope| {
        let getter = || {
            let mut last = 0;
            while last < LAST {
                let seen = value.get().unwrap();
                assert!(seen.iter().all(|word| *word == seen[0]), "{seen:?}");
                assert!(seen[0] >= last);
                last = seen[0];
            }
        };
        let mut watcher = value.watch();
        let watch = move || {
            let mut last = None;
            while last.is_none_or(|last| last < LAST) {
                let newest = watcher.changed().unwrap();
                let now = newest.value[0];
                assert_eq!(newest.value, [now; 64]);
                assert!(last.is_none_or(|last| now == last + newest.missed + 1));
                last = Some(now);
            }
        };
        scope.spawn(getter);
        scope.spawn(getter);
        scope.spawn(watch);
        for n in 1..=LAST {
            value.set([n; 64]).unwrap();
        }
    });
}
