//! The words of lists and namespaces are part of the format: see `docs/format.md`.

#[path = "support/body.rs"]
mod body;
mod support;

use std::time::Duration;

use body::Body;
use crossproc::Manager;
use support::{Leaks, unique_name, watchdog};

const LIMIT: Duration = Duration::from_secs(60);

/// Of a manager for six participants and sixteen pages: entries of pages, and the pages.
const ENTRIES: u64 = 6272 + 6 * 16 * 16;
const PAGES: u64 = 8192;

fn manager() -> (Manager, Body) {
    let name = unique_name("format");
    let options = Manager::options().memory(16 * 4096).participants(6);
    let manager = options.create(&name).unwrap();
    let body = Body::of(&name, 21, 16 * 4096, PAGES + 16 * 4096);
    (manager, body)
}

/// Where the only object begins.
#[track_caller]
fn only_object(body: &Body) -> u64 {
    let is_body = |page: &u64| body.u32(ENTRIES + 24 * page) == u32::MAX;
    let mut pages = (0..16).filter(is_body);
    let page = pages.next().expect("an object");
    assert_eq!(pages.next(), None);
    PAGES + 4096 * page
}

/// The number of the commit, and where the block is.
fn link(word: u64) -> (u64, u64) {
    (word >> 32, (word & 0xffff_ffff) * 16)
}

#[test]
fn elements() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let (manager, body) = manager();
    let list = manager.list::<u8>("l").unwrap();
    let at = only_object(&body);
    assert_eq!(body.bytes(at), [0; 256]);

    list.push(&7).unwrap();
    list.push(&8).unwrap();
    list.set(0, &9).unwrap();
    let (number, table) = link(body.u64(at));
    assert_eq!(number, 2, "the record was numbered before the table");
    assert_eq!(body.u64(table), 2, "elements");
    assert_eq!([body.u32(table + 8), body.u32(table + 12)], [6, 0]);
    let (number, record) = link(body.u64(table + 16));
    assert_eq!([number, body.u64(at + 144)], [4, 4]);
    assert_eq!(body.bytes(record), [0, 0, 0, 0, 1, 0, 0, 0, 9]);
    let (number, record) = link(body.u64(table + 24));
    assert_eq!(number, 3);
    assert_eq!(body.bytes(record), [0, 0, 0, 0, 1, 0, 0, 0, 8]);
    assert_eq!(body.bytes(table + 32), [0; 32], "no more links");
    assert_eq!([body.u64(at + 8), body.u64(at + 128)], [0, 0]);

    list.pop().unwrap();
    assert_eq!([body.u64(table), body.u64(table + 24)], [1, 0]);
    list.clear().unwrap();
    assert_eq!(body.u64(at), 5 << 32, "no table");
    list.push(&7).unwrap();
    let (number, table) = link(body.u64(at));
    assert_eq!([number, body.u64(table + 8)], [7, 5 << 32 | 6]);
}

#[test]
fn attributes() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let (manager, body) = manager();
    let namespace = manager.namespace("n").unwrap();
    let at = only_object(&body);
    assert_eq!(body.bytes(at), [0; 256]);

    namespace.set("name", &7u8).unwrap();
    let root = body.u64(at);
    assert_eq!(root >> 32 & 0x3f, 3, "eight slots");
    let (_, table) = link(root);
    let mut links = (0..8).map(|slot| body.u64(table + 16 * slot));
    let (_, record) = link(links.find(|link| *link != 0).expect("a link"));
    assert_eq!([body.u32(record), body.u32(record + 4)], [4, 4]);
    assert_eq!(body.bytes(record + 8), *b"name\x02u8\x07");
    assert_eq!(body.u64(at + 152), 1, "attributes");
}
