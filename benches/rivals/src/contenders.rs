//! Who takes part, in which workload: this program's half here, the partner's in a process or a thread.

use std::sync::Arc;
use std::thread;

use crossbeam_queue::ArrayQueue;
use crossproc::{CountingSemaphore, Event, Mutex, Queue, Result, RwLock, process, spsc};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::lock_work::{self, Side};
use crate::locks::{Bare, Baton, Posix, RawSyncEvent, RawSyncMutex, Robust};
use crate::place::{Cores, unpin};
use crate::raw;
use crate::work::{self, CAPACITY, Measured};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    OneWay,
    Throughput,
    Slices,
    Contended,
    Lock,
    Read,
    ContendedLock,
    Semaphore,
    Event,
}

impl Workload {
    pub const ALL: [Workload; 9] = [
        Workload::OneWay,
        Workload::Throughput,
        Workload::Slices,
        Workload::Contended,
        Workload::Lock,
        Workload::Read,
        Workload::ContendedLock,
        Workload::Semaphore,
        Workload::Event,
    ];

    /// What its contenders are compared with: the first of them, or a raw cache line.
    pub fn yardstick(self) -> Option<&'static str> {
        match self {
            Workload::OneWay | Workload::Throughput | Workload::Slices | Workload::Contended => {
                None
            }
            Workload::Lock | Workload::Read | Workload::ContendedLock => Some("std"),
            Workload::Semaphore => Some("POSIX"),
            Workload::Event => Some("raw_sync"),
        }
    }

    /// The unit of its rate, if it is about one.
    pub fn rate(self) -> Option<&'static str> {
        match self {
            Workload::Throughput | Workload::Slices => Some("M/s"),
            Workload::Contended => Some("M pairs/s"),
            Workload::ContendedLock => Some("M/s"),
            _ => None,
        }
    }

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
            Workload::Lock => "a u64 incremented under a lock that nobody else wants",
            Workload::Read => "a u64 read under a lock for readers, alone",
            Workload::ContendedLock => "a u64 incremented under a lock that both sides want",
            Workload::Semaphore => {
                "a semaphore to the other side and another back, blocking: half the median round trip"
            }
            Workload::Event => {
                "an event to the other side and another back, blocking: half the median round trip"
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

use Workload::{Contended, ContendedLock, Lock, OneWay, Read, Slices, Throughput};

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
    contender(Lock, "std::sync::Mutex", "threads", std_lock),
    contender(Lock, "one CAS, one store", "-", bare_lock),
    contender(Lock, "crossproc::Mutex", "processes", lock),
    contender(Lock, "pthread robust", "processes", robust_lock),
    contender(Lock, "raw_sync Mutex", "processes", raw_sync_lock),
    contender(Read, "std::sync::RwLock", "threads", std_read),
    contender(Read, "crossproc::RwLock", "processes", read),
    contender(ContendedLock, "std::sync::Mutex", "threads", std_contended),
    contender(
        ContendedLock,
        "crossproc::Mutex",
        "processes",
        contended_lock,
    ),
    contender(ContendedLock, "pthread robust", "threads", robust_contended),
    contender(
        ContendedLock,
        "raw_sync Mutex",
        "threads",
        raw_sync_contended,
    ),
    contender(Workload::Semaphore, "sem_t", "threads", posix_trip),
    contender(
        Workload::Semaphore,
        "crossproc",
        "processes",
        semaphore_trip,
    ),
    contender(Workload::Event, "raw_sync Event", "threads", raw_sync_trip),
    contender(Workload::Event, "crossproc::Event", "processes", event_trip),
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

fn std_lock(cores: Cores) -> Result<Measured> {
    Ok(lock_work::lock_alone(cores, &std::sync::Mutex::new(0)))
}

fn lock(cores: Cores) -> Result<Measured> {
    Ok(lock_work::lock_alone(cores, &Mutex::new(0)?))
}

fn bare_lock(cores: Cores) -> Result<Measured> {
    Ok(lock_work::lock_alone(cores, &Bare::default()))
}

fn robust_lock(cores: Cores) -> Result<Measured> {
    Ok(lock_work::lock_alone(cores, &Robust::new()))
}

fn raw_sync_lock(cores: Cores) -> Result<Measured> {
    Ok(lock_work::lock_alone(cores, &RawSyncMutex::new()))
}

fn std_read(cores: Cores) -> Result<Measured> {
    Ok(lock_work::read_alone(cores, &std::sync::RwLock::new(1)))
}

fn read(cores: Cores) -> Result<Measured> {
    Ok(lock_work::read_alone(cores, &RwLock::new(1)?))
}

fn std_contended(cores: Cores) -> Result<Measured> {
    Ok(lock_work::contend_threads(cores, &std::sync::Mutex::new(0)))
}

fn robust_contended(cores: Cores) -> Result<Measured> {
    Ok(lock_work::contend_threads(cores, &Robust::new()))
}

fn raw_sync_contended(cores: Cores) -> Result<Measured> {
    Ok(lock_work::contend_threads(cores, &RawSyncMutex::new()))
}

fn contended_lock(cores: Cores) -> Result<Measured> {
    let (mutex, ready) = (Mutex::new(0)?, Event::new()?);
    let partner = process::spawn(lock_too, (cores.second, mutex.clone(), ready.clone()))?;
    crate::place::pin(cores.first);
    ready.wait()?;
    let one = lock_work::one_side(cores.first, &mutex);
    let other = partner.join()?;
    let value = *mutex.lock()?;
    Ok(lock_work::both_sides(one, other, value))
}

fn lock_too((core, mutex, ready): (usize, Mutex<u64>, Event)) -> Side {
    crate::place::pin(core);
    ready.set().expect("set");
    lock_work::one_side(core, &mutex)
}

fn semaphore_trip(cores: Cores) -> Result<Measured> {
    trip(
        cores,
        CountingSemaphore::new(0)?,
        CountingSemaphore::new(0)?,
    )
}

fn event_trip(cores: Cores) -> Result<Measured> {
    trip(cores, Event::new()?, Event::new()?)
}

/// To another process and back.
fn trip<B>(cores: Cores, there: B, back: B) -> Result<Measured>
where
    B: Baton + Clone + Serialize + DeserializeOwned + 'static,
{
    let pass_back = |(core, there, back): (usize, B, B)| lock_work::pass_back(core, &there, &back);
    let partner = process::spawn(pass_back, (cores.second, there.clone(), back.clone()))?;
    let measured = lock_work::pass(cores.first, &there, &back);
    Ok(plus(measured, partner.join()?))
}

fn posix_trip(cores: Cores) -> Result<Measured> {
    let (there, back) = (Posix::new(), Posix::new());
    Ok(trip_beside(cores, &there, &back))
}

fn raw_sync_trip(cores: Cores) -> Result<Measured> {
    let (there, back) = (RawSyncEvent::new(), RawSyncEvent::new());
    Ok(trip_beside(cores, &there, &back))
}

/// To another thread and back.
fn trip_beside<B: Baton + Sync>(cores: Cores, there: &B, back: &B) -> Measured {
    beside(
        cores,
        || lock_work::pass_back(cores.second, there, back),
        || lock_work::pass(cores.first, there, back),
    )
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
