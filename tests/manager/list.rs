//! Lists: what they refuse, what they tell, and what can be in them.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crossproc::{Dict, Error, Fault, List, Manager, UpdateAtError, UpdateError};
use serde::{Deserialize, Serialize, Serializer, ser};

fn list_of(len: u32) -> List<u32> {
    let list = Manager::new().unwrap().list("list").unwrap();
    list.extend(0..len).unwrap();
    list
}

/// What iterating yields from here on.
fn rest(iter: impl Iterator<Item = Result<u32, Fault>>) -> (Vec<u32>, Option<Fault>) {
    let mut values = Vec::new();
    for item in iter {
        match item {
            Ok(value) => values.push(value),
            Err(fault) => return (values, Some(fault)),
        }
    }
    (values, None)
}

#[test]
fn the_type_of_its_elements_is_checked() {
    guarded!();
    let manager = Manager::new().unwrap();
    manager.list::<String>("names").unwrap();
    let error = manager.list::<u32>("names").unwrap_err();
    assert!(
        matches!(
            &error,
            Error::Mismatch {
                field: "element",
                ..
            }
        ),
        "{error}"
    );
    let error = manager.dict::<String, u32>("names").unwrap_err();
    assert!(
        matches!(&error, Error::Mismatch { field: "kind", found, .. } if found == "list"),
        "{error}"
    );
}

#[test]
fn indexes_beyond_the_end_are_told() {
    guarded!();
    let list = list_of(3);
    let told = UpdateAtError::OutOfBounds { index: 3, len: 3 };
    assert_eq!(list.get(3), Ok(None));
    assert_eq!(list.get(usize::MAX), Ok(None));
    assert_eq!(list.set(3, &9), Err(told));
    assert_eq!(list.remove(3), Err(told));
    assert_eq!(list.swap(3, 0), Err(told));
    assert_eq!(
        list.update(3, |_| unreachable!("there is no such element")),
        Err(told)
    );
    assert_eq!(
        list.insert(4, &9),
        Err(UpdateAtError::OutOfBounds { index: 4, len: 3 })
    );
    assert_eq!(list.slice(1..usize::MAX), Ok(vec![1, 2]));
    assert_eq!(list.slice(..=1), Ok(vec![0, 1]));
    assert_eq!(list.slice(..=usize::MAX), Ok(vec![0, 1, 2]));
    assert_eq!(list.slice(5..), Ok(vec![]));
    let error = Error::from(told).to_string();
    assert_eq!(error, "there is no element 3: there are 3, counted from 0");
}

#[test]
fn a_cursor_kept_while_the_list_is_emptied_is_told() {
    guarded!();
    let list = list_of(100);
    let mut begun = list.iter();
    let not_begun = list.iter();
    assert_eq!(begun.next(), Some(Ok(0)));
    list.clear().unwrap();
    list.extend(1000..1100).unwrap();
    let (values, fault) = rest(&mut begun);
    assert_eq!(fault, Some(Fault::Cleared));
    assert_eq!(values, Vec::from_iter(1..64), "what had been copied");
    assert_eq!(begun.next(), None);
    assert_eq!(rest(not_begun), (vec![], Some(Fault::Cleared)));

    let emptied_by_truncating = list.iter();
    list.truncate(0).unwrap();
    assert_eq!(rest(emptied_by_truncating).1, Some(Fault::Cleared));
    assert_eq!(rest(list.iter()), (vec![], None));
}

#[test]
fn a_cursor_goes_on_over_all_other_changes() {
    guarded!();
    let list = list_of(100);
    let mut iter = list.iter();
    let first: Vec<_> = iter.by_ref().take(64).map(Result::unwrap).collect();
    list.extend(100..1000).unwrap();
    list.set(70, &7).unwrap();
    list.sort_by_key(|value| *value).unwrap();
    // The 7 went to the front, so all between came one further.
    let (rest, fault) = rest(iter);
    assert_eq!(fault, None);
    assert_eq!(first, Vec::from_iter(0..64));
    assert_eq!(rest[..8], [63, 64, 65, 66, 67, 68, 69, 71]);
    assert_eq!(rest.last(), Some(&999));
}

#[test]
fn a_function_that_runs_under_the_lock_may_read_and_not_change() {
    guarded!();
    let list = list_of(3);
    let deadlock = UpdateError::Deadlock;
    let updated = list.update(1, |value| {
        assert_eq!(list.push(&9), Err(deadlock));
        assert_eq!(list.pop(), Err(deadlock));
        assert_eq!(list.clear(), Err(deadlock));
        assert_eq!(list.set(0, &9), Err(UpdateAtError::Update(deadlock)));
        assert_eq!(list.get(1), Ok(Some(1)));
        assert_eq!((list.len(), list.last()), (Ok(3), Ok(Some(2))));
        assert_eq!(list.to_vec(), Ok(vec![0, 1, 2]));
        value + 10
    });
    assert_eq!(updated, Ok(11));
    list.sort_by_key(|value| {
        assert_eq!(list.pop(), Err(deadlock));
        assert_eq!(rest(list.iter()), (vec![0, 11, 2], None));
        u32::MAX - value
    })
    .unwrap();
    assert_eq!(list.to_vec(), Ok(vec![11, 2, 0]));
}

#[test]
fn a_function_that_panics_changes_nothing() {
    guarded!();
    let list = list_of(5);
    let update = AssertUnwindSafe(|| list.update(1, |_| panic!("on purpose")));
    assert!(catch_unwind(update).is_err());
    let sort = AssertUnwindSafe(|| {
        list.sort_by_key(|value| {
            assert!(*value < 3);
            *value
        })
    });
    assert!(catch_unwind(sort).is_err());
    assert_eq!(list.to_vec(), Ok(vec![0, 1, 2, 3, 4]));
    list.push(&5).unwrap();
    assert_eq!(list.last(), Ok(Some(5)));
}

#[test]
fn when_the_memory_is_used_up_nothing_is_changed() {
    guarded!();
    let manager = Manager::options().memory(1 << 20).anonymous().unwrap();
    let list = manager.list::<Vec<u8>>("list").unwrap();
    let value = vec![7; 900];
    let mut len = 0;
    // The first to find no memory puts in order what the list has, which may have been more than it needs.
    while list.push(&value) == Ok(()) || list.push(&value) == Ok(()) {
        len += 1;
    }
    assert!(len > 800, "most of a megabyte, not {len} times 900 bytes");
    let full = Err(UpdateError::MaximumReached);
    let full_at = UpdateAtError::Update(UpdateError::MaximumReached);
    for _ in 0..3 {
        assert_eq!(list.push(&value), full);
        assert_eq!(list.extend(vec![value.clone(); 10]), full);
        assert_eq!(list.insert(0, &value), Err(full_at));
        assert_eq!(list.set(1, &value), Err(full_at));
        assert_eq!(
            (list.len(), list.get(1)),
            (Ok(len), Ok(Some(value.clone())))
        );
    }
    let whole = vec![0; 1 << 20];
    assert_eq!(list.push(&whole), Err(UpdateError::Oversized));

    list.truncate(len - 10).unwrap();
    // Some of these have no place: all or nothing.
    assert_eq!(list.extend(vec![value.clone(); 20]), full);
    assert_eq!(list.len(), Ok(len - 10));
    assert_eq!(list.extend(vec![value.clone(); 8]), Ok(()));
    assert_eq!(list.len(), Ok(len - 2));
    assert!(list.iter().all(|found| found.as_ref() == Ok(&value)));
}

/// Cannot be serialised if it is odd.
#[derive(Debug, Deserialize, PartialEq)]
struct Even(u32);

impl Serialize for Even {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 % 2 {
            0 => self.0.serialize(serializer),
            _ => Err(ser::Error::custom("odd")),
        }
    }
}

#[test]
fn a_value_that_cannot_be_encoded_is_not_stored() {
    guarded!();
    let list = Manager::new().unwrap().list::<Even>("list").unwrap();
    let encode = UpdateError::Fault(Fault::Encode);
    list.push(&Even(0)).unwrap();
    assert_eq!(list.push(&Even(1)), Err(encode));
    assert_eq!(list.extend([Even(2), Even(3)]), Err(encode));
    assert_eq!(list.set(0, &Even(1)), Err(UpdateAtError::Update(encode)));
    assert_eq!(
        list.update(0, |_| Even(1)),
        Err(UpdateAtError::Update(encode))
    );
    assert_eq!(list.to_vec(), Ok(vec![Even(0)]));
}

#[test]
fn lists_in_dicts_and_dicts_in_lists() {
    guarded!();
    let manager = Manager::new().unwrap();
    let row = |n: u32| manager.list::<u32>(&format!("row {n}")).unwrap();
    let rows = manager.list::<List<u32>>("rows").unwrap();
    rows.extend((0..3).map(row)).unwrap();
    let named = manager.dict::<String, List<u32>>("named").unwrap();
    named.insert("second", &row(1)).unwrap();
    rows.get(1).unwrap().unwrap().push(&7).unwrap();
    assert_eq!(named.get("second").unwrap().unwrap().to_vec(), Ok(vec![7]));

    let tables = manager.list::<Dict<u32, u32>>("tables").unwrap();
    tables.push(&manager.dict("table").unwrap()).unwrap();
    tables
        .update(0, |table| {
            table.insert(&1, &2).unwrap();
            table
        })
        .unwrap();
    assert_eq!(
        manager.dict::<u32, u32>("table").unwrap().get(&1),
        Ok(Some(2))
    );

    let elsewhere = Manager::new().unwrap().list::<u32>("list").unwrap();
    let encode = UpdateError::Fault(Fault::Encode);
    assert_eq!(
        rows.push(&elsewhere),
        Err(encode),
        "only of the same manager"
    );
    manager.remove_object("row 2").unwrap();
    assert_eq!(rows.get(2).unwrap_err(), Fault::Decode);
    let decode = UpdateError::Fault(Fault::Decode);
    assert_eq!(rows.pop().unwrap_err(), decode);
    assert_eq!(rows.remove(2).unwrap_err(), UpdateAtError::Update(decode));
    assert_eq!(rows.len(), Ok(3));
    rows.discard(2).unwrap();
    assert_eq!(rows.pop().unwrap().unwrap().len(), Ok(1));
}

#[test]
fn what_is_removed_is_free_for_others() {
    guarded!();
    let manager = Manager::new().unwrap();
    let list = manager.list::<Vec<u8>>("list").unwrap();
    let used = || manager.memory().unwrap().used;
    let before = used();
    for len in [1, 50, 3000, 20_000] {
        list.extend((0..200).map(|_| vec![1; len])).unwrap();
        let most = used();
        assert!(most >= before + 200 * len as u64);
        for _ in 0..199 {
            list.remove(0).unwrap();
        }
        list.pop().unwrap();
        assert!(
            used() <= before + 20 * 4096,
            "a page for each length of blocks is kept"
        );
    }
    manager.remove_object("list").unwrap();
    drop(list);
    assert!(used() < before);
}
