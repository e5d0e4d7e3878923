//! Histories of a dict, recorded by processes of which some are killed, are linearisable: for each key there is an order of the operations on it that explains
//! all their results, and in which none comes before one that had returned before it began. What a killed process was doing may have happened or not.
//!
//! Keys are independent of one another, so each is checked by itself (Herlihy and Wing, "Linearizability", 1990). The search is Wing and Gong's, with Lowe's memory
//! of where it has been ("Testing for linearizability", 2017).

#[path = "../support/asleep.rs"]
mod asleep;
mod checker;
#[expect(dead_code, reason = "nobody is watched falling asleep here")]
#[path = "../support/forked.rs"]
mod forked;
#[path = "../support/plain.rs"]
mod plain;
mod recorder;
#[path = "../support/mod.rs"]
mod support;

use std::time::Duration;

use crossproc::{Dict, Manager};

use checker::{Operation, What, is_linearisable};
use forked::{Child, Ending, fork};
use plain::Shared;
use recorder::{Book, OPERATIONS, Random, WORKERS, Worker};
use support::{Leaks, watchdog};

const HANG: Duration = Duration::from_secs(120);
const KEYS: u64 = 4;

/// Many short histories, each with a death at another place.
const ROUNDS: u64 = 250;
/// So many deaths at least are to be in the middle of an operation; it takes as many more histories as it takes.
const INSIDE: u64 = 25;

#[test]
fn of_a_dict_whose_users_are_killed() {
    let _leaks = Leaks::start();
    let _guard = watchdog(HANG);
    let manager = Manager::new().unwrap();
    let (mut round, mut killed_inside) = (0, 0);
    while round < ROUNDS || killed_inside < INSIDE {
        round += 1;
        let dict = manager.dict(&format!("round {round}")).unwrap();
        let (history, died) = record(&dict, round);
        killed_inside += u64::from(died);
        for key in 0..KEYS {
            let of_key: Vec<Operation> = history
                .iter()
                .filter(|operation| operation.concerns(key))
                .copied()
                .collect();
            assert!(
                is_linearisable(&of_key),
                "round {round}, key {key}: {of_key:#?}"
            );
        }
        drop(dict);
        manager.remove_object(&format!("round {round}")).unwrap();
    }
}

/// One history, and whether the one who was killed was in the middle of an operation.
fn record(dict: &Dict<u64, Vec<u64>>, round: u64) -> (Vec<Operation>, bool) {
    let book = Shared::<Book>::new();
    let mut random = Random::new(round);
    let mut children: Vec<Child> = (0..WORKERS)
        .map(|worker| {
            let seed = random.next();
            fork(|| Worker::new(&book, worker, seed).work(dict, KEYS))
        })
        .collect();
    let last = (WORKERS * OPERATIONS) as u64;
    let when = random.below(last * 2 / WORKERS as u64);
    while !book.all_are_there() || book.clock() < when {
        std::hint::spin_loop();
    }
    children[0].kill();
    for child in &mut children[1..] {
        assert_eq!(child.wait(), Ending::Exited(0));
    }
    // What is there in the end.
    let mut last = Worker::new(&book, WORKERS, 0);
    (0..KEYS).for_each(|key| last.perform(dict, What::Get, key, 0));
    let history = book.history();
    let died = history.iter().any(|operation| operation.returned.is_none());
    (history, died)
}

#[test]
fn a_book_is_filled_by_several_at_once() {
    let _leaks = Leaks::start();
    let _guard = watchdog(HANG);
    let manager = Manager::new().unwrap();
    let dict = manager.dict("one").unwrap();
    // On a machine that is busy with other things they may come one after the other for once.
    while !record(&dict, 1).0.windows(2).any(overlap) {}
}

/// Whether one began before the other returned. The first began first.
fn overlap(pair: &[Operation]) -> bool {
    pair[0].returned.is_some_and(|at| at > pair[1].began)
}
