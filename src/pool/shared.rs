//! A pool, as its handle, its jobs and its supervisor share it: how one waits, and how workers are hired.
//!
//! Whoever waits for something of the pool does the pool's work meanwhile: one of them sleeps until results come, files them, and wakes the others
//! if there is something for them. So a result takes no detour. The supervisor, a thread, sees to what cannot wait until somebody waits: workers that end,
//! time limits, results for which there is no room.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::code::Secret;
use super::desk::{Desk, Doors, Segments};
use super::error::JobError;
use super::order::Errand;
use super::worker::{Kit, Left};
use crate::Waitable;
use crate::any::wait_any_timeout;
use crate::error::{Result, WaitTimeoutError};
use crate::platform::per_process::ThisProcess;
use crate::process::Child;
use crate::wait::{Bell, Patience, block_until};

/// After so many workers in succession that ended before they were ready, or could not be started, the jobs there are fail. Some of them may have been
/// killed by chance.
const FALSE_STARTS: u32 = 10;
/// How long the supervisor waits before it tries again to start workers.
const BREATHER: Duration = Duration::from_millis(20);
/// How long it waits for what somebody is about to have written.
const MOMENT: Duration = Duration::from_millis(2);
/// The supervisor looks this often, whatever it was told.
const BACKSTOP: Duration = Duration::from_millis(500);

pub(super) type Hire = Box<dyn Fn(Kit) -> Result<Child<Left>> + Send + Sync>;

pub(super) struct Shared {
    owner: ThisProcess,
    pub(super) segments: Arc<Segments>,
    desk: Mutex<Desk>,
    /// Something has changed for those who wait without watching.
    changed: Condvar,
    /// How often the one who watches was asked to look.
    nudges: AtomicU64,
    hire: Hire,
    pub(super) secret: Secret,
    tasks: Option<u64>,
}

impl Shared {
    pub(super) fn new(
        segments: Arc<Segments>,
        workers: usize,
        hire: Hire,
        tasks: Option<u64>,
    ) -> Shared {
        Shared {
            owner: ThisProcess::new(),
            desk: Mutex::new(Desk::new(Arc::clone(&segments), workers)),
            segments,
            changed: Condvar::new(),
            nudges: AtomicU64::new(0),
            hire,
            secret: Secret::new(),
            tasks,
        }
    }

    pub(super) fn is_forked(&self) -> bool {
        !self.owner.is_current()
    }

    pub(super) fn desk(&self) -> MutexGuard<'_, Desk> {
        // Nothing that could panic half-way runs under the lock.
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls `look` until it finds something, and does the pool's work in between. `None` if it does not by the deadline.
    pub(super) fn wait<R>(
        &self,
        patience: Patience,
        mut look: impl FnMut(&mut Desk) -> Option<R>,
    ) -> Result<Option<R>, JobError> {
        if self.is_forked() {
            return Err(JobError::Forked);
        }
        let mut desk = self.desk();
        loop {
            let looked = look(&mut desk);
            let found = if looked.is_some() {
                looked
            } else if desk.receive()? {
                // One who watches, too: what it waits for may be filed now, and no longer on its way.
                self.nudge(&desk);
                look(&mut desk)
            } else {
                None
            };
            if found.is_some() || patience.is_over() {
                if !desk.is_watched {
                    self.tell(&desk); // Somebody else has to watch.
                }
                return Ok(found);
            }
            desk = if desk.is_watched {
                self.sleep(desk, patience)
            } else {
                self.watch(desk, patience)
            };
        }
    }

    fn sleep<'a>(
        &self,
        mut desk: MutexGuard<'a, Desk>,
        patience: Patience,
    ) -> MutexGuard<'a, Desk> {
        desk.waiters += 1;
        let changed = &self.changed;
        let mut desk = match patience.deadline() {
            None => changed.wait(desk).unwrap_or_else(PoisonError::into_inner),
            Some(deadline) => {
                let left = deadline.saturating_duration_since(Instant::now());
                let woken = changed.wait_timeout(desk, left);
                woken.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        desk.waiters -= 1;
        desk
    }

    /// Sleeps until there are results, or something else has changed.
    fn watch<'a>(
        &'a self,
        mut desk: MutexGuard<'a, Desk>,
        patience: Patience,
    ) -> MutexGuard<'a, Desk> {
        desk.is_watched = true;
        // Under the lock: whoever changes something does it before, or nudges afterwards.
        let nudges = self.nudges.load(Ordering::Acquire);
        drop(desk);
        let results = &self.segments.results;
        let (place, bell) = results.bell();
        block_until(&place.attachment, place.word(bell), patience, || {
            let nudged = self.nudges.load(Ordering::Acquire) != nudges;
            (nudged || results.is_ready()).then_some(())
        });
        let mut desk = self.desk();
        desk.is_watched = false;
        desk
    }

    /// Wakes those who wait without watching.
    fn tell(&self, desk: &Desk) {
        if desk.waiters > 0 {
            self.changed.notify_all();
        }
    }

    /// Wakes all who wait: something has changed that is no result.
    pub(super) fn nudge(&self, desk: &Desk) {
        self.nudges.fetch_add(1, Ordering::Release);
        if desk.is_watched {
            let (place, bell) = self.segments.results.bell();
            Bell::new(place.word(bell)).ring_all();
        }
        self.tell(desk);
    }

    /// Takes on errands, and blocks while there is no room for them.
    pub(super) fn submit(
        &self,
        errands: impl IntoIterator<Item = Errand>,
        patience: Patience,
    ) -> Result<(), JobError> {
        let mut errands = errands.into_iter().peekable();
        let taken = self.wait(patience, |desk| {
            match desk.doors {
                Doors::Open => {}
                Doors::Closed => return Some(Err(JobError::Closed)),
                Doors::Terminated => return Some(Err(JobError::Terminated)),
            }
            // The supervisor has to know of limits, and of work where there is nobody to do it.
            let mut concerns = desk.is_idle() && desk.has_empty_seats();
            while desk.has_room()
                && let Some(errand) = errands.next()
            {
                concerns |= errand.terms.timeout.is_some();
                desk.accept(errand);
            }
            desk.flush();
            if concerns {
                let _ = self.segments.attention.set();
            }
            errands.peek().is_none().then_some(Ok(()))
        })?;
        taken.unwrap_or(Err(JobError::Full))
    }

    // Hiring.

    fn kit(&self, seat: usize, incarnation: u64) -> Kit {
        let segments = &self.segments;
        Kit {
            jobs: segments.jobs.clone(),
            results: segments.results.clone(),
            board: segments.board.0.clone(),
            large: segments.large.clone(),
            attention: segments.attention.clone(),
            seats: segments.seats.clone(),
            secret: self.secret,
            seat: seat as u16,
            incarnation,
            tasks: self.tasks,
        }
    }

    /// Fills the empty seats.
    ///
    /// # Errors
    ///
    /// If the system refuses. Some may have been filled.
    pub(super) fn fill(&self) -> Result<()> {
        loop {
            let mut desk = self.desk();
            if desk.doors == Doors::Terminated {
                return Ok(());
            }
            let empty = desk.seats.iter().position(|seat| seat.worker.is_none());
            let Some(number) = empty else {
                return Ok(());
            };
            let seat = &mut desk.seats[number];
            seat.incarnation += 1;
            let kit = self.kit(number, seat.incarnation);
            drop(desk);
            // Meanwhile nobody else fills seats: it is the supervisor, or the pool is being made.
            let worker = (self.hire)(kit)?;
            let mut desk = self.desk();
            if desk.doors == Doors::Terminated {
                let _ = worker.kill();
            }
            desk.seats[number].worker = Some(Arc::new(worker));
            desk.kill_if_condemned(number);
        }
    }

    // Supervising.

    /// The supervisor's life, until the pool is over and all workers have ended.
    pub(super) fn supervise(&self) {
        let mut next = None;
        loop {
            self.sleep_until_needed(next);
            let _ = self.segments.attention.reset();
            match self.attend() {
                Some(again) => next = again,
                None => return,
            }
        }
    }

    fn sleep_until_needed(&self, next: Option<Instant>) {
        let desk = self.desk();
        let workers: Vec<_> = desk
            .seats
            .iter()
            .filter_map(|seat| seat.worker.clone())
            // Nothing can be done about these at the moment.
            .filter(|worker| !(desk.is_held_back && worker.has_ended()))
            .collect();
        let wants_results = desk.has_backlog() || desk.doors != Doors::Open;
        // Somebody else may receive what they are held back by.
        let longest = if desk.is_held_back { MOMENT } else { BACKSTOP };
        drop(desk);
        let mut sources: Vec<&dyn Waitable> = vec![&self.segments.attention];
        sources.extend(workers.iter().map(|worker| &**worker as &dyn Waitable));
        if wants_results {
            sources.push(&self.segments.results);
        }
        let left = next.map(|next| next.saturating_duration_since(Instant::now()));
        let left = left.unwrap_or(longest).min(longest);
        match wait_any_timeout(&sources, left) {
            Ok(_) | Err(WaitTimeoutError::Timeout) => {}
            // It cannot take part, and does what it can.
            Err(WaitTimeoutError::Fault(_)) => std::thread::sleep(left.min(BREATHER)),
        }
    }

    /// Sees to everything once; when to look again. `None` if nothing is left to see to.
    fn attend(&self) -> Option<Option<Instant>> {
        let mut desk = self.desk();
        let received = desk.receive();
        let buried = received.and_then(|received| Ok(received | desk.bury()?));
        let mut changed = buried.unwrap_or_else(|fault| {
            desk.last_failure = fault.to_string();
            desk.terminate();
            true
        });
        let mut next = desk.enforce_timeouts();
        changed |= Shared::give_up_if_hopeless(&mut desk);
        if desk.doors == Doors::Closed && desk.is_idle() {
            self.segments.jobs.close();
        }
        let wanted = match desk.doors {
            Doors::Open => true,
            Doors::Closed => !desk.is_idle(),
            Doors::Terminated => false,
        };
        let failing = desk.false_starts > 0 && desk.is_idle();
        if changed {
            self.nudge(&desk);
        }
        let over = !wanted && desk.seats.iter().all(|seat| seat.worker.is_none());
        drop(desk);
        if over {
            return None;
        }
        // One whose workers do not get ready starts them anew when there is something for them to do.
        if wanted
            && !failing
            && let Err(error) = self.fill()
        {
            let mut desk = self.desk();
            desk.last_failure = error.to_string();
            desk.false_starts += 1;
            if Shared::give_up_if_hopeless(&mut desk) {
                self.nudge(&desk);
            }
            let soon = Instant::now() + BREATHER;
            next = Some(next.map_or(soon, |next| next.min(soon)));
        }
        Some(next)
    }
}

impl Shared {
    /// Fails the jobs there are if there is nobody to do them, nor seems to be going to be. For the next ones it is tried anew.
    fn give_up_if_hopeless(desk: &mut Desk) -> bool {
        let hopeless = desk.false_starts >= FALSE_STARTS && desk.nobody_is_ready();
        if hopeless {
            desk.give_up_all();
            desk.false_starts = 1;
        }
        hopeless
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}
