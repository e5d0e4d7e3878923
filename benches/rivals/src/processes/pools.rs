//! Workers that are kept, and tasks for them: two workers everywhere, one for each core.

use std::rc::Rc;
use std::time::Instant;

use crossproc::Pool;
use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::contest::{Contest, Measured, Rate, Result};
use crate::place::{Cores, unpin};
use crate::python::Python;
use crate::stats::median;

const WORKERS: usize = 2;
/// Tasks of a map.
const MANY: u64 = 1_000_000;
/// Tasks of a map for those to whom so many would take minutes: procspawn here, and others in `python.py`.
const FEW: u64 = 10_000;
/// procspawn's that are under way at a time: each takes some descriptors.
const AT_ONCE: usize = 100;
/// One after the other, for one sample.
const ROUND_TRIPS: usize = 200;

/// Kept for all samples, as their workers are.
#[derive(Clone)]
pub struct Pools {
    crossproc: Rc<Pool>,
    procspawn: Rc<procspawn::Pool>,
    rayon: Rc<ThreadPool>,
    python: Option<Rc<Python>>,
}

impl Pools {
    pub fn start(python: Option<Rc<Python>>) -> Result<Pools> {
        let rayon = ThreadPoolBuilder::new().num_threads(WORKERS).build()?;
        Ok(Pools {
            crossproc: Rc::new(Pool::new(WORKERS)?),
            procspawn: Rc::new(procspawn::Pool::new(WORKERS)?),
            rayon: Rc::new(rayon),
            python,
        })
    }
}

/// What there is to do, the same in every language. Whoever runs it in another process wants it as a type, or as a pointer.
pub struct Work<F> {
    /// As Python knows it.
    name: &'static str,
    what: &'static str,
    task: F,
    pointer: fn(u64) -> u64,
}

impl<F: Fn(u64) -> u64 + Copy> Work<F> {
    fn is_right(&self, results: &[u64]) -> bool {
        let expected = (0..).map(self.task).take(results.len());
        results.iter().copied().eq(expected)
    }
}

/// Nothing but overhead.
pub fn square() -> Work<impl Fn(u64) -> u64 + Copy + Send + Sync + 'static> {
    fn square(n: u64) -> u64 {
        n * n
    }
    Work {
        name: "square",
        what: "squares of numbers",
        task: square,
        pointer: square,
    }
}

/// Some hundred nanoseconds.
pub fn collatz() -> Work<impl Fn(u64) -> u64 + Copy + Send + Sync + 'static> {
    fn collatz(n: u64) -> u64 {
        let (mut n, mut steps) = (n % FEW + 1, 0);
        while n != 1 {
            n = match n % 2 {
                0 => n / 2,
                _ => 3 * n + 1,
            };
            steps += 1;
        }
        steps
    }
    Work {
        name: "collatz",
        what: "Collatz steps of numbers",
        task: collatz,
        pointer: collatz,
    }
}

/// A map, in chunks of one task, or as each one sees fit.
pub fn map<F>(pools: &Pools, work: Work<F>, one_by_one: bool) -> Contest
where
    F: Fn(u64) -> u64 + Copy + Send + Sync + 'static,
{
    let work = Rc::new(work);
    let (name, how) = match one_by_one {
        true => ("MapOneByOne", "one by one"),
        false => ("Map", "in chunks as each one sees fit"),
    };
    let mut contest = Contest::new(
        name,
        format!("{} by two workers, {how}: time per task", work.what),
    )
    .compared_with("crossproc")
    .rate(Rate::millions("M/s"));
    let (pool, same) = (pools.crossproc.clone(), work.clone());
    contest = contest.with("crossproc::Pool", "processes", move |cores| {
        sample(cores, &same, || {
            let tasks = pool.tasks();
            let tasks = match one_by_one {
                true => tasks.chunk_size(1),
                false => tasks,
            };
            Ok(tasks.map(same.task, 0..MANY)?)
        })
    });
    let (pool, same) = (pools.rayon.clone(), work.clone());
    contest = contest.with("rayon", "threads", move |cores| {
        sample(cores, &same, || {
            let numbers = (0..MANY as usize).into_par_iter();
            let at_once = match one_by_one {
                true => 1,
                false => usize::MAX,
            };
            let numbers = numbers.with_max_len(at_once);
            let task = same.task;
            Ok(pool.install(|| numbers.map(|n| task(n as u64)).collect()))
        })
    });
    if one_by_one {
        let (pool, same) = (pools.procspawn.clone(), work.clone());
        contest = contest.with("procspawn::Pool", "processes", move |cores| {
            sample(cores, &same, || {
                let mut results = Vec::new();
                for from in (0..FEW).step_by(AT_ONCE) {
                    let numbers = from..from + AT_ONCE as u64;
                    let jobs: Vec<_> = numbers.map(|n| pool.spawn(n, same.pointer)).collect();
                    for job in jobs {
                        results.push(job.join()?);
                    }
                }
                Ok(results)
            })
        });
    }
    let how = match one_by_one {
        true => "one",
        false => "map",
    };
    with_python(contest, pools, how, work.name)
}

/// A task given to a pool whose workers have nothing to do, and its result.
pub fn round_trip<F>(pools: &Pools, work: Work<F>) -> Contest
where
    F: Fn(u64) -> u64 + Copy + Send + Sync + 'static,
{
    let work = Rc::new(work);
    let title = "one task given to a pool that has nothing else to do, and its result: median";
    let mut contest = Contest::new("RoundTrip", title).compared_with("crossproc");
    let (pool, task) = (pools.crossproc.clone(), work.task);
    contest = contest.with("crossproc::Pool", "processes", move |cores| {
        there_and_back(cores, task, |n| Ok(pool.submit(task, n)?.join()?))
    });
    let pool = pools.rayon.clone();
    contest = contest.with("rayon", "threads", move |cores| {
        there_and_back(cores, task, |n| Ok(pool.install(|| task(n))))
    });
    let (pool, pointer) = (pools.procspawn.clone(), work.pointer);
    contest = contest.with("procspawn::Pool", "processes", move |cores| {
        there_and_back(cores, task, |n| Ok(pool.spawn(n, pointer).join()?))
    });
    with_python(contest, pools, "apply", work.name)
}

fn with_python(contest: Contest, pools: &Pools, how: &'static str, work: &'static str) -> Contest {
    let Some(python) = &pools.python else {
        return contest;
    };
    let ask = |method: &'static str| {
        let python = python.clone();
        move |_| Ok(python.ask(&format!("{how} {method} {work}"))?)
    };
    contest
        .with("Python's Pool, fork", "processes", ask("fork"))
        .with("Python's Pool, spawn", "processes", ask("spawn"))
}

/// Time per task. They sleep for each other, so it does not matter who else runs meanwhile.
fn sample<F: Fn(u64) -> u64 + Copy>(
    cores: Cores,
    work: &Work<F>,
    map: impl FnOnce() -> Result<Vec<u64>>,
) -> Result<Measured> {
    unpin(cores);
    let start = Instant::now();
    let results = map()?;
    let took = start.elapsed();
    if !work.is_right(&results) {
        return Err("a wrong result".into());
    }
    Ok(Measured {
        figure: took.as_nanos() as f64 / results.len() as f64,
        switches: 0,
    })
}

fn there_and_back(
    cores: Cores,
    task: impl Fn(u64) -> u64,
    run: impl Fn(u64) -> Result<u64>,
) -> Result<Measured> {
    unpin(cores);
    let mut times = Vec::with_capacity(ROUND_TRIPS);
    for n in 0..ROUND_TRIPS as u64 {
        let start = Instant::now();
        let result = run(n)?;
        times.push(start.elapsed().as_nanos() as f64);
        if result != task(n) {
            return Err("a wrong result".into());
        }
    }
    Ok(Measured {
        figure: median(&mut times),
        switches: 0,
    })
}
