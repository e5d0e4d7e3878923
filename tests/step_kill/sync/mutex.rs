//! The mutual exclusion lock.

use std::time::Duration;

use crossproc::Mutex;
use crossproc::sync::MutexGuard;

use super::locks::{
    CHANGE, Hands, LOCK, LOCK_TIMEOUT, Lock, Locked, MARK, PARTICIPANTS, TRY_LOCK, UNLOCK, Value,
    change, judge_disarmed, locked, row,
};
use crate::message::{message, number};
use crate::play::{Play, Script};
use crate::scenario::{Density, Fate, Row};
use crate::stage::Cue::{Begins, Dies, Does, Sleeps, Tries};
use crate::stage::Deed;

/// The victim has the lock and a changed value.
const OWNER: &[Deed] = &[LOCK, CHANGE];
const CRITICAL_SECTION: &[Deed] = &[LOCK, CHANGE, UNLOCK];
const REPAIR: &[Deed] = &[LOCK, CHANGE, MARK, UNLOCK];

#[rustfmt::skip] // one row, one line
pub(crate) fn rows() -> Vec<Row> {
    let lock = |state, script| row::<Mutex<Value>>("mutex lock", state, script);
    let unlock = |state, script| row::<Mutex<Value>>("mutex unlock", state, Script { ready: OWNER, act: &[UNLOCK], ..script });
    let section = |state, script| row::<Mutex<Value>>("mutex section", state, Script { act: CRITICAL_SECTION, ..script }).density(Density::SAMPLED);
    let spins = |state, script| lock(state, script).unsteady().density(Density::SPINNING_SAMPLED);
    let none = Script::default();
    vec![
        lock("free", Script { act: &[LOCK], ..none }),
        lock("owner dead: inherits", Script { act: &[LOCK], before: &[Does(1, LOCK), Does(1, CHANGE), Dies(1)], ..none }).density(Density::SAMPLED),
        spins("held, goes to sleep", Script { act: &[LOCK], before: &[Does(1, LOCK)], ..none }).density(Density::SPINNING),
        spins("held, goes to sleep beside another", Script { act: &[LOCK], before: &[Does(1, LOCK), Sleeps(2, LOCK)], ..none }),
        spins("held, goes to sleep, another behind", Script { act: &[LOCK], before: &[Does(1, LOCK)], rouse: &[Tries(2, LOCK)], ..none }),
        spins("owner dies while it sleeps", Script { act: &[LOCK], before: &[Does(1, LOCK)], rouse: &[Dies(1)], ..none }),
        spins("with a timeout, goes to sleep", Script { act: &[LOCK_TIMEOUT], before: &[Does(1, LOCK)], ..none }),
        lock("with a timeout, free", Script { act: &[LOCK_TIMEOUT], ..none }).unsteady().density(Density::SAMPLED),
        lock("try, free", Script { act: &[TRY_LOCK], ..none }).density(Density::SAMPLED),
        lock("try, held", Script { act: &[TRY_LOCK], before: &[Does(1, LOCK)], ..none }).density(Density::SAMPLED),
        lock("try, owner dead", Script { act: &[TRY_LOCK], before: &[Does(1, LOCK), Dies(1)], ..none }).density(Density::SAMPLED),
        unlock("nobody waits", none),
        unlock("a waiter asleep", Script { before: &[Sleeps(1, LOCK)], ..none }),
        unlock("three waiters asleep", Script { before: &[Sleeps(1, LOCK), Sleeps(2, LOCK_TIMEOUT), Sleeps(3, LOCK)], ..none }),
        unlock("a waiter spins", Script { late: &[Begins(1, LOCK)], ..none }),
        unlock("a waiter spins, another asleep", Script { before: &[Sleeps(2, LOCK)], late: &[Begins(1, LOCK)], ..none }),
        Row::new("mutex unlock", "a waiter asleep, disarmed", || {
            let script = Script { ready: OWNER, act: &[UNLOCK], before: &[Sleeps(1, LOCK)], ..Script::default() };
            Play::<Hands<Mutex<Value>>>::new(<Mutex<Value> as Lock>::create, judge_disarmed, script).anew()
        }).fate(Fate::KilledDisarmed),
        section("another comes to wait", Script { late: &[Tries(1, LOCK)], ..none }),
        section("another does, stopped but alive", Script { late: &[Tries(1, LOCK)], ..none }).fate(Fate::Held),
        section("contended", Script { before: &[Does(1, LOCK), Sleeps(2, LOCK)], ..none }).unsteady().density(Density::SPINNING_SAMPLED),
        lock("owner dead: repairs", Script { act: REPAIR, before: &[Does(1, LOCK), Does(1, CHANGE), Dies(1)], ..none }).density(Density::SAMPLED),
        lock("owner dead: repairs, others wait", Script { act: REPAIR, before: &[Does(1, LOCK), Dies(1)], late: &[Tries(1, LOCK), Tries(2, LOCK)], ..none }).density(Density::SAMPLED),
    ]
}

impl Lock for Mutex<Value> {
    type Guard = MutexGuard<'static, Value>;
    const WAYS: &'static [Deed] = &[LOCK, TRY_LOCK, LOCK_TIMEOUT];

    fn create() -> Self {
        let options = Mutex::options().value(message(0));
        options
            .participants(PARTICIPANTS)
            .anonymous()
            .expect("a mutex")
    }

    fn repairs(&self) -> u64 {
        Mutex::repairs(self)
    }

    fn lock(&'static self, way: Deed) -> Locked<Self::Guard> {
        match way {
            LOCK => locked!(LockError, Mutex::lock(self)),
            TRY_LOCK => locked!(TryLockError, self.try_lock()),
            LOCK_TIMEOUT => locked!(
                LockTimeoutError,
                self.lock_timeout(Duration::from_secs(3600))
            ),
            _ => unreachable!("no way to lock it"),
        }
    }

    fn value(guard: &Self::Guard) -> u64 {
        number(**guard)
    }

    fn change(guard: &mut Self::Guard) {
        change(guard);
    }

    fn mark(guard: &mut Self::Guard) {
        guard.mark_consistent();
    }
}
