//! How tasks are to be run, and running them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Pool;
use super::code::Place;
use super::error::{JobError, TaskError};
use super::job::Job;
use super::order::{Errand, Order, Terms};
use super::star::Star;
use super::stream::{OnProgress, Ordered, Plan, Stream, Unordered};
use crate::object;
use crate::wait::Patience;

/// How far a map has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Tasks that are done, whatever their outcome.
    pub done: usize,
    /// All of them, if the inputs say how many they are.
    pub total: Option<usize>,
}

/// How tasks are to be run, where it is not as usual: see [`Pool::tasks`].
#[must_use = "it does nothing until it is given a function and inputs"]
pub struct Tasks<'p> {
    pool: &'p Pool,
    terms: Terms,
    chunk: Option<usize>,
    on_progress: Option<OnProgress<'p>>,
}

impl<'p> Tasks<'p> {
    pub(super) fn new(pool: &'p Pool) -> Tasks<'p> {
        Tasks {
            pool,
            terms: Terms::default(),
            chunk: None,
            on_progress: None,
        }
    }

    /// How many tasks of a map a worker is given at a time. Unless set, the time they take decides: so many that a chunk takes about half a millisecond, and the workers are done at
    /// about the same time.
    ///
    /// # Panics
    ///
    /// If it is 0.
    pub fn chunk_size(mut self, tasks: usize) -> Self {
        assert!(tasks > 0, "a chunk of no tasks");
        self.chunk = Some(tasks);
        self
    }

    /// How long each task may run, in whole milliseconds. The worker of one that runs for longer is killed (SIGKILL) and replaced; the task is
    /// [`TimedOut`](JobError::TimedOut). The time a task waits for a worker does not count. Workers are given such tasks one at a time, whatever the chunk size, so that
    /// no other dies along.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.terms.timeout = Some(timeout);
        self
    }

    /// How often a task is run again whose worker died while it ran. Unless set, never: it may have done some of what it does. One that kills its worker each
    /// time is [`WorkerDied`](JobError::WorkerDied) in the end. Tasks that panic or take too long are not run again.
    pub fn retries(mut self, retries: u32) -> Self {
        self.terms.retries = retries;
        self
    }

    /// Has `f` called with the progress of a map as results come in, on the thread that takes them.
    pub fn progress(mut self, f: impl FnMut(Progress) + 'p) -> Self {
        self.on_progress = Some(Box::new(f));
        self
    }

    /// As [`Pool::map`].
    ///
    /// # Errors
    ///
    /// As for [`Pool::map`].
    pub fn map<A, R, F, I>(self, function: F, inputs: I) -> Result<Vec<R>, TaskError>
    where
        A: Serialize + DeserializeOwned,
        R: Serialize + DeserializeOwned,
        F: Fn(A) -> R + Copy + 'static,
        I: IntoIterator<Item = A>,
    {
        self.map_ordered(function, inputs).collect()
    }

    /// As [`Pool::map_ordered`].
    pub fn map_ordered<A, R, F, I>(self, function: F, inputs: I) -> Ordered<'p, I::IntoIter, R>
    where
        A: Serialize + DeserializeOwned,
        R: Serialize + DeserializeOwned,
        F: Fn(A) -> R + Copy + 'static,
        I: IntoIterator<Item = A>,
    {
        self.stream(function, inputs.into_iter(), true)
            .into_ordered()
    }

    /// As [`Pool::map_unordered`].
    pub fn map_unordered<A, R, F, I>(self, function: F, inputs: I) -> Unordered<'p, I::IntoIter, R>
    where
        A: Serialize + DeserializeOwned,
        R: Serialize + DeserializeOwned,
        F: Fn(A) -> R + Copy + 'static,
        I: IntoIterator<Item = A>,
    {
        self.stream(function, inputs.into_iter(), false)
            .into_unordered()
    }

    /// As [`Pool::starmap`].
    ///
    /// # Errors
    ///
    /// As for [`Pool::map`].
    pub fn starmap<A, R, F, I>(self, function: F, inputs: I) -> Result<Vec<R>, TaskError>
    where
        A: Serialize + DeserializeOwned,
        R: Serialize + DeserializeOwned,
        F: Star<A, Output = R>,
        I: IntoIterator<Item = A>,
    {
        self.map(move |inputs| function.call(inputs), inputs)
    }

    fn stream<A, R, F, I>(self, function: F, inputs: I, is_ordered: bool) -> Stream<'p, I, R>
    where
        A: Serialize + DeserializeOwned,
        R: Serialize + DeserializeOwned,
        F: Fn(A) -> R + Copy + 'static,
        I: Iterator<Item = A>,
    {
        let plan = Plan {
            shared: self.pool.shared(),
            place: self.pool.place_of(function),
            terms: self.terms,
            workers: self.pool.workers(),
            chunk: self.chunk,
            on_progress: self.on_progress,
            is_ordered,
        };
        Stream::new(plan, inputs)
    }

    /// As [`Pool::submit`].
    ///
    /// # Errors
    ///
    /// As for [`Pool::submit`].
    pub fn submit<A, R, F>(self, function: F, arguments: A) -> Result<Job<R>, JobError>
    where
        A: Serialize + DeserializeOwned,
        R: Serialize + DeserializeOwned,
        F: Fn(A) -> R + Copy + 'static,
    {
        self.submit_within(function, &arguments, Patience::Forever)
    }

    /// As [`Pool::try_submit`].
    ///
    /// # Errors
    ///
    /// As for [`Pool::try_submit`].
    pub fn try_submit<A, R, F>(self, function: F, arguments: A) -> Result<Job<R>, JobError>
    where
        A: Serialize + DeserializeOwned,
        R: Serialize + DeserializeOwned,
        F: Fn(A) -> R + Copy + 'static,
    {
        self.submit_within(function, &arguments, Patience::None)
    }

    fn submit_within<A, R, F>(
        self,
        function: F,
        value: &A,
        patience: Patience,
    ) -> Result<Job<R>, JobError>
    where
        A: Serialize + DeserializeOwned,
        R: Serialize + DeserializeOwned,
        F: Fn(A) -> R + Copy + 'static,
    {
        let place: Place = self.pool.place_of(function)?;
        let mut arguments = Vec::new();
        object::append(value, &mut arguments).map_err(|error| JobError::Arguments {
            reason: error.to_string(),
        })?;
        let order = Order::default();
        let ends = vec![arguments.len() as u32];
        let errand = Errand::new(order.clone(), 0, place, self.terms, arguments, ends);
        self.pool.shared().submit([errand], patience)?;
        Ok(Job::new(Arc::clone(self.pool.shared()), order))
    }
}

impl fmt::Debug for Tasks<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tasks")
            .field("terms", &self.terms)
            .field("chunk", &self.chunk)
            .finish_non_exhaustive()
    }
}
