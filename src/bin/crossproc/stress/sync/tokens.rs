//! Tokens that are released in one place and acquired in others balance: those of a counting semaphore, and those of several sources that
//! workers wait for at once.
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
use serde::{Serialize, de::DeserializeOwned};
use std::marker::PhantomData;
use std::sync::atomic::Ordering::SeqCst;

const RELEASED: usize = 0;
const ACQUIRED: usize = 1;

/// An intent: to acquire one, or to release so many.
const ACQUIRING: u64 = 1;
const RELEASING: u64 = 1 << 32;

pub(super) const MAXIMUM: u32 = 1 << 20;

/// Where tokens are.
pub(crate) trait Supply: Clone + Serialize + DeserializeOwned + 'static {
    fn create(name: Option<&str>, conditions: &Conditions<'_>) -> crossproc::Result<Self>;
    fn repairs(&self) -> u64;
    fn release(&self, count: u32);
    /// Whether it has acquired one.
    fn acquire(&self, how: How) -> bool;
    fn count(&self) -> u32;
    /// Whether tokens that somebody dead was about to release may be counted.
    const COUNTS_HOLES: bool;
}

impl Supply for CountingSemaphore {
    fn create(name: Option<&str>, conditions: &Conditions<'_>) -> crossproc::Result<Self> {
        let options = CountingSemaphore::options()
            .count(0)
            .maximum(MAXIMUM)
            .participants(drill::participants(conditions));
        come_by!(name, options, CountingSemaphore)
    }

    fn repairs(&self) -> u64 {
        self.repairs()
    }

    fn release(&self, count: u32) {
        sure(self.release(count));
    }

    fn acquire(&self, how: How) -> bool {
        let acquired = match how {
            How::Try => given(self.try_acquire()),
            How::Block => given(self.acquire()),
            How::Timeout(limit) => given(self.acquire_timeout(limit)),
        };
        acquired.is_some()
    }

    fn count(&self) -> u32 {
        self.count()
    }

    const COUNTS_HOLES: bool = false;
}

pub(crate) struct Passing<S>(PhantomData<S>);

fn release<S: Supply>(site: &mut Site<'_, Passing<S>>, count: u32) {
    site.enter(RELEASING + u64::from(count));
    let twice = site.fault(Sabotage::Duplicate);
    site.handle.release(count + u32::from(twice));
    site.count(RELEASED, count.into());
    site.leave();
}

fn acquire<S: Supply>(site: &mut Site<'_, Passing<S>>, how: How) -> bool {
    site.enter(ACQUIRING);
    let acquired = site.handle.acquire(how);
    if acquired && !site.fault(Sabotage::Lose) {
        site.count(ACQUIRED, 1);
    }
    site.leave();
    acquired
}

impl<S: Supply> Drill for Passing<S> {
    type Handle = S;

    fn create(name: Option<&str>, conditions: &Conditions<'_>) -> crossproc::Result<S> {
        S::create(name, conditions)
    }

    fn repairs(supply: &S) -> u64 {
        supply.repairs()
    }

    /// How many the parent has released.
    fn board(_: usize) -> usize {
        1
    }

    fn begin(_: &mut Site<'_, Self>) -> Self {
        Self(PhantomData)
    }

    fn turn(&mut self, site: &mut Site<'_, Self>, how: How) -> bool {
        if site.number > 0 {
            let acquired = acquire(site, how);
            if acquired && site.random.one_in(4) {
                release(site, 1);
            }
            return acquired;
        }
        let (floor, pace, supply) = (site.floor, site.floor.pace(), site.handle);
        if !pace.is_tight() {
            let count = 1 + site.random.below(3) as u32;
            let enough = site.random.below(floor.workers() as u64) as u32;
            if supply.count() <= enough {
                release(site, count);
                return true;
            }
            return acquire(site, How::Try);
        }
        // One at a time, when the others sleep.
        burst::keep_pace(&site.desk, &mut site.random, || {
            floor.pace() != pace || supply.count() == 0
        });
        let is_out = supply.count() == 0;
        if is_out {
            release(site, 1);
        }
        is_out
    }

    /// All may wait for one.
    fn finish(supply: &S, floor: &Floor) {
        let enough = floor.workers() as u32;
        floor.board()[0].store(enough.into(), SeqCst);
        supply.release(enough);
    }

    /// Acquires what is left.
    fn inspect(site: &mut Site<'_, Self>) {
        let left = site.handle.count();
        let acquired = (0..).take_while(|_| acquire(site, How::Try)).count();
        let missing = (left as usize).checked_sub(acquired);
        assert!(
            missing == Some(0) || S::COUNTS_HOLES && missing.is_some(),
            "as many as it says"
        );
        assert_eq!(site.handle.count(), 0);
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
