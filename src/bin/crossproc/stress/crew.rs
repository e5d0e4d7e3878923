//! The worker processes of a round: hired, watched, killed, replaced.

use super::random::Random;
use super::round::Conditions;
use super::work::{Post, Work};
use crossproc::process::{Child, JoinError};
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

#[derive(Debug)]
struct Worker<R> {
    post: Post<R>,
    child: Child<usize>,
}

/// How long a lane has moved nothing.
#[derive(Clone, Copy, Debug, Default)]
struct Stall {
    moved: u64,
    lasted: Duration,
}

pub(crate) struct Crew<'a, W: Work> {
    work: &'a W,
    random: Random,
    conditions: &'a Conditions<'a>,
    posts: Vec<Post<W::Role>>,
    workers: Vec<Worker<W::Role>>,
    stalls: Vec<Stall>,
    last_look: Instant,
    pub(crate) excuses: Vec<W::Excuse>,
    pub(crate) kills: u64,
    pub(crate) kills_asleep: u64,
    pub(crate) hung: u64,
    /// What survivors found missing.
    pub(crate) missing: u64,
}

impl<'a, W: Work> Crew<'a, W> {
    pub(crate) fn new(work: &'a W, conditions: &'a Conditions<'a>) -> Self {
        Self {
            work,
            random: Random::new(conditions.seed),
            conditions,
            posts: Vec::new(),
            workers: Vec::new(),
            stalls: vec![Stall::default(); work.lanes()],
            last_look: Instant::now(),
            excuses: Vec::new(),
            kills: 0,
            kills_asleep: 0,
            hung: 0,
            missing: 0,
        }
    }

    /// Starts a worker at each of these posts.
    pub(crate) fn hire(&mut self, posts: Vec<Post<W::Role>>) -> Result<(), Broken> {
        for post in posts {
            self.posts.push(post);
            self.fill_post(post)?;
        }
        Ok(())
    }

    fn fill_post(&mut self, post: Post<W::Role>) -> Result<(), Broken> {
        let seed = self.random.next();
        let child = self.work.start(post, seed, self.conditions)?;
        self.workers.push(Worker { post, child });
        Ok(())
    }

    /// Operations so far in these lanes.
    pub(crate) fn moved(&self, lanes: Range<usize>) -> u64 {
        let posts = self.posts.iter().filter(|post| lanes.contains(&post.lane));
        let moved = posts.map(|post| self.work.desk(post.desk).moved.load(Relaxed));
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
        self.work.condemn(worker.post.desk);
        worker.child.kill()?;
        let post = self.bury(worker)?;
        self.kills_asleep += u64::from(asleep);
        self.fill_post(post)
    }

    /// Kills all workers at once.
    pub(crate) fn kill_all(&mut self) -> Result<(), Broken> {
        for worker in &self.workers {
            self.work.condemn(worker.post.desk);
            worker.child.kill()?;
        }
        for worker in std::mem::take(&mut self.workers) {
            self.bury(worker)?;
        }
        Ok(())
    }

    /// Waits for the end of a worker that has just been killed.
    fn bury(&mut self, mut worker: Worker<W::Role>) -> Result<Post<W::Role>, Broken> {
        match worker.child.join_timeout(self.conditions.patience) {
            Err(JoinError::Killed { signal: KILL, .. } | JoinError::NeverStarted { .. }) => {
                self.kills += 1;
            }
            // It had just finished, because there is no room for more.
            Ok(Some(_)) if self.work.is_full() => {}
            other => {
                return Err(Broken(format!(
                    "killed, a worker ended otherwise: {other:?}"
                )));
            }
        }
        self.excuses.extend(self.work.excuse(worker.post)?);
        Ok(worker.post)
    }

    /// Looks after everyone once: nobody may have ended, no lane may hang.
    pub(crate) fn look(&mut self) -> Result<(), Broken> {
        for worker in &mut self.workers {
            if worker.child.try_join()?.is_some() && !self.work.is_full() {
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
            let desk = self.work.desk(worker.post.desk);
            report += &format!(
                "\n  {:?}, pid {} ({}), {:?}, {} moved",
                worker.post,
                worker.child.id(),
                state_of(worker.child.id()).unwrap_or('?'),
                desk.doing(),
                desk.moved.load(Relaxed),
            );
            self.hung += 1;
        }
        Broken(report)
    }

    /// Waits until all workers of a role have finished by themselves.
    pub(crate) fn await_all(&mut self, role: W::Role) -> Result<(), Broken> {
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
