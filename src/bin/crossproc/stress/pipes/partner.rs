//! The process a worker talks with.

use super::line::{Gone, Line};
use crate::stress::burst::{self, How};
use crate::stress::random::Random;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

const LONGEST_WAIT: Duration = Duration::from_millis(1);

#[derive(Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub(crate) struct Talk<L: Line> {
    pub(crate) end: L::End,
    pub(crate) seed: u64,
    /// When to be killed, if before the end.
    pub(crate) lives: Option<Duration>,
}

/// What it says at the end.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) said: u64,
    pub(crate) heard: u64,
    pub(crate) torn: bool,
}

/// Entry of the partner: listens until the worker has nothing more to say, and says something all the time.
pub(crate) fn talk<L: Line>(talk: Talk<L>) -> Account {
    crossproc::testing::set_backstop(burst::BACKSTOP);
    crossproc::testing::trust_membarrier(true);
    if let Some(lives) = talk.lives {
        thread::spawn(move || {
            thread::sleep(lives);
            let kill = rustix::process::Signal::KILL;
            let killed = rustix::process::kill_process(rustix::process::getpid(), kill);
            unreachable!("killed by itself: {killed:?}");
        });
    }
    let (mut sender, mut receiver) = L::split(talk.end);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let speaker = scope.spawn(|| {
            let (mut said, mut random) = (0, Random::new(!talk.seed));
            while !is_over.load(Relaxed) {
                match L::say(&mut sender, how(&mut random), said, false, &mut random) {
                    Ok(more) => said += more,
                    // Where the worker was killed, so is this process at any moment.
                    Err(Gone::Closed | Gone::Died) => break,
                    Err(Gone::Torn) => unreachable!("it hears nothing"),
                }
            }
            drop(sender);
            said
        });
        let (mut heard, mut random) = (0, Random::new(talk.seed));
        let end = loop {
            match L::hear(&mut receiver, how(&mut random), heard, &mut random) {
                Ok(more) => heard += more,
                Err(gone) => break gone,
            }
        };
        is_over.store(true, Relaxed);
        drop(receiver);
        Account {
            said: speaker.join().expect("it reports what is wrong itself"),
            heard,
            torn: end == Gone::Torn,
        }
    })
}

fn how(random: &mut Random) -> How {
    match random.below(4) {
        0 => How::Try,
        1 => How::Timeout(random.shorter_than(LONGEST_WAIT)),
        _ => How::Block,
    }
}
