//! What a dict does for one process.

use std::collections::{BTreeMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crossproc::{Dict, Fault, Manager, UpdateError};
use serde::{Deserialize, Serialize, Serializer};

fn dict<V: crossproc::Object>() -> Dict<String, V> {
    Manager::new().unwrap().dict("dict").unwrap()
}

#[test]
fn every_verb() {
    guarded!();
    let ages = dict::<u64>();
    assert_eq!(ages.insert("ada", &36), Ok(None));
    assert_eq!(ages.insert("ada", &37), Ok(Some(36)));
    assert_eq!(ages.contains_key("ada"), Ok(true));
    assert_eq!(ages.contains_key("bob"), Ok(false));
    assert_eq!(
        ages.update("ada", |age| age.map(|age| age + 1)),
        Ok(Some(38))
    );
    assert_eq!(ages.update("ada", |_| None), Ok(None));
    assert_eq!(ages.get("ada"), Ok(None));
    assert_eq!(
        ages.compare_exchange("bob", Some(&1), Some(&2)),
        Ok(Err(None))
    );
    assert_eq!(ages.compare_exchange("bob", None, Some(&2)), Ok(Ok(())));
    assert_eq!(
        ages.compare_exchange("bob", None, Some(&3)),
        Ok(Err(Some(2)))
    );
    assert_eq!(ages.compare_exchange("bob", Some(&2), None), Ok(Ok(())));
    assert_eq!(ages.get_or_insert_with("eve", || 5), Ok(5));
    assert_eq!(ages.get_or_insert_with("eve", || 6), Ok(5));
    assert_eq!(ages.discard("eve"), Ok(true));
    assert_eq!(ages.discard("eve"), Ok(false));
    assert_eq!(ages.remove("eve"), Ok(None));
    assert!(ages.is_empty());
    let numbers: Vec<String> = (0..1000u64).map(|n| n.to_string()).collect();
    for (n, name) in numbers.iter().enumerate() {
        ages.insert(name, &(n as u64)).unwrap();
    }
    assert_eq!(ages.len(), 1000);
    ages.retain(|_, age| age % 3 == 0).unwrap();
    let all: BTreeMap<String, u64> = ages.iter().map(Result::unwrap).collect();
    assert_eq!(all.len(), 334);
    assert!(
        all.iter()
            .all(|(name, age)| name.parse() == Ok(*age) && age % 3 == 0)
    );
    ages.clear().unwrap();
    assert_eq!(
        (ages.len(), ages.iter().count(), ages.get("0")),
        (0, 0, Ok(None))
    );
    assert_eq!(ages.repairs(), 0);
}

#[test]
fn an_iteration_is_told_that_all_is_gone() {
    guarded!();
    let dict = dict::<u64>();
    for n in 0..100 {
        dict.insert(&n.to_string(), &n).unwrap();
    }
    let mut all = dict.iter();
    all.next().unwrap().unwrap();
    dict.clear().unwrap();
    // What was copied of the first shard comes, and then the news.
    let rest: Vec<_> = all.collect();
    let (last, before) = rest.split_last().unwrap();
    assert!(before.iter().all(Result::is_ok));
    assert_eq!(*last, Err(Fault::Cleared));
    dict.insert("new", &1).unwrap();
    let all: Result<Vec<_>, _> = dict.iter().collect();
    assert_eq!(all, Ok(vec![("new".to_owned(), 1)]));
}

#[test]
fn a_change_inside_of_a_change_is_refused() {
    guarded!();
    let dict = dict::<u64>();
    dict.insert("a", &1).unwrap();
    let changed = dict.update("a", |value| {
        assert_eq!(dict.insert("a", &5), Err(UpdateError::Deadlock));
        assert_eq!(dict.remove("a"), Err(UpdateError::Deadlock));
        assert_eq!(dict.clear(), Err(UpdateError::Deadlock));
        // Reading is allowed.
        assert_eq!((dict.get("a"), dict.len()), (Ok(Some(1)), 1));
        assert_eq!(dict.iter().count(), 1);
        value.map(|value| value + 1)
    });
    assert_eq!(changed, Ok(Some(2)));
    assert_eq!(dict.get("a"), Ok(Some(2)));

    let entry = dict.entry("a").unwrap();
    assert_eq!(dict.clear(), Err(UpdateError::Deadlock));
    assert_eq!(entry.insert(&3), Ok(Some(2)));
    assert_eq!(dict.get("a"), Ok(Some(3)), "nothing was lost");
    dict.clear().unwrap();
    assert!(dict.is_empty());
}

#[test]
fn who_panics_has_changed_nothing() {
    guarded!();
    let dict = dict::<u64>();
    dict.insert("a", &1).unwrap();
    for change in 0..3 {
        let panics = || match change {
            0 => drop(dict.update("a", |_| panic!("as planned"))),
            1 => drop(dict.get_or_insert_with("b", || panic!("as planned"))),
            _ => drop(dict.retain(|_, _| panic!("as planned"))),
        };
        catch_unwind(AssertUnwindSafe(panics)).unwrap_err();
        assert_eq!(dict.get("a"), Ok(Some(1)));
        assert_eq!(dict.insert("b", &2), Ok(None), "the lock is free");
        assert_eq!(dict.remove("b"), Ok(Some(2)));
    }
    assert_eq!(dict.len(), 1);
}

/// Cannot be serialised.
#[derive(Deserialize)]
struct Never;

impl Serialize for Never {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("never"))
    }
}

#[test]
fn what_cannot_be_encoded_is_refused() {
    guarded!();
    let manager = Manager::new().unwrap();
    let by: Dict<u32, Never> = manager.dict("values").unwrap();
    let refused = Err(UpdateError::Fault(Fault::Encode));
    assert_eq!(by.insert(&1, &Never).map(drop), refused);
    assert_eq!(by.update(&1, |_| Some(Never)).map(drop), refused);
    assert_eq!(by.get_or_insert_with(&1, || Never).map(drop), refused);
    assert!(by.is_empty());
    let keys: Dict<u32, u32> = manager.dict("keys").unwrap();
    assert_eq!(keys.insert(&1, &1), Ok(None), "no lock was left behind");
}

#[test]
fn keys_and_values_of_all_lengths() {
    guarded!();
    let manager = Manager::new().unwrap();
    let dict: Dict<Vec<u8>, Vec<u8>> = manager.dict("dict").unwrap();
    let bytes = |len: usize| -> Vec<u8> { (0..len).map(|n| (n + len) as u8).collect() };
    let lengths = (0..300).chain([1000, 2030, 2048, 4080, 4090, 4096, 5000, 70_000]);
    let lengths: HashSet<usize> = lengths.collect();
    for len in &lengths {
        dict.insert(&bytes(*len), &bytes(len / 2 + 3)).unwrap();
        dict.insert(&[&[9][..], &bytes(len / 3)].concat(), &bytes(*len))
            .unwrap();
    }
    for len in &lengths {
        assert_eq!(
            dict.get(&bytes(*len)),
            Ok(Some(bytes(len / 2 + 3))),
            "{len}"
        );
    }
    let unit: Dict<(), ()> = manager.dict("unit").unwrap();
    assert_eq!(
        (unit.insert(&(), &()), unit.get(&())),
        (Ok(None), Ok(Some(())))
    );
}
