//! The words of broadcast rings, overwriting rings and latest values are part of the format: see `docs/format.md`.

#[path = "support/body.rs"]
mod body;
mod support;

use std::time::Duration;

use body::Body;
use crossproc::{Broadcast, Latest, Overwriting};
use support::{Leaks, unique_name, watchdog};

const LIMIT: Duration = Duration::from_secs(60);

/// The claim of a seat by this process, whose record is the first.
const fn held(tag: u64) -> u64 {
    1 << 32 | tag << 16 | 1 << 2 | 1
}

#[test]
fn broadcast() {
    let _leaks = Leaks::start();
    let _watchdog = watchdog(LIMIT);
    let name = unique_name("format");
    let options = Broadcast::<u32>::options().capacity(3).participants(6);
    let ring = options.create(&name).unwrap();
    let slots = 384 + 6 * 64;
    let body = Body::of(&name, 16, 3, slots + 4 * 16);
    let first = ring.subscribe().unwrap();
    let mut second = ring.subscribe().unwrap();
    drop(first);
    for value in [7, 8, 9, 10] {
        ring.send(value).unwrap();
        assert_eq!(second.recv(), Ok(value));
    }
    assert_eq!(body.u64(0), 0, "nobody sends");
    assert_eq!(body.u64(16), 3, "slowest, when it was last looked for");
    assert_eq!(body.u64(24), 2, "seats ever used");
    assert_eq!(body.u64(128), 4, "sent");
    assert_eq!(body.u64(384), 4 << 16 | 2, "the first seat: closed");
    assert_eq!(body.u64(384 + 64), held(3), "the second");
    assert_eq!(body.u64(384 + 64 + 8), 4, "its position");
    for (index, value) in [7, 8, 9, 10].into_iter().enumerate() {
        let slot = slots + 16 * index as u64;
        assert_eq!(body.u64(slot), index as u64 + 1, "sequence");
        assert_eq!(body.u32(slot + 8), value);
    }
    ring.close();
    assert_eq!(body.u64(128), 1 << 63 | 4, "closed");
}

#[test]
fn overwriting() {
    let _leaks = Leaks::start();
    let _watchdog = watchdog(LIMIT);
    let name = unique_name("format");
    let ring = Overwriting::<u64>::create(&name, 6).unwrap();
    let body = Body::of(&name, 17, 6, 384 + 16 * 16);
    for value in 0..17 {
        ring.send(100 + value).unwrap();
    }
    assert_eq!((body.u64(128), body.u64(16), body.u64(24)), (17, 0, 0));
    assert_eq!((body.u64(384), body.u64(384 + 8)), (17, 116));
    assert_eq!((body.u64(384 + 16), body.u64(384 + 24)), (2, 101));
}

#[test]
fn latest() {
    let _leaks = Leaks::start();
    let _watchdog = watchdog(LIMIT);
    let name = unique_name("format");
    let latest = Latest::create(&name, [1u8, 2, 3]).unwrap();
    let body = Body::of(&name, 18, 1, 384 + 4 * 16);
    assert_eq!(body.u64(128), 1, "it has a value from the beginning");
    assert_eq!(body.u64(384), 1);
    assert_eq!(body.bytes(384 + 8), [1, 2, 3, 0, 0, 0, 0, 0]);
    latest.set([4, 5, 6]).unwrap();
    assert_eq!((body.u64(128), body.u64(384 + 16)), (2, 2));
    assert_eq!(body.bytes(384 + 24), [4, 5, 6]);
}
