//! Barriers: nobody is released before all have arrived.
//!
//! A party says which generation released it last, and whether it waits for the next. Once released, it looks whether any
//! other that lives has not come so far.

use super::drill::{self, Drill, Fallen, come_by};
use super::floor::{self, Floor, Own};
use super::settle::sure;
use super::site::Site;
use crate::stress::burst::{BACKSTOP, How};
use crate::stress::desk::add;
use crate::stress::outcome::Outcome;
use crate::stress::round::Conditions;
use crate::stress::sabotage::Sabotage;
use crossproc::sync::{BarrierWaitResult, Cause, Party};
use crossproc::{Barrier, BarrierError, Error};
use std::sync::atomic::Ordering::SeqCst;
use std::thread;

/// How many generations this worker and its predecessors know of.
const GENERATIONS: usize = 0;
/// How many of them they have led.
const LED: usize = 1;

/// The board has one word for each generation, again and again.
const LEADERS: usize = 64;
/// A party of a barrier that goes on without the dead, or of one that they break.
pub(crate) struct Meeting<const GOES_ON: bool> {
    party: Option<Party>,
    /// The generation after the last one that released this worker.
    next: Option<u32>,
}

/// What a party says of itself: the next generation, plus one, if it knows of one before; and whether it waits.
fn mark(next: Option<u32>, waits: bool) -> u64 {
    next.map_or(0, |next| (u64::from(next) + 1) << 1 | u64::from(waits))
}

impl<const GOES_ON: bool> Meeting<GOES_ON> {
    fn arrive(&mut self, site: &mut Site<'_, Self>, how: How) -> Result<BarrierWaitResult, Cause> {
        let party = self.party.get_or_insert_with(|| join(site.handle));
        let known = match site.fault(Sabotage::Reorder) {
            true => mark(self.next.map(|_| 0), false),
            false => mark(self.next, true),
        };
        site.own.mark.store(known, SeqCst);
        let waited = match how {
            How::Timeout(limit) if !GOES_ON && site.random.one_in(8) => party.wait_timeout(limit),
            How::Timeout(_) => party.wait_timeout(BACKSTOP),
            How::Try | How::Block => party.wait(),
        };
        waited.map_err(|error| match error {
            BarrierError::Broken(cause) => cause,
            BarrierError::Fault(fault) => panic!("{fault}"),
        })
    }

    fn check(&self, site: &mut Site<'_, Self>, released: BarrierWaitResult) {
        let generation = released.generation;
        // Unless others can break and reset it meanwhile, each follows the one before.
        if self
            .next
            .is_some_and(|next| generation < next || GOES_ON && generation > next)
        {
            add(site.desk.reordered, 1);
        }
        let desks: Vec<Own<'_>> = (0..site.floor.workers())
            .map(|desk| site.floor.own(desk))
            .collect();
        let late = |marks: Vec<u64>| marks.iter().any(|&mark| Self::is_late(mark, generation));
        if floor::marks_of_the_living(&desks).is_some_and(late) {
            add(site.desk.reordered, 1);
        }
        let party = self.party.as_ref().map(Party::index);
        assert_eq!(party, Some(released.index), "a party keeps its number");
        if site.fault(Sabotage::Duplicate) {
            lead(site, generation);
        }
        if released.is_leader && !site.fault(Sabotage::Lose) {
            lead(site, generation);
            site.count(LED, 1);
        }
        site.own.counters[GENERATIONS].store(u64::from(generation) + 1, SeqCst);
    }

    /// Whether a party that said this cannot have arrived in `generation`.
    fn is_late(said: u64, generation: u32) -> bool {
        let (next, waits) = (said >> 1, said & 1 == 1);
        match waits {
            _ if next == 0 => false,
            // The barrier may have been reset since: then nobody can say in which generation it waits.
            true => GOES_ON && next < u64::from(generation) + 1,
            false => next < u64::from(generation) + 2,
        }
    }

    /// Goes on after the barrier was found broken.
    fn repair(&mut self, site: &Site<'_, Self>, cause: Cause) {
        site.own.mark.store(mark(self.next, false), SeqCst);
        if site.is_ending() {
            return;
        }
        if GOES_ON {
            // Nobody breaks it before the end.
            add(site.desk.reordered, 1);
        }
        if cause != Cause::Reset && site.handle.broken().is_some() {
            reset(site.handle);
        }
    }
}

fn lead<D: Drill>(site: &Site<'_, D>, generation: u32) {
    let word = &site.board()[generation as usize % LEADERS];
    let led = u64::from(generation) + 1;
    if word.swap(led, SeqCst) == led {
        add(site.desk.duplicated, 1);
    }
}

fn join(barrier: &Barrier) -> Party {
    sure(barrier.join())
}

fn reset(barrier: &Barrier) {
    sure(barrier.reset());
}

impl<const GOES_ON: bool> Drill for Meeting<GOES_ON> {
    type Handle = Barrier;

    fn create(name: Option<&str>, conditions: &Conditions<'_>) -> crossproc::Result<Barrier> {
        // The survivor has a thread for each party.
        let participants = drill::participants(conditions) + conditions.processes as u32;
        let options = Barrier::options()
            .parties(conditions.processes)
            .participants(participants);
        let options = if GOES_ON {
            options.go_on_without_the_dead()
        } else {
            options
        };
        come_by!(name, options, Barrier)
    }

    fn repairs(barrier: &Barrier) -> u64 {
        barrier.repairs()
    }

    fn board(_: usize) -> usize {
        LEADERS
    }

    fn begin(_: &mut Site<'_, Self>) -> Self {
        Self {
            party: None,
            next: None,
        }
    }

    fn turn(&mut self, site: &mut Site<'_, Self>, how: How) -> bool {
        if !GOES_ON && matches!(how, How::Try) && site.random.one_in(64) {
            sure(site.handle.abort());
        }
        site.enter(1);
        let arrived = self.arrive(site, how);
        match arrived {
            Ok(released) => {
                self.check(site, released);
                self.next = Some(released.generation.wrapping_add(1));
                site.own.mark.store(mark(self.next, false), SeqCst);
            }
            Err(cause) => self.repair(site, cause),
        }
        site.leave();
        arrived.is_ok()
    }

    /// Leaves, no longer among those who must have arrived.
    fn end(self, site: &mut Site<'_, Self>) {
        site.own.mark.store(0, SeqCst);
        drop(self.party);
    }

    /// Some may wait for others that have left.
    fn finish(barrier: &Barrier, _: &Floor) {
        sure(barrier.abort());
    }

    /// Brings as many parties together as there can be.
    fn inspect(site: &mut Site<'_, Self>) {
        let barrier = site.handle;
        reset(barrier);
        let parties: Vec<Party> = (0..barrier.parties()).map(|_| join(barrier)).collect();
        let one_more = barrier.join();
        assert!(matches!(one_more, Err(Error::PartiesFull { .. })));
        let released: Vec<BarrierWaitResult> = thread::scope(|scope| {
            let waiting: Vec<_> = parties
                .into_iter()
                .map(|mut party| scope.spawn(move || party.wait()))
                .collect();
            let ends = waiting.into_iter().map(|thread| thread.join());
            ends.map(|end| end.expect("no panic").expect("all are here"))
                .collect()
        });
        let leaders = released.iter().filter(|one| one.is_leader).count() as u64;
        add(site.desk.duplicated, leaders.saturating_sub(1));
        add(site.desk.lost, 1_u64.saturating_sub(leaders));
        let generation = released[0].generation;
        let all_the_same = released.iter().all(|one| one.generation == generation);
        add(site.desk.reordered, u64::from(!all_the_same));
    }

    /// Unless one dies as it releases the others, every generation has its leader.
    fn audit(floor: &Floor, fallen: &[Fallen], outcome: &mut Outcome) {
        let known = |desk| floor.own(desk).counters[GENERATIONS].load(SeqCst);
        let generations = (0..floor.workers()).map(known).max().unwrap_or(0);
        // A barrier that was reset has skipped some.
        if GOES_ON {
            let led = floor.sum(LED) + fallen.len() as u64;
            outcome.lost += generations.saturating_sub(led);
        }
    }
}
