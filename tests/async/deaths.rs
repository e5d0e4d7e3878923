//! Whoever owes a wake is killed.

use crossproc::process::{self, JoinError};
use crossproc::{Event, Queue, RecvError, Semaphore, SendError, spsc};

use crate::children::{Holder, until};
use crate::on_each;

fn send_for_ever((mut producer, begun): (spsc::Producer<u64>, Event)) {
    producer.send(1).unwrap();
    begun.set().unwrap();
    Event::new().unwrap().wait().unwrap(); // For ever.
}

#[test]
fn a_producer_is_killed() {
    guarded!();
    on_each(|| async {
        let (producer, mut consumer) = spsc::ring(4).unwrap();
        let begun = Event::new().unwrap();
        let mut child = process::spawn(send_for_ever, (producer, begun.clone())).unwrap();
        begun.wait_async().await.unwrap();
        assert_eq!(consumer.recv_async().await, Ok(1));
        let received = tokio::join!(consumer.recv_async(), async { child.kill().unwrap() });
        assert_eq!(received.0, Err(RecvError::PeerDied));
        assert!(matches!(
            child.join_async().await,
            Err(JoinError::Killed { signal: 9 })
        ));
    });
}

fn receive_once((mut consumer, begun): (spsc::Consumer<u64>, Event)) {
    consumer.recv().unwrap();
    begun.set().unwrap();
    Event::new().unwrap().wait().unwrap(); // For ever.
}

#[test]
fn a_consumer_is_killed() {
    guarded!();
    on_each(|| async {
        let (mut producer, consumer) = spsc::ring(1).unwrap();
        let begun = Event::new().unwrap();
        let child = process::spawn(receive_once, (consumer, begun.clone())).unwrap();
        producer.send_async(1).await.unwrap();
        begun.wait_async().await.unwrap();
        producer.send_async(2).await.unwrap();
        let sent = tokio::join!(producer.send_async(3), async { child.kill().unwrap() });
        assert_eq!(sent.0, Err(SendError::PeerDied(3)));
        child.join().unwrap_err();
    });
}

#[test]
fn a_permits_holder_is_killed() {
    guarded!();
    on_each(|| async {
        let semaphore = Semaphore::new(1).unwrap();
        let mut holder = Holder::of(|| semaphore.acquire().unwrap());
        let (permit, ()) = tokio::join!(semaphore.acquire_async(), async { holder.kill() });
        drop(permit.unwrap());
        assert_eq!(semaphore.repairs(), 1);
    });
}

/// Processes whose tasks wait for the same queue are killed at any time; the others get what is sent.
#[test]
fn those_who_wait_are_killed() {
    guarded!();
    on_each(|| async {
        let (queue, answers) = (Queue::<u64>::new(4).unwrap(), Queue::<u64>::new(4).unwrap());
        let serve = |(queue, answers): (Queue<u64>, Queue<u64>)| {
            crate::one_thread().block_on(async {
                while let Ok(n) = queue.recv_async().await {
                    answers.send_async(n).await.unwrap();
                }
            });
        };
        let spawn = || process::spawn(serve, (queue.clone(), answers.clone())).unwrap();
        let lasting = spawn();
        for n in 0..20 {
            let doomed = spawn();
            // So that it has begun, by itself or with help.
            queue.send(n).unwrap();
            assert_eq!(answers.recv_async().await, Ok(n));
            doomed.kill().unwrap();
            doomed.join().unwrap_err();
            queue.send(n).unwrap();
            assert_eq!(answers.recv_async().await, Ok(n));
            until(|| queue.is_empty());
        }
        queue.close();
        lasting.join().unwrap();
    });
}
