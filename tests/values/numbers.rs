//! Numbers that are changed in place, by themselves and as elements of an array.

use std::fmt::Debug;
use std::thread;

use crossproc::values::{Integer, Number};
use crossproc::{Array, IndexError, Value, process};

/// What the operation gives and leaves, of a value and of an element.
macro_rules! is_done {
    ($name:ident: $before:expr, $n:expr => $after:expr) => {{
        let value = Value::new($before).unwrap();
        let array = Array::new(5).unwrap();
        array.set(3, $before).unwrap();
        assert_eq!(value.$name($n), $before);
        assert_eq!(value.get(), Ok($after));
        assert_eq!(array.$name(3, $n), Ok($before));
        let beside = Default::default();
        assert_eq!(array.read(2..5), Ok(vec![beside, $after, beside]));
        let none = IndexError::OutOfBounds { index: 5, len: 5 };
        assert_eq!(array.$name(5, $n), Err(none));
    }};
}

#[test]
fn integers_of_all_widths() {
    guarded!();
    fn counts<N>([zero, one, two, three, min, max]: [N; 6])
    where
        N: Integer + PartialEq + Debug + Default,
    {
        is_done!(fetch_add: one, two => three);
        is_done!(fetch_add: max, one => min);
        is_done!(fetch_sub: three, two => one);
        is_done!(fetch_sub: min, one => max);
        is_done!(fetch_max: min, max => max);
        is_done!(fetch_max: two, one => two);
        is_done!(fetch_min: max, min => min);
        is_done!(fetch_min: one, two => one);
        is_done!(fetch_and: three, two => two);
        is_done!(fetch_or: one, two => three);
        is_done!(fetch_xor: three, one => two);
        is_done!(fetch_xor: two, two => zero);
    }
    macro_rules! widths {
        ($($N:ty),+) => { $( counts::<$N>([0, 1, 2, 3, <$N>::MIN, <$N>::MAX]); )+ };
    }
    widths!(u8, u16, u32, u64, usize, i8, i16, i32, i64, isize);
}

#[test]
fn floats() {
    guarded!();
    fn counts<N>([zero, half, one, large, nan]: [N; 5])
    where
        N: Number + PartialEq + Debug + Default,
    {
        is_done!(fetch_add: half, half => one);
        is_done!(fetch_sub: one, half => half);
        is_done!(fetch_max: half, large => large);
        is_done!(fetch_max: large, one => large);
        is_done!(fetch_min: large, zero => zero);
        is_done!(fetch_max: one, nan => one);
        is_done!(fetch_min: one, nan => one);
        let value = Value::new(nan).unwrap();
        value.fetch_max(one);
        assert_eq!(value.get(), Ok(one));
        value.fetch_add(nan);
        value.fetch_min(half);
        assert_eq!(value.get(), Ok(half));
    }
    counts([0.0f32, 0.5, 1.0, f32::MAX, f32::NAN]);
    counts([0.0f64, 0.5, 1.0, f64::INFINITY, f64::NAN]);
}

#[test]
fn elements_are_exchanged_and_updated() {
    guarded!();
    let array = Array::<u16>::new(3).unwrap();
    assert_eq!(array.compare_exchange(1, 0, 7), Ok(Ok(0)));
    assert_eq!(array.compare_exchange(1, 0, 8), Ok(Err(7)));
    assert_eq!(array.update(1, |n| n * 2), Ok(7));
    assert_eq!(array.read(0..3), Ok(vec![0, 14, 0]));
    let none = IndexError::OutOfBounds { index: 3, len: 3 };
    assert_eq!(array.compare_exchange(3, 0, 8), Err(none));
    assert_eq!(array.update(3, |_| unreachable!()), Err(none));
}

#[test]
fn no_count_of_many_is_lost() {
    guarded!();
    const TIMES: u64 = 20_000;
    type Counters = (Value<u64>, Value<f64>, Array<u32>);
    fn count((counter, sum, many): Counters) {
        for n in 0..TIMES {
            counter.fetch_add(1);
            sum.fetch_add(0.5);
            many.fetch_add(n as usize % 3, 1).unwrap();
        }
    }
    let counters: Counters = (
        Value::new(0).unwrap(),
        Value::new(0.0).unwrap(),
        Array::new(3).unwrap(),
    );
    let child = process::spawn(count, counters.clone()).unwrap();
    thread::scope(|scope| {
        let here = || count(counters.clone());
        scope.spawn(here);
        here();
    });
    child.join().unwrap();
    let (counter, sum, many) = counters;
    assert_eq!(counter.get(), Ok(3 * TIMES));
    assert_eq!(sum.get(), Ok(1.5 * TIMES as f64));
    let many = many.read(0..3).unwrap();
    assert_eq!(many.iter().sum::<u32>(), 3 * TIMES as u32);
    assert!(many.iter().all(|count| count.abs_diff(many[0]) <= 3));
}
