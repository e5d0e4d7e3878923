#![allow(unsafe_code)] // payloads in place
//! Messages without copies: from one process to the other and back, polled.

use std::hint::spin_loop;
use std::time::{Duration, Instant};

use crossproc::{MessageQueue, TryRecvError, process};
use serde::{Deserialize, Serialize};

use super::bytes;
use super::iceoryx::{Home, Ports, Side, World};
use crate::contest::{Contest, Measured, Result};
use crate::place::{Cores, involuntary_switches, pin};
use crate::stats::median;

/// How long a sample takes at least, and how many groups of round trips.
const SAMPLE: Duration = Duration::from_millis(5);
const LEAST: usize = 8;
/// Looks for a message, after which the other side must have gone wrong.
const PATIENCE: u64 = 1 << 30;
/// Of every queue, bytes: so much that the largest message is a small part of it.
const MEMORY: usize = 64 << 20;
/// Bytes of the last message.
const STOP: usize = 1;

/// Both directions, as one side has them.
pub trait Link {
    /// Sends a message of `len` bytes, all of them `fill` if that is given.
    fn send(&mut self, len: usize, fill: Option<u8>);
    /// What `look` makes of the next message, if there is one.
    fn try_receive<R>(&mut self, look: impl FnOnce(&[u8]) -> R) -> Option<R>;
}

/// A queue each way.
#[derive(Serialize, Deserialize)]
struct Queues {
    to: MessageQueue,
    from: MessageQueue,
}

impl Link for Queues {
    fn send(&mut self, len: usize, fill: Option<u8>) {
        let mut loan = self.to.try_loan(len).expect("there is room");
        if let Some(fill) = fill {
            let mut bytes = loan.bytes();
            // SAFETY: this program's other process, the only one that has the segment, does not touch what is on loan.
            unsafe { bytes.as_mut_slice() }.fill(fill);
        }
        loan.send().expect("the queue is open");
    }

    fn try_receive<R>(&mut self, look: impl FnOnce(&[u8]) -> R) -> Option<R> {
        match self.from.try_recv() {
            // SAFETY: as above: the other process does not touch what it has sent.
            Ok(message) => Some(look(unsafe { message.bytes().as_slice() })),
            Err(TryRecvError::Empty) => None,
            Err(error) => panic!("{error}"),
        }
    }
}

/// What is sent, and what is done with it.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Work {
    size: usize,
    /// Whether the bytes are written and read.
    touched: bool,
}

/// The bytes stay as they are.
pub fn untouched(size: usize) -> Contest {
    let work = Work {
        size,
        touched: false,
    };
    let title = format!(
        "a message of {}, not looked at, without copies: half the median round trip",
        bytes(size)
    );
    Contest::new("Untouched", title)
        .of_size(size)
        .with("crossproc MessageQueue", "processes", move |cores| {
            queues(cores, work)
        })
        .with("iceoryx2", "processes", move |cores| iceoryx(cores, work))
}

/// The sender writes the bytes, and the receiver reads them.
pub fn touched(size: usize) -> Contest {
    let work = Work {
        size,
        touched: true,
    };
    let title = format!(
        "a message of {}, written and read in place: half the median round trip",
        bytes(size)
    );
    Contest::new("Touched", title)
        .of_size(size)
        .compared_with("iceoryx2")
        .with("iceoryx2", "processes", move |cores| iceoryx(cores, work))
        .with("crossproc MessageQueue", "processes", move |cores| {
            queues(cores, work)
        })
}

fn queues(cores: Cores, work: Work) -> Result<Measured> {
    let [there, back] = [(); 2].map(|()| MessageQueue::new(MEMORY));
    let (there, back) = (there?, back?);
    let theirs = Queues {
        to: back.clone(),
        from: there.clone(),
    };
    let pong = |(core, work, link): (usize, Work, Queues)| pong(core, work, link);
    let partner = process::spawn(pong, (cores.second, work, theirs))?;
    let ours = Queues {
        to: there,
        from: back,
    };
    let measured = ping(cores.first, work, ours);
    Ok(measured.plus(partner.join()?))
}

fn iceoryx(cores: Cores, work: Work) -> Result<Measured> {
    let world = World::new();
    let ours = Ports::new(world.home, Side::First, work.size)?;
    let pong = |(core, work, home): (usize, Work, Home)| {
        let ports = Ports::new(home, Side::Second, work.size).expect("ports");
        ports.connected().expect("the other side's ports");
        pong(core, work, ports)
    };
    let partner = process::spawn(pong, (cores.second, work, world.home))?;
    ours.connected()?;
    let measured = ping(cores.first, work, ours);
    Ok(measured.plus(partner.join()?))
}

impl Work {
    /// What message number `n` is filled with.
    fn fill(self, n: usize) -> Option<u8> {
        self.touched.then_some(n as u8)
    }

    /// What a look at message number `n` should come to.
    fn expected(self, n: usize) -> u64 {
        match self.fill(n) {
            Some(fill) => u64::from_ne_bytes([fill; 8]).wrapping_mul(self.size as u64 / 8),
            None => 0,
        }
    }

    /// The sum of all words, if the bytes are to be read; `None` if it is the last message.
    fn look(self, bytes: &[u8]) -> Option<u64> {
        if bytes.len() == STOP {
            return None;
        }
        assert_eq!(bytes.len(), self.size);
        if !self.touched {
            return Some(0);
        }
        let words = bytes.as_chunks().0.iter();
        Some(words.fold(0, |sum, word| sum.wrapping_add(u64::from_ne_bytes(*word))))
    }

    /// Round trips before the clock starts: by then all the memory has been in use.
    fn untimed(self) -> usize {
        match self.touched {
            true => ((16 << 20) / self.size).clamp(16, 2000),
            false => 2000,
        }
    }

    /// Round trips timed together, so that reading the clock does not count.
    fn together(self) -> usize {
        match self.touched {
            true => ((64 << 10) / self.size).clamp(1, 16),
            false => 16,
        }
    }
}

fn receive(link: &mut impl Link, work: Work) -> Option<u64> {
    for _ in 0..PATIENCE {
        if let Some(looked) = link.try_receive(|bytes| work.look(bytes)) {
            return looked;
        }
        spin_loop();
    }
    panic!("the other side sends nothing");
}

/// Half the median round trip of one message.
fn ping(core: usize, work: Work, mut link: impl Link) -> Measured {
    pin(core);
    let mut n = 0;
    let mut rounds = |count: usize| {
        for _ in 0..count {
            n += 1;
            link.send(work.size, work.fill(n));
            let back = receive(&mut link, work);
            assert_eq!(back, Some(work.expected(n)), "a message that is torn");
        }
    };
    rounds(work.untimed());
    let together = work.together();
    let before = involuntary_switches();
    let mut groups = Vec::new();
    let start = Instant::now();
    let mut now = start;
    while now - start < SAMPLE || groups.len() < LEAST {
        rounds(together);
        let after = Instant::now();
        groups.push((after - now).as_nanos() as f64 / (2 * together) as f64);
        now = after;
    }
    let switches = involuntary_switches() - before;
    link.send(STOP, None);
    Measured {
        figure: median(&mut groups),
        switches,
    }
}

/// The partner of [`ping`]; its involuntary context switches.
fn pong(core: usize, work: Work, mut link: impl Link) -> u64 {
    pin(core);
    let mut n = 0;
    let mut before = 0;
    while let Some(looked) = receive(&mut link, work) {
        n += 1;
        assert_eq!(looked, work.expected(n), "a message that is torn");
        link.send(work.size, work.fill(n));
        if n == work.untimed() {
            before = involuntary_switches();
        }
    }
    involuntary_switches() - before
}
