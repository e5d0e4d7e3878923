//! The words of values and arrays are part of the format: see `docs/format.md`.

#[path = "support/body.rs"]
mod body;
mod support;

use std::time::Duration;

use body::Body;
use crossproc::{Array, LockError, Value};
use support::{Leaks, unique_name, watchdog};

const LIMIT: Duration = Duration::from_secs(60);

/// Of a lock that nobody has.
const ORPHANED: u64 = 1 << 16;
const POISONED: u64 = 2 << 16;

#[test]
fn a_value_of_one_word() {
    let _leaks = Leaks::start();
    let _watchdog = watchdog(LIMIT);
    let name = unique_name("format");
    let value = Value::create(&name, 0x0102_0304u32).unwrap();
    let body = Body::of(&name, 19, 1, 8);
    assert_eq!(body.u64(0), 0x0102_0304);
    value.fetch_add(1);
    assert_eq!(body.u64(0), 0x0102_0305);

    let name = unique_name("format");
    let value = Value::create(&name, true).unwrap();
    let body = Body::of(&name, 19, 1, 8);
    assert_eq!(body.u64(0), 1);
    value.set(false).unwrap();
    assert_eq!(body.u64(0), 0);
}

#[test]
fn a_value_of_several_words() {
    let _leaks = Leaks::start();
    let _watchdog = watchdog(LIMIT);
    let name = unique_name("format");
    let value = Value::create(&name, [1u8, 2, 3]).unwrap();
    let body = Body::of(&name, 19, 1, 136 + 2 * 8);
    assert_eq!(body.bytes(136), [1, 2, 3, 0, 0, 0, 0, 0]);
    assert_eq!((body.u64(0), body.u64(128), body.u64(144)), (0, 0, 0));
    value.set([4, 5, 6]).unwrap();
    assert_eq!((body.u64(0), body.u64(128)), (0, 1), "nobody writes");
    assert_eq!((body.bytes(136), body.bytes(144)), ([1, 2, 3], [4, 5, 6]));
    value.update(|[a, b, c]| [c, b, a]).unwrap();
    assert_eq!(body.u64(128), 2);
    assert_eq!((body.bytes(136), body.bytes(144)), ([6, 5, 4], [4, 5, 6]));
}

#[test]
fn an_array() {
    let _leaks = Leaks::start();
    let _watchdog = watchdog(LIMIT);
    let name = unique_name("format");
    let options = Array::options().capacity(5).filled([1u16, 2, 3]);
    let array = options.create(&name).unwrap();
    let body = Body::of(&name, 20, 5, 128 + 5 * 6);
    assert_eq!(body.bytes(0), [0; 128]);
    assert_eq!(body.bytes(128 + 4 * 6), [1, 0, 2, 0, 3, 0]);
    array.set(1, [4, 5, 6]).unwrap();
    assert_eq!(body.bytes(128), [1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 1, 0]);
    let locked = array.lock().unwrap();
    // By the first thread of this process, whose own record is the first.
    assert_eq!(body.u64(0), 1 << 32 | 2 << 2 | 1, "the owner");
    drop(locked);
    assert_eq!(body.u64(0), 0);
}

#[test]
fn what_the_lock_of_an_array_tells() {
    let _leaks = Leaks::start();
    let _watchdog = watchdog(LIMIT);
    let name = unique_name("format");
    let array = Array::<u8>::create(&name, 1).unwrap();
    let body = Body::of(&name, 20, 1, 128 + 1);
    let panics = || {
        let _locked = array.lock();
        panic!("on purpose");
    };
    std::thread::scope(|scope| assert!(scope.spawn(panics).join().is_err()));
    assert_eq!(body.u64(0), POISONED);
    let ends = || std::mem::forget(array.lock().or_else(LockError::into_guard).unwrap());
    std::thread::scope(|scope| scope.spawn(ends).join().unwrap());
    let mut locked = array.lock().or_else(LockError::into_guard).unwrap();
    assert_eq!(body.u64(0) & 0xffff_0000, POISONED | ORPHANED);
    locked.mark_consistent();
    drop(locked);
    assert_eq!(body.u64(0), 0);
}
