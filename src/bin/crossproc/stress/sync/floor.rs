//! Where an exercise takes place: a desk for every worker, and a board for all of them.

use crate::stress::desk::Desk;
use crate::stress::sheet::{self, LINE, Sheet};
use serde::{Deserialize, Serialize};
use std::io;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

/// Where a floor is found.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Address {
    sheet: sheet::Address,
    workers: usize,
    board: usize,
}

#[derive(Debug)]
pub(crate) struct Floor {
    sheet: Sheet,
    workers: usize,
    board: usize,
}

impl Deref for Floor {
    type Target = Sheet;

    fn deref(&self) -> &Sheet {
        &self.sheet
    }
}

const STRIDE: usize = LINE;

impl Floor {
    /// With desks for so many workers and a survivor, and a board of so many words.
    pub(crate) fn new(workers: usize, board: usize) -> io::Result<Self> {
        let words = Sheet::OWN + (workers + 1) * STRIDE + board;
        Ok(Self {
            sheet: Sheet::new(words, 0)?,
            workers,
            board,
        })
    }

    pub(crate) fn attach(at: Address) -> io::Result<Self> {
        Ok(Self {
            sheet: Sheet::attach(at.sheet)?,
            workers: at.workers,
            board: at.board,
        })
    }

    pub(crate) fn address(&self) -> Address {
        Address {
            sheet: self.sheet.address(),
            workers: self.workers,
            board: self.board,
        }
    }

    /// How many there are, without the survivor.
    pub(crate) fn workers(&self) -> usize {
        self.workers
    }

    pub(crate) fn desk(&self, index: usize) -> Desk<'_> {
        let from = Sheet::OWN + index * STRIDE;
        Desk::new(&self.words()[from..][..STRIDE])
    }

    pub(crate) fn own(&self, index: usize) -> Own<'_> {
        Own::of(&self.desk(index))
    }

    /// Words for all workers, all zero at first.
    pub(crate) fn board(&self) -> &[AtomicU64] {
        &self.words()[Sheet::OWN + (self.workers + 1) * STRIDE..][..self.board]
    }

    /// One of the counters, of all who were ever here.
    pub(crate) fn sum(&self, counter: usize) -> u64 {
        let desks = 0..=self.workers;
        desks
            .map(|desk| self.own(desk).counters[counter].load(SeqCst))
            .sum()
    }
}

/// A desk's words for exercises.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Own<'a> {
    /// What the worker is in the middle of; zero if nothing.
    pub(crate) intent: &'a AtomicU64,
    /// The parent is about to kill the worker, or has. Only the parent writes this.
    pub(crate) condemned: &'a AtomicU64,
    /// What is true of the worker only as long as it lives.
    pub(crate) mark: &'a AtomicU64,
    pub(crate) counters: &'a [AtomicU64],
}

impl<'a> Own<'a> {
    pub(crate) fn of(desk: &Desk<'a>) -> Self {
        let [intent, condemned, mark, counters @ ..] = desk.own else {
            unreachable!("a desk has its words")
        };
        Self {
            intent,
            condemned,
            mark,
            counters,
        }
    }

    /// Tidies up after a worker that is dead; what it was in the middle of.
    pub(crate) fn bury(&self) -> u64 {
        // In this order: see `marks_of_the_living`.
        self.mark.store(0, SeqCst);
        self.condemned.store(0, SeqCst);
        self.intent.swap(0, SeqCst)
    }
}

/// The marks that all of these workers had at one and the same moment at which they lived; zero for
/// those that may have been dead. `None` if they changed meanwhile.
///
/// A mark that is read twice was there all the time in between, provided that it never comes back. Whoever was not yet
/// condemned then was alive before; and had it died earlier, been buried, and been replaced, its mark would be gone.
pub(crate) fn marks_of_the_living(desks: &[Own<'_>]) -> Option<Vec<u64>> {
    let marks = || desks.iter().map(|own| own.mark.load(SeqCst));
    let first: Vec<u64> = marks().collect();
    let doomed: Vec<bool> = desks
        .iter()
        .map(|own| own.condemned.load(SeqCst) != 0)
        .collect();
    let living = first.iter().zip(doomed);
    marks().eq(first.iter().copied()).then(|| {
        living
            .map(|(mark, doomed)| if doomed { 0 } else { *mark })
            .collect()
    })
}
