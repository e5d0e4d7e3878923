//! Waiting for any of several: two counting semaphores, each in a segment of its own.

use crossproc::{CountingSemaphore, TryAcquireError, wait_any};

use super::locks::PARTICIPANTS;
use crate::channel::Answer;
use crate::play::{Play, Script};
use crate::scenario::{Density, Row, Verdict};
use crate::stage::Cue::{Does, Sleeps, Tries};
use crate::stage::{Actor, DONE, Deed, Stage, WOULD_BLOCK};

/// Waits for either, and acquires what is there.
const EITHER: Deed = 1;
/// Acquires of the first, of the second.
const FIRST: Deed = 2;
const SECOND: Deed = 3;
const TRY: Deed = 4;
const RELEASE_FIRST: Deed = 5;
const RELEASE_SECOND: Deed = 6;
const COUNT_FIRST: Deed = 7;
const COUNT_SECOND: Deed = 8;
/// Waits for either, and leaves what is there to others.
const LOOK: Deed = 9;

#[rustfmt::skip] // one row, one line
pub(crate) fn rows() -> Vec<Row> {
    let row = |operation, state, script| Row::new(operation, state, move || Play::<Hands>::new(create, judge, script));
    let waits = |state, script| row("wait_any", state, Script { act: &[EITHER], ..script }).unsteady().density(Density::SPINNING_SAMPLED);
    let looks = |state, script| row("wait_any, takes nothing", state, Script { act: &[LOOK], ..script }).unsteady().density(Density::SPINNING_SAMPLED);
    let release = |state, script| row("count release", state, Script { act: &[RELEASE_FIRST], ..script });
    let none = Script::default();
    vec![
        waits("there is one", Script { before: &[Does(1, RELEASE_FIRST)], ..none }),
        waits("goes to sleep", Script { rouse: &[Does(1, RELEASE_SECOND)], ..none }),
        waits("goes to sleep, others for one each behind", Script { rouse: &[Tries(2, FIRST), Tries(3, SECOND), Does(1, RELEASE_FIRST), Does(1, RELEASE_SECOND)], ..none }),
        waits("goes to sleep, another for either behind", Script { rouse: &[Tries(2, EITHER), Does(1, RELEASE_FIRST)], ..none }),
        looks("goes to sleep, another for the first behind", Script { rouse: &[Tries(2, FIRST), Does(1, RELEASE_FIRST)], ..none }),
        looks("goes to sleep, others for one each behind", Script { rouse: &[Tries(2, FIRST), Tries(3, SECOND), Does(1, RELEASE_FIRST), Does(1, RELEASE_SECOND)], ..none }),
        release("one for either asleep", Script { before: &[Sleeps(1, EITHER)], ..none }),
        release("two for either asleep", Script { before: &[Sleeps(1, EITHER), Sleeps(2, EITHER)], ..none }),
        release("one for either asleep, one for the first", Script { before: &[Sleeps(1, EITHER), Sleeps(2, FIRST)], ..none }),
        release("one who takes nothing asleep, one for the first", Script { before: &[Sleeps(1, LOOK), Sleeps(2, FIRST)], ..none }),
        row("count release", "of both, three for either asleep", Script { act: &[RELEASE_FIRST, RELEASE_SECOND], before: &[Sleeps(1, EITHER), Sleeps(2, EITHER), Sleeps(3, EITHER)], ..none }),
    ]
}

type Both = [CountingSemaphore; 2];

fn create() -> Both {
    let options = CountingSemaphore::options()
        .count(0)
        .participants(PARTICIPANTS);
    [(); 2].map(|()| options.anonymous().expect("a semaphore"))
}

struct Hands(&'static Both);

fn try_acquire(semaphore: &CountingSemaphore) -> bool {
    match semaphore.try_acquire() {
        Err(TryAcquireError::WouldBlock) => false,
        outcome => outcome.map(|()| true).expect("acquired"),
    }
}

impl Actor for Hands {
    type Shared = Both;

    fn enter(both: &'static Both) -> Self {
        for semaphore in both {
            semaphore.release(0).expect("nothing released");
        }
        Hands(both)
    }

    fn perform(&mut self, deed: Deed) -> Answer {
        let Hands([first, second]) = self;
        match deed {
            EITHER => loop {
                let index = wait_any(&[first, second]).expect("one is ready");
                if try_acquire([first, second][index]) {
                    return DONE;
                }
            },
            LOOK => drop(wait_any(&[first, second]).expect("one is ready")),
            FIRST => first.acquire().expect("acquired"),
            SECOND => second.acquire().expect("acquired"),
            TRY if try_acquire(first) || try_acquire(second) => {}
            TRY => return WOULD_BLOCK,
            RELEASE_FIRST => first.release(1).expect("released"),
            RELEASE_SECOND => second.release(1).expect("released"),
            COUNT_FIRST => return first.count().into(),
            COUNT_SECOND => return second.count().into(),
            _ => unreachable!("no deed of two semaphores"),
        }
        DONE
    }

    /// What was acquired is used up.
    fn undo(_deed: Deed) -> Option<Deed> {
        None
    }

    fn repairs(_: &Both) -> u64 {
        0
    }
}

/// What was released is acquired or there; as long as there is any, nobody sleeps who could have it.
fn judge(stage: &mut Stage<Hands>, script: &Script, returned: Option<Answer>) -> Verdict {
    stage.serve_no_heirs();
    let left = [stage.ask(COUNT_FIRST), stage.ask(COUNT_SECOND)];
    let still = |deed| script.cued(deed) - stage.answers(deed).count() as u64;
    let for_any = still(EITHER) + still(LOOK);
    let (for_first, for_second) = (for_any + still(FIRST), for_any + still(SECOND));
    assert!(left[0] == 0 || for_first == 0, "somebody was left sleeping");
    assert!(
        left[1] == 0 || for_second == 0,
        "somebody was left sleeping"
    );

    let taken: usize = [EITHER, FIRST, SECOND]
        .iter()
        .map(|deed| stage.answers(*deed).count())
        .sum();
    let found = left[0] + left[1] + taken as u64;
    let given = script.cued(RELEASE_FIRST) + script.cued(RELEASE_SECOND);
    let changed = found as i64 - given as i64;
    let released = script.acts(RELEASE_FIRST) + script.acts(RELEASE_SECOND);
    let goal = released as i64 - script.acts(EITHER) as i64;
    let may_be = |changed: i64| changed.signum() == goal.signum() && changed.abs() <= goal.abs();
    assert!(changed == goal || returned.is_none() && (changed == 0 || may_be(changed)));

    for _ in 0..stage.waiting() {
        stage.ask(RELEASE_FIRST);
        stage.ask(RELEASE_SECOND);
    }
    assert!(stage.serve(), "the next releases wake them");
    while stage.ask(TRY) == DONE {}
    Verdict {
        committed: changed.unsigned_abs(),
        ..Verdict::default()
    }
}
