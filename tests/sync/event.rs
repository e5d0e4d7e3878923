//! What an event does.

use std::time::{Duration, Instant};

use crossproc::process::spawn;
use crossproc::{Event, WaitTimeoutError};

use super::children::{asleep, succeeds};

#[test]
fn it_stays_set_until_it_is_reset() {
    guarded!();
    let event = Event::new().unwrap();
    assert!(!event.is_set());
    assert_eq!(event.reset(), Ok(false));
    assert_eq!((event.set(), event.set()), (Ok(true), Ok(false)));
    assert!(event.is_set());
    event.wait().unwrap();
    event.wait_timeout(Duration::ZERO).unwrap();
    event.wait_deadline(Instant::now()).unwrap();
    assert_eq!((event.reset(), event.reset()), (Ok(true), Ok(false)));
    let patience = Duration::from_millis(30);
    let start = Instant::now();
    assert_eq!(event.wait_timeout(patience), Err(WaitTimeoutError::Timeout));
    assert!(start.elapsed() >= patience);
    assert_eq!(event.repairs(), 0);
}

#[test]
fn setting_it_serves_all_who_wait_even_if_it_is_reset_at_once() {
    guarded!();
    let event = Event::new().unwrap();
    for _ in 0..10 {
        let mut waiters: Vec<_> = (0..3).map(|_| asleep(|| event.wait().unwrap())).collect();
        event.set().unwrap();
        event.reset().unwrap();
        waiters.iter_mut().for_each(succeeds);
    }
}

#[test]
fn two_processes_take_turns() {
    guarded!();
    const ROUNDS: u32 = 2_000;
    /// Waits for one, then sets the other, and so on.
    fn take_turns(mine: &Event, yours: &Event) {
        for _ in 0..ROUNDS {
            mine.wait().unwrap();
            assert_eq!(mine.reset(), Ok(true));
            assert_eq!(yours.set(), Ok(true));
        }
    }
    let (ping, pong) = (Event::new().unwrap(), Event::new().unwrap());
    let entry = |(ping, pong): (Event, Event)| take_turns(&ping, &pong);
    let child = spawn(entry, (ping.clone(), pong.clone())).unwrap();
    ping.set().unwrap();
    take_turns(&pong, &ping);
    child.join().unwrap();
    assert!(ping.is_set() && !pong.is_set());
}
