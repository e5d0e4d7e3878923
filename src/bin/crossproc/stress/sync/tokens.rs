//! The counting semaphore: tokens that are released in one place and acquired in others balance.
//!
//! Worker number 0 sees to it that there are some, and never waits for any.

use super::drill::{self, Drill, Fallen, come_by};
use super::floor::Floor;
use super::settle::{given, sure};
use super::site::Site;
use crate::stress::burst::{self, How};
use crate::stress::outcome::Outcome;
use crate::stress::round::Conditions;
use crate::stress::sabotage::Sabotage;
use crossproc::CountingSemaphore;
use std::sync::atomic::Ordering::SeqCst;

const RELEASED: usize = 0;
const ACQUIRED: usize = 1;

/// An intent: to acquire one, or to release so many.
const ACQUIRING: u64 = 1;
const RELEASING: u64 = 1 << 32;

const MAXIMUM: u32 = 1 << 20;

pub(crate) struct Passing;

fn release(site: &mut Site<'_, Passing>, count: u32) {
    site.enter(RELEASING + u64::from(count));
    let twice = site.fault(Sabotage::Duplicate);
    sure(site.handle.release(count + u32::from(twice)));
    site.count(RELEASED, count.into());
    site.leave();
}

fn acquire(site: &mut Site<'_, Passing>, how: How) -> bool {
    site.enter(ACQUIRING);
    let acquired = match how {
        How::Try => given(site.handle.try_acquire()),
        How::Block => given(site.handle.acquire()),
        How::Timeout(limit) => given(site.handle.acquire_timeout(limit)),
    };
    if acquired.is_some() && !site.fault(Sabotage::Lose) {
        site.count(ACQUIRED, 1);
    }
    site.leave();
    acquired.is_some()
}

impl Drill for Passing {
    type Handle = CountingSemaphore;

    fn create(
        name: Option<&str>,
        conditions: &Conditions<'_>,
    ) -> crossproc::Result<CountingSemaphore> {
        let options = CountingSemaphore::options()
            .count(0)
            .maximum(MAXIMUM)
            .participants(drill::participants(conditions));
        come_by!(name, options, CountingSemaphore)
    }

    fn repairs(semaphore: &CountingSemaphore) -> u64 {
        semaphore.repairs()
    }

    /// How many the parent has released.
    fn board(_: usize) -> usize {
        1
    }

    fn begin(_: &mut Site<'_, Self>) -> Self {
        Self
    }

    fn turn(&mut self, site: &mut Site<'_, Self>, how: How) -> bool {
        if site.number > 0 {
            let acquired = acquire(site, how);
            if acquired && site.random.one_in(4) {
                release(site, 1);
            }
            return acquired;
        }
        let (floor, pace, semaphore) = (site.floor, site.floor.pace(), site.handle);
        if !pace.is_tight() {
            let count = 1 + site.random.below(3) as u32;
            let enough = site.random.below(floor.workers() as u64) as u32;
            if semaphore.count() <= enough {
                release(site, count);
                return true;
            }
            return acquire(site, How::Try);
        }
        // One at a time, when the others sleep.
        burst::keep_pace(&site.desk, &mut site.random, || {
            floor.pace() != pace || semaphore.count() == 0
        });
        let is_out = semaphore.count() == 0;
        if is_out {
            release(site, 1);
        }
        is_out
    }

    /// All may wait for one.
    fn finish(semaphore: &CountingSemaphore, floor: &Floor) {
        let enough = floor.workers() as u32;
        floor.board()[0].store(enough.into(), SeqCst);
        sure(semaphore.release(enough));
    }

    /// Acquires what is left.
    fn inspect(site: &mut Site<'_, Self>) {
        let left = site.handle.count();
        let acquired = (0..).take_while(|_| acquire(site, How::Try)).count();
        assert_eq!(acquired, left as usize, "as many as it says");
        release(site, 1);
        assert!(acquire(site, How::Block), "it is usable");
    }

    fn audit(floor: &Floor, fallen: &[Fallen], outcome: &mut Outcome) {
        let released = floor.sum(RELEASED) + floor.board()[0].load(SeqCst);
        let acquired = floor.sum(ACQUIRED);
        let (acquiring, releasing): (Vec<&Fallen>, Vec<&Fallen>) =
            fallen.iter().partition(|one| one.intent == ACQUIRING);
        let in_between: u64 = releasing.iter().map(|one| one.intent - RELEASING).sum();
        // None are left, so those that were acquired are all that were released.
        outcome.lost += released.saturating_sub(acquired + acquiring.len() as u64);
        outcome.duplicated += acquired.saturating_sub(released + in_between);
    }
}
