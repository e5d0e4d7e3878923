//! The lock that its owner can take again.

use std::time::Duration;

use crossproc::ReentrantMutex;
use crossproc::sync::ReentrantMutexGuard;

use super::locks::{
    LOCK, LOCK_TIMEOUT, Lock, Locked, MARK, PARTICIPANTS, TRY_LOCK, UNLOCK, locked, row,
};
use crate::play::Script;
use crate::scenario::{Density, Row};
use crate::stage::Cue::{Dies, Does, Sleeps, Tries};
use crate::stage::Deed;

#[rustfmt::skip] // one row, one line
pub(crate) fn rows() -> Vec<Row> {
    let lock = |state, script| row::<ReentrantMutex>("reentrant lock", state, script);
    let unlock = |state, script| row::<ReentrantMutex>("reentrant unlock", state, script);
    let none = Script::default();
    vec![
        lock("free", Script { act: &[LOCK], ..none }),
        lock("again", Script { ready: &[LOCK], act: &[LOCK], ..none }),
        lock("again, a waiter asleep", Script { ready: &[LOCK], act: &[LOCK], before: &[Sleeps(1, LOCK)], ..none }),
        lock("held, goes to sleep", Script { act: &[LOCK], before: &[Does(1, LOCK), Does(1, LOCK)], ..none }).unsteady().density(Density::SPINNING_SAMPLED),
        lock("owner dead: inherits, twice", Script { act: &[LOCK, LOCK], before: &[Does(1, LOCK), Does(1, LOCK), Dies(1)], ..none }).density(Density::SAMPLED),
        lock("owner dead: repairs", Script { act: &[LOCK, MARK, UNLOCK], before: &[Does(1, LOCK), Dies(1)], late: &[Tries(1, LOCK)], ..none }).density(Density::SAMPLED),
        unlock("inner", Script { ready: &[LOCK, LOCK], act: &[UNLOCK], ..none }),
        unlock("inner, a waiter asleep", Script { ready: &[LOCK, LOCK], act: &[UNLOCK], before: &[Sleeps(1, LOCK)], ..none }),
        unlock("outer", Script { ready: &[LOCK], act: &[UNLOCK], ..none }),
        unlock("outer, a waiter asleep", Script { ready: &[LOCK, LOCK, UNLOCK], act: &[UNLOCK], before: &[Sleeps(1, LOCK)], ..none }),
        unlock("both, two waiters asleep", Script { ready: &[LOCK, LOCK], act: &[UNLOCK, UNLOCK], before: &[Sleeps(1, LOCK), Sleeps(2, LOCK)], ..none }),
    ]
}

/// It guards no value: all its values have number 0.
impl Lock for ReentrantMutex {
    type Guard = ReentrantMutexGuard<'static>;
    const WAYS: &'static [Deed] = &[LOCK, TRY_LOCK, LOCK_TIMEOUT];

    fn create() -> Self {
        let options = ReentrantMutex::options().participants(PARTICIPANTS);
        options.anonymous().expect("a lock")
    }

    fn repairs(&self) -> u64 {
        ReentrantMutex::repairs(self)
    }

    fn lock(&'static self, way: Deed) -> Locked<Self::Guard> {
        match way {
            LOCK => locked!(LockError, ReentrantMutex::lock(self)),
            TRY_LOCK => locked!(TryLockError, self.try_lock()),
            LOCK_TIMEOUT => locked!(
                LockTimeoutError,
                self.lock_timeout(Duration::from_secs(3600))
            ),
            _ => unreachable!("no way to lock it"),
        }
    }

    fn value(_guard: &Self::Guard) -> u64 {
        0
    }

    fn change(_guard: &mut Self::Guard) {
        unreachable!("there is nothing to change");
    }

    fn mark(guard: &mut Self::Guard) {
        guard.mark_consistent();
    }
}
