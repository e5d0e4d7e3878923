//! The words of managers and dicts are part of the format: see `docs/format.md`.

#[path = "support/body.rs"]
mod body;
mod support;

use std::time::Duration;

use body::Body;
use crossproc::{Dict, Manager, Queue};
use support::{Leaks, unique_name, watchdog};

const LIMIT: Duration = Duration::from_secs(60);

const DIRECTORY: u64 = 128;
const ANNOUNCED: u64 = 4224;
const PINS: u64 = 6272;

/// Of a manager for six participants and sixteen pages: entries of pages, and the pages.
const ENTRIES: u64 = PINS + 6 * 16 * 16;
const PAGES: u64 = 8192;

/// A claim of the first life in record number 1, this process's.
const HELD: u64 = 1 << 32 | 1 << 2 | 1;

/// The shard of a dict at `at` in which there is the only key.
#[track_caller]
fn only_shard(body: &Body, at: u64) -> u64 {
    let mut used = (0..16).filter(|shard| body.u64(at + 256 * shard + 152) != 0);
    let shard = used.next().expect("a key");
    assert_eq!(used.next(), None);
    assert_eq!(body.u64(at + 256 * shard + 152), 1, "count");
    assert_eq!(body.u64(at + 256 * shard + 160), 1, "slots in use");
    shard
}

/// Where the only record of a dict at `at` is. The lock of its shard is free.
#[track_caller]
fn only_record(body: &Body, at: u64) -> u64 {
    let shard = at + 256 * only_shard(body, at);
    assert_eq!([body.u64(shard + 8), body.u64(shard + 128)], [0, 0]);
    let root = body.u64(shard);
    assert_eq!(root >> 32 & 0x3f, 3, "eight slots");
    let table = (root & 0xffff_ffff) * 16;
    let mut links = (0..8).map(|slot| body.u64(table + 16 * slot));
    let link = links.find(|link| *link != 0).expect("a link");
    // The table and the record were committed one after the other.
    let numbers = [root >> 38, link >> 32, body.u64(shard + 144)];
    assert_eq!(numbers, [2, 1, 2]);
    (link & 0xffff_ffff) * 16
}

#[test]
fn objects_and_keys() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let name = unique_name("format");
    let options = Manager::options().memory(16 * 4096).participants(6);
    let manager = options.create(&name).unwrap();
    let body = Body::of(&name, 21, 16 * 4096, PAGES + 16 * 4096);
    assert_eq!([body.u64(0), body.u64(16)], [0, 0], "nothing in use");
    assert_ne!(body.u64(32), 0, "the seed of the hash");

    let dict: Dict<u8, u8> = manager.dict("d").unwrap();
    assert_eq!(body.u64(0), 16, "pages in use");
    assert_eq!(body.u64(16), 1, "objects made");
    let shard = only_shard(&body, DIRECTORY);
    let record = only_record(&body, DIRECTORY);
    assert_eq!([body.u32(record), body.u32(record + 4)], [1, 136]);
    assert_eq!(body.bytes::<1>(record + 8), *b"d");
    let entry = record + 9;
    assert_eq!(body.u32(entry), 22, "kind");
    let (at, len) = (body.u64(entry + 24), body.u64(entry + 32));
    assert_eq!(len, 16 * 256);
    let number = body.u32(entry + 128);
    assert_eq!(u64::from(number), 16 + shard);
    assert_eq!(body.u32(entry + 132), 0, "announces nothing");

    let page = (at - PAGES) / 4096;
    assert_eq!(PAGES + page * 4096, at);
    let tenant = body.u64(ENTRIES + 24 * page);
    assert_eq!(tenant, u64::from(number) << 32 | 0xffff_ffff);
    assert_eq!(
        [body.u64(PINS), body.u64(PINS + 8)],
        [HELD, u64::from(number)]
    );

    dict.insert(&7, &9).unwrap();
    let record = only_record(&body, at);
    assert_eq!(body.bytes::<10>(record), [1, 0, 0, 0, 1, 0, 0, 0, 7, 9]);
    // Of its page: the tenant is the dict's shard, and the class the first; one block is used, and was handed out.
    let page = (record - PAGES) / 4096;
    let shard = only_shard(&body, at);
    let tenant = body.u64(ENTRIES + 24 * page);
    assert_eq!(tenant, u64::from(number) << 32 | shard << 16 | 1);
    assert_eq!(body.u64(ENTRIES + 24 * page + 8), 1 << 32 | 1);
    assert_eq!(body.u64(ENTRIES + 24 * page + 16), 0, "no neighbours");

    dict.clear().unwrap();
    assert_eq!(body.u64(at + 16), 1, "the dict's epoch");
    let epochs = (0..16).map(|shard| body.u64(at + 256 * shard + 8));
    assert!(epochs.eq([1; 16]));
    assert_eq!(body.u64(at + 256 * shard), 0, "no table");
    assert_eq!(body.u64(ENTRIES + 24 * page), 0, "a free page");

    let options = Queue::<u64>::options().capacity(4);
    let queue = manager.create_object("q", &options).unwrap();
    let number = body.u64(ANNOUNCED);
    assert_eq!(
        number >> 4,
        2,
        "the second object's announcements are under number 1"
    );
    queue.send(1).unwrap();
    drop(queue);
    manager.remove_object("q").unwrap();
    assert_eq!(body.u64(ANNOUNCED), 0);
    assert_eq!(body.u64(PINS + 16), 0, "no second pin");
}
