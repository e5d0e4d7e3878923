//! Another process has the other end, and sleeps there.

use std::rc::Rc;

use crossproc::pipe::{Receiver, Sender};
use crossproc::testing::{Package, pack};

use super::{answer_recv, create, message};
use crate::channel::{Answer, CLOSED, PEER_DIED, SENT, answer_send};
use crate::peer::Peer;
use crate::scenario::{Scenario, Verdict};

/// What the victim does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    Send,
    Recv,
    CloseSending,
    CloseReceiving,
}

impl Deed {
    /// Whether it has the sending end; if not, the process beside has.
    fn sends(self) -> bool {
        matches!(self, Deed::Send | Deed::CloseSending)
    }
}

/// An end in the hands of one process, and a message.
enum Hand {
    Sender(Sender<()>, Vec<u8>),
    Receiver(Receiver<()>, Vec<u8>),
}

impl Hand {
    fn unpack(package: &Package, sends: bool, len: usize) -> Hand {
        if sends {
            Hand::Sender(package.unpack(), message(1, len))
        } else {
            Hand::Receiver(package.unpack(), Vec::with_capacity(len))
        }
    }

    /// Sends or receives it, the blocking way.
    fn move_it(&mut self) -> Answer {
        match self {
            Hand::Sender(sender, message) => answer_send(sender.send_bytes(message)),
            Hand::Receiver(receiver, message) => {
                answer_recv(receiver.recv_into(message).map(|()| &**message))
            }
        }
    }
}

const WARM_UP: u64 = 1 << 40;

/// The victim's doing, or its death, wakes the one who sleeps.
pub(super) struct Beside {
    deed: Deed,
    len: usize,
    /// Whether the kernel will mark the victim dead.
    armed: bool,
    packages: Option<[Rc<Package>; 2]>,
    peer: Option<Peer>,
    victim: Option<Hand>,
}

impl Beside {
    pub(super) fn new(deed: Deed, len: usize) -> Self {
        Beside {
            deed,
            len,
            armed: true,
            packages: None,
            peer: None,
            victim: None,
        }
    }

    pub(super) fn disarmed(self) -> Self {
        Beside {
            armed: false,
            ..self
        }
    }

    fn peer(&mut self) -> &mut Peer {
        self.peer.as_mut().expect("renewed")
    }

    fn fits(&self) -> bool {
        self.len < super::capacity()
    }
}

impl Scenario for Beside {
    fn renew(&mut self) {
        let (sender, receiver) = create();
        let (victim, other) = match self.deed.sends() {
            true => (pack(sender), pack(receiver)),
            false => (pack(receiver), pack(sender)),
        };
        let other = Rc::new(other);
        self.packages = Some([Rc::new(victim), Rc::clone(&other)]);
        let (sends, len) = (!self.deed.sends(), self.len);
        let mut hand = None;
        self.peer = Some(Peer::fork(move |_| {
            let hand = hand.get_or_insert_with(|| Hand::unpack(&other, sends, len));
            hand.move_it()
        }));
    }

    fn warm_up(&mut self) {
        let [package, _] = self.packages.as_ref().expect("renewed");
        let mut victim = Hand::unpack(package, self.deed.sends(), self.len);
        match &mut victim {
            Hand::Sender(sender, _) => sender.send_bytes(&message(WARM_UP, 8)).expect("room"),
            Hand::Receiver(receiver, _) => {
                receiver.try_recv_bytes().expect_err("there is nothing");
            }
        }
        self.victim = Some(victim);
    }

    fn arrange(&mut self) {
        let (sends, fits) = (self.deed.sends(), self.fits());
        let peer = self.peer();
        if sends {
            peer.start();
            assert_eq!(peer.answer(), Some(WARM_UP));
        } else if fits {
            // The ring is full then.
            peer.start();
            assert_eq!(peer.answer(), Some(SENT));
        }
        peer.fall_asleep();
    }

    fn act(&mut self) -> Answer {
        let victim = self.victim.as_mut().expect("warmed up");
        match self.deed {
            Deed::Send | Deed::Recv => victim.move_it(),
            Deed::CloseSending | Deed::CloseReceiving => {
                self.victim = None;
                CLOSED
            }
        }
    }

    /// The other is awake, and makes it wake up.
    fn rouse(&mut self) {}

    fn completed(&mut self) {
        let heard = self.peer().answer();
        assert!(heard.is_some(), "the other sleeps until the victim dies");
    }

    fn verdict(&mut self, returned: Option<Answer>) -> Verdict {
        let (deed, armed) = (self.deed, self.armed);
        let peer = self.peer();
        let Some(heard) = peer.answer() else {
            return Verdict {
                lost_wake: true,
                ..Verdict::default()
            };
        };
        // What the victim says, and what the other hears.
        let expected = match deed {
            Deed::Send => (SENT, 1),
            Deed::Recv => (1, SENT),
            Deed::CloseSending | Deed::CloseReceiving => (CLOSED, CLOSED),
        };
        let committed = u64::from(heard != PEER_DIED);
        assert!(committed == 0 || heard == expected.1, "heard {heard:#x}");
        assert!(returned.is_none_or(|answer| (answer, heard) == expected));
        if armed && committed == 1 && matches!(deed, Deed::Send | Deed::Recv) {
            peer.start();
            assert_eq!(peer.answer(), Some(PEER_DIED), "and then it is told");
        }
        Verdict {
            committed,
            ..Verdict::default()
        }
    }
}
