//! Other live processes beside the victim.
#![allow(unsafe_code)] // vouches for `Zeroed`

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crate::channel::Answer;
use crate::plain::{Shared, Zeroed};
use crate::trace::{self, Child};

/// What a peer and the survivor tell each other.
struct Line {
    /// Rounds it was told to do so far.
    started: AtomicU64,
    /// What it was told last.
    task: AtomicU64,
    /// Rounds it has done.
    done: AtomicU64,
    /// What came of the last one.
    answer: AtomicU64,
}

// SAFETY: it consists of atomics.
unsafe impl Zeroed for Line {}

/// A process that does one thing, usually a blocking one, each time it is told to.
pub(crate) struct Peer {
    line: Shared<Line>,
    child: Child,
    /// Rounds it was told to do so far.
    pub(crate) rounds: u64,
}

impl Peer {
    /// `round` is told what it was given to do: which one it is, from 1, unless something else was
    /// [assigned](Peer::assign).
    pub(crate) fn fork(mut round: impl FnMut(u64) -> Answer) -> Peer {
        let line = Shared::<Line>::new();
        let child = trace::fork(|| {
            for number in 1.. {
                while line.started.load(Ordering::Acquire) < number {
                    thread::sleep(Duration::from_micros(20));
                }
                let task = line.task.load(Ordering::Relaxed);
                line.answer.store(round(task), Ordering::Relaxed);
                line.done.store(number, Ordering::Release);
            }
        });
        Peer {
            line,
            child,
            rounds: 0,
        }
    }

    /// Starts a round.
    pub(crate) fn start(&mut self) {
        self.assign(self.rounds + 1);
    }

    /// Starts a round of something in particular.
    pub(crate) fn assign(&mut self, task: u64) {
        assert!(!self.is_busy(), "one round at a time");
        self.rounds += 1;
        self.line.task.store(task, Ordering::Relaxed);
        self.line.started.store(self.rounds, Ordering::Release);
    }

    /// Starts a round and sees the peer fall asleep in it.
    pub(crate) fn fall_asleep(&mut self) {
        self.start();
        let answer = self.answer();
        assert_eq!(answer, None, "the peer has nothing to wait for");
    }

    /// Whether a round was started and is not over.
    pub(crate) fn is_busy(&self) -> bool {
        self.line.done.load(Ordering::Acquire) < self.rounds
    }

    /// The answer of the round under way, or of the last one (0 before the first); `None` if the
    /// peer sleeps instead.
    ///
    /// Nothing here depends on time. Whatever woke the peer before this is called has made it
    /// runnable, so if it is seen asleep it looked, found nothing, and sleeps again; or was not woken.
    pub(crate) fn answer(&mut self) -> Option<Answer> {
        loop {
            // In this order: the peer may answer in between, but not go back to sleep unbidden.
            let asleep = self.child.is_asleep();
            if !self.is_busy() {
                return Some(self.line.answer.load(Ordering::Relaxed));
            }
            if asleep {
                return None;
            }
            assert_eq!(self.child.try_wait(), None, "the peer ended");
            thread::sleep(Duration::from_micros(20));
        }
    }
}

/// Waits until each of several peers has answered or sleeps for good, wherever they wake each other.
pub(crate) fn settle(peers: &mut [Peer]) {
    // In each pass but the last, one that was awake may have woken one that was seen asleep before.
    for _ in 0..=peers.len() {
        for peer in &mut *peers {
            peer.answer();
        }
    }
}
