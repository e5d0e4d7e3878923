//! How a pool is to be.

use std::fmt;
use std::sync::Arc;
use std::thread;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::board::{Board, MOST_SEATS, words};
use super::desk::{Segments, TICKETS};
use super::handle::Pool;
use super::shared::{Hire, Shared};
use super::worker::{Kit, work};
use crate::error::{Error, Result};
use crate::platform::signals;
use crate::{Array, Event, Group, Manager, MessageQueue, process};

/// Bytes of each of the two queues.
const QUEUE: usize = 2 << 20;
/// Threads of the parent that can use the pool at a time, about.
const THREADS: u32 = 120;
/// Bytes that arguments and results too long for the queues can take, unless told otherwise.
const MEMORY: u64 = 1 << 30;

/// How a pool is to be: see [`Pool::builder`].
#[must_use = "it makes no pool until it is built"]
pub struct Builder {
    workers: Option<usize>,
    tasks: Option<u64>,
    memory: u64,
    hire: Hire,
}

impl Builder {
    pub(super) fn new() -> Builder {
        Builder {
            workers: None,
            tasks: None,
            memory: MEMORY,
            hire: Box::new(|kit| process::spawn(work, kit)),
        }
    }

    /// How many workers it has: as many as there are processors this process may use, unless set.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = Some(workers);
        self
    }

    /// Has each worker call `entry` with `arguments` before it does anything else. What it is to keep goes into a `static`.
    ///
    /// A worker that ends meanwhile, by a panic too, is replaced; if that goes on, jobs fail with [`NoWorkers`](super::JobError::NoWorkers), which says what the last one died
    /// of. Handles in the arguments travel to each worker, so they have to be such as can be had more than once.
    pub fn initializer<A, F>(mut self, entry: F, arguments: A) -> Self
    where
        F: Fn(A) + Copy + Send + Sync + 'static,
        A: Serialize + DeserializeOwned + Clone + Send + Sync + 'static,
    {
        self.hire = Box::new(move |kit| {
            let begin = move |(kit, arguments): (Kit, A)| {
                entry(arguments);
                work(kit)
            };
            process::spawn(begin, (kit, arguments.clone()))
        });
        self
    }

    /// After how many tasks each worker is replaced by a new process: never, unless set. For tasks that leave something behind. Those of a chunk are not divided.
    ///
    /// # Panics
    ///
    /// If it is 0.
    pub fn tasks_per_worker(mut self, tasks: u64) -> Self {
        assert!(tasks > 0, "a worker of no tasks");
        self.tasks = Some(tasks);
        self
    }

    /// How many bytes arguments and results can take that are on their way and longer than 256 KiB: 1 GiB unless set, at most 64 GiB. They take memory only while
    /// there are such.
    pub fn memory(mut self, bytes: u64) -> Self {
        self.memory = bytes;
        self
    }

    /// Makes the pool, and starts its workers.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidSize`] for no workers, or more than 8192; [`Error::NotInitialised`] if `main` has not called [`init`](crate::init);
    /// [`Error::OutOfMemory`], [`Error::Os`] if the system refuses; those of [`process::spawn`] for the initializer's arguments.
    pub fn build(self) -> Result<Pool> {
        let workers = match self.workers {
            Some(workers) => workers,
            None => thread::available_parallelism().map_or(1, usize::from),
        };
        if workers == 0 || workers > MOST_SEATS {
            return Err(Error::InvalidSize {
                what: "workers",
                found: workers as u64,
                reason: "give at least 1 and at most 8192",
            });
        }
        let participants = THREADS + 2 * workers as u32;
        let (jobs, results, board, seats, attention) = Group::of((
            MessageQueue::options().memory(QUEUE),
            MessageQueue::options().memory(QUEUE),
            Array::<u64>::options().capacity(words(TICKETS)),
            Array::<u64>::options().capacity(workers),
            Event::options(),
        ))
        .participants(participants)
        .anonymous()?;
        let manager = Manager::options()
            .memory(self.memory)
            .participants(participants)
            .anonymous()?;
        let segments = Segments {
            jobs,
            results,
            board: Board(board),
            seats,
            attention,
            large: manager.dict("large")?,
        };
        let shared = Arc::new(Shared::new(
            Arc::new(segments),
            workers,
            self.hire,
            self.tasks,
        ));
        // From here on dropping the pool ends what was begun.
        let pool = Pool {
            shared: Arc::clone(&shared),
            workers,
        };
        shared.fill()?;
        // No handler runs on it.
        let blocked = signals::block_all();
        let supervisor = thread::Builder::new()
            .name("crossproc-pool".into())
            .spawn(move || shared.supervise());
        drop(blocked);
        supervisor.map_err(Error::os("start a pool's supervisor"))?;
        Ok(pool)
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("workers", &self.workers)
            .field("tasks_per_worker", &self.tasks)
            .field("memory", &self.memory)
            .finish_non_exhaustive()
    }
}
