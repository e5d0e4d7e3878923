//! Owning a pool: giving it tasks, killing its workers, and making another one now and then.

use super::batch::Batch;
use super::marks::{self, Marks};
use super::task;
use crate::stress::burst::How;
use crate::stress::desk::add;
use crate::stress::leaks::Holdings;
use crate::stress::outcome::Outcome;
use crate::stress::random::Random;
use crate::stress::round::Conditions;
use crate::stress::sabotage::Sabotage;
use crate::stress::sync::drill::{Drill, Fallen};
use crate::stress::sync::floor::Floor;
use crate::stress::sync::settle::sure;
use crate::stress::sync::site::Site;
use crossproc::Pool;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicU64;
use std::thread;
use std::time::Duration;

const WORKERS: usize = 2;
/// Batches given to one pool, about.
const BATCHES: u64 = 100;
/// Before a worker is killed.
const LONGEST_DELAY: Duration = Duration::from_millis(3);

// Counters.

/// Workers that their owner has killed.
pub(super) const KILLED: usize = 0;
/// Workers that tasks have ended.
pub(super) const SUICIDES: usize = 1;
/// Tasks said to have died with their workers that had not begun.
pub(super) const UNBEGUN: usize = 2;
/// How often a worker was ended in the middle of a task.
pub(super) const CUT_SHORT: usize = 3;

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Rules {
    /// Workers are killed.
    pub(super) kill: bool,
}

pub(crate) struct Owning {
    /// Always there, but for a moment in [`renew`](Owning::renew).
    pool: Option<Pool>,
    /// Which of the owners in this place it is.
    owner: u16,
    /// Of the next task.
    next: u32,
    /// What this process held when its first pool was gone.
    without: Option<Holdings>,
}

fn new_pool(site: &mut Site<'_, Owning>) -> Pool {
    let mut builder = Pool::builder()
        .workers(WORKERS)
        .initializer(task::begin, (site.floor.address(), site.number));
    if site.random.one_in(4) {
        builder = builder.tasks_per_worker(1 + site.random.below(1000));
    }
    sure(builder.build())
}

impl Owning {
    /// Lets the pool go in one of the ways there are, by which nothing may stay behind.
    fn let_go(&mut self, site: &mut Site<'_, Self>) {
        if let Some(pool) = self.pool.take() {
            match site.random.below(3) {
                0 => sure(pool.join()),
                1 => drop(pool),
                _ => {
                    pool.terminate();
                    sure(pool.join());
                }
            }
        }
        match self.without {
            None => self.without = Holdings::now().ok(),
            Some(before) => {
                assert_eq!(sure(before.leaked_since()), 0, "a pool leaves nothing open")
            }
        }
    }

    fn renew(&mut self, site: &mut Site<'_, Self>) {
        self.let_go(site);
        self.pool = Some(new_pool(site));
    }
}

impl Drill for Owning {
    type Handle = Rules;
    const APART: bool = true;

    fn create(_: Option<&str>, conditions: &Conditions<'_>) -> crossproc::Result<Rules> {
        Ok(Rules {
            kill: conditions.kill,
        })
    }

    fn repairs(_: &Rules) -> u64 {
        0
    }

    fn board(workers: usize) -> usize {
        (workers + 1) * marks::WORDS
    }

    fn begin(site: &mut Site<'_, Self>) -> Self {
        Owning {
            pool: Some(new_pool(site)),
            owner: Marks::of(site.floor, site.number).come(),
            next: 1,
            without: None,
        }
    }

    fn turn(&mut self, site: &mut Site<'_, Self>, how: How) -> bool {
        let is_tight = site.floor.pace().is_tight();
        site.enter(1);
        if !is_tight && site.random.one_in(BATCHES) {
            self.renew(site);
        }
        if site.fault(Sabotage::Leak) {
            outlive();
        }
        let pool = self.pool.as_ref().expect("there is one");
        let batch = Batch::new(site, self.owner, self.next);
        self.next += batch.len() as u32;
        let killed = &site.own.counters[KILLED];
        let mut random = Random::new(site.random.next());
        thread::scope(|scope| {
            if site.handle.kill && !is_tight && random.one_in(4) {
                scope.spawn(move || {
                    thread::sleep(random.shorter_than(LONGEST_DELAY));
                    kill_one(pool, &mut random, killed);
                    while random.one_in(4) {
                        kill_one(pool, &mut random, killed);
                    }
                });
            }
            batch.run(site, pool, how);
        });
        site.leave();
        false // Its outcomes were counted as they came.
    }

    fn end(mut self, site: &mut Site<'_, Self>) {
        self.let_go(site);
    }

    fn inspect(site: &mut Site<'_, Self>) {
        let mut owning = Self::begin(site);
        for _ in 0..4 {
            owning.turn(site, How::Block);
            owning.renew(site);
        }
        owning.end(site);
    }

    fn audit(floor: &Floor, _: &[Fallen], outcome: &mut Outcome) {
        for desk in 0..=floor.workers() {
            outcome.duplicated += Marks::of(floor, desk).strays();
        }
        let killed = floor.sum(KILLED);
        outcome.kills += killed + floor.sum(SUICIDES);
        outcome.kills_inside += floor.sum(CUT_SHORT);
        outcome.lost += floor.sum(UNBEGUN).saturating_sub(killed);
    }
}

/// A process that is there when its parent is not.
fn outlive() {
    let mut sleep = Command::new("sleep");
    let quiet = sleep.arg("60").stdout(Stdio::null()).stderr(Stdio::null());
    sure(quiet.spawn().map(drop));
}

/// Kills one of the workers, or none if that one is about to be gone.
fn kill_one(pool: &Pool, random: &mut Random, killed: &AtomicU64) {
    let ids = pool.worker_ids();
    if ids.is_empty() {
        return;
    }
    let id = ids[random.below(ids.len() as u64) as usize];
    let pid = Pid::from_raw(id as i32).expect("it is a process");
    let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else {
        return;
    };
    // An id may come again; that of a worker which has not been waited for is its own.
    if pool.worker_ids().contains(&id) && pidfd_send_signal(&process, Signal::KILL).is_ok() {
        add(killed, 1);
    }
}
