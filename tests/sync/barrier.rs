//! What a barrier does, as long as nobody dies.

use std::thread;
use std::time::{Duration, Instant};

use crossproc::process::spawn;
use crossproc::sync::{Cause, Party};
use crossproc::{Barrier, BarrierError, Mutex};

use super::children::{asleep, succeeds, until};

#[test]
fn one_party_waits_for_nobody() {
    guarded!();
    let barrier = Barrier::new(1).unwrap();
    let mut party = barrier.join().unwrap();
    for generation in 0..10 {
        let result = party.wait_timeout(Duration::ZERO).unwrap();
        assert_eq!((result.index, result.generation), (0, generation));
        assert!(result.is_leader);
    }
}

const ROUNDS: u32 = 2_000;

/// Nobody is a round ahead of the others between two meetings; each has one leader.
fn rounds((mut party, arrived, led): (Party, Mutex<u64>, Mutex<u64>)) -> usize {
    let parties = 4;
    for round in 0..ROUNDS {
        *arrived.lock().unwrap() += 1;
        let first = party.wait().unwrap();
        assert_eq!(*arrived.lock().unwrap(), u64::from(round + 1) * parties);
        let second = party.wait().unwrap();
        assert_eq!((first.index, second.index), (party.index(), party.index()));
        assert_eq!(
            (first.generation, second.generation),
            (2 * round, 2 * round + 1)
        );
        *led.lock().unwrap() += u64::from(first.is_leader) + u64::from(second.is_leader);
    }
    party.index()
}

#[test]
fn parties_travel_to_threads_and_processes_and_all_pass_together() {
    guarded!();
    let barrier = Barrier::new(4).unwrap();
    let (arrived, led) = (Mutex::new(0).unwrap(), Mutex::new(0).unwrap());
    let join = || (barrier.join().unwrap(), arrived.clone(), led.clone());
    let children: Vec<_> = (0..2).map(|_| spawn(rounds, join()).unwrap()).collect();
    let threads = [join(), join()].map(|party| thread::spawn(|| rounds(party)));
    let mut indices = threads.map(|thread| thread.join().unwrap()).to_vec();
    indices.extend(children.into_iter().map(|child| child.join().unwrap()));
    indices.sort_unstable();
    assert_eq!(indices, [0, 1, 2, 3]);
    assert_eq!(
        *led.lock().unwrap(),
        u64::from(2 * ROUNDS),
        "one leader each time"
    );
    assert_eq!((barrier.parties(), barrier.waiting()), (4, 0));
    assert_eq!(barrier.repairs(), 0);
}

/// What a party that waits gets when `act` has been done to the barrier.
fn what_a_waiter_gets(act: impl FnOnce(&Barrier, Party)) -> BarrierError {
    let barrier = Barrier::new(2).unwrap();
    let mine = barrier.join().unwrap();
    let mut waits = barrier.join().unwrap();
    thread::scope(|scope| {
        let waiter = scope.spawn(move || waits.wait());
        until(|| barrier.waiting() == 1);
        act(&barrier, mine);
        waiter.join().unwrap().unwrap_err()
    })
}

#[test]
fn it_breaks_for_all_who_wait() {
    guarded!();
    let broken = BarrierError::Broken;
    assert_eq!(
        what_a_waiter_gets(|barrier, _mine| barrier.abort().unwrap()),
        broken(Cause::Aborted)
    );
    assert_eq!(
        what_a_waiter_gets(|_, mine| mine.leave()),
        broken(Cause::Left)
    );
    assert_eq!(
        what_a_waiter_gets(|barrier, mine| {
            barrier.reset().unwrap();
            assert_eq!(barrier.broken(), None);
            drop(mine);
        }),
        broken(Cause::Reset)
    );
}

#[test]
fn a_party_that_loses_patience_breaks_it_for_all() {
    guarded!();
    let barrier = Barrier::new(3).unwrap();
    let mut party = barrier.join().unwrap();
    let timed_out = Err(BarrierError::Broken(Cause::TimedOut));
    let mut patient = asleep(|| {
        assert_eq!(barrier.join().unwrap().wait(), timed_out);
    });
    let start = Instant::now();
    let patience = Duration::from_millis(50);
    assert_eq!(party.wait_timeout(patience), timed_out);
    assert!(start.elapsed() >= patience);
    succeeds(&mut patient);
    assert_eq!(party.wait(), timed_out, "until it is reset");
    assert_eq!(
        (barrier.broken(), barrier.waiting()),
        (Some(Cause::TimedOut), 0)
    );
    assert_eq!(Cause::TimedOut.to_string(), "a party timed out");
}

#[test]
fn reset_makes_it_whole_for_those_who_are_there() {
    guarded!();
    let barrier = Barrier::new(2).unwrap();
    let mut party = barrier.join().unwrap();
    let second = barrier.join().unwrap();
    barrier.abort().unwrap();
    let aborted = Err(BarrierError::Broken(Cause::Aborted));
    assert_eq!(party.wait(), aborted);
    second.leave();
    barrier.abort().unwrap(); // Once more changes nothing.
    assert_eq!(barrier.broken(), Some(Cause::Aborted));
    barrier.reset().unwrap();
    let mut third = barrier.join().unwrap();
    assert_eq!(third.index(), 1);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| third.wait().unwrap());
        let (mine, other) = (party.wait().unwrap(), waiter.join().unwrap());
        assert_eq!(mine.generation, other.generation);
        assert_ne!(mine.is_leader, other.is_leader);
    });
}

#[test]
fn those_who_are_to_go_on_do_without_those_who_left() {
    guarded!();
    let options = Barrier::options().parties(3).go_on_without_the_dead();
    let barrier = options.anonymous().unwrap();
    let mut parties: Vec<_> = (0..3).map(|_| barrier.join().unwrap()).collect();
    parties.remove(1).leave();
    thread::scope(|scope| {
        for mut party in parties {
            scope.spawn(move || party.wait().unwrap());
        }
    });
    assert_eq!(barrier.broken(), None);
    // In the place of the one that left and of those that were dropped.
    let mut again: Vec<_> = (0..3).map(|_| barrier.join().unwrap()).collect();
    thread::scope(|scope| {
        for party in &mut again {
            scope.spawn(|| assert_eq!(party.wait().unwrap().generation, 1));
        }
    });
}

#[test]
fn a_party_that_has_travelled_stays_behind_as_nothing() {
    guarded!();
    let barrier = Barrier::new(2).unwrap();
    let mut mine = barrier.join().unwrap();
    // Dropped by `spawn`: that is not to count as leaving.
    let child = spawn(
        |mut party: Party| party.wait().is_ok(),
        barrier.join().unwrap(),
    )
    .unwrap();
    mine.wait().unwrap();
    assert!(child.join().unwrap());
    // The child has left by now, which `join` makes up for.
    let party = barrier.join().unwrap();
    assert_eq!((party.index(), mine.index()), (1, 0));
    assert!(serde_json::to_string(&party).is_err(), "nowhere else");
}

#[test]
fn arrivals_of_long_ago_are_not_taken_for_new_ones() {
    guarded!();
    let barrier = Barrier::new(2).unwrap();
    let (mut absent, mut waits) = (barrier.join().unwrap(), barrier.join().unwrap());
    assert!(absent.wait_timeout(Duration::ZERO).is_err());
    for _ in 0..1 << 15 {
        barrier.reset().unwrap();
    }
    assert_eq!(
        waits.wait_timeout(Duration::ZERO),
        Err(BarrierError::Broken(Cause::TimedOut)),
        "the other has not arrived since"
    );
}
