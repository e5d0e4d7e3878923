//! The semaphore whose permits come back.

use crossproc::sync::Permit;
use crossproc::{Semaphore, TryAcquireError};

use super::locks::PARTICIPANTS;
use crate::channel::Answer;
use crate::play::{Play, Script};
use crate::scenario::{Density, Row, Verdict};
use crate::stage::Cue::{Begins, Dies, Does, Sleeps, Tries};
use crate::stage::{Actor, DONE, Deed, Stage, WOULD_BLOCK};

const ACQUIRE: Deed = 1;
const TRY_ACQUIRE: Deed = 2;
const RELEASE: Deed = 3;
const AVAILABLE: Deed = 4;

const PERMITS: u64 = 2;

#[rustfmt::skip] // one row, one line
pub(crate) fn rows() -> Vec<Row> {
    let row = |operation, state, script| Row::new(operation, state, move || Play::<Hands>::new(create, judge, script));
    let acquire = |state, script| row("acquire", state, Script { act: &[ACQUIRE], ..script });
    let release = |state, script| row("release", state, Script { act: &[RELEASE], ..script });
    let spins = |row: Row| row.unsteady().density(Density::SPINNING_SAMPLED);
    let none = Script::default();
    vec![
        acquire("free", none),
        acquire("one held", Script { before: &[Does(1, ACQUIRE)], ..none }),
        acquire("all held by the dead", Script { before: &[Does(1, ACQUIRE), Does(1, ACQUIRE), Dies(1)], ..none }).density(Density::SAMPLED),
        row("acquire", "try, all held", Script { act: &[TRY_ACQUIRE], before: &[Does(1, ACQUIRE), Does(2, ACQUIRE)], ..none }).density(Density::SAMPLED),
        spins(acquire("goes to sleep", Script { before: &[Does(1, ACQUIRE), Does(1, ACQUIRE)], ..none })),
        spins(acquire("goes to sleep, another behind", Script { before: &[Does(1, ACQUIRE), Does(2, ACQUIRE)], rouse: &[Tries(3, ACQUIRE), Does(1, RELEASE)], ..none })),
        spins(acquire("holder dies while it sleeps", Script { before: &[Does(1, ACQUIRE), Does(2, ACQUIRE)], rouse: &[Tries(3, ACQUIRE), Dies(1)], ..none })),
        release("nobody waits", Script { ready: &[ACQUIRE], ..none }),
        release("a waiter asleep", Script { ready: &[ACQUIRE, ACQUIRE], before: &[Sleeps(1, ACQUIRE)], ..none }),
        release("three waiters asleep", Script { ready: &[ACQUIRE], before: &[Does(1, ACQUIRE), Sleeps(2, ACQUIRE), Sleeps(3, ACQUIRE), Sleeps(4, ACQUIRE)], ..none }),
        release("a waiter spins", Script { ready: &[ACQUIRE, ACQUIRE], late: &[Begins(1, ACQUIRE)], ..none }),
        row("release", "both, two waiters asleep", Script { ready: &[ACQUIRE, ACQUIRE], act: &[RELEASE, RELEASE], before: &[Sleeps(1, ACQUIRE), Sleeps(2, ACQUIRE)], ..none }),
        row("acquire", "and release, others come to wait", Script { ready: &[ACQUIRE], act: &[ACQUIRE, RELEASE], late: &[Tries(1, ACQUIRE)], ..none }).unsteady(),
    ]
}

fn create() -> Semaphore {
    let options = Semaphore::options().permits(PERMITS as usize);
    options
        .participants(PARTICIPANTS)
        .anonymous()
        .expect("a semaphore")
}

struct Hands {
    semaphore: &'static Semaphore,
    permits: Vec<Permit<'static>>,
}

impl Actor for Hands {
    type Shared = Semaphore;

    fn enter(semaphore: &'static Semaphore) -> Self {
        drop(semaphore.try_acquire());
        Hands {
            semaphore,
            permits: Vec::with_capacity(PERMITS as usize),
        }
    }

    fn perform(&mut self, deed: Deed) -> Answer {
        match deed {
            ACQUIRE => self
                .permits
                .push(self.semaphore.acquire().expect("a permit")),
            TRY_ACQUIRE => match self.semaphore.try_acquire() {
                Ok(permit) => self.permits.push(permit),
                Err(TryAcquireError::WouldBlock) => return WOULD_BLOCK,
                Err(error) => panic!("{error}"),
            },
            RELEASE => drop(self.permits.pop().expect("it has one")),
            AVAILABLE => return self.semaphore.available() as u64,
            _ => unreachable!("no deed of a semaphore"),
        }
        DONE
    }

    fn undo(deed: Deed) -> Option<Deed> {
        matches!(deed, ACQUIRE | TRY_ACQUIRE).then_some(RELEASE)
    }

    fn repairs(semaphore: &Semaphore) -> u64 {
        semaphore.repairs()
    }
}

/// Everybody who waits is served; then there are as many permits as at first.
fn judge(stage: &mut Stage<Hands>, script: &Script, returned: Option<Answer>) -> Verdict {
    let served = if script.acts(RELEASE) > 0 {
        stage.serve_no_heirs()
    } else {
        stage.serve()
    };
    assert!(served, "somebody was left sleeping");
    assert_eq!(stage.ask(AVAILABLE), PERMITS);
    for _ in 0..PERMITS {
        assert_eq!(stage.ask(TRY_ACQUIRE), DONE, "a permit has not come back");
    }
    assert_eq!(stage.ask(TRY_ACQUIRE), WOULD_BLOCK, "one permit too many");
    assert_eq!(stage.ask(AVAILABLE), 0);
    for _ in 0..PERMITS {
        stage.ask(RELEASE);
    }
    // By now each permit that somebody died with has been taken over.
    let inherited = stage.repairs();
    if returned.is_some_and(|answer| answer != WOULD_BLOCK) && !script.has_dead(ACQUIRE) {
        assert_eq!(inherited, script.acts(ACQUIRE) - script.acts(RELEASE));
    }
    let had = script.ready.len() as u64;
    Verdict {
        committed: inherited.abs_diff(had),
        repaired: inherited > 0,
        lost_wake: false,
    }
}
