//! Waiting for any of several sources, blocking.

use std::cell::Cell;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake};
use std::thread;
use std::time::{Duration, Instant};

use super::attempt::Attempt;
use super::source::{Several, Sources, Waitable};
use super::subject::{self, Subject, memberships};
use crate::atomic::{AtomicU32, Ordering};
use crate::error::{Fault, WaitTimeoutError};
use crate::liveness::Census;
use crate::platform::futex::{self, Woken};
use crate::wait::Patience;

/// Blocks until one of `sources` is ready; the index of one that is.
///
/// It takes nothing: go on with `try_recv` or the like, and be prepared that somebody else was faster. Of several that are ready it is not
/// always the same one that is named. A source is ready, too, when it is closed, its peer has died, or its operation would fail.
///
/// As long as something is there that nobody takes, all who wait for it are told, one after the other. The death of any other process
/// does not block it. Beyond 128 words to watch (a source is one, each segment one, and each live participant of a segment one) a
/// thread in the background helps with it.
///
/// ```
/// use crossproc::{Event, Queue, process};
///
/// # fn main() -> crossproc::Result<()> {
/// # crossproc::init();
/// let (orders, stop) = (Queue::<u64>::new(16)?, Event::new()?);
/// let mut clerk = process::spawn(
///     |(orders, stop): (Queue<u64>, Event)| {
///         orders.send(7).unwrap();
///         stop.set().unwrap();
///     },
///     (orders.clone(), stop.clone()),
/// )?;
/// let mut taken = Vec::new();
/// loop {
///     match crossproc::wait_any(&[&orders, &stop, &clerk])? {
///         0 => taken.extend(orders.try_iter()),
///         1 => break,
///         _ => panic!("it ended: {:?}", clerk.try_join()),
///     }
///     # if !taken.is_empty() { break }
/// }
/// taken.extend(orders.try_iter());
/// assert_eq!(taken, [7]);
/// # clerk.join()?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`Fault`] if this thread cannot take part in one of the segments.
///
/// # Panics
///
/// If there are no sources: it would never return.
pub fn wait_any(sources: &[&dyn Waitable]) -> Result<usize, Fault> {
    assert!(!sources.is_empty(), "waiting for nothing would never end");
    let ready = wait_within(sources, Patience::Forever)?;
    Ok(ready.expect("without a deadline it waits"))
}

/// The index of one of `sources` that is ready, if one is. Never blocks. Otherwise as [`wait_any`].
///
/// # Errors
///
/// [`Fault`] if this thread cannot take part in one of the segments.
pub fn try_wait_any(sources: &[&dyn Waitable]) -> Result<Option<usize>, Fault> {
    wait_within(sources, Patience::None)
}

/// Blocks until one of `sources` is ready, up to `timeout`; the index of one that is. Otherwise as [`wait_any`].
///
/// # Errors
///
/// [`Timeout`](WaitTimeoutError::Timeout), [`Fault`](WaitTimeoutError::Fault).
pub fn wait_any_timeout(
    sources: &[&dyn Waitable],
    timeout: Duration,
) -> Result<usize, WaitTimeoutError> {
    in_time(wait_within(sources, Patience::timeout(timeout)))
}

/// Blocks until one of `sources` is ready, until `deadline`; the index of one that is. Otherwise as [`wait_any`].
///
/// # Errors
///
/// As for [`wait_any_timeout`].
pub fn wait_any_deadline(
    sources: &[&dyn Waitable],
    deadline: Instant,
) -> Result<usize, WaitTimeoutError> {
    in_time(wait_within(sources, Patience::Until(deadline)))
}

fn in_time(waited: Result<Option<usize>, Fault>) -> Result<usize, WaitTimeoutError> {
    match waited {
        Ok(Some(index)) => Ok(index),
        Ok(None) => Err(WaitTimeoutError::Timeout),
        Err(fault) => Err(WaitTimeoutError::Fault(fault)),
    }
}

/// Where this thread's next wait begins to look, so that no source is served only when the others are not ready.
fn next_turn() -> usize {
    thread_local!(static TURN: Cell<usize> = const { Cell::new(0) });
    TURN.replace(TURN.get().wrapping_add(1))
}

fn wait_within(sources: &[&dyn Waitable], patience: Patience) -> Result<Option<usize>, Fault> {
    let from = next_turn() % sources.len().max(1);
    let sources = Several::new(sources, from);
    sources.enter()?;
    if let Some(ready) = sources.ready() {
        return Ok(Some(ready));
    }
    if patience.is_over() {
        return Ok(None);
    }
    if let Some(deadline) = patience.deadline()
        && sources.is_empty()
    {
        thread::sleep(deadline.saturating_duration_since(Instant::now()));
        return Ok(None);
    }
    if let Some(place) = sources.places().next() {
        let spin = &place.attachment.participant()?.spin;
        if let Some(ready) = spin.spin(|| sources.ready()) {
            return Ok(Some(ready));
        }
        spin.did_not_pay();
    }
    let subjects = sources.subjects();
    match sleep_until_ready(&sources, &subjects, patience)? {
        Waited::Done(ready) => Ok(ready),
        Waited::TooMany => wait_among_many(sources, patience),
    }
}

enum Waited {
    Done(Option<usize>),
    /// More words than one wait can watch.
    TooMany,
}

/// As [`block_until`](crate::wait::block_until), for several bells at once.
fn sleep_until_ready(
    sources: &Several<'_>,
    subjects: &[Subject],
    patience: Patience,
) -> Result<Waited, Fault> {
    let memberships = memberships(subjects)?;
    if subjects.len() + memberships.len() > futex::WAIT_ANY_MAX {
        return Ok(Waited::TooMany);
    }
    let mut slept = false;
    // As in `block_until`.
    let mut settled = Vec::new();
    loop {
        let (values, brief) = subject::arm(subjects);
        let words = subjects.iter().map(Subject::word);
        let mut census = Census::of(words.zip(values.iter().copied()));
        for member in &memberships {
            census.count(member.attachment, member.own);
        }
        let ready = sources.ready();
        if ready.is_some() || patience.is_over() {
            if slept {
                sources.pass_on();
            }
            return Ok(Waited::Done(ready));
        }
        if census.is_partial() && subjects.len() > 1 {
            return Ok(Waited::TooMany);
        }
        let brief = (brief || census.is_shared()) && settled != values;
        if census.sleep(brief, patience.deadline()) == Woken::TimedOut {
            settled = values;
        }
        slept = true;
    }
}

/// The same with the help of the reactor: this thread is then an executor with one task.
#[cold]
fn wait_among_many(sources: Several<'_>, patience: Patience) -> Result<Option<usize>, Fault> {
    let wait = Attempt::new(sources, |sources: &mut Several<'_>, sound| {
        let looked = sound.and_then(|()| sources.enter());
        looked.map(|()| sources.ready()).transpose()
    });
    let mut wait = pin!(wait);
    let own = Arc::new(Parked(AtomicU32::new(0)));
    let waker = Arc::clone(&own).into();
    loop {
        // Acquire: what was done before the wake is visible to the look.
        let wakes = own.0.load(Ordering::Acquire);
        if let Poll::Ready(ready) = wait.as_mut().poll(&mut Context::from_waker(&waker)) {
            return ready.map(Some);
        }
        if patience.is_over() {
            return Ok(None);
        }
        let end = patience.deadline().unwrap_or_else(|| Instant::now() + LONG);
        futex::wait(&own.0, wakes, end);
    }
}

/// Longer than the reactor leaves anybody asleep.
const LONG: Duration = Duration::from_secs(3600);

/// A thread to be woken: how often it has been.
struct Parked(AtomicU32);

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        // Release: pairs with the Acquire of the thread that looks.
        self.0.fetch_add(1, Ordering::Release);
        futex::wake(&self.0, 1);
    }
}
