//! One error type per way of locking. The cases in which the lock was taken all the same carry its guard.

use std::{error, fmt};

use super::{Error, Fault};
use crate::sync::Cause;

/// Error types of the locking operations. Cases are named as in [`Error`].
macro_rules! lock_errors {
    ($( $(#[$doc:meta])* $name:ident { $( $(#[$case_doc:meta])* $case:ident ),* } )+) => { $(
        $(#[$doc])*
        ///
        /// `G` is the guard. With [`into_guard`](Self::into_guard) the cases that have one are as good as a success:
        ///
        /// ```
        /// # let mutex = crossproc::Mutex::new(0u64)?;
        /// # let locked = mutex.lock();
        /// let guard = locked.or_else(|error| error.into_guard())?;
        /// # drop(guard);
        /// # Ok::<(), crossproc::Error>(())
        /// ```
        pub enum $name<G> {
            $( $(#[$case_doc])* $case, )*
            /// Locked. The last owner died while it held the lock, and nobody has declared its data consistent since. What a
            /// dead owner had changed by way of its guard is discarded, so this is about what else it was doing.
            OwnerDied(G),
            /// Locked. The last owner panicked while it held the lock; otherwise as for [`OwnerDied`](Self::OwnerDied).
            Poisoned(G),
            /// The calling thread holds the lock already, and would wait for itself.
            Deadlock,
            /// The segment or the handle is unusable.
            Fault(Fault),
        }

        impl<G> $name<G> {
            /// The guard, if the lock was taken; otherwise the error.
            ///
            /// # Errors
            ///
            /// The error itself, in the cases without a guard.
            pub fn into_guard(self) -> Result<G, Self> {
                match self {
                    Self::OwnerDied(guard) | Self::Poisoned(guard) => Ok(guard),
                    other => Err(other),
                }
            }
        }

        impl<G> From<$name<G>> for Error {
            fn from(error: $name<G>) -> Error {
                match error {
                    $( $name::$case => Error::$case, )*
                    $name::OwnerDied(_) => Error::OwnerDied,
                    $name::Poisoned(_) => Error::Poisoned,
                    $name::Deadlock => Error::Deadlock,
                    $name::Fault(fault) => fault.into(),
                }
            }
        }

        impl<G> fmt::Debug for $name<G> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $( Self::$case => f.write_str(stringify!($case)), )*
                    Self::OwnerDied(_) => f.write_str("OwnerDied(..)"),
                    Self::Poisoned(_) => f.write_str("Poisoned(..)"),
                    Self::Deadlock => f.write_str("Deadlock"),
                    Self::Fault(fault) => write!(f, "Fault({fault:?})"),
                }
            }
        }

        impl<G> fmt::Display for $name<G> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $( Self::$case => Error::$case.fmt(f), )*
                    Self::OwnerDied(_) => Error::OwnerDied.fmt(f),
                    Self::Poisoned(_) => Error::Poisoned.fmt(f),
                    Self::Deadlock => Error::Deadlock.fmt(f),
                    Self::Fault(fault) => fault.fmt(f),
                }
            }
        }

        impl<G> error::Error for $name<G> {}
    )+ };
}

lock_errors! {
    /// Why `lock`, `read`, `write` or a condition variable's `wait` did not succeed plainly.
    LockError {}

    /// Why `try_lock`, `try_read` or `try_write` did not succeed plainly.
    TryLockError {
        /// Somebody else holds the lock.
        WouldBlock
    }

    /// Why an operation that ends in `_timeout` or `_deadline` did not succeed plainly.
    LockTimeoutError {
        /// Somebody else held the lock all the time.
        Timeout
    }
}

/// Why a party was not released at a barrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BarrierError {
    /// The barrier is broken; says by what.
    Broken(Cause),
    /// The segment or the handle is unusable.
    Fault(Fault),
}

impl From<BarrierError> for Error {
    fn from(error: BarrierError) -> Error {
        match error {
            BarrierError::Broken(cause) => Error::Broken(cause),
            BarrierError::Fault(fault) => fault.into(),
        }
    }
}

impl fmt::Display for BarrierError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Error::from(*self).fmt(f)
    }
}

impl error::Error for BarrierError {}
