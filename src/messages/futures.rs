//! Message queues in asynchronous programs.

use std::future::Future;

use super::memory::MEMORY;
use super::{Lease, Message, MessageQueue, ObjectLease, ObjectQueue};
use crate::any::{self, HasRoom, Room};
use crate::error::{LoanError, TryLoanError};
use crate::object::Object;
use crate::place::Place;

/// Makes `attempt` while there is no room.
fn loaned<H: std::ops::Deref<Target: HasRoom>, R>(
    room: Room<H>,
    mut attempt: impl FnMut(&H) -> Result<R, TryLoanError>,
) -> impl Future<Output = Result<R, LoanError>> + Unpin {
    any::attempt(room, move |room, sound| {
        let outcome = sound
            .map_err(TryLoanError::Fault)
            .and_then(|()| attempt(&room.0));
        match outcome {
            Err(TryLoanError::Full) => None,
            outcome => Some(outcome.map_err(TryLoanError::of_loan)),
        }
    })
}

/// With the feature `async`.
impl MessageQueue {
    /// Sends a copy of `bytes`, and waits while there is no room, without blocking the executor's thread. Otherwise as
    /// [`send`](Self::send).
    ///
    /// Dropped before its end, the future has sent nothing.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send), and of starting a thread that sleeps for it.
    pub fn send_async(
        &self,
        bytes: &[u8],
    ) -> impl Future<Output = Result<(), LoanError>> + Send + Unpin {
        loaned(Room(self), |queue| queue.try_send(bytes))
    }
}

/// With the feature `async`.
impl<T: Object + Sync> ObjectQueue<T> {
    /// Sends `value`, and waits while there is no room, without blocking the executor's thread. Otherwise as [`send`](Self::send).
    ///
    /// Dropped before its end, the future has sent nothing.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send), and of starting a thread that sleeps for it.
    pub fn send_async(
        &self,
        value: &T,
    ) -> impl Future<Output = Result<(), LoanError>> + Send + Unpin {
        loaned(Room(self), |queue| queue.try_send(value))
    }
}

impl HasRoom for MessageQueue {
    fn room_bell(&self) -> (&Place, usize) {
        (self.bell().0, MEMORY)
    }

    fn has_room(&self) -> bool {
        self.is_closed() || self.available() > 0
    }
}

impl<T: Object> HasRoom for ObjectQueue<T> {
    fn room_bell(&self) -> (&Place, usize) {
        (self.bell().0, MEMORY)
    }

    fn has_room(&self) -> bool {
        self.is_closed() || self.available() > 0
    }
}

any::receiving! {
    impl [] MessageQueue;
    /// Receives the oldest message.
    fn recv_async(self: &Self) -> Message<'_> => try_recv, recv;
}

any::receiving! {
    impl [] MessageQueue;
    /// Receives the oldest message on lease: unless it is acknowledged, it is delivered again.
    fn lease_async(self: &Self) -> Lease<'_> => try_lease, lease;
}

any::receiving! {
    impl [T: Object] ObjectQueue<T>;
    /// Receives the oldest value.
    fn recv_async(self: &Self) -> T => try_recv, recv;
    /// Receives until the queue is closed, and nothing is left that will come.
    fn stream();
}

any::receiving! {
    impl [T: Object] ObjectQueue<T>;
    /// Receives the oldest value on lease: unless it is acknowledged, it is delivered again.
    fn lease_async(self: &Self) -> ObjectLease<'_, T> => try_lease, lease;
}
