//! From a kill to the next owner: the time from just before kill(2), for a lock holder whose lock somebody sleeps for,
//! to that one having it. The times are printed; that each is served and told is asserted.
//!
//! `SYNC_KILLS=1000` makes it as many kills, of small processes and of large ones:
//!
//! ```console
//! $ SYNC_KILLS=1000 chrt -f 1 cargo test --release --test sync -- --nocapture kill_to_served
//! ```
#![allow(unsafe_code)] // clock_gettime(2)

use std::hint::black_box;
use std::{env, fs};

use crossproc::{LockError, Mutex};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::children::{Holder, LIMIT, Word, succeeds, until};
use super::forked::fork;
use super::plain::Shared;
use super::support::{Leaks, watchdog};

const GIB: usize = 1 << 30;

/// Nanoseconds on a clock that all processes share.
fn now() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the pointer is to a live value.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    assert_eq!(result, 0);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Keeps the calling process on the first or the second processor, if there are two. A process whose memory is being torn down
/// occupies its processor; whom it wakes there has to wait for the scheduler, which is not what is measured.
fn stay_on(processor: usize) {
    let allowed = sched_getaffinity(None).unwrap();
    let mut usable = (0..CpuSet::MAX_CPU).filter(|number| allowed.is_set(*number));
    if let Some(chosen) = usable.nth(processor) {
        let mut set = CpuSet::new();
        set.set(chosen);
        sched_setaffinity(None, &set).unwrap();
    }
}

/// Kills so many holders of a lock, each with so many bytes resident.
fn kill_to_served(kills: u64, resident: usize) {
    let mutex = Mutex::new(0u64).unwrap();
    let (round, stamp) = (Shared::<Word>::new(), Shared::<Word>::new());
    let mut waiter = fork(|| {
        stay_on(1);
        for n in 1..=kills {
            until(|| round.get() == n);
            match mutex.lock() {
                Err(LockError::OwnerDied(mut guard)) => {
                    stamp.set(now());
                    guard.mark_consistent();
                }
                Err(error) => panic!("{error}"),
                Ok(_) => panic!("not told of the death"),
            };
            until(|| stamp.get() == 0);
        }
    });
    let mut times: Vec<_> = (1..=kills)
        .map(|n| {
            let mut holder = Holder::of(|| {
                stay_on(0);
                (black_box(vec![1u8; resident]), mutex.lock().unwrap())
            });
            round.set(n);
            until(|| waiter.is_asleep());
            let start = now();
            holder.kill();
            until(|| {
                assert_eq!(waiter.try_wait(), None, "the waiter failed");
                stamp.get() != 0
            });
            let time = stamp.get() - start;
            stamp.set(0);
            time
        })
        .collect();
    succeeds(&mut waiter);
    assert_eq!(mutex.repairs(), kills);
    times.sort_unstable();
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize] as f64 / 1e3;
    println!(
        "kill to served, {kills} holders with {} MiB: p50 {:.1} µs, p99 {:.1} µs, max {:.1} µs",
        resident >> 20,
        at(0.5),
        at(0.99),
        at(1.0),
    );
}

/// A gibibyte, unless the machine has not twice that to spare.
fn large() -> usize {
    let memory = fs::read_to_string("/proc/meminfo").unwrap();
    let available = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"));
    let kib = available.and_then(|line| line.split_whitespace().next()?.parse().ok());
    if kib.is_some_and(|kib: usize| kib >> 20 >= 2) {
        GIB
    } else {
        GIB / 4
    }
}

#[test]
fn kill_to_served_by_a_sleeper() {
    let asked = env::var("SYNC_KILLS").map(|kills| kills.parse().expect("a number of kills"));
    let _leaks = Leaks::start();
    let _watchdog = watchdog(if asked.is_ok() { 60 * LIMIT } else { LIMIT });
    crossproc::testing::set_backstop(60 * LIMIT);
    kill_to_served(asked.clone().unwrap_or(50), 0);
    kill_to_served(asked.unwrap_or(3), large());
}
