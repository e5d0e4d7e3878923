//! What the process that works on a row tells the one that supervises it.
#![allow(unsafe_code)] // vouches for `Zeroed`

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use crate::plain::Zeroed;
use crate::point::Point;
use crate::scenario::Verdict;

/// Progress and results of one row, in memory shared with the supervisor.
pub(crate) struct Journal {
    /// Grows as long as anything happens.
    ticks: AtomicU64,
    phase: AtomicU32,
    point: AtomicU64,
    pub(crate) points: AtomicU64,
    pub(crate) steps: AtomicU64,
    pub(crate) asleep: AtomicU64,
    pub(crate) committed: AtomicU64,
    pub(crate) vanished: AtomicU64,
    pub(crate) repaired: AtomicU64,
    pub(crate) lost_wakes: AtomicU64,
}

// SAFETY: it consists of atomics.
unsafe impl Zeroed for Journal {}

/// The part of a point's procedure under way.
#[derive(Clone, Copy)]
pub(crate) enum Phase {
    Renewing,
    WarmingUp,
    Arranging,
    Acting,
    Dying,
    Judging,
}

const PHASES: [(Phase, &str); 6] = [
    (Phase::Renewing, "before the victim was forked"),
    (Phase::WarmingUp, "while the victim was warming up"),
    (Phase::Arranging, "while its state was being arranged"),
    (Phase::Acting, "while the victim was acting"),
    (Phase::Dying, "with the victim about to die"),
    (Phase::Judging, "while survivors went on"),
];

impl Journal {
    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u32, Relaxed);
        self.tick();
    }

    pub(crate) fn aim(&self, point: Point) {
        self.point.store(point.pack(), Relaxed);
    }

    pub(crate) fn tick(&self) {
        self.ticks.fetch_add(1, Relaxed);
    }

    pub(crate) fn step(&self) {
        self.steps.fetch_add(1, Relaxed);
        self.tick();
    }

    pub(crate) fn ticks(&self) -> u64 {
        self.ticks.load(Relaxed)
    }

    pub(crate) fn record(&self, verdict: Verdict, asleep: bool) {
        let count = |cell: &AtomicU64, condition| cell.fetch_add(u64::from(condition), Relaxed);
        count(&self.points, true);
        count(&self.asleep, asleep);
        count(&self.committed, verdict.committed > 0);
        count(&self.vanished, verdict.committed == 0);
        count(&self.repaired, verdict.repaired);
        count(&self.lost_wakes, verdict.lost_wake);
    }

    /// "instruction 17, while survivors went on"
    pub(crate) fn whereabouts(&self) -> String {
        let point = Point::unpack(self.point.load(Relaxed));
        let now = self.phase.load(Relaxed);
        let phase = PHASES.iter().find(|(phase, _)| *phase as u32 == now);
        format!("{point}, {}", phase.map_or("?", |(_, words)| words))
    }
}
