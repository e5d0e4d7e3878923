//! Futures that are dropped before they are done lose nothing, and keep nothing from others.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use crossproc::{Event, Fault, Queue, RecvError, TryRecvError};

use crate::children::{asleep, succeeds, until};
use crate::forked::fork;
use crate::on_each;

/// Counts wakes.
#[derive(Default)]
struct Woken(AtomicU64);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Woken {
    fn count(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// Once it is awaited in vain, the reactor joins the segment, of which the future hears once.
fn poll<F: Future + Unpin>(future: &mut F, woken: &Arc<Woken>) -> Poll<F::Output> {
    let waker = Waker::from(Arc::clone(woken));
    pin!(future).poll(&mut Context::from_waker(&waker))
}

#[test]
fn a_receive_that_is_given_up_loses_nothing() {
    guarded!();
    on_each(|| async {
        let queue = Queue::<u64>::new(4).unwrap();
        let sender = thread::spawn({
            let queue = queue.clone();
            move || {
                for n in 0..3000 {
                    queue.send(n).unwrap();
                }
                queue.close();
            }
        });
        let (mut expected, mut given_up) = (0, 0);
        loop {
            tokio::select! {
                received = queue.recv_async() => match received {
                    Ok(value) => {
                        assert_eq!(value, expected);
                        expected += 1;
                    }
                    Err(error) => break assert_eq!(error, RecvError::Closed),
                },
                () = tokio::task::yield_now() => given_up += 1,
            }
        }
        assert_eq!(expected, 3000);
        println!("given up {given_up} times");
        sender.join().unwrap();
    });
}

#[test]
fn a_send_that_is_given_up_has_sent_nothing() {
    guarded!();
    on_each(|| async {
        let queue = Queue::<u64>::new(1).unwrap();
        queue.send(0).unwrap();
        tokio::select! {
            biased;
            sent = queue.send_async(1) => panic!("{sent:?} where there was no room"),
            () = tokio::task::yield_now() => {}
        }
        assert_eq!(queue.recv(), Ok(0));
        assert_eq!(queue.try_recv(), Err(TryRecvError::Empty));
    });
}

/// A future is woken, or about to be, and dropped before it looks. The value goes to the process that sleeps.
#[test]
fn a_wake_that_was_for_one_given_up_is_passed_on() {
    guarded!();
    let queue = Queue::<u64>::new(1).unwrap();
    let woken = Arc::new(Woken::default());
    for lap in 0..200 {
        let mut future = queue.recv_async();
        assert_eq!(poll(&mut future, &woken), Poll::Pending);
        let mut receiver = asleep(|| assert_eq!(queue.recv(), Ok(lap)));
        let before = woken.count();
        queue.send(lap).unwrap();
        if lap % 2 == 0 {
            // Whoever is first: the future, or the receiver that has it.
            until(|| woken.count() > before || queue.is_empty());
        }
        drop(future);
        succeeds(&mut receiver);
    }
}

/// Of two futures one is polled again, the other is not: both are woken.
#[test]
fn one_that_is_not_polled_is_in_nobodys_way() {
    guarded!();
    let queue = Queue::<u64>::new(1).unwrap();
    let [idle, busy] = [(); 2].map(|()| Arc::new(Woken::default()));
    let mut sluggish = queue.recv_async();
    let mut quick = queue.recv_async();
    assert_eq!(poll(&mut sluggish, &idle), Poll::Pending);
    for n in 0..100 {
        let before = busy.count();
        if poll(&mut quick, &busy).is_ready() {
            panic!("there is nothing");
        }
        queue.send(n).unwrap();
        until(|| busy.count() > before);
        // Also for nothing, as when the reactor joins.
        let received = loop {
            if let Poll::Ready(received) = poll(&mut quick, &busy) {
                break received;
            }
            thread::sleep(Duration::from_micros(50));
        };
        assert_eq!(received, Ok(n));
        quick = queue.recv_async();
    }
    assert!(idle.count() > 0);
}

#[test]
fn the_waker_of_the_last_poll_is_woken() {
    guarded!();
    let queue = Queue::<u64>::new(1).unwrap();
    let [first, second] = [(); 2].map(|()| Arc::new(Woken::default()));
    let mut future = queue.recv_async();
    assert_eq!(poll(&mut future, &first), Poll::Pending);
    assert_eq!(poll(&mut future, &second), Poll::Pending);
    queue.send(7).unwrap();
    until(|| second.count() > 0);
    assert_eq!(poll(&mut future, &second), Poll::Ready(Ok(7)));
}

#[test]
fn a_fork_goes_on_with_a_future_of_its_own() {
    guarded!();
    let queue = Queue::<u64>::new(1).unwrap();
    let woken = Arc::new(Woken::default());
    let mut future = queue.recv_async();
    assert_eq!(poll(&mut future, &woken), Poll::Pending);
    let waits = Event::new().unwrap();
    let mut child = fork(|| {
        let before = woken.count();
        assert_eq!(poll(&mut future, &woken), Poll::Pending);
        waits.set().unwrap();
        until(|| woken.count() > before);
        until(|| poll(&mut future, &woken) == Poll::Ready(Ok(1)));
    });
    waits.wait().unwrap();
    queue.send(1).unwrap();
    succeeds(&mut child);
    assert_eq!(poll(&mut future, &woken), Poll::Pending);
    queue.send(2).unwrap();
    until(|| poll(&mut future, &woken) == Poll::Ready(Ok(2)));
}

#[test]
fn no_place_for_the_thread_that_sleeps() {
    guarded!();
    // The process itself, and this thread.
    let options = Queue::<u64>::options().capacity(1).participants(3);
    let queue = options.anonymous().unwrap();
    let woken = Arc::new(Woken::default());
    thread::scope(|scope| {
        let (release, wait) = std::sync::mpsc::channel::<()>();
        queue.send(1).unwrap();
        let queue = &queue;
        scope.spawn(move || {
            queue.recv().unwrap();
            let _ = wait.recv();
        });
        until(|| queue.is_empty());
        let mut future = queue.recv_async();
        let full = Fault::ParticipantsFull { participants: 3 };
        let outcome = loop {
            match poll(&mut future, &woken) {
                Poll::Pending => thread::sleep(Duration::from_micros(50)),
                Poll::Ready(outcome) => break outcome,
            }
        };
        assert_eq!(outcome, Err(RecvError::Fault(full)));
        drop(release);
    });
}
