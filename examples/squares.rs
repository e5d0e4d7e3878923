//! A child process squares numbers.
//!
//! ```console
//! $ cargo run --example squares
//! ```

use crossproc::{Queue, process};

fn squares((numbers, results): (Queue<u64>, Queue<u64>)) -> u64 {
    let mut done = 0;
    // Ends when the queue is closed and drained.
    for n in &numbers {
        results.send(n * n).expect("the parent keeps it open");
        done += 1;
    }
    done
}

fn main() -> crossproc::Result<()> {
    // A child of this program goes to its entry function here.
    crossproc::init();

    let numbers = Queue::new(1024)?;
    let results = Queue::new(1024)?;
    let child = process::spawn(squares, (numbers.clone(), results.clone()))?;
    for n in 0..10 {
        numbers.send(n)?;
    }
    numbers.close();
    let done = child.join()?;

    let squares: Vec<u64> = results.try_iter().collect();
    println!("{done} numbers squared: {squares:?}");
    Ok(())
}
