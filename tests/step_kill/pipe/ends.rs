//! Taking the ends of a pipe that is found by name.

use std::mem;

use crossproc::pipe::{End, Pipe};
use crossproc::{Error, TryRecvError};

use super::PARTICIPANTS;
use crate::channel::{Answer, CLOSED, PEER_DIED, SENT, answer_recv, answer_send};
use crate::peer::Peer;
use crate::scenario::{Scenario, Verdict};

type Numbers = Pipe<[u64; 1], u32>;

/// How the pipe is when the victim takes its left end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    New,
    /// Both ends have been used, and nobody has them: it starts anew. Something is left in it.
    Used,
    /// Another process has the right end, and sleeps until it receives something.
    ReaderAsleep,
    /// The same, until there is room.
    WriterAsleep,
}

/// An end is taken whole or not at all; who is at the other is told, and the pipe can be used again.
pub(super) struct Taking {
    before: Before,
    pipe: Numbers,
    /// Who has the right end.
    peer: Option<Peer>,
}

fn create() -> Numbers {
    let options = Pipe::options().memory(1).participants(PARTICIPANTS);
    options.anonymous().expect("a pipe")
}

/// Waits at the right end.
fn wait_at(right: &mut End<u32, [u64; 1]>, before: Before) -> Answer {
    if before == Before::ReaderAsleep {
        return answer_recv(right.recv());
    }
    let room = right.capacity() as u64 / 8;
    let outcomes = (0..room).map(|_| answer_send(right.send(&1)));
    outcomes.last().expect("there is room for one")
}

fn assert_connected(left: &mut End<[u64; 1], u32>, right: &mut End<u32, [u64; 1]>) {
    for n in 0..3 {
        left.send(&[n]).expect("room");
        right.send(&(n as u32)).expect("room");
        assert_eq!((right.recv(), left.recv()), (Ok([n]), Ok(n as u32)));
    }
    assert_eq!(
        right.try_recv(),
        Err(TryRecvError::Empty),
        "nothing is left"
    );
    assert_eq!(left.try_recv(), Err(TryRecvError::Empty), "nothing is left");
}

impl Taking {
    pub(super) fn new(before: Before) -> Taking {
        Taking {
            before,
            pipe: create(),
            peer: None,
        }
    }
}

impl Scenario for Taking {
    fn renew(&mut self) {
        self.peer = None;
        self.pipe = create();
        if matches!(self.before, Before::ReaderAsleep | Before::WriterAsleep) {
            let (pipe, before) = (self.pipe.clone(), self.before);
            let mut held = None;
            // Takes the end and waits there; the next time, lets go of it.
            self.peer = Some(Peer::fork(move |_| match held.take() {
                None => {
                    let end = pipe.right().expect("nobody has it");
                    wait_at(held.insert(end), before)
                }
                Some(end) => {
                    drop(end);
                    CLOSED
                }
            }));
        }
    }

    fn warm_up(&mut self) {
        if self.before != Before::New {
            drop((
                self.pipe.left().expect("new"),
                self.pipe.right().expect("new"),
            ));
        }
    }

    fn arrange(&mut self) {
        if self.before == Before::Used {
            let mut left = self.pipe.left().expect("nobody has it");
            left.send(&[1]).expect("room");
            drop(self.pipe.right().expect("nobody has it"));
        }
        if let Some(peer) = &mut self.peer {
            // It has the pipe start anew, so that the left end is fresh.
            peer.fall_asleep();
        }
    }

    fn act(&mut self) -> Answer {
        mem::forget(self.pipe.left().expect("nobody has it"));
        SENT
    }

    fn verdict(&mut self, returned: Option<Answer>) -> Verdict {
        let pipe = &self.pipe;
        let taken = match (&mut self.peer, pipe.left()) {
            (None, Ok(mut left)) => {
                assert_connected(&mut left, &mut pipe.right().expect("fresh"));
                false
            }
            // It was not taken, and whoever waits at the other end is served.
            (Some(peer), Ok(mut left)) => {
                assert_eq!(peer.answer(), None);
                left.send(&[1]).expect("room");
                while peer.is_busy() {
                    let _ = left.try_recv();
                }
                assert_ne!(peer.answer(), Some(PEER_DIED));
                drop(left);
                peer.start();
                assert_eq!(peer.answer(), Some(CLOSED));
                false
            }
            (Some(peer), Err(Error::EndSpent { .. })) => {
                if peer.answer().is_none() {
                    return Verdict {
                        lost_wake: true,
                        ..Verdict::default()
                    };
                }
                assert_eq!(peer.answer(), Some(PEER_DIED));
                peer.start();
                assert_eq!(peer.answer(), Some(CLOSED));
                true
            }
            (_, Err(error)) => panic!("{error}"),
        };
        assert!(taken || returned.is_none() || self.peer.is_none());
        let (mut left, mut right) = (pipe.left().expect("free"), pipe.right().expect("free"));
        assert_connected(&mut left, &mut right);
        Verdict {
            committed: taken.into(),
            repaired: pipe.repairs() > 0,
            ..Verdict::default()
        }
    }
}
