//! The queue in asynchronous programs.

use std::future::Future;

use super::handle::Queue;
use super::memory;
use crate::any::{self, HasRoom, Room};
use crate::element::Element;
use crate::error::SendError;
use crate::place::Place;

/// With the feature `async`.
impl<T: Element> Queue<T> {
    /// Sends `value`, and waits while the queue is full, without blocking the executor's thread. Otherwise as [`send`](Queue::send).
    ///
    /// Dropped before its end, the future has sent nothing, and drops the value.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Queue::send), each with the value.
    pub fn send_async(
        &self,
        value: T,
    ) -> impl Future<Output = Result<(), SendError<T>>> + Send + Unpin {
        any::send(Room(self), value, |room, value| room.0.try_send(value))
    }
}

any::receiving! {
    impl [T: Element] Queue<T>;
    /// Receives the oldest value.
    fn recv_async(self: &Self) -> T => try_recv, recv;
    /// Receives until the queue is closed and drained.
    fn stream();
}

impl<T: Element> HasRoom for Queue<T> {
    fn room_bell(&self) -> (&Place, usize) {
        (&self.words.place, memory::NOT_FULL)
    }

    fn has_room(&self) -> bool {
        self.is_closed() || !self.is_full()
    }
}
