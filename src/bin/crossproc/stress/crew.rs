//! The worker processes of a round: hired, watched, killed, replaced.

use super::audit::Excuse;
use super::ledger::Ledger;
use super::primitives::{Lane, Subject};
use super::random::Random;
use super::round::Conditions;
use super::worker::{self, Doing, Job};
use crossproc::process::{self, Child, JoinError};
use std::fs;
use std::ops::Range;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

/// From one look at the crew to the next.
pub(crate) const TICK: Duration = Duration::from_millis(2);
const KILL: i32 = 9;

/// Why a round was broken off.
#[derive(Debug)]
pub(crate) struct Broken(pub(crate) String);

impl<E: std::error::Error> From<E> for Broken {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Producer,
    Consumer,
    /// Comes when all others are dead.
    Survivor,
}

/// A worker's place, which outlives it.
#[derive(Clone, Copy, Debug)]
struct Post {
    role: Role,
    lane: usize,
    desk: usize,
    column: usize,
}

#[derive(Debug)]
struct Worker {
    post: Post,
    child: Child<usize>,
}

/// How long a lane has moved nothing.
#[derive(Clone, Copy, Debug, Default)]
struct Stall {
    moved: u64,
    lasted: Duration,
}

pub(crate) struct Crew<'a, S: Subject<N>, const N: usize> {
    handles: &'a [S::Handle],
    ledger: &'a Ledger,
    random: Random,
    conditions: &'a Conditions<'a>,
    posts: Vec<Post>,
    workers: Vec<Worker>,
    stalls: Vec<Stall>,
    last_look: Instant,
    pub(crate) excuses: Vec<Excuse>,
    pub(crate) kills: u64,
    pub(crate) kills_asleep: u64,
    pub(crate) hung: u64,
    /// Elements of the capacity that the dead took with them.
    pub(crate) missing: u64,
}

impl<'a, S: Subject<N>, const N: usize> Crew<'a, S, N> {
    pub(crate) fn new(
        handles: &'a [S::Handle],
        ledger: &'a Ledger,
        conditions: &'a Conditions<'a>,
    ) -> Self {
        Self {
            handles,
            ledger,
            random: Random::new(conditions.seed),
            conditions,
            posts: Vec::new(),
            workers: Vec::new(),
            stalls: vec![Stall::default(); handles.len()],
            last_look: Instant::now(),
            excuses: Vec::new(),
            kills: 0,
            kills_asleep: 0,
            hung: 0,
            missing: 0,
        }
    }

    /// Starts the producers and consumers of every lane.
    pub(crate) fn hire(&mut self, lanes: &[Lane]) -> Result<(), Broken> {
        for (i, lane) in lanes.iter().enumerate() {
            for column in 0..lane.producers {
                self.open_post(Role::Producer, i, column)?;
            }
            for column in 0..lane.consumers {
                self.open_post(Role::Consumer, i, column)?;
            }
        }
        Ok(())
    }

    /// Starts one survivor for every lane.
    pub(crate) fn hire_survivors(&mut self, lanes: &[Lane]) -> Result<(), Broken> {
        for (i, lane) in lanes.iter().enumerate() {
            self.open_post(Role::Survivor, i, lane.consumers)?;
        }
        Ok(())
    }

    fn open_post(&mut self, role: Role, lane: usize, column: usize) -> Result<(), Broken> {
        let desk = self.posts.len();
        let post = Post {
            role,
            lane,
            desk,
            column,
        };
        self.posts.push(post);
        self.fill_post(post)
    }

    fn fill_post(&mut self, post: Post) -> Result<(), Broken> {
        let job = Job {
            handle: self.handles[post.lane].clone(),
            ledger: self.ledger.address(),
            desk: post.desk,
            column: post.column,
            seed: self.random.next(),
            // Where workers are killed, more of them shall be killed asleep.
            bursts_per_nap: if self.conditions.kill { 16 } else { 1024 },
            sabotage: self.conditions.sabotage,
        };
        let child = match post.role {
            Role::Producer => process::spawn(worker::produce::<S, N>, job),
            Role::Consumer => process::spawn(worker::consume::<S, N>, job),
            Role::Survivor => process::spawn(worker::survive::<S, N>, job),
        }?;
        self.workers.push(Worker { post, child });
        Ok(())
    }

    /// Messages sent and received so far in these lanes.
    pub(crate) fn moved(&self, lanes: Range<usize>) -> u64 {
        let posts = self.posts.iter().filter(|post| lanes.contains(&post.lane));
        let moved = posts.map(|post| self.ledger.desk(post.desk).moved.load(Relaxed));
        moved.sum()
    }

    /// Kills a worker of the lane, wherever it is, and puts another in its place.
    pub(crate) fn kill_one(&mut self, lane: usize) -> Result<(), Broken> {
        let lane: Vec<usize> = (0..self.workers.len())
            .filter(|&i| self.workers[i].post.lane == lane)
            .collect();
        let victim = lane[self.random.below(lane.len() as u64) as usize];
        let worker = self.workers.swap_remove(victim);
        let asleep = state_of(worker.child.id()) == Some('S');
        worker.child.kill()?;
        let post = self.bury(worker)?;
        self.kills_asleep += u64::from(asleep);
        self.fill_post(post)
    }

    /// Kills all workers at once.
    pub(crate) fn kill_all(&mut self) -> Result<(), Broken> {
        for worker in &self.workers {
            worker.child.kill()?;
        }
        for worker in std::mem::take(&mut self.workers) {
            self.bury(worker)?;
        }
        Ok(())
    }

    /// Waits for the end of a worker that has just been killed.
    fn bury(&mut self, mut worker: Worker) -> Result<Post, Broken> {
        match worker.child.join_timeout(self.conditions.patience) {
            Err(JoinError::Killed { signal: KILL, .. } | JoinError::NeverStarted { .. }) => {
                self.kills += 1;
            }
            // It had just finished, because there is no account left to open.
            Ok(Some(_)) if self.ledger.is_full() => {}
            other => {
                return Err(Broken(format!(
                    "killed, a worker ended otherwise: {other:?}"
                )));
            }
        }
        if worker.post.role == Role::Consumer {
            let excuse = Excuse::find::<N>(self.ledger, worker.post.desk)?;
            self.excuses.extend(excuse);
        }
        Ok(worker.post)
    }

    /// Looks after everyone once: nobody may have ended, no lane may hang.
    pub(crate) fn look(&mut self) -> Result<(), Broken> {
        for worker in &mut self.workers {
            if worker.child.try_join()?.is_some() && !self.ledger.is_full() {
                return Err(Broken(format!("{:?} ended before the round", worker.post)));
            }
        }
        self.look_for_hangs()
    }

    fn look_for_hangs(&mut self) -> Result<(), Broken> {
        let now = Instant::now();
        // If this process did not get to look for long, the machine has paused, and so did all.
        let passed = now.duration_since(self.last_look).min(TICK * 2);
        self.last_look = now;
        for lane in 0..self.stalls.len() {
            let moved = self.moved(lane..lane + 1);
            let stall = &mut self.stalls[lane];
            if stall.moved == moved {
                stall.lasted += passed;
            } else {
                *stall = Stall {
                    moved,
                    lasted: Duration::ZERO,
                };
            }
            if stall.lasted > self.conditions.patience
                && self.workers.iter().any(|w| w.post.lane == lane)
            {
                return Err(self.hang(lane));
            }
        }
        Ok(())
    }

    fn hang(&mut self, lane: usize) -> Broken {
        let mut report = String::from("nothing moves:");
        for worker in self.workers.iter().filter(|w| w.post.lane == lane) {
            let desk = self.ledger.desk(worker.post.desk);
            report += &format!(
                "\n  {:?}, pid {} ({}), {:?}, {} moved",
                worker.post,
                worker.child.id(),
                state_of(worker.child.id()).unwrap_or('?'),
                Doing::at(&desk),
                desk.moved.load(Relaxed),
            );
            self.hung += 1;
        }
        Broken(report)
    }

    /// Waits until all workers of a role have finished by themselves.
    pub(crate) fn await_all(&mut self, role: Role) -> Result<(), Broken> {
        loop {
            let mut error = None;
            let missing = &mut self.missing;
            self.workers.retain_mut(|worker| {
                if worker.post.role != role {
                    return true;
                }
                match worker.child.try_join() {
                    Ok(None) => return true,
                    Ok(Some(count)) => *missing += count as u64,
                    Err(death) => error = Some(death),
                }
                false
            });
            if let Some(error) = error {
                return Err(error.into());
            }
            if self.workers.iter().all(|worker| worker.post.role != role) {
                return Ok(());
            }
            self.look_for_hangs()?;
            thread::sleep(TICK);
        }
    }

    /// Ends whoever is left of a round that was broken off.
    pub(crate) fn disband(&mut self) {
        for worker in self.workers.drain(..) {
            // Either fails only if the worker has ended.
            let _ = worker.child.kill();
            let _ = worker.child.join();
        }
    }
}

/// The state letter in `/proc/PID/stat`.
fn state_of(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}
