//! The hardware's limit: one cache line that goes from core to core and back.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use crossbeam_utils::CachePadded;

use crate::place::{Cores, pin, unpin};
use crate::stats::median;

/// Round trips timed together, so that reading the clock does not count.
const TOGETHER: u64 = 16;
const GROUPS: usize = 300;
const UNTIMED: usize = 50;

/// Median one-way time in ns: half a round trip of two words, each on a line of its own. Two pinned threads; to the hardware two
/// processes are the same.
pub fn one_way(cores: Cores) -> f64 {
    let (there, back) = (line(), line());
    let last = TOGETHER * (UNTIMED + GROUPS) as u64;
    unpin(cores);
    thread::scope(|scope| {
        scope.spawn(|| {
            pin(cores.second);
            for n in 1..=last {
                await_value(&there, n);
                back.store(n, Ordering::Release);
            }
        });
        pin(cores.first);
        let mut n = 0;
        let mut groups = Vec::with_capacity(GROUPS);
        for group in 0..UNTIMED + GROUPS {
            let start = Instant::now();
            for _ in 0..TOGETHER {
                n += 1;
                there.store(n, Ordering::Release);
                await_value(&back, n);
            }
            if group >= UNTIMED {
                groups.push(start.elapsed().as_nanos() as f64 / (2 * TOGETHER) as f64);
            }
        }
        median(&mut groups)
    })
}

fn line() -> CachePadded<AtomicU64> {
    CachePadded::new(AtomicU64::new(0))
}

fn await_value(line: &AtomicU64, value: u64) {
    while line.load(Ordering::Acquire) != value {
        spin_loop();
    }
}
