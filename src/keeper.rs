#![allow(unsafe_code)] // `run` lends the keeper a job that borrows from its caller
//! The keeper: one thread that lives as long as its process.
//!
//! The kernel ties some things to a *thread* that ought to belong to the process: a child's
//! parent-death signal fires when the thread that spawned it ends, and a robust list is marked dead
//! when its thread ends. What must last as long as the process is therefore done here. The keeper
//! also waits for descriptors on others' behalf: it is the one that reaps children.
//!
//! It is started at first use, blocks every signal, and sleeps in `poll` while there is nothing to
//! do. A forked child has no keeper, and gets its own at first use.

use std::cell::Cell;
use std::io;
use std::iter;
use std::mem;
use std::os::fd::{AsFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::platform::per_process::PerProcess;
use crate::platform::poll::{Bell, readable};
use crate::platform::signals;

/// Runs `job` on the keeper and waits for it; on the keeper itself, runs it in place.
///
/// A panic in `job` continues in the caller. Jobs run one at a time, so a job must not wait for
/// anything that takes the keeper to happen, such as the end of a child.
///
/// # Errors
///
/// If the keeper thread cannot be started.
pub(crate) fn run<R: Send>(job: impl FnOnce() -> R + Send) -> Result<R> {
    if IS_KEEPER.get() || ACTS_AS_KEEPER.get() {
        return Ok(job());
    }
    let mut outcome = None;
    let (done, finished) = mpsc::sync_channel(1);
    let work: Box<dyn FnOnce() + Send + '_> =
        Box::new(|| outcome = Some(catch_unwind(AssertUnwindSafe(job))));
    // SAFETY: lengthening the lifetime is sound as nothing of `work` outlives this call: `post`
    // drops it on failure, and else `recv` waits until it has been consumed, or dropped unrun.
    let work: Box<dyn FnOnce() + Send + 'static> = unsafe { mem::transmute(work) };
    post(Message::Run { work, done })?;
    // An error means that the keeper dropped the job, which it does not do.
    let _ = finished.recv();
    match outcome.expect("the keeper runs what it was given") {
        Ok(value) => Ok(value),
        Err(panic) => resume_unwind(panic),
    }
}

/// Has the keeper wait until `fd` is readable, then call `on_ready`, once, on the keeper thread.
///
/// # Errors
///
/// If the keeper thread cannot be started.
pub(crate) fn watch(fd: OwnedFd, on_ready: impl FnOnce(OwnedFd) + Send + 'static) -> Result<()> {
    let on_ready = Box::new(on_ready);
    post(Message::Watch(Watch { fd, on_ready }))
}

/// Has the calling thread run in place what it would have the keeper run, so that it can be taken through that step by step.
pub(crate) fn act_as_keeper() {
    ACTS_AS_KEEPER.set(true);
}

static KEEPER: PerProcess<Keeper> = PerProcess::new();

thread_local! {
    static IS_KEEPER: Cell<bool> = const { Cell::new(false) };
    static ACTS_AS_KEEPER: Cell<bool> = const { Cell::new(false) };
}

#[derive(Default)]
struct Keeper {
    inbox: Mutex<Inbox>,
}

#[derive(Default)]
struct Inbox {
    messages: Vec<Message>,
    /// Rung after each message of other threads. `None` until the thread is started.
    bell: Option<Arc<Bell>>,
}

enum Message {
    Run {
        /// Consumed, with all it borrows, before `done` is sent.
        work: Box<dyn FnOnce() + Send>,
        done: mpsc::SyncSender<()>,
    },
    Watch(Watch),
}

struct Watch {
    fd: OwnedFd,
    on_ready: Box<dyn FnOnce(OwnedFd) + Send>,
}

impl Keeper {
    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        // Nothing that could panic half-way runs under the lock.
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn post(message: Message) -> Result<()> {
    let keeper = KEEPER.get_or_init(Keeper::default);
    let mut inbox = keeper.inbox();
    let bell = match &inbox.bell {
        Some(bell) => bell.clone(),
        None => {
            let bell = start(keeper).map_err(Error::os("start the keeper thread"))?;
            inbox.bell.insert(bell).clone()
        }
    };
    inbox.messages.push(message);
    drop(inbox);
    // Before it sleeps, the keeper looks at what it has posted itself.
    if !IS_KEEPER.get() {
        bell.ring();
    }
    Ok(())
}

fn start(keeper: &'static Keeper) -> io::Result<Arc<Bell>> {
    let bell = Arc::new(Bell::new()?);
    let heard = bell.clone();
    // A new thread inherits the mask, so that no handler ever runs on the keeper.
    let _blocked = signals::block_all();
    thread::Builder::new()
        .name("crossproc".into())
        .spawn(move || keep(keeper, &heard))?;
    Ok(bell)
}

fn keep(keeper: &Keeper, bell: &Bell) -> ! {
    IS_KEEPER.set(true);
    let mut watches: Vec<Watch> = Vec::new();
    loop {
        let fds = iter::once(bell.as_fd()).chain(watches.iter().map(|watch| watch.fd.as_fd()));
        let Ok(ready) = readable(fds) else {
            // Out of memory, or no descriptor is allowed at all.
            thread::sleep(Duration::from_millis(10));
            continue;
        };
        // From the back: removal then moves only what has been looked at.
        for index in (0..watches.len()).rev().filter(|index| ready[index + 1]) {
            let Watch { fd, on_ready } = watches.swap_remove(index);
            // The panic hook has told of it; there is no caller to pass it on to.
            let _ = catch_unwind(AssertUnwindSafe(|| on_ready(fd)));
        }
        if ready[0] {
            bell.silence();
        }
        loop {
            // The lock is released before any job runs.
            let messages = mem::take(&mut keeper.inbox().messages);
            if messages.is_empty() {
                break;
            }
            for message in messages {
                match message {
                    Message::Run { work, done } => {
                        work();
                        // Never full: one message, sent once.
                        let _ = done.send(());
                    }
                    Message::Watch(watch) => watches.push(watch),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn jobs_borrow_from_their_caller_and_return_values() {
        let words = ["one".to_string(), "two".to_string()];
        let here = thread::current().id();
        let (length, there) = run(|| {
            (
                words.iter().map(String::len).sum::<usize>(),
                thread::current().id(),
            )
        })
        .unwrap();
        assert_eq!(length, 6);
        assert_ne!(here, there);
        assert_eq!(
            run(|| thread::current().name().map(String::from)).unwrap(),
            Some("crossproc".into())
        );
    }

    #[test]
    fn a_job_on_the_keeper_runs_in_place() {
        assert_eq!(run(|| run(|| 7).unwrap()).unwrap(), 7);
    }

    #[test]
    fn a_panic_continues_in_the_caller_and_the_keeper_goes_on() {
        let panic = catch_unwind(|| run(|| panic!("from the job"))).unwrap_err();
        assert_eq!(*panic.downcast::<&str>().unwrap(), "from the job");
        assert_eq!(run(|| 1).unwrap(), 1);
    }

    #[test]
    fn a_watch_fires_once_when_its_descriptor_is_readable() {
        let (reader, mut writer) = io::pipe().unwrap();
        let (fired, firings) = mpsc::channel();
        watch(reader.into(), move |fd| fired.send(fd).unwrap()).unwrap();
        run(|| ()).unwrap();
        assert!(firings.try_recv().is_err());
        writer.write_all(b"x").unwrap();
        let _fd = firings.recv().unwrap();
        // The callback, and with it the sender, is gone: it cannot fire again.
        assert!(firings.recv().is_err());
    }

    #[test]
    fn a_panicking_watch_does_not_take_the_keeper_along() {
        let (reader, writer) = io::pipe().unwrap();
        drop(writer);
        let (dropped, gone) = mpsc::channel::<()>();
        watch(reader.into(), move |_| {
            let _until_unwound = dropped;
            panic!("from the watch");
        })
        .unwrap();
        assert!(gone.recv().is_err());
        assert_eq!(run(|| 1).unwrap(), 1);
    }
}
