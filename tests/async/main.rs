//! Queues, rings and the rest in asynchronous programs. The backstop is an hour away here, so a wake that gets lost is a hang.

#[path = "../support/asleep.rs"]
mod asleep;
#[path = "../sync/children.rs"]
#[macro_use]
mod children;
#[path = "../support/forked.rs"]
mod forked;
#[path = "../support/plain.rs"]
mod plain;
#[path = "../support/mod.rs"]
mod support;

mod cancelling;
mod crowd;
mod deaths;
mod exchange;

use std::fs;
use std::future::Future;

use tokio::runtime::{Builder, Runtime};

// These are shared with another test; naming what is not needed here keeps the compiler from calling it dead.
const _: () = {
    let _ = (children::Holder::stop, children::Holder::go_on);
    let _ = (children::Holder::pid, children::Holder::let_go);
    let _ = || children::killed_while_another_sleeps(|| (), || ());
};

/// An executor of one thread, and one of two.
fn executors() -> [Runtime; 2] {
    let several = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build();
    [one_thread(), several.unwrap()]
}

fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

/// Runs the same on each of the executors.
fn on_each<F: Future<Output = ()>>(test: impl Fn() -> F) {
    for executor in executors() {
        executor.block_on(test());
    }
}

/// The threads that sleep on others' behalf.
fn servers() -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap().flatten();
    let name = |task: fs::DirEntry| fs::read_to_string(task.path().join("comm"));
    tasks
        .filter_map(|task| name(task).ok())
        .filter(|name| name == "crossproc-wait\n")
        .count()
}
