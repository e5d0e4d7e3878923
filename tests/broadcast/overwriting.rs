//! Senders wait for nobody, and readers are told what they missed.

use std::thread;
use std::time::{Duration, Instant};

use crossproc::broadcast::Received;
use crossproc::{
    Group, Overwriting, Queue, RecvError, RecvTimeoutError, SendError, TryRecvError, TrySendError,
};

use crate::support::unique_name;

fn pair<T>(received: Received<T>) -> (T, u64) {
    (received.value, received.missed)
}

#[test]
fn the_last_values_stay() {
    guarded!();
    for capacity in 1..=9 {
        let ring = Overwriting::new(capacity).unwrap();
        let mut from_the_start = ring.reader();
        for n in 0..100usize {
            ring.try_send(n).unwrap();
            let oldest = (n + 1).saturating_sub(capacity);
            let values: Vec<_> = std::iter::from_fn({
                let mut reader = ring.reader_from_oldest();
                move || reader.try_recv().ok().map(pair)
            })
            .collect();
            let all: Vec<_> = (oldest..=n).map(|n| (n, 0)).collect();
            assert_eq!(values, all);
        }
        let missed = 100 - capacity;
        assert_eq!(
            from_the_start.try_recv().map(pair),
            Ok((missed, missed as u64))
        );
        assert_eq!(from_the_start.position(), missed as u64 + 1);
        assert_eq!(ring.reader().try_recv(), Err(TryRecvError::Empty));
    }
}

#[test]
fn a_clone_goes_on_from_the_same_position() {
    guarded!();
    let ring = Overwriting::new(4).unwrap();
    let mut reader = ring.reader();
    ring.send(1u8).unwrap();
    ring.send(2).unwrap();
    assert_eq!(reader.recv().map(pair), Ok((1, 0)));
    let mut copy = reader.clone();
    assert_eq!(reader.recv().map(pair), Ok((2, 0)));
    assert_eq!(copy.recv().map(pair), Ok((2, 0)));
}

#[test]
fn closing_drains_and_then_ends() {
    guarded!();
    let ring = Overwriting::new(2).unwrap();
    let mut reader = ring.reader();
    for n in 0..3u8 {
        ring.send(n).unwrap();
    }
    thread::scope(|scope| {
        let mut waits = ring.reader();
        let waits = scope.spawn(move || waits.recv());
        thread::sleep(Duration::from_millis(20));
        ring.close();
        assert_eq!(waits.join().unwrap(), Err(RecvError::Closed));
    });
    assert_eq!(ring.send(3), Err(SendError::Closed(3)));
    assert_eq!(ring.try_send(3), Err(TrySendError::Closed(3)));
    let drained: Vec<_> = reader.by_ref().map(pair).collect();
    assert_eq!(drained, [(1, 1), (2, 0)]);
    assert_eq!(reader.recv(), Err(RecvError::Closed));
}

#[test]
fn time_limits_are_kept() {
    guarded!();
    let ring = Overwriting::new(2).unwrap();
    let mut reader = ring.reader();
    let (start, limit) = (Instant::now(), Duration::from_millis(20));
    assert_eq!(reader.recv_timeout(limit), Err(RecvTimeoutError::Timeout));
    assert!(start.elapsed() >= limit);
    ring.send_timeout(1u8, limit).unwrap();
    ring.send_deadline(2, Instant::now() + limit).unwrap();
    assert_eq!(reader.recv_deadline(Instant::now()).map(pair), Ok((1, 0)));
}

#[test]
fn names_and_groups() {
    guarded!();
    let name = unique_name("overwriting");
    let one = Overwriting::<u64>::open_or_create(&name, 4).unwrap();
    let other = Overwriting::<u64>::open(&name).unwrap();
    let mut reader = other.reader();
    one.send(5).unwrap();
    assert_eq!(reader.recv().map(pair), Ok((5, 0)));
    one.unlink().unwrap();

    let (ring, _queue) = Group::of((
        Overwriting::<u64>::options().capacity(4),
        Queue::<u8>::options().capacity(2),
    ))
    .anonymous()
    .unwrap();
    ring.send(6).unwrap();
    assert_eq!(ring.reader_from_oldest().recv().map(pair), Ok((6, 0)));
}
