//! The value of which only the newest counts.

use std::ops::RangeInclusive;
use std::time::Duration;

use crossproc::broadcast::Watcher;
use crossproc::{Latest, RecvTimeoutError};

use crate::channel::{Answer, EMPTY, answer_send};
use crate::message::{message, number};
use crate::play::{Play, Script};
use crate::scenario::{Density, Fate, Row, Verdict};
use crate::stage::Cue::{self, Begins, Does, Sleeps, Tries};
use crate::stage::{Actor, Deed, Stage};

const SET: Deed = 1;
const GET: Deed = 2;
const CHANGED: Deed = 3;
const TRY_CHANGED: Deed = 4;
const VERSION: Deed = 5;
/// For values newer than the present one.
const WATCH: Deed = 6;

const PARTICIPANTS: u32 = 18;

/// So many that whatever is being read meanwhile is overwritten, and is so again.
const MANY_SETS: &[Cue] = &[Does(1, SET); 9];

#[rustfmt::skip] // one row, one line
pub(crate) fn rows() -> Vec<Row> {
    let row = |operation, state, script| Row::new(operation, state, move || Play::<Hands>::new(create, judge, script));
    let set = |state, script| row("latest set", state, Script { act: &[SET], ..script });
    let get = |state, script| row("latest get", state, Script { act: &[GET], ..script });
    let changed = |state, script| row("latest changed", state, Script { act: &[CHANGED], ..script });
    let spins = |row: Row| row.unsteady().density(Density::SPINNING_SAMPLED);
    let none = Script::default();
    let another = Script { late: &[Tries(1, SET)], ..none };
    vec![
        set("nobody waits", none),
        set("a watcher asleep", Script { before: &[Does(1, WATCH), Sleeps(1, CHANGED)], ..none }),
        set("three watchers asleep", Script { before: &[Does(1, WATCH), Sleeps(1, CHANGED), Does(2, WATCH), Sleeps(2, CHANGED), Does(3, WATCH), Sleeps(3, CHANGED)], ..none }).density(Density::SAMPLED),
        set("a watcher spins", Script { before: &[Does(1, WATCH)], late: &[Begins(1, CHANGED)], ..none }).density(Density::SAMPLED),
        set("another comes to set it", another).density(Density::SAMPLED),
        set("another does, stopped but alive", another).density(Density::SAMPLED).fate(Fate::Held),
        get("nobody sets it", none).density(Density::SAMPLED),
        get("set again and again meanwhile", Script { late: MANY_SETS, ..none }).unsteady().fate(Fate::Held),
        changed("it has", Script { before: MANY_SETS, ..none }).density(Density::SAMPLED),
        changed("set again and again meanwhile", Script { before: &[Does(1, SET)], late: MANY_SETS, ..none }).unsteady().fate(Fate::Held),
        spins(changed("goes to sleep", Script { rouse: &[Does(1, SET)], ..none })),
        spins(changed("goes to sleep beside another", Script { before: &[Does(2, WATCH), Sleeps(2, CHANGED)], rouse: &[Does(1, SET)], ..none })),
    ]
}

fn create() -> Latest<[u64; 3]> {
    let options = Latest::options().value(message(1));
    options
        .participants(PARTICIPANTS)
        .anonymous()
        .expect("a value")
}

struct Hands {
    latest: &'static Latest<[u64; 3]>,
    watcher: Watcher<[u64; 3]>,
    /// The version that the watcher has seen.
    seen: u64,
}

/// While nobody sets it.
fn watch(latest: &Latest<[u64; 3]>) -> (Watcher<[u64; 3]>, u64) {
    (latest.watch(), latest.version())
}

impl Hands {
    fn change(&mut self, now: Answer, missed: u64) -> Answer {
        assert_eq!(now, self.seen + missed + 1, "missed, and not told");
        self.seen = now;
        now
    }
}

impl Actor for Hands {
    type Shared = Latest<[u64; 3]>;

    fn enter(latest: &'static Self::Shared) -> Self {
        let (mut watcher, seen) = watch(latest);
        let changed = watcher.changed_timeout(Duration::ZERO);
        assert_eq!(changed, Err(RecvTimeoutError::Timeout));
        Hands {
            latest,
            watcher,
            seen,
        }
    }

    fn perform(&mut self, deed: Deed) -> Answer {
        match deed {
            // The value is the version, or less if another sets it at the same time.
            SET => answer_send(self.latest.set(message(self.latest.version() + 1))),
            GET => number(self.latest.get().expect("a value")),
            VERSION => self.latest.version(),
            WATCH => {
                (self.watcher, self.seen) = watch(self.latest);
                self.seen
            }
            CHANGED => {
                let newest = self.watcher.changed().expect("not closed");
                self.change(number(newest.value), newest.missed)
            }
            TRY_CHANGED => match self.watcher.try_changed() {
                Ok(newest) => self.change(number(newest.value), newest.missed),
                Err(_) => EMPTY,
            },
            _ => unreachable!("no deed of a latest value"),
        }
    }

    fn undo(_deed: Deed) -> Option<Deed> {
        None
    }

    fn repairs(latest: &Self::Shared) -> u64 {
        latest.repairs()
    }
}

/// It is as the last one set it who has come so far; whoever waits for that has seen it.
fn judge(stage: &mut Stage<Hands>, script: &Script, returned: Option<Answer>) -> Verdict {
    let served = stage.serve_no_heirs();
    let before = stage.known.max(1);
    let version = stage.ask(VERSION);
    let mine = version - before - script.cued(SET);
    assert!(mine <= script.acts(SET), "set twice");
    assert!(returned.is_none() || mine == script.acts(SET), "not set");
    let value = stage.ask(GET);
    let at_once = |cue| matches!(cue, Tries(_, SET));
    if script.late.iter().copied().any(at_once) {
        assert!(value == version || value + 1 == version);
    } else {
        assert_eq!(value, version, "what was set last");
        judge_watchers(stage, script, returned, before..=version);
    }
    if !served {
        assert_eq!(mine, 0, "set, and somebody was left sleeping");
        assert!(script.acts(SET) > 0, "somebody was left sleeping");
    }
    // By which a lock is let go of that the victim died with.
    stage.ask(SET);
    assert!(stage.serve(), "the next to set it wakes them");
    let repaired = stage.has_repaired();
    stage.known = stage.ask(VERSION);
    Verdict {
        committed: mine.max(returned.is_some().into()),
        repaired,
        lost_wake: false,
    }
}

/// Who watched has seen one of these versions, the first of which was there before; the judge, who sees what it missed, the last.
fn judge_watchers(
    stage: &mut Stage<Hands>,
    script: &Script,
    returned: Option<Answer>,
    versions: RangeInclusive<u64>,
) {
    let mut seen: Vec<Answer> = stage.answers(CHANGED).collect();
    seen.extend(returned.filter(|_| script.acts(SET) == 0));
    assert!(seen.iter().all(|seen| versions.contains(seen)), "{seen:?}");
    let changed = stage.ask(TRY_CHANGED);
    assert!(changed == *versions.end() || changed == EMPTY && versions.end() == versions.start());
    assert_eq!(stage.ask(TRY_CHANGED), EMPTY);
}
