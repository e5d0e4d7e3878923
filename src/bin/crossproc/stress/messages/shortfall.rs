//! What a call moved, said in one way for the results of every operation.

use super::subject::Closed;
use crossproc::{
    LoanError, LoanTimeoutError, RecvError, RecvTimeoutError, SendError, SendTimeoutError,
    TryLoanError, TryRecvError, TrySendError,
};

/// How many messages a call moved; `count` says it of a success.
pub(crate) fn moved<T, E: Shortfall>(
    result: Result<T, E>,
    count: impl FnOnce(T) -> usize,
) -> Result<usize, Closed> {
    match result {
        Ok(value) => Ok(count(value)),
        Err(error) => error.shortfall(),
    }
}

/// An error of an operation that sends or receives.
pub(crate) trait Shortfall {
    /// Zero messages were moved, and more may be later; or none will move any more.
    ///
    /// # Panics
    ///
    /// If the error is a fault, which no run may meet.
    fn shortfall(self) -> Result<usize, Closed>;
}

macro_rules! shortfall {
    ($($error:ident $(<$t:ident>)?: $($nothing:ident)|+;)+) => {$(
        impl$(<$t>)? Shortfall for $error$(<$t>)? {
            fn shortfall(self) -> Result<usize, Closed> {
                match self {
                    $(Self::$nothing { .. })|+ => Ok(0),
                    Self::Closed { .. } => Err(Closed),
                    fault => panic!("{fault}"),
                }
            }
        }
    )+};
}

/// Without a limit of time there is no shortfall.
impl Shortfall for LoanError {
    fn shortfall(self) -> Result<usize, Closed> {
        match self {
            Self::Closed => Err(Closed),
            fault => panic!("{fault}"),
        }
    }
}

shortfall! {
    TrySendError<T>: Full | PeerDied;
    SendError<T>: PeerDied;
    SendTimeoutError<T>: Timeout | PeerDied;
    TryLoanError: Full;
    LoanTimeoutError: Timeout;
    TryRecvError: Empty | PeerDied;
    RecvError: PeerDied;
    RecvTimeoutError: Timeout | PeerDied;
}
