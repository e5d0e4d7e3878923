//! Counting in a dict: each increment of a key's count is acknowledged by who made it.

use super::sealed::{open, seal};
use crate::stress::burst::How;
use crate::stress::desk::add;
use crate::stress::outcome::Outcome;
use crate::stress::round::Conditions;
use crate::stress::sabotage::Sabotage;
use crate::stress::sync::drill::{self, Drill, Fallen, come_by};
use crate::stress::sync::floor::Floor;
use crate::stress::sync::site::Site;
use crossproc::{Dict, Fault, Manager};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

/// Keys that are counted.
const KEYS: u64 = 48;
/// Keys above these, which come and go.
const PASSING: u64 = 4096;
/// Bytes that everything together can grow to.
const MEMORY: u64 = 64 << 20;
/// What is left of the memory in use when everything has been removed: a page of each object, the tables' least, and a page of blocks of each kind.
const REMAINS: u64 = 4 << 20;

type Values = Dict<u64, Vec<u64>>;

/// What this worker has seen of each key.
pub(crate) struct Counting {
    counted: Values,
    emptied: Values,
    seen: Vec<u64>,
}

/// Where the found counts are, in front of each worker's acknowledgements.
fn acknowledged(board: &[AtomicU64], worker: usize) -> &[AtomicU64] {
    &board[(worker + 1) * KEYS as usize..][..KEYS as usize]
}

fn open_dicts(manager: &Manager) -> (Values, Values) {
    let dict = |name| manager.dict(name).expect("there is memory");
    (dict("counted"), dict("emptied"))
}

impl Counting {
    fn increment(&mut self, site: &mut Site<'_, Self>, key: u64) {
        let lost = site.fault(Sabotage::Lose);
        let by = 1 + u64::from(site.fault(Sabotage::Duplicate));
        let damaged = site.fault(Sabotage::Tear);
        let torn = site.desk.torn;
        site.enter(key + 1);
        if !lost {
            let updated = self.counted.update(&key, |value| {
                let value = value.unwrap_or_else(|| seal(key, 0));
                if open(key, &value).is_none() {
                    add(torn, 1);
                }
                let mut value = seal(key, count(&value) + by);
                if damaged {
                    value.push(0);
                }
                Some(value)
            });
            updated.expect("there is memory");
        }
        add(&acknowledged(site.board(), site.number)[key as usize], 1);
        site.leave();
    }

    fn look(&mut self, site: &Site<'_, Self>, key: u64) {
        let Some(value) = self.counted.get(&key).expect("it is sound") else {
            add(site.desk.lost, u64::from(self.seen[key as usize] > 0));
            return;
        };
        match open(key, &value) {
            None => add(site.desk.torn, 1),
            Some(count) => {
                let seen = &mut self.seen[key as usize];
                add(site.desk.reordered, u64::from(count < *seen));
                *seen = count;
            }
        }
    }

    /// Comes and goes beside what is counted, so that memory is used for one thing after the other.
    fn pass(&mut self, site: &mut Site<'_, Self>) {
        let key = KEYS + site.random.below(PASSING);
        let values = [&self.counted, &self.emptied];
        let dict = values[site.random.below(2) as usize];
        let old = match site.random.below(2) {
            0 => dict.insert(&key, &seal(key, site.random.next())),
            _ => dict.remove(&key),
        };
        let old = old.expect("there is memory");
        check(site, key, old);
        if site.random.one_in(512) {
            self.emptied.clear().expect("it is sound");
        }
    }

    fn look_at_all(&mut self, site: &Site<'_, Self>) {
        for item in &self.counted {
            let (key, value) = item.expect("it is sound");
            check(site, key, Some(value));
        }
        for item in &self.emptied {
            match item {
                Ok((key, value)) => check(site, key, Some(value)),
                Err(Fault::Cleared) => break,
                Err(fault) => panic!("{fault}"),
            }
        }
    }
}

/// What a value says that it counts to, whole or not: the count goes on.
fn count(value: &[u64]) -> u64 {
    value.first().copied().unwrap_or(0)
}

fn check(site: &Site<'_, Counting>, key: u64, value: Option<Vec<u64>>) {
    if value.is_some_and(|value| open(key, &value).is_none()) {
        add(site.desk.torn, 1);
    }
}

impl Drill for Counting {
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
        (workers + 1) * KEYS as usize
    }

    fn begin(site: &mut Site<'_, Self>) -> Self {
        let (counted, emptied) = open_dicts(site.handle);
        Counting {
            counted,
            emptied,
            seen: vec![0; KEYS as usize],
        }
    }

    fn turn(&mut self, site: &mut Site<'_, Self>, _: How) -> bool {
        let key = site.random.below(KEYS);
        match site.random.below(1024) {
            0 => self.look_at_all(site),
            1..256 => self.pass(site),
            256..512 => self.look(site, key),
            _ => self.increment(site, key),
        }
        true
    }

    fn inspect(site: &mut Site<'_, Self>) {
        let mut all = Self::begin(site);
        all.look_at_all(site);
        for key in 0..KEYS {
            let value = all.counted.get(&key).expect("it is sound");
            let found = value.map_or(0, |value| count(&value));
            site.board()[key as usize].store(found, SeqCst);
        }
        all.counted.retain(|_, _| false).expect("it is sound");
        all.emptied.clear().expect("it is sound");
        assert!(all.counted.is_empty() && all.emptied.is_empty());
        let memory = site.handle.memory().expect("it is sound");
        assert!(memory.used <= REMAINS, "memory is missing: {memory:?}");
    }

    fn audit(floor: &Floor, fallen: &[Fallen], outcome: &mut Outcome) {
        let board = floor.board();
        for key in 0..KEYS as usize {
            let made = (0..floor.workers())
                .map(|worker| acknowledged(board, worker)[key].load(SeqCst))
                .sum();
            let fallen = fallen.iter().filter(|it| it.intent == key as u64 + 1);
            let found = board[key].load(SeqCst);
            drill::balance(found, made, fallen.count() as u64, outcome);
        }
    }
}
