//! A test that hangs fails loudly, and takes its children with it.

use std::io::Write;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{io, process};

use super::{leaks, processes};

/// Keeps the watchdog quiet when dropped in time.
pub(crate) struct Guard {
    watch: Option<(Sender<()>, JoinHandle<()>)>,
}

/// Unless the guard is dropped within `limit`: prints which test hung and what every thread of this
/// process and of its descendants waits for, kills the descendants, removes the segments that
/// [`unique_name`](super::unique_name) named, and aborts.
///
/// The test's name is the calling thread's, which is how the test harness names its threads.
#[must_use = "the watchdog is called off when its guard is dropped"]
pub(crate) fn watchdog(limit: Duration) -> Guard {
    let test = thread::current()
        .name()
        .unwrap_or("unnamed thread")
        .to_owned();
    let (all_is_well, silence) = channel();
    let thread = thread::Builder::new()
        .name("watchdog".into())
        .spawn(move || {
            if silence.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                bark(&test, limit);
            }
        })
        .expect("a thread for the watchdog");
    Guard {
        watch: Some((all_is_well, thread)),
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some((all_is_well, thread)) = self.watch.take() {
            drop(all_is_well);
            let _ = thread.join();
        }
    }
}

fn bark(test: &str, limit: Duration) -> ! {
    let mut report = format!("\nWATCHDOG: {test} still hangs after {limit:?}\n");
    report += &processes::describe_tree(process::id());
    // Not eprintln!: the test harness would capture it, and lose it in the abort.
    let _ = io::stderr().write_all(report.as_bytes());
    processes::kill_descendants();
    leaks::remove_own_segments();
    process::abort()
}
