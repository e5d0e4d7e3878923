//! What worker processes do: move messages in every way there is, and keep the ledger.

use super::ledger::{Address, Desk, Ledger};
use super::message::{Key, Message, ROOM, open, seal};
use super::saboteur::Saboteur;
use super::subject::Subject;
use crate::stress::burst::{self, Burst, How};
use crate::stress::desk::{Doing, add};
use crate::stress::random::Random;
use crate::stress::sabotage::Sabotage;
use crate::stress::sheet::Pace;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{
    Ordering::{Acquire, Relaxed, Release, SeqCst},
    compiler_fence,
};
use std::thread;

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

fn start<S: Subject<N>, const N: usize>(job: &Job<S, N>) -> (Ledger, Random) {
    crossproc::testing::set_backstop(burst::BACKSTOP);
    crossproc::testing::trust_membarrier(true);
    let ledger = Ledger::attach(job.ledger).expect("the parent keeps the ledger open");
    ledger.desk(job.desk).tell(Doing::Starting);
    (ledger, Random::new(job.seed))
}

/// Entry of a producer: sends until the round ends.
pub(crate) fn produce<S: Subject<N>, const N: usize>(job: Job<S, N>) -> usize {
    let (ledger, mut random) = start(&job);
    let mut sender = S::sender(&job.handle).unwrap_or_else(|error| panic!("{error}"));
    while let Some(account) = ledger.open_account(job.desk)
        && fill(&job, &ledger, account, &mut sender, &mut random)
    {}
    ledger.desk(job.desk).tell(Doing::Ended);
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
        let burst = Burst::next(&desk, random, job.bursts_per_nap);
        let longest = 1 + random.below(S::BATCH as u64) as usize;
        for _ in 0..burst.calls {
            let pace = ledger.pace();
            if pace == Pace::Ending {
                return false;
            }
            let (how, mut count) = (burst.how(pace), longest);
            if pace == Pace::IntoEmpty {
                burst::keep_pace(&desk, random, || {
                    ledger.pace() != pace || S::len(&job.handle) == 0
                });
                count = 1;
            }
            let batch = &mut batch[..count.min(ROOM - next)];
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
            desk.tell(how.doing());
            let Ok(sent) = S::send(sender, how, batch) else {
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
        let burst = Burst::next(&desk, &mut random, job.bursts_per_nap);
        let longest = 1 + random.below(S::BATCH as u64) as usize;
        for _ in 0..burst.calls {
            let pace = ledger.pace();
            let (how, mut count) = (burst.how(pace), longest);
            if pace == Pace::OutOfFull {
                burst::keep_pace(&desk, &mut random, || {
                    ledger.pace() != pace || S::is_full(&job.handle)
                });
                count = 1;
            }
            let batch = &mut tray[..count];
            desk.taking.store(batch.len() as u64, Release);
            // The same as in `fill`: the claim must be there before the message can be gone.
            compiler_fence(SeqCst);
            desk.tell(how.doing());
            let Ok(received) = S::recv(&mut receiver, how, batch) else {
                saboteur.finish(|message| enter(&ledger, &desk, job.column, message, false));
                desk.taking.store(0, Release);
                desk.tell(Doing::Ended);
                return 0;
            };
            let again = S::is_again(&receiver);
            for message in &batch[..received] {
                saboteur.pass(*message, |message| {
                    enter(&ledger, &desk, job.column, message, again)
                });
            }
            S::done(&mut receiver);
            desk.taking.store(0, Release);
            if received == 0 {
                thread::yield_now();
            }
        }
    }
}

/// Checks a received message and marks it. One that comes again may have been marked.
fn enter<const N: usize>(
    ledger: &Ledger,
    desk: &Desk<'_>,
    column: usize,
    message: &Message<N>,
    again: bool,
) {
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
        add(desk.duplicated, u64::from(!again));
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
    desk.tell(Doing::Trying);
    let mut receiver = S::receiver(&job.handle).unwrap_or_else(|error| panic!("{error}"));
    while let Some((message, again)) = take::<S, N>(&mut receiver) {
        enter(&ledger, &desk, job.column, &message, again);
    }

    let mut sender = S::sender(&job.handle).unwrap_or_else(|error| panic!("{error}"));
    let fresh = |i| seal(Key::new(0, i));
    let sent = (0..)
        .take_while(|&i| matches!(S::send(&mut sender, How::Try, &[fresh(i)]), Ok(1)))
        .count();
    for i in 0..sent {
        assert_eq!(
            take::<S, N>(&mut receiver),
            Some((fresh(i), false)),
            "refilled"
        );
    }
    assert_eq!(take::<S, N>(&mut receiver), None, "drained");
    desk.tell(Doing::Ended);
    S::missing(&job.handle, sent)
}

/// One message, and whether it had been delivered before.
fn take<S: Subject<N>, const N: usize>(receiver: &mut S::Receiver) -> Option<(Message<N>, bool)> {
    let mut one = [[0; N]];
    let taken = matches!(S::recv(receiver, How::Try, &mut one), Ok(1));
    let again = S::is_again(receiver);
    S::done(receiver);
    taken.then_some((one[0], again))
}
