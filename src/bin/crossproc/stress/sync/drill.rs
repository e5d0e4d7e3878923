//! What an exercise needs of each primitive.

use super::floor::Floor;
use super::site::Site;
use crate::stress::burst::How;
use crate::stress::outcome::Outcome;
use crate::stress::round::Conditions;
use serde::{Serialize, de::DeserializeOwned};

/// A primitive put to use, and how one can tell that it did what it must. Its value is one life of one worker.
///
/// A call that comes to nothing (it would block, it timed out) is no fault; one that reports a fault panics, which fails
/// the run.
pub(crate) trait Drill: Sized + 'static {
    /// Travels to the workers.
    type Handle: Clone + Serialize + DeserializeOwned;
    /// Workers have nothing to do with each other: each of them has to move all the time.
    const APART: bool = false;

    /// A new instance; under a name, one that was found by it.
    fn create(name: Option<&str>, conditions: &Conditions<'_>) -> crossproc::Result<Self::Handle>;
    fn repairs(handle: &Self::Handle) -> u64;
    /// Words of the board.
    fn board(workers: usize) -> usize;

    fn begin(site: &mut Site<'_, Self>) -> Self;
    /// One piece of work; whether anything has moved.
    fn turn(&mut self, site: &mut Site<'_, Self>, how: How) -> bool;
    /// The round ends, and the worker with it.
    fn end(self, _: &mut Site<'_, Self>) {}
    /// In the parent, once no worker begins anything new: lets go on who still waits.
    fn finish(_: &Self::Handle, _: &Floor) {}
    /// By one who comes when all others have ended: everything must be usable.
    fn inspect(site: &mut Site<'_, Self>);
    /// Adds the balance to `outcome`. Each of the fallen was in the middle of something.
    fn audit(floor: &Floor, fallen: &[Fallen], outcome: &mut Outcome);
}

/// A worker that was killed in the middle of something.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fallen {
    pub(crate) intent: u64,
}

/// Threads that take part at a time: each process has two records, its main thread's and its keeper's, the parent and the
/// survivor too. A newcomer must find room as soon as another has died.
pub(crate) fn participants(conditions: &Conditions<'_>) -> u32 {
    2 * (conditions.processes as u32 + 2)
}

/// Counts what is short of what was acknowledged as lost, and what is more than the fallen can have added as duplicated.
pub(crate) fn balance(found: u64, acknowledged: u64, fallen: u64, outcome: &mut Outcome) {
    outcome.lost += acknowledged.saturating_sub(found);
    outcome.duplicated += found.saturating_sub(acknowledged + fallen);
}

/// How a handle on a fresh instance is come by: an anonymous one, or one created under a name, opened by it, and unlinked.
macro_rules! come_by {
    ($name:expr, $options:expr, $Primitive:ty) => {{
        let options = $options;
        match $name {
            None => options.anonymous(),
            Some(name) => options.create(name).and_then(|created| {
                let found = <$Primitive>::open(name);
                created.unlink()?;
                found
            }),
        }
    }};
}
pub(crate) use come_by;
