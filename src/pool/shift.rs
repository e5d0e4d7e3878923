//! A worker's work on one message: its tasks, one after the other, and the reports of them.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::board::Use;
use super::clock;
use super::code::Outcome;
use super::message::{self, Flags, ReportHeader, Unsent};
use super::worker::Bench;
use crate::{MessageQueue, object};

/// How long a result waits for others before it is sent; what dies with a worker of what it had done.
const LATEST: Duration = Duration::from_millis(1);
/// A report is not longer than this, unless a single result is.
const LONGEST: usize = 1 << 16;
/// How many tasks there are at most between two looks at the clock.
const MOST_UNSEEN: u64 = 1024;

pub(super) struct Shift<'a> {
    bench: &'a Bench,
    what: Use,
    flags: u32,
    count: u64,
    /// Tasks begun, of which all but the one at hand are done.
    begun: u64,
    /// Tasks reported.
    reported: u64,
    /// Outcomes of the tasks that are done and not reported.
    pub(super) results: Vec<u8>,
    /// When the first of those was begun.
    since: Instant,
    /// After which task to look at the clock.
    look: u64,
    /// Why the rest cannot be reported.
    failed: Option<Unsent>,
}

impl<'a> Shift<'a> {
    pub(super) fn new(
        bench: &'a Bench,
        what: Use,
        flags: u32,
        count: u64,
        results: Vec<u8>,
    ) -> Shift<'a> {
        Shift {
            bench,
            what,
            flags,
            count,
            begun: 0,
            reported: 0,
            results,
            since: Instant::now(),
            look: 1,
            failed: None,
        }
    }

    /// Says that the next task is begun. Whether there is one.
    #[inline]
    pub(super) fn begin(&mut self) -> bool {
        if self.begun == self.count || self.failed.is_some() {
            return false;
        }
        if self.flags & Flags::TIMED != 0 {
            // First: the time of the task before is not to be taken for this one's.
            self.bench.board.begin_at(self.what, clock::now());
        }
        self.bench.board.begin(self.what, self.begun as u32);
        self.begun += 1;
        true
    }

    /// Adds to the results.
    #[inline]
    pub(super) fn put(&mut self, value: &impl Serialize) -> Result<(), Outcome> {
        object::append(value, &mut self.results).map_err(|error| Outcome::Result {
            reason: error.to_string(),
        })
    }

    pub(super) fn put_outcome(&mut self, outcome: &Outcome) {
        let put = self.put(outcome);
        debug_assert!(put.is_ok(), "an outcome is strings and nothing else");
    }

    /// The task at hand is done.
    #[inline]
    pub(super) fn end(&mut self) {
        if !self.bench.own.is_current() {
            // A fork that the task has made and let return. It has no part in this, nor in the next task.
            std::process::exit(0);
        }
        if self.begun >= self.look || self.results.len() >= LONGEST || self.flags & Flags::EACH != 0
        {
            self.look_at_the_clock();
        }
    }

    #[inline(never)]
    fn look_at_the_clock(&mut self) {
        let took = self.since.elapsed();
        let due = took >= LATEST || self.results.len() >= LONGEST || self.flags & Flags::EACH != 0;
        if due {
            self.report(took);
            self.since = Instant::now();
        }
        // So that about a quarter of the time passes until the next look.
        let done = (self.begun - self.reported).max(1);
        let each = (took.as_nanos() as u64 / done).max(1);
        let unseen = (LATEST.as_nanos() as u64 / 4 / each).clamp(1, MOST_UNSEEN);
        self.look = self.begun + unseen;
    }

    fn report(&mut self, took: Duration) {
        let header = ReportHeader {
            ticket: self.what.ticket,
            flags: 0,
            generation: self.what.generation,
            first: self.reported,
            count: self.begun - self.reported,
            nanos: took.as_nanos() as u64,
        };
        let mut sent = self.bench.send(header, &self.results);
        if let Err(Unsent::NoRoom(error)) = &sent {
            let reason = error.to_string();
            self.results.clear();
            for _ in 0..header.count {
                let reason = reason.clone();
                self.put_outcome(&Outcome::Result { reason });
            }
            sent = self.bench.send(header, &self.results);
        }
        if let Err(unsent) = sent {
            self.failed = Some(unsent);
            return;
        }
        self.reported = self.begun;
        self.results.clear();
    }

    /// Reports what is left. The results' memory, to be used again.
    pub(super) fn finish(mut self) -> Result<Vec<u8>, Unsent> {
        if self.reported < self.begun {
            self.report(self.since.elapsed());
        }
        match self.failed {
            Some(unsent) => Err(unsent),
            None => Ok(self.results),
        }
    }
}

impl Bench {
    /// Sends a report, and asks the parent to look if there is no room for it.
    fn send(&self, header: ReportHeader, body: &[u8]) -> Result<(), Unsent> {
        let sent = message::send(
            &self.results,
            &self.large,
            header,
            body,
            MessageQueue::try_loan,
        );
        match sent {
            Err(Unsent::Full) => {
                let _ = self.attention.set();
                message::send(&self.results, &self.large, header, body, MessageQueue::loan)
            }
            sent => sent,
        }
    }
}
