//! The three workloads. Of each, one half runs here and the other half at the partner: a process or a thread.
//!
//! Nothing blocks: who finds nothing executes one `pause` and looks again. Every number is made up by the one side
//! and checked by the other.

use std::hint::{black_box, spin_loop};
use std::time::{Duration, Instant};

use crate::channel::{Receiver, Sender, SliceReceiver, SliceSender};
use crate::contest::Measured;
use crate::place::{involuntary_switches, pin};
use crate::stats::median;

/// Elements that fit in.
pub const CAPACITY: usize = 1024;
/// Elements of a slice.
const SLICE: usize = 64;
/// How long a sample takes: short enough to be left alone most of the time.
const SAMPLE: Duration = Duration::from_millis(5);
/// Messages before the clock starts.
const UNTIMED: u64 = 20_000;
/// Round trips before the clock starts.
const UNTIMED_ROUNDS: u64 = 2_000;
/// The last number.
const STOP: u64 = u64::MAX;
/// Round trips timed together, so that reading the clock does not count.
const TOGETHER: u64 = 16;

fn send(to: &mut impl Sender, value: u64) {
    while !to.try_send(value) {
        spin_loop();
    }
}

fn receive(from: &mut impl Receiver) -> u64 {
    loop {
        if let Some(value) = from.try_recv() {
            return value;
        }
        spin_loop();
    }
}

/// Half the median round trip of one number.
pub fn ping(core: usize, to: &mut impl Sender, from: &mut impl Receiver) -> Measured {
    pin(core);
    let mut n = 0;
    let mut round = || {
        n += 1;
        send(to, n);
        assert_eq!(receive(from), n);
    };
    (0..UNTIMED_ROUNDS).for_each(|_| round());
    let before = involuntary_switches();
    let mut groups = Vec::new();
    let start = Instant::now();
    let mut now = start;
    while now - start < SAMPLE {
        (0..TOGETHER).for_each(|_| round());
        let after = Instant::now();
        groups.push((after - now).as_nanos() as f64 / (2 * TOGETHER) as f64);
        now = after;
    }
    send(to, STOP);
    Measured {
        figure: median(&mut groups),
        switches: involuntary_switches() - before,
    }
}

/// The partner of [`ping`]. Its involuntary context switches, as for all partners.
pub fn pong<R: Receiver, S: Sender>((core, mut from, mut to): (usize, R, S)) -> u64 {
    pin(core);
    let first = receive(&mut from);
    let before = involuntary_switches();
    send(&mut to, first);
    loop {
        match receive(&mut from) {
            STOP => return involuntary_switches() - before,
            n => send(&mut to, n),
        }
    }
}

/// Time per number, sent one by one.
pub fn consume(core: usize, from: &mut impl Receiver) -> Measured {
    let mut next = 0;
    timed(core, |_| match receive(from) {
        STOP => None,
        n => {
            assert_eq!(n, next);
            next += 1;
            Some(1)
        }
    })
}

/// The partner of [`consume`].
pub fn produce<S: Sender>((core, mut to): (usize, S)) -> u64 {
    let mut next = 0;
    let switches = for_a_while(core, || {
        for _ in 0..SLICE {
            send(&mut to, next);
            next += 1;
        }
    });
    send(&mut to, STOP);
    switches
}

/// Time per number, sent and received by slices.
pub fn consume_slices(core: usize, from: &mut impl SliceReceiver) -> Measured {
    let mut next = 0;
    timed(core, |place| {
        loop {
            let received = from.try_recv_slice(place);
            for value in &place[..received] {
                if *value == STOP {
                    return None;
                }
                assert_eq!(*value, next);
                next += 1;
            }
            if received > 0 {
                return Some(received as u64);
            }
            spin_loop();
        }
    })
}

/// The partner of [`consume_slices`].
pub fn produce_slices<S: SliceSender>((core, mut to): (usize, S)) -> u64 {
    let mut send_all = |mut rest: &[u64]| {
        while !rest.is_empty() {
            match to.try_send_slice(rest) {
                0 => spin_loop(),
                sent => rest = &rest[sent..],
            }
        }
    };
    let mut next = 0;
    let switches = for_a_while(core, || {
        let slice: [u64; SLICE] = std::array::from_fn(|index| next + index as u64);
        next += SLICE as u64;
        send_all(&slice);
    });
    send_all(&[STOP]);
    switches
}

/// Time per number until `receive` gives `None`; it says how many each time.
fn timed(core: usize, mut receive: impl FnMut(&mut [u64]) -> Option<u64>) -> Measured {
    pin(core);
    let mut place = [0; SLICE];
    let mut untimed = 0;
    while untimed < UNTIMED {
        match receive(&mut place) {
            Some(more) => untimed += more,
            None => return Measured::DISTURBED,
        }
    }
    let before = involuntary_switches();
    let start = Instant::now();
    let mut numbers = 0;
    while let Some(more) = receive(&mut place) {
        numbers += more;
    }
    Measured {
        figure: start.elapsed().as_nanos() as f64 / numbers as f64,
        switches: involuntary_switches() - before,
    }
}

/// Works for as long as a sample takes; the calling thread's involuntary context switches meanwhile.
pub fn for_a_while(core: usize, mut some_work: impl FnMut()) -> u64 {
    pin(core);
    let before = involuntary_switches();
    let start = Instant::now();
    while start.elapsed() < SAMPLE {
        (0..16).for_each(|_| some_work());
    }
    involuntary_switches() - before
}

/// Both sides of the contended workload: each sends a number and receives one, again and again, through one queue.
/// Pairs per second of one side.
fn pairs(core: usize, queue: &mut (impl Sender + Receiver)) -> (f64, u64) {
    let (mut done, mut sum) = (0u64, 0u64);
    let start = Instant::now();
    let switches = for_a_while(core, || {
        for n in 0..SLICE as u64 {
            send(queue, n);
            sum = sum.wrapping_add(receive(queue));
        }
        done += SLICE as u64;
    });
    black_box(sum);
    (done as f64 / start.elapsed().as_secs_f64(), switches)
}

/// Time per pair, both sides' pairs taken together.
pub fn contend<Q: Sender + Receiver>(
    core: usize,
    mut queue: Q,
    mut ready: Q,
    partner: impl FnOnce() -> (f64, u64),
) -> Measured {
    pin(core);
    receive(&mut ready);
    let (own, own_switches) = pairs(core, &mut queue);
    let (theirs, their_switches) = partner();
    Measured {
        figure: 1e9 / (own + theirs),
        switches: own_switches + their_switches,
    }
}

/// The partner of [`contend`].
pub fn contend_too<Q: Sender + Receiver>(
    (core, mut queue, mut ready): (usize, Q, Q),
) -> (f64, u64) {
    pin(core);
    send(&mut ready, 0);
    pairs(core, &mut queue)
}
