//! What a ring does, in one process and between processes.

mod support;

use std::thread;
use std::time::{Duration, Instant};

use crossproc::spsc::{self, Consumer, Producer, Ring};
use crossproc::{
    Error, RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError,
    process,
};
use support::{Leaks, watchdog};

const LIMIT: Duration = Duration::from_secs(60);

/// Fills and drains rings of element type `T` and all small capacities, over several laps.
fn laps<T: crossproc::Element + PartialEq + std::fmt::Debug>(element: impl Fn(u64) -> T) {
    for capacity in 1..=20 {
        let (mut producer, mut consumer) = spsc::ring::<T>(capacity).unwrap();
        assert_eq!(producer.capacity(), capacity);
        let mut sent = 0;
        let mut received = 0;
        for step in 1..60 {
            for _ in 0..step % (capacity as u64 + 1) {
                match producer.try_send(element(sent)) {
                    Ok(()) => sent += 1,
                    Err(TrySendError::Full(_)) => assert_eq!(sent - received, capacity as u64),
                    Err(error) => panic!("{error}"),
                }
                assert_eq!(consumer.ring().len() as u64, sent - received);
            }
            for _ in 0..step % 3 + 1 {
                match consumer.try_recv() {
                    Ok(value) => {
                        assert_eq!(value, element(received));
                        received += 1;
                    }
                    Err(TryRecvError::Empty) => assert_eq!(sent, received),
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }
}

#[test]
fn elements_of_every_size_go_round() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    laps(|n| n as u8);
    laps(|n| n as u32);
    laps(|n| n);
    laps(|n| [n as u8; 12]);
    laps(|n| [n; 3]);
    laps(|n| [n; 4]);
    laps(|n| [n; 7]);
    laps(|n| [n as u16; 29]);
    laps(|n| [n as u8; 333]);
}

#[test]
fn slices_keep_the_order_whatever_their_length() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    for capacity in [1, 2, 6, 7, 8, 13, 14, 100] {
        let (mut producer, mut consumer) = spsc::ring::<u64>(capacity).unwrap();
        thread::scope(|scope| {
            scope.spawn(move || {
                let values: Vec<u64> = (0..5_000).collect();
                let mut rest = &values[..];
                for length in (1..=23).cycle() {
                    if rest.is_empty() {
                        break;
                    }
                    let (now, later) = rest.split_at(length.min(rest.len()));
                    producer.send_slice(now).unwrap();
                    rest = later;
                }
            });
            let mut next = 0;
            for length in (1..=17).cycle() {
                let mut values = [0; 17];
                match consumer.recv_slice(&mut values[..length]) {
                    Ok(received) => {
                        for value in &values[..received] {
                            assert_eq!(*value, next);
                            next += 1;
                        }
                    }
                    Err(RecvError::Closed) => break,
                    Err(error) => panic!("{error}"),
                }
            }
            assert_eq!(next, 5_000);
        });
    }
}

#[test]
fn closing_either_side_tells_the_other() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let (mut producer, mut consumer) = spsc::ring(4).unwrap();
    producer.send(1u32).unwrap();
    producer.close();
    assert_eq!(consumer.recv(), Ok(1));
    assert_eq!(consumer.recv(), Err(RecvError::Closed));
    assert_eq!(consumer.try_recv(), Err(TryRecvError::Closed));

    let (mut producer, consumer) = spsc::ring(4).unwrap();
    producer.send(1u32).unwrap();
    consumer.close();
    assert_eq!(producer.send(2), Err(SendError::Closed(2)));
    assert_eq!(
        producer.send_slice(&[3, 4]),
        Err(SendError::Closed(&[3, 4][..]))
    );
}

#[test]
fn closing_wakes_the_one_who_waits() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let (producer, mut consumer) = spsc::ring::<u64>(1).unwrap();
    let waiting = thread::spawn(move || consumer.recv());
    thread::sleep(Duration::from_millis(30));
    drop(producer);
    assert_eq!(waiting.join().unwrap(), Err(RecvError::Closed));

    let (mut producer, consumer) = spsc::ring::<u64>(1).unwrap();
    producer.send(0).unwrap();
    let waiting = thread::spawn(move || producer.send(1));
    thread::sleep(Duration::from_millis(30));
    drop(consumer);
    assert_eq!(waiting.join().unwrap(), Err(SendError::Closed(1)));
}

#[test]
fn waiting_ends_in_time() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let (mut producer, mut consumer) = spsc::ring(1).unwrap();
    let wait = Duration::from_millis(50);
    let start = Instant::now();
    assert_eq!(consumer.recv_timeout(wait), Err(RecvTimeoutError::Timeout));
    assert!(start.elapsed() >= wait);
    producer.send(1u64).unwrap();
    let start = Instant::now();
    assert_eq!(
        producer.send_deadline(2, start + wait),
        Err(SendTimeoutError::Timeout(2))
    );
    assert!(start.elapsed() >= wait);
    assert_eq!(consumer.recv_deadline(Instant::now()), Ok(1));
}

#[test]
fn a_role_is_held_once_and_free_again_when_closed() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let ring = Ring::<u64>::new(4).unwrap();
    let mut producer = ring.producer().unwrap();
    match ring.producer() {
        Err(Error::RoleHeld {
            role: "producer",
            pid,
        }) => assert_eq!(pid, std::process::id()),
        other => panic!("{other:?}"),
    }
    producer.send(1).unwrap();
    drop(producer);
    let mut consumer = ring.consumer().unwrap();
    assert_eq!(consumer.recv(), Ok(1));
    assert_eq!(consumer.recv(), Err(RecvError::Closed));
    let mut producer = ring.producer().unwrap();
    producer.send(2).unwrap();
    assert_eq!(consumer.recv(), Ok(2));
    assert_eq!(ring.repairs(), 0, "nobody died");
}

fn count_up((mut producer, most): (Producer<u64>, u64)) {
    for n in 0..most {
        producer.send(n).unwrap();
    }
    if most == u64::MAX {
        unreachable!("it is killed before");
    }
}

fn add_up(mut consumer: Consumer<u64>) -> u64 {
    consumer.iter().sum()
}

#[test]
fn either_role_moves_to_a_child() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let (producer, mut consumer) = spsc::ring(16).unwrap();
    let child = process::spawn(count_up, (producer, 10_000)).unwrap();
    for n in 0..10_000 {
        assert_eq!(consumer.recv(), Ok(n));
    }
    assert_eq!(consumer.recv(), Err(RecvError::Closed));
    child.join().unwrap();
    drop(consumer);

    let (mut producer, consumer) = spsc::ring(16).unwrap();
    let child = process::spawn(add_up, consumer).unwrap();
    for n in 0..10_000 {
        producer.send(n).unwrap();
    }
    drop(producer);
    assert_eq!(child.join().unwrap(), (0..10_000).sum());
}

#[test]
fn a_killed_producer_is_noticed_and_succeeded() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let ring = Ring::new(8).unwrap();
    let mut consumer = ring.consumer().unwrap();
    let child = process::spawn(count_up, (ring.producer().unwrap(), u64::MAX)).unwrap();
    for n in 0..1000 {
        assert_eq!(consumer.recv(), Ok(n));
    }
    child.kill().unwrap();
    let mut next = 1000;
    let end = loop {
        match consumer.recv() {
            Ok(n) => {
                assert_eq!(n, next);
                next += 1;
            }
            Err(error) => break error,
        }
    };
    assert_eq!(end, RecvError::PeerDied);
    let mut producer = ring.producer().unwrap();
    producer.send(next).unwrap();
    assert_eq!(consumer.recv(), Ok(next));
    assert_eq!(ring.repairs(), 1);
    assert!(child.join().is_err());
}

#[test]
fn a_killed_consumer_is_noticed_and_succeeded() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let ring = Ring::new(8).unwrap();
    let mut producer = ring.producer().unwrap();
    let child = process::spawn(add_up, ring.consumer().unwrap()).unwrap();
    for n in 0..1000 {
        producer.send(n).unwrap();
    }
    child.kill().unwrap();
    let mut next = 1000;
    let end = loop {
        match producer.send(next) {
            Ok(()) => next += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(end, SendError::PeerDied(next));
    let left = ring.len() as u64;
    assert_eq!(left, 8);
    let mut consumer = ring.consumer().unwrap();
    for n in next - left..next {
        assert_eq!(consumer.recv(), Ok(n));
    }
    assert!(child.join().is_err());
}

/// Travels, and cannot be unpacked: the child ends half-way through its arguments.
#[derive(serde::Serialize)]
struct Fatal;

impl<'de> serde::Deserialize<'de> for Fatal {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        std::process::abort()
    }
}

#[test]
fn a_role_that_gets_lost_on_the_way_is_given_back() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    fn before((_, _): (Fatal, Consumer<u64>)) {}
    fn after((_, _): (Consumer<u64>, Fatal)) {}

    let ring = Ring::<u64>::new(1).unwrap();
    let mut producer = ring.producer().unwrap();
    producer.send(1).unwrap();

    let child = process::spawn(before, (Fatal, ring.consumer().unwrap())).unwrap();
    assert_eq!(producer.send(2), Err(SendError::Closed(2)));
    assert!(child.join().is_err());
    assert_eq!(ring.consumer().unwrap().recv(), Ok(1));

    let mut producer = {
        drop(producer);
        ring.producer().unwrap()
    };
    let consumer = ring.consumer().unwrap();
    producer.send(1).unwrap();
    let child = process::spawn(after, (consumer, Fatal)).unwrap();
    assert_eq!(producer.send(2), Err(SendError::PeerDied(2)));
    assert!(child.join().is_err());
    assert_eq!(ring.consumer().unwrap().recv(), Ok(1));
}
