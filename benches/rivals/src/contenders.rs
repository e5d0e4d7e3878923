//! Who takes part, in which workload: this program's half here, the partner's in a process or a thread.

use std::sync::Arc;
use std::thread;

use crossbeam_queue::ArrayQueue;
use crossproc::{Queue, Result, process, spsc};

use crate::place::{Cores, unpin};
use crate::raw;
use crate::work::{self, CAPACITY, Measured};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    OneWay,
    Throughput,
    Slices,
    Contended,
}

impl Workload {
    pub const ALL: [Workload; 4] = [
        Workload::OneWay,
        Workload::Throughput,
        Workload::Slices,
        Workload::Contended,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Workload::OneWay => {
                "one-way latency, u64, one message outstanding: half the median round trip"
            }
            Workload::Throughput => "throughput, u64, one producer, one consumer, one by one",
            Workload::Slices => "throughput, u64, one producer, one consumer, slices of 64",
            Workload::Contended => {
                "contended, u64: both sides send and receive by turns through one queue"
            }
        }
    }
}

pub struct Contender {
    pub workload: Workload,
    pub name: &'static str,
    pub between: &'static str,
    pub run: fn(Cores) -> Result<Measured>,
}

const fn contender(
    workload: Workload,
    name: &'static str,
    between: &'static str,
    run: fn(Cores) -> Result<Measured>,
) -> Contender {
    Contender {
        workload,
        name,
        between,
        run,
    }
}

use Workload::{Contended, OneWay, Slices, Throughput};

pub const CONTENDERS: &[Contender] = &[
    contender(OneWay, "raw cache line", "threads", raw_line),
    contender(OneWay, "crossproc::spsc", "processes", ring_one_way),
    contender(OneWay, "crossproc::Queue", "processes", queue_one_way),
    contender(OneWay, "rtrb", "threads", rtrb_one_way),
    contender(OneWay, "crossbeam ArrayQueue", "threads", array_one_way),
    contender(Throughput, "crossproc::spsc", "processes", ring_throughput),
    contender(
        Throughput,
        "crossproc::Queue",
        "processes",
        queue_throughput,
    ),
    contender(Throughput, "rtrb", "threads", rtrb_throughput),
    contender(
        Throughput,
        "crossbeam ArrayQueue",
        "threads",
        array_throughput,
    ),
    contender(Slices, "crossproc::spsc", "processes", ring_slices),
    contender(Slices, "rtrb", "threads", rtrb_slices),
    contender(Contended, "crossproc::Queue", "processes", queue_contended),
    contender(
        Contended,
        "crossbeam ArrayQueue",
        "threads",
        array_contended,
    ),
];

fn raw_line(cores: Cores) -> Result<Measured> {
    Ok(Measured {
        figure: raw::one_way(cores),
        switches: 0,
    })
}

fn plus(measured: Measured, partner: u64) -> Measured {
    Measured {
        switches: measured.switches + partner,
        ..measured
    }
}

fn ring_one_way(cores: Cores) -> Result<Measured> {
    let (mut to, there) = spsc::ring(CAPACITY)?;
    let (back, mut from) = spsc::ring(CAPACITY)?;
    let partner = process::spawn(work::pong, (cores.second, there, back))?;
    let measured = work::ping(cores.first, &mut to, &mut from);
    Ok(plus(measured, partner.join()?))
}

fn queue_one_way(cores: Cores) -> Result<Measured> {
    let (mut there, mut back) = (Queue::new(CAPACITY)?, Queue::new(CAPACITY)?);
    let handles = (cores.second, there.clone(), back.clone());
    let partner = process::spawn(work::pong::<Queue<u64>, Queue<u64>>, handles)?;
    let measured = work::ping(cores.first, &mut there, &mut back);
    Ok(plus(measured, partner.join()?))
}

fn rtrb_one_way(cores: Cores) -> Result<Measured> {
    let (mut to, there) = rtrb::RingBuffer::new(CAPACITY);
    let (back, mut from) = rtrb::RingBuffer::new(CAPACITY);
    Ok(beside(
        cores,
        move || work::pong((cores.second, there, back)),
        || work::ping(cores.first, &mut to, &mut from),
    ))
}

fn array_one_way(cores: Cores) -> Result<Measured> {
    let (mut to, mut from) = (array(), array());
    let (there, back) = (Arc::clone(&to), Arc::clone(&from));
    Ok(beside(
        cores,
        move || work::pong((cores.second, there, back)),
        || work::ping(cores.first, &mut to, &mut from),
    ))
}

fn ring_throughput(cores: Cores) -> Result<Measured> {
    let (producer, mut consumer) = spsc::ring(CAPACITY)?;
    let partner = process::spawn(work::produce, (cores.second, producer))?;
    let measured = work::consume(cores.first, &mut consumer);
    Ok(plus(measured, partner.join()?))
}

fn queue_throughput(cores: Cores) -> Result<Measured> {
    let mut queue = Queue::new(CAPACITY)?;
    let partner = process::spawn(work::produce::<Queue<u64>>, (cores.second, queue.clone()))?;
    let measured = work::consume(cores.first, &mut queue);
    Ok(plus(measured, partner.join()?))
}

fn rtrb_throughput(cores: Cores) -> Result<Measured> {
    let (producer, mut consumer) = rtrb::RingBuffer::new(CAPACITY);
    Ok(beside(
        cores,
        move || work::produce((cores.second, producer)),
        || work::consume(cores.first, &mut consumer),
    ))
}

fn array_throughput(cores: Cores) -> Result<Measured> {
    let mut queue = array();
    let other = Arc::clone(&queue);
    Ok(beside(
        cores,
        move || work::produce((cores.second, other)),
        || work::consume(cores.first, &mut queue),
    ))
}

fn ring_slices(cores: Cores) -> Result<Measured> {
    let (producer, mut consumer) = spsc::ring(CAPACITY)?;
    let partner = process::spawn(work::produce_slices, (cores.second, producer))?;
    let measured = work::consume_slices(cores.first, &mut consumer);
    Ok(plus(measured, partner.join()?))
}

fn rtrb_slices(cores: Cores) -> Result<Measured> {
    let (producer, mut consumer) = rtrb::RingBuffer::new(CAPACITY);
    Ok(beside(
        cores,
        move || work::produce_slices((cores.second, producer)),
        || work::consume_slices(cores.first, &mut consumer),
    ))
}

fn queue_contended(cores: Cores) -> Result<Measured> {
    let (queue, ready) = (Queue::new(CAPACITY)?, Queue::new(1)?);
    let handles = (cores.second, queue.clone(), ready.clone());
    let partner = process::spawn(work::contend_too::<Queue<u64>>, handles)?;
    let mut outcome = Ok((0.0, 0));
    let measured = work::contend(cores.first, queue, ready, || match partner.join() {
        Ok(theirs) => theirs,
        Err(error) => {
            outcome = Err(error);
            (0.0, 0)
        }
    });
    outcome?;
    Ok(measured)
}

fn array_contended(cores: Cores) -> Result<Measured> {
    let (queue, ready) = (array(), array());
    let handles = (cores.second, Arc::clone(&queue), Arc::clone(&ready));
    unpin(cores);
    Ok(thread::scope(|scope| {
        let partner = scope.spawn(|| work::contend_too(handles));
        work::contend(cores.first, queue, ready, || {
            partner.join().expect("the partner's thread panicked")
        })
    }))
}

fn array() -> Arc<ArrayQueue<u64>> {
    Arc::new(ArrayQueue::new(CAPACITY))
}

fn beside(
    cores: Cores,
    partner: impl FnOnce() -> u64 + Send,
    own: impl FnOnce() -> Measured,
) -> Measured {
    unpin(cores);
    thread::scope(|scope| {
        let partner = scope.spawn(partner);
        let measured = own();
        plus(
            measured,
            partner.join().expect("the partner's thread panicked"),
        )
    })
}
