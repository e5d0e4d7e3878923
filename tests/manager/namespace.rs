//! Namespaces: types, names, and what becomes of one whose users are killed.

use crossproc::{Error, Manager, Namespace};

use super::children::{Word, asleep, succeeds, until};
use super::forked::fork;
use super::plain::Shared;

fn namespace() -> Namespace {
    Manager::new().unwrap().namespace("config").unwrap()
}

#[test]
fn attributes_are_of_any_type() {
    guarded!();
    let manager = Manager::new().unwrap();
    let config = manager.namespace("config").unwrap();
    config.set("count", &7u64).unwrap();
    config.set("title", &"seven".to_owned()).unwrap();
    config.set("pair", &(1u8, Some('x'))).unwrap();
    config.set("unit", &()).unwrap();
    config.set("long", &vec![3u32; 5000]).unwrap();
    let list = manager.list::<u32>("list").unwrap();
    config.set("list", &list).unwrap();

    let again = manager.namespace("config").unwrap();
    assert_eq!(again.get("count").unwrap(), Some(7u64));
    assert_eq!(again.get("title").unwrap(), Some("seven".to_owned()));
    assert_eq!(again.get("pair").unwrap(), Some((1u8, Some('x'))));
    assert_eq!(again.get("unit").unwrap(), Some(()));
    assert_eq!(again.get("long").unwrap(), Some(vec![3u32; 5000]));
    assert_eq!(again.get::<u64>("none").unwrap(), None);
    let inner: crossproc::List<u32> = again.get("list").unwrap().unwrap();
    inner.push(&9).unwrap();
    assert_eq!(list.last(), Ok(Some(9)));

    let names = ["count", "list", "long", "pair", "title", "unit"];
    assert_eq!(again.names().unwrap(), names);
    assert_eq!(again.len(), names.len());
    assert!(again.contains("unit").unwrap() && !again.contains("none").unwrap());
    assert!(again.remove("unit").unwrap() && !again.remove("unit").unwrap());
    config.clear().unwrap();
    assert!(again.is_empty() && again.names().unwrap().is_empty());
}

#[test]
fn an_attribute_of_another_type_is_told_with_both() {
    guarded!();
    let config = namespace();
    config.set("count", &7u64).unwrap();
    let error = config.get::<Option<String>>("count").unwrap_err();
    let said = "segment `(anonymous), attribute `count`` does not fit: type is u64, expected Option<String>";
    assert_eq!(error.to_string(), said);
    let update = |_: Option<i64>| unreachable!("it is no i64");
    let error = config.update("count", update).unwrap_err();
    assert!(
        matches!(error, Error::Mismatch { field: "type", .. }),
        "{error}"
    );
    assert_eq!(config.get("count").unwrap(), Some(7u64));
    // Setting replaces whatever there was.
    config.set("count", &"many".to_owned()).unwrap();
    assert_eq!(config.get("count").unwrap(), Some("many".to_owned()));
    assert_eq!(config.len(), 1);
}

#[test]
fn names_have_1_to_200_bytes() {
    guarded!();
    let config = namespace();
    let longest = "ä".repeat(100);
    config.set(&longest, &1u8).unwrap();
    assert_eq!(config.get(&longest).unwrap(), Some(1u8));
    assert_eq!(config.names().unwrap(), std::slice::from_ref(&longest));
    for name in ["", &(longest + "x")] {
        let is_told =
            |error| matches!(error, Error::InvalidName { name: told, .. } if told == name);
        assert!(is_told(config.set(name, &1u8).unwrap_err()));
        assert!(is_told(config.get::<u8>(name).unwrap_err()));
        assert!(is_told(config.contains(name).unwrap_err()));
        assert!(is_told(config.remove(name).unwrap_err()));
        assert!(is_told(
            config.update(name, |_: Option<u8>| Some(1)).unwrap_err()
        ));
    }
}

#[test]
fn updates_of_several_processes_add_up() {
    guarded!();
    let config = namespace();
    let mut children: Vec<_> = (0..4)
        .map(|_| {
            fork(|| {
                for _ in 0..1000 {
                    let add = |count: Option<u32>| Some(count.unwrap_or(0) + 1);
                    config.update("count", add).unwrap();
                }
            })
        })
        .collect();
    children.iter_mut().for_each(succeeds);
    assert_eq!(config.get("count").unwrap(), Some(4000u32));
    let removed = config.update("count", |_: Option<u32>| None).unwrap();
    assert_eq!((removed, config.contains("count").unwrap()), (None, false));
}

#[test]
fn a_function_that_runs_under_the_lock_may_read_and_not_change() {
    guarded!();
    let config = namespace();
    config.set("count", &1u8).unwrap();
    config
        .update("count", |count: Option<u8>| {
            let error = config.set("other", &2u8).unwrap_err();
            assert!(matches!(error, Error::Deadlock), "{error}");
            assert_eq!(config.get("count").unwrap(), count);
            assert_eq!(config.names().unwrap(), ["count"]);
            Some(3)
        })
        .unwrap();
    assert_eq!(config.get("count").unwrap(), Some(3u8));
}

#[test]
fn who_is_killed_in_an_update_has_changed_nothing() {
    guarded!();
    let config = namespace();
    config.set("count", &1u32).unwrap();
    let word = Shared::<Word>::new();
    let mut owner = fork(|| {
        let wait = |_: Option<u32>| {
            word.set(1);
            until(|| word.get() == 2);
            Some(100)
        };
        config.update("count", wait).unwrap();
    });
    until(|| word.get() == 1);
    assert_eq!(
        config.get("count").unwrap(),
        Some(1u32),
        "who reads waits for nobody"
    );
    let mut waiter = asleep(|| config.set("other", &2u32).unwrap());
    owner.kill();
    succeeds(&mut waiter);
    assert_eq!(config.repairs(), 1);
    assert_eq!(config.get("count").unwrap(), Some(1u32));
    assert_eq!(config.get("other").unwrap(), Some(2u32));
}
