//! Elements in a row.

use std::fmt::Debug;

use bytemuck::{CheckedBitPattern, NoUninit};
use crossproc::{Array, Element, Error, IndexError};

use super::children::succeeds;
use super::forked::fork;

const LEN: usize = 100;

/// All that can be done to elements, of which there are as many different ones.
fn does_it_all<T: Element + PartialEq + Debug>(of: impl Fn(usize) -> T) {
    let all: Vec<T> = (0..LEN).map(&of).collect();
    let array = Array::options()
        .capacity(LEN)
        .filled(of(7))
        .anonymous()
        .unwrap();
    assert_eq!(array.len(), LEN);
    assert_eq!(array.read(0..LEN), Ok(vec![of(7); LEN]));
    for (index, element) in all.iter().enumerate() {
        array.set(index, *element).unwrap();
    }
    assert_eq!(array.iter().collect::<Result<Vec<_>, _>>(), Ok(all.clone()));
    // Every beginning, and every end.
    for at in 0..LEN {
        assert_eq!(array.get(at), Ok(all[at]));
        assert_eq!(array.read(at..LEN).as_deref(), Ok(&all[at..]));
        assert_eq!(array.read(0..at).as_deref(), Ok(&all[..at]));
        let mut some = vec![of(0); LEN - at];
        array.read_into(at, &mut some).unwrap();
        assert_eq!(some, all[at..]);
        array.fill(of(at));
        assert_eq!(array.read(0..LEN), Ok(vec![of(at); LEN]));
        array.write(at, &all[at..]).unwrap();
        array.write(0, &all[..at]).unwrap();
    }
    assert_eq!(array.read(0..LEN), Ok(all.clone()));
    array.fill(of(0));
    let too_many = IndexError::OutOfBounds {
        index: LEN + 1,
        len: LEN,
    };
    let longer = [all.as_slice(), &all[..1]].concat();
    assert_eq!(array.copy_from_slice(&longer), Err(too_many));
    assert_eq!(array.read(0..LEN), Ok(vec![of(0); LEN]));
    array.copy_from_slice(&all).unwrap();
    assert_eq!(array.read(0..LEN), Ok(all.clone()));
    let backwards: Vec<_> = array.iter().rev().map(Result::unwrap).collect();
    assert!(backwards.iter().eq(all.iter().rev()));
    assert_eq!(array.iter().nth(9), Some(Ok(all[9])));
    assert_eq!((array.iter().len(), array.iter().nth(LEN)), (LEN, None));
    succeeds(&mut fork(|| array.write(5, &all[..3]).unwrap()));
    assert_eq!(array.read(4..9), Ok([4, 0, 1, 2, 8].map(of).to_vec()));
}

#[test]
fn elements_of_all_sizes() {
    guarded!();
    does_it_all(|n| n as u8);
    does_it_all(|n| n as u16 * 256 + 255);
    does_it_all(|n| [n as u8; 3]);
    does_it_all(|n| n as u32 * 65_537);
    does_it_all(|n| n as f64 + 0.5);
    does_it_all(|n| [n as u8; 8]);
    does_it_all(|n| [n as u32; 3]);
    does_it_all(|n| [n as u64; 3]);
    does_it_all(|n| [n as u16; 50]);
    does_it_all(|n| [n as u64; 300]);
    // Of which not all bytes are one.
    does_it_all(|n| n % 2 == 1);
    does_it_all(|n| char::from_u32(n as u32 + 0x1f600).unwrap());
}

#[test]
fn elements_of_no_bytes() {
    guarded!();
    let array = Array::<()>::new(3).unwrap();
    array.write(1, &[(), ()]).unwrap();
    array.fill(());
    assert_eq!(array.read(0..3), Ok(vec![(); 3]));
    assert_eq!(array.iter().count(), 3);
}

#[test]
fn what_is_out_of_bounds_is_said_and_left() {
    guarded!();
    let array = Array::<u32>::new(10).unwrap();
    let out = |index| IndexError::OutOfBounds { index, len: 10 };
    assert_eq!(array.get(10), Err(out(10)));
    assert_eq!(array.set(usize::MAX, 1), Err(out(usize::MAX)));
    assert_eq!(array.read(9..11), Err(out(10)));
    assert_eq!(array.read(20..30), Err(out(29)));
    assert_eq!(array.read(0..usize::MAX), Err(out(usize::MAX - 1)));
    assert_eq!(array.write(8, &[1, 2, 3]), Err(out(10)));
    assert_eq!(array.write(usize::MAX, &[1, 2]), Err(out(usize::MAX)));
    assert_eq!(array.read_into(10, &mut [0]), Err(out(10)));
    assert_eq!(array.read(0..10), Ok(vec![0; 10]), "nothing was written");
    let text = "there is no element 10: there are 10, counted from 0";
    assert_eq!(out(10).to_string(), text);
    let error = Error::from(out(10));
    assert!(matches!(error, Error::OutOfBounds { index: 10, len: 10 }));
    // Nothing is inside, wherever it is.
    assert_eq!(array.read(10..10), Ok(vec![]));
    #[expect(clippy::reversed_empty_ranges, reason = "it is what is asked about")]
    let reversed = 7..3;
    assert_eq!(array.read(reversed), Ok(vec![]));
    assert_eq!(array.write(99, &[]), Ok(()));
}

#[derive(Clone, Copy, Debug, PartialEq, NoUninit, CheckedBitPattern)]
#[repr(u8)]
enum Light {
    Red = 1,
    Green = 2,
}

#[test]
fn what_cannot_be_zero_has_to_be_given() {
    guarded!();
    let refused = Array::<Light>::new(4);
    assert!(matches!(refused, Err(Error::NoValue)), "{refused:?}");
    let lights = Array::options().capacity(4).filled(Light::Red).anonymous();
    let lights = lights.unwrap();
    lights.set(2, Light::Green).unwrap();
    let [red, green] = [Light::Red, Light::Green];
    assert_eq!(lights.read(0..4), Ok(vec![red, red, green, red]));
    assert!(Array::<char>::new(4).unwrap().get(0).unwrap() == '\0');
}

#[test]
fn a_length_that_cannot_be() {
    guarded!();
    let none = Array::<u8>::new(0);
    assert!(
        matches!(none, Err(Error::InvalidSize { found: 0, .. })),
        "{none:?}"
    );
    for filled in [false, true] {
        let options = Array::<u64>::options().capacity(usize::MAX);
        let options = if filled { options.filled(1) } else { options };
        let created = options.anonymous();
        assert!(
            matches!(created, Err(Error::TooLarge { .. })),
            "{created:?}"
        );
    }
}
