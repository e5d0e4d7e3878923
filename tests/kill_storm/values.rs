//! Values in place: processes are killed while they read, write, count and lock them. An account kept apart from the crate shows that what was
//! counted is there, and that nothing is ever seen half written.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use crossproc::process::spawn;
use crossproc::{Array, LockError, Value};
use serde::{Deserialize, Serialize};

use crate::refusal::Refusal;
use crate::{Random, Storm, Task};

/// All words are the same, so that half of one shows. So many that some die while they write them.
type Large = [u64; 2000];

const WORKERS: usize = 5;
/// The first is counted up by itself, the others under the lock.
const LEN: usize = 30;

/// What is taken down of each: how often somebody was about to count, and how often it was counted.
const WORD: usize = 0;
const LARGE: usize = 2;
const ELEMENT: usize = 4;
const LOCKED: usize = 6;

#[test]
fn values() {
    Storm::new("values", Refusal::Nothing, Duration::from_secs(5)).over_values();
}

#[derive(Clone, Serialize, Deserialize)]
struct Values {
    word: Value<u64>,
    large: Value<Large>,
    array: Array<u64>,
}

fn number(large: Large) -> u64 {
    assert!(large.iter().all(|word| *word == large[0]), "half written");
    large[0]
}

/// Adds one to all elements but the first; puts right what a dead owner left.
fn count_locked(array: &Array<u64>, random: &mut Random) {
    let (mut locked, told) = match array.lock() {
        Ok(locked) => (locked, false),
        Err(LockError::OwnerDied(locked)) => (locked, true),
        Err(error) => panic!("{error}"),
    };
    let all = locked.read(1..LEN).expect("so many");
    let (highest, lowest) = (all[0], all[LEN - 2]);
    // They are written from the first to the last.
    assert!(all.is_sorted_by(|a, b| a >= b), "{all:?}");
    assert!(
        highest == lowest || told && highest == lowest + 1,
        "{all:?}"
    );
    locked.mark_consistent();
    if told {
        locked.write(1, &[highest; LEN - 1]).expect("room");
    }
    for index in 1..LEN {
        locked.set(index, highest + 1).expect("room");
        if index % 10 == 0 {
            random.rest();
        }
    }
}

fn work((values, task): (Values, Task)) {
    let (tally, mut random) = task.begin();
    let mut seen = [0; 2];
    let counts = |cell: usize, count: &mut dyn FnMut()| {
        tally.cell(cell).fetch_add(1, SeqCst);
        count();
        tally.cell(cell + 1).fetch_add(1, SeqCst);
    };
    while !tally.is_stopped() {
        match random.below(5) {
            0 => counts(WORD, &mut || {
                values.word.fetch_add(1);
            }),
            1 => counts(LARGE, &mut || {
                let old = values.large.update(|old| old.map(|word| word + 1));
                number(old.expect("a place, and a value"));
            }),
            2 => counts(ELEMENT, &mut || {
                values.array.fetch_add(0, 1).expect("there is one");
            }),
            3 => counts(LOCKED, &mut || count_locked(&values.array, &mut random)),
            _ => {
                let now = [
                    values.word.get().expect("a number"),
                    number(values.large.get().expect("a value")),
                ];
                let went_back = now.iter().zip(seen).any(|(now, seen)| *now < seen);
                assert!(!went_back, "{seen:?} became {now:?}");
                seen = now;
                random.rest();
            }
        }
    }
}

impl Storm {
    fn over_values(mut self) {
        let values = Values {
            word: Value::new(0).expect("a value"),
            large: Value::new([0; 2000]).expect("a value"),
            array: Array::new(LEN).expect("an array"),
        };
        let alike = [(); WORKERS];
        let (workers, _) = self.rage(&alike, |(), task| spawn(work, (values.clone(), task)));
        self.tally.stop();
        for (_, worker) in workers {
            worker.join().expect("it went well");
        }
        count_locked(&values.array, &mut self.random);
        let counted = [
            (WORD, values.word.get().expect("a number")),
            (LARGE, number(values.large.get().expect("a value"))),
            (ELEMENT, values.array.get(0).expect("a number")),
            (LOCKED, values.array.get(1).expect("a number") - 1),
        ];
        for (cell, found) in counted {
            let [begun, done] = [cell, cell + 1].map(|cell| self.tally.cell(cell).load(SeqCst));
            assert!(done > 0, "nothing was done");
            // Who was killed while counting has counted, or has not.
            assert!(
                (done..=begun).contains(&found),
                "{found} of {done}, {begun} begun"
            );
        }
        let (large, array) = (values.large.repairs(), values.array.repairs());
        println!(
            "{} kills, {} of them asleep; {:?} counted; taken from the dead: a value {large} times, an array {array} times",
            self.kills,
            self.asleep,
            counted.map(|(_, found)| found),
        );
        assert!(large + array > 0, "nobody died with anything");
    }
}
