//! Locks and semaphores: processes are killed while they have them, wait for them, take them and let go of
//! them. An account kept apart from the crate shows that no two had one at a time, that each change counts
//! once it is made, and that a death is told of.

use std::process;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use crossproc::process::spawn;
use crossproc::{LockError, Mutex, RwLock, Semaphore, TryAcquireError};
use serde::{Deserialize, Serialize};

use crate::refusal::Refusal;
use crate::tally::Tally;
use crate::{Random, Storm, Task};

/// A number, and the same in disguise.
type Value = [u64; 2];

const PERMITS: usize = 3;
const WORKERS: usize = 5;

#[test]
fn locks() {
    Storm::new("locks", Refusal::Nothing, Duration::from_secs(5)).over_locks();
}

#[derive(Clone, Serialize, Deserialize)]
struct Locks {
    mutex: Mutex<Value>,
    table: RwLock<Value>,
    /// One permit is a lock, too.
    single: Semaphore,
    several: Semaphore,
}

/// What is known of one lock by other means.
struct Account<'a> {
    /// Who has it: a process id.
    inside: &'a AtomicU64,
    /// The last number that somebody was about to commit.
    attempted: &'a AtomicU64,
}

impl<'a> Account<'a> {
    fn of(tally: &'a Tally, lock: usize) -> Self {
        Account {
            inside: tally.cell(2 * lock),
            attempted: tally.cell(2 * lock + 1),
        }
    }

    /// The caller has the lock, and was told of a death or not.
    fn enter(&self, told: bool) {
        let before = self.inside.swap(process::id().into(), SeqCst);
        assert!(
            before == 0 || told,
            "process {before} has it, or died without a word"
        );
    }

    fn leave(&self) {
        let mine = self.inside.swap(0, SeqCst);
        assert_eq!(mine, process::id().into(), "somebody else got in");
    }

    /// What was committed is there; what was not is not.
    fn check(&self, value: Value, told: bool) -> u64 {
        let [number, disguised] = value;
        assert_eq!(number, !disguised, "a torn value");
        let attempted = self.attempted.load(SeqCst);
        assert!(
            number == attempted || told && number + 1 == attempted,
            "{number} where {attempted} was the last, death told of: {told}"
        );
        number
    }

    fn change(&self, value: &mut Value, told: bool) {
        let next = self.check(*value, told) + 1;
        self.attempted.store(next, SeqCst);
        *value = [next, !next];
    }
}

/// The guard, and whether there was a death to tell of.
fn told<G>(locked: Result<G, LockError<G>>) -> (G, bool) {
    match locked {
        Ok(guard) => (guard, false),
        Err(LockError::OwnerDied(guard)) => (guard, true),
        Err(error) => panic!("{error}"),
    }
}

fn work((locks, task): (Locks, Task)) {
    let (tally, mut random) = task.begin();
    let [mutex, table, single] = [0, 1, 2].map(|lock| Account::of(&tally, lock));
    while !tally.is_stopped() {
        match random.below(5) {
            0 => {
                let (mut guard, told) = told(locks.mutex.lock());
                mutex.enter(told);
                random.rest();
                mutex.change(&mut guard, told);
                guard.mark_consistent();
                mutex.leave();
            }
            1 => {
                let (mut guard, told) = told(locks.table.write());
                table.enter(told);
                random.rest();
                table.change(&mut guard, told);
                guard.mark_consistent();
                table.leave();
            }
            2 => read(&locks.table, &table, &mut random),
            3 => {
                let _permit = locks.single.acquire().expect("a permit");
                // Nobody is told whose permit it was.
                single.enter(true);
                random.rest();
                single.leave();
            }
            _ => {
                let _permit = locks.several.acquire().expect("a permit");
                random.rest();
            }
        }
    }
}

/// Nobody writes meanwhile.
fn read(table: &RwLock<Value>, account: &Account, random: &mut Random) {
    let (guard, told) = told(table.read());
    let look = || {
        (
            account.inside.load(SeqCst),
            account.check(*guard, told),
            account.attempted.load(SeqCst),
        )
    };
    let first = look();
    assert!(first.0 == 0 || told, "process {} writes", first.0);
    random.rest();
    assert_eq!(look(), first, "somebody writes");
}

impl Storm {
    fn over_locks(mut self) {
        let first = [0, !0];
        let locks = Locks {
            mutex: Mutex::new(first).expect("a mutex"),
            table: RwLock::new(first).expect("a lock"),
            single: Semaphore::new(1).expect("a semaphore"),
            several: Semaphore::new(PERMITS).expect("a semaphore"),
        };
        let alike = [(); WORKERS];
        let (workers, _) = self.rage(&alike, |(), task| spawn(work, (locks.clone(), task)));
        self.tally.stop();
        for (_, worker) in workers {
            worker.join().expect("it went well");
        }
        let (mutex, mutex_told) = told(locks.mutex.lock());
        let (table, table_told) = told(locks.table.write());
        let changes = [
            Account::of(&self.tally, 0).check(*mutex, mutex_told),
            Account::of(&self.tally, 1).check(*table, table_told),
        ];
        for (semaphore, permits) in [(&locks.single, 1), (&locks.several, PERMITS)] {
            assert_eq!(semaphore.available(), permits);
            let all: Vec<_> = (0..permits).map(|_| semaphore.try_acquire()).collect();
            assert!(all.iter().all(Result::is_ok), "a permit has not come back");
            let one_more = semaphore.try_acquire();
            assert!(matches!(one_more, Err(TryAcquireError::WouldBlock)));
        }
        let repairs = locks.mutex.repairs() + locks.table.repairs();
        let permits = locks.single.repairs() + locks.several.repairs();
        println!(
            "{} kills, {} of them asleep; {changes:?} changes, {repairs} locks and {permits} permits taken from the dead",
            self.kills, self.asleep,
        );
        assert!(changes.iter().all(|count| *count > 0), "nothing was done");
        assert!(repairs > 0 && permits > 0, "nobody died with anything");
    }
}
