//! What was counted, and whether it is as it must be.

use std::ops::AddAssign;
use std::time::Duration;

#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) processes: usize,
    pub(crate) elapsed: Duration,
    /// Messages sent and messages received, or whatever else has succeeded.
    pub(crate) operations: u64,
    pub(crate) kills: u64,
    /// Kills of a worker that was asleep in the kernel.
    pub(crate) kills_asleep: u64,
    /// Kills of a worker that was in the middle of something.
    pub(crate) kills_inside: u64,
    /// Repairs that survivors made.
    pub(crate) recovered: u64,
    /// Messages whose send returned and that nobody received. For what this and the others count of primitives that
    /// carry no messages, see [`super::sync`].
    pub(crate) lost: u64,
    /// Messages without a mark, found with the consumer that was killed before it could mark them.
    pub(crate) in_hand: u64,
    /// Messages not counted as lost: each has a consumer killed in a receive that may have
    /// been given it.
    pub(crate) excused: u64,
    pub(crate) duplicated: u64,
    pub(crate) reordered: u64,
    pub(crate) torn: u64,
    /// Workers that no longer moved.
    pub(crate) hung: u64,
    /// Elements of the capacity, descriptors, mappings, names, and processes left behind.
    pub(crate) leaked: u64,
    /// Anything else that must not happen, in words.
    pub(crate) failures: Vec<String>,
}

impl Outcome {
    pub(crate) fn passed(&self) -> bool {
        let violations =
            self.lost + self.duplicated + self.reordered + self.torn + self.hung + self.leaked;
        violations == 0 && self.failures.is_empty()
    }

    pub(crate) fn per_second(&self) -> f64 {
        self.operations as f64 / self.elapsed.as_secs_f64().max(f64::EPSILON)
    }
}

impl AddAssign for Outcome {
    fn add_assign(&mut self, other: Self) {
        self.processes = self.processes.max(other.processes);
        self.elapsed += other.elapsed;
        self.operations += other.operations;
        self.kills += other.kills;
        self.kills_asleep += other.kills_asleep;
        self.kills_inside += other.kills_inside;
        self.recovered += other.recovered;
        self.lost += other.lost;
        self.in_hand += other.in_hand;
        self.excused += other.excused;
        self.duplicated += other.duplicated;
        self.reordered += other.reordered;
        self.torn += other.torn;
        self.hung += other.hung;
        self.leaked += other.leaked;
        self.failures.extend(other.failures);
    }
}
