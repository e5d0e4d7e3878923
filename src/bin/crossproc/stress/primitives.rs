//! The primitives that can be put under stress.

use super::Failure;
use super::broadcast;
use super::manager;
use super::messages::{self, Jobs, Messages, Objects, Queue, Spsc};
use super::outcome::Outcome;
use super::pipes;
use super::pool;
use super::round::Conditions;
use super::sync;
use super::values;

/// Every primitive there is. A new one adds its entry here.
pub(crate) static ALL: &[Primitive] = &[
    // One round for each element size.
    Primitive::new("spsc", 3, messages::run::<Spsc>),
    Primitive::new("queue", 3, messages::run::<Queue>),
    Primitive::new("messages", 3, messages::run::<Messages>),
    Primitive::new("objects", 3, messages::run::<Objects>),
    Primitive::new("jobs", 3, messages::run::<Jobs>),
    Primitive::new("pipe", 2, pipes::messages),
    Primitive::new("bytes", 2, pipes::bytes),
    Primitive::new("mutex", 3, sync::mutex),
    Primitive::new("reentrant", 3, sync::reentrant),
    Primitive::new("rwlock", 3, sync::rwlock),
    Primitive::new("condvar", 3, sync::condvar),
    // Of two kinds, each has one round that ends well and one that does not.
    Primitive::new("semaphore", 4, sync::semaphore),
    Primitive::new("event", 3, sync::event),
    Primitive::new("wait_any", 3, sync::wait_any),
    Primitive::new("barrier", 4, sync::barrier),
    Primitive::new("once", 3, sync::once),
    // One round for each capacity.
    Primitive::new("broadcast", 3, broadcast::broadcast),
    Primitive::new("overwriting", 4, broadcast::overwriting),
    Primitive::new("dict", 2, manager::dict),
    Primitive::new("list", 2, manager::list),
    Primitive::new("manager", 2, manager::manager),
    Primitive::new("value", 3, values::value),
    Primitive::new("array", 3, values::array),
    Primitive::new("pool", 2, pool::pool),
];

type Round = fn(&Conditions<'_>) -> Result<Outcome, Failure>;

#[derive(Debug)]
pub(crate) struct Primitive {
    pub(crate) name: &'static str,
    /// The fewest rounds of which each is of another kind.
    pub(crate) fewest_rounds: u32,
    /// Runs one round under the given conditions.
    pub(crate) round: Round,
}

impl Primitive {
    const fn new(name: &'static str, fewest_rounds: u32, round: Round) -> Self {
        Self {
            name,
            fewest_rounds,
            round,
        }
    }
}
