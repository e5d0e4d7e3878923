//! One value, of every kind of size.

use std::fmt::Debug;
use std::thread;

use crossproc::{Element, Error, Fault, Value};

use super::children::succeeds;
use super::forked::fork;

/// All that can be done to a value, from four different ones.
fn does_it_all<T: Element + PartialEq + Debug>([a, b, c, d]: [T; 4]) {
    let value = Value::new(a).unwrap();
    assert_eq!(value.get(), Ok(a));
    value.set(b).unwrap();
    assert_eq!(value.clone().get(), Ok(b));
    assert_eq!(value.replace(c), Ok(b));
    assert_eq!(value.compare_exchange(b, d), Ok(Err(c)));
    assert_eq!(value.get(), Ok(c));
    assert_eq!(value.compare_exchange(c, d), Ok(Ok(c)));
    assert_eq!(value.get(), Ok(d));
    let mut seen = Vec::new();
    let updated = value.update(|old| {
        seen.push(old);
        a
    });
    assert_eq!((updated, seen), (Ok(d), vec![d]));
    assert_eq!(value.try_update(|_| None), Ok(Err(a)));
    assert_eq!(value.try_update(|_| Some(b)), Ok(Ok(a)));
    assert_eq!(value.get(), Ok(b));
    // A child that was forked sees it, and is seen.
    succeeds(&mut fork(|| assert_eq!(value.replace(c), Ok(b))));
    assert_eq!((value.get(), value.repairs()), (Ok(c), 0));
}

#[test]
fn values_of_all_sizes() {
    guarded!();
    does_it_all([1u8, 2, 3, 255]);
    does_it_all([1u16, 2, 3, u16::MAX]);
    does_it_all([[1u8; 3], [2; 3], [3; 3], [4; 3]]);
    does_it_all([1i32, -2, 3, i32::MIN]);
    does_it_all(['a', 'ß', '\u{10ffff}', '\0']);
    does_it_all([0.5f64, -0.0, 0.0, f64::MAX]);
    does_it_all([[1u32, 2], [3, 4], [5, 6], [7, 8]]);
    does_it_all([u128::MAX, 1, 2, 3]);
    does_it_all([1u64, 2, 3, 4].map(|n| [n; 3]));
    does_it_all([1u16, 2, 3, 4].map(|n| [n; 5]));
    does_it_all([1u64, 2, 3, 4].map(|n| [n; 1000]));
}

#[test]
fn a_value_of_no_bytes() {
    guarded!();
    let value = Value::new(()).unwrap();
    value.set(()).unwrap();
    assert_eq!(value.compare_exchange((), ()), Ok(Ok(())));
    assert_eq!(value.get(), Ok(()));
}

#[test]
fn values_are_compared_bit_by_bit() {
    guarded!();
    let zero = Value::new(0.0f32).unwrap();
    assert_eq!(zero.compare_exchange(-0.0, 1.0), Ok(Err(0.0)));
    let (one, other) = (f32::NAN, f32::from_bits(f32::NAN.to_bits() + 1));
    zero.set(one).unwrap();
    assert!(zero.compare_exchange(other, 1.0).unwrap().is_err());
    assert!(zero.compare_exchange(one, 1.0).unwrap().is_ok());
    let pair = Value::new([0.0f64; 2]).unwrap();
    let unchanged = pair.compare_exchange([0.0, -0.0], [1.0; 2]);
    assert_eq!(unchanged, Ok(Err([0.0; 2])));
    assert_eq!(pair.compare_exchange([0.0; 2], [1.0; 2]), Ok(Ok([0.0; 2])));
}

/// What is made of the old value is what counts, also if it was written meanwhile: then it is made again.
fn updates_again<T: Element + PartialEq + Debug>([a, b, c]: [T; 3]) {
    let value = Value::new(a).unwrap();
    let mut seen = Vec::new();
    let old = value.update(|old| {
        if seen.is_empty() {
            value.set(b).unwrap();
        }
        seen.push(old);
        c
    });
    assert_eq!((old, value.get()), (Ok(b), Ok(c)));
    assert_eq!(seen, [a, b]);
}

#[test]
fn an_update_that_was_overtaken_is_made_again() {
    guarded!();
    updates_again([1u16, 2, 3]);
    updates_again([[1u64; 5], [2; 5], [3; 5]]);
}

#[test]
fn a_panic_in_an_update_changes_nothing() {
    guarded!();
    let value = Value::new([1u64; 9]).unwrap();
    let panicked = thread::scope(|scope| {
        let update = || value.update(|_| panic!("on purpose"));
        scope.spawn(update).join()
    });
    assert!(panicked.is_err());
    assert_eq!(value.replace([2; 9]), Ok([1; 9]));
}

#[test]
fn reading_takes_no_place_in_the_segment() {
    guarded!();
    // Room for this process, this thread, and one more.
    let small = Value::options().value(5u64).participants(3).anonymous();
    let large = Value::options().value([5u64; 2]).participants(3);
    let (small, large) = (small.unwrap(), large.anonymous().unwrap());
    large.set([6; 2]).unwrap();
    let met = std::sync::Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            large.set([7; 2]).unwrap();
            met.wait();
            met.wait();
        });
        met.wait();
        let one_more = scope.spawn(|| {
            assert_eq!((small.fetch_add(1), large.get()), (5, Ok([7; 2])));
            (small.set(9), large.set([8; 2]), large.replace([8; 2]))
        });
        let outcome = one_more.join().unwrap();
        met.wait();
        let full = Fault::ParticipantsFull { participants: 3 };
        assert_eq!(outcome, (Ok(()), Err(full), Err(full)));
    });
    assert_eq!((small.get(), large.get()), (Ok(9), Ok([7; 2])));
}

#[test]
fn creating_it_takes_a_value() {
    guarded!();
    let created = Value::<u8>::options().anonymous();
    assert!(matches!(created, Err(Error::NoValue)));
    let created = Value::<[u64; 4]>::options().anonymous();
    assert!(matches!(created, Err(Error::NoValue)));
}
