//! Condition variables: a buffer between those who put items in and those who take them out, who wait for each other.
//!
//! Every item says its number, and the buffer says how many it has seen, all in the value of one mutex. At a tight pace there
//! is room for one item only: each wake-up that gets lost is one too many.

use super::drill::{self, Drill, Fallen, come_by};
use super::floor::Floor;
use super::settle::{Taken, sure, taken};
use super::site::Site;
use crate::stress::burst::How;
use crate::stress::desk::add;
use crate::stress::outcome::Outcome;
use crate::stress::random::mix;
use crate::stress::round::Conditions;
use crate::stress::sabotage::Sabotage;
use crossproc::sync::MutexGuard;
use crossproc::{Condvar, Mutex};
use std::sync::atomic::Ordering::SeqCst;

const SLOTS: u64 = 4;

/// How many items were put and taken so far, and those in between.
type Buffer = [u64; 2 + SLOTS as usize];

/// What a worker does: the index of its count in the buffer and of its counter; its intent is one more.
const PUT: usize = 0;
const TAKE: usize = 1;

pub(crate) struct Buffering {
    /// [`PUT`] or [`TAKE`].
    part: usize,
}

fn is_stuck(part: usize, buffer: &Buffer, room: u64) -> bool {
    let filled = buffer[PUT] - buffer[TAKE];
    match part {
        PUT => filled >= room,
        _ => filled == 0,
    }
}

fn slot(buffer: &mut Buffer, number: u64) -> &mut u64 {
    &mut buffer[2 + (number % SLOTS) as usize]
}

/// Nothing is left half done: a dead owner's change is discarded.
fn settled(taken: Taken<MutexGuard<'_, Buffer>>) -> MutexGuard<'_, Buffer> {
    let mut guard = taken.guard;
    guard.mark_consistent();
    guard
}

impl Buffering {
    /// Locks, and waits as told; none if there is still nothing to be done.
    fn wait<'a>(&self, site: &Site<'a, Self>, how: How) -> Option<MutexGuard<'a, Buffer>> {
        let (mutex, changed) = site.handle;
        let (part, floor) = (self.part, site.floor);
        let room = if floor.pace().is_tight() { 1 } else { SLOTS };
        let stuck = |buffer: &Buffer| is_stuck(part, buffer, room);
        let must_wait = |buffer: &mut Buffer| stuck(buffer) && !site.is_ending();
        let condvar = &changed[part];
        let mut guard = settled(match how {
            How::Try => taken(mutex.try_lock())?,
            How::Block => taken(mutex.lock())?,
            How::Timeout(limit) => taken(mutex.lock_timeout(limit))?,
        });
        match how {
            How::Try => {}
            How::Block => {
                while stuck(&guard) && !site.is_ending() {
                    guard = settled(taken(condvar.wait_while(guard, must_wait))?);
                }
            }
            How::Timeout(limit) => {
                let waited = condvar.wait_timeout_while(guard, limit, must_wait);
                let waited = waited.map(|(guard, _)| guard);
                guard = settled(taken(waited)?);
            }
        }
        (!stuck(&guard)).then_some(guard)
    }

    fn act(&self, site: &mut Site<'_, Self>, buffer: &mut Buffer) {
        let number = buffer[self.part];
        let item = slot(buffer, number);
        if self.part == PUT {
            *item = mix(number) ^ u64::from(site.fault(Sabotage::Tear));
        } else if *item != mix(number) {
            add(site.desk.torn, 1);
        }
        buffer[self.part] += 1;
    }

    /// Tells those who wait for what this worker does.
    fn notify(&self, site: &mut Site<'_, Self>) {
        let condvar = &site.handle.1[1 - self.part];
        let notified = match site.random.below(16) {
            0 => condvar.notify_all(),
            1 => condvar.notify_n(2),
            _ => condvar.notify_one(),
        };
        sure(notified);
    }
}

impl Drill for Buffering {
    /// The condition variables are for those who put, and those who take.
    type Handle = (Mutex<Buffer>, [Condvar; 2]);

    fn create(name: Option<&str>, conditions: &Conditions<'_>) -> crossproc::Result<Self::Handle> {
        let participants = drill::participants(conditions);
        let options = Mutex::options()
            .value(Buffer::default())
            .participants(participants);
        let condvar = |part| {
            let name = name.map(|name| format!("{name}-{part}"));
            let options = Condvar::options().participants(participants);
            come_by!(name.as_deref(), options, Condvar)
        };
        Ok((
            come_by!(name, options, Mutex<Buffer>)?,
            [condvar(PUT)?, condvar(TAKE)?],
        ))
    }

    fn repairs((mutex, _): &Self::Handle) -> u64 {
        mutex.repairs()
    }

    /// The buffer's counts at the end.
    fn board(_: usize) -> usize {
        2
    }

    fn begin(site: &mut Site<'_, Self>) -> Self {
        Self {
            part: site.number % 2,
        }
    }

    fn turn(&mut self, site: &mut Site<'_, Self>, how: How) -> bool {
        site.enter(self.part as u64 + 1);
        let Some(mut guard) = self.wait(site, how) else {
            site.leave();
            return false;
        };
        let room = !is_stuck(self.part, &guard, SLOTS);
        if !site.fault(Sabotage::Lose) {
            self.act(site, &mut guard);
        }
        if room && !is_stuck(self.part, &guard, SLOTS) && site.fault(Sabotage::Duplicate) {
            self.act(site, &mut guard);
        }
        if site.random.one_in(2) {
            drop(guard);
            self.notify(site);
        } else {
            self.notify(site);
            drop(guard);
        }
        site.count(self.part, 1);
        site.leave();
        true
    }

    fn finish((mutex, changed): &Self::Handle, _: &Floor) {
        // Whoever has not seen the end of the round waits by now.
        drop(taken(mutex.lock()).map(settled));
        for condvar in changed {
            sure(condvar.notify_all());
        }
    }

    fn inspect(site: &mut Site<'_, Self>) {
        let (mutex, changed) = site.handle;
        let mut guard = taken(mutex.try_lock())
            .map(settled)
            .expect("nobody has the lock");
        for part in [PUT, TAKE] {
            site.board()[part].store(guard[part], SeqCst);
        }
        let taker = Self { part: TAKE };
        while !is_stuck(TAKE, &guard, SLOTS) {
            taker.act(site, &mut guard);
        }
        for condvar in changed {
            sure(condvar.notify_all());
        }
    }

    fn audit(floor: &Floor, fallen: &[Fallen], outcome: &mut Outcome) {
        for part in [PUT, TAKE] {
            let fallen = fallen.iter().filter(|one| one.intent == part as u64 + 1);
            let found = floor.board()[part].load(SeqCst);
            drill::balance(found, floor.sum(part), fallen.count() as u64, outcome);
        }
    }
}
