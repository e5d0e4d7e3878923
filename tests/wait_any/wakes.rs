//! Whoever sleeps is woken by whichever source becomes ready, and takes no wake away from others.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crossproc::{
    CountingSemaphore, Event, Queue, Semaphore, WaitTimeoutError, process, spsc, wait_any,
    wait_any_timeout,
};

use crate::children::{asleep, succeeds};

#[test]
fn each_source_wakes() {
    guarded!();
    let queue = Queue::<u64>::new(1).unwrap();
    let (mut producer, consumer) = spsc::ring::<u64>(1).unwrap();
    let event = Event::new().unwrap();
    let semaphore = Semaphore::new(1).unwrap();
    let counting = CountingSemaphore::new(0).unwrap();
    let permit = semaphore.acquire().unwrap();
    let end = Event::new().unwrap();
    let child = process::spawn(|end: Event| end.wait().unwrap(), end.clone()).unwrap();
    let waits = |index| {
        let wait = wait_any(&[&queue, &event, &semaphore, &counting]);
        assert_eq!(wait, Ok(index));
    };
    let mut waiter = asleep(|| waits(0));
    queue.send(1).unwrap();
    succeeds(&mut waiter);
    queue.recv().unwrap();

    let mut waiter = asleep(|| waits(1));
    event.set().unwrap();
    event.reset().unwrap(); // Whoever waited has been served.
    succeeds(&mut waiter);

    let mut waiter = asleep(|| waits(2));
    drop(permit);
    succeeds(&mut waiter);
    let _permit = semaphore.acquire().unwrap();

    let mut waiter = asleep(|| waits(3));
    counting.release(1).unwrap();
    succeeds(&mut waiter);
    counting.acquire().unwrap();

    let mut waiter = asleep(|| waits(0));
    queue.close();
    succeeds(&mut waiter);

    // The consumer's role and the child are this process's own, so a thread waits.
    thread::scope(|scope| {
        let woken = scope.spawn({
            let (event, child, consumer) = (&event, &child, consumer);
            move || {
                let mut consumer = consumer;
                assert_eq!(wait_any(&[event, &consumer, child]), Ok(1));
                assert_eq!(consumer.try_recv(), Ok(5));
                assert_eq!(wait_any(&[event, &consumer, child]), Ok(2));
            }
        });
        producer.send(5).unwrap();
        thread::sleep(Duration::from_millis(5)); // So that it may sleep; nothing depends on it.
        end.set().unwrap();
        woken.join().unwrap();
    });
    child.join().unwrap();
}

#[test]
fn everybody_who_waits_for_it_is_told() {
    guarded!();
    let (orders, stop) = (Queue::<u64>::new(4).unwrap(), Event::new().unwrap());
    let mut waiters = [(); 4].map(|()| asleep(|| assert_eq!(wait_any(&[&stop, &orders]), Ok(1))));
    orders.send(1).unwrap();
    waiters.iter_mut().for_each(succeeds);
}

/// One is told, has no use for it, and waits for something else: the receiver gets it.
#[test]
fn a_wake_that_was_of_no_use_is_passed_on() {
    guarded!();
    let (orders, stop) = (Queue::<u64>::new(4).unwrap(), Event::new().unwrap());
    for lap in 0..50 {
        // It may be told of the order, or of the event if the order was taken before it looked.
        let mut waiter = asleep(|| assert!(wait_any(&[&orders, &stop]).is_ok()));
        let mut receiver = asleep(|| assert_eq!(orders.recv(), Ok(lap)));
        orders.send(lap).unwrap();
        succeeds(&mut receiver);
        stop.set().unwrap();
        succeeds(&mut waiter);
        stop.reset().unwrap();
    }
}

/// Threads wait for several queues, or receive from one. Each value comes to somebody, whoever was woken for it.
#[test]
fn no_value_stays_behind_while_somebody_sleeps() {
    guarded!();
    const EACH: u64 = 3000;
    let queues = [(); 3].map(|()| Queue::<u64>::new(2).unwrap());
    let [a, b, c] = &queues;
    let received = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut open = [true; 3];
                while open.contains(&true) {
                    // Closed ones stay ready, so they are waited for by those only who have not seen it.
                    let index = match open {
                        [true, true, true] => wait_any(&[a, b, c]).unwrap(),
                        _ => open.iter().position(|open| *open).unwrap(),
                    };
                    match queues[index].try_recv() {
                        Ok(_) => {
                            received.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(crossproc::TryRecvError::Empty) => {}
                        Err(crossproc::TryRecvError::Closed) => open[index] = false,
                        Err(error) => panic!("{error}"),
                    }
                }
            });
        }
        for queue in &queues {
            scope.spawn(|| received.fetch_add(queue.iter().count() as u64, Ordering::Relaxed));
        }
        for (queue, n) in queues.iter().cycle().zip(0..3 * EACH) {
            queue.send(n).unwrap();
        }
        queues.iter().for_each(Queue::close);
    });
    assert_eq!(received.into_inner(), 3 * EACH);
}

#[test]
fn a_wait_that_ends_in_time_takes_no_wake_along() {
    guarded!();
    let (orders, stop) = (Queue::<u64>::new(1).unwrap(), Event::new().unwrap());
    thread::scope(|scope| {
        let impatient = scope.spawn(|| {
            let (mut told, mut in_time) = (0, 0);
            while !stop.is_set() {
                match wait_any_timeout(&[&orders], Duration::from_micros(30)) {
                    Ok(_) => told += 1,
                    Err(WaitTimeoutError::Timeout) => in_time += 1,
                    Err(error) => panic!("{error}"),
                }
            }
            (told, in_time)
        });
        let receiver = scope.spawn(|| orders.iter().count());
        for n in 0..5000 {
            orders.send(n).unwrap();
        }
        orders.close();
        assert_eq!(receiver.join().unwrap(), 5000);
        stop.set().unwrap();
        let (told, in_time) = impatient.join().unwrap();
        println!("told {told} times, in time {in_time} times");
    });
}
