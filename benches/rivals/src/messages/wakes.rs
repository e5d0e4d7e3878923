//! How long it takes to wake one who sleeps for a message, from just before it is sent until the receiver has it.

use std::fs;
use std::hint::spin_loop;
use std::time::{Duration, Instant};

use crossproc::pipe::{self, Receiver};
use crossproc::{MessageQueue, Queue, process};
use rustix::time::{ClockId, clock_gettime};

use super::descriptor::Inherited;
use super::iceoryx::{Home, Sleeper, Waker, World};
use super::page::Page;
use crate::contest::{Contest, Measured, Result};
use crate::place::{Cores, involuntary_switches, pin};
use crate::stats::median;

/// Messages, and those that do not count.
const MESSAGES: usize = 45;
const UNTIMED: usize = 5;
/// How long the receiver has had to fall asleep, and the other core to have nothing to do.
const PAUSE: Duration = Duration::from_micros(200);
/// If it does not fall asleep for so long, something is wrong.
const LIMIT: Duration = Duration::from_secs(20);

pub fn contest() -> Contest {
    Contest::new(
        "Wake",
        "a message to one who sleeps for it: from before it is sent until the receiver has it, median",
    )
    .compared_with("futex")
    .with("futex word", "processes", futex)
    .with("crossproc::Queue", "processes", queue)
    .with("crossproc MessageQueue", "processes", message_queue)
    .with("crossproc::pipe", "processes", messages_pipe)
    .with("iceoryx2 event", "processes", event)
}

/// Nanoseconds on a clock that all processes share.
fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

fn is_asleep(thread: u32) -> bool {
    let path = format!("/proc/{thread}/task/{thread}/stat");
    let text = fs::read_to_string(path).unwrap_or_default();
    let state = text.rsplit_once(')').map(|(_, after)| after.trim_start());
    state.is_some_and(|state| state.starts_with('S'))
}

/// Sends the time of sending, each time that the partner's main thread sleeps; the involuntary context switches.
fn wake(core: usize, partner: u32, mut send: impl FnMut(u64) -> Result<()>) -> Result<u64> {
    pin(core);
    let before = involuntary_switches();
    for _ in 0..MESSAGES {
        let start = Instant::now();
        while start.elapsed() < PAUSE || !is_asleep(partner) {
            if start.elapsed() > LIMIT {
                return Err("the receiver does not fall asleep".into());
            }
            spin_loop();
        }
        send(now())?;
    }
    Ok(involuntary_switches() - before)
}

/// The partner of [`wake`].
fn woken(core: usize, mut receive: impl FnMut() -> u64) -> (f64, u64) {
    pin(core);
    let before = involuntary_switches();
    let mut times: Vec<f64> = (0..MESSAGES)
        .map(|_| {
            let sent = receive();
            (now() - sent) as f64
        })
        .collect();
    let median = median(&mut times[UNTIMED..]);
    (median, involuntary_switches() - before)
}

/// Sends to the partner, and takes its figures.
fn measure(
    cores: Cores,
    partner: process::Child<(f64, u64)>,
    send: impl FnMut(u64) -> Result<()>,
) -> Result<Measured> {
    let switches = wake(cores.first, partner.id(), send)?;
    let (figure, theirs) = partner.join()?;
    Ok(Measured { figure, switches }.plus(theirs))
}

fn queue(cores: Cores) -> Result<Measured> {
    let queue = Queue::new(16)?;
    let receiver = |(core, queue): (usize, Queue<u64>)| {
        woken(core, || queue.recv().expect("the queue is open"))
    };
    let partner = process::spawn(receiver, (cores.second, queue.clone()))?;
    measure(cores, partner, |stamp| Ok(queue.send(stamp)?))
}

fn message_queue(cores: Cores) -> Result<Measured> {
    let queue = MessageQueue::new(4096)?;
    let receiver = |(core, queue): (usize, MessageQueue)| {
        woken(core, || {
            let mut stamp = [0; 8];
            let message = queue.recv().expect("the queue is open");
            message.read(0, &mut stamp);
            u64::from_ne_bytes(stamp)
        })
    };
    let partner = process::spawn(receiver, (cores.second, queue.clone()))?;
    measure(
        cores,
        partner,
        |stamp| Ok(queue.send(&stamp.to_ne_bytes())?),
    )
}

fn messages_pipe(cores: Cores) -> Result<Measured> {
    let (mut sender, receiver) = pipe::simplex::<u64>()?;
    let woken = |(core, mut receiver): (usize, Receiver<u64>)| {
        woken(core, || receiver.recv().expect("the pipe is open"))
    };
    let partner = process::spawn(woken, (cores.second, receiver))?;
    measure(cores, partner, |stamp| Ok(sender.send(&stamp)?))
}

fn futex(cores: Cores) -> Result<Measured> {
    let (page, memory, inherited) = Page::new()?;
    let receiver = |(core, memory): (usize, Inherited)| {
        let page = Page::map(&memory.take()).expect("mapped");
        let mut times = 0;
        woken(core, || {
            times += 1;
            page.sleep(times);
            page.stamp()
        })
    };
    let partner = process::spawn(receiver, (cores.second, inherited))?;
    drop(memory);
    measure(cores, partner, |stamp| {
        page.set_stamp(stamp);
        Ok(page.ring()?)
    })
}

/// An event carries no data: the time of sending is in a page beside it.
fn event(cores: Cores) -> Result<Measured> {
    let world = World::new();
    let (page, memory, inherited) = Page::new()?;
    let receiver = |(core, memory, home): (usize, Inherited, Home)| {
        let page = Page::map(&memory.take()).expect("mapped");
        let sleeper = Sleeper::new(home).expect("a listener");
        woken(core, || {
            sleeper.sleep().expect("woken");
            page.stamp()
        })
    };
    let partner = process::spawn(receiver, (cores.second, inherited, world.home))?;
    drop(memory);
    let waker = Waker::new(world.home)?;
    measure(cores, partner, |stamp| {
        page.set_stamp(stamp);
        waker.wake()
    })
}
