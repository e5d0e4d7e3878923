//! What joining a child can tell instead of its result.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use super::letter::Answer;
use super::settings::Setting;
use crate::error::Fault;

/// Why a child has no result to give.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum JoinError {
    /// The entry function panicked.
    Panicked {
        /// The panic's message.
        message: String,
        /// Where, as `file:line:column`. `None` if the panic was passed on from elsewhere, or if
        /// the program has replaced the panic hook.
        location: Option<String>,
    },
    /// A signal ended the child before its entry function returned. With SIGABRT that may have been a
    /// panic that could not unwind, whose message is then on standard error only.
    Killed {
        /// The signal's number.
        signal: i32,
    },
    /// The child called [`std::process::exit`] before its entry function returned.
    Exited {
        /// The exit code.
        code: i32,
    },
    /// The child ended before it had read its arguments.
    NeverStarted {
        /// How it ended, if that is known.
        status: Option<ExitStatus>,
    },
    /// A setting of the [builder](super::Builder) was refused to the child; its entry function was not called.
    Setting {
        /// Which.
        setting: Setting,
        /// What the system said.
        reason: String,
    },
    /// The child could not deserialise its arguments; its entry function was not called.
    Arguments {
        /// What the deserialiser said.
        reason: String,
    },
    /// The entry function returned, but its result could not be handed over.
    Result {
        /// What the serialiser or the system said.
        reason: String,
    },
    /// The child ended without a result, and how is not known: its status was collected elsewhere,
    /// by a `wait` for any child, or by the kernel because the program ignores SIGCHLD.
    Unobserved,
    /// This process is a fork of the one that spawned the child, which alone can join it.
    Forked,
    /// No thread could be started to wait for the child on behalf of [`join_async`](crate::process::Child::join_async).
    Unwatched(Fault),
}

impl JoinError {
    /// A child said this of itself, and did not return.
    pub(super) fn from_answer(answer: Answer) -> JoinError {
        match answer {
            Answer::Panicked { message, location } => JoinError::Panicked { message, location },
            Answer::SettingRefused { setting, reason } => JoinError::Setting { setting, reason },
            Answer::ArgumentsUnreadable { reason } => JoinError::Arguments { reason },
            Answer::ResultUnsendable { reason } => JoinError::Result { reason },
            // Those of a child with another order.
            Answer::Returned | Answer::ProgramRefused { .. } => JoinError::Result {
                reason: "the child has done something else than it was told".into(),
            },
        }
    }

    /// A child that had begun ended like this, without an answer.
    pub(super) fn from_end(status: Option<ExitStatus>) -> JoinError {
        let Some(status) = status else {
            return JoinError::Unobserved;
        };
        match (status.signal(), status.code()) {
            (Some(signal), _) => JoinError::Killed { signal },
            (None, Some(code)) => JoinError::Exited { code },
            (None, None) => unreachable!("a process ends by a signal or with a code"),
        }
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JoinError::Panicked {
                message,
                location: Some(location),
            } => write!(f, "the child panicked at {location}: {message}"),
            JoinError::Panicked {
                message,
                location: None,
            } => write!(f, "the child panicked: {message}"),
            JoinError::Killed { signal } => {
                write!(f, "the child was killed: {}", ExitStatus::from_raw(*signal))
            }
            JoinError::Exited { code } => write!(
                f,
                "the child exited with code {code} before its entry function returned"
            ),
            JoinError::NeverStarted { status } => {
                f.write_str("the child ended before it had read its arguments")?;
                if let Some(status) = status {
                    write!(f, " ({status})")?;
                }
                match status.and_then(|status| status.code()) {
                    Some(_) => f.write_str(
                        ": does `main` call `crossproc::init()` before anything that exits, such \
                         as reading the command line?",
                    ),
                    None => Ok(()),
                }
            }
            JoinError::Setting { setting, reason } => {
                write!(f, "the child was refused its {setting}: {reason}")
            }
            JoinError::Arguments { reason } => {
                write!(f, "the child could not read its arguments: {reason}")
            }
            JoinError::Result { reason } => {
                write!(f, "the child's result could not be handed over: {reason}")
            }
            JoinError::Unobserved => f.write_str(
                "the child ended without a result, and its exit status was collected elsewhere \
                 (is SIGCHLD ignored, or does the program wait for any child?)",
            ),
            JoinError::Forked => {
                f.write_str("a forked process cannot join the children of its parent")
            }
            JoinError::Unwatched(fault) => {
                write!(f, "nobody can wait for the child's end: {fault}")
            }
        }
    }
}

impl std::error::Error for JoinError {}
