//! Children that hold something, and children that wait for it.
#![allow(unsafe_code)] // kill(2), words in shared memory

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::forked::{Child, Ending, fork};
use super::plain::{Shared, Zeroed};

/// Longer than any test takes on a machine busy with other things.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// What every test begins with: nothing hangs, nothing stays behind, and only a wake wakes.
macro_rules! guarded {
    () => {
        let _leaks = crate::support::Leaks::start();
        let _watchdog = crate::support::watchdog(crate::children::LIMIT);
        crossproc::testing::set_backstop(std::time::Duration::from_secs(3600));
    };
}

/// A number in memory that forked children share.
#[derive(Default)]
pub(crate) struct Word(AtomicU64);

// SAFETY: one atomic, for which zero is a value.
unsafe impl Zeroed for Word {}

impl Word {
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    pub(crate) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Release);
    }
}

/// Waits for what will come to pass; the watchdog sees to it that it does.
pub(crate) fn until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        thread::sleep(Duration::from_micros(100));
    }
}

const HAS_IT: u64 = 1;
const IS_TO_LET_GO: u64 = 2;

/// A child that has something.
pub(crate) struct Holder {
    child: Child,
    word: Shared<Word>,
}

impl Holder {
    /// Forks a child; returns when it has what `acquire` gives, which it keeps until it is killed or told to let go.
    pub(crate) fn of<H>(acquire: impl FnOnce() -> H) -> Holder {
        Holder::with(acquire, drop)
    }

    /// The same of one that lets go by `release`.
    pub(crate) fn with<H>(acquire: impl FnOnce() -> H, release: impl FnOnce(H)) -> Holder {
        let word = Shared::<Word>::new();
        let child = fork(|| {
            let held = acquire();
            word.set(HAS_IT);
            until(|| word.get() == IS_TO_LET_GO);
            release(held);
        });
        let mut holder = Holder { child, word };
        until(|| {
            let ended = holder.child.try_wait();
            assert_eq!(ended, None, "the child ended before it had anything");
            holder.word.get() == HAS_IT
        });
        holder
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.pid()
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill();
    }

    /// Stops it; returns when it has stopped.
    pub(crate) fn stop(&self) {
        self.signal(libc::SIGSTOP);
        let stat = format!("/proc/{}/stat", self.pid());
        until(|| fs::read_to_string(&stat).unwrap().contains(") T "));
    }

    pub(crate) fn go_on(&self) {
        self.signal(libc::SIGCONT);
    }

    fn signal(&self, signal: libc::c_int) {
        // SAFETY: kill(2) touches no memory; the process is a child not reaped yet.
        assert_eq!(unsafe { libc::kill(self.child.pid, signal) }, 0);
    }

    /// Has it let go, and end.
    pub(crate) fn let_go(mut self) {
        self.word.set(IS_TO_LET_GO);
        succeeds(&mut self.child);
    }
}

/// Forks a child that runs `body`; returns when it sleeps there, where others can wake it.
pub(crate) fn asleep(body: impl FnOnce()) -> Child {
    let mut child = fork(body);
    sleeps(&mut child);
    child
}

/// Whatever wakes the child, it has not been served: it falls asleep again.
#[track_caller]
pub(crate) fn sleeps(child: &mut Child) {
    until(|| {
        assert_eq!(child.try_wait(), None, "the child has ended");
        child.is_asleep()
    });
}

/// The child ends, and nothing in it has panicked.
#[track_caller]
pub(crate) fn succeeds(child: &mut Child) {
    assert_eq!(child.wait(), Ending::Exited(0));
}

/// Kills who has something while somebody sleeps for it; the sleeper is served, which its body sees to. How long after.
pub(crate) fn killed_while_another_sleeps<H>(has: impl FnOnce() -> H, wants: impl FnOnce()) {
    let mut holder = Holder::of(has);
    let mut waiter = asleep(wants);
    let start = Instant::now();
    holder.kill();
    succeeds(&mut waiter);
    println!("served, and ended: {:?} after the kill", start.elapsed());
}
