//! The primitives that carry messages, and the little the harness needs of each.

use super::message::Message;
use crate::stress::burst::How;
use serde::{Serialize, de::DeserializeOwned};

/// The workers that share one instance of a primitive.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lane {
    pub(crate) producers: usize,
    pub(crate) consumers: usize,
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
    /// What is taken from the dead comes later than what was sent after it.
    const LATE: bool = false;
    /// What is received comes back until it is done with: nothing is lost with its receiver, and what one that was killed has
    /// recorded may be delivered again, as such.
    const LEASED: bool = false;
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
    fn len(handle: &Self::Handle) -> usize;
    /// Whether whoever sends has to wait.
    fn is_full(handle: &Self::Handle) -> bool;
    /// How much is missing of an empty one, of which it was found out that it has room for `sent` messages of one word each call.
    fn missing(handle: &Self::Handle, sent: usize) -> usize;
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
    /// Whether what was received last had been delivered before.
    fn is_again(_: &Self::Receiver) -> bool {
        false
    }
    /// What was received last has been recorded.
    fn done(_: &mut Self::Receiver) {}
}
