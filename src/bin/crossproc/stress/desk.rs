//! What one worker tells of itself. A worker that was killed is replaced at the same desk.

use super::outcome::Outcome;
use std::sync::atomic::{
    AtomicU64,
    Ordering::{Relaxed, Release},
};

/// A worker's words in the round's memory. Only the worker writes them while it lives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Desk<'a> {
    /// A [`Doing`].
    doing: &'a AtomicU64,
    /// Operations that have succeeded.
    pub(crate) moved: &'a AtomicU64,
    pub(crate) lost: &'a AtomicU64,
    pub(crate) duplicated: &'a AtomicU64,
    pub(crate) reordered: &'a AtomicU64,
    pub(crate) torn: &'a AtomicU64,
    /// What else the kind of work keeps here.
    pub(crate) own: &'a [AtomicU64],
}

impl<'a> Desk<'a> {
    pub(crate) const COUNTERS: usize = 6;

    pub(crate) fn new(words: &'a [AtomicU64]) -> Self {
        let [doing, moved, lost, duplicated, reordered, torn, own @ ..] = words else {
            unreachable!("a desk has its counters")
        };
        Self {
            doing,
            moved,
            lost,
            duplicated,
            reordered,
            torn,
            own,
        }
    }

    pub(crate) fn tell(&self, doing: Doing) {
        self.doing.store(doing as u64, Relaxed);
    }

    pub(crate) fn doing(&self) -> Doing {
        Doing::ALL[self.doing.load(Relaxed) as usize % Doing::ALL.len()]
    }

    /// Adds what was counted here to `outcome`.
    pub(crate) fn tally(&self, outcome: &mut Outcome) {
        outcome.operations += self.moved.load(Relaxed);
        outcome.lost += self.lost.load(Relaxed);
        outcome.duplicated += self.duplicated.load(Relaxed);
        outcome.reordered += self.reordered.load(Relaxed);
        outcome.torn += self.torn.load(Relaxed);
    }
}

/// Adds to a counter that only its owner writes.
pub(crate) fn add(counter: &AtomicU64, n: u64) {
    counter.store(counter.load(Relaxed) + n, Release);
}

/// What a worker was doing when it was last heard of.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Doing {
    Starting,
    Trying,
    Blocking,
    Waiting,
    Napping,
    /// Until others have moved.
    Pacing,
    Ended,
}

impl Doing {
    const ALL: [Self; 7] = [
        Self::Starting,
        Self::Trying,
        Self::Blocking,
        Self::Waiting,
        Self::Napping,
        Self::Pacing,
        Self::Ended,
    ];
}
