//! What everybody hears, in asynchronous programs.

use std::future::Future;

use super::memory::NOT_FULL;
use super::{Broadcast, Reader, Received, Subscriber, Watcher};
use crate::any::{self, HasRoom, Room};
use crate::element::Element;
use crate::error::SendError;
use crate::place::Place;

/// With the feature `async`.
impl<T: Element> Broadcast<T> {
    /// Sends `value` to all subscribers, and waits while a live one is a whole ring behind, without blocking the executor's thread.
    /// Otherwise as [`send`](Self::send).
    ///
    /// Dropped before its end, the future has sent nothing, and drops the value.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send), each with the value.
    pub fn send_async(
        &self,
        value: T,
    ) -> impl Future<Output = Result<(), SendError<T>>> + Send + Unpin {
        any::send(Room(self), value, |room, value| room.0.try_send(value))
    }
}

impl<T: Element> HasRoom for Broadcast<T> {
    fn room_bell(&self) -> (&Place, usize) {
        (&self.channel.words.place, NOT_FULL)
    }

    /// For all one knows: to find out takes a look at every subscriber.
    fn has_room(&self) -> bool {
        true
    }
}

any::receiving! {
    impl [T: Element] Subscriber<T>;
    /// Receives the next value.
    fn recv_async(self: &mut Self) -> T => try_recv, recv;
    /// Receives until the ring is closed, and everything received.
    fn stream();
}

any::receiving! {
    impl [T: Element] Reader<T>;
    /// Receives the next value.
    fn recv_async(self: &mut Self) -> Received<T> => try_recv, recv;
    /// Receives until the ring is closed, and everything received.
    fn stream();
}

any::receiving! {
    impl [T: Element] Watcher<T>;
    /// Receives the newest value, once it is newer than the last one received.
    fn changed_async(self: &mut Self) -> Received<T> => try_changed, changed;
    /// Receives the newest value whenever there is a newer one, until there is none any more.
    fn stream();
}
