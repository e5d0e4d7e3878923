//! The condition variable.

use crossproc::{Condvar, LockError, Mutex};

use super::locks::{self, CHANGE, LOCK, Lock, MARK, OWNER_DIED, PARTICIPANTS, UNLOCK, Value};
use crate::channel::Answer;
use crate::message::number;
use crate::play::{Play, Script};
use crate::scenario::{Density, Row, Verdict};
use crate::stage::Cue::{Begins, Dies, Does, Sleeps, Tries};
use crate::stage::{Actor, DONE, Deed, Stage};

const NOTIFY_ONE: Deed = 11;
const NOTIFY_ALL: Deed = 12;
/// Waits until the value is another, whose number it answers.
const AWAIT: Deed = 13;

#[rustfmt::skip] // one row, one line
pub(crate) fn rows() -> Vec<Row> {
    let row = |operation, state, script| Row::new(operation, state, move || Play::<Hands>::new(create, judge, script));
    let one = |state, script| row("notify one", state, Script { ready: &[LOCK, CHANGE], act: &[UNLOCK, NOTIFY_ONE], ..script });
    let all = |state, script| row("notify all", state, Script { ready: &[LOCK, CHANGE], act: &[UNLOCK, NOTIFY_ALL], ..script });
    let wait = |state, script| row("condvar wait", state, Script { act: &[AWAIT], ..script }).unsteady().density(Density::SPINNING_SAMPLED);
    let asleep = &[Sleeps(1, AWAIT)];
    let two_asleep = &[Sleeps(1, AWAIT), Sleeps(2, AWAIT)];
    let none = Script::default();
    vec![
        row("notify one", "changes, a waiter asleep", Script { act: &[LOCK, CHANGE, UNLOCK, NOTIFY_ONE], before: asleep, ..none }).density(Density::SAMPLED),
        row("notify one", "under the lock, others want it", Script { ready: &[LOCK, CHANGE], act: &[NOTIFY_ONE, UNLOCK], before: &[Sleeps(1, LOCK)], late: &[Begins(2, LOCK)], ..none }),
        one("nobody waits", none),
        one("others want the lock", Script { before: &[Sleeps(1, LOCK), Sleeps(2, LOCK)], ..none }),
        all("nobody waits", none).density(Density::SAMPLED),
        row("notify all", "changes, two waiters asleep", Script { act: &[LOCK, CHANGE, UNLOCK, NOTIFY_ALL], before: two_asleep, ..none }).density(Density::SAMPLED),
        wait("goes to sleep", Script { rouse: &[Does(1, LOCK), Does(1, CHANGE), Does(1, UNLOCK), Does(1, NOTIFY_ONE)], ..none }),
        wait("goes to sleep, another behind", Script { rouse: &[Tries(2, AWAIT), Does(1, LOCK), Does(1, CHANGE), Does(1, UNLOCK), Does(1, NOTIFY_ONE)], ..none }),
        wait("goes to sleep beside another", Script { before: &[Sleeps(2, AWAIT)], rouse: &[Does(1, LOCK), Does(1, CHANGE), Does(1, UNLOCK), Does(1, NOTIFY_ALL)], ..none }),
        wait("notifier dies while it sleeps", Script { before: &[Sleeps(2, AWAIT)], rouse: &[Does(1, LOCK), Does(1, CHANGE), Does(1, UNLOCK), Dies(1)], ..none }),
    ]
}

#[derive(Clone)]
struct Shared {
    mutex: Mutex<Value>,
    changed: Condvar,
}

fn create() -> Shared {
    let options = Condvar::options().participants(PARTICIPANTS);
    Shared {
        mutex: Lock::create(),
        changed: options.anonymous().expect("a condition variable"),
    }
}

struct Hands {
    mutex: &'static Mutex<Value>,
    locks: locks::Hands<Mutex<Value>>,
    changed: &'static Condvar,
}

impl Hands {
    fn wait(&self) -> Answer {
        let unharmed = |error: LockError<_>| error.into_guard();
        let mut guard = self.mutex.lock().or_else(unharmed).expect("locked");
        let first = *guard;
        while *guard == first {
            guard = self.changed.wait(guard).or_else(unharmed).expect("locked");
        }
        number(*guard)
    }
}

impl Actor for Hands {
    type Shared = Shared;

    fn enter(shared: &'static Shared) -> Self {
        // Nobody waits yet.
        shared.changed.notify_one().expect("notified");
        Hands {
            mutex: &shared.mutex,
            locks: Actor::enter(&shared.mutex),
            changed: &shared.changed,
        }
    }

    fn perform(&mut self, deed: Deed) -> Answer {
        match deed {
            NOTIFY_ONE => self.changed.notify_one().expect("notified"),
            NOTIFY_ALL => self.changed.notify_all().expect("notified"),
            AWAIT => return self.wait(),
            _ => return self.locks.perform(deed),
        }
        DONE
    }

    fn undo(deed: Deed) -> Option<Deed> {
        locks::Hands::<Mutex<Value>>::undo(deed)
    }

    fn repairs(shared: &Shared) -> u64 {
        shared.mutex.repairs()
    }
}

/// Once the value has changed, nobody sleeps who waited for that, whether or not anybody was notified
/// before the death.
fn judge(stage: &mut Stage<Hands>, script: &Script, returned: Option<Answer>) -> Verdict {
    // Where nobody notifies, those who wait are to wake for the death alone.
    let served = if script.acts(NOTIFY_ONE) + script.acts(NOTIFY_ALL) > 0 {
        stage.serve_no_heirs()
    } else {
        stage.serve()
    };
    let before = stage.known;
    let found = stage.ask(LOCK);
    let value = found & !OWNER_DIED;
    let changed = value - before;
    let told = found & OWNER_DIED != 0;
    assert_eq!(told, stage.has_repaired());
    assert!(served || changed == 0, "somebody was left sleeping");
    assert!(changed <= script.acts(CHANGE) + script.cued(CHANGE));
    assert!(returned.is_none() || !told && changed > 0);

    stage.ask(MARK);
    stage.ask(CHANGE);
    stage.ask(UNLOCK);
    stage.ask(NOTIFY_ALL);
    assert!(stage.serve(), "the next change wakes them");
    assert!(
        stage
            .answers(AWAIT)
            .all(|seen| (before + 1..=value + 1).contains(&seen))
    );
    stage.known = value + 1;
    Verdict {
        committed: changed,
        repaired: told,
        lost_wake: false,
    }
}
