//! Takes a row through all its points.
#![allow(unsafe_code)] // vouches for `Zeroed`

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::journal::{Journal, Phase};
use crate::plain::{Shared, Zeroed};
use crate::point::{Point, Reached};
use crate::scenario::{Fate, Row, Scenario, Verdict};
use crate::trace::{self, Progress, Tracee};

/// How often a point may be missed because this victim made fewer system calls than the last one.
const SECOND_CHANCES: u32 = 3;

/// What the victim leaves behind for the survivor.
struct Testament {
    returned: AtomicBool,
    value: AtomicU64,
    /// Of each of its threads; the main one and the crate's background thread.
    robust_lists: [AtomicUsize; 4],
}

// SAFETY: it consists of atomics.
unsafe impl Zeroed for Testament {}

impl Testament {
    fn returned(&self) -> Option<u64> {
        self.returned
            .load(Ordering::Acquire)
            .then(|| self.value.load(Ordering::Relaxed))
    }
}

/// Kills one victim at every point of the row's operation; panics at the first thing wrong.
pub(crate) fn explore(row: &Row, journal: &Journal) {
    let mut scenario = (row.build)();
    let mut point = Point::FIRST;
    let mut chances = SECOND_CHANCES;
    let mut committed = 0;
    loop {
        let (reached, verdict) = try_point(row, scenario.as_mut(), point, journal);
        if row.steady {
            assert!(
                verdict.committed >= committed,
                "{committed} elements were committed at an earlier point, {} are now",
                verdict.committed
            );
            committed = verdict.committed;
        }
        assert!(
            !verdict.lost_wake || row.fate == Fate::KilledDisarmed,
            "a sleeper was left sleeping"
        );
        journal.record(
            verdict,
            matches!((point, reached), (Point::Within { .. }, Reached::There)),
        );
        let missed = reached == Reached::End && !matches!(point, Point::After { steps: 1.., .. });
        if missed && chances > 0 {
            chances -= 1;
        } else {
            match point.next(reached, row.density) {
                Some(next) => point = next,
                None => break,
            }
        }
    }
    if row.fate == Fate::KilledDisarmed {
        let lost = journal.lost_wakes.load(Ordering::Relaxed);
        assert!(
            lost > 0,
            "with the kernel's help taken away, no wake-up was lost: this check cannot fail"
        );
    }
}

fn try_point(
    row: &Row,
    scenario: &mut dyn Scenario,
    point: Point,
    journal: &Journal,
) -> (Reached, Verdict) {
    let testament = Shared::<Testament>::new();
    journal.aim(point);
    journal.enter(Phase::Renewing);
    scenario.renew();

    journal.enter(Phase::WarmingUp);
    let mut victim = scenario
        .victim()
        .unwrap_or_else(|| fork(scenario, &testament));

    journal.enter(Phase::Arranging);
    scenario.arrange();

    journal.enter(Phase::Acting);
    let reached = advance(&mut victim, scenario, point, &testament, journal);

    journal.enter(Phase::Dying);
    scenario.before_death();
    match row.fate {
        Fate::Killed => {}
        Fate::KilledDisarmed => {
            let lists = testament.robust_lists.each_ref();
            let lists = lists.map(|head| head.load(Ordering::Relaxed));
            let lists: Vec<usize> = lists.into_iter().filter(|head| *head != 0).collect();
            victim.clear_robust_lists(&lists);
        }
        Fate::Held => {
            victim.release();
            while testament.returned().is_none() {
                if victim.is_asleep() {
                    scenario.rouse();
                }
                thread::sleep(Duration::from_micros(20));
            }
        }
    }
    if testament.returned().is_some() {
        scenario.completed();
    }
    drop(victim);

    journal.enter(Phase::Judging);
    (reached, scenario.verdict(testament.returned()))
}

/// A victim that is a copy of this process.
fn fork(scenario: &mut dyn Scenario, testament: &Testament) -> Tracee {
    Tracee::fork(|| {
        scenario.warm_up();
        let lists = trace::robust_lists();
        assert!(lists.len() <= testament.robust_lists.len());
        for (cell, head) in testament.robust_lists.iter().zip(lists) {
            cell.store(head, Ordering::Relaxed);
        }
        trace::stop_here();
        let value = scenario.act();
        testament.value.store(value, Ordering::Relaxed);
        testament.returned.store(true, Ordering::Release);
        loop {
            thread::park();
        }
    })
}

/// Lets the victim go on as far as `point`.
fn advance(
    victim: &mut Tracee,
    scenario: &mut dyn Scenario,
    point: Point,
    testament: &Testament,
    journal: &Journal,
) -> Reached {
    let over = |victim: &Tracee| testament.returned().is_some() || victim.is_exiting();
    for _ in 0..point.calls() {
        victim.run_to_system_call();
        if over(victim) {
            return Reached::End;
        }
        if victim.run_to_system_call() == Progress::Asleep {
            scenario.rouse();
            victim.finish();
        }
        journal.tick();
    }
    match point {
        Point::After { steps, .. } => {
            for step in 0..steps {
                if testament.returned().is_some() {
                    return Reached::End;
                }
                if victim.at_system_call() {
                    return Reached::SystemCall;
                }
                scenario.between(step);
                victim.step();
                journal.step();
            }
        }
        Point::Entering { .. } => {
            victim.run_to_system_call();
        }
        Point::Within { .. } => {
            victim.run_to_system_call();
            if !over(victim) && victim.run_to_system_call() == Progress::Stopped {
                return Reached::SystemCall;
            }
        }
    }
    if over(victim) {
        Reached::End
    } else {
        Reached::There
    }
}
