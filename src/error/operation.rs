//! One error type per operation: sending and receiving, each never blocking, blocking, or bounded in time.

use std::{error, fmt, io};

use super::Error;

/// The segment, the handle or the message is unusable: not part of normal running, and the same for every operation.
///
/// A broken segment is a value rather than a panic, so that a process survives
/// what another one did to the memory they share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Bytes in the segment make no sense; says which. Becomes [`Error::Corrupted`].
    Corrupted(&'static str),
    /// The role handle was copied by fork, or its role was taken over. Becomes [`Error::RoleLost`].
    RoleLost,
    /// This thread found no place among the segment's participants. Becomes [`Error::ParticipantsFull`].
    ParticipantsFull {
        /// How many threads can take part at a time.
        participants: u32,
    },
    /// The value cannot be encoded as a message; nothing was sent. Becomes [`Error::Encode`].
    Encode,
    /// The message received is no value of the expected type, and is gone. Becomes [`Error::Decode`].
    Decode,
    /// The dict or list was emptied while it was iterated over. Becomes [`Error::Cleared`].
    Cleared,
    /// The system refused what it takes to join in; an `errno`. Becomes [`Error::Os`].
    Os(i32),
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Error {
        match fault {
            Fault::Corrupted(what) => Error::Corrupted { what },
            Fault::RoleLost => Error::RoleLost,
            Fault::ParticipantsFull { participants } => Error::ParticipantsFull { participants },
            Fault::Encode => Error::Encode,
            Fault::Decode => Error::Decode,
            Fault::Cleared => Error::Cleared,
            Fault::Os(errno) => Error::os("use the segment")(io::Error::from_raw_os_error(errno)),
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Fault {
        let unexplained = rustix::io::Errno::NOSYS.raw_os_error();
        Fault::Os(error.raw_os_error().unwrap_or(unexplained))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Error::from(*self).fmt(f)
    }
}

impl error::Error for Fault {}

/// Error types that hand back the unsent value in every case. Cases are named as in [`Error`].
macro_rules! send_errors {
    ($( $(#[$doc:meta])* $name:ident { $( $(#[$case_doc:meta])* $case:ident ),+ } )+) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq)]
        pub enum $name<T> {
            $( $(#[$case_doc])* $case(T), )+
            /// The segment or the handle is unusable.
            Fault(T, Fault),
        }

        impl<T> $name<T> {
            /// What was not sent.
            pub fn into_inner(self) -> T {
                match self {
                    $( Self::$case(unsent) )|+ | Self::Fault(unsent, _) => unsent,
                }
            }
        }

        impl<T> From<$name<T>> for Error {
            fn from(error: $name<T>) -> Error {
                match error {
                    $( $name::$case(_) => Error::$case, )+
                    $name::Fault(_, fault) => fault.into(),
                }
            }
        }

        impl<T> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $( Self::$case(_) => f.write_str(concat!(stringify!($case), "(..)")), )+
                    Self::Fault(_, fault) => write!(f, "Fault(.., {fault:?})"),
                }
            }
        }

        impl<T> fmt::Display for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $( Self::$case(_) => Error::$case.fmt(f), )+
                    Self::Fault(_, fault) => fault.fmt(f),
                }
            }
        }

        impl<T> error::Error for $name<T> {}
    )+ };
}

/// Error types of operations that hand nothing back. Cases are named as in [`Error`].
macro_rules! plain_errors {
    ($( $(#[$doc:meta])* $name:ident { $( $(#[$case_doc:meta])* $case:ident ),+ } )+) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $( $(#[$case_doc])* $case, )+
            /// The segment or the handle is unusable.
            Fault(Fault),
        }

        impl From<$name> for Error {
            fn from(error: $name) -> Error {
                match error {
                    $( $name::$case => Error::$case, )+
                    $name::Fault(fault) => fault.into(),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                Error::from(*self).fmt(f)
            }
        }

        impl error::Error for $name {}
    )+ };
}

send_errors! {
    /// Why `try_send` did not send.
    TrySendError {
        /// There is no room until something is received.
        Full,
        /// Closed: nothing more can be sent.
        Closed,
        /// The only consumer died without closing its side.
        PeerDied
    }

    /// Why `send` did not send.
    SendError {
        /// Closed: nothing more can be sent.
        Closed,
        /// The only consumer died without closing its side.
        PeerDied
    }

    /// Why `send_timeout` or `send_deadline` did not send.
    SendTimeoutError {
        /// There was no room in time.
        Timeout,
        /// Closed: nothing more can be sent.
        Closed,
        /// The only consumer died without closing its side.
        PeerDied
    }
}

plain_errors! {
    /// Why a shared dict, list or namespace was not changed. Nothing was.
    UpdateError {
        /// The manager's memory has grown to its maximum.
        MaximumReached,
        /// The system has no memory left.
        NoMemory,
        /// It is larger than all of the manager's memory.
        Oversized,
        /// The calling thread holds the lock already: a function that was to change a value asked for another change.
        Deadlock
    }

    /// Why `try_recv` received nothing.
    TryRecvError {
        /// There is nothing until something is sent.
        Empty,
        /// Closed, and all that was sent has been received.
        Closed,
        /// The only producer died without closing its side, and all that it sent has been received.
        PeerDied
    }

    /// Why `recv` received nothing.
    RecvError {
        /// Closed, and all that was sent has been received.
        Closed,
        /// The only producer died without closing its side, and all that it sent has been received.
        PeerDied
    }

    /// Why `recv_timeout` or `recv_deadline` received nothing.
    RecvTimeoutError {
        /// There was nothing in time.
        Timeout,
        /// Closed, and all that was sent has been received.
        Closed,
        /// The only producer died without closing its side, and all that it sent has been received.
        PeerDied
    }

    /// Why `try_acquire` acquired nothing.
    TryAcquireError {
        /// There is nothing to be had until something is released.
        WouldBlock
    }

    /// Why `try_loan` or `try_send` of a queue for messages of any size did not get the memory it takes.
    TryLoanError {
        /// There is no room for it until something is received.
        Full,
        /// It is more than all of the queue's memory.
        Oversized,
        /// Closed: nothing more can be sent.
        Closed
    }

    /// Why `loan` or `send` of a queue for messages of any size did not get the memory it takes.
    LoanError {
        /// It is more than all of the queue's memory.
        Oversized,
        /// Closed: nothing more can be sent.
        Closed
    }

    /// The same with a limit of time.
    LoanTimeoutError {
        /// There was no room for it in time.
        Timeout,
        /// It is more than all of the queue's memory.
        Oversized,
        /// Closed: nothing more can be sent.
        Closed
    }

    /// Why an operation that waits for something other than a lock or a message did not succeed in time.
    WaitTimeoutError {
        /// It did not happen in time.
        Timeout
    }

    /// Why `release` released nothing.
    ReleaseError {
        /// It would have been more than the maximum.
        OverRelease
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct NotDebug(u32);

    #[test]
    fn nothing_is_lost_in_an_error() {
        let fault = Fault::ParticipantsFull { participants: 6 };
        let all = [
            TrySendError::Full(NotDebug(7)),
            TrySendError::Closed(NotDebug(7)),
            TrySendError::PeerDied(NotDebug(7)),
            TrySendError::Fault(NotDebug(7), fault),
        ];
        let shown = [
            ("Full(..)", "full"),
            ("Closed(..)", "closed"),
            ("PeerDied(..)", "the process at the other end died"),
            (
                "Fault(.., ParticipantsFull { participants: 6 })",
                "all 6 places for participants",
            ),
        ];
        for (error, (debug, display)) in all.into_iter().zip(shown) {
            assert_eq!(format!("{error:?}"), debug);
            assert!(error.to_string().starts_with(display));
            assert_eq!(error.into_inner().0, 7);
        }
    }

    #[test]
    fn every_operation_fits_a_main_that_returns_error() {
        assert!(matches!(SendError::PeerDied(()).into(), Error::PeerDied));
        assert!(matches!(
            SendTimeoutError::Timeout(()).into(),
            Error::Timeout
        ));
        assert!(matches!(TryRecvError::Empty.into(), Error::Empty));
        assert!(matches!(RecvError::Closed.into(), Error::Closed));
        assert!(matches!(
            RecvTimeoutError::Fault(Fault::RoleLost).into(),
            Error::RoleLost
        ));
        let corrupted = TryRecvError::Fault(Fault::Corrupted("a lap lies ahead")).into();
        assert!(matches!(
            corrupted,
            Error::Corrupted {
                what: "a lap lies ahead"
            }
        ));

        let refused = io::Error::from(rustix::io::Errno::NOMEM);
        let code = refused.raw_os_error();
        let error = Error::from(Fault::from(refused));
        assert!(matches!(error, Error::Os { source, .. } if source.raw_os_error() == code));
    }
}
