//! The handle on a pool.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::builder::Builder;
use super::code::Place;
use super::desk::{Desk, Doors};
use super::error::{JobError, TaskError};
use super::job::Job;
use super::shared::Shared;
use super::star::Star;
use super::stream::{Ordered, Unordered};
use super::tasks::Tasks;
use crate::error::{Error, Result};
use crate::wait::Patience;

/// How long a pool that is dropped waits for its workers, which it has killed, to be gone.
const GOODBYE: Duration = Duration::from_secs(1);

/// Worker processes that run functions of this program: see the [module](super).
///
/// It can be used by any number of threads at once. Dropping it [terminates](Pool::terminate) it.
pub struct Pool {
    pub(super) shared: Arc<Shared>,
    pub(super) workers: usize,
}

impl Pool {
    /// A pool of so many workers, which are started at once.
    ///
    /// # Errors
    ///
    /// See [`Builder::build`].
    pub fn new(workers: usize) -> Result<Pool> {
        Pool::builder().workers(workers).build()
    }

    /// A pool to be made: with an initializer, say.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// How many workers it has, or is about to have.
    pub fn workers(&self) -> usize {
        self.workers
    }

    /// The process ids of the workers there are at this moment. In a forked process, where it has none: none.
    pub fn worker_ids(&self) -> Vec<u32> {
        if self.shared.is_forked() {
            return Vec::new(); // Whoever had the lock is not here to give it back.
        }
        let desk = self.shared.desk();
        let workers = desk.seats.iter().filter_map(|seat| seat.worker.as_ref());
        workers.map(|worker| worker.id()).collect()
    }

    /// How many workers have died so far: those that were killed, also by the pool, panicked outside of a task, or exited. In a forked process: 0.
    pub fn deaths(&self) -> u64 {
        if self.shared.is_forked() {
            return 0;
        }
        self.shared.desk().deaths
    }

    /// Tasks that are to be run otherwise than usual: in chunks of a given size, with a time limit, with retries, with a progress callback.
    ///
    /// ```
    /// # use crossproc::Pool;
    /// use std::time::Duration;
    ///
    /// # crossproc::init();
    /// let pool = Pool::new(2)?;
    /// let lengths = pool
    ///     .tasks()
    ///     .timeout(Duration::from_secs(5))
    ///     .retries(2)
    ///     .map(|name: String| name.len(), ["ada".to_owned(), "grace".to_owned()])?;
    /// assert_eq!(lengths, [3, 5]);
    /// # Ok::<(), crossproc::Error>(())
    /// ```
    pub fn tasks(&self) -> Tasks<'_> {
        Tasks::new(self)
    }

    /// Calls `function` with each input, and returns the results in the inputs' order. Blocks until all are there.
    ///
    /// # Errors
    ///
    /// The first task, in the inputs' order, that has no result. Tasks that have not been begun are not run then.
    pub fn map<A, R, F, I>(&self, function: F, inputs: I) -> Result<Vec<R>, TaskError>
    where
        A: Serialize + DeserializeOwned,
        R: Serialize + DeserializeOwned,
        F: Fn(A) -> R + Copy + 'static,
        I: IntoIterator<Item = A>,
    {
        self.tasks().map(function, inputs)
    }

    /// The results of `function` for each input, in the inputs' order, as they come. Each is an error of its own. Inputs are taken as they are needed, a bounded number ahead of the
    /// results that were taken: they may be endless.
    pub fn map_ordered<A, R, F, I>(&self, function: F, inputs: I) -> Ordered<'_, I::IntoIter, R>
    where
        A: Serialize + DeserializeOwned,
        R: Serialize + DeserializeOwned,
        F: Fn(A) -> R + Copy + 'static,
        I: IntoIterator<Item = A>,
    {
        self.tasks().map_ordered(function, inputs)
    }

    /// The same, in the order in which the tasks are done.
    ///
    /// ```
    /// # use crossproc::Pool;
    /// # crossproc::init();
    /// let pool = Pool::new(2)?;
    /// let mut total = 0;
    /// for square in pool.map_unordered(|n: u64| n * n, 0..1000) {
    ///     total += square?;
    /// }
    /// assert_eq!(total, 332_833_500);
    /// # Ok::<(), crossproc::Error>(())
    /// ```
    pub fn map_unordered<A, R, F, I>(&self, function: F, inputs: I) -> Unordered<'_, I::IntoIter, R>
    where
        A: Serialize + DeserializeOwned,
        R: Serialize + DeserializeOwned,
        F: Fn(A) -> R + Copy + 'static,
        I: IntoIterator<Item = A>,
    {
        self.tasks().map_unordered(function, inputs)
    }

    /// [`map`](Pool::map) for functions of several arguments, which are given in tuples.
    ///
    /// ```
    /// # use crossproc::Pool;
    /// # crossproc::init();
    /// let pool = Pool::new(2)?;
    /// let powers = pool.starmap(|base: u64, exponent: u32| base.pow(exponent), [(2, 10), (10, 3)])?;
    /// assert_eq!(powers, [1024, 1000]);
    /// # Ok::<(), crossproc::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`map`](Pool::map).
    pub fn starmap<A, R, F, I>(&self, function: F, inputs: I) -> Result<Vec<R>, TaskError>
    where
        A: Serialize + DeserializeOwned,
        R: Serialize + DeserializeOwned,
        F: Star<A, Output = R>,
        I: IntoIterator<Item = A>,
    {
        self.tasks().starmap(function, inputs)
    }

    /// Has a worker call `function` with `arguments`, and returns at once: the [`Job`] will have the result. Blocks only while a thousand others are on their way.
    ///
    /// ```
    /// # use crossproc::Pool;
    /// # crossproc::init();
    /// let pool = Pool::new(2)?;
    /// let job = pool.submit(|name: String| name.to_uppercase(), "ada".to_owned())?;
    /// assert_eq!(job.join()?, "ADA");
    /// # Ok::<(), crossproc::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Arguments`](JobError::Arguments), [`Closed`](JobError::Closed), [`Terminated`](JobError::Terminated), [`Forked`](JobError::Forked),
    /// [`Fault`](JobError::Fault).
    pub fn submit<A, R, F>(&self, function: F, arguments: A) -> Result<Job<R>, JobError>
    where
        A: Serialize + DeserializeOwned,
        R: Serialize + DeserializeOwned,
        F: Fn(A) -> R + Copy + 'static,
    {
        self.tasks().submit(function, arguments)
    }

    /// The same if there is room for another job. Never blocks.
    ///
    /// # Errors
    ///
    /// [`Full`](JobError::Full), and those of [`submit`](Pool::submit).
    pub fn try_submit<A, R, F>(&self, function: F, arguments: A) -> Result<Job<R>, JobError>
    where
        A: Serialize + DeserializeOwned,
        R: Serialize + DeserializeOwned,
        F: Fn(A) -> R + Copy + 'static,
    {
        self.tasks().try_submit(function, arguments)
    }

    /// Lets no more jobs in. What is there is done; then the workers end.
    pub fn close(&self) {
        self.change(|desk| {
            if desk.doors == Doors::Open {
                desk.doors = Doors::Closed;
            }
        });
    }

    /// Whether it takes no more jobs.
    pub fn is_closed(&self) -> bool {
        self.shared.is_forked() || self.shared.desk().doors != Doors::Open
    }

    /// [Closes](Pool::close) it, and blocks until everything is done and all workers have ended. Results are had from their jobs also afterwards.
    ///
    /// # Errors
    ///
    /// [`Error::Job`] if the pool cannot be used.
    pub fn join(self) -> Result<()> {
        self.close();
        let gone = self.shared.wait(Patience::Forever, Desk::is_over);
        gone.map(drop).map_err(Error::from)
    }

    /// Kills all workers (SIGKILL). Jobs that are not done are [`Terminated`](JobError::Terminated). Does not wait for the workers to be gone.
    pub fn terminate(&self) {
        self.change(Desk::terminate);
    }

    fn change(&self, change: impl FnOnce(&mut Desk)) {
        if self.shared.is_forked() {
            return; // Its workers are its parent's.
        }
        let mut desk = self.shared.desk();
        change(&mut desk);
        let _ = self.shared.segments.attention.set();
        self.shared.nudge(&desk);
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Where the code is that runs this function.
    pub(super) fn place_of<A, R, F>(&self, function: F) -> Result<Place, JobError>
    where
        A: DeserializeOwned,
        R: Serialize,
        F: Fn(A) -> R + Copy + 'static,
    {
        const {
            assert!(
                size_of::<F>() == 0,
                "what a pool's workers run is a `fn` item or a closure that captures nothing"
            );
        }
        let _ = function;
        let place = self.shared.secret.place_of::<A, R, F>();
        place.ok_or_else(|| JobError::Arguments {
            reason: "the function is part of a shared library, not of the program".to_owned(),
        })
    }
}

/// Kills the workers, and waits until they are gone, up to a second: one that the kernel cannot kill at the moment is left to it.
impl Drop for Pool {
    fn drop(&mut self) {
        self.terminate();
        let _ = self.shared.wait(Patience::timeout(GOODBYE), Desk::is_over);
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("workers", &self.workers)
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
