//! A pool's worker dies between the end of one task and its own, with another task on the way: each has one outcome, and is begun once at most.

use std::sync::OnceLock;

use crossproc::pool::{Job, JobError};
use crossproc::{Array, Pool, testing};

use crate::scenario::{Density, Row, Scenario, Verdict};
use crate::trace::{self, Tracee};

pub(crate) fn rows() -> Vec<Row> {
    // Its parent does the pool's work meanwhile, so that it does not always find the same.
    let row = Row::new("worker", "from one task's end to its own", Worker::new).unsteady();
    vec![row.density(TASKS)]
}

/// A pool for each point.
const TASKS: Density = Density {
    skip: 0,
    stride: 1,
    every: 10,
    reach: 4_000,
};

const RESULT: u32 = 42;

/// How often the task was begun, in memory that workers share: what a worker has of it.
static BEGUN: OnceLock<Array<u64>> = OnceLock::new();

fn keep(begun: Array<u64>) {
    let _ = BEGUN.set(begun);
}

/// The first task: from here on the worker is taken through its work step by step.
fn stand_still(_: ()) {
    trace::be_traced();
    trace::stop_here();
}

fn task(_: ()) -> u32 {
    let begun = BEGUN.get().expect("there is an initializer");
    begun.fetch_add(0, 1).expect("it is there");
    RESULT
}

struct Worker {
    begun: Array<u64>,
    pool: Option<Pool>,
    first: Option<Job<()>>,
    second: Option<Job<u32>>,
}

impl Worker {
    fn new() -> Self {
        // The thread that spawns is the one that can trace.
        testing::act_as_keeper();
        Worker {
            begun: Array::new(1).expect("an array"),
            pool: None,
            first: None,
            second: None,
        }
    }
}

impl Scenario for Worker {
    fn renew(&mut self) {
        self.begun = Array::new(1).expect("an array");
        let pool = Pool::builder()
            .workers(1)
            .tasks_per_worker(2)
            .initializer(keep, self.begun.clone());
        self.pool = Some(pool.build().expect("a pool"));
    }

    fn victim(&mut self) -> Option<Tracee> {
        let pool = self.pool.as_ref().expect("renewed");
        let worker = pool.worker_ids()[0];
        self.first = Some(pool.submit(stand_still, ()).expect("taken"));
        let victim = Tracee::spawned(worker);
        self.second = Some(pool.submit(task, ()).expect("taken"));
        Some(victim)
    }

    fn act(&mut self) -> u64 {
        unreachable!("the victim is a process of its own")
    }

    fn verdict(&mut self, _returned: Option<u64>) -> Verdict {
        let first = self.first.take().expect("submitted").join();
        let second = self.second.take().expect("submitted").join();
        let begun = self.begun.get(0).expect("it is there");
        let died = JobError::WorkerDied {
            signal: Some(libc::SIGKILL),
            code: None,
            attempts: 1,
        };
        match (&first, &second) {
            (Ok(()), Ok(RESULT)) => assert_eq!(begun, 1),
            (Ok(()), Err(error)) => assert!(*error == died && begun <= 1, "{error}, {begun}"),
            // The other was run by the one who came after.
            (Err(error), Ok(RESULT)) => assert!(*error == died && begun == 1, "{error}, {begun}"),
            other => panic!("{other:?}"),
        }
        let pool = self.pool.take().expect("renewed");
        let one_died = first.is_err() || second.is_err();
        assert!(pool.deaths() <= 1 && pool.deaths() >= u64::from(one_died));
        assert_eq!(pool.submit(task, ()).expect("taken").join(), Ok(RESULT));
        assert_eq!(self.begun.get(0), Ok(begun + 1));
        pool.join().expect("it ends");
        Verdict {
            committed: u64::from(first.is_ok()) + u64::from(second.is_ok()),
            repaired: one_died,
            ..Verdict::default()
        }
    }
}
