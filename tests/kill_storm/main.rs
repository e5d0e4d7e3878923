//! Processes that send and receive, lock and unlock, or count, are killed at random times and replaced by others; an account
//! kept apart from the crate shows that nothing is lost, doubled, torn or out of order.
//!
//! A receiver that is killed may have received one message and not yet taken it down. No more may be
//! missing than that. Sleepers re-examine the world once an hour only, so that a lost wake-up hangs the
//! storm, and the watchdog says so.
//!
//! `KILL_STORM_SEED=0x…` repeats a storm's choices (not its timing). `KILL_STORM_KILLS=1000` has each storm last until so many were
//! killed; some seconds are some hundreds.

#[path = "../support/asleep.rs"]
mod asleep;
mod locks;
mod messages;
mod refusal;
#[path = "../support/mod.rs"]
mod support;
mod tally;
mod values;

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{env, thread};

use crossproc::process::{Child, JoinError, spawn};
use crossproc::spsc::Ring;
use crossproc::{Error, Queue, RecvError, SendError, testing};
use serde::{Deserialize, Serialize};

use refusal::Refusal;
use tally::{MESSAGES, Message, Tally, message};

/// The backstop of every sleeper.
const NEVER: Duration = Duration::from_secs(3600);
/// Longer than a storm takes on a machine busy with other things.
const HANG: Duration = Duration::from_secs(120);
/// Few places, so that senders and receivers often wait.
const CAPACITY: usize = 8;
/// Messages a ring's producer sends at once.
const SLICE: u64 = 3;

#[test]
fn queue() {
    Storm::new("queue", Refusal::Nothing, Duration::from_secs(5)).over_a_queue();
}

#[test]
fn queue_with_membarrier_refused() {
    Storm::new("queue", Refusal::Membarrier, Duration::from_secs(2)).over_a_queue();
}

#[test]
fn queue_with_futex_waitv_refused() {
    Storm::new("queue", Refusal::FutexWaitv, Duration::from_secs(2)).over_a_queue();
}

#[test]
fn ring() {
    Storm::new("ring", Refusal::Nothing, Duration::from_secs(5)).over_a_ring();
}

#[test]
fn ring_with_membarrier_refused() {
    Storm::new("ring", Refusal::Membarrier, Duration::from_secs(2)).over_a_ring();
}

#[test]
fn ring_with_futex_waitv_refused() {
    Storm::new("ring", Refusal::FutexWaitv, Duration::from_secs(2)).over_a_ring();
}

/// Small, fast, and good enough for choices.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    /// Now and then a rest, so that others run out of room or out of messages.
    fn rest(&mut self) {
        if self.below(64) == 0 {
            thread::sleep(Duration::from_micros(self.below(300)));
        }
    }
}

/// What a worker is told. The segment itself goes by handle or by name.
#[derive(Clone, Serialize, Deserialize)]
struct Task {
    tally: String,
    refusal: Refusal,
    seed: u64,
}

impl Task {
    /// In the worker, before it opens anything.
    fn begin(&self) -> (Tally, Random) {
        testing::set_backstop(NEVER);
        testing::trust_membarrier(true);
        self.refusal.impose();
        (Tally::open(&self.tally), Random(self.seed))
    }
}

/// Where a worker finds the segment: in its arguments, or, if it has something to do before it takes
/// part, under a name.
#[derive(Clone, Serialize, Deserialize)]
enum Place<H> {
    Handle(H),
    Name(String),
}

impl<H> Place<H> {
    fn open(self, open: fn(&str) -> crossproc::Result<H>) -> H {
        match self {
            Place::Handle(handle) => handle,
            Place::Name(name) => open(&name).expect("its name is there"),
        }
    }
}

fn send_to_queue((place, task): (Place<Queue<Message>>, Task)) {
    let (tally, mut random) = task.begin();
    let queue = place.open(Queue::open);
    let generation = tally.new_generation();
    for number in 0..MESSAGES {
        if tally.is_stopped() {
            return;
        }
        random.rest();
        queue
            .send(message(generation, number))
            .expect("the queue is open");
        tally.sent(generation, number + 1);
    }
}

fn receive_from_queue((place, task): (Place<Queue<Message>>, Task)) {
    let (tally, mut random) = task.begin();
    let queue = place.open(Queue::open);
    let mut last = HashMap::new();
    loop {
        let received = match queue.recv() {
            Ok(received) => received,
            Err(RecvError::Closed) => return,
            Err(error) => panic!("{error}"),
        };
        let (generation, number) = tally.received(received);
        let before = last.insert(generation, number);
        assert!(
            before < Some(number),
            "{before:?} came before {number} of generation {generation}"
        );
        random.rest();
    }
}

/// Claims a role of a ring as soon as it is to be had; `None` if there is nothing to do any more.
fn claim<R>(claim: impl Fn() -> crossproc::Result<R>, over: impl Fn() -> bool) -> Option<R> {
    while !over() {
        match claim() {
            Ok(role) => return Some(role),
            Err(Error::RoleHeld { .. }) => thread::sleep(Duration::from_micros(100)),
            Err(error) => panic!("{error}"),
        }
    }
    None
}

fn send_to_ring((place, task): (Place<Ring<Message>>, Task)) {
    let (tally, mut random) = task.begin();
    let ring = place.open(Ring::open);
    let Some(mut producer) = claim(|| ring.producer(), || tally.is_stopped()) else {
        return;
    };
    let generation = tally.new_generation();
    let mut number = 0;
    while number + SLICE <= MESSAGES && !tally.is_stopped() {
        random.rest();
        let count = if random.below(4) == 0 { SLICE } else { 1 };
        let messages: Vec<Message> = (number..number + count)
            .map(|n| message(generation, n))
            .collect();
        let mut unsent = messages.as_slice();
        while let Err(error) = producer.send_slice(unsent) {
            // The consumer died; another comes and goes on.
            unsent = match error {
                SendError::PeerDied(unsent) | SendError::Closed(unsent) => unsent,
                fault => panic!("{fault}"),
            };
            thread::sleep(Duration::from_micros(100));
        }
        number += count;
        tally.sent(generation, number);
    }
}

fn receive_from_ring((place, task): (Place<Ring<Message>>, Task)) {
    let (tally, mut random) = task.begin();
    let ring = place.open(Ring::open);
    let Some(mut consumer) = claim(|| ring.consumer(), || tally.is_finished()) else {
        return;
    };
    let mut last = tally.last_received();
    // A predecessor may have died with one in its hands.
    let mut excusable = 1;
    loop {
        let received = match consumer.recv() {
            Ok(received) => received,
            Err(RecvError::Closed | RecvError::PeerDied) if tally.is_finished() => return,
            Err(RecvError::Closed | RecvError::PeerDied) => {
                thread::sleep(Duration::from_micros(100));
                continue;
            }
            Err(error) => panic!("{error}"),
        };
        let (generation, number) = tally.received(received);
        let next = if generation == last.0 { last.1 + 1 } else { 0 };
        assert!(
            generation >= last.0,
            "after {last:?} came one of generation {generation}"
        );
        assert!(
            (next..=next + excusable).contains(&number),
            "after {last:?} came {generation}, {number}"
        );
        last = (generation, number);
        excusable = 0;
        random.rest();
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Job {
    Send,
    Receive,
}

struct Storm {
    name: &'static str,
    refusal: Refusal,
    length: Duration,
    random: Random,
    tally: Tally,
    kills: u64,
    /// So many there are to be.
    least: u64,
    /// Of those killed, so many slept in a system call.
    asleep: u64,
    _watchdog: support::Guard,
    _leaks: support::Leaks,
}

impl Storm {
    fn new(name: &'static str, refusal: Refusal, length: Duration) -> Storm {
        let leaks = support::Leaks::start();
        let least = env::var("KILL_STORM_KILLS");
        let least = least.map_or(0, |kills| kills.parse().expect("a number of kills"));
        let watchdog = support::watchdog(HANG * (1 + least / 500));
        let seed = env::var("KILL_STORM_SEED").ok().map_or_else(
            || {
                SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .map_or(1, |now| now.as_nanos() as u64 | 1)
            },
            |seed| {
                u64::from_str_radix(seed.trim_start_matches("0x"), 16)
                    .expect("a hexadecimal number")
            },
        );
        println!("{name}, refused: {refusal:?}: seed {seed:#x}");
        Storm {
            name,
            refusal,
            length,
            random: Random(seed),
            tally: Tally::new(),
            kills: 0,
            least: least.into(),
            asleep: 0,
            _watchdog: watchdog,
            _leaks: leaks,
        }
    }

    fn over_a_queue(mut self) {
        let (queue, place) = self.segment(Queue::new, Queue::create);
        let jobs = [
            Job::Send,
            Job::Send,
            Job::Receive,
            Job::Receive,
            Job::Receive,
        ];
        let (workers, killed) = self.rage(&jobs, |job, task| match job {
            Job::Send => spawn(send_to_queue, (place.clone(), task)),
            Job::Receive => spawn(receive_from_queue, (place.clone(), task)),
        });
        self.calm(workers, || queue.close());
        self.judge(1, &killed, queue.repairs());
        if queue.name().is_some() {
            queue.unlink().expect("its name is there");
        }
    }

    fn over_a_ring(mut self) {
        let (ring, place) = self.segment(Ring::new, Ring::create);
        // Two for each role: one has it, the other waits for it.
        let jobs = [Job::Send, Job::Send, Job::Receive, Job::Receive];
        let (workers, killed) = self.rage(&jobs, |job, task| match job {
            Job::Send => spawn(send_to_ring, (place.clone(), task)),
            Job::Receive => spawn(receive_from_ring, (place.clone(), task)),
        });
        self.calm(workers, || ());
        self.judge(SLICE, &killed, ring.repairs());
        if ring.name().is_some() {
            ring.unlink().expect("its name is there");
        }
    }

    /// Workers from whom something is to be kept must not take part before it is.
    fn segment<H: Clone>(
        &self,
        anonymous: fn(usize) -> crossproc::Result<H>,
        create: fn(&str, usize) -> crossproc::Result<H>,
    ) -> (H, Place<H>) {
        if self.refusal == Refusal::Nothing {
            let segment = anonymous(CAPACITY).expect("a segment");
            (segment.clone(), Place::Handle(segment))
        } else {
            let name = support::unique_name(self.name);
            (
                create(&name, CAPACITY).expect("a segment"),
                Place::Name(name),
            )
        }
    }

    /// Kills workers at random and replaces them, for as long as the storm lasts. The last ones, and what
    /// those did who were killed.
    fn rage<J: Copy>(
        &mut self,
        jobs: &[J],
        start: impl Fn(J, Task) -> crossproc::Result<Child<()>>,
    ) -> (Vec<(J, Child<()>)>, Vec<J>) {
        let mut killed = Vec::new();
        let hire = |storm: &mut Storm, job| {
            let seed = storm.random.below(u64::MAX) | 1;
            let task = Task {
                tally: storm.tally.path(),
                refusal: storm.refusal,
                seed,
            };
            (job, start(job, task).expect("a child"))
        };
        let mut workers: Vec<_> = jobs.iter().map(|job| hire(self, *job)).collect();
        let end = Instant::now() + self.length;
        while Instant::now() < end || self.kills < self.least {
            thread::sleep(Duration::from_micros(self.random.below(4000)));
            let index = self.random.below(workers.len() as u64) as usize;
            let (job, worker) = workers.swap_remove(index);
            self.kill(worker);
            killed.push(job);
            workers.push(hire(self, job));
        }
        (workers, killed)
    }

    fn kill(&mut self, worker: Child<()>) {
        self.kills += 1;
        self.asleep += u64::from(asleep::is_asleep(worker.id()));
        worker.kill().expect("a signal sent");
        match worker.join() {
            // It may have done all it was to do, or not have begun.
            Ok(()) | Err(JoinError::Killed { .. } | JoinError::NeverStarted { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }

    /// Lets senders end, then, after `close`, receivers.
    fn calm(&self, workers: Vec<(Job, Child<()>)>, close: impl FnOnce()) {
        self.tally.stop();
        let (senders, receivers): (Vec<_>, Vec<_>) =
            workers.into_iter().partition(|(job, _)| *job == Job::Send);
        for (_, sender) in senders {
            sender.join().expect("it went well");
        }
        self.tally.finish();
        close();
        for (_, receiver) in receivers {
            receiver.join().expect("it went well");
        }
    }

    fn judge(&self, under_way: u64, killed: &[Job], repairs: u64) {
        let receivers = killed.iter().filter(|job| **job == Job::Receive).count() as u64;
        let (total, missing) = self.tally.verify(under_way, receivers);
        println!(
            "{} kills, {} of them asleep, {receivers} of receivers; {total} messages, {missing} gone with receivers, {repairs} repairs",
            self.kills, self.asleep,
        );
        assert!(total > 0, "nothing was sent");
    }
}
