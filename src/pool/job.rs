//! One task, submitted on its own.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;

use super::error::JobError;
use super::order::Order;
use super::shared::Shared;
use super::stream::unpack;
use crate::wait::Patience;

/// A task submitted to a pool, and the result it will have: see [`Pool::submit`](super::Pool::submit).
///
/// Dropping it leaves the task to itself, and its result is dropped. It can be joined by any thread, also when the pool has been dropped: it is
/// [`Terminated`](JobError::Terminated) then, unless it was done before.
pub struct Job<R> {
    shared: Arc<Shared>,
    order: Order,
    outcome: Option<Result<Vec<u8>, JobError>>,
    result: PhantomData<fn() -> R>,
}

impl<R: DeserializeOwned> Job<R> {
    pub(super) fn new(shared: Arc<Shared>, order: Order) -> Job<R> {
        Job {
            shared,
            order,
            outcome: None,
            result: PhantomData,
        }
    }

    /// Blocks until the job is done; its result.
    ///
    /// # Errors
    ///
    /// [`JobError`] says why it has none.
    pub fn join(mut self) -> Result<R, JobError> {
        let result = self.result_within(Patience::Forever)?;
        Ok(result.expect("without a deadline it waits"))
    }

    /// The job's result if it is done, `None` if it is not. Never blocks. A result can be asked for again.
    ///
    /// # Errors
    ///
    /// As for [`join`](Job::join).
    pub fn try_join(&mut self) -> Result<Option<R>, JobError> {
        self.result_within(Patience::None)
    }

    /// Blocks until the job is done, up to `timeout`; then `None`, and the job goes on. A result can be asked for again.
    ///
    /// # Errors
    ///
    /// As for [`join`](Job::join).
    pub fn join_timeout(&mut self, timeout: Duration) -> Result<Option<R>, JobError> {
        self.result_within(Patience::timeout(timeout))
    }

    /// Blocks until the job is done, until `deadline` at most; then `None`, and the job goes on. A result can be asked for again.
    ///
    /// # Errors
    ///
    /// As for [`join`](Job::join).
    pub fn join_deadline(&mut self, deadline: Instant) -> Result<Option<R>, JobError> {
        self.result_within(Patience::Until(deadline))
    }

    fn result_within(&mut self, patience: Patience) -> Result<Option<R>, JobError> {
        if self.outcome.is_none() {
            let order = &self.order;
            let delivery = self
                .shared
                .wait(patience, |_| order.inbox().deliveries.pop_front())?;
            self.outcome = delivery.map(|delivery| delivery.outcomes.map(|found| found.bytes));
        }
        match &self.outcome {
            None => Ok(None),
            Some(Ok(bytes)) => unpack(bytes)?.0.map(Some),
            Some(Err(error)) => Err(error.clone()),
        }
    }
}

impl<R> Job<R> {
    /// Has the job not run: if it has not been begun it never will, and if it is running its worker is killed, and replaced. Joining it then says
    /// [`Cancelled`](JobError::Cancelled). Does nothing if it is done. Never blocks.
    pub fn cancel(&self) {
        if self.shared.is_forked() {
            return;
        }
        let mut desk = self.shared.desk();
        desk.cancel(&self.order, true);
        self.shared.nudge(&desk);
    }

    /// Whether joining would not block.
    pub fn is_done(&self) -> bool {
        if self.outcome.is_some() || self.shared.is_forked() {
            return true;
        }
        // Results are received by those who wait, and nobody may be waiting.
        let looked = self.shared.wait(Patience::None, |_| {
            (!self.order.inbox().deliveries.is_empty()).then_some(())
        });
        !matches!(looked, Ok(None))
    }
}

impl<R> Drop for Job<R> {
    fn drop(&mut self) {
        if self.shared.is_forked() {
            return; // Whoever had the lock is not here to give it back.
        }
        let mut inbox = self.order.inbox();
        inbox.abandoned = true;
        inbox.deliveries.clear();
    }
}

impl<R> fmt::Debug for Job<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").finish_non_exhaustive()
    }
}
