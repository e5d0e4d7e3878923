//! What a ring does, step by step, beside what a `VecDeque` does.

use std::collections::VecDeque;
use std::time::Duration;

use crossproc::spsc::{Consumer, Producer, Ring};
use crossproc::{
    Error, RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError,
};

use super::input::Input;
use super::numbered::Numbered;

const STEPS: u32 = 400;

/// Does what `bytes` say with a ring of this name.
pub(crate) fn run(name: &str, bytes: &[u8]) {
    let mut input = Input::new(bytes);
    match input.below(4) {
        0 => session::<u8>(name, &mut input),
        1 => session::<[u8; 3]>(name, &mut input),
        2 => session::<[u64; 9]>(name, &mut input),
        _ => session::<u64>(name, &mut input),
    }
}

/// The real ring with its handles, and the model.
struct Session<T: Numbered> {
    ring: Ring<T>,
    another: Ring<T>,
    producer: Option<Producer<T>>,
    consumer: Option<Consumer<T>>,
    values: VecDeque<T>,
    capacity: usize,
    /// Values made so far.
    made: u32,
    /// Each was held at some time, and is not now.
    producer_closed: bool,
    consumer_closed: bool,
}

#[derive(Clone, Copy)]
enum Verdict {
    Takes(usize),
    Full,
    Closed,
}

fn session<T: Numbered>(name: &str, input: &mut Input<'_>) {
    let capacity = usize::from(1 + input.below(40));
    let ring = Ring::<T>::create(name, capacity).expect("a new ring");
    let another = Ring::open(name).expect("the same ring");
    ring.unlink().expect("its name");
    let mut session = Session {
        ring,
        another,
        producer: None,
        consumer: None,
        values: VecDeque::new(),
        capacity,
        made: 0,
        producer_closed: false,
        consumer_closed: false,
    };
    for _ in 0..STEPS {
        if input.is_empty() {
            break;
        }
        session.step(input);
        assert_eq!(session.ring.len(), session.values.len());
        assert_eq!(session.another.is_empty(), session.values.is_empty());
    }
    session.finish();
}

impl<T: Numbered> Session<T> {
    fn step(&mut self, input: &mut Input<'_>) {
        match input.below(16) {
            0..7 if self.producer.is_some() => self.send(input),
            0..7 => self.claim_producer(input),
            7..14 if self.consumer.is_some() => self.receive(input),
            7..14 => self.claim_consumer(input),
            14 if input.byte() > 200 => {
                self.producer_closed |= self.producer.take().is_some();
            }
            15 if input.byte() > 200 => {
                self.consumer_closed |= self.consumer.take().is_some();
            }
            _ => self.claim_what_is_held(),
        }
    }

    fn claim_producer(&mut self, input: &mut Input<'_>) {
        let ring = [&self.ring, &self.another][usize::from(input.below(2))];
        self.producer = Some(ring.producer().expect("nobody holds it"));
        self.producer_closed = false;
    }

    fn claim_consumer(&mut self, input: &mut Input<'_>) {
        let ring = [&self.ring, &self.another][usize::from(input.below(2))];
        self.consumer = Some(ring.consumer().expect("nobody holds it"));
        self.consumer_closed = false;
    }

    fn claim_what_is_held(&self) {
        let refused = |error: Option<Error>| matches!(error, Some(Error::RoleHeld { pid, .. }) if pid == std::process::id());
        if self.producer.is_some() {
            assert!(refused(self.another.producer().err()));
        }
        if self.consumer.is_some() {
            assert!(refused(self.another.consumer().err()));
        }
    }

    fn make(&mut self) -> T {
        self.made += 1;
        T::nth(self.made)
    }

    fn send(&mut self, input: &mut Input<'_>) {
        let choice = input.below(10);
        let number = if choice < 7 { 1 } else { input.below(50) };
        let offered: Vec<T> = (0..number).map(|_| self.make()).collect();
        let verdict = self.verdict(offered.len());
        let producer = self.producer.as_mut().expect("asked before");
        assert_eq!(producer.is_closed(), self.consumer_closed);
        let all = offered.as_slice();
        match choice {
            0..4 => {
                let expected = match verdict {
                    Verdict::Closed => Err(TrySendError::Closed(all[0])),
                    Verdict::Full => Err(TrySendError::Full(all[0])),
                    Verdict::Takes(_) => Ok(()),
                };
                assert_eq!(producer.try_send(all[0]), expected);
            }
            4 | 5 => {
                let expected = match verdict {
                    Verdict::Closed => Err(SendTimeoutError::Closed(all[0])),
                    Verdict::Full => Err(SendTimeoutError::Timeout(all[0])),
                    Verdict::Takes(_) => Ok(()),
                };
                let sent = producer.send_timeout(all[0], Duration::ZERO);
                assert_eq!(sent, expected);
            }
            7 | 8 => {
                let expected = match verdict {
                    Verdict::Closed => Err(TrySendError::Closed(())),
                    Verdict::Full => Err(TrySendError::Full(())),
                    Verdict::Takes(number) => Ok(number),
                };
                assert_eq!(producer.try_send_slice(all), expected);
            }
            // Where it would block, this thread would block for ever.
            _ if matches!(verdict, Verdict::Full) => return,
            _ if matches!(verdict, Verdict::Takes(number) if number < all.len()) => return,
            6 => {
                let expected = match verdict {
                    Verdict::Closed => Err(SendError::Closed(all[0])),
                    _ => Ok(()),
                };
                assert_eq!(producer.send(all[0]), expected);
            }
            _ => {
                let expected = match verdict {
                    Verdict::Closed => Err(SendError::Closed(all)),
                    _ => Ok(()),
                };
                assert_eq!(producer.send_slice(all), expected);
            }
        }
        if let Verdict::Takes(number) = verdict {
            self.values.extend(&all[..number]);
        }
    }

    /// What the ring says to so many values.
    fn verdict(&self, offered: usize) -> Verdict {
        match self.capacity - self.values.len() {
            _ if offered == 0 => Verdict::Takes(0),
            _ if self.consumer_closed => Verdict::Closed,
            0 => Verdict::Full,
            room => Verdict::Takes(offered.min(room)),
        }
    }

    fn receive(&mut self, input: &mut Input<'_>) {
        let closed = self.producer_closed;
        let next = self.values.front().copied();
        let consumer = self.consumer.as_mut().expect("asked before");
        let taken = match input.below(10) {
            0..4 => {
                let nothing = if closed {
                    TryRecvError::Closed
                } else {
                    TryRecvError::Empty
                };
                assert_eq!(consumer.try_recv(), next.ok_or(nothing));
                1
            }
            4 | 5 => {
                let nothing = if closed {
                    RecvTimeoutError::Closed
                } else {
                    RecvTimeoutError::Timeout
                };
                let received = consumer.recv_timeout(Duration::ZERO);
                assert_eq!(received, next.ok_or(nothing));
                1
            }
            // Where it would block, this thread would block for ever.
            6 | 9 if next.is_none() && !closed => 0,
            6 => {
                assert_eq!(consumer.recv(), next.ok_or(RecvError::Closed));
                1
            }
            kind => {
                let mut place = vec![T::nth(0); input.below(50).into()];
                let received = match kind {
                    7 | 8 => consumer.try_recv_slice(&mut place),
                    _ => consumer
                        .recv_slice(&mut place)
                        .map_err(|error| match error {
                            RecvError::Closed => TryRecvError::Closed,
                            error => panic!("{error}"),
                        }),
                };
                let most = place.len().min(self.values.len());
                let expected = match (place.len(), most) {
                    (1.., 0) if closed => Err(TryRecvError::Closed),
                    (1.., 0) => Err(TryRecvError::Empty),
                    _ => Ok(most),
                };
                assert_eq!(received, expected);
                assert!(place[..most].iter().eq(self.values.iter().take(most)));
                most
            }
        };
        self.values.drain(..taken.min(self.values.len()));
    }

    fn finish(mut self) {
        drop(self.producer.take());
        let consumer = self.consumer.take().or_else(|| self.ring.consumer().ok());
        let mut consumer = consumer.expect("nobody holds it");
        let rest: Vec<T> = consumer.try_iter().collect();
        assert_eq!(rest, Vec::from(self.values));
        assert_eq!(self.another.repairs(), 0);
    }
}
