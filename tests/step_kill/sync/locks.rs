//! What all locks have in common.

use crossproc::Error;

use crate::channel::Answer;
use crate::message::{message, number};
use crate::play::{Play, Script};
use crate::scenario::{Row, Verdict};
use crate::stage::{Actor, DONE, Deed, Stage, WOULD_BLOCK};

/// The numbers of values count up.
pub(crate) type Value = [u64; 2];

/// What an answer to these is: the number of the value, and [`OWNER_DIED`], or [`WOULD_BLOCK`].
pub(crate) const LOCK: Deed = 1;
pub(crate) const TRY_LOCK: Deed = 2;
pub(crate) const LOCK_TIMEOUT: Deed = 3;
pub(crate) const READ: Deed = 4;
/// Changes the value to the next number.
pub(crate) const CHANGE: Deed = 5;
pub(crate) const MARK: Deed = 6;
/// Drops the guard that was got last.
pub(crate) const UNLOCK: Deed = 7;

pub(crate) const OWNER_DIED: Answer = 1 << 62;

/// For the survivors and the dead of one victim, with the keeper thread of each.
pub(crate) const PARTICIPANTS: u32 = 18;

/// A guard, if there is one, and what it was told.
pub(crate) type Locked<G> = (Option<G>, Answer);

pub(crate) trait Lock: Clone + 'static {
    type Guard: 'static;
    /// The ways to lock it of which one is told of a death.
    const WAYS: &'static [Deed];

    fn create() -> Self;
    fn repairs(&self) -> u64;
    fn lock(&'static self, way: Deed) -> Locked<Self::Guard>;
    fn value(guard: &Self::Guard) -> u64;
    fn change(guard: &mut Self::Guard);
    fn mark(guard: &mut Self::Guard);
}

macro_rules! locked {
    ($error:ident, $result:expr) => {
        match $result {
            Ok(guard) => (Some(guard), 0),
            Err(crossproc::$error::OwnerDied(guard)) => {
                (Some(guard), crate::sync::locks::OWNER_DIED)
            }
            Err(error) => (None, crate::sync::locks::refusal(error.into())),
        }
    };
}
pub(crate) use locked;

pub(crate) fn refusal(error: Error) -> Answer {
    match error {
        Error::WouldBlock => WOULD_BLOCK,
        error => panic!("{error}"),
    }
}

pub(crate) fn change(value: &mut Value) {
    *value = message(number(*value) + 1);
}

/// A lock, and the guards that one process has.
pub(crate) struct Hands<L: Lock> {
    lock: &'static L,
    guards: Vec<L::Guard>,
}

impl<L: Lock> Hands<L> {
    fn last(&mut self) -> &mut L::Guard {
        self.guards.last_mut().expect("it is locked")
    }
}

impl<L: Lock> Actor for Hands<L> {
    type Shared = L;

    fn enter(lock: &'static L) -> Self {
        drop(lock.lock(TRY_LOCK));
        // Room, so that nothing is allocated while the process is watched.
        Hands {
            lock,
            guards: Vec::with_capacity(4),
        }
    }

    fn perform(&mut self, deed: Deed) -> Answer {
        match deed {
            CHANGE => L::change(self.last()),
            MARK => L::mark(self.last()),
            UNLOCK => drop(self.guards.pop().expect("it is locked")),
            way => {
                let (guard, told) = self.lock.lock(way);
                let Some(guard) = guard else {
                    return told;
                };
                self.guards.push(guard);
                return L::value(self.last()) | told;
            }
        }
        DONE
    }

    fn undo(deed: Deed) -> Option<Deed> {
        matches!(deed, LOCK | TRY_LOCK | LOCK_TIMEOUT | READ).then_some(UNLOCK)
    }

    fn repairs(lock: &L) -> u64 {
        lock.repairs()
    }
}

/// A row in which the same lock serves all victims.
pub(crate) fn row<L: Lock>(operation: &'static str, state: &'static str, script: Script) -> Row {
    Row::new(operation, state, move || {
        Play::<Hands<L>>::new(L::create, judge, script)
    })
}

/// How often the victim owns the lock, having done all this.
fn depth(deeds: &[Deed]) -> i32 {
    let change = |deed: &Deed| match *deed {
        LOCK | TRY_LOCK | LOCK_TIMEOUT | READ => 1,
        UNLOCK => -1,
        _ => 0,
    };
    deeds.iter().map(change).sum()
}

/// Everybody who waits is served; the value is one that was committed; a death is told of if and only
/// if the dead owned the lock, until somebody declares that all is well.
fn judge<L: Lock>(
    stage: &mut Stage<Hands<L>>,
    script: &Script,
    returned: Option<Answer>,
) -> Verdict {
    let reads = script.acts(READ) > 0;
    let owns = depth(script.ready) + depth(script.act) > 0;
    if owns && returned.is_some_and(|answer| answer != WOULD_BLOCK) {
        let shared = stage.had.iter().all(|deed| reads && *deed == READ);
        assert!(shared, "the victim and another had it at a time");
    }
    let served = if owns {
        stage.serve()
    } else {
        stage.serve_no_heirs()
    };
    assert!(served, "somebody was left sleeping");
    let before = stage.known;
    let found = stage.ask(LOCK);
    let (value, told) = split(found);
    let repaired = stage.has_repaired();
    let others = stage.does(1, TRY_LOCK);
    assert_eq!(others, WOULD_BLOCK, "two have it");
    stage
        .heard
        .retain(|heard| *heard != (TRY_LOCK, WOULD_BLOCK));

    let committed = value.checked_sub(before).expect("an older value");
    assert!(committed <= script.acts(CHANGE), "{before} became {value}");

    let owned = depth(script.ready) > 0 && !reads;
    let inherits = script.has_dead(LOCK);
    let orphaned = inherits && script.acts(MARK) == 0;
    if inherits {
        assert!(!orphaned || told, "a death was forgotten");
    } else {
        assert_eq!(told, repaired, "told of a death, taken from the dead");
    }
    for (deed, answer) in &stage.heard {
        if Hands::<L>::undo(*deed).is_none() {
            continue;
        }
        let (value_then, told_then) = split(*answer);
        assert!((before..=value).contains(&value_then));
        assert!(!told_then || told, "a death was forgotten");
        // Nobody but the victim could let them in.
        assert!(
            !owned || *answer == found,
            "{found:#x} now, {answer:#x} then"
        );
    }
    let lets_go = owned || inherits && !orphaned;
    if lets_go && script.acts(CHANGE) > 0 {
        assert_ne!(told, committed > 0, "the commit is what lets go");
    }
    if let Some(answer) = returned {
        let owns = owns && !reads && answer != WOULD_BLOCK;
        assert_eq!(told, owns || orphaned);
        assert!(owns || committed == script.acts(CHANGE));
    }

    stage.ask(MARK);
    stage.ask(UNLOCK);
    for way in L::WAYS {
        assert_eq!(stage.ask(*way), value, "all is well again");
        stage.ask(UNLOCK);
    }
    stage.known = value;
    Verdict {
        committed: if script.acts(CHANGE) > 0 {
            committed
        } else {
            u64::from(told != lets_go)
        },
        repaired,
        lost_wake: false,
    }
}

fn split(answer: Answer) -> (u64, bool) {
    (answer & !OWNER_DIED, answer & OWNER_DIED != 0)
}

/// Nobody learns of the victim's death: whoever sleeps, though the lock is free, sleeps for good.
pub(crate) fn judge_disarmed<L: Lock>(
    stage: &mut Stage<Hands<L>>,
    _script: &Script,
    _returned: Option<Answer>,
) -> Verdict {
    let served = stage.serve();
    let lost_wake = !served && stage.ask(TRY_LOCK) != WOULD_BLOCK;
    Verdict {
        committed: u64::from(served || lost_wake),
        repaired: false,
        lost_wake,
    }
}
