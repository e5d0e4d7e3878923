//! Workers take jobs on lease from a queue and acknowledge them when done. Some workers are killed in the middle of a job, which then goes
//! to another. Every job is done in the end, and all of them are known to be.
//!
//! ```console
//! $ cargo run --example jobs
//! ```

use std::time::Duration;

use crossproc::{Event, Mutex, ObjectQueue, process};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
enum Job {
    /// Add up these numbers.
    Sum(Vec<u64>),
    /// Count these letters.
    Count { text: String },
}

/// What came of all jobs together, and how many of them had been begun by another before.
type Totals = [u64; 3];

fn work((jobs, totals): (ObjectQueue<Job>, Mutex<Totals>)) {
    while let Ok(job) = jobs.lease() {
        let [sum, letters] = match &*job {
            Job::Sum(numbers) => [numbers.iter().sum(), 0],
            Job::Count { text } => [0, text.chars().count() as u64],
        };
        let mut totals = totals.lock().expect("nobody dies in here");
        totals[0] += sum;
        totals[1] += letters;
        totals[2] += u64::from(job.is_redelivered());
        drop(totals);
        job.ack();
    }
}

/// Takes a job, and gets no further.
fn be_unlucky((jobs, begun): (ObjectQueue<Job>, Event)) {
    let _job = jobs.lease().expect("there are jobs");
    begun.set().expect("the event is there");
    std::thread::sleep(Duration::from_secs(3600));
}

fn main() -> crossproc::Result<()> {
    crossproc::init();
    let jobs = ObjectQueue::new(1 << 16)?;
    let totals = Mutex::new([0, 0, 0])?;
    for number in 0..100 {
        jobs.send(&Job::Sum((0..=number).collect()))?;
        jobs.send(&Job::Count {
            text: "naïve".repeat(number as usize),
        })?;
    }

    let begun = Event::new()?;
    let unlucky: Vec<_> = (0..3)
        .map(|_| {
            let child = process::spawn(be_unlucky, (jobs.clone(), begun.clone()))?;
            begun.wait()?;
            begun.reset()?;
            Ok(child)
        })
        .collect::<crossproc::Result<_>>()?;
    for child in unlucky {
        child.kill()?;
    }
    let workers: Vec<_> = (0..4)
        .map(|_| process::spawn(work, (jobs.clone(), totals.clone())))
        .collect::<Result<_, _>>()?;
    jobs.wait_idle()?;
    jobs.close();
    for worker in workers {
        worker.join()?;
    }

    let [sum, letters, again] = *totals.lock()?;
    println!("sum {sum}, {letters} letters, {again} jobs begun twice");
    assert_eq!((sum, letters, again), (166_650, 24_750, 3));
    Ok(())
}
