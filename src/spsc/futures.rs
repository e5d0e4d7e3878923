//! The ring in asynchronous programs.

use std::future::Future;

use super::{Consumer, Producer, memory};
use crate::any::{self, HasRoom, Room};
use crate::element::Element;
use crate::error::SendError;
use crate::place::Place;
use crate::role::Peer;

/// With the feature `async`.
impl<T: Element> Producer<T> {
    /// Sends `value`, and waits while the ring is full, without blocking the executor's thread. Otherwise as [`send`](Producer::send).
    ///
    /// Dropped before its end, the future has sent nothing, and drops the value.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Producer::send), each with the value.
    pub fn send_async(
        &mut self,
        value: T,
    ) -> impl Future<Output = Result<(), SendError<T>>> + Send + Unpin {
        any::send(Room(self), value, |room, value| room.0.try_send(value))
    }
}

any::receiving! {
    impl [T: Element] Consumer<T>;
    /// Receives the oldest value.
    fn recv_async(self: &mut Self) -> T => try_recv, recv;
    /// Receives until the producer has closed its side, or died, and nothing is left.
    fn stream();
}

impl<T: Element> HasRoom for Producer<T> {
    fn room_bell(&self) -> (&Place, usize) {
        (&self.role.words().place, memory::NOT_FULL)
    }

    /// Also if the consumer has left, or it would fail.
    fn has_room(&self) -> bool {
        let none = self.role.enter().is_ok()
            && matches!(self.sender.peek(self.role.words()), Ok(0))
            && self.role.peer() == Peer::Expected;
        !none
    }
}
