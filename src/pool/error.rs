//! Why a task has no result.

use std::fmt;
use std::time::Duration;

use crate::error::Fault;

/// Why a job has no result to give.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum JobError {
    /// The function panicked. Its worker goes on with other jobs.
    Panicked {
        /// The panic's message.
        message: String,
        /// Where, as `file:line:column`. `None` if the panic was passed on from elsewhere, or if the program has replaced the panic hook.
        location: Option<String>,
    },
    /// The worker that ran it ended, and it was not to be tried again.
    WorkerDied {
        /// The signal that killed the worker. `None` if it exited.
        signal: Option<i32>,
        /// The code with which the worker exited. `None` if it was killed, or if nobody can tell.
        code: Option<i32>,
        /// How many workers have died that had begun it.
        attempts: u32,
    },
    /// It ran for longer than it was allowed to, and its worker was killed.
    TimedOut {
        /// How long it was allowed to run.
        limit: Duration,
    },
    /// It was cancelled.
    Cancelled,
    /// The pool was terminated or dropped.
    Terminated,
    /// The pool was closed before, and takes no more jobs.
    Closed,
    /// As many jobs are on their way as the pool has places for.
    Full,
    /// No worker can be started.
    NoWorkers {
        /// What became of those that were to be.
        reason: String,
    },
    /// The arguments could not be serialised, or not be deserialised by the worker. The function was not called.
    Arguments {
        /// What the serialiser said.
        reason: String,
    },
    /// The function returned, but its result could not be handed over.
    Result {
        /// What the serialiser said.
        reason: String,
    },
    /// This process is a fork of the one that has the pool, which alone can use it.
    Forked,
    /// The pool's segments are unusable.
    Fault(Fault),
}

impl JobError {
    /// Whether it was never begun, so that it can safely be submitted anew.
    pub fn was_not_begun(&self) -> bool {
        matches!(
            self,
            JobError::Closed | JobError::Full | JobError::Arguments { .. } | JobError::Forked
        )
    }
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JobError::Panicked {
                message,
                location: Some(location),
            } => write!(f, "the job panicked at {location}: {message}"),
            JobError::Panicked {
                message,
                location: None,
            } => write!(f, "the job panicked: {message}"),
            JobError::WorkerDied {
                signal,
                code,
                attempts,
            } => {
                f.write_str("the worker that ran the job ")?;
                match (signal, code) {
                    (Some(signal), _) => write!(f, "was killed by signal {signal}")?,
                    (None, Some(code)) => write!(f, "exited with code {code}")?,
                    (None, None) => f.write_str("ended")?,
                }
                match attempts {
                    0 | 1 => f.write_str(" (it is run again if the pool is told to: .retries(n))"),
                    attempts => write!(f, ", at the last of {attempts} attempts"),
                }
            }
            JobError::TimedOut { limit } => {
                write!(f, "the job ran for longer than {limit:?}, and was killed")
            }
            JobError::Cancelled => f.write_str("the job was cancelled"),
            JobError::Terminated => f.write_str("the pool was terminated before the job was done"),
            JobError::Closed => f.write_str("the pool is closed, and takes no more jobs"),
            JobError::Full => f.write_str("the pool has no place for another job at the moment"),
            JobError::NoWorkers { reason } => write!(f, "the pool has no workers: {reason}"),
            JobError::Arguments { reason } => {
                write!(
                    f,
                    "the job's arguments cannot be sent to a worker: {reason}"
                )
            }
            JobError::Result { reason } => {
                write!(f, "the job's result could not be handed over: {reason}")
            }
            JobError::Forked => f.write_str("a forked process cannot use the pool of its parent"),
            JobError::Fault(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for JobError {}

impl From<Fault> for JobError {
    fn from(fault: Fault) -> JobError {
        JobError::Fault(fault)
    }
}

/// Why one task of several has no result: which one, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaskError {
    /// Which of the inputs, counted from 0.
    pub index: usize,
    /// Why it has no result.
    pub error: JobError,
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {}: {}", self.index, self.error)
    }
}

impl std::error::Error for TaskError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}
