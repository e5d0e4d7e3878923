//! The victim receives.

use crate::channel::{Answer, Channel, EMPTY, PEER_DIED, SENT};
use crate::message::find_missing;
use crate::peer::Peer;
use crate::scenario::{Scenario, Verdict};
use crate::send::{BESIDE, disturb, fork_receiver, fork_sender};
use crate::survivor::Survivor;

/// What the victim took is what is missing.
fn judge<C: Channel>(
    survivor: &Survivor<C>,
    found: &[u64],
    sent: &[u64],
    returned: Option<Answer>,
) -> Verdict {
    let missing = find_missing(found, sent);
    match returned {
        None => {}
        Some(EMPTY) => assert_eq!(
            missing, None,
            "it said there was nothing, and took something"
        ),
        Some(number) => assert_eq!(
            Some(number),
            missing,
            "what it says it took is not what is missing"
        ),
    }
    survivor.verdict(u64::from(missing.is_some()))
}

/// From a channel with so many messages in it that nobody else touches meanwhile.
pub(crate) struct Alone<C: Channel> {
    survivor: Survivor<C>,
    position: Option<usize>,
    before: usize,
    sent: Vec<u64>,
    victim: Option<C::Receiver>,
}

impl<C: Channel> Alone<C> {
    pub(crate) fn new(capacity: usize, before: usize) -> Self {
        let survivor = Survivor::new(capacity);
        Alone {
            survivor,
            position: None,
            before,
            sent: Vec::new(),
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
}

impl<C: Channel> Scenario for Alone<C> {
    fn renew(&mut self) {
        if let Some(position) = self.position {
            self.survivor = Survivor::new(self.survivor.channel.capacity());
            self.survivor.pass_through(position);
        }
        self.survivor.stop_receiving();
    }

    fn warm_up(&mut self) {
        self.victim = Some(self.survivor.warm_receiver());
    }

    fn arrange(&mut self) {
        self.sent = (0..self.before).map(|_| self.survivor.put()).collect();
        self.survivor.count_repairs();
    }

    fn act(&mut self) -> Answer {
        let receiver = self.victim.as_mut().expect("warmed up");
        if self.before == 0 {
            C::try_recv_one(receiver)
        } else {
            C::recv_one(receiver)
        }
    }

    fn verdict(&mut self, returned: Option<Answer>) -> Verdict {
        let found = self.survivor.drain();
        let verdict = judge(&self.survivor, &found, &self.sent, returned);
        self.survivor.exercise();
        verdict
    }
}

/// While others receive between its instructions, where there may be several receivers, and send.
pub(crate) struct Disturbed<C: Channel> {
    survivor: Survivor<C>,
    sent: Vec<u64>,
    received: Vec<u64>,
    victim: Option<C::Receiver>,
}

impl<C: Channel> Disturbed<C> {
    pub(crate) fn new() -> Self {
        let survivor = Survivor::new(4);
        Disturbed {
            survivor,
            sent: Vec::new(),
            received: Vec::new(),
            victim: None,
        }
    }
}

impl<C: Channel> Scenario for Disturbed<C> {
    fn renew(&mut self) {
        self.survivor.stop_receiving();
        self.received.clear();
    }

    fn warm_up(&mut self) {
        self.victim = Some(self.survivor.warm_receiver());
    }

    fn arrange(&mut self) {
        self.sent = (0..3).map(|_| self.survivor.put()).collect();
        self.survivor.count_repairs();
    }

    fn act(&mut self) -> Answer {
        C::try_recv_one(self.victim.as_mut().expect("warmed up"))
    }

    fn between(&mut self, step: u32) {
        disturb(
            &mut self.survivor,
            step,
            true,
            C::MANY,
            &mut self.sent,
            &mut self.received,
        );
    }

    fn before_death(&mut self) {
        if C::MANY {
            self.received.extend(self.survivor.take());
        }
    }

    fn verdict(&mut self, returned: Option<Answer>) -> Verdict {
        self.received.extend(self.survivor.drain());
        let verdict = judge(&self.survivor, &self.received, &self.sent, returned);
        self.survivor.exercise();
        verdict
    }
}

/// From a full channel, where a sender sleeps until there is room.
pub(crate) struct Waking<C: Channel> {
    survivor: Survivor<C>,
    sender: Peer,
    sent: Vec<u64>,
    victim: Option<C::Receiver>,
}

impl<C: Channel> Waking<C> {
    pub(crate) fn new(capacity: usize) -> Self {
        let survivor = Survivor::new(capacity);
        let sender = fork_sender(&survivor.channel);
        Waking {
            survivor,
            sender,
            sent: Vec::new(),
            victim: None,
        }
    }

    /// Has the sender fill the channel and fall asleep over one message more.
    fn fill(&mut self) {
        for place in 0..=self.survivor.channel.capacity() {
            self.sender.start();
            let room = place < self.survivor.channel.capacity();
            assert_eq!(self.sender.answer(), room.then_some(SENT));
            self.sent.push(BESIDE + self.sender.rounds);
        }
    }

    /// Empties the channel; the sender gets through.
    fn drain(&mut self) -> Vec<u64> {
        let mut found = self.survivor.drain();
        assert!(
            matches!(self.sender.answer(), Some(SENT | PEER_DIED)),
            "there is room"
        );
        found.extend(self.survivor.drain());
        found
    }
}

impl<C: Channel> Scenario for Waking<C> {
    fn renew(&mut self) {
        self.survivor.stop_receiving();
        self.sent.clear();
    }

    fn warm_up(&mut self) {
        self.victim = Some(self.survivor.warm_receiver());
    }

    fn arrange(&mut self) {
        self.fill();
        self.survivor.count_repairs();
    }

    fn act(&mut self) -> Answer {
        C::recv_one(self.victim.as_mut().expect("warmed up"))
    }

    fn completed(&mut self) {
        let sent = self.sender.answer();
        assert!(sent.is_some(), "the sender sleeps until its receiver dies");
    }

    fn verdict(&mut self, returned: Option<Answer>) -> Verdict {
        match self.sender.answer() {
            Some(SENT) => {}
            Some(PEER_DIED) if !C::MANY => self.sent.truncate(self.sent.len() - 1),
            Some(answer) => panic!("send: {answer:#x}"),
            None => {
                let channel = &self.survivor.channel;
                let full = channel.len() == channel.capacity();
                assert!(C::MANY && full, "the sender was left sleeping");
            }
        }
        let found = self.drain();
        let verdict = judge(&self.survivor, &found, &self.sent, returned);

        self.sent.clear();
        self.fill();
        assert_eq!(self.drain(), self.sent, "full and empty once more");
        verdict
    }
}

/// Finds nothing and goes to sleep, alone or beside another sleeping receiver; then something is sent.
pub(crate) struct Asleep<C: Channel> {
    survivor: Survivor<C>,
    beside: Option<Peer>,
    sent: Vec<u64>,
    victim: Option<C::Receiver>,
}

impl<C: Channel> Asleep<C> {
    pub(crate) fn alone(capacity: usize) -> Self {
        Asleep {
            survivor: Survivor::new(capacity),
            beside: None,
            sent: Vec::new(),
            victim: None,
        }
    }

    pub(crate) fn beside_another(capacity: usize) -> Self {
        let scenario = Self::alone(capacity);
        let beside = fork_receiver(&scenario.survivor.channel);
        Asleep {
            beside: Some(beside),
            ..scenario
        }
    }
}

impl<C: Channel> Scenario for Asleep<C> {
    fn renew(&mut self) {
        self.survivor.stop_receiving();
        self.sent.clear();
    }

    fn warm_up(&mut self) {
        self.victim = Some(self.survivor.warm_receiver());
    }

    fn arrange(&mut self) {
        self.survivor.become_sender();
        self.survivor.count_repairs();
    }

    fn act(&mut self) -> Answer {
        C::recv_one(self.victim.as_mut().expect("warmed up"))
    }

    fn rouse(&mut self) {
        if let Some(beside) = &mut self.beside
            && self.sent.is_empty()
        {
            beside.fall_asleep();
        }
        self.sent.push(self.survivor.put());
    }

    fn verdict(&mut self, returned: Option<Answer>) -> Verdict {
        let mut found = Vec::new();
        if let Some(beside) = &mut self.beside
            && !self.sent.is_empty()
        {
            if beside.answer().is_none() {
                assert_eq!(
                    self.survivor.take(),
                    None,
                    "a message, and a receiver was left sleeping"
                );
                self.sent.push(self.survivor.put());
            }
            found.push(beside.answer().expect("woken by what was sent now"));
        }
        found.extend(self.survivor.drain());
        let verdict = judge(&self.survivor, &found, &self.sent, returned);
        self.survivor.exercise();
        verdict
    }
}
