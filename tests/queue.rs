//! What a queue does, in one process and between processes.

mod support;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossproc::{
    Queue, RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError,
    process,
};
use support::{Leaks, watchdog};

const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn values_come_out_in_the_order_they_went_in() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let queue = Queue::new(5).unwrap();
    for lap in 0..100u64 {
        for n in 0..5 {
            queue.try_send(lap * 5 + n).unwrap();
        }
        assert!(queue.is_full());
        assert_eq!(queue.try_send(0), Err(TrySendError::Full(0)));
        for n in 0..5 {
            assert_eq!(queue.try_recv(), Ok(lap * 5 + n));
        }
        assert_eq!(queue.try_recv(), Err(TryRecvError::Empty));
        assert!(queue.is_empty());
    }
}

#[test]
fn a_capacity_of_one_works() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let queue = Queue::new(1).unwrap();
    for n in 0..10u8 {
        queue.send(n).unwrap();
        assert_eq!(queue.try_send(n), Err(TrySendError::Full(n)));
        assert_eq!(queue.recv(), Ok(n));
    }
}

#[test]
fn closing_drains_and_then_ends() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let queue = Queue::new(4).unwrap();
    queue.send(1u32).unwrap();
    queue.send(2).unwrap();
    queue.close();
    assert!(queue.is_closed());
    assert_eq!(queue.send(3), Err(SendError::Closed(3)));
    assert_eq!(queue.try_send(3), Err(TrySendError::Closed(3)));
    assert_eq!(queue.iter().collect::<Vec<_>>(), [1, 2]);
    assert_eq!(queue.recv(), Err(RecvError::Closed));
    assert_eq!(queue.try_recv(), Err(TryRecvError::Closed));
}

#[test]
fn closing_wakes_everyone_who_waits() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let empty = Queue::<u64>::new(1).unwrap();
    let full = Queue::<u64>::new(1).unwrap();
    full.send(7).unwrap();
    thread::scope(|scope| {
        let receivers: Vec<_> = (0..3).map(|_| scope.spawn(|| empty.recv())).collect();
        let senders: Vec<_> = (0..3)
            .map(|n| {
                scope.spawn({
                    let full = &full;
                    move || full.send(n)
                })
            })
            .collect();
        // Long enough for all to fall asleep, most of the time; the outcome is the same if not.
        thread::sleep(Duration::from_millis(50));
        empty.close();
        full.close();
        for receiver in receivers {
            assert_eq!(receiver.join().unwrap(), Err(RecvError::Closed));
        }
        for (n, sender) in (0..).zip(senders) {
            assert_eq!(sender.join().unwrap(), Err(SendError::Closed(n)));
        }
    });
}

#[test]
fn waiting_ends_in_time() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let queue = Queue::new(1).unwrap();
    let start = Instant::now();
    let wait = Duration::from_millis(50);
    assert_eq!(queue.recv_timeout(wait), Err(RecvTimeoutError::Timeout));
    assert!(start.elapsed() >= wait);
    queue.send(1u64).unwrap();
    let start = Instant::now();
    assert_eq!(
        queue.send_deadline(2, start + wait),
        Err(SendTimeoutError::Timeout(2))
    );
    assert!(start.elapsed() >= wait);
    assert_eq!(queue.recv_timeout(Duration::MAX), Ok(1));
    assert_eq!(queue.send_timeout(3, Duration::ZERO), Ok(()));
    assert_eq!(queue.recv_deadline(Instant::now()), Ok(3));
}

#[test]
fn many_threads_lose_and_duplicate_nothing() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    const SENDERS: u64 = 3;
    const EACH: u64 = 50_000;
    let queue = Queue::<[u64; 3]>::new(7).unwrap();
    let seen = thread::scope(|scope| {
        let receivers: Vec<_> = (0..3)
            .map(|_| {
                let queue = queue.clone();
                scope.spawn(move || {
                    let mut last = [0; SENDERS as usize];
                    let mut seen = Vec::new();
                    for [sender, n, check] in &queue {
                        assert_eq!(check, sender ^ n ^ 0x5555, "torn");
                        assert!(n > last[sender as usize], "out of order");
                        last[sender as usize] = n;
                        seen.push((sender, n));
                    }
                    seen
                })
            })
            .collect();
        let senders: Vec<_> = (0..SENDERS)
            .map(|sender| {
                let queue = &queue;
                scope.spawn(move || {
                    for n in 1..=EACH {
                        queue.send([sender, n, sender ^ n ^ 0x5555]).unwrap();
                    }
                })
            })
            .collect();
        for sender in senders {
            sender.join().unwrap();
        }
        queue.close();
        receivers
            .into_iter()
            .flat_map(|receiver| receiver.join().unwrap())
            .collect::<Vec<_>>()
    });
    assert_eq!(seen.len() as u64, SENDERS * EACH);
    assert_eq!(
        seen.into_iter().collect::<HashSet<_>>().len() as u64,
        SENDERS * EACH
    );
}

fn squares((numbers, results): (Queue<u64>, Queue<u64>)) -> u64 {
    let mut done = 0;
    for n in &numbers {
        results.send(n * n).unwrap();
        done += 1;
    }
    done
}

#[test]
fn a_spawned_process_serves_two_queues() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let numbers = Queue::new(8).unwrap();
    let results = Queue::new(8).unwrap();
    let child = process::spawn(squares, (numbers.clone(), results.clone())).unwrap();
    let sum = thread::scope(|scope| {
        let sum = scope.spawn(|| results.iter().sum::<u64>());
        for n in 0..10_000 {
            numbers.send(n).unwrap();
        }
        numbers.close();
        assert_eq!(child.join().unwrap(), 10_000);
        results.close();
        sum.join().unwrap()
    });
    assert_eq!(sum, (0..10_000u64).map(|n| n * n).sum::<u64>());
}

#[test]
fn a_named_queue_is_shared_by_those_who_open_it() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let name = support::unique_name("shared");
    let first = Queue::<i16>::create(&name, 3).unwrap();
    let second = Queue::<i16>::open(&name).unwrap();
    assert_eq!(second.capacity(), 3);
    first.send(-7).unwrap();
    assert_eq!(second.recv(), Ok(-7));
    second.unlink().unwrap();
    assert!(Queue::<i16>::open(&name).is_err());
    first.send(8).unwrap();
    assert_eq!(second.recv(), Ok(8));
}

#[test]
fn handles_do_not_travel_elsewhere() {
    let _leaks = Leaks::start();
    let queue = Queue::<u8>::new(1).unwrap();
    let error = serde_json::to_string(&queue).unwrap_err().to_string();
    assert!(error.contains("process::spawn"), "{error}");
}

#[test]
fn records_come_back_when_threads_end_and_handles_go() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let queue = Queue::<u64>::options()
        .capacity(4)
        .participants(3)
        .anonymous()
        .unwrap();
    // One record is the process's own, one the main thread's; the third serves all of these.
    queue.send(0).unwrap();
    let sum = Arc::new(AtomicU64::new(0));
    for n in 1..=50 {
        let (queue, sum) = (queue.clone(), Arc::clone(&sum));
        thread::spawn(move || {
            queue.send(n).unwrap();
            sum.fetch_add(queue.recv().unwrap(), Ordering::Relaxed);
        })
        .join()
        .unwrap();
    }
    assert_eq!(
        sum.load(Ordering::Relaxed) + queue.recv().unwrap(),
        (1..=50).sum::<u64>()
    );
    for _ in 0..50 {
        let other = Queue::<u64>::new(4).unwrap();
        other.send(1).unwrap();
        assert_eq!(other.recv(), Ok(1));
    }
}
