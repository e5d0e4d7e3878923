//! Who takes part, in which workload: this program's half here, the partner's in a process or a thread.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_queue::ArrayQueue;
use crossproc::{CountingSemaphore, Event, Mutex, Queue, RwLock, process, spsc};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::contest::{Contest, Family, Measured, Rate, Result};
use crate::lock_work::{self, Side};
use crate::locks::{Bare, Baton, Posix, RawSyncEvent, RawSyncMutex, Robust};
use crate::place::{Cores, unpin};
use crate::raw;
use crate::work::{self, CAPACITY};

/// What carries messages of a fixed size, locks and signals.
pub fn family() -> Family {
    Family {
        contests: vec![
            one_way(),
            throughput(),
            slices(),
            contended(),
            lock_alone(),
            read_alone(),
            lock_contended(),
            semaphore(),
            event(),
        ],
        room: "1024 elements",
        wanted: 31,
        limit: Duration::from_secs(50),
    }
}

fn one_way() -> Contest {
    Contest::new(
        "OneWay",
        "one-way latency, u64, one message outstanding: half the median round trip",
    )
    .with("raw cache line", "threads", raw_line)
    .with("crossproc::spsc", "processes", ring_one_way)
    .with("crossproc::Queue", "processes", queue_one_way)
    .with("rtrb", "threads", rtrb_one_way)
    .with("crossbeam ArrayQueue", "threads", array_one_way)
}

fn throughput() -> Contest {
    Contest::new(
        "Throughput",
        "throughput, u64, one producer, one consumer, one by one",
    )
    .rate(Rate::millions("M/s"))
    .with("crossproc::spsc", "processes", ring_throughput)
    .with("crossproc::Queue", "processes", queue_throughput)
    .with("rtrb", "threads", rtrb_throughput)
    .with("crossbeam ArrayQueue", "threads", array_throughput)
}

fn slices() -> Contest {
    Contest::new(
        "Slices",
        "throughput, u64, one producer, one consumer, slices of 64",
    )
    .rate(Rate::millions("M/s"))
    .with("crossproc::spsc", "processes", ring_slices)
    .with("rtrb", "threads", rtrb_slices)
}

fn contended() -> Contest {
    Contest::new(
        "Contended",
        "contended, u64: both sides send and receive by turns through one queue",
    )
    .rate(Rate::millions("M pairs/s"))
    .with("crossproc::Queue", "processes", queue_contended)
    .with("crossbeam ArrayQueue", "threads", array_contended)
}

fn lock_alone() -> Contest {
    Contest::new(
        "Lock",
        "a u64 incremented under a lock that nobody else wants",
    )
    .compared_with("std")
    .with("std::sync::Mutex", "threads", std_lock)
    .with("one CAS, one store", "-", bare_lock)
    .with("crossproc::Mutex", "processes", lock)
    .with("pthread robust", "processes", robust_lock)
    .with("raw_sync Mutex", "processes", raw_sync_lock)
}

fn read_alone() -> Contest {
    Contest::new("Read", "a u64 read under a lock for readers, alone")
        .compared_with("std")
        .with("std::sync::RwLock", "threads", std_read)
        .with("crossproc::RwLock", "processes", read)
}

fn lock_contended() -> Contest {
    Contest::new(
        "ContendedLock",
        "a u64 incremented under a lock that both sides want",
    )
    .compared_with("std")
    .rate(Rate::millions("M/s"))
    .with("std::sync::Mutex", "threads", std_contended)
    .with("crossproc::Mutex", "processes", contended_lock)
    .with("pthread robust", "threads", robust_contended)
    .with("raw_sync Mutex", "threads", raw_sync_contended)
}

fn semaphore() -> Contest {
    Contest::new(
        "Semaphore",
        "a semaphore to the other side and another back, blocking: half the median round trip",
    )
    .compared_with("POSIX")
    .with("sem_t", "threads", posix_trip)
    .with("crossproc", "processes", semaphore_trip)
}

fn event() -> Contest {
    Contest::new(
        "Event",
        "an event to the other side and another back, blocking: half the median round trip",
    )
    .compared_with("raw_sync")
    .with("raw_sync Event", "threads", raw_sync_trip)
    .with("crossproc::Event", "processes", event_trip)
}

fn raw_line(cores: Cores) -> Result<Measured> {
    Ok(Measured {
        figure: raw::one_way(cores),
        switches: 0,
    })
}

fn ring_one_way(cores: Cores) -> Result<Measured> {
    let (mut to, there) = spsc::ring(CAPACITY)?;
    let (back, mut from) = spsc::ring(CAPACITY)?;
    let partner = process::spawn(work::pong, (cores.second, there, back))?;
    let measured = work::ping(cores.first, &mut to, &mut from);
    Ok(measured.plus(partner.join()?))
}

fn queue_one_way(cores: Cores) -> Result<Measured> {
    let (mut there, mut back) = (Queue::new(CAPACITY)?, Queue::new(CAPACITY)?);
    let handles = (cores.second, there.clone(), back.clone());
    let partner = process::spawn(work::pong::<Queue<u64>, Queue<u64>>, handles)?;
    let measured = work::ping(cores.first, &mut there, &mut back);
    Ok(measured.plus(partner.join()?))
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
    Ok(measured.plus(partner.join()?))
}

fn queue_throughput(cores: Cores) -> Result<Measured> {
    let mut queue = Queue::new(CAPACITY)?;
    let partner = process::spawn(work::produce::<Queue<u64>>, (cores.second, queue.clone()))?;
    let measured = work::consume(cores.first, &mut queue);
    Ok(measured.plus(partner.join()?))
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
    Ok(measured.plus(partner.join()?))
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
    let mutex = Mutex::new(0)?;
    lock_work::contend_processes(cores, &mutex, mutex.clone(), lock_too)
}

fn lock_too((core, mutex, ready): (usize, Mutex<u64>, Event)) -> Side {
    lock_work::contend_too(core, &mutex, &ready)
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
    Ok(measured.plus(partner.join()?))
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
        measured.plus(partner.join().expect("the partner's thread panicked"))
    })
}
