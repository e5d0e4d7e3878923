//! Elements in a row: each is what it was or what it was to become, and the next to lock them knows whether all of them are.

use crossproc::{Array, LockError};

use crate::channel::Answer;
use crate::play::{Play, Script};
use crate::scenario::{Density, Fate, Row, Verdict};
use crate::stage::Cue::{Begins, Does, Tries};
use crate::stage::{Actor, DONE, Deed, Stage};

/// All at once.
const WRITE: Deed = 1;
const FILL: Deed = 2;
/// One of them.
const SET: Deed = 3;
const ADD: Deed = 4;
/// One after the other, under the lock.
const SECTION: Deed = 5;
const READ: Deed = 6;
/// Counts how many have the highest number, and makes it that of all.
const CHECK: Deed = 7;
/// One that nobody else uses.
const BESIDE: Deed = 8;

/// Sees to it that the next of these begins with what it does: what is to be written is known.
const LOOK: Deed = 9;

/// What is copied in one round of the copying loop, and more.
const LEN: usize = 20;
const ONE: usize = 3;

const PARTICIPANTS: u32 = 18;

#[rustfmt::skip] // one row, one line
pub(crate) fn rows() -> Vec<Row> {
    let row = |operation, state, script| Row::new(operation, state, move || Play::<Hands>::new(create, judge, script));
    let none = Script { ready: &[LOOK], ..Script::default() };
    let section = |state, script| row("array section", state, Script { act: &[SECTION], ..script });
    vec![
        row("array write", "alone", Script { act: &[WRITE], ..none }),
        row("array write", "another comes to lock", Script { act: &[WRITE], late: &[Does(1, BESIDE)], ..none }).density(Density::SAMPLED),
        row("array fill", "alone", Script { act: &[FILL], ..none }).density(Density::SAMPLED),
        row("array set", "alone", Script { act: &[SET], ..none }),
        row("array add", "alone", Script { act: &[ADD], ..none }),
        row("array read", "alone", Script { act: &[READ], ..none }).density(Density::SAMPLED),
        section("alone", none),
        section("another comes to wait", Script { late: &[Tries(1, SECTION)], ..none }),
        section("another does, stopped but alive", Script { ready: &[], late: &[Tries(1, SECTION)], ..none }).density(Density::SAMPLED).fate(Fate::Held),
        section("two others spin", Script { late: &[Begins(1, SECTION), Begins(2, SECTION)], ..none }).unsteady().density(Density::SAMPLED),
    ]
}

fn create() -> Array<u64> {
    let options = Array::options().capacity(LEN + 1).filled(1);
    options
        .participants(PARTICIPANTS)
        .anonymous()
        .expect("an array")
}

struct Hands {
    array: &'static Array<u64>,
    next: Option<u64>,
}

impl Hands {
    fn highest(&self) -> u64 {
        let each = (0..LEN).map(|index| self.array.get(index).expect("a number"));
        each.max().expect("some")
    }

    fn next(&mut self) -> u64 {
        let known = self.next.take();
        known.unwrap_or_else(|| self.highest() + 1)
    }
}

impl Actor for Hands {
    type Shared = Array<u64>;

    fn enter(array: &'static Array<u64>) -> Self {
        drop(array.try_lock());
        Hands { array, next: None }
    }

    fn perform(&mut self, deed: Deed) -> Answer {
        let array = self.array;
        match deed {
            LOOK => self.next = Some(self.next()),
            WRITE => array.write(0, &[self.next(); LEN]).expect("room"),
            FILL => array.fill(self.next()),
            SET => array.set(ONE, self.next()).expect("room"),
            ADD => return array.fetch_add(ONE, 1).expect("room"),
            READ => assert_eq!(array.read(0..LEN).expect("so many").len(), LEN),
            BESIDE => {
                let locked = array.lock().expect("nobody dies with it");
                return locked.fetch_add(LEN, 1).expect("room");
            }
            SECTION => {
                let locked = array.lock().or_else(LockError::into_guard);
                let locked = locked.expect("the lock");
                let next = self.next();
                (0..LEN).for_each(|index| locked.set(index, next).expect("room"));
            }
            CHECK => {
                let locked = array.lock();
                let told = matches!(locked, Err(LockError::OwnerDied(_)));
                let mut locked = locked.or_else(LockError::into_guard).expect("the lock");
                let (all, highest) = (locked.read(0..LEN).expect("so many"), self.highest());
                let changed = all.iter().filter(|number| **number == highest).count();
                let others = all.iter().filter(|number| **number + 1 == highest).count();
                assert_eq!(changed + others, LEN, "neither old nor new: {all:?}");
                locked.fill(highest);
                locked.mark_consistent();
                return pack(told, highest, changed);
            }
            _ => unreachable!("no deed of an array"),
        }
        DONE
    }

    fn undo(_deed: Deed) -> Option<Deed> {
        None
    }

    fn repairs(array: &Array<u64>) -> u64 {
        array.repairs()
    }
}

fn pack(told: bool, highest: u64, changed: usize) -> Answer {
    u64::from(told) << 62 | highest << 8 | changed as u64
}

fn unpack(answer: Answer) -> (bool, u64, u64) {
    let told = answer >> 62 == 1;
    (told, answer >> 8 & 0xffff_ffff, answer & 0xff)
}

fn judge(stage: &mut Stage<Hands>, script: &Script, returned: Option<Answer>) -> Verdict {
    assert!(stage.serve_no_heirs(), "somebody was left sleeping");
    let before = stage.known.max(1);
    let (told, highest, changed) = unpack(stage.ask(CHECK));
    let repaired = stage.has_repaired();
    assert_eq!(told, repaired, "told of a death, taken from the dead");
    let others = script.cued(SECTION);
    let mine = highest
        .checked_sub(before + others)
        .expect("what others wrote is lost");
    let goal = match script.act {
        [SET | ADD] => 1,
        [WRITE | FILL | SECTION] => LEN as u64,
        _ => 0,
    };
    assert!(mine <= goal.min(1), "written twice");
    let written = mine * changed;
    assert!(written <= goal, "others were changed");
    assert!(returned.is_none() || written == goal, "not written");
    if others > 0 {
        assert_eq!(changed, LEN as u64, "they wrote all of them");
    } else if script.acts(SECTION) > 0 && !told {
        assert_eq!(changed, LEN as u64, "half changed, and nobody is told");
    }
    stage.known = highest;
    let (told, again, all) = unpack(stage.ask(CHECK));
    assert_eq!((told, again, all), (false, highest, LEN as u64));
    Verdict {
        committed: if goal > 0 {
            written
        } else {
            returned.is_some().into()
        },
        repaired,
        lost_wake: false,
    }
}
