//! The reader-writer lock.

use std::time::Duration;

use crossproc::RwLock;
use crossproc::sync::{RwLockReadGuard, RwLockWriteGuard};

use super::locks::{
    CHANGE, LOCK, LOCK_TIMEOUT, Lock, Locked, MARK, PARTICIPANTS, READ, TRY_LOCK, UNLOCK, Value,
    change, locked, row,
};
use crate::message::{message, number};
use crate::play::Script;
use crate::scenario::{Density, Fate, Row};
use crate::stage::Cue::{Dies, Does, Sleeps, Tries};
use crate::stage::Deed;

const WRITER: &[Deed] = &[LOCK, CHANGE];

#[rustfmt::skip] // one row, one line
pub(crate) fn rows() -> Vec<Row> {
    let read = |state, script| row::<RwLock<Value>>("rwlock read", state, Script { act: &[READ], ..script });
    let read_end = |state, script| row::<RwLock<Value>>("rwlock end read", state, Script { act: &[UNLOCK], ..script });
    let write = |state, script| row::<RwLock<Value>>("rwlock write", state, Script { act: &[LOCK], ..script });
    let write_end = |state, script| row::<RwLock<Value>>("rwlock end write", state, Script { ready: WRITER, act: &[UNLOCK], ..script });
    let whole = |state, script| row::<RwLock<Value>>("rwlock", state, script);
    let spins = |row: Row| row.unsteady().density(Density::SPINNING_SAMPLED);
    let none = Script::default();
    vec![
        read("free", none),
        read("another reads", Script { before: &[Does(1, READ)], ..none }),
        read("again, a writer waits", Script { ready: &[READ], before: &[Sleeps(1, LOCK)], ..none }),
        read("a writer comes to wait", Script { late: &[Tries(1, LOCK)], ..none }),
        read("a writer comes, stopped but alive", Script { late: &[Tries(1, LOCK)], ..none }).unsteady().fate(Fate::Held),
        read("writer dead: clears", Script { before: &[Does(1, LOCK), Does(1, CHANGE), Dies(1)], ..none }).density(Density::SAMPLED),
        spins(read("being written, goes to sleep", Script { before: &[Does(1, LOCK)], ..none })),
        spins(read("being written, others asleep", Script { before: &[Does(1, LOCK), Sleeps(2, LOCK), Sleeps(3, READ)], ..none })),
        spins(read("a writer waits for another", Script { before: &[Does(1, READ), Sleeps(2, LOCK)], ..none })),
        spins(read("writer dies while it sleeps", Script { before: &[Does(1, LOCK), Sleeps(2, READ)], rouse: &[Dies(1)], ..none })),
        read_end("nobody waits", Script { ready: &[READ], ..none }),
        read_end("a writer asleep", Script { ready: &[READ], before: &[Sleeps(1, LOCK)], ..none }),
        read_end("a writer and a reader asleep", Script { ready: &[READ], before: &[Sleeps(1, LOCK), Sleeps(2, READ)], ..none }),
        read_end("the inner, a writer asleep", Script { ready: &[READ, READ], before: &[Sleeps(1, LOCK)], ..none }),
        read_end("another reads, a writer asleep", Script { ready: &[READ], before: &[Does(1, READ), Sleeps(2, LOCK)], ..none }),
        whole("read and end, a writer comes to wait", Script { act: &[READ, UNLOCK], late: &[Tries(1, LOCK)], ..none }),
        write("free", none),
        write("writer dead: inherits", Script { before: &[Does(1, LOCK), Does(1, CHANGE), Dies(1)], ..none }).density(Density::SAMPLED),
        write("reader dead", Script { before: &[Does(1, READ), Dies(1)], ..none }).density(Density::SAMPLED),
        write("others come to wait", Script { late: &[Tries(1, READ), Tries(2, LOCK)], ..none }).density(Density::SAMPLED),
        spins(write("another reads, goes to sleep", Script { before: &[Does(1, READ)], ..none })),
        spins(write("another reads, a reader comes to wait", Script { before: &[Does(1, READ)], late: &[Tries(2, READ)], ..none })),
        spins(write("reader dies while it sleeps", Script { before: &[Does(1, READ)], rouse: &[Dies(1)], ..none })),
        spins(write("being written, others asleep", Script { before: &[Does(1, LOCK), Sleeps(2, LOCK), Sleeps(3, READ)], ..none })),
        write_end("nobody waits", none),
        write_end("two readers asleep", Script { before: &[Sleeps(1, READ), Sleeps(2, READ)], ..none }),
        write_end("a writer asleep", Script { before: &[Sleeps(1, LOCK)], ..none }),
        write_end("readers and a writer asleep", Script { before: &[Sleeps(1, READ), Sleeps(2, LOCK), Sleeps(3, READ)], ..none }),
        whole("write, readers come to wait", Script { act: &[LOCK, CHANGE, UNLOCK], late: &[Tries(1, READ), Tries(2, READ)], ..none }).density(Density::SAMPLED),
        whole("writer dead: repairs", Script { act: &[LOCK, CHANGE, MARK, UNLOCK], before: &[Does(1, LOCK), Dies(1)], late: &[Tries(1, READ), Tries(2, LOCK)], ..none }).density(Density::SAMPLED),
    ]
}

/// Locking it is writing.
impl Lock for RwLock<Value> {
    type Guard = Guard;
    const WAYS: &'static [Deed] = &[LOCK, READ, TRY_LOCK, LOCK_TIMEOUT];

    fn create() -> Self {
        let options = RwLock::options().value(message(0));
        options
            .participants(PARTICIPANTS)
            .anonymous()
            .expect("a lock")
    }

    fn repairs(&self) -> u64 {
        RwLock::repairs(self)
    }

    fn lock(&'static self, way: Deed) -> Locked<Guard> {
        if way == READ {
            let (guard, told) = locked!(LockError, self.read());
            return (guard.map(Guard::Reads), told);
        }
        let (guard, told) = match way {
            LOCK => locked!(LockError, self.write()),
            TRY_LOCK => locked!(TryLockError, self.try_write()),
            LOCK_TIMEOUT => locked!(
                LockTimeoutError,
                self.write_timeout(Duration::from_secs(3600))
            ),
            _ => unreachable!("no way to lock it"),
        };
        (guard.map(Guard::Writes), told)
    }

    fn value(guard: &Guard) -> u64 {
        number(match guard {
            Guard::Reads(guard) => **guard,
            Guard::Writes(guard) => **guard,
        })
    }

    fn change(guard: &mut Guard) {
        change(guard.writes());
    }

    fn mark(guard: &mut Guard) {
        guard.writes().mark_consistent();
    }
}

pub(crate) enum Guard {
    Reads(RwLockReadGuard<'static, Value>),
    Writes(RwLockWriteGuard<'static, Value>),
}

impl Guard {
    fn writes(&mut self) -> &mut RwLockWriteGuard<'static, Value> {
        match self {
            Guard::Writes(guard) => guard,
            Guard::Reads(_) => unreachable!("a reader changes nothing"),
        }
    }
}
