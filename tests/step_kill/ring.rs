//! What only rings have: roles, slices, and several elements to a cache line.

use std::any::Any;

use crossproc::TryRecvError;
use crossproc::spsc::{Consumer, Producer, Ring};

use crate::channel::{Answer, CLOSED, Channel, EMPTY, PEER_DIED, SENT, answer_send};
use crate::message::{message, number};
use crate::peer::Peer;
use crate::scenario::{Density, Fate, Row, Scenario, Verdict};
use crate::send::{BESIDE, fork_receiver, fork_sender};
use crate::survivor::Survivor;
use crate::trace;
use crate::{recv, send};

/// Seven elements to a line; one; less than one.
type Small = Ring<[u64; 1]>;
type Middle = Ring<[u64; 4]>;
type Large = Ring<[u64; 16]>;

#[rustfmt::skip] // one row, one line
pub(crate) fn rows() -> Vec<Row> {
    vec![
        Row::new("ring send", "empty", || send::Alone::<Small>::new(8, 0).at(1)),
        Row::new("ring send", "end of a line", || send::Alone::<Small>::new(8, 0).at(6)),
        Row::new("ring send", "nearly full", || send::Alone::<Small>::new(8, 7).at(7)),
        Row::new("ring send", "last slot of a later lap", || send::Alone::<Small>::new(5, 0).at(41)),
        Row::new("ring send", "capacity 1", || send::Alone::<Small>::new(1, 0).at(1)),
        Row::new("ring send", "elements of 4 words", || send::Alone::<Middle>::new(4, 1).at(1)),
        Row::new("ring send", "elements of 16 words", || send::Alone::<Large>::new(4, 1).at(1)),
        Row::new("ring send", "consumer receives meanwhile", send::Disturbed::<Small>::new).unsteady(),
        Row::new("ring send", "consumer asleep", || send::Waking::<Small>::new(8)).unsteady(),
        Row::new("ring send", "consumer asleep, elements of 16 words", || send::Waking::<Large>::new(2)).unsteady(),
        Row::new("ring send", "goes to sleep", || send::Asleep::<Small>::alone(8)).unsteady().density(Density::SPINNING),
        Row::new("ring try_send", "full", || send::Alone::<Small>::new(8, 8).at(8)),
        Row::new("ring send_slice", "empty", || SendSlice::<1>::new(8, 0, 5)),
        Row::new("ring send_slice", "over the end of a line", || SendSlice::<1>::new(16, 4, 12)),
        Row::new("ring send_slice", "elements of 4 words", || SendSlice::<4>::new(4, 1, 3)),
        Row::new("ring send_slice", "more than there is room for", || SendSlice::<1>::new(4, 1, 6)).unsteady().density(Density::SPINNING),
        Row::new("ring recv", "one element", || recv::Alone::<Small>::new(8, 1).at(0)),
        Row::new("ring recv", "full", || recv::Alone::<Small>::new(8, 8).at(0)),
        Row::new("ring recv", "last slot of a later lap", || recv::Alone::<Small>::new(5, 1).at(41)),
        Row::new("ring recv", "capacity 1", || recv::Alone::<Small>::new(1, 1).at(0)),
        Row::new("ring recv", "elements of 4 words", || recv::Alone::<Middle>::new(4, 2).at(0)),
        Row::new("ring recv", "elements of 16 words", || recv::Alone::<Large>::new(4, 2).at(0)),
        Row::new("ring recv", "producer sends meanwhile", recv::Disturbed::<Small>::new).unsteady(),
        Row::new("ring recv", "full, producer asleep", || recv::Waking::<Small>::new(8)).unsteady(),
        Row::new("ring recv", "full, producer asleep, elements of 16 words", || recv::Waking::<Large>::new(2)).unsteady(),
        Row::new("ring recv", "goes to sleep", || recv::Asleep::<Small>::alone(8)).unsteady().density(Density::SPINNING),
        Row::new("ring try_recv", "empty", || recv::Alone::<Small>::new(8, 0).at(0)),
        Row::new("ring try_recv", "producer closes and ends meanwhile, stopped but alive", Left::new).unsteady().fate(Fate::Held),
        Row::new("ring recv_slice", "all there is", || RecvSlice::<1>::new(8, 8)),
        Row::new("ring recv_slice", "less than there is", || RecvSlice::<4>::new(8, 3)),
        Row::new("ring producer", "role vacant", || Claim::new(Side::Producer, Before::Vacant)),
        Row::new("ring producer", "role closed", || Claim::new(Side::Producer, Before::Closed)),
        Row::new("ring producer", "holder dead: repairs", || Claim::new(Side::Producer, Before::HolderDead)),
        Row::new("ring consumer", "role vacant", || Claim::new(Side::Consumer, Before::Vacant)),
        Row::new("ring consumer", "role closed", || Claim::new(Side::Consumer, Before::Closed)),
        Row::new("ring consumer", "holder dead: repairs", || Claim::new(Side::Consumer, Before::HolderDead)),
        Row::new("ring close", "producer, consumer asleep", || Close::new(Side::Producer)),
        Row::new("ring close", "consumer, producer asleep", || Close::new(Side::Consumer)),
    ]
}

/// Sends several elements at once.
struct SendSlice<const N: usize> {
    survivor: Survivor<Ring<[u64; N]>>,
    certain: Vec<u64>,
    mine: Vec<u64>,
    before: usize,
    count: usize,
    taken: Vec<u64>,
    victim: Option<Producer<[u64; N]>>,
}

impl<const N: usize> SendSlice<N> {
    fn new(capacity: usize, before: usize, count: usize) -> Self {
        SendSlice {
            survivor: Survivor::new(capacity),
            certain: Vec::new(),
            mine: Vec::new(),
            before,
            count,
            taken: Vec::new(),
            victim: None,
        }
    }
}

impl<const N: usize> Scenario for SendSlice<N> {
    fn renew(&mut self) {
        self.survivor = Survivor::new(self.survivor.channel.capacity());
        self.taken.clear();
        self.certain = self.survivor.numbers(self.before);
        self.mine = self.survivor.numbers(self.count);
    }

    fn warm_up(&mut self) {
        self.victim = Some(self.survivor.warm_sender(&self.certain));
    }

    fn arrange(&mut self) {
        if self.before == 0 {
            self.survivor.take_warm_up();
        }
        self.survivor.count_repairs();
    }

    fn act(&mut self) -> Answer {
        let mut messages = [[0; N]; 16];
        for (message_of, number) in messages.iter_mut().zip(&self.mine) {
            *message_of = message(*number);
        }
        let producer = self.victim.as_mut().expect("warmed up");
        answer_send(producer.send_slice(&messages[..self.count]))
    }

    fn rouse(&mut self) {
        self.taken.extend(self.survivor.drain());
    }

    fn verdict(&mut self, returned: Option<Answer>) -> Verdict {
        let mut found = std::mem::take(&mut self.taken);
        found.extend(self.survivor.drain());
        let sent = [self.certain.as_slice(), &self.mine].concat();
        assert!(
            sent.starts_with(&found),
            "{found:?} is not the beginning of {sent:?}"
        );
        let committed = found
            .len()
            .checked_sub(self.before)
            .expect("what was there before");
        assert!(returned.is_none_or(|answer| (answer, committed) == (SENT, self.count)));
        self.survivor.exercise();
        self.survivor.verdict(committed as u64)
    }
}

/// Receives several elements at once: all of them or none.
struct RecvSlice<const N: usize> {
    survivor: Survivor<Ring<[u64; N]>>,
    sent: Vec<u64>,
    count: usize,
    victim: Option<Consumer<[u64; N]>>,
}

impl<const N: usize> RecvSlice<N> {
    fn new(capacity: usize, count: usize) -> Self {
        let survivor = Survivor::new(capacity);
        RecvSlice {
            survivor,
            sent: Vec::new(),
            count,
            victim: None,
        }
    }
}

impl<const N: usize> Scenario for RecvSlice<N> {
    fn renew(&mut self) {
        self.survivor = Survivor::new(self.survivor.channel.capacity());
    }

    fn warm_up(&mut self) {
        self.victim = Some(self.survivor.warm_receiver());
    }

    fn arrange(&mut self) {
        let capacity = self.survivor.channel.capacity();
        self.sent = (0..capacity).map(|_| self.survivor.put()).collect();
        self.survivor.count_repairs();
    }

    /// The number of the last element received.
    fn act(&mut self) -> Answer {
        let mut messages = [[0; N]; 16];
        let consumer = self.victim.as_mut().expect("warmed up");
        let received = consumer.recv_slice(&mut messages[..self.count]);
        assert_eq!(received, Ok(self.count));
        number(messages[self.count - 1])
    }

    fn verdict(&mut self, returned: Option<Answer>) -> Verdict {
        let found = self.survivor.drain();
        assert!(
            self.sent.ends_with(&found),
            "{found:?} is not the end of {:?}",
            self.sent
        );
        let committed = self.sent.len() - found.len();
        assert!(committed == 0 || committed == self.count, "all or nothing");
        assert!(
            returned
                .is_none_or(|last| committed == self.count && self.sent[self.count - 1] == last)
        );
        self.survivor.exercise();
        self.survivor.verdict(committed as u64)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Producer,
    Consumer,
}

/// How the victim finds the role that it claims.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Vacant,
    Closed,
    HolderDead,
}

/// Claims a role. Whether or not that took effect, the victim's death leaves it to be claimed.
struct Claim {
    side: Side,
    before: Before,
    survivor: Survivor<Small>,
    sent: Vec<u64>,
    victim: Vec<Box<dyn Any>>,
}

impl Claim {
    fn new(side: Side, before: Before) -> Self {
        let survivor = Survivor::new(8);
        Claim {
            side,
            before,
            survivor,
            sent: Vec::new(),
            victim: Vec::new(),
        }
    }

    fn claim(&mut self, side: Side) {
        self.victim.push(match side {
            Side::Producer => Box::new(self.survivor.channel.sender()),
            Side::Consumer => Box::new(self.survivor.channel.receiver()),
        });
    }
}

impl Scenario for Claim {
    fn renew(&mut self) {
        self.survivor = Survivor::new(8);
        self.sent.clear();
        if (self.side, self.before) != (Side::Producer, Before::Vacant) {
            self.sent = vec![self.survivor.put(), self.survivor.put()];
            self.survivor.stop_sending();
        }
        match self.before {
            Before::Vacant => {}
            Before::Closed => {
                self.claim(self.side);
                self.victim.clear();
            }
            Before::HolderDead => {
                let mut holder = trace::fork(|| self.claim(self.side));
                holder.wait();
            }
        }
    }

    fn warm_up(&mut self) {
        let other = match self.side {
            Side::Producer => Side::Consumer,
            Side::Consumer => Side::Producer,
        };
        self.claim(other);
    }

    fn arrange(&mut self) {
        self.survivor.count_repairs();
    }

    fn act(&mut self) -> Answer {
        self.claim(self.side);
        0
    }

    fn verdict(&mut self, _returned: Option<Answer>) -> Verdict {
        assert_eq!(self.survivor.drain(), self.sent);
        self.survivor.exercise();
        Verdict {
            repaired: self.survivor.has_repaired(),
            ..Verdict::default()
        }
    }
}

/// Gives a role up by dropping the handle, with the other side asleep, which is told either that or
/// of the death.
struct Close {
    side: Side,
    survivor: Survivor<Small>,
    peer: Peer,
    sent: Vec<u64>,
    victim: Option<Box<dyn Any>>,
}

impl Close {
    fn new(side: Side) -> Self {
        let survivor = Survivor::new(4);
        let peer = match side {
            Side::Producer => fork_receiver(&survivor.channel),
            Side::Consumer => fork_sender(&survivor.channel),
        };
        Close {
            side,
            survivor,
            peer,
            sent: Vec::new(),
            victim: None,
        }
    }
}

impl Scenario for Close {
    fn renew(&mut self) {
        self.survivor.stop_sending();
        self.survivor.stop_receiving();
        self.sent.clear();
    }

    fn warm_up(&mut self) {
        self.victim = Some(match self.side {
            Side::Producer => Box::new(self.survivor.channel.sender()),
            Side::Consumer => Box::new(self.survivor.channel.receiver()),
        });
    }

    fn arrange(&mut self) {
        if self.side == Side::Consumer {
            for _ in 0..self.survivor.channel.capacity() {
                self.peer.start();
                assert_eq!(self.peer.answer(), Some(SENT));
                self.sent.push(BESIDE + self.peer.rounds);
            }
        }
        self.peer.fall_asleep();
        self.survivor.count_repairs();
    }

    fn act(&mut self) -> Answer {
        self.victim = None;
        CLOSED
    }

    fn verdict(&mut self, returned: Option<Answer>) -> Verdict {
        let told = self.peer.answer().expect("the peer was left sleeping");
        assert!(told == CLOSED || (told == PEER_DIED && returned.is_none()));
        // The survivor takes the victim's place.
        match self.side {
            Side::Producer => {
                let number = self.survivor.put();
                self.peer.start();
                assert_eq!(self.peer.answer(), Some(number));
            }
            Side::Consumer => {
                assert_eq!(self.survivor.drain(), self.sent);
                self.peer.start();
                assert_eq!(self.peer.answer(), Some(SENT));
                assert_eq!(self.survivor.take(), Some(BESIDE + self.peer.rounds));
            }
        }
        self.survivor.verdict(u64::from(told == CLOSED))
    }
}

/// Finds nothing to receive, while the other side closes its role and ends. Whoever has closed has not died.
struct Left {
    ring: Small,
    peer: Option<Peer>,
    victim: Option<Consumer<[u64; 1]>>,
}

impl Left {
    fn new() -> Self {
        Left {
            ring: Ring::new(4).expect("a ring"),
            peer: None,
            victim: None,
        }
    }
}

impl Scenario for Left {
    fn renew(&mut self) {
        let ring = self.ring.clone();
        let mut producer = None;
        // Takes the role; the next time, closes it.
        self.peer = Some(Peer::fork(move |_| {
            producer = match producer.take() {
                None => Some(ring.producer().expect("nobody has it")),
                Some(_) => None,
            };
            CLOSED
        }));
    }

    fn warm_up(&mut self) {
        let mut consumer = self.ring.consumer().expect("nobody has it");
        assert!(consumer.try_recv().is_err());
        self.victim = Some(consumer);
    }

    fn arrange(&mut self) {
        self.peer.as_mut().expect("renewed").start();
        assert_eq!(self.peer.as_mut().expect("renewed").answer(), Some(CLOSED));
    }

    fn act(&mut self) -> Answer {
        match self.victim.as_mut().expect("warmed up").try_recv() {
            Err(TryRecvError::Empty) => EMPTY,
            Err(TryRecvError::Closed) => CLOSED,
            other => panic!("{other:?}"),
        }
    }

    fn before_death(&mut self) {
        let mut peer = self.peer.take().expect("renewed");
        peer.start();
        assert_eq!(peer.answer(), Some(CLOSED));
    }

    fn verdict(&mut self, returned: Option<Answer>) -> Verdict {
        let answer = returned.expect("it was not killed");
        Verdict {
            committed: (answer == CLOSED).into(),
            ..Verdict::default()
        }
    }
}
