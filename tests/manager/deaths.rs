//! Users of dicts are stopped, forked and killed.

use std::cell::Cell;

use crossproc::{Dict, Fault, Manager, UpdateError};

use super::children::{Holder, killed_while_another_sleeps, succeeds};
use super::forked::fork;

type Words = Dict<u32, u32>;

fn words() -> Words {
    let words: Words = Manager::new().unwrap().dict("words").unwrap();
    for key in 0..100 {
        words.insert(&key, &key).unwrap();
    }
    words
}

#[test]
fn who_waits_for_an_entry_of_the_dead_gets_it() {
    guarded!();
    let words = words();
    killed_while_another_sleeps(
        || words.entry(&1).unwrap(),
        || assert_eq!(words.insert(&1, &5), Ok(Some(1))),
    );
    assert_eq!(words.get(&1), Ok(Some(5)));
    assert_eq!((words.len(), words.repairs()), (100, 1));
}

#[test]
fn who_reads_does_not_wait_for_who_stands_still() {
    guarded!();
    let words = words();
    let holder = Holder::with(
        || words.entry(&1).unwrap(),
        |entry| assert_eq!(entry.insert(&7), Ok(Some(1))),
    );
    holder.stop();
    for key in 0..100 {
        assert_eq!(words.get(&key), Ok(Some(key)));
    }
    assert_eq!((words.len(), words.contains_key(&1)), (100, Ok(true)));
    holder.go_on();
    holder.let_go();
    assert_eq!(words.get(&1), Ok(Some(7)));
}

#[test]
fn a_forked_child_changes_nothing_under_its_parents_lock() {
    guarded!();
    let words = words();
    let lost = || Err(UpdateError::Fault(Fault::RoleLost));

    let mut entry = Some(words.entry(&1).unwrap());
    succeeds(&mut fork(|| {
        let entry = entry.take().unwrap();
        assert_eq!(entry.get(), Ok(Some(1)));
        assert_eq!(entry.insert(&9).map(drop), lost());
        assert_eq!(words.get(&1), Ok(Some(1)));
    }));
    assert_eq!(entry.take().unwrap().insert(&2), Ok(Some(1)));

    // The child of a fork in the middle of a change comes back from it, too.
    let child = Cell::new(false);
    let pid = Cell::new(0);
    let updated = words.update(&1, |value| {
        // SAFETY: the child only uses the dict, and leaves.
        pid.set(unsafe { libc::fork() });
        child.set(pid.get() == 0);
        value.map(|value| value + if child.get() { 100 } else { 1 })
    });
    if child.get() {
        let refused = updated == lost();
        // SAFETY: _exit(2) does not return.
        unsafe { libc::_exit(if refused { 0 } else { 1 }) }
    }
    assert!(pid.get() > 0);
    let mut status = 0;
    // SAFETY: `status` is a valid place to write an int to.
    let waited = unsafe { libc::waitpid(pid.get(), &raw mut status, 0) };
    assert_eq!((waited, status), (pid.get(), 0));
    assert_eq!(updated, Ok(Some(3)));
    assert_eq!(words.get(&1), Ok(Some(3)));

    // A child of its own right may do everything.
    succeeds(&mut fork(|| {
        assert_eq!(words.insert(&1, &4), Ok(Some(3)));
        words.clear().unwrap();
    }));
    assert!(words.is_empty());
}
