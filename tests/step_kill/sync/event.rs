//! The flag that can be waited for.

use crossproc::Event;

use super::locks::PARTICIPANTS;
use crate::channel::Answer;
use crate::play::{Play, Script};
use crate::scenario::{Density, Row, Verdict};
use crate::stage::Cue::{Begins, Does, Sleeps, Tries};
use crate::stage::{Actor, DONE, Deed, Stage};

const SET: Deed = 1;
const RESET: Deed = 2;
const WAIT: Deed = 3;
const IS_SET: Deed = 4;

#[rustfmt::skip] // one row, one line
pub(crate) fn rows() -> Vec<Row> {
    let row = |operation, state, script| Row::new(operation, state, move || Play::<Hands>::new(create, judge, script));
    let set = |state, script| row("event set", state, Script { act: &[SET], ..script });
    let wait = |state, script| row("event wait", state, Script { act: &[WAIT], ..script });
    let spins = |row: Row| row.unsteady().density(Density::SPINNING_SAMPLED);
    let none = Script::default();
    vec![
        set("nobody waits", none),
        set("set already", Script { before: &[Does(1, SET)], ..none }),
        set("a waiter asleep", Script { before: &[Sleeps(1, WAIT)], ..none }),
        set("three waiters asleep", Script { before: &[Sleeps(1, WAIT), Sleeps(2, WAIT), Sleeps(3, WAIT)], ..none }),
        set("a waiter spins, another asleep", Script { before: &[Sleeps(1, WAIT)], late: &[Begins(2, WAIT)], ..none }),
        row("event set", "and reset, two waiters asleep", Script { act: &[SET, RESET], before: &[Sleeps(1, WAIT), Sleeps(2, WAIT)], ..none }),
        row("event reset", "set", Script { act: &[RESET], before: &[Does(1, SET)], ..none }),
        row("event reset", "set, another comes to wait", Script { act: &[RESET], before: &[Does(1, SET)], late: &[Tries(1, WAIT)], ..none }),
        wait("set", Script { before: &[Does(1, SET)], ..none }),
        spins(wait("goes to sleep", Script { rouse: &[Does(1, SET)], ..none })),
        spins(wait("goes to sleep beside another", Script { before: &[Sleeps(2, WAIT)], rouse: &[Does(1, SET)], ..none })),
        spins(wait("goes to sleep, another behind, set and reset", Script { rouse: &[Tries(2, WAIT), Does(1, SET), Does(1, RESET)], ..none })),
    ]
}

fn create() -> Event {
    let options = Event::options().participants(PARTICIPANTS);
    options.anonymous().expect("an event")
}

struct Hands(&'static Event);

impl Actor for Hands {
    type Shared = Event;

    fn enter(event: &'static Event) -> Self {
        assert_eq!(event.reset(), Ok(false), "nobody has set it yet");
        Hands(event)
    }

    fn perform(&mut self, deed: Deed) -> Answer {
        let Hands(event) = self;
        match deed {
            SET => event.set().expect("set").into(),
            RESET => event.reset().expect("reset").into(),
            IS_SET => event.is_set().into(),
            WAIT => {
                event.wait().expect("set");
                DONE
            }
            _ => unreachable!("no deed of an event"),
        }
    }

    fn undo(_deed: Deed) -> Option<Deed> {
        None
    }

    fn repairs(event: &Event) -> u64 {
        event.repairs()
    }
}

/// As soon as it has been set, nobody sleeps who slept before.
fn judge(stage: &mut Stage<Hands>, script: &Script, returned: Option<Answer>) -> Verdict {
    let served = stage.serve_no_heirs();
    let waited = script.cued(WAIT) > 0;
    let is_set = stage.ask(IS_SET) == 1;
    let resets = script.acts(RESET) > 0;
    // They are served together, or not at all.
    let was_set = is_set || waited && served;
    let sets = script.acts(SET) > 0;
    if !served {
        assert!(!is_set, "somebody was left sleeping");
        assert!(
            returned.is_none() || !sets,
            "set, and somebody was left sleeping"
        );
        if sets {
            let woken = stage.answers(WAIT).count();
            assert_eq!(woken, 0, "some were woken, others left sleeping");
        }
        assert_eq!(stage.ask(SET), 1);
        assert!(stage.serve(), "the next to set it wakes them");
    }
    assert!(returned.is_none() || !resets || !is_set);

    stage.ask(RESET);
    assert_eq!(stage.tries(1, WAIT), None, "it has been reset");
    assert_eq!(stage.ask(SET), 1);
    assert!(stage.serve());
    assert_eq!(stage.ask(RESET), 1);
    Verdict {
        committed: if sets || !resets {
            was_set.into()
        } else {
            (!is_set).into()
        },
        ..Verdict::default()
    }
}
