//! What becomes of handles in a forked child: a copy of the process, with its calling thread only.
#![allow(unsafe_code)] // fork(2)

mod support;

use std::thread;
use std::time::Duration;

use crossproc::{Fault, Queue, RecvError, SendError, pipe, spsc};
use support::{Leaks, watchdog};

const LIMIT: Duration = Duration::from_secs(60);

/// Runs `test` in a forked child; whether it returned true. The child leaves without the parent's
/// exit handlers.
fn in_forked_child(test: impl FnOnce() -> bool) -> bool {
    // SAFETY: the child calls only what glibc keeps usable in the child of a threaded process.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0);
    if pid == 0 {
        let passed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(test));
        // SAFETY: ends the child at once.
        unsafe { libc::_exit(i32::from(!passed.unwrap_or(false))) }
    }
    let mut status = 0;
    // SAFETY: the pointer is to a live integer.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    status == 0
}

#[test]
fn a_queue_goes_on_in_both() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let there = Queue::new(4).unwrap();
    let back = Queue::new(4).unwrap();
    there.send(0u64).unwrap(); // This thread has a record now, which the child must not use.
    thread::scope(|scope| {
        scope.spawn(|| {
            for n in 1..5_000 {
                there.send(n).unwrap();
            }
            there.close();
        });
        let answers = scope.spawn(|| back.iter().sum::<u64>());
        assert!(in_forked_child(|| {
            for n in &there {
                back.send(n).unwrap();
            }
            back.close();
            true
        }));
        assert_eq!(answers.join().unwrap(), (0..5_000).sum());
    });
    assert_eq!(there.repairs() + back.repairs(), 0);
}

#[test]
fn the_childs_end_leaves_the_parents_records_alone() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let queue = Queue::<u64>::options()
        .capacity(2)
        .participants(6)
        .anonymous()
        .unwrap();
    queue.send(0).unwrap();
    for _ in 0..20 {
        let inherited = queue.clone();
        assert!(in_forked_child(move || {
            let value = inherited.recv().unwrap();
            inherited.send(value + 1).unwrap();
            drop(inherited);
            true
        }));
    }
    assert_eq!(queue.recv(), Ok(20));
}

#[test]
fn a_copy_of_a_role_is_void() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let (mut producer, mut consumer) = spsc::ring::<u64>(4).unwrap();
    producer.send(1).unwrap();
    assert!(in_forked_child(|| {
        producer.send(2) == Err(SendError::Fault(2, Fault::RoleLost))
            && consumer.recv() == Err(RecvError::Fault(Fault::RoleLost))
    }));
    let (mut copied, inherited) = (Some(producer), Some(consumer));
    assert!(in_forked_child(|| {
        drop(copied.take());
        true
    }));
    // Dropping the copy has closed nothing.
    let (mut producer, mut consumer) = (copied.unwrap(), inherited.unwrap());
    producer.send(3).unwrap();
    assert_eq!((consumer.recv(), consumer.recv()), (Ok(1), Ok(3)));
}

#[test]
fn a_copy_of_a_pipes_end_is_void() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let (mut here, mut there) = pipe::duplex::<u64, u64>().unwrap();
    here.send(&1).unwrap();
    assert!(in_forked_child(|| {
        here.send(&2) == Err(SendError::Fault((), Fault::RoleLost))
            && there.recv() == Err(RecvError::Fault(Fault::RoleLost))
            && there.poll(Duration::ZERO) == Err(Fault::RoleLost)
    }));
    let (mut copied, inherited) = (Some(here), Some(there));
    assert!(in_forked_child(|| {
        drop(copied.take());
        true
    }));
    // Dropping the copy has closed nothing, and unmapped nothing here.
    let (mut here, mut there) = (copied.unwrap(), inherited.unwrap());
    here.send(&3).unwrap();
    assert_eq!((there.recv(), there.recv()), (Ok(1), Ok(3)));
}
