//! Users of dicts are stopped, forked and killed.

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

    // In the middle of a change: what the child made of it is not seen.
    let updated = words.update(&1, |value| {
        succeeds(&mut fork(|| {
            assert_eq!(words.get(&1), Ok(Some(2)));
            assert_eq!(words.len(), 100);
        }));
        value.map(|value| value + 1)
    });
    assert_eq!(updated, Ok(Some(3)));

    // A child of its own right may do everything.
    succeeds(&mut fork(|| {
        assert_eq!(words.insert(&1, &4), Ok(Some(3)));
        words.clear().unwrap();
    }));
    assert!(words.is_empty());
}
