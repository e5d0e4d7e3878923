//! The semaphore whose permits come back: never are there more in the hands of the living than there are.

use super::drill::{self, Drill, Fallen, come_by};
use super::floor::{self, Floor, Own};
use super::settle::given;
use super::site::Site;
use crate::stress::burst::How;
use crate::stress::desk::add;
use crate::stress::outcome::Outcome;
use crate::stress::round::Conditions;
use crate::stress::sabotage::Sabotage;
use crate::stress::sheet::LINE;
use crossproc::Semaphore;
use crossproc::sync::Permit;
use std::sync::atomic::Ordering::SeqCst;

const HOLDS: u32 = 8;

/// A worker's mark says how many permits it holds, below a number that changes each time.
pub(crate) struct Holding {
    mark: u64,
    permits: u64,
}

impl Holding {
    /// Says how many permits more, or fewer, this worker holds: more after they were acquired, fewer before
    /// they are released.
    fn tell(&mut self, site: &Site<'_, Self>, change: i64) {
        self.mark = self
            .mark
            .wrapping_add(1 << HOLDS)
            .wrapping_add_signed(change);
        site.own.mark.store(self.mark, SeqCst);
    }

    fn look_around(&self, site: &Site<'_, Self>) {
        let desks: Vec<Own<'_>> = (0..site.floor.workers())
            .map(|desk| site.floor.own(desk))
            .collect();
        let held = |marks: Vec<u64>| marks.iter().map(|mark| mark % (1 << HOLDS)).sum::<u64>();
        if floor::marks_of_the_living(&desks).map_or(0, held) > self.permits {
            add(site.desk.duplicated, 1);
        }
    }
}

fn acquire(semaphore: &Semaphore, how: How) -> Option<Permit<'_>> {
    match how {
        How::Try => given(semaphore.try_acquire()),
        How::Block => given(semaphore.acquire()),
        How::Timeout(limit) => given(semaphore.acquire_timeout(limit)),
    }
}

impl Drill for Holding {
    type Handle = Semaphore;

    fn create(name: Option<&str>, conditions: &Conditions<'_>) -> crossproc::Result<Semaphore> {
        // Too few for all.
        let permits = 1 + conditions.seed as usize % (conditions.processes - 1);
        let options = Semaphore::options()
            .permits(permits)
            .participants(drill::participants(conditions));
        come_by!(name, options, Semaphore)
    }

    fn repairs(semaphore: &Semaphore) -> u64 {
        semaphore.repairs()
    }

    fn board(_: usize) -> usize {
        LINE
    }

    fn begin(site: &mut Site<'_, Self>) -> Self {
        Self {
            // No mark of an earlier worker at this desk comes back.
            mark: site.random.next() << HOLDS,
            permits: site.handle.permits() as u64,
        }
    }

    fn turn(&mut self, site: &mut Site<'_, Self>, how: How) -> bool {
        let turn = &site.board()[0];
        site.await_turn(turn);
        site.enter(1);
        let Some(first) = acquire(site.handle, how) else {
            site.leave();
            return false;
        };
        site.has_turn(turn);
        self.tell(site, 1);
        let second = if site.random.one_in(4) {
            acquire(site.handle, How::Try)
        } else {
            None
        };
        self.tell(site, i64::from(second.is_some()));
        self.look_around(site);
        site.linger();
        if site.fault(Sabotage::Duplicate) {
            self.tell(site, self.permits as i64);
            self.look_around(site);
            self.tell(site, -(self.permits as i64));
        }
        self.tell(site, -i64::from(second.is_some()));
        drop(second);
        self.tell(site, -1);
        drop(first);
        site.leave();
        true
    }

    fn inspect(site: &mut Site<'_, Self>) {
        let permits = site.handle.permits();
        add(
            site.desk.lost,
            (permits - site.handle.available().min(permits)) as u64,
        );
        let held: Vec<_> = (0..permits)
            .map_while(|_| acquire(site.handle, How::Try))
            .collect();
        add(site.desk.lost, (permits - held.len()) as u64);
        let one_more = acquire(site.handle, How::Try).is_some();
        add(site.desk.duplicated, u64::from(one_more));
    }

    fn audit(_: &Floor, _: &[Fallen], _: &mut Outcome) {}
}
