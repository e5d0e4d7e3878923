//! Waiting and acquiring in asynchronous programs.

use std::future::Future;

use super::{CountingSemaphore, Event, Permit, Semaphore};
use crate::any;
use crate::error::{Fault, TryAcquireError};

/// With the feature `async`.
impl Event {
    /// Waits until it is set, without blocking the executor's thread. Served, like [`wait`](Event::wait), also if it is set and reset again
    /// after this was called.
    ///
    /// # Errors
    ///
    /// Those of [`wait`](Event::wait), and of starting a thread that sleeps for it.
    pub fn wait_async(&self) -> impl Future<Output = Result<(), Fault>> + Send + Unpin {
        let mark = self.mark();
        any::attempt(self, move |event, sound| {
            let has_been_set = sound
                .and_then(|()| event.bell().0.attachment.participant().map(drop))
                .map(|()| event.has_been_set_since(mark));
            match has_been_set {
                Ok(false) => None,
                Ok(true) => Some(Ok(())),
                Err(fault) => Some(Err(fault)),
            }
        })
    }
}

/// With the feature `async`.
impl Semaphore {
    /// Acquires a permit, and waits while live processes hold all of them, without blocking the executor's thread.
    ///
    /// Dropped before its end, the future has acquired nothing.
    ///
    /// # Errors
    ///
    /// Those of [`acquire`](Semaphore::acquire), and of starting a thread that sleeps for it.
    pub fn acquire_async(&self) -> impl Future<Output = Result<Permit<'_>, Fault>> + Send + Unpin {
        any::attempt(self, |semaphore, sound| {
            let semaphore: &Semaphore = semaphore;
            acquired(sound, || semaphore.try_acquire())
        })
    }
}

/// With the feature `async`.
impl CountingSemaphore {
    /// Takes 1, and waits while there is none, without blocking the executor's thread.
    ///
    /// Dropped before its end, the future has taken nothing.
    ///
    /// # Errors
    ///
    /// Those of [`acquire`](CountingSemaphore::acquire), and of starting a thread that sleeps for it.
    pub fn acquire_async(&self) -> impl Future<Output = Result<(), Fault>> + Send + Unpin {
        any::attempt(self, |semaphore, sound| {
            acquired(sound, || semaphore.try_acquire())
        })
    }
}

fn acquired<P>(
    sound: Result<(), Fault>,
    try_acquire: impl FnOnce() -> Result<P, TryAcquireError>,
) -> Option<Result<P, Fault>> {
    match sound
        .map_err(TryAcquireError::Fault)
        .and_then(|()| try_acquire())
    {
        Err(TryAcquireError::WouldBlock) => None,
        Err(TryAcquireError::Fault(fault)) => Some(Err(fault)),
        Ok(permit) => Some(Ok(permit)),
    }
}
