//! A number of tasks, given to a pool in one of the ways there are, and the account of their outcomes.

use super::marks::{Marks, Name, Tally};
use super::owner::{CUT_SHORT, Owning, SUICIDES, UNBEGUN};
use super::task::{self, Deed, EXIT, PANIC, Reply, Task};
use crate::stress::burst::How;
use crate::stress::desk::add;
use crate::stress::sabotage::Sabotage;
use crate::stress::sync::settle::sure;
use crate::stress::sync::site::Site;
use crossproc::Pool;
use crossproc::pool::{Job, JobError, TaskError, Tasks};
use std::mem;
use std::thread;
use std::time::Duration;

const MOST_JOBS: u64 = 24;
const MOST_TASKS: u64 = 128;
const MOST_RETRIES: u64 = 3;
/// More than a pool takes at a time.
const TOO_MANY: u64 = 1200;
const KILLED: i32 = 9;
/// How long a task may take where time is limited.
const LIMIT: Duration = Duration::from_millis(4);

/// How a batch is given away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Ordered,
    Unordered,
    /// Some of the results are not waited for.
    InPart,
    Jobs,
}

pub(super) struct Batch<'a> {
    marks: Marks<'a>,
    way: Way,
    first: u32,
    tasks: Vec<Task>,
    is_told: Vec<bool>,
    retries: u32,
    timeout: Option<Duration>,
    chunk: Option<usize>,
}

impl<'a> Batch<'a> {
    /// Some tasks of this owner's, from this number on.
    pub(super) fn new(site: &mut Site<'a, Owning>, owner: u16, first: u32) -> Batch<'a> {
        let is_tight = site.floor.pace().is_tight();
        let random = &mut site.random;
        let way = match random.below(8) {
            _ if is_tight => Way::Jobs,
            0 | 1 => Way::Ordered,
            2 | 3 => Way::Unordered,
            4 => Way::InPart,
            _ => Way::Jobs,
        };
        let count = match way {
            _ if is_tight => 1,
            Way::Jobs if random.one_in(64) => TOO_MANY,
            Way::Jobs => 1 + random.below(MOST_JOBS),
            _ => 1 + random.below(MOST_TASKS),
        };
        let timeout = (!is_tight && random.one_in(8)).then_some(LIMIT);
        let chunk = random.one_in(2).then(|| 1 + random.below(32) as usize);
        let mut retries = random.below(MOST_RETRIES + 1) as u32;
        let mut deeds: Vec<Deed> = (0..count).map(|_| deed(site)).collect();
        if timeout.is_some() {
            deeds[0] = Deed::Stay;
        }
        if way != Way::InPart {
            if site.fault(Sabotage::Lose) {
                deeds[0] = Deed::Shirk;
            } else if site.fault(Sabotage::Duplicate) {
                (deeds[0], retries) = (Deed::Repeat, 0);
            }
        }
        let tasks = (first..).zip(deeds);
        let tasks = tasks.map(|(number, deed)| Task::new(Name::new(owner, number), deed));
        Batch {
            marks: Marks::of(site.floor, site.number),
            way,
            first,
            tasks: tasks.collect(),
            is_told: vec![false; count as usize],
            retries,
            timeout,
            chunk,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Has it done.
    pub(super) fn run(mut self, site: &mut Site<'a, Owning>, pool: &Pool, how: How) {
        for task in &self.tasks {
            self.marks.open(task.name);
        }
        match self.way {
            Way::Jobs => self.submit(site, pool, how),
            Way::Ordered | Way::Unordered | Way::InPart => self.map(site, pool),
        }
        if self.way != Way::InPart {
            let untold = self.is_told.iter().filter(|is_told| !**is_told).count();
            add(site.desk.lost, untold as u64);
        }
    }

    fn terms<'p>(&self, pool: &'p Pool) -> Tasks<'p> {
        let tasks = pool.tasks().retries(self.retries);
        match self.timeout {
            Some(limit) => tasks.timeout(limit),
            None => tasks,
        }
    }

    fn map(&mut self, site: &mut Site<'a, Owning>, pool: &Pool) {
        let mut terms = self.terms(pool);
        if let Some(size) = self.chunk {
            terms = terms.chunk_size(size);
        }
        let wanted = match self.way {
            Way::InPart => site.random.below(self.tasks.len() as u64) as usize,
            _ => usize::MAX,
        };
        let inputs = self.tasks.clone();
        let is_ordered = self.way == Way::Ordered || wanted % 2 == 0;
        let results: Box<dyn Iterator<Item = Result<Reply, TaskError>>> = match is_ordered {
            true => Box::new(terms.map_ordered(task::run, inputs)),
            false => Box::new(terms.map_unordered(task::run, inputs)),
        };
        for (position, result) in results.take(wanted).enumerate() {
            let (index, outcome) = match result {
                Ok(reply) => (
                    reply.name.number.wrapping_sub(self.first) as usize,
                    Ok(reply),
                ),
                Err(error) => (error.index, Err(error.error)),
            };
            if is_ordered {
                let is_swapped = site.fault(Sabotage::Reorder);
                let is_in_order = index == position && !is_swapped;
                add(site.desk.reordered, u64::from(!is_in_order));
            }
            self.account(site, index, false, outcome);
        }
    }

    fn submit(&mut self, site: &mut Site<'a, Owning>, pool: &Pool, how: How) {
        let submit = |task: &Task| match how {
            How::Try => match self.terms(pool).try_submit(task::run, task.clone()) {
                Err(JobError::Full) => self.terms(pool).submit(task::run, task.clone()),
                submitted => submitted,
            },
            How::Block | How::Timeout(_) => self.terms(pool).submit(task::run, task.clone()),
        };
        let jobs: Result<Vec<Job<Reply>>, JobError> = self.tasks.iter().map(submit).collect();
        let mut jobs: Vec<_> = sure(jobs).into_iter().enumerate().collect();
        if site.random.one_in(2) {
            jobs.reverse();
        }
        for (index, job) in jobs {
            let is_cancelled = !site.floor.pace().is_tight() && site.random.one_in(16);
            if is_cancelled {
                job.cancel();
            }
            let outcome = join(job, how);
            self.account(site, index, is_cancelled, outcome);
        }
    }

    /// Compares what the pool says of a task with what the task has said.
    fn account(
        &mut self,
        site: &mut Site<'a, Owning>,
        index: usize,
        is_cancelled: bool,
        outcome: Result<Reply, JobError>,
    ) {
        add(site.desk.moved, 1);
        let Some(task) = self.tasks.get(index) else {
            return add(site.desk.torn, 1);
        };
        if mem::replace(&mut self.is_told[index], true) {
            return add(site.desk.duplicated, 1);
        }
        let most = 1 + u64::from(self.retries);
        let Tally { begun, done } = self.marks.close(task.name);
        add(site.desk.duplicated, begun.saturating_sub(most));
        if matches!(task.deed, Deed::Die | Deed::Exit) {
            site.count(SUICIDES, begun);
        }
        match outcome {
            Ok(mut reply) => {
                if site.fault(Sabotage::Tear) {
                    reply.damage();
                }
                let is_right = reply.name == task.name && reply.is_sound() && task.returns();
                add(site.desk.torn, u64::from(!is_right));
                add(site.desk.lost, u64::from(done == 0));
                site.count(CUT_SHORT, begun.saturating_sub(done));
            }
            Err(JobError::Panicked { message, .. })
                if task.deed == Deed::Panic && message == PANIC =>
            {
                add(site.desk.lost, u64::from(begun == 0));
            }
            Err(JobError::WorkerDied {
                signal,
                code,
                attempts,
            }) if site.handle.kill
                && (signal == Some(KILLED) || code == Some(EXIT))
                && (begun..=most).contains(&attempts.into()) =>
            {
                site.count(UNBEGUN, u64::from(begun == 0));
                site.count(CUT_SHORT, begun.saturating_sub(done));
            }
            Err(JobError::TimedOut { .. }) if self.timeout.is_some() => {}
            Err(JobError::Cancelled) if is_cancelled => {}
            Err(error) => panic!(
                "{:?}, begun {begun} times, done {done} times, with {} retries: {error}",
                task.deed, self.retries
            ),
        }
    }
}

/// What a task is to do, as a rule: return.
fn deed(site: &mut Site<'_, Owning>) -> Deed {
    match site.random.below(512) {
        _ if site.floor.pace().is_tight() => Deed::Return,
        0 if site.handle.kill => Deed::Die,
        1 if site.handle.kill => Deed::Exit,
        2..10 => Deed::Panic,
        _ => Deed::Return,
    }
}

fn join(mut job: Job<Reply>, how: How) -> Result<Reply, JobError> {
    match how {
        How::Block => job.join(),
        How::Timeout(limit) => loop {
            if let Some(reply) = job.join_timeout(limit)? {
                return Ok(reply);
            }
        },
        How::Try => loop {
            if let Some(reply) = job.try_join()? {
                return Ok(reply);
            }
            thread::yield_now();
        },
    }
}
