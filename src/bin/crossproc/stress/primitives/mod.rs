//! The primitives that can be put under stress, and the little the harness needs of each.

mod queue;
mod shortfall;
mod spsc;

use super::Failure;
use super::message::Message;
use super::outcome::Outcome;
use super::round::{self, Conditions};
use serde::{Serialize, de::DeserializeOwned};
use std::time::Duration;

/// Every primitive there is. A new one adds its entry here.
pub(crate) static ALL: &[Primitive] = &[
    Primitive {
        name: "spsc",
        round: by_width::<spsc::Spsc>,
    },
    Primitive {
        name: "queue",
        round: by_width::<queue::Queue>,
    },
];

#[derive(Debug)]
pub(crate) struct Primitive {
    pub(crate) name: &'static str,
    /// Runs one round under the given conditions.
    pub(crate) round: fn(&Conditions<'_>) -> Result<Outcome, Failure>,
}

/// Element sizes take turns: 48, 8 and 200 bytes, which primitives lay out differently.
fn by_width<S: Subject<6> + Subject<1> + Subject<25>>(
    conditions: &Conditions<'_>,
) -> Result<Outcome, Failure> {
    match conditions.number % 3 {
        0 => round::run::<S, 6>(conditions),
        1 => round::run::<S, 1>(conditions),
        _ => round::run::<S, 25>(conditions),
    }
}

/// The workers that share one instance of a primitive.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lane {
    pub(crate) producers: usize,
    pub(crate) consumers: usize,
}

/// How a call may wait.
#[derive(Clone, Copy, Debug)]
pub(crate) enum How {
    Try,
    Block,
    Timeout(Duration),
}

/// The peer has finished: no message will move any more.
#[derive(Debug)]
pub(crate) struct Closed;

/// A primitive that carries messages of `N` words.
///
/// A call that moves nothing (full, empty, timed out, no peer alive) returns zero; one that
/// reports a fault panics, which fails the run.
pub(crate) trait Subject<const N: usize>: 'static {
    /// The most messages one call moves.
    const BATCH: usize;
    /// Travels to the workers.
    type Handle: Clone + Serialize + DeserializeOwned;
    type Sender;
    type Receiver;

    /// How so many processes are put to use.
    fn lanes(processes: usize) -> Vec<Lane>;

    /// A new instance; under a name, one that was found by it.
    fn create(
        name: Option<&str>,
        capacity: usize,
        participants: u32,
    ) -> crossproc::Result<Self::Handle>;
    fn capacity(handle: &Self::Handle) -> usize;
    fn len(handle: &Self::Handle) -> usize;
    fn repairs(handle: &Self::Handle) -> u64;
    /// Called when all producers have ended: lets consumers drain what is left, and end.
    fn finish(handle: &Self::Handle);

    fn sender(handle: &Self::Handle) -> crossproc::Result<Self::Sender>;
    fn receiver(handle: &Self::Handle) -> crossproc::Result<Self::Receiver>;
    /// Sends a first part of the batch.
    fn send(sender: &mut Self::Sender, how: How, batch: &[Message<N>]) -> Result<usize, Closed>;
    /// Receives into a first part of the batch.
    fn recv(
        receiver: &mut Self::Receiver,
        how: How,
        batch: &mut [Message<N>],
    ) -> Result<usize, Closed>;
}
