//! A worker's place in an exercise, and its life there.

use super::drill::Drill;
use super::floor::{Address, Floor, Own};
use crate::stress::burst::{self, Burst};
use crate::stress::desk::{Desk, Doing, add};
use crate::stress::random::Random;
use crate::stress::sabotage::Sabotage;
use crate::stress::sheet::Pace;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

/// Turns from one fault to the next.
const PERIOD: u64 = 20;
const LONGEST_STAY: Duration = Duration::from_micros(300);

#[derive(Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub(crate) struct Job<D: Drill> {
    pub(crate) handle: D::Handle,
    pub(crate) floor: Address,
    pub(crate) desk: usize,
    pub(crate) seed: u64,
    pub(crate) bursts_per_nap: u64,
    /// Of the round.
    pub(crate) duration: Duration,
    pub(crate) sabotage: Option<Sabotage>,
}

/// What a worker has at hand.
pub(crate) struct Site<'a, D: Drill> {
    pub(crate) handle: &'a D::Handle,
    pub(crate) floor: &'a Floor,
    /// The worker's number; number 0 has a part of its own in some drills.
    pub(crate) number: usize,
    pub(crate) desk: Desk<'a>,
    pub(crate) own: Own<'a>,
    pub(crate) random: Random,
    pub(crate) duration: Duration,
    pub(crate) sabotage: Option<Sabotage>,
    turns_since_fault: u64,
}

impl<'a, D: Drill> Site<'a, D> {
    fn new(job: &'a Job<D>, floor: &'a Floor) -> Self {
        crossproc::testing::set_backstop(burst::BACKSTOP);
        crossproc::testing::trust_membarrier(true);
        let desk = floor.desk(job.desk);
        desk.tell(Doing::Starting);
        Self {
            handle: &job.handle,
            floor,
            number: job.desk,
            desk,
            own: Own::of(&desk),
            random: Random::new(job.seed),
            duration: job.duration,
            sabotage: job.sabotage,
            turns_since_fault: 0,
        }
    }

    pub(crate) fn board(&self) -> &'a [AtomicU64] {
        self.floor.board()
    }

    pub(crate) fn is_ending(&self) -> bool {
        self.floor.pace() == Pace::Ending
    }

    /// From here to [`leave`](Self::leave) the worker is in the middle of something.
    pub(crate) fn enter(&self, intent: u64) {
        self.own.intent.store(intent, SeqCst);
    }

    pub(crate) fn leave(&self) {
        self.own.intent.store(0, SeqCst);
    }

    pub(crate) fn count(&self, counter: usize, n: u64) {
        add(&self.own.counters[counter], n);
    }

    /// Stays where it is for a moment, now and then a longer one, so that others come and meet it; where a wake-up is
    /// everything, until they are likely to sleep.
    pub(crate) fn linger(&mut self) {
        if self.floor.pace().is_tight() {
            return thread::sleep(LONGEST_STAY + self.random.shorter_than(LONGEST_STAY));
        }
        match self.random.below(64) {
            0 => thread::sleep(self.random.shorter_than(LONGEST_STAY)),
            1..4 => thread::yield_now(),
            n => (0..n).for_each(|_| std::hint::spin_loop()),
        }
    }

    /// Where a wake-up is everything: waits for another to have a turn after the last one here. Whoever has a turn says so
    /// by [`has_turn`](Self::has_turn) as it begins, and then lingers: by its end all others sleep, but for this
    /// one wake-up, and it has no successor.
    pub(crate) fn await_turn(&mut self, turn: &AtomicU64) {
        let pace = self.floor.pace();
        if pace.is_tight() {
            let (floor, mine) = (self.floor, self.number as u64 + 1);
            burst::keep_pace(&self.desk, &mut self.random, || {
                floor.pace() != pace || turn.load(SeqCst) != mine
            });
            self.desk.tell(Doing::Blocking);
        }
    }

    pub(crate) fn has_turn(&self, turn: &AtomicU64) {
        turn.store(self.number as u64 + 1, SeqCst);
    }

    /// Whether it is time to make this fault.
    pub(crate) fn fault(&mut self, kind: Sabotage) -> bool {
        let due = self.sabotage == Some(kind) && self.turns_since_fault >= PERIOD;
        if due {
            self.turns_since_fault = 0;
        }
        due
    }

    /// Makes the faults that are the same everywhere.
    fn may_fail(&mut self) {
        self.turns_since_fault += 1;
        if self.fault(Sabotage::Hang) {
            loop {
                thread::sleep(Duration::from_secs(1));
            }
        }
        assert!(!self.fault(Sabotage::Panic), "sabotaged");
    }
}

/// Entry of a worker: works until the round ends.
pub(crate) fn work<D: Drill>(job: Job<D>) -> usize {
    let floor = Floor::attach(job.floor).expect("the parent keeps the floor open");
    let mut site = Site::new(&job, &floor);
    let mut drill = D::begin(&mut site);
    loop {
        let burst = Burst::next(&site.desk, &mut site.random, job.bursts_per_nap);
        for _ in 0..burst.calls {
            let pace = floor.pace();
            if pace == Pace::Ending {
                drill.end(&mut site);
                site.desk.tell(Doing::Ended);
                return 0;
            }
            site.may_fail();
            let how = burst.how(pace);
            site.desk.tell(how.doing());
            if drill.turn(&mut site, how) {
                add(site.desk.moved, 1);
            } else {
                thread::yield_now();
            }
        }
    }
}

/// Entry of the process that comes when all others have ended.
pub(crate) fn survive<D: Drill>(job: Job<D>) -> usize {
    let floor = Floor::attach(job.floor).expect("the parent keeps the floor open");
    let mut site = Site::new(&job, &floor);
    site.desk.tell(Doing::Trying);
    D::inspect(&mut site);
    site.desk.tell(Doing::Ended);
    0
}
