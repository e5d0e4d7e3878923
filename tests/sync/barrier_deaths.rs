//! A party of a barrier that is killed breaks it, or is done without, as was chosen.

use std::thread;
use std::time::Instant;

use crossproc::process::spawn;
use crossproc::sync::{Cause, Party};
use crossproc::{Barrier, BarrierError, Event, Group};

use super::children::{Holder, LIMIT, asleep, sleeps, succeeds};
use super::forked::Child;

/// A child that waits at the barrier and is to be told `expected`.
fn waiter(barrier: &Barrier, expected: Result<u32, Cause>) -> Child {
    asleep(|| {
        let told = barrier.join().unwrap().wait();
        let told = told.map(|result| result.generation);
        assert_eq!(told, expected.map_err(BarrierError::Broken));
    })
}

/// Kills `party` while others wait for it, and asserts that they are told; then has others in the dead's place meet.
fn breaks(barrier: &Barrier, pid: u32, mut kill: impl FnMut()) {
    let died = Err(Cause::Died { pid });
    let mut waiters = [waiter(barrier, died), waiter(barrier, died)];
    let start = Instant::now();
    kill();
    waiters.iter_mut().for_each(succeeds);
    println!("two told, and ended: {:?} after the kill", start.elapsed());
    assert_eq!(barrier.broken(), Some(Cause::Died { pid }));
    barrier.reset().unwrap();
    let mut again = [waiter(barrier, Ok(2)), waiter(barrier, Ok(2))];
    assert_eq!(barrier.join().unwrap().wait().unwrap().generation, 2);
    again.iter_mut().for_each(succeeds);
}

#[test]
fn barrier_party_killed_before_arriving() {
    guarded!();
    let barrier = Barrier::new(3).unwrap();
    let mut party = Holder::of(|| barrier.join().unwrap());
    breaks(&barrier, party.pid(), || party.kill());
}

#[test]
fn barrier_party_killed_while_waiting() {
    guarded!();
    let barrier = Barrier::new(4).unwrap();
    let late = barrier.join().unwrap();
    let mut party = waiter(&barrier, Ok(0));
    let died = Err(Cause::Died { pid: party.pid() });
    let mut waiters = [waiter(&barrier, died), waiter(&barrier, died)];
    let start = Instant::now();
    party.kill();
    waiters.iter_mut().for_each(succeeds);
    println!("two told, and ended: {:?} after the kill", start.elapsed());
    drop(late);
}

#[test]
fn a_death_nobody_waits_for_is_told_to_the_next() {
    guarded!();
    let barrier = Barrier::new(2).unwrap();
    let mut mine = barrier.join().unwrap();
    let mut party = Holder::of(|| barrier.join().unwrap());
    let pid = party.pid();
    party.kill();
    assert_eq!(barrier.broken(), None, "nobody has looked");
    let died = BarrierError::Broken(Cause::Died { pid });
    assert_eq!(mine.wait(), Err(died));
    assert!(
        died.to_string().contains(&format!("process {pid}")),
        "{died}"
    );
    assert!(died.to_string().contains("reset()"), "{died}");
}

/// What the dead left, others take: their names are not confused.
#[test]
fn nobody_else_is_said_to_have_died() {
    guarded!();
    let group = Group::of((Barrier::options().parties(2), Event::options()));
    let (barrier, event) = group.anonymous().unwrap();
    let mut mine = barrier.join().unwrap();
    let mut party = Holder::of(|| barrier.join().unwrap());
    party.kill();
    // It takes part where the dead one did.
    let mut innocent = Holder::of(|| event.reset().unwrap());
    assert_eq!(
        mine.wait(),
        Err(BarrierError::Broken(Cause::Died { pid: 0 }))
    );
    innocent.kill();
}

#[test]
fn the_living_go_on_without_the_dead() {
    guarded!();
    let options = Barrier::options().parties(4).go_on_without_the_dead();
    let barrier = options.anonymous().unwrap();
    let mut mine = barrier.join().unwrap();
    let mut dies_before = Holder::of(|| barrier.join().unwrap());
    let mut dies_waiting = waiter(&barrier, Ok(0));
    let mut lives = waiter(&barrier, Ok(0));
    dies_waiting.kill();
    sleeps(&mut lives); // Two have not arrived.
    dies_before.kill();
    assert_eq!(mine.wait().unwrap().generation, 0);
    succeeds(&mut lives);
    assert_eq!(mine.wait().unwrap().generation, 1, "alone by now");
    // Of two places one is taken again, and then waited for.
    let mut again = waiter(&barrier, Ok(2));
    assert_eq!(mine.wait().unwrap().generation, 2);
    succeeds(&mut again);
    assert_eq!((barrier.broken(), barrier.repairs()), (None, 1));
}

#[test]
fn the_last_one_missing_is_killed_and_the_others_are_released() {
    guarded!();
    let options = Barrier::options().parties(3).go_on_without_the_dead();
    let barrier = options.anonymous().unwrap();
    let mut missing = Holder::of(|| barrier.join().unwrap());
    let mut waiters = [waiter(&barrier, Ok(0)), waiter(&barrier, Ok(0))];
    let start = Instant::now();
    missing.kill();
    waiters.iter_mut().for_each(succeeds);
    println!(
        "two released, and ended: {:?} after the kill",
        start.elapsed()
    );
}

#[test]
fn travelled_party_killed() {
    guarded!();
    let barrier = Barrier::new(2).unwrap();
    let mut mine = barrier.join().unwrap();
    let once = |mut party: Party| {
        party.wait().unwrap();
        thread::sleep(2 * LIMIT);
    };
    let child = spawn(once, barrier.join().unwrap()).unwrap();
    mine.wait().unwrap();
    let pid = child.id();
    child.kill().unwrap();
    assert!(child.join().is_err());
    assert_eq!(mine.wait(), Err(BarrierError::Broken(Cause::Died { pid })));
}

#[test]
fn all_parties_killed_leave_room_for_others() {
    guarded!();
    let barrier = Barrier::new(2).unwrap();
    for _ in 0..20 {
        let mut dead = [0, 1].map(|_| Holder::of(|| barrier.join().unwrap()));
        dead.iter_mut().for_each(Holder::kill);
    }
    assert_eq!(barrier.repairs(), 38);
    // Whoever waited before both places are taken again would find a dead party.
    let mut mine = barrier.join().unwrap();
    let mut other = waiter(&barrier, Ok(0));
    assert_eq!(mine.wait().unwrap().generation, 0);
    succeeds(&mut other);
}
