//! What became of a call, said in one way for the results of every operation.

use crossproc::{
    Fault, LockError, LockTimeoutError, TryAcquireError, TryLockError, WaitTimeoutError,
};
use std::fmt::Display;

/// A lock taken.
#[derive(Debug)]
pub(crate) struct Taken<G> {
    pub(crate) guard: G,
    /// An owner died before.
    pub(crate) told: bool,
}

/// The guard, unless the call came to nothing.
pub(crate) fn taken<G, E: Refusal<G>>(result: Result<G, E>) -> Option<Taken<G>> {
    match result {
        Ok(guard) => Some(Taken { guard, told: false }),
        Err(error) => error.settle().map(|guard| Taken { guard, told: true }),
    }
}

/// What was asked for, unless the call came to nothing.
pub(crate) fn given<T, E: Refusal<T>>(result: Result<T, E>) -> Option<T> {
    result.map_or_else(E::settle, Some)
}

/// The result of what cannot come to nothing.
pub(crate) fn sure<T, E: Display>(result: Result<T, E>) -> T {
    result.unwrap_or_else(|fault| panic!("{fault}"))
}

/// An error of an operation that may still have been given something of type `G`.
pub(crate) trait Refusal<G> {
    /// # Panics
    ///
    /// If the error is a fault, which no run may meet.
    fn settle(self) -> Option<G>;
}

macro_rules! refusal {
    ($($error:ty: $($with:path)|* ; $($without:path)|*;)+) => {$(
        impl<G> Refusal<G> for $error {
            fn settle(self) -> Option<G> {
                match self {
                    $($with(guard) => Some(guard),)*
                    $($without => None,)*
                    fault => panic!("{fault}"),
                }
            }
        }
    )+};
}

refusal! {
    LockError<G>: LockError::OwnerDied; ;
    TryLockError<G>: TryLockError::OwnerDied; TryLockError::WouldBlock;
    LockTimeoutError<G>: LockTimeoutError::OwnerDied; LockTimeoutError::Timeout;
    TryAcquireError: ; TryAcquireError::WouldBlock;
    WaitTimeoutError: ; WaitTimeoutError::Timeout;
    Fault: ; ;
}
