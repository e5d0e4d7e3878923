//! Several processes count what they do, in place: a store or an atomic addition each, without a message. One shows the board while they are at it; one of
//! them is killed, and the others do not notice.
//!
//! ```console
//! $ cargo run --example counters
//! ```

use std::thread;
use std::time::Duration;

use crossproc::{Array, Value, process};

const WORKERS: usize = 4;
const ROUNDS: u64 = 200;

/// What a worker found last: of several words, and always of one and the same find.
type Find = [u64; 3];
/// Rounds done by each worker; the largest and the sum of all that they found; and the last find.
type Board = (Array<u64>, Value<u64>, Value<f64>, Value<Find>);

fn worker((number, (rounds, largest, sum, last)): (usize, Board)) {
    for round in 1..=ROUNDS {
        let found = (number as u64 * 7919 + round * 104_729) % 1000;
        largest.fetch_max(found);
        sum.fetch_add(found as f64);
        last.set([number as u64, round, found])
            .expect("a place on the board");
        rounds
            .fetch_add(number, 1)
            .expect("a counter for each worker");
        thread::sleep(Duration::from_micros(200));
    }
}

fn show((rounds, largest, sum, last): &Board) -> crossproc::Result<u64> {
    let each = rounds.read(0..WORKERS)?;
    let [who, round, found] = last.get()?;
    println!(
        "{each:?} rounds, largest {}, sum {}; last: {found}, by worker {who} in round {round}",
        largest.get()?,
        sum.get()?,
    );
    Ok(each.iter().sum())
}

fn main() -> crossproc::Result<()> {
    crossproc::init();
    let board: Board = (
        Array::new(WORKERS)?,
        Value::new(0)?,
        Value::new(0.0)?,
        Value::new([0; 3])?,
    );
    let mut workers: Vec<_> = (0..WORKERS)
        .map(|number| process::spawn(worker, (number, board.clone())))
        .collect::<Result<_, _>>()?;
    while show(&board)? < ROUNDS {
        thread::sleep(Duration::from_millis(10));
    }

    let unlucky = workers.pop().expect("there are several");
    unlucky.kill()?;
    let ended = unlucky.join();
    for worker in workers {
        worker.join()?;
    }
    show(&board)?;
    let done = board.0.read(0..WORKERS - 1)?;
    assert!(done.iter().all(|rounds| *rounds == ROUNDS));
    println!(
        "all others counted to {ROUNDS}; the last: {}",
        match ended {
            Ok(()) => "it was done before".to_string(),
            Err(ending) => ending.to_string(),
        }
    );
    Ok(())
}
