//! What each source is ready for, and what is told of it.

use std::io::{Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use crossproc::{
    Broadcast, CountingSemaphore, Event, Fault, Group, Latest, MessageQueue, ObjectQueue,
    Overwriting, Queue, RecvError, Semaphore, TryRecvError, WaitTimeoutError, Waitable, pipe,
    process, spsc, try_wait_any, wait_any, wait_any_deadline, wait_any_timeout,
};

use crate::children::{asleep, succeeds, until};
use crate::forked::fork;

/// Of two sources, of which the second is not ready.
fn is_ready(source: &dyn Waitable) -> bool {
    let never = Event::new().unwrap();
    match try_wait_any(&[source, &never]).unwrap() {
        Some(0) => true,
        None => false,
        Some(other) => panic!("{other} is not ready"),
    }
}

#[test]
fn a_queue_is_ready_when_there_is_something_or_it_is_closed() {
    guarded!();
    let queue = Queue::new(2).unwrap();
    assert!(!is_ready(&queue));
    queue.send(7u64).unwrap();
    assert!(is_ready(&queue));
    assert!(is_ready(&queue), "it takes nothing");
    assert_eq!(queue.try_recv(), Ok(7));
    assert!(!is_ready(&queue));
    queue.close();
    assert!(is_ready(&queue));
    assert_eq!(queue.try_recv(), Err(TryRecvError::Closed));
}

#[test]
fn a_ring_is_ready_when_there_is_something_or_its_producer_has_left() {
    guarded!();
    let (mut producer, mut consumer) = spsc::ring(2).unwrap();
    assert!(!is_ready(&consumer));
    producer.send(7u64).unwrap();
    assert!(is_ready(&consumer));
    assert_eq!(consumer.try_recv(), Ok(7));
    assert!(!is_ready(&consumer));
    drop(producer);
    assert!(is_ready(&consumer));
    assert_eq!(consumer.recv(), Err(RecvError::Closed));
}

#[test]
fn an_event_is_ready_while_it_is_set() {
    guarded!();
    let event = Event::new().unwrap();
    assert!(!is_ready(&event));
    event.set().unwrap();
    assert!(is_ready(&event));
    event.reset().unwrap();
    assert!(!is_ready(&event));
}

#[test]
fn a_semaphore_is_ready_while_there_is_a_permit() {
    guarded!();
    let semaphore = Semaphore::new(1).unwrap();
    assert!(is_ready(&semaphore));
    let permit = semaphore.acquire().unwrap();
    assert!(!is_ready(&semaphore));
    drop(permit);
    assert!(is_ready(&semaphore));

    let counting = CountingSemaphore::new(0).unwrap();
    assert!(!is_ready(&counting));
    counting.release(1).unwrap();
    assert!(is_ready(&counting));
    counting.acquire().unwrap();
    assert!(!is_ready(&counting));
}

#[test]
fn a_child_is_ready_when_it_has_ended() {
    guarded!();
    let end = Event::new().unwrap();
    let child = process::spawn(|end: Event| end.wait().is_ok(), end.clone()).unwrap();
    assert!(!is_ready(&child));
    end.set().unwrap();
    assert_eq!(wait_any(&[&child]), Ok(0));
    assert!(is_ready(&child));
    assert_eq!(child.join(), Ok(true));
}

#[test]
fn time_limits_are_kept() {
    guarded!();
    let (queue, event) = (Queue::<u64>::new(1).unwrap(), Event::new().unwrap());
    let limit = Duration::from_millis(20);
    let begin = Instant::now();
    let timeout = Err(WaitTimeoutError::Timeout);
    assert_eq!(wait_any_timeout(&[&queue, &event], limit), timeout);
    assert!(begin.elapsed() >= limit);
    assert_eq!(wait_any_deadline(&[&queue, &event], begin), timeout);
    assert_eq!(wait_any_timeout(&[&queue], Duration::ZERO), timeout);
    event.set().unwrap();
    assert_eq!(wait_any_timeout(&[&queue, &event], limit), Ok(1));
    assert_eq!(
        wait_any_deadline(&[&queue, &event], begin),
        Ok(1),
        "it is ready"
    );
    assert_eq!(wait_any_timeout(&[&event], Duration::MAX), Ok(0));
}

#[test]
fn of_several_that_are_ready_each_has_its_turn() {
    guarded!();
    let events = [(); 3].map(|()| Event::new().unwrap());
    events
        .iter()
        .for_each(|event| assert!(event.set().unwrap()));
    let [a, b, c] = &events;
    let mut named = [0; 3];
    for _ in 0..30 {
        named[wait_any(&[a, b, c]).unwrap()] += 1;
    }
    assert_eq!(named, [10; 3]);
}

#[test]
fn nothing_to_wait_for() {
    guarded!();
    assert_eq!(try_wait_any(&[]), Ok(None));
    let limit = Duration::from_millis(5);
    assert_eq!(wait_any_timeout(&[], limit), Err(WaitTimeoutError::Timeout));
    let forever = catch_unwind(AssertUnwindSafe(|| wait_any(&[])));
    assert!(forever.is_err());
}

#[test]
fn the_same_source_twice() {
    guarded!();
    let event = Event::new().unwrap();
    let mut waiter = asleep(|| assert!(wait_any(&[&event, &event]).unwrap() < 2));
    event.set().unwrap();
    succeeds(&mut waiter);
}

#[test]
fn parts_of_one_segment_and_handles_of_several() {
    guarded!();
    let parts = (Queue::<u64>::options().capacity(2), Event::options());
    let (orders, stop) = Group::of(parts).anonymous().unwrap();
    let other = Queue::<u64>::new(1).unwrap();
    let mut waiter = asleep(|| assert_eq!(wait_any(&[&other, &orders, &stop]), Ok(1)));
    orders.send(1).unwrap();
    succeeds(&mut waiter);
}

#[test]
fn a_role_that_a_fork_has_lost_fails_at_once() {
    guarded!();
    let (_producer, mut consumer) = spsc::ring::<u64>(1).unwrap();
    let never = Event::new().unwrap();
    let mut child = fork(|| {
        assert_eq!(wait_any(&[&never, &consumer]), Ok(1));
        assert_eq!(
            consumer.try_recv(),
            Err(TryRecvError::Fault(Fault::RoleLost))
        );
    });
    succeeds(&mut child);
    assert!(!is_ready(&consumer), "the parent's is as it was");
}

#[test]
fn a_child_of_another_process_fails_at_once() {
    guarded!();
    let end = Event::new().unwrap();
    let spawned = process::spawn(|end: Event| end.wait().unwrap(), end.clone()).unwrap();
    let mut fork = fork(|| assert_eq!(wait_any(&[&spawned]), Ok(0)));
    succeeds(&mut fork);
    end.set().unwrap();
    spawned.join().unwrap();
}

#[test]
fn no_place_for_this_participant() {
    guarded!();
    let full = Queue::<u64>::options()
        .capacity(1)
        .participants(3)
        .anonymous()
        .unwrap();
    let fits = Event::new().unwrap();
    fits.set().unwrap();
    full.send(1).unwrap(); // This thread's; the other is the process's own.
    std::thread::scope(|scope| {
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let full = &full;
        let third = scope.spawn(move || {
            full.try_recv().unwrap();
            let _ = wait.recv();
        });
        until(|| full.is_empty());
        let fourth = scope.spawn(|| wait_any(&[&fits, full]));
        let refused = fourth.join().unwrap();
        assert_eq!(refused, Err(Fault::ParticipantsFull { participants: 3 }));
        drop(release);
        third.join().unwrap();
    });
}

/// Of each kind of channel: nothing to receive, something, and something that was received.
macro_rules! ready_by_turns {
    ($receiver:ident, $send:expr, $receive:expr) => {
        assert!(!is_ready(&$receiver));
        $send;
        assert!(is_ready(&$receiver));
        assert!(is_ready(&$receiver), "it takes nothing");
        let _ = $receive;
        assert!(!is_ready(&$receiver));
    };
}

#[test]
fn message_queues() {
    guarded!();
    let frames = MessageQueue::new(1 << 16).unwrap();
    ready_by_turns!(frames, frames.send(b"one").unwrap(), frames.recv().unwrap());
    frames.close();
    assert!(is_ready(&frames));
    let jobs = ObjectQueue::<String>::new(1 << 16).unwrap();
    ready_by_turns!(
        jobs,
        jobs.send(&"one".into()).unwrap(),
        jobs.recv().unwrap()
    );
    // One on lease that is given back.
    jobs.send(&"two".into()).unwrap();
    let lease = jobs.lease().unwrap();
    assert!(!is_ready(&jobs));
    drop(lease);
    assert!(is_ready(&jobs));
}

#[test]
fn pipes() {
    guarded!();
    let (mut sender, mut receiver) = pipe::simplex::<String>().unwrap();
    ready_by_turns!(
        receiver,
        sender.send(&"one".into()).unwrap(),
        receiver.recv().unwrap()
    );
    drop(sender);
    assert!(is_ready(&receiver));
    let (mut near, mut far) = pipe::duplex::<u64, u64>().unwrap();
    near.send(&1).unwrap();
    assert!(is_ready(&far) && !is_ready(&near));
    assert_eq!(far.recv(), Ok(1));
    assert!(!is_ready(&far));
    let (mut sender, mut receiver) = pipe::bytes().unwrap();
    sender.write_all(b"one").unwrap();
    assert!(is_ready(&receiver));
    receiver.read_exact(&mut [0; 3]).unwrap();
    assert!(!is_ready(&receiver));
}

#[test]
fn what_everybody_hears() {
    guarded!();
    let ring = Broadcast::<u64>::new(4).unwrap();
    let mut subscriber = ring.subscribe().unwrap();
    ready_by_turns!(
        subscriber,
        ring.send(1).unwrap(),
        subscriber.recv().unwrap()
    );
    let ring = Overwriting::<u64>::new(4).unwrap();
    let mut reader = ring.reader();
    ready_by_turns!(reader, ring.send(1).unwrap(), reader.recv().unwrap());
    let latest = Latest::new(0u64).unwrap();
    let mut watcher = latest.watch();
    ready_by_turns!(watcher, latest.set(1).unwrap(), watcher.changed().unwrap());
}
