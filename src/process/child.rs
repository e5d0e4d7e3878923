//! The parent's side, from then on: waiting for the end, and the result.

use std::fmt;
use std::marker::PhantomData;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{self, ExitStatus};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use rustix::process::Pid;
use serde::de::DeserializeOwned;

use super::JoinError;
use super::letter::{Answer, Letter};
use crate::atomic::AtomicU32;
use crate::error::{Error, Result};
use crate::keeper;
use crate::liveness::Census;
use crate::platform::pidfd::{self, Signal};
use crate::wait::Bell;

/// A child process, and the result it will have.
///
/// Dropping it detaches the child, which goes on, still dies with this process, and is reaped in the
/// background.
///
/// A program that ignores SIGCHLD, or that waits for any child (`waitpid(-1)`), takes exit statuses
/// away. Results and panics are still told; other ends become [`JoinError::Unobserved`].
pub struct Child<R> {
    process: Arc<ChildProcess>,
    result: PhantomData<fn() -> R>,
}

impl<R: DeserializeOwned> Child<R> {
    pub(super) fn new(process: Arc<ChildProcess>) -> Self {
        let result = PhantomData;
        Child { process, result }
    }

    /// Blocks until the child has ended; its result.
    ///
    /// # Errors
    ///
    /// [`JoinError`] says how the child ended instead of returning a result.
    pub fn join(self) -> Result<R, JoinError> {
        let end = self.process.wait(None)?;
        self.result(end.expect("without a deadline, waiting ends with the child"))
    }

    /// The child's result if it has ended, `None` if it has not. Never blocks. A result can be asked
    /// for again.
    ///
    /// # Errors
    ///
    /// As [`join`](Child::join).
    pub fn try_join(&mut self) -> Result<Option<R>, JoinError> {
        self.join_deadline(Instant::now())
    }

    /// Blocks until the child has ended, for as long as `timeout` at most; then `None`. A result can
    /// be asked for again.
    ///
    /// # Errors
    ///
    /// As [`join`](Child::join).
    pub fn join_timeout(&mut self, timeout: Duration) -> Result<Option<R>, JoinError> {
        // A time too far off to be told is no limit.
        self.result_by(Instant::now().checked_add(timeout))
    }

    /// Blocks until the child has ended, until `deadline` at most; then `None`. A result can be
    /// asked for again.
    ///
    /// # Errors
    ///
    /// As [`join`](Child::join).
    pub fn join_deadline(&mut self, deadline: Instant) -> Result<Option<R>, JoinError> {
        self.result_by(Some(deadline))
    }

    /// The child's result once it has ended, without blocking the executor's thread. Dropped before its end, the future leaves the child as
    /// it is. With the feature `async`.
    ///
    /// # Errors
    ///
    /// As [`join`](Child::join), and [`JoinError::Unwatched`].
    #[cfg(feature = "async")]
    pub fn join_async(&mut self) -> impl Future<Output = Result<R, JoinError>> + Send + Unpin {
        crate::any::attempt(self, |child, sound| match sound {
            Ok(()) => child.try_join().transpose(),
            Err(fault) => Some(Err(JoinError::Unwatched(fault))),
        })
    }

    /// How it ended, of one that has.
    pub(crate) fn outcome(&self) -> Result<R, JoinError> {
        let outcome = self.result_by(Some(Instant::now()));
        outcome.and_then(|outcome| outcome.ok_or(JoinError::Unobserved))
    }

    fn result_by(&self, deadline: Option<Instant>) -> Result<Option<R>, JoinError> {
        let end = self.process.wait(deadline)?;
        end.map(|end| self.result(end)).transpose()
    }

    fn result(&self, end: End) -> Result<R, JoinError> {
        let bytes = self.process.answer(end)?;
        postcard::from_bytes(&bytes).map_err(|error| JoinError::Result {
            reason: error.to_string(),
        })
    }
}

impl<R> Child<R> {
    pub(crate) fn has_ended(&self) -> bool {
        self.process.is_ready()
    }

    /// What is asked about its end by others than those who join.
    pub(crate) fn process(&self) -> &Arc<ChildProcess> {
        &self.process
    }

    /// The child's process id. Once the child has ended it may come to mean another process.
    pub fn id(&self) -> u32 {
        self.process.id
    }

    /// Kills the child (SIGKILL). Does nothing if it has ended; never hits another process.
    ///
    /// # Errors
    ///
    /// If the system refuses, as it does when the child has changed its user.
    pub fn kill(&self) -> Result<()> {
        self.process.signal(Signal::KILL)
    }

    /// Asks the child to end (SIGTERM). Does nothing if it has ended; never hits another process.
    ///
    /// # Errors
    ///
    /// If the system refuses, as it does when the child has changed its user.
    pub fn terminate(&self) -> Result<()> {
        self.process.signal(Signal::TERM)
    }
}

impl<R> fmt::Debug for Child<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child")
            .field("id", &self.id())
            .finish_non_exhaustive()
    }
}

/// How a child ended; `None` if somebody else collected its status.
pub(super) type End = Option<ExitStatus>;

/// A child, whatever its result.
///
/// The keeper alone reaps it, at once, whether or not anybody joins: joining only waits for the
/// keeper's word. So there is nothing to agree on between joining and detaching, and no zombie.
pub(crate) struct ChildProcess {
    id: u32,
    /// The process whose keeper watches. A fork of it inherits this value but no keeper.
    parent: u32,
    /// `None` if there was none to be had, as the child had ended and been reaped.
    pidfd: Option<OwnedFd>,
    letter: Letter,
    end: OnceLock<End>,
    /// In this process's own memory, rung by the keeper.
    ended: AtomicU32,
}

impl ChildProcess {
    /// Has the keeper watch over a new child. On the keeper, so that a child that ends at once is
    /// still not found ended before the calling job is done.
    pub(super) fn watched(
        pid: Pid,
        pidfd: Option<OwnedFd>,
        letter: Letter,
        on_lost: Vec<Box<dyn FnOnce() + Send>>,
    ) -> Result<Arc<ChildProcess>> {
        let watched = match &pidfd {
            Some(pidfd) => pidfd.as_fd(),
            // A file can be read at any time: the keeper finds the end at once.
            None => letter.as_fd(),
        };
        let watched = watched.try_clone_to_owned();
        let child = Arc::new(ChildProcess {
            id: pid.as_raw_nonzero().get().unsigned_abs(),
            parent: process::id(),
            pidfd,
            letter,
            end: OnceLock::new(),
            ended: AtomicU32::new(0),
        });
        let watching = watched
            .map_err(Error::os("watch over a child process"))
            .and_then(|fd| {
                let child = child.clone();
                keeper::watch(fd, move |fd| child.has_ended(&fd, on_lost))
            });
        if watching.is_err() {
            // Nobody will ever reap it, so it must not stay.
            let _ = child.signal(Signal::KILL);
            let _ = child.pidfd.as_ref().map(pidfd::reap);
        }
        watching.map(|()| child)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let sent = self
            .pidfd
            .as_ref()
            .map(|pidfd| pidfd::signal(pidfd, signal));
        sent.unwrap_or(Ok(()))
            .map_err(Error::os("signal a child process"))
    }

    /// Called once, on the keeper.
    fn has_ended(&self, pidfd: &OwnedFd, on_lost: Vec<Box<dyn FnOnce() + Send>>) {
        // What is no pidfd is a letter: nobody can tell how that child ended.
        let end = pidfd::reap(pidfd).unwrap_or(None);
        // Before the end is known: who joins finds what was lost back in its place.
        if !self.letter.is_unpacked().unwrap_or(false) {
            for callback in on_lost {
                callback();
            }
        }
        // It has not been set before: this is called once.
        let _ = self.end.set(end);
        Bell::new(&self.ended).ring_all();
    }

    /// The word of the bell that is rung at its end.
    pub(crate) fn bell(&self) -> &AtomicU32 {
        &self.ended
    }

    /// Whether joining would not block.
    pub(crate) fn is_ready(&self) -> bool {
        self.end.get().is_some() || process::id() != self.parent
    }

    /// `None` if the deadline passes first.
    fn wait(&self, deadline: Option<Instant>) -> Result<Option<End>, JoinError> {
        if process::id() != self.parent {
            return Err(JoinError::Forked);
        }
        let mut first = true;
        loop {
            let is_over = deadline.is_some_and(|deadline| Instant::now() >= deadline);
            if self.end.get().is_some() || is_over {
                return Ok(self.end.get().copied());
            }
            let armed = Bell::new(&self.ended).arm();
            if self.end.get().is_none() {
                Census::of([(&self.ended, armed.value)]).sleep(armed.brief && first, deadline);
            }
            first = false;
        }
    }

    /// The bytes of the result. What the child committed to the letter counts, however it ended
    /// afterwards: an exit handler may yet have crashed it.
    fn answer(&self, end: End) -> Result<Vec<u8>, JoinError> {
        let unreadable = |error: std::io::Error| JoinError::Result {
            reason: error.to_string(),
        };
        if let Some((answer, result)) = self.letter.read_answer().map_err(unreadable)? {
            return match answer {
                Answer::Returned => Ok(result),
                Answer::Panicked { message, location } => {
                    Err(JoinError::Panicked { message, location })
                }
                Answer::ArgumentsUnreadable { reason } => Err(JoinError::Arguments { reason }),
                Answer::ResultUnsendable { reason } => Err(JoinError::Result { reason }),
            };
        }
        if !self.letter.is_unpacked().map_err(unreadable)? {
            return Err(JoinError::NeverStarted { status: end });
        }
        Err(JoinError::from_end(end))
    }
}
