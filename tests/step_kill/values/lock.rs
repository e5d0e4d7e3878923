//! The lock of an array, as a lock among others.

use std::time::Duration;

use crossproc::Array;
use crossproc::values::ArrayGuard;

use crate::message::number;
use crate::play::Script;
use crate::scenario::{Density, Row};
use crate::stage::Cue::{Begins, Dies, Does, Sleeps};
use crate::stage::Deed;
use crate::sync::locks::{
    LOCK, LOCK_TIMEOUT, Lock, Locked, MARK, PARTICIPANTS, TRY_LOCK, UNLOCK, Value, change, locked,
    row,
};

/// What is written under it is written at once, and so no change of the lock's: see `array.rs`.
#[rustfmt::skip] // one row, one line
pub(crate) fn rows() -> Vec<Row> {
    let lock = |state, script| row::<Array<Value>>("array lock", state, Script { act: &[LOCK], ..script });
    let unlock = |state, script| row::<Array<Value>>("array unlock", state, Script { ready: &[LOCK], act: &[UNLOCK], ..script });
    let spins = |row: Row| row.unsteady().density(Density::SPINNING_SAMPLED);
    let none = Script::default();
    vec![
        lock("free", none),
        lock("owner dead: inherits", Script { before: &[Does(1, LOCK), Dies(1)], ..none }).density(Density::SAMPLED),
        row::<Array<Value>>("array lock", "owner dead: repairs", Script { act: &[LOCK, MARK, UNLOCK], before: &[Does(1, LOCK), Dies(1)], ..none }).density(Density::SAMPLED),
        spins(lock("held, goes to sleep beside another", Script { before: &[Does(1, LOCK), Sleeps(2, LOCK)], ..none })),
        spins(lock("owner dies while it sleeps", Script { before: &[Does(1, LOCK)], rouse: &[Dies(1)], ..none })),
        unlock("nobody waits", none),
        unlock("two waiters asleep", Script { before: &[Sleeps(1, LOCK), Sleeps(2, LOCK_TIMEOUT)], ..none }),
        unlock("a waiter spins", Script { late: &[Begins(1, LOCK)], ..none }).density(Density::SAMPLED),
    ]
}

impl Lock for Array<Value> {
    type Guard = ArrayGuard<'static, Value>;
    const WAYS: &'static [Deed] = &[LOCK, TRY_LOCK, LOCK_TIMEOUT];

    fn create() -> Self {
        let options = Array::options().capacity(1).participants(PARTICIPANTS);
        options.anonymous().expect("an array")
    }

    fn repairs(&self) -> u64 {
        Array::repairs(self)
    }

    fn lock(&'static self, way: Deed) -> Locked<Self::Guard> {
        match way {
            LOCK => locked!(LockError, Array::lock(self)),
            TRY_LOCK => locked!(TryLockError, self.try_lock()),
            LOCK_TIMEOUT => locked!(
                LockTimeoutError,
                self.lock_timeout(Duration::from_secs(3600))
            ),
            _ => unreachable!("no way to lock it"),
        }
    }

    fn value(guard: &Self::Guard) -> u64 {
        match guard.get(0).expect("a value") {
            [0, 0] => 0,
            value => number(value),
        }
    }

    fn change(guard: &mut Self::Guard) {
        let mut value = guard.get(0).expect("a value");
        change(&mut value);
        guard.set(0, value).expect("room");
    }

    fn mark(guard: &mut Self::Guard) {
        guard.mark_consistent();
    }
}
