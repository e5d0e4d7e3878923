//! Every subscriber receives everything from its joining on, and senders wait for it.

use std::thread;
use std::time::{Duration, Instant};

use crossproc::{
    Broadcast, Error, Group, Mutex, RecvError, RecvTimeoutError, SendError, SendTimeoutError,
    TryRecvError, TrySendError,
};

use crate::support::unique_name;

#[test]
fn everyone_receives_everything_from_its_joining_on() {
    guarded!();
    let ring = Broadcast::new(3).unwrap();
    let mut early = ring.subscribe().unwrap();
    for lap in 0..100u64 {
        ring.send(2 * lap).unwrap();
        let mut late = ring.subscribe().unwrap();
        ring.send(2 * lap + 1).unwrap();
        assert_eq!((early.len(), late.len()), (2, 1));
        assert_eq!(early.try_iter().collect::<Vec<_>>(), [2 * lap, 2 * lap + 1]);
        assert_eq!(late.try_iter().collect::<Vec<_>>(), [2 * lap + 1]);
        assert_eq!(ring.subscribers(), 2);
    }
    assert_eq!(
        (ring.sent(), ring.subscribers(), ring.repairs()),
        (200, 1, 0)
    );
}

#[test]
fn without_subscribers_values_go_nowhere() {
    guarded!();
    let ring = Broadcast::new(2).unwrap();
    for n in 0..10u32 {
        ring.try_send(n).unwrap();
    }
    let mut subscriber = ring.subscribe().unwrap();
    assert_eq!(subscriber.try_recv(), Err(TryRecvError::Empty));
    ring.send(10).unwrap();
    assert_eq!(subscriber.try_recv(), Ok(10));
}

#[test]
fn senders_wait_for_the_slowest() {
    guarded!();
    for capacity in [1, 2, 3, 4, 5, 8] {
        let ring = Broadcast::new(capacity).unwrap();
        let (mut slow, mut quick) = (ring.subscribe().unwrap(), ring.subscribe().unwrap());
        for n in 0..capacity {
            ring.try_send(n).unwrap();
        }
        for n in 0..3 * capacity {
            assert_eq!(quick.try_recv(), Ok(n));
            assert_eq!(ring.try_send(0), Err(TrySendError::Full(0)));
            assert_eq!(slow.try_recv(), Ok(n));
            ring.try_send(capacity + n).unwrap();
        }
        // Whoever leaves is not waited for.
        assert_eq!(ring.try_send(0), Err(TrySendError::Full(0)));
        slow.unsubscribe();
        assert_eq!(quick.try_iter().count(), capacity);
        ring.try_send(0).unwrap();
    }
}

#[test]
fn time_limits_are_kept() {
    guarded!();
    let ring = Broadcast::new(1).unwrap();
    let limit = Duration::from_millis(20);
    let mut subscriber = ring.subscribe_timeout(limit).unwrap();
    let start = Instant::now();
    assert_eq!(
        subscriber.recv_timeout(limit),
        Err(RecvTimeoutError::Timeout)
    );
    ring.send(1).unwrap();
    assert_eq!(
        ring.send_timeout(2, limit),
        Err(SendTimeoutError::Timeout(2))
    );
    assert!(start.elapsed() >= 2 * limit);
    let past = Instant::now();
    assert_eq!(
        ring.send_deadline(2, past),
        Err(SendTimeoutError::Timeout(2))
    );
    assert_eq!(subscriber.recv_deadline(past), Ok(1));
}

#[test]
fn closing_drains_and_then_ends() {
    guarded!();
    let ring = Broadcast::new(4).unwrap();
    let mut subscriber = ring.subscribe().unwrap();
    ring.send(1u32).unwrap();
    ring.send(2).unwrap();
    ring.close();
    assert!(ring.is_closed());
    assert_eq!(ring.send(3), Err(SendError::Closed(3)));
    assert_eq!(ring.try_send(3), Err(TrySendError::Closed(3)));
    assert_eq!(subscriber.iter().collect::<Vec<_>>(), [1, 2]);
    assert_eq!(subscriber.recv(), Err(RecvError::Closed));
    let mut late = ring.subscribe().unwrap();
    assert_eq!(late.try_recv(), Err(TryRecvError::Closed));
    assert_eq!(ring.sent(), 2);
}

#[test]
fn closing_wakes_everyone_who_waits() {
    guarded!();
    let empty = Broadcast::<u64>::new(1).unwrap();
    let full = Broadcast::new(1).unwrap();
    let mut unread = full.subscribe().unwrap();
    full.send(7).unwrap();
    thread::scope(|scope| {
        let receivers: Vec<_> = (0..3)
            .map(|_| empty.subscribe().unwrap())
            .map(|mut subscriber| scope.spawn(move || subscriber.recv()))
            .collect();
        let full = &full;
        let senders: Vec<_> = (0..3).map(|n| scope.spawn(move || full.send(n))).collect();
        thread::sleep(Duration::from_millis(20));
        empty.close();
        full.close();
        for receiver in receivers {
            assert_eq!(receiver.join().unwrap(), Err(RecvError::Closed));
        }
        for (n, sender) in (0..).zip(senders) {
            assert_eq!(sender.join().unwrap(), Err(SendError::Closed(n)));
        }
    });
    assert_eq!(unread.iter().collect::<Vec<_>>(), [7]);
}

#[test]
fn leaving_makes_room_for_those_who_wait() {
    guarded!();
    let ring = Broadcast::new(1).unwrap();
    let unread = ring.subscribe().unwrap();
    ring.send(0).unwrap();
    thread::scope(|scope| {
        let ring = &ring;
        let senders: Vec<_> = (1..5).map(|n| scope.spawn(move || ring.send(n))).collect();
        thread::sleep(Duration::from_millis(20));
        drop(unread);
        for sender in senders {
            sender.join().unwrap().unwrap();
        }
    });
    assert_eq!(ring.sent(), 5);
}

#[test]
fn there_are_as_many_places_as_participants() {
    guarded!();
    let ring = Broadcast::<u8>::options()
        .capacity(1)
        .participants(6)
        .anonymous()
        .unwrap();
    let mut all: Vec<_> = (0..6).map(|_| ring.subscribe().unwrap()).collect();
    let refused = ring.subscribe().map(drop);
    assert!(matches!(
        refused,
        Err(Error::SubscribersFull { subscribers: 6 })
    ));
    // A place that is given back is another's, as often as one likes.
    for n in 0..20u8 {
        drop(all.remove(usize::from(n % 6)));
        all.push(ring.subscribe().unwrap());
        ring.send(n).unwrap();
        for subscriber in &mut all {
            assert_eq!(subscriber.try_recv(), Ok(n));
        }
    }
    assert_eq!(ring.repairs(), 0);
}

#[test]
fn a_subscriber_moves_between_threads() {
    guarded!();
    let ring = Broadcast::new(8).unwrap();
    let mut subscriber = ring.subscribe().unwrap();
    for n in 0..5u64 {
        ring.send(n).unwrap();
        subscriber = thread::scope(|scope| {
            let there = scope.spawn(move || {
                assert_eq!(subscriber.recv(), Ok(n));
                subscriber
            });
            there.join().unwrap()
        });
    }
}

#[test]
fn names_and_groups() {
    guarded!();
    let name = unique_name("broadcast");
    let one = Broadcast::<u64>::create(&name, 4).unwrap();
    let other = Broadcast::<u64>::open(&name).unwrap();
    let mut subscriber = other.subscribe().unwrap();
    one.send(5).unwrap();
    assert_eq!(subscriber.recv(), Ok(5));
    assert_eq!((other.capacity(), other.name()), (4, Some(&*name)));
    one.unlink().unwrap();

    let (lock, ring, more) = Group::of((
        Mutex::options().value(1u8),
        Broadcast::<u64>::options().capacity(4),
        Broadcast::<u64>::options().capacity(2),
    ))
    .anonymous()
    .unwrap();
    let (mut subscriber, mut nothing) = (ring.subscribe().unwrap(), more.subscribe().unwrap());
    ring.send(6).unwrap();
    assert_eq!(subscriber.recv(), Ok(6));
    assert_eq!(nothing.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(*lock.lock().unwrap(), 1);
}
