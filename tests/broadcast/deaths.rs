//! Who is killed is in nobody's way; who is stopped is waited for, by those who wait for the slow.

use std::time::{Duration, Instant};

use crossproc::{Broadcast, Latest, Overwriting, SendTimeoutError, TryRecvError, testing};

use super::children::{Holder, asleep, killed_while_another_sleeps, sleeps, succeeds, until};
use super::forked::{Child, fork};

#[test]
fn subscriber_killed_while_a_sender_waits_for_it() {
    guarded!();
    let ring = Broadcast::new(2).unwrap();
    let has = || {
        let subscriber = ring.subscribe().unwrap();
        (0..2u64).for_each(|n| ring.send(n).unwrap());
        subscriber
    };
    killed_while_another_sleeps(has, || ring.send(2).unwrap());
    assert_eq!((ring.sent(), ring.subscribers()), (3, 0));
    // Its place is another's.
    let mut subscriber = ring.subscribe().unwrap();
    assert_eq!(ring.repairs(), 1);
    ring.send(3).unwrap();
    assert_eq!(subscriber.recv(), Ok(3));
}

#[test]
fn one_of_several_subscribers_killed() {
    guarded!();
    let ring = Broadcast::new(2).unwrap();
    let mut mine = ring.subscribe().unwrap();
    let mut other = Holder::of(|| ring.subscribe().unwrap());
    (0..2u64).for_each(|n| ring.send(n).unwrap());
    assert_eq!((mine.recv(), mine.recv()), (Ok(0), Ok(1)));
    let mut senders: [Child; 2] = [(); 2].map(|()| asleep(|| ring.send(2).unwrap()));
    let start = Instant::now();
    other.kill();
    senders.iter_mut().for_each(succeeds);
    println!("two sent, and ended: {:?} after the kill", start.elapsed());
    assert_eq!((mine.recv(), mine.recv()), (Ok(2), Ok(2)));
    assert_eq!(mine.try_recv(), Err(TryRecvError::Empty));
}

#[test]
fn waiting_subscribers_killed() {
    guarded!();
    let ring = Broadcast::new(1).unwrap();
    let mut waiters: Vec<_> = (0..6)
        .map(|_| asleep(|| assert_eq!(ring.subscribe().unwrap().recv(), Ok(5u64))))
        .collect();
    waiters.iter_mut().step_by(2).for_each(Child::kill);
    ring.send(5).unwrap();
    waiters.iter_mut().skip(1).step_by(2).for_each(succeeds);
    assert_eq!(ring.subscribers(), 0);
}

#[test]
fn waiting_senders_killed() {
    guarded!();
    let ring = Broadcast::new(1).unwrap();
    let mut mine = ring.subscribe().unwrap();
    ring.send(0u64).unwrap();
    let mut senders: Vec<_> = (0..6).map(|_| asleep(|| ring.send(1).unwrap())).collect();
    senders.iter_mut().step_by(2).for_each(Child::kill);
    assert_eq!(mine.recv(), Ok(0));
    for _ in 0..3 {
        assert_eq!(mine.recv(), Ok(1));
    }
    senders.iter_mut().skip(1).step_by(2).for_each(succeeds);
    assert_eq!(
        (mine.try_recv(), ring.sent()),
        (Err(TryRecvError::Empty), 4)
    );
}

/// Stopped for as long as one who waits in vain for it takes, in every way there is.
#[test]
fn a_stopped_subscriber_is_waited_for() {
    guarded!();
    testing::set_backstop(Duration::from_millis(20));
    let ring = Broadcast::new(2).unwrap();
    let holder = Holder::with(
        || ring.subscribe().unwrap(),
        |mut subscriber| {
            let received: Vec<u64> = subscriber.iter().take(3).collect();
            assert_eq!(received, [0, 1, 2]);
        },
    );
    (0..2).for_each(|n| ring.send(n).unwrap());
    holder.stop();
    let mut waiter = asleep(|| ring.send(2).unwrap());
    let refused = ring.send_timeout(9, Duration::from_millis(500));
    assert_eq!(refused, Err(SendTimeoutError::Timeout(9)));
    assert_eq!(waiter.try_wait(), None, "nothing is overwritten");
    holder.go_on();
    sleeps(&mut waiter);
    holder.let_go();
    succeeds(&mut waiter);
    assert_eq!((ring.sent(), ring.repairs()), (3, 0));
}

#[test]
fn a_stopped_reader_is_not_waited_for() {
    guarded!();
    let ring = Overwriting::new(2).unwrap();
    let holder = Holder::with(
        || ring.reader(),
        |mut reader| {
            let received = reader.recv().unwrap();
            assert_eq!((received.value, received.missed), (998u64, 998));
        },
    );
    holder.stop();
    (0..1000).for_each(|n| ring.send(n).unwrap());
    holder.go_on();
    holder.let_go();
}

/// Wherever a sender is killed, who waits for values gets those of the others, and what it gets is whole.
#[test]
fn senders_killed_while_they_send() {
    guarded!();
    let ring = Overwriting::new(4).unwrap();
    let latest = Latest::new([0u64; 32]).unwrap();
    let mut reader = ring.reader();
    for _ in 0..50 {
        let before = ring.sent();
        let mut busy = fork(|| {
            for n in 0.. {
                ring.send([n; 32]).unwrap();
                latest.set([n; 32]).unwrap();
            }
        });
        until(|| ring.sent() > before);
        busy.kill();
        ring.send([7; 32]).unwrap();
        latest.set([7; 32]).unwrap();
        assert_eq!(latest.get(), Ok([7; 32]));
        let newest = std::iter::from_fn(|| reader.try_recv().ok())
            .inspect(|received| assert_eq!(received.value, [received.value[0]; 32]))
            .last();
        assert_eq!(newest.map(|received| received.value), Some([7; 32]));
    }
}
