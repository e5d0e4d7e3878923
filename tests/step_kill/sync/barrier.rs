//! The meeting point.

use crossproc::sync::{Cause, Party};
use crossproc::{Barrier, BarrierError};

use super::locks::PARTICIPANTS;
use crate::channel::Answer;
use crate::play::{Judge, Play, Script};
use crate::scenario::{Density, Row, Verdict};
use crate::stage::Cue::{Dies, Does, Sleeps, Tries};
use crate::stage::{Actor, DONE, Deed, Stage};

const JOIN: Deed = 1;
const LEAVE: Deed = 2;
const ARRIVE: Deed = 3;
const ABORT: Deed = 4;
const RESET: Deed = 5;
const IS_BROKEN: Deed = 6;

/// What becomes of those who arrive.
const RELEASED: Answer = 10;
/// The same for the leader.
const LED: Answer = 11;
const DIED: Answer = 12;
const LEFT: Answer = 13;
const ABORTED: Answer = 14;
const WAS_RESET: Answer = 15;

#[rustfmt::skip] // one row, one line
pub(crate) fn rows() -> Vec<Row> {
    let join = |state, script| row("barrier join", state, || create(1, false), judge_join, Script { act: &[JOIN], ..script });
    let tell = |operation, act| row(operation, "a party asleep", || create(2, false), judge_news, Script { act, before: &[Does(1, JOIN), Does(2, JOIN), Sleeps(1, ARRIVE)], ..Script::default() });
    let none = Script::default();
    let mut rows = vec![
        join("vacant", none),
        join("in place of one that left", Script { before: &[Does(1, JOIN), Does(1, LEAVE)], ..none }).density(Density::SAMPLED),
        join("in place of one that died", Script { before: &[Does(1, JOIN), Dies(1)], ..none }).density(Density::SAMPLED),
        tell("barrier abort", &[ABORT]),
        tell("barrier reset", &[RESET]),
    ];
    rows.extend(meetings("", || create(3, false), judge_meeting::<false>));
    rows.extend(meetings(", others go on", || create(3, true), judge_meeting::<true>));
    rows
}

fn row(
    operation: &'static str,
    state: impl Into<String>,
    create: fn() -> Barrier,
    judge: Judge<Hands>,
    script: Script,
) -> Row {
    Row::new(operation, state, move || Play::new(create, judge, script))
}

/// The victim is one of three parties.
#[rustfmt::skip] // one row, one line
fn meetings(policy: &str, create: fn() -> Barrier, judge: Judge<Hands>) -> [Row; 4] {
    let arrive = |state, script| row("barrier wait", format!("{state}{policy}"), create, judge, Script { act: &[ARRIVE], ..script });
    let spins = |row: Row| row.unsteady().density(Density::SPINNING_SAMPLED);
    let both_arrive = &[Tries(1, ARRIVE), Tries(2, ARRIVE)];
    let asleep = Script { before: &[Does(1, JOIN), Does(2, JOIN), Sleeps(1, ARRIVE), Sleeps(2, ARRIVE)], ..TWO_BESIDE };
    [
        spins(arrive("first, others come", Script { late: both_arrive, ..TWO_BESIDE })),
        spins(arrive("goes to sleep", Script { rouse: both_arrive, ..TWO_BESIDE })),
        arrive("last, two asleep", asleep).density(Density::SAMPLED),
        row("barrier leave", format!("two asleep{policy}"), create, judge, Script { act: &[LEAVE], ..asleep }),
    ]
}

const TWO_BESIDE: Script = Script {
    ready: &[JOIN],
    before: &[Does(1, JOIN), Does(2, JOIN)],
    act: &[],
    rouse: &[],
    late: &[],
    done: &[],
};

fn create(parties: usize, go_on: bool) -> Barrier {
    let options = Barrier::options()
        .parties(parties)
        .participants(PARTICIPANTS);
    let options = if go_on {
        options.go_on_without_the_dead()
    } else {
        options
    };
    options.anonymous().expect("a barrier")
}

struct Hands {
    barrier: &'static Barrier,
    party: Option<Party>,
}

impl Actor for Hands {
    type Shared = Barrier;

    fn enter(barrier: &'static Barrier) -> Self {
        // Nobody waits yet.
        barrier.reset().expect("reset");
        Hands {
            barrier,
            party: None,
        }
    }

    fn perform(&mut self, deed: Deed) -> Answer {
        match deed {
            JOIN if self.party.is_some() => {}
            JOIN => self.party = Some(self.barrier.join().expect("a seat")),
            LEAVE => self.party = None,
            ARRIVE => return arrive(self.party.as_mut().expect("joined")),
            ABORT => self.barrier.abort().expect("aborted"),
            RESET => self.barrier.reset().expect("reset"),
            IS_BROKEN => return self.barrier.broken().is_some().into(),
            _ => unreachable!("no deed of a barrier"),
        }
        DONE
    }

    fn undo(_deed: Deed) -> Option<Deed> {
        None
    }

    fn repairs(barrier: &Barrier) -> u64 {
        barrier.repairs()
    }
}

fn arrive(party: &mut Party) -> Answer {
    match party.wait() {
        Ok(result) if result.is_leader => LED,
        Ok(_) => RELEASED,
        Err(BarrierError::Broken(Cause::Died { pid })) => {
            assert_ne!(pid, 0);
            DIED
        }
        Err(BarrierError::Broken(Cause::Left)) => LEFT,
        Err(BarrierError::Broken(Cause::Aborted)) => ABORTED,
        Err(BarrierError::Broken(Cause::Reset)) => WAS_RESET,
        Err(error) => panic!("{error}"),
    }
}

/// What all who waited were told, which is the same.
fn told(answers: impl Iterator<Item = Answer>) -> Answer {
    let answers: Vec<Answer> = answers.collect();
    let leaders = answers.iter().filter(|answer| **answer == LED).count();
    assert!(leaders <= 1, "{leaders} leaders");
    let plain = |answer: &Answer| if *answer == LED { RELEASED } else { *answer };
    let first = answers.first().map(plain).expect("somebody waited");
    assert!(
        answers.iter().all(|answer| plain(answer) == first),
        "one generation, two ends: {answers:?}"
    );
    first
}

/// A party died or left: the others are told, all the same, or go on.
fn judge_meeting<const GO_ON: bool>(
    stage: &mut Stage<Hands>,
    script: &Script,
    returned: Option<Answer>,
) -> Verdict {
    assert!(stage.serve_no_heirs(), "somebody was left sleeping");
    let arrives = script.acts(ARRIVE) > 0;
    let mine = returned.filter(|_| arrives);
    let told = told(stage.answers(ARRIVE).chain(mine));
    if GO_ON || mine.is_some() {
        assert_eq!(told, RELEASED);
    }
    if arrives {
        assert!(matches!(told, RELEASED | DIED));
    } else if !GO_ON {
        assert!(told == LEFT || told == DIED && returned.is_none());
    }
    assert_eq!(stage.ask(IS_BROKEN), u64::from(told != RELEASED));
    if told != RELEASED {
        stage.ask(RESET);
    }
    stage.ask(JOIN);
    let repaired = stage.has_repaired();
    meet(stage);
    stage.ask(LEAVE);
    Verdict {
        committed: u64::from(if arrives {
            told == RELEASED
        } else {
            told == LEFT
        }),
        repaired,
        lost_wake: false,
    }
}

/// The judge and two others meet.
fn meet(stage: &mut Stage<Hands>) {
    stage.heard.clear();
    for who in [1, 2] {
        assert_eq!(stage.tries(who, ARRIVE), None, "not all are there");
    }
    let mine = stage.ask(ARRIVE);
    assert!(stage.serve(), "all are there");
    assert_eq!(told(stage.answers(ARRIVE).chain([mine])), RELEASED);
}

/// The dead one's seat is to be had.
fn judge_join(stage: &mut Stage<Hands>, script: &Script, returned: Option<Answer>) -> Verdict {
    stage.ask(JOIN);
    let repaired = stage.has_repaired();
    assert!(repaired || returned.is_none());
    assert_eq!(stage.ask(ARRIVE), LED);
    stage.ask(LEAVE);
    Verdict {
        committed: u64::from(repaired || script.has_dead(JOIN)),
        repaired,
        lost_wake: false,
    }
}

/// One who is no party aborts or resets: whoever waits is told, or nothing happened.
fn judge_news(stage: &mut Stage<Hands>, script: &Script, returned: Option<Answer>) -> Verdict {
    let news = if script.acts(ABORT) > 0 {
        ABORTED
    } else {
        WAS_RESET
    };
    let heard = stage.serve_no_heirs();
    assert!(heard || returned.is_none());
    if heard {
        assert_eq!(told(stage.answers(ARRIVE)), news);
        assert_eq!(stage.ask(IS_BROKEN), u64::from(news == ABORTED));
        stage.ask(RESET);
        assert_eq!(stage.tries(1, ARRIVE), None, "not all are there");
    } else {
        assert_eq!(stage.ask(IS_BROKEN), 0, "a party was left sleeping");
    }
    // If it has been reset, and nobody said so, the two do not meet.
    stage.heard.clear();
    stage.does(2, ARRIVE);
    assert!(stage.serve(), "a party was left sleeping");
    assert_eq!(told(stage.answers(ARRIVE)), RELEASED);
    Verdict {
        committed: heard.into(),
        ..Verdict::default()
    }
}
