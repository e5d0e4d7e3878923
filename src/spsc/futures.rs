//! The ring in asynchronous programs.

use std::future::Future;

use futures_core::Stream;

use super::{Consumer, Producer, memory};
use crate::any::{self, HasRoom, Room};
use crate::element::Element;
use crate::error::{RecvError, SendError};
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

/// With the feature `async`.
impl<T: Element> Consumer<T> {
    /// Receives the oldest value, and waits while there is none, without blocking the executor's thread. Otherwise as
    /// [`recv`](Consumer::recv).
    ///
    /// Dropped before its end, the future has received nothing: no value is lost.
    ///
    /// # Errors
    ///
    /// Those of [`recv`](Consumer::recv).
    pub fn recv_async(&mut self) -> impl Future<Output = Result<T, RecvError>> + Send + Unpin {
        any::recv(self, |consumer| consumer.try_recv())
    }

    /// Receives until the producer has closed its side, or died, and nothing is left. Then [`try_recv`](Consumer::try_recv) says which
    /// it was.
    pub fn stream(&mut self) -> impl Stream<Item = T> + Send + Unpin {
        any::stream(self, |consumer| consumer.try_recv())
    }
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
