#![allow(unsafe_code)] // fork(2)
//! What a forked child inherits is a copy: it lets go of nothing, and changes nothing.

use std::ffi::c_int;
use std::time::Duration;

use crossproc::{
    Barrier, BarrierError, Condvar, Event, Fault, Mutex, OnceLock, ReentrantMutex, RwLock,
    Semaphore, TryAcquireError, TryLockError,
};

use super::children::{asleep, succeeds};
use super::forked::fork;

/// Drops a copy of `held` in a forked child; to it and to others it `is_taken` before and after that, until it is
/// dropped here.
fn a_copy_lets_go_of_nothing<H>(held: H, is_taken: impl Fn() -> bool) {
    let mut held = Some(held);
    let mut child = fork(|| {
        assert!(is_taken());
        drop(held.take());
        assert!(is_taken());
    });
    succeeds(&mut child);
    succeeds(&mut fork(|| assert!(is_taken())));
    drop(held.take());
    succeeds(&mut fork(|| assert!(!is_taken())));
}

fn would_block<G>(tried: Result<G, TryLockError<G>>) -> bool {
    match tried {
        Err(TryLockError::WouldBlock) => true,
        Err(other) => panic!("{other}"),
        Ok(_) => false,
    }
}

#[test]
fn guards_let_go_of_nothing() {
    guarded!();
    let mutex = Mutex::new(1u64).unwrap();
    let mut guard = mutex.lock().unwrap();
    *guard = 2;
    a_copy_lets_go_of_nothing(guard, || would_block(mutex.try_lock()));
    assert_eq!(*mutex.lock().unwrap(), 2, "committed once, here");

    let reentrant = ReentrantMutex::new().unwrap();
    let guards = [reentrant.lock().unwrap(), reentrant.lock().unwrap()];
    a_copy_lets_go_of_nothing(guards, || would_block(reentrant.try_lock()));

    let rwlock = RwLock::new(1u64).unwrap();
    let readers = [rwlock.read().unwrap(), rwlock.read().unwrap()];
    a_copy_lets_go_of_nothing(readers, || would_block(rwlock.try_write()));
    a_copy_lets_go_of_nothing(rwlock.write().unwrap(), || would_block(rwlock.try_read()));
    let repairs = mutex.repairs() + reentrant.repairs() + rwlock.repairs();
    assert_eq!(repairs, 0, "nobody died with anything");
}

#[test]
fn permits_give_nothing_back() {
    guarded!();
    let semaphore = Semaphore::new(1).unwrap();
    a_copy_lets_go_of_nothing(semaphore.acquire().unwrap(), || {
        match semaphore.try_acquire() {
            Err(TryAcquireError::WouldBlock) => true,
            Err(other) => panic!("{other}"),
            Ok(_) => false,
        }
    });
    assert_eq!(semaphore.repairs(), 0);
}

#[test]
fn a_party_is_void() {
    guarded!();
    let barrier = Barrier::new(2).unwrap();
    let mut mine = Some(barrier.join().unwrap());
    let mut child = fork(|| {
        let mut copy = mine.take().unwrap();
        let lost = BarrierError::Fault(Fault::RoleLost);
        assert_eq!(copy.wait(), Err(lost));
    });
    succeeds(&mut child);
    let mut other = asleep(|| assert!(barrier.join().unwrap().wait().is_ok()));
    assert!(mine.unwrap().wait().is_ok());
    succeeds(&mut other);
    assert_eq!(barrier.repairs(), 0);
}

#[test]
fn waiting_with_a_copied_guard_is_waiting_without_one() {
    guarded!();
    let (lock, changed) = (ReentrantMutex::new().unwrap(), Condvar::new().unwrap());
    let mut guards = [lock.lock().unwrap(), lock.lock().unwrap()].map(Some);
    let mut child = asleep(|| {
        let copy = guards[0].take().unwrap();
        let (copy, _) = changed.wait_timeout(copy, Duration::ZERO).unwrap();
        drop(copy);
    });
    assert_eq!(guards[1].as_ref().unwrap().depth(), 2, "as before");
    drop(guards);
    succeeds(&mut child);
    assert!(lock.try_lock().is_ok());
}

#[test]
fn a_value_made_in_a_child_of_the_one_who_makes_it_is_not_the_value() {
    guarded!();
    let once = OnceLock::<u64>::new().unwrap();
    let go_on = Event::new().unwrap();
    // Called as a C program does, fork(2) returns twice from inside the function that makes the value.
    let mut child = -1;
    let made = once.get_or_init(|| {
        // SAFETY: the child calls only what glibc keeps usable in the child of a threaded process.
        child = unsafe { libc::fork() };
        assert_ne!(child, -1);
        if child != 0 {
            return 1;
        }
        go_on.wait().unwrap();
        666
    });
    if child == 0 {
        // SAFETY: ends the child at once.
        unsafe { libc::_exit(0) };
    }
    assert_eq!(made.unwrap(), 1);
    go_on.set().unwrap();
    let mut status: c_int = 0;
    // SAFETY: the pointer is to a live integer.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(once.get(), Ok(Some(1)), "once there, it never changes");
}
