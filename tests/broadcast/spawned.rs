//! Handles that travel in the arguments of spawned processes.

use crossproc::broadcast::{Reader, Subscriber, Watcher};
use crossproc::process::{JoinError, spawn};
use crossproc::{Broadcast, Latest, Overwriting};

fn all(mut subscriber: Subscriber<u64>) -> Vec<u64> {
    subscriber.iter().collect()
}

#[test]
fn a_subscription_moves_with_what_it_has_not_received() {
    guarded!();
    let ring = Broadcast::new(4).unwrap();
    let mut subscriber = ring.subscribe().unwrap();
    (0..3).for_each(|n| ring.send(n).unwrap());
    assert_eq!(subscriber.recv(), Ok(0));
    let child = spawn(
        |mut subscriber: Subscriber<u64>| {
            // From here it moves on to a child of the child.
            let one = subscriber.recv().unwrap();
            let rest = spawn(all, subscriber).unwrap().join().unwrap();
            (one, rest)
        },
        subscriber,
    )
    .unwrap();
    (3..100).for_each(|n| ring.send(n).unwrap());
    ring.close();
    assert_eq!(child.join().unwrap(), (1, (2..100).collect()));
    assert_eq!((ring.subscribers(), ring.repairs()), (0, 0));
}

#[test]
fn a_child_that_dies_is_not_waited_for() {
    guarded!();
    let ring = Broadcast::new(1).unwrap();
    let child = spawn(
        |mut subscriber: Subscriber<u64>| {
            assert_eq!(subscriber.recv(), Ok(0));
            std::process::abort()
        },
        ring.subscribe().unwrap(),
    )
    .unwrap();
    for n in 0..5 {
        ring.send(n).unwrap();
    }
    let ended: Result<(), _> = child.join();
    assert!(matches!(ended, Err(JoinError::Killed { .. })), "{ended:?}");
    assert_eq!(ring.subscribers(), 0);
}

#[test]
fn readers_and_watchers_travel() {
    guarded!();
    let (ring, latest) = (Overwriting::new(4).unwrap(), Latest::new(1u64).unwrap());
    let (mut reader, mut watcher) = (ring.reader(), latest.watch());
    (0..6u64).for_each(|n| ring.send(n).unwrap());
    assert_eq!(reader.recv().unwrap().value, 2);
    latest.set(2).unwrap();
    assert_eq!(watcher.changed().unwrap().value, 2);
    let child = spawn(
        |(reader, mut watcher): (Reader<u64>, Watcher<u64>)| {
            let values: Vec<u64> = reader.map(|received| received.value).collect();
            (values, watcher.changed().unwrap().value)
        },
        (reader, watcher),
    )
    .unwrap();
    latest.set(3).unwrap();
    ring.close();
    assert_eq!(child.join().unwrap(), (vec![3, 4, 5], 3));
}

#[test]
fn handles_travel() {
    guarded!();
    let ring = Broadcast::new(2).unwrap();
    let mut subscriber = ring.subscribe().unwrap();
    let (samples, latest) = (Overwriting::new(2).unwrap(), Latest::new(1u8).unwrap());
    let child = spawn(
        |(ring, samples, latest): (Broadcast<u64>, Overwriting<u64>, Latest<u8>)| {
            ring.send(5).unwrap();
            samples.send(6).unwrap();
            latest.set(latest.get().unwrap() + 1).unwrap();
        },
        (ring.clone(), samples.clone(), latest.clone()),
    )
    .unwrap();
    child.join().unwrap();
    assert_eq!(subscriber.recv(), Ok(5));
    assert_eq!(samples.reader_from_oldest().recv().unwrap().value, 6);
    assert_eq!(latest.get(), Ok(2));
}
