//! From what happened below to the error type of each operation.
//!
//! Below, every send is one send of bounded patience, refused as [`TrySendError`] with the value kept aside, where `Full`
//! also stands for "no room in time"; every receive likewise, with `Empty`. What joining a segment meets becomes a
//! [`Fault`].

use crate::error::{
    Error, Fault, LoanError, LoanTimeoutError, RecvError, RecvTimeoutError, SendError,
    SendTimeoutError, TryLoanError, TryRecvError, TrySendError,
};

impl TrySendError<()> {
    pub(crate) fn of_try_send<T>(self, unsent: T) -> TrySendError<T> {
        match self {
            TrySendError::Full(()) => TrySendError::Full(unsent),
            TrySendError::Closed(()) => TrySendError::Closed(unsent),
            TrySendError::PeerDied(()) => TrySendError::PeerDied(unsent),
            TrySendError::Fault((), fault) => TrySendError::Fault(unsent, fault),
        }
    }

    pub(crate) fn of_send_timeout<T>(self, unsent: T) -> SendTimeoutError<T> {
        match self {
            TrySendError::Full(()) => SendTimeoutError::Timeout(unsent),
            TrySendError::Closed(()) => SendTimeoutError::Closed(unsent),
            TrySendError::PeerDied(()) => SendTimeoutError::PeerDied(unsent),
            TrySendError::Fault((), fault) => SendTimeoutError::Fault(unsent, fault),
        }
    }

    pub(crate) fn of_send<T>(self, unsent: T) -> SendError<T> {
        match self {
            TrySendError::Full(()) => unreachable!("a send without a deadline waits for room"),
            TrySendError::Closed(()) => SendError::Closed(unsent),
            TrySendError::PeerDied(()) => SendError::PeerDied(unsent),
            TrySendError::Fault((), fault) => SendError::Fault(unsent, fault),
        }
    }
}

impl TryLoanError {
    pub(crate) fn of_timeout(self) -> LoanTimeoutError {
        match self {
            TryLoanError::Full => LoanTimeoutError::Timeout,
            TryLoanError::Oversized => LoanTimeoutError::Oversized,
            TryLoanError::Closed => LoanTimeoutError::Closed,
            TryLoanError::Fault(fault) => LoanTimeoutError::Fault(fault),
        }
    }

    pub(crate) fn of_loan(self) -> LoanError {
        match self {
            TryLoanError::Full => unreachable!("a loan without a deadline waits for room"),
            TryLoanError::Oversized => LoanError::Oversized,
            TryLoanError::Closed => LoanError::Closed,
            TryLoanError::Fault(fault) => LoanError::Fault(fault),
        }
    }
}

impl TryRecvError {
    pub(crate) fn of_recv_timeout(self) -> RecvTimeoutError {
        match self {
            TryRecvError::Empty => RecvTimeoutError::Timeout,
            TryRecvError::Closed => RecvTimeoutError::Closed,
            TryRecvError::PeerDied => RecvTimeoutError::PeerDied,
            TryRecvError::Fault(fault) => RecvTimeoutError::Fault(fault),
        }
    }

    pub(crate) fn of_recv(self) -> RecvError {
        match self {
            TryRecvError::Empty => unreachable!("a receive without a deadline waits"),
            TryRecvError::Closed => RecvError::Closed,
            TryRecvError::PeerDied => RecvError::PeerDied,
            TryRecvError::Fault(fault) => RecvError::Fault(fault),
        }
    }
}

/// Of starting the keeper thread, the only step of joining that fails with more than an errno.
impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        match error {
            Error::Os { source, .. } | Error::File { source, .. } => source.into(),
            _ => Fault::Os(libc::EAGAIN),
        }
    }
}
