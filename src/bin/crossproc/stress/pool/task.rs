//! A task, and what a worker makes of it.

use super::marks::{Mark, Marks, Name};
use crate::stress::burst::BACKSTOP;
use crate::stress::random::{Random, mix};
use crate::stress::sync::floor::{Address, Floor};
use rustix::process::{Signal, getpid, kill_process};
use serde::{Deserialize, Serialize};
use std::panic::resume_unwind;
use std::sync::OnceLock;
use std::thread;

/// What it panics with.
pub(super) const PANIC: &str = "on purpose";
/// What it exits with.
pub(super) const EXIT: i32 = 3;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Task {
    pub(super) name: Name,
    pub(super) deed: Deed,
    pub(super) words: Vec<u64>,
}

/// What it does, besides telling that it does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Deed {
    Return,
    Panic,
    /// It is killed, with its worker.
    Die,
    /// It ends its worker.
    Exit,
    /// For longer than it is allowed to run.
    Stay,
    // Faults.
    /// It is not done, and returns.
    Shirk,
    /// It is begun twice.
    Repeat,
}

impl Task {
    pub(super) fn new(name: Name, deed: Deed) -> Task {
        Task {
            name,
            deed,
            words: words(name.bits()),
        }
    }

    pub(super) fn returns(&self) -> bool {
        matches!(self.deed, Deed::Return | Deed::Shirk | Deed::Repeat)
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Reply {
    pub(super) name: Name,
    words: Vec<u64>,
}

impl Reply {
    pub(super) fn is_sound(&self) -> bool {
        self.words == words(!self.name.bits())
    }

    pub(super) fn damage(&mut self) {
        self.words.push(0);
    }
}

/// Words that nobody comes by otherwise, a few as a rule; sometimes they are too long for a pool's queues.
fn words(key: u64) -> Vec<u64> {
    let len = match mix(key) % 512 {
        0 => 40_000,
        n => n % 24,
    };
    let mut random = Random::new(key);
    (0..len).map(|_| random.next()).collect()
}

/// Where the worker leaves its marks.
static PLACE: OnceLock<(Floor, usize)> = OnceLock::new();

/// What each worker begins with.
pub(super) fn begin((floor, desk): (Address, usize)) {
    crossproc::testing::set_backstop(BACKSTOP);
    let floor = Floor::attach(floor).expect("the run keeps the floor open");
    PLACE.set((floor, desk)).expect("a worker begins once");
}

pub(super) fn run(task: Task) -> Reply {
    let (floor, desk) = PLACE.get().expect("the worker has begun");
    let marks = Marks::of(floor, *desk);
    let name = task.name;
    marks.mark(name, Mark::Begun);
    match task.deed {
        Deed::Return | Deed::Shirk => {}
        // Says nothing on standard error, as a panic would.
        Deed::Panic => resume_unwind(Box::new(PANIC)),
        Deed::Die => kill_process(getpid(), Signal::KILL).expect("it may"),
        Deed::Exit => std::process::exit(EXIT),
        Deed::Stay => thread::sleep(BACKSTOP),
        Deed::Repeat => marks.mark(name, Mark::Begun),
    }
    let key = if task.words == words(name.bits()) {
        !name.bits()
    } else {
        0
    };
    let reply = Reply {
        name,
        words: words(key),
    };
    if task.deed != Deed::Shirk {
        marks.mark(name, Mark::Done);
    }
    reply
}
