//! Faults made on purpose with messages.

use super::message::Message;
use crate::stress::sabotage::Sabotage;
use std::thread;
use std::time::Duration;

/// Stands between a consumer and the ledger.
#[derive(Debug)]
pub(crate) struct Saboteur<const N: usize> {
    kind: Option<Sabotage>,
    received: u64,
    held_back: Option<Message<N>>,
}

impl<const N: usize> Saboteur<N> {
    /// Messages from one fault to the next.
    const PERIOD: u64 = 100;

    pub(crate) fn new(kind: Option<Sabotage>) -> Self {
        Self {
            kind,
            received: 0,
            held_back: None,
        }
    }

    /// Passes the message on, as a rule.
    pub(crate) fn pass(&mut self, message: Message<N>, mut enter: impl FnMut(&Message<N>)) {
        let Some(kind) = self.kind else {
            return enter(&message);
        };
        self.received += 1;
        if !self.received.is_multiple_of(Self::PERIOD) {
            enter(&message);
            return self.held_back.take().iter().for_each(enter);
        }
        match kind {
            Sabotage::Lose => {}
            Sabotage::Duplicate => {
                enter(&message);
                enter(&message);
            }
            Sabotage::Reorder => self.held_back = Some(message),
            Sabotage::Tear => {
                let mut torn = message;
                torn[N - 1] ^= 1 << 40;
                enter(&torn);
            }
            Sabotage::Hang => loop {
                thread::sleep(Duration::from_secs(1));
            },
            Sabotage::Panic => panic!("sabotaged"),
            // The parent makes the one, others are made with locks.
            Sabotage::Leak | Sabotage::Deafen | Sabotage::Alarm => enter(&message),
        }
    }

    /// Passes on what is still held back.
    pub(crate) fn finish(self, enter: impl FnMut(&Message<N>)) {
        self.held_back.iter().for_each(enter);
    }
}
