//! Values that are found by name, or share a segment.

use crossproc::{Array, Error, Group, Value, process};

use super::support::unique_name;

#[test]
fn a_value_has_a_name() {
    guarded!();
    let name = unique_name("value");
    let one = Value::create(&name, 5i16).unwrap();
    one.fetch_sub(6);
    let other = Value::open_or_create(&name, 7i16).unwrap();
    assert_eq!(other.get(), Ok(-1), "an existing one keeps its own");
    let refused = Value::<u16>::open(&name);
    assert!(matches!(
        refused,
        Err(Error::Mismatch {
            field: "element",
            ..
        })
    ));
    let refused = Array::<i16>::open(&name);
    assert!(matches!(
        refused,
        Err(Error::Mismatch { field: "kind", .. })
    ));
    assert_eq!(one.name(), Some(&*name));
    one.unlink().unwrap();
}

#[test]
fn an_array_has_a_name_and_a_length() {
    guarded!();
    let name = unique_name("array");
    let one = Array::<u32>::create(&name, 5).unwrap();
    one.set(4, 9).unwrap();
    let other = Array::<u32>::open(&name).unwrap();
    assert_eq!((other.len(), other.get(4)), (5, Ok(9)));
    let options = Array::<u32>::options().filled(3);
    let same = options.clone().capacity(5).open_or_create(&name).unwrap();
    assert_eq!(same.read(0..5), Ok(vec![0, 0, 0, 0, 9]));
    let refused = options.capacity(6).open_or_create(&name);
    assert!(matches!(
        refused,
        Err(Error::Mismatch {
            field: "capacity",
            ..
        })
    ));
    one.unlink().unwrap();
}

#[test]
fn they_share_a_segment_and_travel() {
    guarded!();
    let parts = (
        Value::options().value(1u8),
        Value::options().value([2u64; 3]),
        Array::options().capacity(3).filled(4.5f32),
        Array::<bool>::options().capacity(2),
    );
    let (small, large, filled, zero) = Group::of(parts).anonymous().unwrap();
    assert_eq!((small.get(), large.get()), (Ok(1), Ok([2; 3])));
    assert_eq!(filled.read(0..3), Ok(vec![4.5; 3]));
    assert_eq!(zero.read(0..2), Ok(vec![false; 2]));
    type All = (Value<u8>, Value<[u64; 3]>, Array<f32>, Array<bool>);
    let child = process::spawn(
        |(small, large, filled, zero): All| {
            small.fetch_add(1);
            large.update(|old| old.map(|n| n + 1)).unwrap();
            filled.lock().unwrap().fill(5.5);
            zero.set(1, true).unwrap();
        },
        (small.clone(), large.clone(), filled.clone(), zero.clone()),
    );
    child.unwrap().join().unwrap();
    assert_eq!((small.get(), large.get()), (Ok(2), Ok([3; 3])));
    assert_eq!(filled.read(0..3), Ok(vec![5.5; 3]));
    assert_eq!(zero.read(0..2), Ok(vec![false, true]));
}
