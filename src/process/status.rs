//! How a process ended.

use std::fmt;
use std::os::unix::process::ExitStatusExt;

use serde::{Deserialize, Serialize};

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ExitStatus {
    /// It ended by itself. A child whose entry function returned has the code 0, one that panicked 101.
    Exited {
        /// The exit code.
        code: i32,
    },
    /// A signal ended it.
    Killed {
        /// The signal's number.
        signal: i32,
        /// Whether it left a core file.
        core_dumped: bool,
    },
    /// It has ended, but somebody else collected its status: a `wait` for any child, or the kernel because the
    /// program ignores SIGCHLD.
    Unobserved,
}

impl ExitStatus {
    /// Whether it ended by itself, with the code 0.
    pub fn success(&self) -> bool {
        matches!(self, ExitStatus::Exited { code: 0 })
    }

    /// The exit code, if it ended by itself.
    pub fn code(&self) -> Option<i32> {
        match self {
            ExitStatus::Exited { code } => Some(*code),
            _ => None,
        }
    }

    /// The number of the signal that ended it, if one did.
    pub fn signal(&self) -> Option<i32> {
        match self {
            ExitStatus::Killed { signal, .. } => Some(*signal),
            _ => None,
        }
    }
}

impl From<Option<std::process::ExitStatus>> for ExitStatus {
    /// Of one that was collected, if it was.
    fn from(status: Option<std::process::ExitStatus>) -> ExitStatus {
        let Some(status) = status else {
            return ExitStatus::Unobserved;
        };
        match (status.signal(), status.code()) {
            (Some(signal), _) => ExitStatus::Killed {
                signal,
                core_dumped: status.core_dumped(),
            },
            (None, Some(code)) => ExitStatus::Exited { code },
            (None, None) => unreachable!("a process ends by a signal or with a code"),
        }
    }
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExitStatus::Exited { code } => write!(f, "exit code {code}"),
            ExitStatus::Killed {
                signal,
                core_dumped,
            } => {
                let raw = signal | i32::from(*core_dumped) << 7;
                std::process::ExitStatus::from_raw(raw).fmt(f)
            }
            ExitStatus::Unobserved => f.write_str("ended, its exit status was collected elsewhere"),
        }
    }
}
