//! Bytes from one process to another, chunk by chunk, out of a private buffer and into one; blocking, as each does it.

use std::hint::black_box;
use std::io::{self, Read, Write, pipe};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use crossproc::pipe::ByteSender;
use crossproc::process;
use rustix::pipe::fcntl_setpipe_size;

use super::descriptor::Inherited;
use super::{KIB, MIB, bytes};
use crate::contest::{Contest, Measured, Rate, Result};
use crate::place::{Cores, involuntary_switches, pin};

/// What a pipe of crossproc holds.
const CAPACITY: usize = 512 * KIB;
/// What the system's pipe is told to hold.
const SYSTEM_CAPACITY: usize = MIB;
/// How long a sample takes at least, and how many chunks.
const SAMPLE: Duration = Duration::from_millis(5);
const LEAST: u64 = 4;
/// Bytes before the clock starts: each buffer has been in use then.
const UNTIMED: usize = 4 * MIB;
/// The number of the last chunk.
const STOP: u64 = u64::MAX;

pub fn contest(chunk: usize) -> Contest {
    let title = format!(
        "bytes from one process to the other, blocking, {} at a time",
        bytes(chunk)
    );
    let bytes_per_second = Rate {
        unit: "GB/s",
        per_nanosecond: chunk as f64,
    };
    Contest::new("Bytes", title)
        .of_size(chunk)
        .compared_with("memcpy")
        .rate(bytes_per_second)
        .rate(Rate::millions("M/s"))
        .with("memcpy in, memcpy out", "-", move |cores| {
            Ok(copies(cores, chunk))
        })
        .with("crossproc::pipe", "processes", move |cores| {
            crossproc_pipe(cores, chunk)
        })
        .with("UnixStream", "processes", move |cores| {
            let (here, there) = UnixStream::pair()?;
            descriptors(cores, chunk, here, there.into())
        })
        .with("pipe(2)", "processes", move |cores| {
            let (here, there) = pipe()?;
            fcntl_setpipe_size(&there, SYSTEM_CAPACITY)?;
            descriptors(cores, chunk, here, there.into())
        })
}

fn crossproc_pipe(cores: Cores, chunk: usize) -> Result<Measured> {
    let (sender, receiver) = crossproc::pipe::bytes()?;
    assert_eq!(sender.capacity(), CAPACITY);
    let produce = |(core, chunk, to): (usize, usize, ByteSender)| produce(core, chunk, to);
    let partner = process::spawn(produce, (cores.second, chunk, sender))?;
    let measured = consume(cores.first, chunk, receiver)?;
    Ok(measured.plus(partner.join()?))
}

fn descriptors(cores: Cores, chunk: usize, here: impl Read, there: OwnedFd) -> Result<Measured> {
    let inherited = Inherited::from_here(&there)?;
    let produce = |(core, chunk, to): (usize, usize, Inherited)| produce(core, chunk, to.take());
    let partner = process::spawn(produce, (cores.second, chunk, inherited))?;
    drop(there);
    let measured = consume(cores.first, chunk, here)?;
    Ok(measured.plus(partner.join()?))
}

fn untimed(chunk: usize) -> u64 {
    (UNTIMED / chunk).max(2) as u64
}

/// Calls `send` with numbers from zero on, for the time a sample takes; the involuntary context switches since the first that counts.
fn number(core: usize, chunk: usize, mut send: impl FnMut(u64)) -> u64 {
    pin(core);
    let untimed = untimed(chunk);
    (0..untimed).for_each(&mut send);
    let before = involuntary_switches();
    let start = Instant::now();
    let together = (64 * KIB / chunk).clamp(1, 64) as u64;
    let mut next = untimed;
    while start.elapsed() < SAMPLE || next < untimed + LEAST {
        (next..next + together).for_each(&mut send);
        next += together;
    }
    send(STOP);
    involuntary_switches() - before
}

/// Writes the number to both ends of a chunk.
fn stamp(chunk: &mut [u8], number: u64) {
    let number = number.to_ne_bytes();
    *chunk.first_chunk_mut().expect("at least a number long") = number;
    *chunk.last_chunk_mut().expect("at least a number long") = number;
}

/// The number at both ends.
fn read_stamp(chunk: &[u8]) -> u64 {
    let first = chunk.first_chunk().expect("at least a number long");
    assert_eq!(chunk.last_chunk(), Some(first), "a chunk that is torn");
    u64::from_ne_bytes(*first)
}

/// The partner of [`consume`].
fn produce(core: usize, chunk: usize, mut to: impl Write) -> u64 {
    let mut bytes = vec![1; chunk];
    number(core, chunk, |number| {
        stamp(&mut bytes, number);
        to.write_all(&bytes).expect("the other side reads all");
    })
}

/// Time per chunk.
fn consume(core: usize, chunk: usize, mut from: impl Read) -> io::Result<Measured> {
    pin(core);
    let mut bytes = vec![0; chunk];
    let untimed = untimed(chunk);
    let (mut next, mut start, mut before) = (0, Instant::now(), 0);
    loop {
        if next == untimed {
            before = involuntary_switches();
            start = Instant::now();
        }
        from.read_exact(&mut bytes)?;
        let number = read_stamp(&bytes);
        next += 1;
        if number == STOP {
            break;
        }
        assert_eq!(number, next - 1, "a chunk that is out of order");
    }
    Ok(Measured {
        figure: start.elapsed().as_nanos() as f64 / (next - untimed) as f64,
        switches: involuntary_switches() - before,
    })
}

/// What the copies alone take: into a buffer as large as a pipe, and out of it, one after the other, in one thread.
fn copies(cores: Cores, chunk: usize) -> Measured {
    let (mut from, mut to) = (vec![1; chunk], vec![0; chunk]);
    let mut pipe = vec![0; CAPACITY];
    let (mut at, mut timed, mut start) = (0, 0, Instant::now());
    let untimed = untimed(chunk);
    let switches = number(cores.first, chunk, |number| {
        if number == untimed {
            start = Instant::now();
        }
        stamp(&mut from, number);
        for (from, to) in from.chunks(CAPACITY).zip(to.chunks_mut(CAPACITY)) {
            let place = &mut pipe[at..at + from.len()];
            place.copy_from_slice(black_box(from));
            to.copy_from_slice(black_box(place));
            at = (at + from.len()) % CAPACITY;
        }
        assert_eq!(read_stamp(&to), number);
        timed += u64::from(number >= untimed);
    });
    Measured {
        figure: start.elapsed().as_nanos() as f64 / timed as f64,
        switches,
    }
}
