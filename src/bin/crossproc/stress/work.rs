//! A kind of work: what the workers of a round do, and how it is audited.

use super::Failure;
use super::crew::{Broken, Crew};
use super::desk::Desk;
use super::outcome::Outcome;
use super::round::Conditions;
use super::sheet::Pace;
use crossproc::process::Child;
use std::fmt::Debug;
use std::io;

/// A worker's place, which outlives it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Post<R> {
    pub(crate) role: R,
    /// Among the workers of one lane something has to move all the time.
    pub(crate) lane: usize,
    pub(crate) desk: usize,
    /// Its number among those of its kind in the lane.
    pub(crate) number: usize,
}

/// Fresh primitives, fresh memory to check them by, and what workers do with both.
pub(crate) trait Work: Sized {
    type Role: Copy + Debug + PartialEq;
    /// What speaks for a worker that was killed.
    type Excuse;

    fn new(conditions: &Conditions<'_>) -> Result<Self, Failure>;
    fn lanes(&self) -> usize;
    fn posts(&self) -> Vec<Post<Self::Role>>;
    /// Those who come when all others have ended.
    fn survivors(&self) -> Vec<Post<Self::Role>>;
    fn desk(&self, index: usize) -> Desk<'_>;
    fn set_pace(&self, pace: Pace);
    /// True when there is no room for more work: workers may end before they are told.
    fn is_full(&self) -> bool;
    /// Starts a worker, whose result says how much it found missing.
    fn start(
        &self,
        post: Post<Self::Role>,
        seed: u64,
        conditions: &Conditions<'_>,
    ) -> crossproc::Result<Child<usize>>;
    /// Called before a worker is killed.
    fn condemn(&self, desk: usize);
    /// Called when a worker that was killed is dead, before another takes its place.
    fn excuse(&self, post: Post<Self::Role>) -> io::Result<Option<Self::Excuse>>;
    /// Lets all workers finish by themselves.
    fn finish(&self, crew: &mut Crew<'_, Self>) -> Result<(), Broken>;
    /// Repairs that survivors made.
    fn repairs(&self) -> u64;
    /// Keeps something of this process's for ever.
    fn leak(&self);
    /// Adds the balance to `outcome`. Losses count only if the round came to its end.
    fn balance(
        &self,
        excuses: Vec<Self::Excuse>,
        finished: bool,
        outcome: &mut Outcome,
    ) -> io::Result<()>;
}
