//! Runs rows in processes of their own, notices those that hang, prints the table.
#![allow(unsafe_code)] // prctl(2)

use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

use crossproc::{Queue, testing};

use crate::explore::explore;
use crate::journal::Journal;
use crate::plain::Shared;
use crate::scenario::{Fate, Row};
use crate::support::{Leaks, processes};
use crate::trace::{self, Child, Ending};

/// So long without a step is a hang. A step takes microseconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// The backstop of every sleeper: far beyond that patience.
const NEVER: Duration = Duration::from_secs(3600);

/// Runs all rows, several at a time, and says whether everybody survived.
pub(crate) fn run(rows: &[Row], jobs: usize) -> ExitCode {
    adopt_orphans();
    let begin = Instant::now();
    print_head();
    let (mut failures, mut points, mut steps) = (0, 0, 0);
    let mut waiting = rows.iter();
    let mut running: Vec<Run> = Vec::new();
    loop {
        let idle = jobs.max(1) - running.len();
        running.extend(waiting.by_ref().take(idle).map(Run::start));
        if running.is_empty() {
            break;
        }
        thread::sleep(Duration::from_millis(2));
        running.retain_mut(|run| {
            let Some(survived) = run.outcome() else {
                return true;
            };
            run.print(survived);
            failures += usize::from(!survived);
            points += run.journal.points.load(Relaxed);
            steps += run.journal.steps.load(Relaxed);
            false
        });
    }
    failures += usize::from(someone_is_left());
    println!(
        "\ntest result: {}. {} rows, {failures} failed; {points} points, {steps} instructions, {:.1} s\n",
        if failures == 0 { "ok" } else { "FAILED" },
        rows.len(),
        begin.elapsed().as_secs_f64(),
    );
    ExitCode::from(u8::from(failures > 0))
}

/// A row at work.
struct Run<'a> {
    row: &'a Row,
    journal: Shared<Journal>,
    child: Child,
    begin: Instant,
    /// The journal's ticks, and when they last changed.
    moved: (u64, Instant),
}

impl<'a> Run<'a> {
    fn start(row: &'a Row) -> Self {
        let journal = Shared::<Journal>::new();
        let child = trace::fork(|| work(row, &journal));
        let begin = Instant::now();
        Run {
            row,
            journal,
            child,
            begin,
            moved: (0, begin),
        }
    }

    /// Whether everybody survived, once that is known.
    fn outcome(&mut self) -> Option<bool> {
        if let Some(ending) = self.child.try_wait() {
            return Some(ending == Ending::Exited(0));
        }
        let ticks = self.journal.ticks();
        if ticks != self.moved.0 {
            self.moved = (ticks, Instant::now());
        } else if self.moved.1.elapsed() > PATIENCE {
            eprintln!(
                "HANG in {}, {}; for {PATIENCE:?}:\n{}",
                self.row.name(),
                self.journal.whereabouts(),
                processes::describe_tree(self.child.pid()),
            );
            self.child.kill();
            return Some(false);
        }
        None
    }

    fn print(&self, survived: bool) {
        let journal = &*self.journal;
        let cells = [
            &journal.points,
            &journal.asleep,
            &journal.committed,
            &journal.vanished,
            &journal.repaired,
            &journal.steps,
        ];
        let counts = cells.map(|cell| format!("{:>9}", cell.load(Relaxed)));
        println!(
            "{:<15} {:<42}{} {:>7.1}  {}",
            self.row.operation,
            self.row.state,
            counts.concat(),
            self.begin.elapsed().as_secs_f64(),
            if survived { "ok" } else { "FAILED" },
        );
        if self.row.fate == Fate::KilledDisarmed && survived {
            println!(
                "{:<15} {} of {} points lost the wake-up, as they must",
                "",
                journal.lost_wakes.load(Relaxed),
                journal.points.load(Relaxed),
            );
        }
    }
}

fn print_head() {
    let counts = [
        "survived",
        "asleep",
        "committed",
        "vanished",
        "repaired",
        "steps",
    ];
    let counts = counts.map(|name| format!("{name:>9}"));
    println!(
        "\n{:<15} {:<42}{} {:>7}",
        "operation",
        "state",
        counts.concat(),
        "seconds"
    );
}

/// What the row's own process does.
fn work(row: &Row, journal: &Journal) {
    testing::set_backstop(NEVER);
    testing::trust_membarrier(true);
    // At its first wait the crate learns how many processors there are; a process that is being
    // stepped has one.
    let queue = Queue::<u64>::new(1).expect("a queue");
    let _ = queue.recv_timeout(Duration::from_millis(1));
    drop(queue);

    let explored = panic::catch_unwind(AssertUnwindSafe(|| {
        let _leaks = Leaks::start();
        explore(row, journal);
    }));
    if let Err(panic) = explored {
        // The message has been printed; this says where it came from.
        eprintln!("^ {}: {}", row.name(), journal.whereabouts());
        panic::resume_unwind(panic);
    }
}

/// Processes that rows leave behind become children of this one, so that they are noticed.
fn adopt_orphans() {
    // SAFETY: prctl(2) with these arguments touches no memory.
    unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1) };
}

/// Kills and names the processes that rows left behind.
fn someone_is_left() -> bool {
    // What was killed along with its parent may take a moment to go.
    let deadline = Instant::now() + Duration::from_secs(10);
    let living = || {
        processes::descendants()
            .into_iter()
            .filter(|pid| !processes::is_zombie(*pid))
    };
    while living().next().is_some() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(1));
    }
    let left: String = living().map(processes::describe_tree).collect();
    eprint!("{left}");
    processes::kill_descendants();
    !left.is_empty()
}
