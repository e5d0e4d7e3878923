//! A pipeline of processes: one generates numbers, several work on them, one collects. The queues between them are short, so that nobody runs ahead: who
//! finds one full waits, and so do those behind it.
//!
//! A worker takes a number on lease, and acknowledges it after its result is sent. One worker is killed again and again, wherever it happens to be: the
//! number it had goes to another, so none is lost. If it died between sending and acknowledging, the result comes twice, with the same number, and the
//! collector drops the second: so none counts twice.
//!
//! ```console
//! $ cargo run --example pipeline
//! ```

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use crossproc::{Event, ObjectQueue, process};

const NUMBERS: u64 = 2000;
const WORKERS: usize = 3;
/// Bytes of memory that each queue has: a few hundred numbers.
const MEMORY: usize = 1 << 14;

fn generate(numbers: ObjectQueue<u64>) {
    for number in 1..=NUMBERS {
        numbers.send(&number).expect("somebody works on them");
    }
}

/// How many steps it takes to come to 1 (Collatz).
fn steps(number: u64) -> u32 {
    let next = |n: &u64| match n {
        1 => None,
        n if n % 2 == 0 => Some(n / 2),
        n => Some(3 * n + 1),
    };
    std::iter::successors(Some(number), next).skip(1).count() as u32
}

fn transform((numbers, results): (ObjectQueue<u64>, ObjectQueue<(u64, u32)>)) {
    while let Ok(number) = numbers.lease() {
        thread::sleep(Duration::from_micros(100)); // It is hard work.
        let result = (*number, steps(*number));
        results.send(&result).expect("somebody collects them");
        number.ack();
    }
}

/// The results, and how many came twice.
fn collect((results, enough): (ObjectQueue<(u64, u32)>, Event)) -> (BTreeMap<u64, u32>, u64) {
    let (mut collected, mut twice) = (BTreeMap::new(), 0);
    while let Ok((number, steps)) = results.recv() {
        twice += u64::from(collected.insert(number, steps).is_some());
        if collected.len() as u64 == NUMBERS / 2 {
            enough.set().expect("the parent waits for it");
        }
    }
    (collected, twice)
}

fn main() -> crossproc::Result<()> {
    crossproc::init();
    let numbers = ObjectQueue::new(MEMORY)?;
    let results = ObjectQueue::new(MEMORY)?;
    let half = Event::new()?;

    let collector = process::spawn(collect, (results.clone(), half.clone()))?;
    let work = || process::spawn(transform, (numbers.clone(), results.clone()));
    let workers: Vec<_> = (0..WORKERS).map(|_| work()).collect::<Result<_, _>>()?;
    let generator = process::spawn(generate, numbers.clone())?;

    let mut killed = 0;
    while killed == 0 || !half.is_set() {
        let unlucky = work()?;
        thread::sleep(Duration::from_millis(2));
        unlucky.kill()?;
        killed += u32::from(unlucky.join().is_err());
    }

    generator.join()?;
    numbers.wait_idle()?; // All of them are acknowledged.
    numbers.close();
    for worker in workers {
        worker.join()?;
    }
    results.close();
    let (collected, twice) = collector.join()?;

    assert!(collected.keys().copied().eq(1..=NUMBERS), "none is lost");
    let longest = collected.iter().max_by_key(|(_, steps)| **steps);
    let (number, steps) = longest.expect("there are some");
    println!(
        "{} of {NUMBERS} numbers, although {killed} workers were killed; {twice} came twice",
        collected.len()
    );
    println!("the longest way: from {number}, {steps} steps");
    assert_eq!((*number, *steps), (1161, 181));
    Ok(())
}
