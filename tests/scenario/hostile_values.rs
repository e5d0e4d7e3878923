//! Values and arrays whose words are overwritten while they are used, and while they are locked: every operation returns, whatever it finds.
//!
//! Values of several words are written where the word that says who is writing them cannot come to name somebody alive: that one would be
//! believed, and waited for.

use std::num::NonZero;
use std::time::Instant;

use crossproc::values::{Integer, Number};
use crossproc::{Array, Element, LockTimeoutError, TryLockError, Value};

use super::hostile_sync::{Meddler, PATIENCE, session, split, take};
use super::input::Input;

const LEN: usize = 30;

/// Does what `bytes` say with one of these of this name.
pub(crate) fn run(name: &str, bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let input = &mut input;
    let large = const { NonZero::new(5u128).unwrap() };
    match input.below(8) {
        0 => session(name, input, Value::options().value(true), value),
        1 => session(name, input, Value::options().value('a'), value),
        2 => session(name, input, Value::options().value(large), value),
        3 => session(name, input, Value::options().value([3u64; 20]), value),
        4 => session(name, input, Value::options().value(7u16), integer),
        5 => session(name, input, Value::options().value(0.5f64), number),
        6 => {
            let options = Array::options().capacity(LEN).filled(large);
            session(name, input, options, array);
        }
        _ => session(name, input, Array::options().capacity(LEN), counters),
    }
}

/// Whether it is read and written without ever waiting.
fn is_word<T>() -> bool {
    matches!(size_of::<T>(), 1 | 2 | 4 | 8)
}

fn value<T: Element>(value: &Value<T>, choice: u8, meddler: &mut Meddler<'_, '_>) {
    let (how, what) = split(choice);
    if !is_word::<T>() && !meddler.is_vacant() {
        return drop(format!("{value:?} {}", value.repairs()));
    }
    let Ok(found) = value.get() else {
        return meddler.meddle();
    };
    match what % 6 {
        0 => drop(value.set(found)),
        1 => drop(value.replace(found)),
        2 => drop(value.compare_exchange(found, found)),
        3 => drop(value.try_update(|old| (how == 0).then_some(old))),
        4 if is_word::<T>() => drop(value.update(|old| {
            meddler.meddle();
            old
        })),
        _ => drop(value.update(|_| found)),
    }
    meddler.meddle();
}

fn number<N: Number>(number: &Value<N>, choice: u8, meddler: &mut Meddler<'_, '_>) {
    let n = number.get().expect("any bits are a number");
    match choice % 5 {
        0 => drop(number.fetch_add(n)),
        1 => drop(number.fetch_sub(n)),
        2 => drop(number.fetch_max(n)),
        3 => drop(number.fetch_min(n)),
        _ => value(number, choice, meddler),
    }
    meddler.meddle();
}

fn integer<N: Integer>(integer: &Value<N>, choice: u8, meddler: &mut Meddler<'_, '_>) {
    let n = integer.get().expect("any bits are a number");
    match choice % 4 {
        0 => drop(integer.fetch_and(n)),
        1 => drop(integer.fetch_or(n)),
        2 => drop(integer.fetch_xor(n)),
        _ => number(integer, choice / 4, meddler),
    }
}

fn counters(counters: &Array<u32>, choice: u8, meddler: &mut Meddler<'_, '_>) {
    let index = usize::from(choice);
    match choice % 4 {
        0 => drop(counters.fetch_add(index, 1)),
        1 => drop(counters.compare_exchange(index, 0, 1)),
        2 => drop(counters.update(index, |old| {
            meddler.meddle();
            !old
        })),
        _ => array(counters, choice, meddler),
    }
    meddler.meddle();
}

fn array<T: Element>(array: &Array<T>, choice: u8, meddler: &mut Meddler<'_, '_>) {
    let (how, what) = split(choice);
    let locked = match what % 2 {
        0 => take!(array, how, try_lock, lock_timeout, lock_deadline),
        _ => None,
    };
    meddler.meddle();
    let at = usize::from(what / 2) % (LEN + 1);
    let found = array.get(at);
    let all = array.read(0..array.len());
    assert!(array.iter().count() == LEN);
    if let Ok(found) = found {
        let _ = array.set(at, found);
        let _ = array.write(at, &[found; 7]);
        let _ = array.read_into(at, &mut [found; 5]);
        meddler.meddle();
        array.fill(found);
    } else if let Ok(all) = all {
        let _ = array.write(0, &all);
    }
    meddler.meddle();
    if let Some(mut locked) = locked {
        drop(format!("{locked:?} {}", locked.is_consistent()));
        locked.mark_consistent();
        meddler.meddle();
    }
}
