//! More than one wait of the kernel can watch.

use std::fs;
use std::thread;

use crossproc::{Event, Queue, Semaphore, Waitable, testing, wait_any, wait_any_timeout};

use crate::children::{Holder, asleep, succeeds, until};

/// The threads that sleep on others' behalf.
fn servers() -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap().flatten();
    let name = |task: fs::DirEntry| fs::read_to_string(task.path().join("comm"));
    tasks
        .filter_map(|task| name(task).ok())
        .filter(|name| name == "crossproc-wait\n")
        .count()
}

fn three_hundred() -> Vec<Event> {
    (0..300).map(|_| Event::new().unwrap()).collect()
}

fn all(events: &[Event]) -> Vec<&dyn Waitable> {
    events.iter().map(|event| event as &dyn Waitable).collect()
}

#[test]
fn three_hundred_sources() {
    guarded!();
    let events = three_hundred();
    let mut outcome = Vec::new();
    let most = thread::scope(|scope| {
        let (tell, told) = std::sync::mpsc::channel();
        let events = &events;
        let waiter = scope.spawn(move || {
            let sources = all(events);
            loop {
                let index = wait_any(&sources).unwrap();
                events[index].reset().unwrap();
                tell.send(index).unwrap();
                if index == 0 {
                    break;
                }
            }
        });
        let mut most = 0;
        for index in [299, 128, 1, 127, 150, 0] {
            until(|| servers() > 0);
            most = most.max(servers());
            events[index].set().unwrap();
            let found: usize = told.recv().unwrap();
            outcome.push((found, index));
        }
        waiter.join().unwrap();
        most
    });
    assert!(
        outcome.iter().all(|(found, index)| found == index),
        "{outcome:?}"
    );
    // Two words each at least: a thread for about fifty.
    assert!((1..=12).contains(&most), "{most} threads");
    until(|| servers() == 0);
}

#[test]
fn a_time_limit_among_three_hundred() {
    guarded!();
    let events = three_hundred();
    let limit = std::time::Duration::from_millis(30);
    let begin = std::time::Instant::now();
    assert!(wait_any_timeout(&all(&events), limit).is_err());
    assert!(begin.elapsed() >= limit);
    until(|| servers() == 0);
}

#[test]
fn a_death_among_three_hundred() {
    guarded!();
    let events = three_hundred();
    let semaphore = Semaphore::new(1).unwrap();
    let mut holder = Holder::of(|| semaphore.acquire().unwrap());
    let mut waiter = asleep(|| {
        let mut sources = all(&events);
        sources.push(&semaphore);
        assert_eq!(wait_any(&sources), Ok(300));
    });
    holder.kill();
    succeeds(&mut waiter);
}

#[test]
fn many_participants() {
    guarded!();
    let orders = Queue::<u64>::options()
        .capacity(1)
        .participants(300)
        .anonymous()
        .unwrap();
    let never = Event::new().unwrap();
    let mut others: Vec<_> = (0..100)
        .map(|_| asleep(|| assert!(orders.recv().is_err())))
        .collect();
    let mut waiter = asleep(|| {
        assert_eq!(wait_any(&[&never, &orders]), Ok(1));
    });
    orders.close();
    succeeds(&mut waiter);
    others.iter_mut().for_each(succeeds);
}

#[test]
fn where_the_kernel_waits_for_one_word_only() {
    guarded!();
    let (orders, stop) = (Queue::<u64>::new(1).unwrap(), Event::new().unwrap());
    let semaphore = Semaphore::new(1).unwrap();
    let mut holder = Holder::of(|| semaphore.acquire().unwrap());
    let waits = |index| {
        testing::refuse_waitv(true);
        assert_eq!(wait_any(&[&orders, &stop, &semaphore]), Ok(index));
    };
    let mut waiter = asleep(|| waits(1));
    stop.set().unwrap();
    succeeds(&mut waiter);
    stop.reset().unwrap();
    let mut waiter = asleep(|| waits(2));
    holder.kill();
    succeeds(&mut waiter);
}
