//! The queue in asynchronous programs.

use std::future::Future;

use futures_core::Stream;

use super::handle::Queue;
use super::memory;
use crate::any::{self, HasRoom, Room};
use crate::element::Element;
use crate::error::{RecvError, SendError};
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

    /// Receives the oldest value, and waits while there is none, without blocking the executor's thread. Otherwise as
    /// [`recv`](Queue::recv).
    ///
    /// Dropped before its end, the future has received nothing: no value is lost.
    ///
    /// # Errors
    ///
    /// Those of [`recv`](Queue::recv).
    pub fn recv_async(&self) -> impl Future<Output = Result<T, RecvError>> + Send + Unpin {
        any::recv(self, |queue| queue.try_recv())
    }

    /// Receives until the queue is closed and drained. Ends early if the segment turns out unusable; then [`recv`](Queue::recv) says why.
    pub fn stream(&self) -> impl Stream<Item = T> + Send + Unpin {
        any::stream(self, |queue| queue.try_recv())
    }
}

impl<T: Element> HasRoom for Queue<T> {
    fn room_bell(&self) -> (&Place, usize) {
        (&self.words.place, memory::NOT_FULL)
    }

    fn has_room(&self) -> bool {
        self.is_closed() || !self.is_full()
    }
}
