//! Several primitives in one segment.

mod support;

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::thread;
use std::time::Duration;

use crossproc::{
    Barrier, Condvar, Error, Event, Group, Mutex, OnceLock, Options, Queue, Result, RwLock,
    Semaphore, process,
};
use support::{Leaks, unique_name, watchdog};

const LIMIT: Duration = Duration::from_secs(60);

type Bank = (Mutex<i64>, Condvar, Semaphore);

type BankOptions = (Options<Mutex<i64>>, Options<Condvar>, Options<Semaphore>);

fn bank() -> Group<BankOptions> {
    Group::of((
        Mutex::options().value(40),
        Condvar::options(),
        Semaphore::options().permits(3),
    ))
}

fn deposit((balance, changed, tellers): Bank) -> usize {
    let _teller = tellers.acquire().expect("a teller");
    *balance.lock().expect("nobody died") += 2;
    changed.notify_all().expect("notified");
    tellers.available()
}

#[test]
fn parts_work_between_processes_that_got_them_by_name_or_as_arguments() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let name = unique_name("group");
    let created = bank().create(&name).unwrap();
    let child = process::spawn(deposit, bank().open(&name).unwrap()).unwrap();
    let anonymous = bank().anonymous().unwrap();
    for (balance, changed, tellers) in [&created, &anonymous] {
        assert_eq!(tellers.permits(), 3);
        if balance.name().is_none() {
            process::spawn(deposit, anonymous.clone()).unwrap();
        }
        let guard = changed.wait_while(balance.lock().unwrap(), |balance| *balance < 42);
        assert_eq!(*guard.unwrap(), 42);
    }
    assert_eq!(child.join().unwrap(), 2);
    assert_eq!(created.0.name(), Some(&*name));
    created.1.unlink().unwrap();
    assert!(matches!(bank().open(&name), Err(Error::NotFound { .. })));
}

#[test]
fn all_kinds_fit_into_one_segment() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let group = Group::of((
        Queue::<[u8; 3]>::options().capacity(5),
        RwLock::options().value([1u16; 7]),
        Barrier::options().parties(1),
        OnceLock::<u64>::options(),
        Event::options(),
        Mutex::options().value(()),
    ));
    let (queue, limits, barrier, once, event, mutex) = group.participants(6).anonymous().unwrap();
    // Whatever overlapped would be seen.
    for round in 0..3u8 {
        for value in 0..5 {
            queue.try_send([round, value, 7]).unwrap();
        }
        assert!(queue.is_full());
        limits.write().unwrap()[6] += 1;
        assert_eq!(
            barrier.join().unwrap().wait().unwrap().generation,
            round.into()
        );
        let _locked = mutex.lock().unwrap();
        assert_eq!(once.get_or_init(|| 9).unwrap(), 9);
        assert!(event.set().unwrap() && event.reset().unwrap());
        let received: Vec<_> = queue.try_iter().collect();
        assert_eq!(received, [0, 1, 2, 3, 4].map(|value| [round, value, 7]));
        assert_eq!(
            *limits.read().unwrap(),
            [1, 1, 1, 1, 1, 1, 2 + u16::from(round)]
        );
    }
}

fn use_all((balance, changed, tellers): Bank) {
    deposit((balance.clone(), changed, tellers));
    thread::scope(|scope| {
        scope.spawn(|| *balance.lock().expect("nobody died") += 1);
    });
}

/// Room for this process and one other, each with a keeper and one thread more, and one to spare.
#[test]
fn parts_that_arrive_in_a_process_are_used_by_one_participant() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let (balance, changed, tellers) = bank().participants(6).anonymous().unwrap();
    for round in 1..=3 {
        let arguments = (balance.clone(), changed.clone(), tellers.clone());
        process::spawn(use_all, arguments).unwrap().join().unwrap();
        assert_eq!(*balance.lock().unwrap(), 40 + 3 * round);
    }
}

#[track_caller]
fn assert_mismatch<H>(opened: Result<H>, says: &str) {
    let Err(error) = opened else {
        panic!("opened, instead of: {says}");
    };
    assert!(matches!(error, Error::Mismatch { .. }), "{error}");
    assert!(error.to_string().contains(says), "{error}");
}

#[test]
fn an_opener_is_told_which_part_differs() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let name = unique_name("group");
    let created = bank().create(&name).unwrap();
    assert_mismatch(Mutex::<i64>::open(&name), "kind is group, expected mutex");
    let two = Group::of((Mutex::<i64>::options(), Condvar::options()));
    assert_mismatch(two.open(&name), "capacity is 3, expected 2");
    let other = Group::of((
        Mutex::<i64>::options(),
        Event::options(),
        Semaphore::options(),
    ));
    assert_mismatch(
        other.open(&name),
        "part 2` does not fit: kind is condition variable, expected event",
    );
    let other = Group::of((
        Mutex::<u64>::options(),
        Condvar::options(),
        Semaphore::options(),
    ));
    assert_mismatch(
        other.open(&name),
        "part 1` does not fit: element is `i64` (8 bytes",
    );
    let other = Group::of((
        Mutex::<i64>::options(),
        Condvar::options(),
        Semaphore::options().permits(4),
    ));
    assert_mismatch(
        other.open(&name),
        "part 3` does not fit: capacity is 3, expected 4",
    );
    assert_mismatch(
        bank().participants(9).open(&name),
        "participants is 126, expected 9",
    );
    created.0.unlink().unwrap();
    assert!(matches!(
        Group::of((Mutex::<i64>::options(), Condvar::options())).anonymous(),
        Err(Error::NoValue)
    ));
}

/// Every word of the directory, changed to several values, is refused or does no harm.
#[test]
fn a_directory_is_not_believed() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let name = unique_name("group");
    let created = bank().create(&name).unwrap();
    let path = format!("/dev/shm/crossproc.{name}");
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    let bytes = fs::read(&path).unwrap();
    let body = u64::from_le_bytes(bytes[96..104].try_into().unwrap()) as usize;
    let mut refused = 0;
    for offset in (body..body + 3 * 128).step_by(4) {
        let word: [u8; 4] = bytes[offset..offset + 4].try_into().unwrap();
        for value in [0, 1, 0x80, 0xffff_ff80, u32::MAX] {
            file.write_all_at(&value.to_le_bytes(), offset as u64)
                .unwrap();
            match bank().open(&name) {
                Ok((balance, changed, tellers)) => {
                    assert_eq!(*balance.lock().unwrap(), 40);
                    changed.notify_one().unwrap();
                    assert_eq!(tellers.available(), 3);
                }
                Err(Error::Mismatch { .. }) => refused += 1,
                Err(error) => panic!("offset {}: {error}", offset - body),
            }
        }
        file.write_all_at(&word, offset as u64).unwrap();
    }
    assert!(refused > 100, "{refused}");
    created.0.unlink().unwrap();
}

/// What a thread remembers of one queue must not count for another.
#[test]
fn queues_in_one_segment_do_not_mistake_each_other() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let queue = || Queue::<u64>::options().capacity(8);
    let (near, far) = Group::of((queue(), queue())).anonymous().unwrap();
    for (queue, first) in [(&near, 12), (&far, 15)] {
        for number in 0..first {
            queue.send(number).unwrap();
            assert_eq!(queue.recv().unwrap(), number);
        }
        for number in first..first + 8 {
            queue.send(number).unwrap();
        }
    }
    // By the far one's head there would be room in the near one.
    assert!(near.try_send(0).is_err() && far.try_send(0).is_err());
    assert!(near.try_iter().eq(12..20) && far.try_iter().eq(15..23));
}
