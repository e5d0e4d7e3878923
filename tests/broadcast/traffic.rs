//! Many at once: what must hold of what each of them sees.

use std::thread;

use crossproc::{Broadcast, Overwriting};

const SENDERS: u64 = 3;
const EACH: u64 = 20_000;

/// Who sent it, and how many before.
fn message(sender: u64, number: u64) -> [u64; 3] {
    [sender, number, sender ^ number << 8]
}

/// The last number of each sender, for which they grow; by exactly one if nothing is missed.
struct Seen([u64; SENDERS as usize]);

impl Seen {
    fn see(&mut self, [sender, number, sum]: [u64; 3]) -> u64 {
        assert_eq!([sender, number, sum], message(sender, number), "torn");
        let last = &mut self.0[sender as usize];
        assert!(number > *last, "{number} of {sender} after {last}");
        std::mem::replace(last, number)
    }
}

#[test]
fn every_subscriber_sees_everything_in_the_same_order() {
    guarded!();
    let ring = Broadcast::new(7).unwrap();
    let mut subscribers: Vec<_> = (0..3).map(|_| ring.subscribe().unwrap()).collect();
    let orders: Vec<Vec<_>> = thread::scope(|scope| {
        let receivers: Vec<_> = subscribers
            .iter_mut()
            .map(|subscriber| {
                scope.spawn(|| {
                    let mut seen = Seen([0; SENDERS as usize]);
                    let receive = |message: [u64; 3]| {
                        assert_eq!(seen.see(message) + 1, message[1], "lost");
                        message[0]
                    };
                    subscriber.iter().map(receive).collect::<Vec<_>>()
                })
            })
            .collect();
        let senders: Vec<_> = (0..SENDERS)
            .map(|sender| {
                let ring = &ring;
                scope.spawn(move || {
                    for number in 1..=EACH {
                        ring.send(message(sender, number)).unwrap();
                    }
                })
            })
            .collect();
        senders
            .into_iter()
            .for_each(|sender| sender.join().unwrap());
        ring.close();
        receivers
            .into_iter()
            .map(|receiver| receiver.join().unwrap())
            .collect()
    });
    assert_eq!(orders[0].len() as u64, SENDERS * EACH);
    assert!(orders.iter().all(|order| *order == orders[0]));
}

#[test]
fn subscribers_come_and_go_while_others_send() {
    guarded!();
    let ring = Broadcast::new(4).unwrap();
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut visits = 0u32;
                loop {
                    let mut subscriber = ring.subscribe().unwrap();
                    let mut last = None;
                    for number in subscriber.iter().take(50) {
                        assert!(last.is_none_or(|last| last + 1 == number));
                        last = Some(number);
                    }
                    if last.is_none() {
                        return assert!(visits > 0);
                    }
                    visits += 1;
                }
            });
        }
        for number in 0..EACH {
            ring.send(number).unwrap();
        }
        // All have been there: whoever has not waits for a value, and is waited for.
        while ring.subscribers() < 3 {
            thread::yield_now();
        }
        ring.send(EACH).unwrap();
        ring.close();
    });
    assert_eq!((ring.subscribers(), ring.repairs()), (0, 0));
}

#[test]
fn what_readers_see_and_miss_is_all() {
    guarded!();
    for capacity in [1, 4, 100] {
        let ring = Overwriting::new(capacity).unwrap();
        thread::scope(|scope| {
            for _ in 0..2 {
                let reader = ring.reader();
                scope.spawn(|| {
                    let mut seen = Seen([0; SENDERS as usize]);
                    let (mut received, mut missed) = (0, 0);
                    for one in reader {
                        seen.see(one.value);
                        received += 1;
                        missed += one.missed;
                    }
                    assert_eq!(received + missed, SENDERS * EACH);
                    assert!(seen.0.contains(&EACH), "the last is there");
                });
            }
            let senders: Vec<_> = (0..SENDERS)
                .map(|sender| {
                    let ring = &ring;
                    scope.spawn(move || {
                        for number in 1..=EACH {
                            ring.send(message(sender, number)).unwrap();
                        }
                    })
                })
                .collect();
            senders
                .into_iter()
                .for_each(|sender| sender.join().unwrap());
            ring.close();
        });
    }
}
