//! The value made once.

use std::process;

use crossproc::{Event, OnceLock};

use super::locks::{PARTICIPANTS, Value};
use crate::channel::{Answer, EMPTY};
use crate::message::{message, number};
use crate::play::{Play, Script};
use crate::scenario::{Density, Row, Verdict};
use crate::stage::Cue::{Dies, Sleeps, Tries};
use crate::stage::{Actor, DONE, Deed, JUDGE, Stage};

/// Gets the value, or makes it of the process's id.
const INIT: Deed = 1;
/// The same, and sleeps while it makes it, until [`WAKE`].
const INIT_SLOWLY: Deed = 2;
const WAIT: Deed = 3;
const GET: Deed = 4;
const WAKE: Deed = 5;

#[rustfmt::skip] // one row, one line
pub(crate) fn rows() -> Vec<Row> {
    let init = |state, script| Row::new("get_or_init", state, move || Play::<Hands>::new(create, judge, Script { act: &[INIT], ..script }).anew());
    let spins = |row: Row| row.unsteady().density(Density::SPINNING_SAMPLED);
    let none = Script::default();
    vec![
        init("first", none),
        init("first, two waiters asleep", Script { before: &[Sleeps(1, WAIT), Sleeps(2, WAIT)], ..none }).density(Density::SAMPLED),
        init("first, another comes to make it", Script { before: &[Sleeps(1, WAIT)], late: &[Tries(2, INIT)], ..none }).density(Density::SAMPLED),
        init("maker dead, a waiter asleep", Script { before: &[Sleeps(1, INIT_SLOWLY), Dies(1), Sleeps(2, WAIT)], ..none }).density(Density::SAMPLED),
        init("it is there", Script { before: &[Tries(1, INIT)], ..none }),
        spins(init("another makes it, goes to sleep", Script { before: &[Sleeps(1, INIT_SLOWLY)], rouse: &[Tries(JUDGE, WAKE)], ..none })),
        spins(init("another makes it, a third asleep", Script { before: &[Sleeps(1, INIT_SLOWLY), Sleeps(2, INIT)], rouse: &[Tries(JUDGE, WAKE)], ..none })),
        spins(init("maker dies while it sleeps", Script { before: &[Sleeps(1, INIT_SLOWLY), Sleeps(2, INIT), Sleeps(3, WAIT)], rouse: &[Dies(1)], ..none })),
    ]
}

#[derive(Clone)]
struct Shared {
    value: OnceLock<Value>,
    wake: Event,
}

fn create() -> Shared {
    let options = OnceLock::options().participants(PARTICIPANTS);
    Shared {
        value: options.anonymous().expect("a lock"),
        wake: Event::new().expect("an event"),
    }
}

struct Hands(&'static Shared);

impl Actor for Hands {
    type Shared = Shared;

    fn enter(shared: &'static Shared) -> Self {
        let made = shared.value.wait_timeout(std::time::Duration::ZERO);
        assert!(made.is_err(), "nobody has made it yet");
        assert_eq!(shared.wake.reset(), Ok(false));
        Hands(shared)
    }

    fn perform(&mut self, deed: Deed) -> Answer {
        let Hands(Shared { value, wake }) = self;
        let mine = || message(process::id().into());
        match deed {
            INIT => number(value.get_or_init(mine).expect("a value")),
            INIT_SLOWLY => {
                let make = || {
                    wake.wait().expect("woken");
                    mine()
                };
                number(value.get_or_init(make).expect("a value"))
            }
            WAIT => number(value.wait().expect("a value")),
            GET => value.get().expect("no garbage").map_or(EMPTY, number),
            WAKE => {
                wake.set().expect("set");
                DONE
            }
            _ => unreachable!("no deed of a value"),
        }
    }

    fn undo(_deed: Deed) -> Option<Deed> {
        None
    }

    fn repairs(shared: &Shared) -> u64 {
        shared.value.repairs()
    }
}

/// There is one value for all, and whoever waits gets it as soon as it is there.
fn judge(stage: &mut Stage<Hands>, _script: &Script, returned: Option<Answer>) -> Verdict {
    let served = stage.serve_no_heirs();
    let found = stage.ask(GET);
    assert!(found == EMPTY || served, "somebody was left sleeping");
    // Those who make it when somebody has died are not left sleeping either.
    let waits = stage.waiting();
    let value = stage.ask(INIT);
    assert!(found == EMPTY || found == value, "the value changed");
    assert!(stage.serve(), "{waits} were left sleeping");
    assert_eq!(stage.ask(GET), value);
    for deed in [INIT, INIT_SLOWLY, WAIT] {
        assert!(stage.answers(deed).all(|answer| answer == value));
    }
    assert!(returned.is_none_or(|answer| answer == value));
    Verdict {
        committed: u64::from(found != EMPTY),
        repaired: stage.has_repaired(),
        lost_wake: false,
    }
}
