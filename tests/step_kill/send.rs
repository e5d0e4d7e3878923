//! The victim sends.

use std::mem;

use crate::channel::{Answer, Channel, FULL, PEER_DIED, SENT};
use crate::message::count_uncertain;
use crate::peer::Peer;
use crate::scenario::{Scenario, Verdict};
use crate::survivor::{Survivor, WARM_UP};

/// Into a channel with so many messages in it that nobody else touches meanwhile.
pub(crate) struct Alone<C: Channel> {
    survivor: Survivor<C>,
    position: Option<usize>,
    before: usize,
    certain: Vec<u64>,
    mine: u64,
    victim: Option<C::Sender>,
}

impl<C: Channel> Alone<C> {
    pub(crate) fn new(capacity: usize, before: usize) -> Self {
        Alone {
            survivor: Survivor::new(capacity),
            position: None,
            before,
            certain: Vec::new(),
            mine: 0,
            victim: None,
        }
    }

    /// Every time in a new channel, on its message number `position` from 0.
    pub(crate) fn at(self, position: usize) -> Self {
        Alone {
            position: Some(position),
            ..self
        }
    }

    fn fits(&self) -> bool {
        self.before < self.survivor.channel.capacity()
    }
}

impl<C: Channel> Scenario for Alone<C> {
    fn renew(&mut self) {
        if let Some(position) = self.position {
            self.survivor = Survivor::new(self.survivor.channel.capacity());
            // The victim sends one more before, to warm up or because it is to be there.
            self.survivor.pass_through(position - self.before.max(1));
        }
        self.survivor.stop_sending();
        self.certain = self.survivor.numbers(self.before);
        self.mine = self.survivor.number();
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
        let fits = self.fits();
        let sender = self.victim.as_mut().expect("warmed up");
        if fits {
            C::send_one(sender, self.mine)
        } else {
            C::try_send_one(sender, self.mine)
        }
    }

    fn verdict(&mut self, returned: Option<Answer>) -> Verdict {
        let found = self.survivor.drain();
        let committed = count_uncertain(&found, &self.certain, self.mine);
        match returned {
            None => assert!(committed == 0 || self.fits()),
            Some(answer) if self.fits() => assert_eq!((answer, committed), (SENT, 1)),
            Some(answer) => assert_eq!((answer, committed), (FULL, 0)),
        }
        self.survivor.exercise();
        self.survivor.verdict(committed)
    }
}

/// While others receive between its instructions, and send, where there may be several senders.
pub(crate) struct Disturbed<C: Channel> {
    survivor: Survivor<C>,
    sent: Vec<u64>,
    received: Vec<u64>,
    mine: u64,
    victim: Option<C::Sender>,
}

impl<C: Channel> Disturbed<C> {
    pub(crate) fn new() -> Self {
        Disturbed {
            survivor: Survivor::new(4),
            sent: Vec::new(),
            received: Vec::new(),
            mine: 0,
            victim: None,
        }
    }
}

impl<C: Channel> Scenario for Disturbed<C> {
    fn renew(&mut self) {
        self.survivor.stop_sending();
        self.received.clear();
        self.sent = self.survivor.numbers(2);
        self.mine = self.survivor.number();
    }

    fn warm_up(&mut self) {
        self.victim = Some(self.survivor.warm_sender(&self.sent));
    }

    fn arrange(&mut self) {
        self.survivor.count_repairs();
    }

    fn act(&mut self) -> Answer {
        C::send_one(self.victim.as_mut().expect("warmed up"), self.mine)
    }

    fn between(&mut self, step: u32) {
        disturb(
            &mut self.survivor,
            step,
            C::MANY,
            true,
            &mut self.sent,
            &mut self.received,
        );
    }

    fn rouse(&mut self) {
        self.received.extend(self.survivor.take());
    }

    fn before_death(&mut self) {
        self.received.extend(self.survivor.take());
    }

    fn verdict(&mut self, returned: Option<Answer>) -> Verdict {
        self.received.extend(self.survivor.drain());
        let committed = count_uncertain(&self.received, &self.sent, self.mine);
        assert!(returned.is_none_or(|answer| (answer, committed) == (SENT, 1)));
        self.survivor.exercise();
        self.survivor.verdict(committed)
    }
}

/// Sends or receives, in turn, every few of the victim's first instructions: often enough to spoil
/// its compare-and-swaps, not so long that it never succeeds.
pub(crate) fn disturb<C: Channel>(
    survivor: &mut Survivor<C>,
    step: u32,
    sending: bool,
    receiving: bool,
    sent: &mut Vec<u64>,
    received: &mut Vec<u64>,
) {
    if step >= 150 || step % 5 != 4 {
        return;
    }
    if step.is_multiple_of(2) && sending {
        sent.extend(survivor.try_put());
    } else if receiving {
        received.extend(survivor.take());
    }
}

/// To a receiver that sleeps.
pub(crate) struct Waking<C: Channel> {
    capacity: usize,
    /// Whether the kernel will mark the victim dead; if not, the segment is of no use afterwards.
    armed: bool,
    survivor: Survivor<C>,
    receiver: Peer,
    mine: u64,
    victim: Option<C::Sender>,
}

impl<C: Channel> Waking<C> {
    pub(crate) fn new(capacity: usize) -> Self {
        let survivor = Survivor::new(capacity);
        let receiver = fork_receiver(&survivor.channel);
        Waking {
            capacity,
            armed: true,
            survivor,
            receiver,
            mine: 0,
            victim: None,
        }
    }

    pub(crate) fn disarmed(self) -> Self {
        Waking {
            armed: false,
            ..self
        }
    }
}

/// A process that receives, one message a round.
pub(crate) fn fork_receiver<C: Channel>(channel: &C) -> Peer {
    let mut receiver = None;
    Peer::fork(move |_| C::recv_one(receiver.get_or_insert_with(|| channel.receiver())))
}

impl<C: Channel> Scenario for Waking<C> {
    fn renew(&mut self) {
        if !self.armed {
            self.survivor = Survivor::new(self.capacity);
            self.receiver = fork_receiver(&self.survivor.channel);
        }
        self.survivor.stop_sending();
        self.mine = self.survivor.number();
    }

    fn warm_up(&mut self) {
        self.victim = Some(self.survivor.warm_sender(&[]));
    }

    fn arrange(&mut self) {
        self.receiver.start();
        assert_eq!(self.receiver.answer(), Some(WARM_UP));
        self.receiver.fall_asleep();
        self.survivor.count_repairs();
    }

    fn act(&mut self) -> Answer {
        C::send_one(self.victim.as_mut().expect("warmed up"), self.mine)
    }

    fn completed(&mut self) {
        let heard = self.receiver.answer();
        assert!(heard.is_some(), "the receiver sleeps until its sender dies");
    }

    fn verdict(&mut self, returned: Option<Answer>) -> Verdict {
        let heard = self.receiver.answer();
        if !self.armed {
            let lost_wake = heard.is_none() && self.survivor.take() == Some(self.mine);
            return Verdict {
                committed: u64::from(heard.is_some() || lost_wake),
                lost_wake,
                repaired: false,
            };
        }
        let committed = match heard {
            Some(PEER_DIED) if !C::MANY => 0,
            Some(number) => {
                assert_eq!(number, self.mine);
                1
            }
            None => {
                // It may sleep on if there is nothing to receive and nobody's death to be told.
                assert!(
                    C::MANY && self.survivor.take().is_none(),
                    "the receiver was left sleeping"
                );
                0
            }
        };
        assert!(returned.is_none_or(|answer| (answer, committed) == (SENT, 1)));
        if !C::MANY && committed == 1 {
            self.receiver.start();
            assert_eq!(self.receiver.answer(), Some(PEER_DIED));
        }
        self.survivor.become_sender();
        for _ in 0..3 {
            if !self.receiver.is_busy() {
                self.receiver.start();
            }
            let number = self.survivor.put();
            assert_eq!(
                self.receiver.answer(),
                Some(number),
                "the next sender wakes it"
            );
        }
        self.survivor.verdict(committed)
    }
}

/// Finds no room and goes to sleep, alone or beside another sleeping sender; then room is made.
pub(crate) struct Asleep<C: Channel> {
    survivor: Survivor<C>,
    beside: Option<Peer>,
    /// The message of the sender beside, if it was told to send one.
    theirs: Option<u64>,
    taken: Vec<u64>,
    certain: Vec<u64>,
    mine: u64,
    victim: Option<C::Sender>,
}

/// The other sender's messages have numbers of their own.
pub(crate) const BESIDE: u64 = 1 << 32;

/// A process that sends, one message a round.
pub(crate) fn fork_sender<C: Channel>(channel: &C) -> Peer {
    let mut sender = None;
    Peer::fork(move |round| {
        C::send_one(
            sender.get_or_insert_with(|| channel.sender()),
            BESIDE + round,
        )
    })
}

impl<C: Channel> Asleep<C> {
    pub(crate) fn alone(capacity: usize) -> Self {
        Asleep {
            survivor: Survivor::new(capacity),
            beside: None,
            theirs: None,
            taken: Vec::new(),
            certain: Vec::new(),
            mine: 0,
            victim: None,
        }
    }

    pub(crate) fn beside_another(capacity: usize) -> Self {
        let scenario = Self::alone(capacity);
        Asleep {
            beside: Some(fork_sender(&scenario.survivor.channel)),
            ..scenario
        }
    }
}

impl<C: Channel> Scenario for Asleep<C> {
    fn renew(&mut self) {
        self.survivor.stop_sending();
        self.theirs = None;
        self.taken.clear();
        let capacity = self.survivor.channel.capacity();
        self.certain = self.survivor.numbers(capacity);
        self.mine = self.survivor.number();
    }

    fn warm_up(&mut self) {
        self.victim = Some(self.survivor.warm_sender(&self.certain));
    }

    fn arrange(&mut self) {
        self.survivor.count_repairs();
    }

    fn act(&mut self) -> Answer {
        C::send_one(self.victim.as_mut().expect("warmed up"), self.mine)
    }

    fn rouse(&mut self) {
        if let Some(beside) = &mut self.beside
            && self.theirs.is_none()
        {
            beside.fall_asleep();
            self.theirs = Some(BESIDE + beside.rounds);
        }
        let taken = self.survivor.take().expect("it is full");
        self.taken.push(taken);
    }

    fn verdict(&mut self, returned: Option<Answer>) -> Verdict {
        let mut found = mem::take(&mut self.taken);
        if let Some(beside) = &mut self.beside
            && beside.answer().is_none()
        {
            let channel = &self.survivor.channel;
            assert_eq!(
                channel.len(),
                channel.capacity(),
                "room, and a sender was left sleeping"
            );
            found.extend(self.survivor.take());
            assert_eq!(beside.answer(), Some(SENT));
        }
        found.extend(self.survivor.drain());
        if let Some(theirs) = self.theirs {
            let place = found.iter().position(|number| *number == theirs);
            found.remove(place.expect("what the other sender sent"));
        }
        let committed = count_uncertain(&found, &self.certain, self.mine);
        assert!(returned.is_none_or(|answer| (answer, committed) == (SENT, 1)));
        self.survivor.exercise();
        self.survivor.verdict(committed)
    }
}
