//! Sending and receiving, waiting and acquiring, between tasks, threads and processes.

use std::future::poll_fn;
use std::pin::Pin;
use std::thread;

use crossproc::{
    Broadcast, CountingSemaphore, Event, Latest, MessageQueue, ObjectQueue, Overwriting, Queue,
    RecvError, Semaphore, SendError, pipe, process, spsc,
};
use futures_core::Stream;

use crate::children::{asleep, succeeds, until};
use crate::{on_each, one_thread, servers};

async fn next<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    poll_fn(|context| Pin::new(&mut *stream).poll_next(context)).await
}

#[test]
fn two_tasks_of_one_executor() {
    guarded!();
    on_each(|| async {
        let queue = Queue::new(1).unwrap();
        let sent = queue.clone();
        let sender = tokio::spawn(async move {
            for n in 0..2000u64 {
                sent.send_async(n).await.unwrap();
            }
            sent.close();
        });
        for n in 0..2000 {
            assert_eq!(queue.recv_async().await, Ok(n));
        }
        assert_eq!(queue.recv_async().await, Err(RecvError::Closed));
        assert_eq!(queue.send_async(1).await, Err(SendError::Closed(1)));
        sender.await.unwrap();
    });
}

#[test]
fn a_task_and_a_thread() {
    guarded!();
    on_each(|| async {
        let (mut producer, mut consumer) = spsc::ring::<u64>(2).unwrap();
        let (back, answers) = spsc::ring::<u64>(2).unwrap();
        let thread = thread::spawn(move || {
            let (mut back, mut sum) = (back, 0);
            while let Ok(n) = consumer.recv() {
                sum += n;
                back.send(n + 1).unwrap();
            }
            sum
        });
        let mut answers = answers;
        for n in 0..2000 {
            producer.send_async(n).await.unwrap();
            assert_eq!(answers.recv_async().await, Ok(n + 1));
        }
        drop(producer);
        assert_eq!(answers.recv_async().await, Err(RecvError::Closed));
        assert_eq!(thread.join().unwrap(), (0..2000).sum());
    });
}

fn double((numbers, results): (Queue<u64>, Queue<u64>)) -> u64 {
    let executor = one_thread();
    executor.block_on(async {
        let (mut numbers, mut count) = (numbers.stream(), 0);
        while let Some(number) = next(&mut numbers).await {
            results.send_async(2 * number).await.unwrap();
            count += 1;
        }
        results.close();
        count
    })
}

#[test]
fn two_processes() {
    guarded!();
    on_each(|| async {
        let (numbers, results) = (Queue::new(2).unwrap(), Queue::new(2).unwrap());
        let mut child = process::spawn(double, (numbers.clone(), results.clone())).unwrap();
        let sender = tokio::spawn(async move {
            for n in 0..1000 {
                numbers.send_async(n).await.unwrap();
            }
            numbers.close();
        });
        let (mut results, mut sum) = (results.stream(), 0);
        while let Some(result) = next(&mut results).await {
            sum += result;
        }
        assert_eq!(sum, (0..1000).map(|n| 2 * n).sum());
        sender.await.unwrap();
        assert_eq!(child.join_async().await, Ok(1000));
    });
}

#[test]
fn a_rings_stream_ends_with_its_producer() {
    guarded!();
    on_each(|| async {
        let (mut producer, mut consumer) = spsc::ring::<u64>(4).unwrap();
        let sender = tokio::spawn(async move {
            for n in 0..100 {
                producer.send_async(n).await.unwrap();
            }
        });
        let (mut stream, mut received) = (consumer.stream(), Vec::new());
        while let Some(value) = next(&mut stream).await {
            received.push(value);
        }
        drop(stream);
        assert_eq!(received, (0..100).collect::<Vec<_>>());
        assert_eq!(consumer.recv(), Err(RecvError::Closed));
        sender.await.unwrap();
    });
}

#[test]
fn events_and_semaphores() {
    guarded!();
    on_each(|| async {
        let event = Event::new().unwrap();
        let semaphore = Semaphore::new(1).unwrap();
        let counting = CountingSemaphore::new(0).unwrap();
        let permit = semaphore.acquire().unwrap();
        let mut child = asleep(|| {
            let held = counting.acquire();
            event.set().unwrap();
            event.reset().unwrap(); // Whoever has waited is served.
            held.unwrap();
        });
        let waited = event.wait_async();
        counting.release(1).unwrap();
        assert_eq!(waited.await, Ok(()));
        succeeds(&mut child);
        assert!(!event.is_set());

        tokio::select! {
            biased;
            _ = semaphore.acquire_async() => panic!("somebody has it"),
            _ = counting.acquire_async() => panic!("there is none"),
            _ = tokio::task::yield_now() => {}
        }
        let mut child = asleep(|| event.wait().unwrap());
        drop(permit);
        let permit = semaphore.acquire_async().await.unwrap();
        event.set().unwrap();
        succeeds(&mut child);
        drop(permit);
        assert_eq!(semaphore.available(), 1);
        counting.release(2).unwrap();
        assert_eq!(counting.acquire_async().await, Ok(()));
        assert_eq!(counting.count(), 1);
    });
}

#[test]
fn the_threads_end_when_nobody_waits() {
    guarded!();
    one_thread().block_on(async {
        let queue = Queue::<u64>::new(1).unwrap();
        tokio::select! {
            biased;
            _ = queue.recv_async() => panic!("there is nothing"),
            () = async { until(|| servers() == 1) } => {}
        }
    });
    until(|| servers() == 0);
}

const MANY: u64 = 200;
/// A message longer than the pipe, if there are some hundreds of words in it.
const TEXT: &str = "as long as it takes to fill a page";

type Senders = (
    MessageQueue,
    ObjectQueue<String>,
    Broadcast<u64>,
    Overwriting<u64>,
    Latest<u64>,
    pipe::Sender<String>,
);

fn send_on_all((frames, texts, news, ticks, latest, mut letters): Senders) {
    one_thread().block_on(async {
        for n in 0..MANY {
            frames.send_async(&n.to_ne_bytes()).await.unwrap();
            texts.send_async(&n.to_string()).await.unwrap();
            news.send_async(n).await.unwrap();
            ticks.send(n).unwrap();
            latest.set(n + 1).unwrap();
        }
    });
    for n in 0..MANY {
        letters.send(&TEXT.repeat(n as usize * 10)).unwrap();
    }
    ticks.close();
}

/// Whatever else there is to receive from, sent by another process.
#[test]
fn messages_of_all_kinds() {
    guarded!();
    on_each(|| async {
        let frames = MessageQueue::new(1 << 12).unwrap();
        let texts = ObjectQueue::<String>::new(1 << 12).unwrap();
        let news = Broadcast::new(2).unwrap();
        let ticks = Overwriting::new(4).unwrap();
        let latest = Latest::new(0u64).unwrap();
        let (sender, mut letters) = pipe::options()
            .capacity(1 << 12)
            .simplex::<String>()
            .unwrap();
        let mut subscriber = news.subscribe().unwrap();
        let (mut reader, mut watcher) = (ticks.reader(), latest.watch());
        let all = (
            frames.clone(),
            texts.clone(),
            news.clone(),
            ticks.clone(),
            latest.clone(),
            sender,
        );
        let mut child = process::spawn(send_on_all, all).unwrap();
        let frames = async {
            for n in 0..MANY {
                assert_eq!(frames.recv_async().await.unwrap().to_vec(), n.to_ne_bytes());
            }
        };
        let texts = async {
            for n in 0..MANY {
                let lease = texts.lease_async().await.unwrap();
                assert_eq!(lease.ack(), n.to_string());
            }
        };
        let news = async {
            for n in 0..MANY {
                assert_eq!(subscriber.recv_async().await, Ok(n));
            }
        };
        let ticks = async {
            let mut heard = 0;
            while let Some(tick) = next(&mut reader.stream()).await {
                heard += 1 + tick.missed;
            }
            assert_eq!(heard, MANY);
        };
        let latest = async { while watcher.changed_async().await.unwrap().value != MANY {} };
        let letters = async {
            for n in 0..MANY {
                let letter = letters.recv_async().await.unwrap();
                assert!(letter == TEXT.repeat(n as usize * 10));
            }
        };
        tokio::join!(frames, texts, news, ticks, latest, letters);
        child.join_async().await.unwrap();
    });
}
