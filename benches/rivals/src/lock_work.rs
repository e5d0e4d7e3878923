//! The workloads about locks and signals.

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use crossproc::{Event, process};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::contest::{Measured, Result};
use crate::locks::{Baton, Counter, Readable};
use crate::place::{Cores, involuntary_switches, pin, unpin};
use crate::stats::median;
use crate::work::for_a_while;

/// Sections between two looks at the clock.
const TOGETHER: u64 = 64;
/// Round trips of a baton, and those before the clock starts.
const ROUNDS: usize = 300;
const UNTIMED: usize = 30;

/// Time per call of one that nobody else gets in the way of.
pub fn alone(core: usize, mut once: impl FnMut()) -> Measured {
    pin(core);
    (0..10_000).for_each(|_| once());
    let mut groups = Vec::new();
    let mut now = Instant::now();
    let switches = for_a_while(core, || {
        (0..TOGETHER).for_each(|_| once());
        let after = Instant::now();
        groups.push((after - now).as_nanos() as f64 / TOGETHER as f64);
        now = after;
    });
    Measured {
        figure: median(&mut groups),
        switches,
    }
}

pub fn lock_alone(cores: Cores, counter: &impl Counter) -> Measured {
    alone(cores.first, || counter.add_one())
}

pub fn read_alone(cores: Cores, value: &impl Readable) -> Measured {
    alone(cores.first, || {
        black_box(value.read_it());
    })
}

/// One side's sections per second while both sides want the lock, how many they were, and its involuntary context switches.
pub type Side = (f64, u64, u64);

pub fn one_side(core: usize, counter: &impl Counter) -> Side {
    let mut sections = 0;
    let start = Instant::now();
    let switches = for_a_while(core, || {
        (0..TOGETHER).for_each(|_| counter.add_one());
        sections += TOGETHER;
    });
    let rate = sections as f64 / start.elapsed().as_secs_f64();
    (rate, sections, switches)
}

/// Time per section, both sides' sections taken together; `value` is what they have come to.
pub fn both_sides(one: Side, other: Side, value: u64) -> Measured {
    assert_eq!(
        value,
        one.1 + other.1,
        "sections that exclude each other lose nothing"
    );
    Measured {
        figure: 1e9 / (one.0 + other.0),
        switches: one.2 + other.2,
    }
}

pub fn contend_threads(cores: Cores, counter: &(impl Counter + Sync)) -> Measured {
    let start = Barrier::new(2);
    unpin(cores);
    let (one, other) = thread::scope(|scope| {
        let other = scope.spawn(|| {
            pin(cores.second);
            start.wait();
            one_side(cores.second, counter)
        });
        pin(cores.first);
        start.wait();
        let one = one_side(cores.first, counter);
        (one, other.join().expect("the partner's thread panicked"))
    });
    both_sides(one, other, counter.value())
}

/// The same with a process, of which `too` runs with its core, its handle and the event to be set when it is ready: [`contend_too`].
pub fn contend_processes<H, F>(
    cores: Cores,
    counter: &impl Counter,
    handle: H,
    too: F,
) -> Result<Measured>
where
    H: Serialize + DeserializeOwned,
    F: Fn((usize, H, Event)) -> Side + Copy + 'static,
{
    let ready = Event::new()?;
    let partner = process::spawn(too, (cores.second, handle, ready.clone()))?;
    pin(cores.first);
    ready.wait()?;
    let one = one_side(cores.first, counter);
    let other = partner.join()?;
    Ok(both_sides(one, other, counter.value()))
}

pub fn contend_too(core: usize, counter: &impl Counter, ready: &Event) -> Side {
    pin(core);
    ready.set().expect("set");
    one_side(core, counter)
}

/// Half the median round trip of a baton that each waits for, blocking.
pub fn pass(core: usize, there: &impl Baton, back: &impl Baton) -> Measured {
    pin(core);
    let before = involuntary_switches();
    let mut trips = Vec::new();
    for round in 0..UNTIMED + ROUNDS {
        let start = Instant::now();
        there.pass();
        back.take();
        if round >= UNTIMED {
            trips.push(start.elapsed().as_nanos() as f64 / 2.0);
        }
    }
    Measured {
        figure: median(&mut trips),
        switches: involuntary_switches() - before,
    }
}

/// The partner of [`pass`]; its involuntary context switches.
pub fn pass_back(core: usize, there: &impl Baton, back: &impl Baton) -> u64 {
    pin(core);
    let before = involuntary_switches();
    for _ in 0..UNTIMED + ROUNDS {
        there.take();
        back.pass();
    }
    involuntary_switches() - before
}
