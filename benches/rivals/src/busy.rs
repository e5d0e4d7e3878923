//! A second of blocking traffic between two processes, for counting the system calls that it takes.

use std::time::{Duration, Instant};

use crossproc::{Queue, Result, process, spsc};

use crate::place::{Cores, pin, sleeps};

const LONG: Duration = Duration::from_secs(1);
const CAPACITY: usize = 1024;

pub fn run(cores: Cores) -> Result<()> {
    let (producer, mut consumer) = spsc::ring::<u64>(CAPACITY)?;
    let partner = process::spawn(fill_ring, (cores.second, producer))?;
    report("crossproc::spsc", cores.first, consumer.iter(), || {
        partner.join()
    })?;

    let queue = Queue::<u64>::new(CAPACITY)?;
    let partner = process::spawn(fill_queue, (cores.second, queue.clone()))?;
    report("crossproc::Queue", cores.first, queue.iter(), || {
        partner.join()
    })
}

/// Receives everything, and says how much that was.
fn report(
    name: &str,
    core: usize,
    messages: impl Iterator<Item = u64>,
    partner: impl FnOnce() -> Result<(u64, u64), process::JoinError>,
) -> Result<()> {
    pin(core);
    let before = sleeps();
    let mut received = 0;
    for message in messages {
        assert_eq!(message, received);
        received += 1;
    }
    let own_sleeps = sleeps() - before;
    let (sent, partner_sleeps) = partner()?;
    assert_eq!(sent, received);
    println!(
        "{name}: {received} messages in a second; the consumer slept {own_sleeps} times, the producer {partner_sleeps} times"
    );
    Ok(())
}

fn fill_ring((core, mut producer): (usize, spsc::Producer<u64>)) -> (u64, u64) {
    fill(core, |n| {
        producer.send(n).expect("the consumer takes everything");
    })
}

fn fill_queue((core, queue): (usize, Queue<u64>)) -> (u64, u64) {
    let outcome = fill(core, |n| {
        queue.send(n).expect("the queue is open");
    });
    queue.close();
    outcome
}

/// How many were sent, and the sleeps it took.
fn fill(core: usize, mut send: impl FnMut(u64)) -> (u64, u64) {
    pin(core);
    let before = sleeps();
    let start = Instant::now();
    let mut sent = 0;
    while start.elapsed() < LONG {
        for _ in 0..1000 {
            send(sent);
            sent += 1;
        }
    }
    (sent, sleeps() - before)
}
