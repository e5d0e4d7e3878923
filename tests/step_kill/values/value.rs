//! One value: it is what it was or what it was to become, whole, and nobody who lives waits for the dead.

use crossproc::{Group, Value};

use crate::channel::Answer;
use crate::message::{message, number};
use crate::play::{Play, Script};
use crate::scenario::{Density, Fate, Row, Verdict};
use crate::stage::Cue::{self, Begins, Does, Tries};
use crate::stage::{Actor, Deed, Stage};

/// To the next number, by what was read before: for one who writes alone.
const SET: Deed = 1;
const REPLACE: Deed = 2;
const EXCHANGE: Deed = 3;
/// To the next number, whoever else does it.
const UPDATE: Deed = 4;
const GET: Deed = 5;
/// Of the number beside it.
const ADD: Deed = 6;
const COUNT: Deed = 7;

const PARTICIPANTS: u32 = 18;

/// So often that both copies are written while one is being read.
const MANY_UPDATES: &[Cue] = &[Does(1, UPDATE); 5];

/// As many words as take one atomic instruction, and as many as take two copies and a version.
#[rustfmt::skip] // one row, one line
pub(crate) fn rows() -> Vec<Row> {
    fn row<const N: usize>(operation: &'static str, state: &'static str, script: Script) -> Row {
        Row::new(operation, state, move || Play::<Hands<N>>::new(create, judge, script))
    }
    let none = Script::default();
    let acts = |act| Script { act, ..none };
    let another = Script { late: &[Tries(1, UPDATE)], ..none };
    let spins = Script { late: &[Begins(1, UPDATE), Begins(2, UPDATE)], ..none };
    let many = Script { late: MANY_UPDATES, ..none };
    vec![
        row::<1>("value set", "a word", acts(&[SET])),
        row::<1>("value update", "a word", acts(&[UPDATE])),
        row::<1>("value update", "a word, another does", Script { act: &[UPDATE], ..another }).unsteady(),
        row::<1>("value add", "a word", acts(&[ADD])),
        row::<1>("value add", "a word, others do", Script { act: &[ADD], late: &[Does(1, ADD), Does(2, ADD)], ..none }),
        row::<3>("value set", "three words", acts(&[SET])),
        row::<3>("value set", "twice", acts(&[SET, SET])).density(Density::SAMPLED),
        row::<8>("value set", "eight words", acts(&[SET])).density(Density::SAMPLED),
        row::<3>("value replace", "three words", acts(&[REPLACE])).density(Density::SAMPLED),
        row::<3>("value exchange", "three words", acts(&[EXCHANGE])).density(Density::SAMPLED),
        row::<3>("value update", "three words", acts(&[UPDATE])),
        row::<3>("value update", "another comes to write", Script { act: &[UPDATE], ..another }).unsteady(),
        row::<3>("value update", "another does, stopped but alive", Script { act: &[UPDATE], ..another }).unsteady().density(Density::SAMPLED).fate(Fate::Held),
        row::<3>("value update", "two others spin", Script { act: &[UPDATE], ..spins }).unsteady().density(Density::SAMPLED),
        row::<3>("value get", "nobody writes", acts(&[GET])).density(Density::SAMPLED),
        row::<3>("value get", "written again and again meanwhile", Script { act: &[GET], ..many }).unsteady().density(Density::SAMPLED).fate(Fate::Held),
    ]
}

type Shared<const N: usize> = (Value<[u64; N]>, Value<u64>);

fn create<const N: usize>() -> Shared<N> {
    let parts = (
        Value::options().value(message(0)),
        Value::options().value(0u64),
    );
    let group = Group::of(parts).participants(PARTICIPANTS);
    group.anonymous().expect("two values")
}

struct Hands<const N: usize>(&'static Shared<N>);

impl<const N: usize> Hands<N> {
    fn get(&self) -> u64 {
        number(self.0.0.get().expect("a value"))
    }
}

impl<const N: usize> Actor for Hands<N> {
    type Shared = Shared<N>;

    fn enter(shared: &'static Self::Shared) -> Self {
        let other = shared.0.compare_exchange([7; N], [7; N]);
        assert!(other.expect("a value").is_err());
        Hands(shared)
    }

    fn perform(&mut self, deed: Deed) -> Answer {
        let Hands((value, count)) = self;
        let next = |now| message(number(now) + 1);
        match deed {
            SET => {
                let now = self.get();
                value.set(message(now + 1)).expect("set");
                now
            }
            REPLACE => {
                let now = self.get();
                let old = value.replace(message(now + 1)).expect("replaced");
                assert_eq!(number(old), now);
                now
            }
            EXCHANGE => {
                let now = self.get();
                let old = value.compare_exchange(message(now), message(now + 1));
                number(old.expect("a value").expect("as it was"))
            }
            UPDATE => number(value.update(next).expect("updated")),
            GET => self.get(),
            ADD => count.fetch_add(1),
            COUNT => count.get().expect("a number"),
            _ => unreachable!("no deed of a value"),
        }
    }

    fn undo(_deed: Deed) -> Option<Deed> {
        None
    }

    fn repairs(shared: &Self::Shared) -> u64 {
        shared.0.repairs()
    }
}

/// It has come as far as those who write are known to have brought it, and the victim's step further if that committed.
fn judge<const N: usize>(
    stage: &mut Stage<Hands<N>>,
    script: &Script,
    returned: Option<Answer>,
) -> Verdict {
    let writes = |of: &dyn Fn(Deed) -> u64| -> u64 {
        [SET, REPLACE, EXCHANGE, UPDATE, ADD].map(of).iter().sum()
    };
    assert!(stage.serve_no_heirs(), "somebody was left sleeping");
    let before = stage.known;
    let now = stage.ask(GET) + stage.ask(COUNT);
    let others = writes(&|deed| script.cued(deed));
    let mine = now
        .checked_sub(before + others)
        .expect("what others wrote is lost");
    let goal = writes(&|deed| script.acts(deed));
    assert!(mine <= goal, "written twice");
    assert!(returned.is_none() || mine == goal, "not written");
    for (deed, answer) in &stage.heard {
        assert!(*answer < now, "{deed} found {answer}, it is {now}");
    }
    if script.acts(GET) > 0 {
        assert!(returned.is_none_or(|seen| (before..=now).contains(&seen)));
    }
    // By which a lock is let go of that the victim died with, and what it began is overwritten.
    for _ in 0..2 {
        stage.ask(UPDATE);
    }
    stage.known = stage.ask(GET) + stage.ask(COUNT);
    assert_eq!(stage.known, now + 2);
    Verdict {
        committed: if goal > 0 {
            mine
        } else {
            returned.is_some().into()
        },
        repaired: stage.has_repaired(),
        lost_wake: false,
    }
}
