#![allow(unsafe_code)] // fork(2), in the middle of an operation
//! Lists of several processes, some of which are stopped, forked or killed.

use std::collections::BTreeSet;

use crossproc::{Fault, List, Manager, UpdateError};

use super::children::{Word, succeeds, until};
use super::forked::{Child, fork};
use super::plain::Shared;

const PROCESSES: u64 = 4;
const EACH: u64 = 2000;

/// A child that is in the middle of an update of the first element.
fn in_an_update(list: &List<u64>, word: &Shared<Word>) -> Child {
    let child = fork(|| {
        let updated = list.update(0, |_| {
            word.set(1);
            until(|| word.get() == 2);
            100
        });
        assert_eq!(updated, Ok(100));
    });
    until(|| word.get() == 1);
    child
}

#[test]
fn who_is_killed_in_an_update_has_changed_nothing() {
    guarded!();
    let list = Manager::new().unwrap().list("list").unwrap();
    list.extend([1, 2, 3]).unwrap();
    let word = Shared::<Word>::new();
    let mut child = in_an_update(&list, &word);
    let repairs = list.repairs();
    // Who reads waits for nobody.
    assert_eq!((list.get(0), list.len()), (Ok(Some(1)), Ok(3)));
    assert_eq!(list.last(), Ok(Some(3)));
    child.kill();
    list.push(&4).unwrap();
    assert_eq!(list.repairs(), repairs + 1);
    assert_eq!(list.to_vec(), Ok(vec![1, 2, 3, 4]));
}

#[test]
fn who_waits_for_the_lock_is_served_when_its_owner_is_killed() {
    guarded!();
    let list = Manager::new().unwrap().list("list").unwrap();
    list.push(&1).unwrap();
    let word = Shared::<Word>::new();
    let mut owner = in_an_update(&list, &word);
    let mut waiter = super::children::asleep(|| list.push(&2).unwrap());
    owner.kill();
    succeeds(&mut waiter);
    assert_eq!(list.to_vec(), Ok(vec![1, 2]));
}

#[test]
fn each_element_is_popped_once() {
    guarded!();
    let manager = Manager::new().unwrap();
    let list = manager.list::<u64>("list").unwrap();
    let found = manager.list::<u64>("found").unwrap();
    let mut children: Vec<Child> = (0..PROCESSES)
        .map(|process| {
            fork(|| {
                let mut mine = Vec::new();
                for n in 0..EACH {
                    list.push(&(process * EACH + n)).unwrap();
                    if n % 2 == 1 {
                        // Whoever pushed it; there is one, as each pops what it has pushed at most.
                        mine.push(list.pop().unwrap().unwrap());
                    }
                }
                found.extend(mine).unwrap();
            })
        })
        .collect();
    children.iter_mut().for_each(succeeds);
    let rest = list.to_vec().unwrap();
    let found = found.to_vec().unwrap();
    assert_eq!(found.len() as u64, PROCESSES * EACH / 2);
    let all: BTreeSet<u64> = rest.iter().chain(&found).copied().collect();
    assert!(all.into_iter().eq(0..PROCESSES * EACH));
    assert_eq!((rest.len() + found.len()) as u64, PROCESSES * EACH);
}

#[test]
fn a_list_is_sorted_or_not_and_never_half() {
    guarded!();
    let list = Manager::new().unwrap().list::<u64>("list").unwrap();
    list.extend((0..500).rev()).unwrap();
    let stop = Shared::<Word>::new();
    let mut writer = fork(|| {
        while stop.get() == 0 {
            list.sort_by_key(|value| *value).unwrap();
            list.sort_by_key(|value| u64::MAX - value).unwrap();
        }
    });
    let mut orders = [0, 0];
    until(|| {
        let seen = list.to_vec().unwrap();
        let is_ascending = seen[0] == 0;
        orders[usize::from(is_ascending)] += 1;
        match is_ascending {
            true => assert!(seen.into_iter().eq(0..500)),
            false => assert!(seen.into_iter().eq((0..500).rev())),
        }
        // Without the lock, too: the ends belong together.
        assert!(matches!(list.get(250), Ok(Some(249 | 250))));
        orders.iter().all(|times| *times > 20)
    });
    stop.set(1);
    succeeds(&mut writer);
}

/// Forks, in the middle of whatever it is called in: both go on.
fn fork_here() -> Child {
    // SAFETY: fork(2) copies this process; the copy ends in `is_refused`.
    let pid = unsafe { libc::fork() };
    assert_ne!(pid, -1, "fork");
    Child { pid, reaped: None }
}

/// In the child, ends it; in the parent, sees that the child was refused.
fn is_refused(mut child: Child, refused: bool) {
    if child.pid == 0 {
        // SAFETY: _exit(2) does not return.
        unsafe { libc::_exit(if refused { 0 } else { 1 }) }
    }
    succeeds(&mut child);
}

#[test]
fn a_forked_child_changes_nothing_under_its_parents_lock() {
    guarded!();
    let manager = Manager::new().unwrap();
    let list = manager.list::<u32>("list").unwrap();
    list.extend([3, 1, 2]).unwrap();
    let lost = UpdateError::Fault(Fault::RoleLost);

    let mut child = None;
    let updated = list.update(0, |value| {
        let forked = child.insert(fork_here());
        value + u32::from(forked.pid == 0)
    });
    is_refused(child.take().unwrap(), updated == Err(lost.into()));
    assert_eq!(updated, Ok(3));

    let sorted = list.sort_by_key(|value| {
        child.get_or_insert_with(fork_here);
        *value
    });
    is_refused(child.take().unwrap(), sorted == Err(lost));
    assert_eq!(sorted, Ok(()));
    assert_eq!(list.to_vec(), Ok(vec![1, 2, 3]));
}
