//! The operations of futures, each an attempt that is made until it does not block.
//!
//! None of them holds anything between two attempts but what it was given, so each can be dropped at any time: what it received or
//! acquired it has returned, and what it was to send it has sent, or drops.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::attempt::Attempt;
use super::source::{Source, Sources};
use super::subject::Subject;
use crate::error::{Fault, RecvError, SendError, TryRecvError, TrySendError};
use crate::place::Place;

/// Asynchronous receiving, for a handle that receives with `$try`; and the stream of all that it receives, if it has one.
macro_rules! receiving {
    (
        impl [$($generics:tt)*] $name:ty;
        $(#[$doc:meta])*
        fn $receive:ident($self:ident: $own:ty) -> $item:ty => $try:ident, $blocking:ident;
        $($(#[$stream_doc:meta])* fn $stream:ident();)?
    ) => {
        /// With the feature `async`.
        impl<$($generics)*> $name {
            $(#[$doc])*
            /// Waits without blocking the executor's thread.
            #[doc = concat!("Otherwise as [`", stringify!($blocking), "`](Self::", stringify!($blocking), ").")]
            ///
            /// Dropped before its end, the future has received nothing: nothing is lost.
            ///
            /// # Errors
            ///
            #[doc = concat!("Those of [`", stringify!($blocking), "`](Self::", stringify!($blocking), "), and of starting a thread that sleeps for it.")]
            pub fn $receive(
                $self: $own,
            ) -> impl Future<Output = std::result::Result<$item, $crate::RecvError>> + Send + Unpin {
                $crate::any::recv($self, |source| source.$try())
            }

            $(
                $(#[$stream_doc])*
                #[doc = concat!("Ends with the first error, of which [`", stringify!($try), "`](Self::", stringify!($try), ") tells then.")]
                pub fn $stream($self: $own) -> impl futures_core::Stream<Item = $item> + Send + Unpin {
                    $crate::any::stream($self, |source| source.$try())
                }
            )?
        }
    };
}
pub(crate) use receiving;

/// Makes `attempt` until it gives a result. It is told of a fault, with which it then fails.
pub(crate) fn attempt<S: Source, R>(
    source: S,
    attempt: impl FnMut(&mut S, Result<(), Fault>) -> Option<R>,
) -> impl Future<Output = R> + Unpin {
    Attempt::new(source, attempt)
}

pub(crate) fn recv<S: Source, T>(
    source: S,
    try_recv: impl FnMut(&mut S) -> Result<T, TryRecvError>,
) -> impl Future<Output = Result<T, RecvError>> + Unpin {
    Attempt::new(source, receive_by(try_recv))
}

/// Ends with the first error.
pub(crate) fn stream<S: Source, T>(
    source: S,
    try_recv: impl FnMut(&mut S) -> Result<T, TryRecvError>,
) -> impl Stream<Item = T> + Unpin {
    Received(Attempt::new(source, receive_by(try_recv)))
}

pub(crate) fn send<S: Source, T>(
    source: S,
    value: T,
    mut try_send: impl FnMut(&mut S, T) -> Result<(), TrySendError<T>>,
) -> impl Future<Output = Result<(), SendError<T>>> + Unpin {
    let mut unsent = Some(value);
    Attempt::new(source, move |source, sound| {
        let value = unsent.take().expect("a future is not polled after its end");
        let sent = match sound {
            Ok(()) => try_send(source, value),
            Err(fault) => Err(TrySendError::Fault(value, fault)),
        };
        Some(match sent {
            Err(TrySendError::Full(value)) => {
                unsent = Some(value);
                return None;
            }
            Err(TrySendError::Closed(value)) => Err(SendError::Closed(value)),
            Err(TrySendError::PeerDied(value)) => Err(SendError::PeerDied(value)),
            Err(TrySendError::Fault(value, fault)) => Err(SendError::Fault(value, fault)),
            Ok(()) => Ok(()),
        })
    })
}

fn receive_by<S, T>(
    mut try_recv: impl FnMut(&mut S) -> Result<T, TryRecvError>,
) -> impl FnMut(&mut S, Result<(), Fault>) -> Option<Result<T, RecvError>> {
    move |source, sound| {
        let received = sound
            .map_err(TryRecvError::Fault)
            .and_then(|()| try_recv(source));
        match received {
            Err(TryRecvError::Empty) => None,
            outcome => Some(outcome.map_err(TryRecvError::of_recv)),
        }
    }
}

/// One receive after the other.
struct Received<S: Sources, F>(Attempt<S, F>);

impl<S: Sources, F, T> Stream for Received<S, F>
where
    F: FnMut(&mut S, Result<(), Fault>) -> Option<Result<T, RecvError>>,
{
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        Pin::new(&mut self.0).poll(context).map(Result::ok)
    }
}

/// A handle as one waits for it who wants to send: ready when there is room.
pub(crate) struct Room<H>(pub(crate) H);

/// What has room.
pub(crate) trait HasRoom {
    /// What is rung when there is some.
    fn room_bell(&self) -> (&Place, usize);
    /// Whether a send would not block.
    fn has_room(&self) -> bool;
}

impl<H: std::ops::Deref<Target: HasRoom>> Source for Room<H> {
    fn place(&self) -> Option<&Place> {
        Some(self.0.room_bell().0)
    }

    fn subject(&self) -> Subject {
        Subject::in_segment(self.0.room_bell())
    }

    fn is_ready_since(&self, _: u64) -> bool {
        self.0.has_room()
    }
}
