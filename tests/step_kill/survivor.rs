//! The process that goes on.

use crate::channel::{CLOSED, Channel, EMPTY, FULL, PEER_DIED, SENT};
use crate::scenario::Verdict;

/// The number of a message whose sender only warms up.
pub(crate) const WARM_UP: u64 = 1 << 40;

/// A channel, what this process may do with it, and which message comes next.
pub(crate) struct Survivor<C: Channel> {
    pub(crate) channel: C,
    sender: Option<C::Sender>,
    receiver: Option<C::Receiver>,
    numbers: u64,
    repairs: u64,
}

impl<C: Channel> Survivor<C> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self::over(C::new(capacity))
    }

    /// `channel` is empty.
    pub(crate) fn over(channel: C) -> Self {
        // Whoever joins wakes all who sleep, so it must not happen in the course of a check.
        channel.enter();
        Survivor {
            channel,
            sender: None,
            receiver: None,
            numbers: 0,
            repairs: 0,
        }
    }

    /// The number of the next message, whoever is to send it.
    pub(crate) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    pub(crate) fn numbers(&mut self, count: usize) -> Vec<u64> {
        (0..count).map(|_| self.number()).collect()
    }

    /// Sends the next message; says which, or `None` if there is no room.
    pub(crate) fn try_put(&mut self) -> Option<u64> {
        let sender = self.sender.get_or_insert_with(|| self.channel.sender());
        match C::try_send_one(sender, self.numbers + 1) {
            SENT => Some(self.number()),
            FULL => None,
            answer => panic!("try_send: {answer:#x}"),
        }
    }

    /// The same where there is room.
    pub(crate) fn put(&mut self) -> u64 {
        self.try_put().expect("there is room")
    }

    pub(crate) fn take(&mut self) -> Option<u64> {
        let receiver = self.receiver.get_or_insert_with(|| self.channel.receiver());
        match C::try_recv_one(receiver) {
            EMPTY | CLOSED | PEER_DIED => None,
            number => Some(number),
        }
    }

    pub(crate) fn drain(&mut self) -> Vec<u64> {
        std::iter::from_fn(|| self.take()).collect()
    }

    /// So that a channel with one sender has one.
    pub(crate) fn become_sender(&mut self) {
        self.sender.get_or_insert_with(|| self.channel.sender());
    }

    /// Makes room for another sender, where there may be only one.
    pub(crate) fn stop_sending(&mut self) {
        self.sender = None;
    }

    pub(crate) fn stop_receiving(&mut self) {
        self.receiver = None;
    }

    /// Sends and receives so many messages, one by one.
    pub(crate) fn pass_through(&mut self, messages: usize) {
        for _ in 0..messages {
            let sent = self.put();
            assert_eq!(self.take(), Some(sent));
        }
    }

    /// Fills the channel to the brim and empties it, and sends and receives the blocking way.
    pub(crate) fn exercise(&mut self) {
        // Where there is one sender only, one that finds no receiver is refused: so become it first.
        assert_eq!(self.take(), None, "nothing is left over");
        let sent: Vec<u64> = std::iter::from_fn(|| self.try_put()).collect();
        assert_eq!(sent.len(), self.channel.capacity(), "filled it");
        assert_eq!(self.drain(), sent, "emptied it again");
        let number = self.number();
        let (sender, receiver) = (self.sender.as_mut(), self.receiver.as_mut());
        assert_eq!(sender.map(|sender| C::send_one(sender, number)), Some(SENT));
        assert_eq!(receiver.map(C::recv_one), Some(number));
    }

    /// In a victim: becomes a sender that has sent these, or at least one message of no account, which
    /// [`take_warm_up`](Self::take_warm_up) is to take.
    pub(crate) fn warm_sender(&self, numbers: &[u64]) -> C::Sender {
        self.channel.enter();
        let mut sender = self.channel.sender();
        let numbers = if numbers.is_empty() {
            &[WARM_UP]
        } else {
            numbers
        };
        for number in numbers {
            assert_eq!(C::try_send_one(&mut sender, *number), SENT);
        }
        sender
    }

    pub(crate) fn take_warm_up(&mut self) {
        assert_eq!(self.take(), Some(WARM_UP));
    }

    /// In a victim: becomes a receiver that has tried to receive.
    pub(crate) fn warm_receiver(&self) -> C::Receiver {
        self.channel.enter();
        let mut receiver = self.channel.receiver();
        assert!(C::try_recv_one(&mut receiver) >= EMPTY, "there is nothing");
        receiver
    }

    /// Remembers how many repairs there have been.
    pub(crate) fn count_repairs(&mut self) {
        self.repairs = self.channel.repairs();
    }

    /// Whether there have been more since.
    pub(crate) fn has_repaired(&self) -> bool {
        self.channel.repairs() > self.repairs
    }

    /// All is well, and so much of what the victim did took effect.
    pub(crate) fn verdict(&self, committed: u64) -> Verdict {
        Verdict {
            committed,
            repaired: self.has_repaired(),
            lost_wake: false,
        }
    }
}
