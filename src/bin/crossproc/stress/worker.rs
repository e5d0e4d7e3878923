//! What worker processes do: move messages in every way there is, and keep the ledger.

use super::ledger::{Address, Desk, Ledger, Pace, add};
use super::message::{Key, Message, ROOM, open, seal};
use super::primitives::{How, Subject};
use super::random::Random;
use super::sabotage::{Sabotage, Saboteur};
use serde::{Deserialize, Serialize};
use std::sync::atomic::{
    Ordering::{Acquire, Relaxed, Release, SeqCst},
    compiler_fence,
};
use std::thread;
use std::time::Duration;

/// Longer than any round: a sleeper whose wake-up is lost stays asleep, and is noticed.
const BACKSTOP: Duration = Duration::from_secs(3600);
const GLANCE: Duration = Duration::from_micros(10);
const LONGEST_PAUSE: Duration = Duration::from_micros(100);
const LONGEST_NAP: Duration = Duration::from_millis(1);
const LONGEST_TIMEOUT: Duration = Duration::from_millis(1);

#[derive(Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub(crate) struct Job<S: Subject<N>, const N: usize> {
    pub(crate) handle: S::Handle,
    pub(crate) ledger: Address,
    pub(crate) desk: usize,
    /// Where a consumer marks what it has received.
    pub(crate) column: usize,
    pub(crate) seed: u64,
    /// A worker naps after one burst in so many, so that its peers find no company.
    pub(crate) bursts_per_nap: u64,
    pub(crate) sabotage: Option<Sabotage>,
}

/// What a worker was doing when it was last heard of.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Doing {
    Starting,
    Trying,
    Blocking,
    Waiting,
    Napping,
    /// Until the primitive is empty, or full.
    Pacing,
    Ended,
}

impl Doing {
    const ALL: [Self; 7] = [
        Self::Starting,
        Self::Trying,
        Self::Blocking,
        Self::Waiting,
        Self::Napping,
        Self::Pacing,
        Self::Ended,
    ];

    pub(crate) fn at(desk: &Desk<'_>) -> Self {
        Self::ALL[desk.doing.load(Relaxed) as usize % Self::ALL.len()]
    }

    fn of(how: How) -> Self {
        match how {
            How::Try => Self::Trying,
            How::Block => Self::Blocking,
            How::Timeout(_) => Self::Waiting,
        }
    }

    fn tell(self, desk: &Desk<'_>) {
        desk.doing.store(self as u64, Relaxed);
    }
}

/// A few calls of the same kind.
#[derive(Clone, Copy)]
struct Burst {
    calls: u64,
    how: How,
    batch: usize,
}

impl Burst {
    /// Picks the next burst, and naps before it from time to time.
    fn next(desk: &Desk<'_>, random: &mut Random, largest_batch: usize, per_nap: u64) -> Self {
        if random.one_in(per_nap) {
            Doing::Napping.tell(desk);
            thread::sleep(random.shorter_than(LONGEST_NAP));
        }
        Self {
            calls: 1 + random.below(64),
            how: match random.below(4) {
                0 => How::Try,
                1 => How::Timeout(random.shorter_than(LONGEST_TIMEOUT)),
                _ => How::Block,
            },
            batch: 1 + random.below(largest_batch as u64) as usize,
        }
    }

    /// Where a wake-up is everything, nobody may help themselves to one.
    fn at(&self, pace: Pace) -> Self {
        match pace {
            Pace::IntoEmpty | Pace::OutOfFull => Self {
                how: How::Block,
                ..*self
            },
            _ => *self,
        }
    }
}

fn start<S: Subject<N>, const N: usize>(job: &Job<S, N>) -> (Ledger, Random) {
    crossproc::testing::set_backstop(BACKSTOP);
    let ledger = Ledger::attach(job.ledger).expect("the parent keeps the ledger open");
    Doing::Starting.tell(&ledger.desk(job.desk));
    (ledger, Random::new(job.seed))
}

/// Entry of a producer: sends until the round ends.
pub(crate) fn produce<S: Subject<N>, const N: usize>(job: Job<S, N>) -> usize {
    let (ledger, mut random) = start(&job);
    let mut sender = S::sender(&job.handle).unwrap_or_else(|error| panic!("{error}"));
    while let Some(account) = ledger.open_account(job.desk)
        && fill(&job, &ledger, account, &mut sender, &mut random)
    {}
    Doing::Ended.tell(&ledger.desk(job.desk));
    0
}

/// Sends all the messages of one account. False if the round ended before.
fn fill<S: Subject<N>, const N: usize>(
    job: &Job<S, N>,
    ledger: &Ledger,
    index: usize,
    sender: &mut S::Sender,
    random: &mut Random,
) -> bool {
    let desk = ledger.desk(job.desk);
    let account = ledger.account(index);
    let mut batch: Vec<Message<N>> = vec![[0; N]; S::BATCH];
    let mut next = 0;
    while next < ROOM {
        let burst = Burst::next(&desk, random, S::BATCH, job.bursts_per_nap);
        for _ in 0..burst.calls {
            let pace = ledger.pace();
            if pace == Pace::Ending {
                return false;
            }
            let mut call = burst.at(pace);
            if pace == Pace::IntoEmpty {
                keep_pace(job, ledger, random, |len| len == 0);
                call.batch = 1;
            }
            let batch = &mut batch[..call.batch.min(ROOM - next)];
            if batch.is_empty() {
                break;
            }
            for (i, message) in batch.iter_mut().enumerate() {
                *message = seal(Key::new(index, next + i));
            }
            account
                .attempted
                .store((next + batch.len()) as u64, Release);
            // A killed process leaves its stores in program order, if the compiler does.
            compiler_fence(SeqCst);
            Doing::of(call.how).tell(&desk);
            let Ok(sent) = S::send(sender, call.how, batch) else {
                panic!("closed, with its consumers at work");
            };
            next += sent;
            account.committed.store(next as u64, Release);
            add(desk.moved, sent as u64);
            if sent == 0 {
                thread::yield_now();
            }
        }
    }
    true
}

/// Entry of a consumer: receives until the primitive is closed and drained.
pub(crate) fn consume<S: Subject<N>, const N: usize>(job: Job<S, N>) -> usize {
    let (ledger, mut random) = start(&job);
    let desk = ledger.desk(job.desk);
    let mut receiver = S::receiver(&job.handle).unwrap_or_else(|error| panic!("{error}"));
    let mut saboteur = Saboteur::new(job.sabotage);
    let mut tray = ledger.tray(job.desk).expect("the tray is mapped");
    let tray = tray.messages(S::BATCH);
    loop {
        let burst = Burst::next(&desk, &mut random, S::BATCH, job.bursts_per_nap);
        for _ in 0..burst.calls {
            let pace = ledger.pace();
            let mut call = burst.at(pace);
            if pace == Pace::OutOfFull {
                let capacity = S::capacity(&job.handle);
                keep_pace(&job, &ledger, &mut random, |len| len == capacity);
                call.batch = 1;
            }
            let batch = &mut tray[..call.batch];
            desk.taking.store(batch.len() as u64, Release);
            // The same as in `fill`: the claim must be there before the message can be gone.
            compiler_fence(SeqCst);
            Doing::of(call.how).tell(&desk);
            let Ok(received) = S::recv(&mut receiver, call.how, batch) else {
                saboteur.finish(|message| enter(&ledger, &desk, job.column, message));
                desk.taking.store(0, Release);
                Doing::Ended.tell(&desk);
                return 0;
            };
            for message in &batch[..received] {
                saboteur.pass(*message, |message| {
                    enter(&ledger, &desk, job.column, message)
                });
            }
            desk.taking.store(0, Release);
            if received == 0 {
                thread::yield_now();
            }
        }
    }
}

/// Waits, at this pace, until the length is right, and a little longer: the other side falls asleep.
fn keep_pace<S: Subject<N>, const N: usize>(
    job: &Job<S, N>,
    ledger: &Ledger,
    random: &mut Random,
    is_right: impl Fn(usize) -> bool,
) {
    let pace = ledger.pace();
    Doing::Pacing.tell(&ledger.desk(job.desk));
    while ledger.pace() == pace && !is_right(S::len(&job.handle)) {
        thread::sleep(GLANCE);
    }
    thread::sleep(random.shorter_than(LONGEST_PAUSE));
}

/// Checks a received message and marks it.
fn enter<const N: usize>(ledger: &Ledger, desk: &Desk<'_>, column: usize, message: &Message<N>) {
    add(desk.moved, 1);
    let key = open(message);
    let owner = key.map_or(0, |key| {
        ledger.account(key.account()).owner.load(Acquire) as usize
    });
    let (Some(key), 1..) = (key, owner) else {
        return add(desk.torn, 1);
    };
    let last = &desk.last[owner - 1];
    if !ledger.mark(key, column) {
        add(desk.duplicated, 1);
    } else if key.bits() < last.load(Relaxed) {
        add(desk.reordered, 1);
    }
    last.store(key.bits() + 1, Release);
}

/// Entry of the process that comes when all others are dead: receives what they left, and
/// returns how many elements of the capacity they took with them.
pub(crate) fn survive<S: Subject<N>, const N: usize>(job: Job<S, N>) -> usize {
    let (ledger, _) = start(&job);
    let desk = ledger.desk(job.desk);
    Doing::Trying.tell(&desk);
    let mut receiver = S::receiver(&job.handle).unwrap_or_else(|error| panic!("{error}"));
    while let Some(message) = take::<S, N>(&mut receiver) {
        enter(&ledger, &desk, job.column, &message);
    }

    let mut sender = S::sender(&job.handle).unwrap_or_else(|error| panic!("{error}"));
    let fresh = |i| seal(Key::new(0, i));
    let sent = (0..)
        .take_while(|&i| matches!(S::send(&mut sender, How::Try, &[fresh(i)]), Ok(1)))
        .count();
    for i in 0..sent {
        assert_eq!(take::<S, N>(&mut receiver), Some(fresh(i)), "refilled");
    }
    assert_eq!(take::<S, N>(&mut receiver), None, "drained");
    Doing::Ended.tell(&desk);
    S::capacity(&job.handle) - sent
}

fn take<S: Subject<N>, const N: usize>(receiver: &mut S::Receiver) -> Option<Message<N>> {
    let mut one = [[0; N]];
    matches!(S::recv(receiver, How::Try, &mut one), Ok(1)).then_some(one[0])
}
