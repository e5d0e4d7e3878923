//! The counting semaphore.

use crossproc::{CountingSemaphore, TryAcquireError};

use super::locks::PARTICIPANTS;
use crate::channel::Answer;
use crate::play::{Play, Script};
use crate::scenario::{Density, Row, Verdict};
use crate::stage::Cue::{Begins, Does, Sleeps, Tries};
use crate::stage::{Actor, DONE, Deed, Stage, WOULD_BLOCK};

const ACQUIRE: Deed = 1;
const TRY_ACQUIRE: Deed = 2;
const RELEASE: Deed = 3;
const RELEASE_TWO: Deed = 4;
const COUNT: Deed = 5;

#[rustfmt::skip] // one row, one line
pub(crate) fn rows() -> Vec<Row> {
    let row = |operation, state, script| Row::new(operation, state, move || Play::<Hands>::new(create, judge, script));
    let acquire = |state, script| row("count acquire", state, Script { act: &[ACQUIRE], ..script });
    let release = |state, script| row("count release", state, Script { act: &[RELEASE], ..script });
    let spins = |row: Row| row.unsteady().density(Density::SPINNING_SAMPLED);
    let none = Script::default();
    vec![
        acquire("there is one", Script { before: &[Does(1, RELEASE)], ..none }),
        spins(acquire("goes to sleep", Script { rouse: &[Does(1, RELEASE)], ..none })),
        spins(acquire("goes to sleep, another behind", Script { rouse: &[Tries(2, ACQUIRE), Does(1, RELEASE)], ..none })),
        release("nobody waits", none),
        release("a waiter asleep", Script { before: &[Sleeps(1, ACQUIRE)], ..none }),
        release("two waiters asleep", Script { before: &[Sleeps(1, ACQUIRE), Sleeps(2, ACQUIRE)], ..none }),
        release("a waiter spins", Script { late: &[Begins(1, ACQUIRE)], ..none }),
        row("count release", "of two, three waiters asleep", Script { act: &[RELEASE_TWO], before: &[Sleeps(1, ACQUIRE), Sleeps(2, ACQUIRE), Sleeps(3, ACQUIRE)], ..none }),
    ]
}

fn create() -> CountingSemaphore {
    let options = CountingSemaphore::options().count(0);
    options
        .participants(PARTICIPANTS)
        .anonymous()
        .expect("a semaphore")
}

struct Hands(&'static CountingSemaphore);

impl Actor for Hands {
    type Shared = CountingSemaphore;

    fn enter(semaphore: &'static CountingSemaphore) -> Self {
        semaphore.release(0).expect("nothing released");
        Hands(semaphore)
    }

    fn perform(&mut self, deed: Deed) -> Answer {
        let Hands(semaphore) = self;
        match deed {
            ACQUIRE => semaphore.acquire().expect("acquired"),
            TRY_ACQUIRE => match semaphore.try_acquire() {
                Err(TryAcquireError::WouldBlock) => return WOULD_BLOCK,
                outcome => outcome.expect("acquired"),
            },
            RELEASE => semaphore.release(1).expect("released"),
            RELEASE_TWO => semaphore.release(2).expect("released"),
            COUNT => return semaphore.count().into(),
            _ => unreachable!("no deed of a semaphore"),
        }
        DONE
    }

    /// What was acquired is used up.
    fn undo(_deed: Deed) -> Option<Deed> {
        None
    }

    fn repairs(semaphore: &CountingSemaphore) -> u64 {
        semaphore.repairs()
    }
}

/// What was released is acquired or there; as long as there is any, nobody sleeps.
fn judge(stage: &mut Stage<Hands>, script: &Script, returned: Option<Answer>) -> Verdict {
    let served = stage.serve_no_heirs();
    let left = stage.ask(COUNT);
    assert!(served || left == 0, "somebody was left sleeping");
    let found = left + stage.answers(ACQUIRE).count() as u64;
    let given = script.cued(RELEASE);
    let changed = i64::try_from(found).expect("small") - given as i64;
    let goal = script.acts(RELEASE) as i64 + 2 * script.acts(RELEASE_TWO) as i64
        - script.acts(ACQUIRE) as i64;
    assert!(changed == goal || (changed, returned) == (0, None));

    for _ in 0..stage.waiting() {
        stage.ask(RELEASE);
    }
    assert!(stage.serve(), "the next release wakes them");
    for _ in 0..left {
        assert_eq!(stage.ask(TRY_ACQUIRE), DONE);
    }
    assert_eq!(stage.ask(TRY_ACQUIRE), WOULD_BLOCK);
    Verdict {
        committed: changed.unsigned_abs(),
        ..Verdict::default()
    }
}
