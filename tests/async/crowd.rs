//! Many futures, few threads.

use std::fs;

use crossproc::{Event, Queue};

use crate::children::until;
use crate::{one_thread, servers};

fn threads() -> usize {
    fs::read_dir("/proc/self/task").unwrap().count()
}

#[test]
fn a_thousand_futures_at_one_queue() {
    guarded!();
    one_thread().block_on(async {
        let queue = Queue::<u64>::new(16).unwrap();
        let before = threads();
        let tasks: Vec<_> = (0..1000)
            .map(|_| {
                let queue = queue.clone();
                tokio::spawn(async move { queue.recv_async().await.unwrap() })
            })
            .collect();
        while servers() == 0 {
            tokio::task::yield_now().await;
        }
        // The one that sleeps, and the keeper.
        assert!(threads() <= before + 2, "{} threads", threads());
        for n in 0..1000 {
            queue.send_async(n).await.unwrap();
        }
        let mut sum = 0;
        for task in tasks {
            sum += task.await.unwrap();
        }
        assert_eq!(sum, (0..1000).sum());
    });
    until(|| servers() == 0);
}

#[test]
fn a_thousand_futures_at_two_hundred_events() {
    guarded!();
    one_thread().block_on(async {
        let events: Vec<_> = (0..200).map(|_| Event::new().unwrap()).collect();
        let tasks: Vec<_> = events
            .iter()
            .cycle()
            .take(1000)
            .map(|event| {
                let event = event.clone();
                tokio::spawn(async move { event.wait_async().await.unwrap() })
            })
            .collect();
        while servers() == 0 {
            tokio::task::yield_now().await;
        }
        // Two words for each event, a hundred for each thread.
        assert!(servers() <= 6, "{} threads", servers());
        for event in &events {
            event.set().unwrap();
        }
        for task in tasks {
            task.await.unwrap();
        }
    });
    until(|| servers() == 0);
}
