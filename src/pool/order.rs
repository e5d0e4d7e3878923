//! What is to be done for one caller, and what has come of it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::code::Place;
use super::error::JobError;
use crate::error::Fault;

/// Under which terms tasks are run.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Terms {
    /// How long each may take.
    pub(super) timeout: Option<Duration>,
    /// How often those are run again whose worker has died.
    pub(super) retries: u32,
}

/// Outcomes of tasks next to each other.
#[derive(Debug)]
pub(super) struct Delivery {
    /// Which task of the order the first one is.
    pub(super) first: usize,
    pub(super) count: usize,
    /// The outcome of each, or what became of all of them.
    pub(super) outcomes: Result<Outcomes, JobError>,
}

/// Outcomes as they were reported.
#[derive(Debug, Default)]
pub(super) struct Outcomes {
    /// The bytes of each, one behind the other.
    pub(super) bytes: Vec<u8>,
    /// Where each report ends: behind how many of the tasks, and how many of the bytes. What can be unpacked there does not hang on what is before.
    reports: Vec<(usize, usize)>,
}

impl Outcomes {
    /// The end of the report that this task is in.
    pub(super) fn end_of_report(&self, task: usize) -> Option<(usize, usize)> {
        let report = self.reports.partition_point(|(tasks, _)| *tasks <= task);
        self.reports.get(report).copied()
    }

    fn add(
        &mut self,
        tasks: usize,
        fill: impl FnOnce(&mut Vec<u8>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        fill(&mut self.bytes)?;
        self.reports.push((tasks, self.bytes.len()));
        Ok(())
    }
}

/// A caller's inbox. Filled under the desk's lock, which is why a lock of its own is never waited for long.
#[derive(Clone, Debug, Default)]
pub(super) struct Order(Arc<Mutex<Inbox>>);

#[derive(Debug, Default)]
pub(super) struct Inbox {
    pub(super) deliveries: VecDeque<Delivery>,
    /// Tickets on their way.
    pub(super) tickets: usize,
    /// Nobody wants what comes of it.
    pub(super) abandoned: bool,
    /// What was measured: tasks, and how long they took.
    tasks: u64,
    nanos: u64,
}

impl Inbox {
    /// The latest count most.
    pub(super) fn measure(&mut self, tasks: u64, nanos: u64) {
        self.tasks = (self.tasks / 2).saturating_add(tasks);
        self.nanos = (self.nanos / 2).saturating_add(nanos);
    }

    /// Adds outcomes, which `fill` puts behind those before them.
    pub(super) fn report(
        &mut self,
        first: usize,
        count: usize,
        fill: impl FnOnce(&mut Vec<u8>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        if self.abandoned {
            return Ok(());
        }
        if let Some(last) = self.deliveries.back_mut()
            && last.first + last.count == first
            && let Ok(outcomes) = &mut last.outcomes
        {
            outcomes.add(last.count + count, fill)?;
            last.count += count;
            return Ok(());
        }
        let mut outcomes = Outcomes::default();
        outcomes.add(count, fill)?;
        self.deliveries.push_back(Delivery {
            first,
            count,
            outcomes: Ok(outcomes),
        });
        Ok(())
    }

    /// How long a task takes, in nanoseconds; `None` while there is none that is done.
    pub(super) fn each(&self) -> Option<u64> {
        self.nanos.checked_div(self.tasks).map(|each| each.max(1))
    }
}

impl Order {
    pub(super) fn inbox(&self) -> MutexGuard<'_, Inbox> {
        // Nothing that could panic half-way runs under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is(&self, other: &Order) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(super) fn deliver(&self, delivery: Delivery) {
        let mut inbox = self.inbox();
        if !inbox.abandoned {
            inbox.deliveries.push_back(delivery);
        }
    }
}

/// Tasks that travel in one message, and what is to become of them.
#[derive(Debug)]
pub(super) struct Errand {
    pub(super) order: Order,
    /// Which task of the order is the first of these.
    pub(super) first: usize,
    pub(super) place: Place,
    pub(super) terms: Terms,
    /// The arguments of all tasks.
    pub(super) arguments: Vec<u8>,
    /// Where those of each end.
    pub(super) ends: Vec<u32>,
    /// How many of the tasks have an outcome.
    pub(super) done: usize,
    /// How many had one when the message was sent that is on its way.
    pub(super) base: usize,
    /// How many workers died that had begun the next task.
    attempts: u32,
    /// Which others have been begun by one that died: those before this one, counted like `done`. Since then they are run one at a time.
    suspects: usize,
    /// Why its worker is being killed.
    pub(super) verdict: Option<JobError>,
}

impl Errand {
    pub(super) fn new(
        order: Order,
        first: usize,
        place: Place,
        terms: Terms,
        arguments: Vec<u8>,
        ends: Vec<u32>,
    ) -> Errand {
        Errand {
            order,
            first,
            place,
            terms,
            arguments,
            ends,
            done: 0,
            base: 0,
            attempts: 0,
            suspects: 0,
            verdict: None,
        }
    }

    /// Where the arguments begin of those that have no outcome.
    pub(super) fn offset(&self) -> usize {
        match self.done {
            0 => 0,
            done => self.ends[done - 1] as usize,
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.done == self.ends.len()
    }

    /// Whether a worker has died of one of the next tasks: which one, is found by reporting each by itself.
    pub(super) fn is_suspect(&self) -> bool {
        self.attempts > 0
    }

    /// The next `count` tasks have an outcome.
    pub(super) fn advance(&mut self, count: usize) {
        self.done += count;
        if count > 0 {
            self.attempts = (self.done < self.suspects).into();
        }
    }

    /// The next `count` tasks died with their worker. Who is not to be run again, because of a verdict or because it was often enough, has no result: `why` is asked, given
    /// the number of attempts.
    pub(super) fn died(
        &mut self,
        count: usize,
        verdict: Option<JobError>,
        why: impl FnOnce(u32) -> JobError,
    ) {
        if count == 0 {
            return;
        }
        self.attempts += 1;
        self.suspects = self.suspects.max(self.done + count);
        let attempts = self.attempts;
        if verdict.is_some() || attempts > self.terms.retries {
            self.fail(count, verdict.unwrap_or_else(|| why(attempts)));
        }
    }

    /// The next `count` tasks have no result.
    pub(super) fn fail(&mut self, count: usize, why: JobError) {
        let first = self.first + self.done;
        self.advance(count);
        if count > 0 {
            self.order.deliver(Delivery {
                first,
                count,
                outcomes: Err(why),
            });
        }
    }

    /// None of the others will be run.
    pub(super) fn give_up(&mut self, why: JobError) {
        self.fail(self.ends.len() - self.done, why);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errand(tasks: u32, retries: u32) -> Errand {
        let terms = Terms {
            retries,
            ..Terms::default()
        };
        let place = Place { code: 0, seal: 0 };
        let ends = (0..tasks).collect();
        Errand::new(Order::default(), 0, place, terms, Vec::new(), ends)
    }

    fn dies(attempts: u32) -> JobError {
        JobError::WorkerDied {
            signal: None,
            code: None,
            attempts,
        }
    }

    #[test]
    fn attempts_are_counted_for_each_task() {
        let mut errand = errand(4, 2);
        assert!(!errand.is_suspect());
        // Three are done, or nearly, and not reported.
        errand.died(3, None, dies);
        assert!(errand.is_suspect() && errand.done == 0);
        // What the first goes on to do does not count for those behind it.
        errand.died(1, None, dies);
        errand.died(1, None, dies);
        assert_eq!(errand.done, 1);
        errand.died(1, None, dies);
        assert_eq!(errand.done, 1);
        errand.died(1, None, dies);
        assert_eq!(errand.done, 2);
        errand.advance(1);
        // Nobody has died of the last one.
        assert!(!errand.is_suspect() && errand.done == 3);
        errand.died(1, None, dies);
        errand.died(1, None, dies);
        assert!(!errand.is_done());
        errand.died(1, None, dies);
        assert!(errand.is_done());
        let deliveries = std::mem::take(&mut errand.order.inbox().deliveries);
        let failed: Vec<_> = deliveries
            .into_iter()
            .map(|delivery| {
                (
                    delivery.first,
                    delivery.count,
                    delivery.outcomes.unwrap_err(),
                )
            })
            .collect();
        assert_eq!(failed, [0, 1, 3].map(|task| (task, 1, dies(3))));
    }

    #[test]
    fn a_verdict_is_the_end() {
        let mut errand = errand(2, 5);
        errand.died(2, Some(JobError::Cancelled), dies);
        assert!(errand.is_done());
    }
}
