//! A list into which everybody puts numbered values, and out of which everybody takes any.

use super::sealed::{open, seal};
use crate::stress::burst::How;
use crate::stress::desk::add;
use crate::stress::outcome::Outcome;
use crate::stress::round::Conditions;
use crate::stress::sabotage::Sabotage;
use crate::stress::sync::drill::{self, Drill, Fallen, come_by};
use crate::stress::sync::floor::Floor;
use crate::stress::sync::site::Site;
use crossproc::{Fault, List, Manager, UpdateAtError};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

/// Bytes that everything together can grow to.
const MEMORY: u64 = 64 << 20;
/// What is left of the memory in use when everything has been removed.
const REMAINS: u64 = 1 << 20;
/// From so many on, more is taken out than put in.
const MANY: usize = 300;
/// Put in at once by one who extends the list.
const SEVERAL: u64 = 3;

/// Who put it in, and the number in sealed form.
type Value = (u64, Vec<u64>);

/// Words of the board for each worker.
#[derive(Clone, Copy)]
struct Tally<'a> {
    /// The last number that was to be put in.
    last: &'a AtomicU64,
    put: &'a AtomicU64,
    taken: &'a AtomicU64,
    /// How many were there in the end.
    found: &'a AtomicU64,
}

fn tally(board: &[AtomicU64], worker: u64) -> Tally<'_> {
    let at = worker as usize * 4;
    Tally {
        last: &board[at],
        put: &board[at + 1],
        taken: &board[at + 2],
        found: &board[at + 3],
    }
}

/// An intent: to take one out, whoever put it in.
const TAKING: u64 = 1;

/// An intent: to put in so many.
fn putting(worker: u64, count: u64) -> u64 {
    (worker + 1) << 16 | count << 8
}

pub(crate) struct Rowing {
    row: List<Value>,
    /// Another one, which is emptied now and then.
    emptied: List<Value>,
}

impl Rowing {
    fn put(&self, site: &mut Site<'_, Self>, count: u64) {
        let me = site.number as u64;
        let tally = tally(site.board(), me);
        let damaged = site.fault(Sabotage::Tear);
        let first = tally.last.fetch_add(count, SeqCst) + 1;
        let values: Vec<Value> = (first..first + count)
            .map(|number| {
                let mut words = seal(me, number);
                words.extend(damaged.then_some(0));
                (me, words)
            })
            .collect();
        site.enter(putting(me, count));
        if !site.fault(Sabotage::Lose) {
            let put = match values.as_slice() {
                [one] => self.row.push(one),
                several => self.row.extend(several),
            };
            put.expect("there is memory");
        }
        if site.fault(Sabotage::Duplicate) {
            let last = values.last().expect("there is one at least");
            self.row.push(last).expect("there is memory");
        }
        tally.put.fetch_add(count, SeqCst);
        site.leave();
    }

    fn take(&self, site: &mut Site<'_, Self>) {
        site.enter(TAKING);
        let taken = match site.random.below(4) {
            0 => {
                let len = self.row.len().expect("it is sound") as u64;
                let index = site.random.below(len.max(1)) as usize;
                // Somebody may have taken the last one meanwhile.
                unless_out_of_bounds(self.row.remove(index))
            }
            _ => self.row.pop().expect("it is sound"),
        };
        if let Some((worker, words)) = taken {
            check(site, &(worker, words));
            if worker < site.floor.workers() as u64 {
                tally(site.board(), worker).taken.fetch_add(1, SeqCst);
            }
        }
        site.leave();
    }

    /// Comes and goes beside what is counted.
    fn pass(&self, site: &mut Site<'_, Self>) {
        let number = site.random.next();
        let value = (number % 8, seal(number % 8, number));
        let len = self.emptied.len().expect("it is sound");
        let index = site.random.below(len as u64 + 1) as usize;
        match site.random.below(4) {
            0 if len > 64 => self.emptied.clear().expect("it is sound"),
            // Beyond the end by now, it may be refused.
            0 | 1 => drop(unless_out_of_bounds(self.emptied.insert(index, &value))),
            2 => drop(unless_out_of_bounds(self.emptied.set(index, &value))),
            _ => self.emptied.push(&value).expect("there is memory"),
        }
        let found = self.emptied.get(index).expect("it is sound");
        found.iter().for_each(|value| check(site, value));
    }

    /// All are whole, and those of each worker in the order in which it put them in.
    fn look_at_all(&self, site: &Site<'_, Self>) -> HashMap<u64, u64> {
        let mut last: HashMap<u64, u64> = HashMap::new();
        let mut found: HashMap<u64, u64> = HashMap::new();
        let all = self.row.slice(..).expect("it is sound");
        for value in &all {
            check(site, value);
            let (worker, number) = (value.0, value.1.first().copied().unwrap_or(0));
            *found.entry(worker).or_default() += 1;
            let before = last.insert(worker, number).unwrap_or(0);
            add(site.desk.reordered, u64::from(number < before));
            add(site.desk.duplicated, u64::from(number == before));
        }
        for value in &self.emptied {
            match value {
                Ok(value) => check(site, &value),
                Err(Fault::Cleared) => break,
                Err(fault) => panic!("{fault}"),
            }
        }
        found
    }
}

fn unless_out_of_bounds<T>(result: Result<T, UpdateAtError>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(UpdateAtError::OutOfBounds { .. }) => None,
        Err(error) => panic!("{error}"),
    }
}

fn check(site: &Site<'_, Rowing>, (worker, words): &Value) {
    if open(*worker, words).is_none() {
        add(site.desk.torn, 1);
    }
}

impl Drill for Rowing {
    type Handle = Manager;

    fn create(name: Option<&str>, conditions: &Conditions<'_>) -> crossproc::Result<Manager> {
        let options = Manager::options()
            .memory(MEMORY)
            .participants(drill::participants(conditions));
        come_by!(name, options, Manager)
    }

    fn repairs(manager: &Manager) -> u64 {
        manager.repairs()
    }

    fn board(workers: usize) -> usize {
        workers * 4
    }

    fn begin(site: &mut Site<'_, Self>) -> Self {
        let list = |name| site.handle.list(name).expect("there is memory");
        Rowing {
            row: list("row"),
            emptied: list("emptied"),
        }
    }

    fn turn(&mut self, site: &mut Site<'_, Self>, _: How) -> bool {
        let is_many = self.row.len().expect("it is sound") > MANY;
        match site.random.below(256) {
            0 => drop(self.look_at_all(site)),
            1 => {
                let number = |value: &Value| (value.0, value.1.first().copied());
                self.row.sort_by_key(number).expect("there is memory");
            }
            2..64 => self.pass(site),
            64..128 if !is_many => self.put(site, 1),
            128..144 if !is_many => self.put(site, SEVERAL),
            _ => self.take(site),
        }
        true
    }

    fn inspect(site: &mut Site<'_, Self>) {
        let all = Self::begin(site);
        let found = all.look_at_all(site);
        for (worker, found) in found {
            tally(site.board(), worker).found.store(found, SeqCst);
        }
        all.row.clear().expect("it is sound");
        all.emptied.clear().expect("it is sound");
        assert!(all.row.pop().expect("it is sound").is_none());
        let memory = site.handle.memory().expect("it is sound");
        assert!(memory.used <= REMAINS, "memory is missing: {memory:?}");
    }

    fn audit(floor: &Floor, fallen: &[Fallen], outcome: &mut Outcome) {
        let taking = fallen.iter().filter(|it| it.intent == TAKING).count() as u64;
        let mut missing = 0;
        for worker in 0..floor.workers() as u64 {
            let tally = tally(floor.board(), worker);
            let [put, taken, found] =
                [tally.put, tally.taken, tally.found].map(|word| word.load(SeqCst));
            // All that one puts in at once is there, or nothing.
            let maybe: u64 = [1, SEVERAL]
                .iter()
                .map(|count| {
                    let died = fallen
                        .iter()
                        .filter(|it| it.intent == putting(worker, *count));
                    died.count() as u64 * count
                })
                .sum();
            missing += put.saturating_sub(taken + found);
            outcome.duplicated += (taken + found).saturating_sub(put + maybe);
        }
        // Each who died while taking one out may have taken it.
        outcome.lost += missing.saturating_sub(taking);
        outcome.in_hand += missing.min(taking);
    }
}
