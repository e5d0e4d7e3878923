//! Processes that push, insert, pop, remove and sort are killed at any moment: each value is found once, unless whoever took it died before it said so.
#![allow(unsafe_code)] // vouches for `Zeroed`

use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use crossproc::{List, Manager, UpdateAtError};

use super::forked::{Child, Ending, fork};
use super::plain::{Shared, Zeroed};

/// Processes, of whom so many live at a time.
const PROCESSES: usize = 64;
const AT_A_TIME: usize = 4;
/// Values of each, if it lives.
const EACH: usize = 4096;

/// What is known of each value, whoever dies.
struct Book {
    /// How many values a process has put into the list: one more may be there.
    put: [AtomicU32; PROCESSES],
    /// How often a value was taken.
    taken: [AtomicU8; PROCESSES * EACH],
    /// Not zero: who has no more values need not go on.
    stop: AtomicU32,
}

// SAFETY: it consists of atomics.
unsafe impl Zeroed for Book {}

/// The number of a value twice, in a value that takes a block of another length each time.
type Value = (u32, Vec<u8>, u32);

fn value(number: usize) -> Value {
    let number = number as u32;
    (number, vec![number as u8; number as usize % 150], number)
}

fn number((one, filling, other): Value) -> usize {
    assert_eq!(one, other, "torn");
    assert_eq!((one, filling, other), value(one as usize), "torn");
    one as usize
}

fn work(list: &List<Value>, book: &Book, process: usize) {
    for n in 0..EACH {
        let new = value(process * EACH + n);
        match n % 16 {
            5 => list.insert(0, &new).expect("there is room"),
            _ => list.push(&new).expect("there is room"),
        }
        book.put[process].store(n as u32 + 1, Ordering::Release);
        let taken = match n % 8 {
            0 => None,
            3 => match list.remove(0) {
                Ok(value) => Some(value),
                Err(UpdateAtError::OutOfBounds { len: 0, .. }) => None,
                Err(error) => panic!("{error}"),
            },
            _ => list.pop().expect("it is sound"),
        };
        if let Some(value) = taken {
            book.taken[number(value)].fetch_add(1, Ordering::AcqRel);
        }
        if n % 64 == 9 {
            sort(list);
        }
    }
    while book.stop.load(Ordering::Acquire) == 0 {
        sort(list);
    }
}

fn sort(list: &List<Value>) {
    list.sort_by_key(|value| value.0).expect("there is room");
}

#[test]
fn every_value_is_found_once() {
    guarded!();
    let manager = Manager::new().unwrap();
    let list = manager.list::<Value>("list").unwrap();
    let used = || manager.memory().unwrap().used;
    let empty = used();
    let book = Shared::<Book>::new();
    let start = |process| fork(|| work(&list, &book, process));
    let mut alive: Vec<Child> = (0..AT_A_TIME).map(start).collect();
    for process in AT_A_TIME..PROCESSES {
        // Anything between nothing and a good many of their operations.
        thread::sleep(Duration::from_micros(process as u64 * 7919 % 3000));
        let mut victim = alive.remove(process * 7 % AT_A_TIME);
        victim.kill();
        assert_eq!(victim.wait(), Ending::Signalled(libc::SIGKILL));
        alive.push(start(process));
    }
    book.stop.store(1, Ordering::Release);
    for mut child in alive {
        super::children::succeeds(&mut child);
    }

    let mut found: Vec<u32> = vec![0; PROCESSES * EACH];
    for value in list.to_vec().unwrap() {
        found[number(value)] += 1;
    }
    let (mut lost, mut unsaid) = (0, 0);
    for (number, in_list) in found.into_iter().enumerate() {
        let times = in_list + u32::from(book.taken[number].load(Ordering::Acquire));
        assert!(times <= 1, "value {number} is there {times} times");
        let put = book.put[number / EACH].load(Ordering::Acquire) as usize;
        match number % EACH {
            n if n < put => lost += 1 - times,
            n if n == put => unsaid += times,
            _ => assert_eq!(times, 0, "value {number} was never put there"),
        }
    }
    let killed = (PROCESSES - AT_A_TIME) as u32;
    println!(
        "{killed} killed, {} repairs; {lost} taken and {unsaid} put without a word",
        list.repairs()
    );
    assert!(lost <= killed && unsaid <= killed);
    list.clear().unwrap();
    assert_eq!(used(), empty, "memory is lost");
}
