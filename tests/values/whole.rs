//! Nobody sees half of what is written.

use std::fmt::Debug;

use crossproc::{Array, Element, Value};

use super::children::{Word, succeeds};
use super::forked::fork;
use super::plain::Shared;

/// One writes one thing after the other; in other processes, `look` sees nothing else.
fn while_written(write: impl Fn(u64), look: impl Fn()) {
    const TIMES: u64 = 30_000;
    let done = Shared::<Word>::new();
    let looks = || {
        let mut once_more = true;
        while once_more {
            once_more = done.get() == 0;
            look();
        }
    };
    let mut children = [(); 2].map(|()| fork(looks));
    (0..TIMES).for_each(write);
    done.set(1);
    children.iter_mut().for_each(succeeds);
}

/// Of so many words that it takes one copying loop, the other, or both; in the end readers are overtaken again and again.
fn a_value_of<const N: usize>() {
    let value = Value::new([0u64; N]).unwrap();
    while_written(
        |n| value.set([n; N]).unwrap(),
        || {
            let seen = value.get().unwrap();
            assert!(seen.iter().all(|word| *word == seen[0]), "{seen:?}");
        },
    );
    assert_eq!(value.get(), Ok([29_999; N]));
}

#[test]
fn values_of_many_words() {
    guarded!();
    a_value_of::<3>();
    a_value_of::<16>();
    a_value_of::<101>();
    a_value_of::<4000>();
}

/// Whole elements, wherever they are read and written, alone or among others.
fn elements<T: Element + PartialEq + Debug>([a, b]: [T; 2]) {
    const LEN: usize = 67;
    let array = Array::options()
        .capacity(LEN)
        .filled(a)
        .anonymous()
        .unwrap();
    let (all_a, all_b) = (vec![a; LEN], vec![b; LEN]);
    while_written(
        |n| {
            let at = n as usize / 2 % LEN;
            let all = if n % 2 == 0 { &all_a } else { &all_b };
            array.write(at, &all[at..]).unwrap();
            array.set(at, all[0]).unwrap();
            if n % 64 == 0 {
                array.fill(all[0]);
            }
        },
        || {
            let mut seen = array.read(1..LEN).unwrap();
            seen.extend(array.read(0..LEN - 1).unwrap());
            seen.push(array.get(66).unwrap());
            array.read_into(3, &mut seen[..7]).unwrap();
            assert!(seen.iter().all(|one| [a, b].contains(one)), "{seen:?}");
        },
    );
}

#[test]
fn elements_of_two_four_and_eight_bytes() {
    guarded!();
    elements([0x0000u16, 0xffff]);
    elements([0u32, u32::MAX]);
    elements([[0u8; 4], [255; 4]]);
    elements([0u64, u64::MAX]);
    elements([[0u8; 8], [255; 8]]);
    elements(['\0', '\u{10ffff}']);
}
