//! A pool's worker dies between the end of one task and its own, with another task on the way: each has one outcome, and is begun once at most. Or another worker
//! does the other task, and ends, before it dies: that one is done.

use std::sync::OnceLock;
use std::time::Duration;
use std::{process, thread};

use crossproc::pool::{Job, JobError};
use crossproc::{Array, Pool, testing};

use crate::scenario::{Density, Row, Scenario, Verdict};
use crate::trace::{self, Tracee};

pub(crate) fn rows() -> Vec<Row> {
    // Its parent does the pool's work meanwhile, so that it does not always find the same.
    let row = |state, tasks| Row::new("worker", state, move || Worker::new(tasks)).unsteady();
    vec![
        row("from one task's end to its own", TwoTasks::OfOne).density(TASKS),
        row(
            "from a task's end to its own, beside another",
            TwoTasks::OfTwo,
        )
        .density(TASKS),
    ]
}

/// Whose tasks they are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TwoTasks {
    OfOne,
    /// The other ends before the victim dies.
    OfTwo,
}

/// A pool for each point.
const TASKS: Density = Density {
    skip: 0,
    stride: 1,
    every: 10,
    reach: 4_000,
};

const RESULT: u32 = 42;

/// In memory that workers share: how often the second task was begun, and who runs the first.
const BEGUN: usize = 0;
const VICTIM: usize = 1;

/// What a worker has of that memory.
static NOTES: OnceLock<Array<u64>> = OnceLock::new();

fn keep(notes: Array<u64>) {
    let _ = NOTES.set(notes);
}

fn notes() -> &'static Array<u64> {
    NOTES.get().expect("there is an initializer")
}

/// The first task: from here on the worker is taken through its work step by step.
fn stand_still(_: ()) {
    trace::be_traced();
    let own = process::id().into();
    notes().set(VICTIM, own).expect("it is there");
    trace::stop_here();
}

fn task(_: ()) -> u32 {
    notes().fetch_add(BEGUN, 1).expect("it is there");
    RESULT
}

struct Worker {
    tasks: TwoTasks,
    notes: Array<u64>,
    pool: Option<Pool>,
    first: Option<Job<()>>,
    second: Option<Job<u32>>,
}

impl Worker {
    fn new(tasks: TwoTasks) -> Self {
        // The thread that spawns is the one that can trace.
        testing::act_as_keeper();
        Worker {
            tasks,
            notes: Array::new(2).expect("an array"),
            pool: None,
            first: None,
            second: None,
        }
    }
}

impl Scenario for Worker {
    fn renew(&mut self) {
        self.notes = Array::new(2).expect("an array");
        let (workers, tasks) = match self.tasks {
            TwoTasks::OfOne => (1, 2),
            TwoTasks::OfTwo => (2, 1),
        };
        let pool = Pool::builder()
            .workers(workers)
            .tasks_per_worker(tasks)
            .initializer(keep, self.notes.clone());
        self.pool = Some(pool.build().expect("a pool"));
    }

    fn victim(&mut self) -> Option<Tracee> {
        let pool = self.pool.as_ref().expect("renewed");
        self.first = Some(pool.submit(stand_still, ()).expect("taken"));
        let victim = loop {
            match self.notes.get(VICTIM).expect("it is there") {
                0 => thread::yield_now(),
                pid => break Tracee::spawned(pid as u32),
            }
        };
        if self.tasks == TwoTasks::OfOne {
            self.second = Some(pool.submit(task, ()).expect("taken"));
        }
        Some(victim)
    }

    fn act(&mut self) -> u64 {
        unreachable!("the victim is a process of its own")
    }

    fn before_death(&mut self) {
        if self.tasks == TwoTasks::OfOne {
            return;
        }
        let pool = self.pool.as_ref().expect("renewed");
        let mut second = pool.submit(task, ()).expect("taken");
        // Its outcome may lie behind what the victim has begun to send. Until that is known to be dead, nothing is to be said of it.
        let outcome = second.join_timeout(Duration::from_millis(50));
        assert!(matches!(outcome, Ok(None | Some(RESULT))), "{outcome:?}");
        self.second = outcome.is_ok_and(|told| told.is_none()).then_some(second);
    }

    fn verdict(&mut self, _returned: Option<u64>) -> Verdict {
        let first = self.first.take().expect("submitted").join();
        let second = self.second.take().map_or(Ok(RESULT), Job::join);
        let begun = self.notes.get(BEGUN).expect("it is there");
        let died = JobError::WorkerDied {
            signal: Some(libc::SIGKILL),
            code: None,
            attempts: 1,
        };
        match (&first, &second) {
            (Ok(()), Ok(RESULT)) => assert_eq!(begun, 1),
            (Ok(()), Err(error)) if self.tasks == TwoTasks::OfOne => {
                assert!(*error == died && begun <= 1, "{error}, {begun}")
            }
            // The other was run by the one who came after.
            (Err(error), Ok(RESULT)) => assert!(*error == died && begun == 1, "{error}, {begun}"),
            other => panic!("{other:?}"),
        }
        let pool = self.pool.take().expect("renewed");
        let one_died = first.is_err() || second.is_err();
        assert!(pool.deaths() <= 1 && pool.deaths() >= u64::from(one_died));
        assert_eq!(pool.submit(task, ()).expect("taken").join(), Ok(RESULT));
        assert_eq!(self.notes.get(BEGUN), Ok(begun + 1));
        pool.join().expect("it ends");
        Verdict {
            committed: u64::from(first.is_ok()) + u64::from(second.is_ok()),
            repaired: one_died,
            ..Verdict::default()
        }
    }
}
