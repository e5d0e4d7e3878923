//! What a value does that is made once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::{Duration, Instant};

use crossproc::process::spawn;
use crossproc::{Event, OnceLock, Semaphore, WaitTimeoutError};

use super::children::{asleep, succeeds};

#[test]
fn of_many_processes_and_threads_one_makes_it() {
    guarded!();
    type Shared = (OnceLock<[u64; 5]>, Semaphore, Event);
    /// Fails if it is called twice.
    fn ask((value, calls, go): Shared) -> [u64; 5] {
        go.wait().unwrap();
        let make = || {
            std::mem::forget(calls.try_acquire().expect("somebody else has made it"));
            [u64::from(std::process::id()); 5]
        };
        value.get_or_init(make).unwrap()
    }
    for _ in 0..10 {
        let (value, calls) = (OnceLock::new().unwrap(), Semaphore::new(1).unwrap());
        let shared: Shared = (value, calls, Event::new().unwrap());
        let children: Vec<_> = (0..2)
            .map(|_| spawn(ask, shared.clone()).unwrap())
            .collect();
        let asked = thread::scope(|scope| {
            let threads = [0, 1].map(|_| scope.spawn(|| ask(shared.clone())));
            shared.2.set().unwrap();
            threads.map(|thread| thread.join().unwrap())
        });
        let value = shared.0.get().unwrap().unwrap();
        assert_eq!(asked, [value; 2]);
        for child in children {
            assert_eq!(child.join().unwrap(), value);
        }
        assert_eq!(shared.0.repairs(), 0);
    }
}

#[test]
fn it_is_there_or_not() {
    guarded!();
    let once = OnceLock::<u64>::new().unwrap();
    assert_eq!(once.get(), Ok(None));
    let patience = Duration::from_millis(30);
    let start = Instant::now();
    assert_eq!(once.wait_timeout(patience), Err(WaitTimeoutError::Timeout));
    assert!(start.elapsed() >= patience);
    assert!(matches!(once.set(1), Ok(Ok(()))));
    assert!(matches!(once.set(2), Ok(Err(2))));
    assert_eq!(once.get(), Ok(Some(1)));
    assert_eq!(once.get_or_init(|| unreachable!()).unwrap(), 1);
    assert_eq!(
        (once.wait(), once.wait_timeout(Duration::ZERO)),
        (Ok(1), Ok(1))
    );
    assert_eq!(once.wait_deadline(start), Ok(1));
}

#[test]
fn what_fails_or_panics_makes_none_and_the_next_one_does() {
    guarded!();
    let once = OnceLock::<bool>::new().unwrap();
    assert!(matches!(
        once.get_or_try_init(|| Err("not now")),
        Ok(Err("not now"))
    ));
    let panics = AssertUnwindSafe(|| once.get_or_init(|| panic!("on purpose")));
    assert!(catch_unwind(panics).is_err());
    assert_eq!(once.get(), Ok(None));
    assert!(once.get_or_init(|| true).unwrap());
    assert_eq!(once.repairs(), 0);
}

#[test]
fn those_who_wait_while_it_is_made_are_served() {
    guarded!();
    let once = OnceLock::<u64>::new().unwrap();
    let make = Event::new().unwrap();
    let mut maker = asleep(|| {
        let value = once.get_or_init(|| {
            make.wait().unwrap();
            7
        });
        assert_eq!(value.unwrap(), 7);
    });
    let mut waiters = [
        asleep(|| assert_eq!(once.wait(), Ok(7))),
        asleep(|| assert_eq!(once.get_or_init(|| unreachable!()).unwrap(), 7)),
    ];
    assert_eq!(once.get(), Ok(None));
    make.set().unwrap();
    waiters.iter_mut().for_each(succeeds);
    succeeds(&mut maker);
}

#[test]
fn one_who_waits_makes_it_if_the_first_one_fails() {
    guarded!();
    let once = OnceLock::<u64>::new().unwrap();
    let fail = Event::new().unwrap();
    let fails = asleep(|| {
        let failed = once.get_or_try_init(|| {
            fail.wait().unwrap();
            Err(())
        });
        assert!(matches!(failed, Ok(Err(()))));
    });
    let next = asleep(|| assert_eq!(once.get_or_init(|| 8).unwrap(), 8));
    let waiter = asleep(|| assert_eq!(once.wait(), Ok(8)));
    fail.set().unwrap();
    [fails, next, waiter].iter_mut().for_each(succeeds);
}
