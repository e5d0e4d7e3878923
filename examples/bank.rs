//! Tellers in several processes move money between accounts under one lock. One of them is killed while it has the lock, with a
//! transfer half done. Nothing is lost, and the others go on.
//!
//! ```console
//! $ cargo run --example bank
//! ```

use std::time::Duration;

use crossproc::{Event, Group, LockError, Mutex, Semaphore, process};

const ACCOUNTS: usize = 8;
const TRANSFERS: usize = 100_000;

type Cents = [i64; ACCOUNTS];
type Bank = (Mutex<Cents>, Semaphore, Event);

/// Waits for a counter to be free, and makes transfers; how often it heard that the lock's owner had died.
fn teller((number, (accounts, counters, _)): (usize, Bank)) -> u32 {
    let _counter = counters.acquire().expect("the counters are there");
    let mut heard = 0;
    for transfer in 0..TRANSFERS {
        let mut cents = match accounts.lock() {
            Ok(guard) => guard,
            Err(LockError::OwnerDied(mut guard)) => {
                // What the dead had changed is not there, so there is nothing to repair.
                guard.mark_consistent();
                heard += 1;
                guard
            }
            Err(error) => panic!("{error}"),
        };
        cents[(number + transfer) % ACCOUNTS] -= 1;
        cents[transfer % ACCOUNTS] += 1;
    }
    heard
}

/// Takes money from an account, and gets no further.
fn unlucky_teller((accounts, _, half_way): Bank) {
    let mut cents = accounts.lock().expect("nobody has died yet");
    cents[0] -= 1_000_000;
    half_way.set().expect("the event is there");
    std::thread::sleep(Duration::from_secs(3600));
}

fn main() -> crossproc::Result<()> {
    crossproc::init();
    let bank = Group::of((
        Mutex::options().value([10_000; ACCOUNTS]),
        Semaphore::options().permits(2),
        Event::options(),
    ))
    .anonymous()?;

    let unlucky = process::spawn(unlucky_teller, bank.clone())?;
    bank.2.wait()?;
    let tellers: Vec<_> = (0..4)
        .map(|number| process::spawn(teller, (number, bank.clone())))
        .collect::<Result<_, _>>()?;
    unlucky.kill()?;
    let ending = unlucky.join().expect_err("it was killed");

    let mut heard = 0;
    for teller in tellers {
        heard += teller.join()?;
    }
    let total: i64 = bank.0.lock()?.iter().sum();
    println!("{ending}; {heard} teller heard of it; {total} cents are there");
    assert_eq!((heard, total), (1, 10_000 * ACCOUNTS as i64));
    Ok(())
}
