//! The parent's side, from then on: waiting for the end, and the result.

use std::fmt;
use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;

use super::letter::{Answer, Letter};
use super::status::ExitStatus;
use super::stdio::Streams;
use super::{JoinError, family, stdio};
use crate::atomic::AtomicU32;
use crate::error::{Error, Result};
use crate::keeper;
use crate::liveness::Census;
use crate::platform::pidfd::{self, Signal};
use crate::platform::poll;
use crate::platform::spawn::Started;
use crate::wait::Bell;

/// A child process, and the result it will have: what its entry function returns, or, of another program and from
/// [`active_children`](super::active_children), how it ended.
///
/// Dropping it detaches the child, which goes on, still dies with this process unless it was to
/// outlive it, and is reaped in the background.
///
/// A program that ignores SIGCHLD, or that waits for any child (`waitpid(-1)`), takes exit statuses
/// away. Results and panics are still told; other ends become [`JoinError::Unobserved`].
pub struct Child<R> {
    process: Arc<ChildProcess>,
    outcome: fn(&ChildProcess, End) -> Result<R, JoinError>,
    /// The writing end of the child's standard input, if that is [piped](super::Stdio::piped).
    pub stdin: Option<PipeWriter>,
    /// The reading end of the child's standard output, if that is [piped](super::Stdio::piped).
    ///
    /// A pipe holds little: who does not read it lets the child wait. What is left here is read and dropped by [`join`](Child::join).
    pub stdout: Option<PipeReader>,
    /// The reading end of the child's standard error, if that is [piped](super::Stdio::piped).
    pub stderr: Option<PipeReader>,
}

impl<R: DeserializeOwned> Child<R> {
    pub(super) fn returning(process: Arc<ChildProcess>, streams: Streams) -> Self {
        Child::new(process, returned, streams)
    }
}

fn returned<R: DeserializeOwned>(process: &ChildProcess, end: End) -> Result<R, JoinError> {
    let bytes = process.answer(end)?;
    postcard::from_bytes(&bytes).map_err(|error| JoinError::Result {
        reason: error.to_string(),
    })
}

impl Child<ExitStatus> {
    /// Of which only the end is of interest.
    pub(super) fn ending(process: Arc<ChildProcess>, streams: Streams) -> Self {
        Child::new(process, |_, end| Ok(end.into()), streams)
    }
}

impl<R> Child<R> {
    fn new(
        process: Arc<ChildProcess>,
        outcome: fn(&ChildProcess, End) -> Result<R, JoinError>,
        streams: Streams,
    ) -> Self {
        let Streams {
            stdin,
            stdout,
            stderr,
            given: _,
        } = streams;
        Child {
            process,
            outcome,
            stdin,
            stdout,
            stderr,
        }
    }

    /// Blocks until the child has ended; its result.
    ///
    /// Its standard input is closed first, and what comes out of the standard streams that have not been taken is dropped: neither side waits
    /// for the other for ever. The other ways of joining leave the streams alone.
    ///
    /// # Errors
    ///
    /// [`JoinError`] says how the child ended instead of returning a result.
    pub fn join(mut self) -> Result<R, JoinError> {
        drop(self.stdin.take());
        let unread = [self.stdout.take(), self.stderr.take()];
        unread.into_iter().flatten().for_each(stdio::discard);
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
        (self.outcome)(&self.process, end)
    }

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

    /// What it is called: see [`Builder::name`](super::Builder::name).
    pub fn name(&self) -> &str {
        &self.process.name
    }

    /// Whether the child has not ended yet. Never blocks.
    pub fn is_alive(&self) -> bool {
        self.process.is_alive()
    }

    /// How the child ended; `None` if it has not, or if this process is a fork of the one that spawned it. Never blocks.
    ///
    /// What its result is, if it has one, is told by joining.
    pub fn exit_status(&self) -> Option<ExitStatus> {
        self.process.end.get().map(|end| ExitStatus::from(*end))
    }

    /// A descriptor of the child that is readable once it has ended, for `poll` and event loops: see `pidfd_open(2)`. It may become so an
    /// instant before [`is_alive`](Child::is_alive) knows. `None` if the child had ended, and been reaped by the kernel, before there was one, as happens
    /// where SIGCHLD is ignored.
    pub fn pidfd(&self) -> Option<BorrowedFd<'_>> {
        self.process.pidfd.as_ref().map(AsFd::as_fd)
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

    /// Interrupts the child (SIGINT), as Ctrl-C does. Does nothing if it has ended; never hits another process.
    ///
    /// # Errors
    ///
    /// If the system refuses, as it does when the child has changed its user.
    pub fn interrupt(&self) -> Result<()> {
        self.process.signal(Signal::INT)
    }

    /// Sends the child this signal, by number: `libc::SIGUSR1` and the like. Does nothing if it has ended; never hits another process.
    ///
    /// # Errors
    ///
    /// If there is no such signal among those that have names, or the system refuses.
    pub fn signal(&self, signal: i32) -> Result<()> {
        let no_signal = || io::Error::from(io::ErrorKind::InvalidInput);
        let named = Signal::from_named_raw(signal).ok_or_else(no_signal);
        let named = named.map_err(Error::os("signal a child process"))?;
        self.process.signal(named)
    }
}

impl<R> fmt::Debug for Child<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child")
            .field("id", &self.id())
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}

/// How a child ended; `None` if somebody else collected its status.
pub(super) type End = Option<process::ExitStatus>;

/// A child, whatever its result.
///
/// The keeper reaps it, at once, whether or not anybody joins: there is nothing to agree on between
/// joining and detaching, and no zombie. Who joins is woken by the end itself, reaps if the keeper has
/// not come to it, and waits for the keeper's word only if something was lost with the child.
pub(crate) struct ChildProcess {
    id: u32,
    name: String,
    /// The process whose keeper watches. A fork of it inherits this value but no keeper.
    parent: u32,
    /// `None` if there was none to be had, as the child had ended and been reaped.
    pidfd: Option<OwnedFd>,
    letter: Letter,
    /// Set by whoever reaps it.
    end: OnceLock<End>,
    /// Set by the keeper, once what was lost is back in its place.
    settled: OnceLock<()>,
    /// In this process's own memory, rung by the keeper.
    ended: AtomicU32,
}

impl ChildProcess {
    /// Has the keeper watch over a new child. On the keeper, so that a child that ends at once is
    /// still not found ended before the calling job is done.
    ///
    /// An error means that the child is gone and its entry was not called: one that cannot be watched
    /// is killed here, and if it has been called by then, that is the end it has.
    pub(super) fn watched(
        (pid, pidfd): Started,
        name: String,
        letter: Letter,
        on_lost: Vec<Box<dyn FnOnce() + Send>>,
    ) -> Result<Arc<ChildProcess>> {
        let is_reaped = matches!(pidfd, Ok(None));
        let (pidfd, watched) = match pidfd {
            Ok(Some(pidfd)) => {
                let watched = pidfd.try_clone();
                (Some(pidfd), watched)
            }
            // A file can be read at any time: the keeper finds the end at once.
            Ok(None) => (None, letter.as_fd().try_clone_to_owned()),
            Err(error) => (None, Err(error)),
        };
        let child = Arc::new(ChildProcess {
            id: pid.as_raw_nonzero().get().unsigned_abs(),
            name,
            parent: process::id(),
            pidfd,
            letter,
            end: OnceLock::new(),
            settled: OnceLock::new(),
            ended: AtomicU32::new(0),
        });
        let watching = watched
            .map_err(Error::os("watch over a child process"))
            .and_then(|fd| {
                let child = child.clone();
                keeper::watch(fd, move |fd| child.has_ended(&fd, on_lost))
            });
        match watching {
            Ok(()) => family::add(&child),
            Err(error) => {
                let end = match &child.pidfd {
                    Some(pidfd) => child.signal(Signal::KILL).ok().map(|()| pidfd::reap(pidfd)),
                    None if is_reaped => None,
                    None => Some(pidfd::end(pid)),
                };
                // It is the first and only time that they are set.
                let _ = child.end.set(end.and_then(io::Result::ok).flatten());
                let _ = child.settled.set(());
                if !child.letter.is_unpacked().unwrap_or(false) {
                    return Err(error);
                }
            }
        }
        Ok(child)
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
    fn has_ended(self: &Arc<Self>, pidfd: &OwnedFd, on_lost: Vec<Box<dyn FnOnce() + Send>>) {
        self.reap(pidfd);
        if !self.has_unpacked() {
            for callback in on_lost {
                callback();
            }
        }
        family::remove(self);
        // It has not been set before: this is called once.
        let _ = self.settled.set(());
        Bell::new(&self.ended).ring_all();
    }

    /// How it ended, which it has. Nobody reaps it twice: who comes second waits for the first, which does not block.
    fn reap(&self, pidfd: &OwnedFd) -> End {
        // What is no pidfd is a letter: nobody can tell how that child ended.
        *self.end.get_or_init(|| pidfd::reap(pidfd).unwrap_or(None))
    }

    /// Then nothing is lost with it.
    fn has_unpacked(&self) -> bool {
        self.letter.is_unpacked().unwrap_or(false)
    }

    fn is_alive(&self) -> bool {
        if process::id() == self.parent {
            return self.end.get().is_none();
        }
        // Here is no keeper to know.
        self.pidfd
            .as_ref()
            .is_some_and(|pidfd| !pidfd::has_ended(pidfd))
    }

    /// What it was told, and what it has told so far.
    pub(super) fn letter(&self) -> &Letter {
        &self.letter
    }

    /// The word of the bell that is rung at its end.
    pub(crate) fn bell(&self) -> &AtomicU32 {
        &self.ended
    }

    /// Whether joining would not block.
    pub(crate) fn is_ready(&self) -> bool {
        self.settled.get().is_some() || process::id() != self.parent
    }

    /// `None` if the deadline passes first.
    pub(super) fn wait(&self, deadline: Option<Instant>) -> Result<Option<End>, JoinError> {
        if process::id() != self.parent {
            return Err(JoinError::Forked);
        }
        let is_settled = || self.settled.get().is_some();
        if !is_settled()
            && let Some(pidfd) = &self.pidfd
            // If the kernel will not wait, the keeper's word will do.
            && poll::readable_by(pidfd.as_fd(), deadline).unwrap_or(false)
        {
            let end = self.reap(pidfd);
            if self.has_unpacked() {
                return Ok(Some(end));
            }
        }
        let mut first = true;
        loop {
            let is_over = deadline.is_some_and(|deadline| Instant::now() >= deadline);
            if is_settled() || is_over {
                return Ok(is_settled().then(|| self.end.get().copied().flatten()));
            }
            let armed = Bell::new(&self.ended).arm();
            if !is_settled() {
                Census::of([(&self.ended, armed.value)]).sleep(armed.brief && first, deadline);
            }
            first = false;
        }
    }

    /// The bytes of the result. What the child committed to the letter counts, however it ended
    /// afterwards: an exit handler may yet have crashed it.
    fn answer(&self, end: End) -> Result<Vec<u8>, JoinError> {
        let unreadable = |error: io::Error| JoinError::Result {
            reason: error.to_string(),
        };
        if let Some((answer, result)) = self.letter.read_answer().map_err(unreadable)? {
            return match answer {
                Answer::Returned => Ok(result),
                answer => Err(JoinError::from_answer(answer)),
            };
        }
        if !self.letter.is_unpacked().map_err(unreadable)? {
            return Err(JoinError::NeverStarted { status: end });
        }
        Err(JoinError::from_end(end))
    }
}
