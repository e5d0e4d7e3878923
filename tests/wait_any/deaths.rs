//! Whoever owes a wake is killed; whoever sleeps is told all the same.

use crossproc::{Event, Queue, Semaphore, TryRecvError, process, spsc, wait_any};

use crate::children::{Holder, asleep, killed_while_another_sleeps, succeeds, until};

#[test]
fn a_permits_holder_is_killed() {
    guarded!();
    let (semaphore, never) = (Semaphore::new(1).unwrap(), Event::new().unwrap());
    let has = || semaphore.acquire().unwrap();
    killed_while_another_sleeps(has, || {
        assert_eq!(wait_any(&[&never, &semaphore]), Ok(1));
        semaphore.try_acquire().unwrap();
    });
}

/// One process took part in both segments, so that its end may wake the same sleeper twice: those who sleep in one only hear of it.
#[test]
fn who_dies_in_several_segments_is_told_of_in_each() {
    guarded!();
    for _ in 0..30 {
        let [one, two] = [(); 2].map(|()| Semaphore::new(1).unwrap());
        let mut holder = Holder::of(|| (one.acquire().unwrap(), two.acquire().unwrap()));
        let mut both = [(); 2].map(|()| asleep(|| assert!(wait_any(&[&one, &two]).is_ok())));
        let mut of_one = asleep(|| drop(one.acquire().unwrap()));
        let mut of_two = asleep(|| drop(two.acquire().unwrap()));
        holder.kill();
        succeeds(&mut of_one);
        succeeds(&mut of_two);
        both.iter_mut().for_each(succeeds);
    }
}

#[test]
fn a_producer_is_killed() {
    guarded!();
    let (producer, mut consumer) = spsc::ring::<u64>(4).unwrap();
    let ready = Event::new().unwrap();
    let child = process::spawn(
        |(mut producer, ready): (spsc::Producer<u64>, Event)| {
            producer.send(1).unwrap();
            ready.set().unwrap();
            Event::new().unwrap().wait().unwrap(); // For ever.
        },
        (producer, ready.clone()),
    )
    .unwrap();
    ready.wait().unwrap();
    assert_eq!(consumer.recv(), Ok(1));
    child.kill().unwrap();
    let never = Event::new().unwrap();
    assert_eq!(wait_any(&[&never, &consumer]), Ok(1));
    assert_eq!(consumer.try_recv(), Err(TryRecvError::PeerDied));
    assert_eq!(wait_any(&[&child]), Ok(0));
    child.join().unwrap_err();
}

/// Of several who wait for any, some are killed, asleep or just woken. None of them takes anything along.
#[test]
fn waiters_are_killed() {
    guarded!();
    let queues = [(); 2].map(|()| Queue::<u64>::new(4).unwrap());
    let [one, two] = &queues;
    for lap in 0..30 {
        let mut doomed = [(); 3].map(|()| asleep(|| assert!(wait_any(&[one, two]).is_ok())));
        let mut receiver = asleep(|| assert_eq!(one.recv(), Ok(lap)));
        doomed[0].kill();
        one.send(lap).unwrap();
        doomed[1].kill();
        succeeds(&mut receiver);
        two.send(lap).unwrap();
        succeeds(&mut doomed[2]);
        two.recv().unwrap();
        until(|| queues.iter().all(Queue::is_empty));
    }
}
