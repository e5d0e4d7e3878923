//! The words of queues for messages and for objects, and what participants announce, are part of the format: see `docs/format.md`.

#[path = "support/body.rs"]
mod body;
mod support;

use std::time::Duration;

use body::Body;
use crossproc::{MessageQueue, ObjectQueue};
use support::{Leaks, unique_name, watchdog};

const LIMIT: Duration = Duration::from_secs(60);

/// The chunk that begins at a block: its word and its label.
fn chunk(body: &Body, block: u64) -> (u64, u64) {
    let at = 1408 + 16 * block;
    (body.u64(at), body.u64(at + 8))
}

/// The one block whose chunk is not vacant.
#[track_caller]
fn only_chunk(body: &Body, blocks: u64) -> u64 {
    let mut taken = (0..blocks).filter(|block| chunk(body, *block).0 != 0);
    let block = taken.next().expect("a chunk");
    assert_eq!(taken.next(), None);
    block
}

/// A claim of the first life in record number 1, this process's.
const fn held(blocks: u64) -> u64 {
    1 << 32 | blocks << 16 | 1 << 2 | 1
}

const LEASED: u64 = 1 << 31;

/// Where the slots and the blocks begin.
fn places(blocks: u64) -> (u64, u64) {
    let slots = 1408 + 16 * blocks;
    let places = (2 * blocks).next_power_of_two();
    (slots, (slots + 16 * places).next_multiple_of(128))
}

#[test]
fn a_message_on_its_way() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let name = unique_name("format");
    // Ten blocks of 64 bytes.
    let queue = MessageQueue::create(&name, 601).unwrap();
    let (slots, data) = places(10);
    let bytes = Body::of(&name, 14, 601, data + 640);

    let mut loan = queue.loan(130).unwrap();
    let block = only_chunk(&bytes, 10);
    assert_eq!(chunk(&bytes, block).0, held(3));
    assert_eq!(
        bytes.u64(384),
        1 << 32 | 7 << block,
        "one change, three bits"
    );
    loan.write(0, &0x0123_4567_89ab_cdef_u64.to_le_bytes());
    assert_eq!(bytes.u64(data + 64 * block), 0x0123_4567_89ab_cdef);

    loan.send().unwrap();
    assert_eq!(chunk(&bytes, block), (3 << 16 | 2, 130), "under ticket 0");
    assert_eq!((bytes.u64(0), bytes.u64(128)), (1, 0), "tail and head");
    assert_eq!((bytes.u64(slots), bytes.u64(slots + 8)), (1, block));

    let lease = queue.lease().unwrap();
    assert_eq!(chunk(&bytes, block), (held(3) | LEASED, 130));
    assert_eq!((bytes.u64(0), bytes.u64(128)), (1, 1));
    let news = bytes.u64(272);
    drop(lease);
    assert_eq!(chunk(&bytes, block), (3 << 16 | LEASED | 2, 130));
    assert_eq!(bytes.u64(272), news + 1);

    let lease = queue.lease().unwrap();
    assert_eq!(chunk(&bytes, block), (held(3) | LEASED, 1 << 48 | 130));
    lease.ack();
    assert_eq!(chunk(&bytes, block).0, 0);
    assert_eq!(bytes.u64(384), 2 << 32);
    queue.close();
    assert_eq!(bytes.u64(0), 1 << 63 | 1);
}

#[test]
fn a_high_ticket() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let name = unique_name("format");
    let queue = MessageQueue::create(&name, 64).unwrap();
    let (_, data) = places(1);
    let bytes = Body::of(&name, 14, 64, data + 64);
    for ticket in 0..40_000 {
        queue.send(b"").unwrap();
        let (low, high) = (ticket & 0x3fff, ticket >> 14);
        assert_eq!(chunk(&bytes, 0).0, high << 32 | 1 << 16 | low << 2 | 2);
        drop(queue.recv().unwrap());
    }
}

#[test]
fn memory_in_large_blocks() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let name = unique_name("format");
    let queue = ObjectQueue::<Vec<u8>>::create(&name, 4096 * 64 + 1).unwrap();
    let (_, data) = places(2049);
    let bytes = Body::of(&name, 15, 4096 * 64 + 1, data + 2049 * 128);
    queue.send(&vec![7; 127]).unwrap();
    let block = only_chunk(&bytes, 2049);
    assert_eq!(chunk(&bytes, block), (1 << 16 | 2, 128));
    assert_eq!(bytes.u64(data + 128 * block), 0x0707_0707_0707_077f);
    assert_eq!(bytes.u64(384 + block / 32 * 8) as u32, 1 << (block % 32));
}

/// The last that this thread announced to send; the other intents are withdrawn.
#[test]
fn announcements() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let name = unique_name("format");
    let queue = MessageQueue::create(&name, 64).unwrap();
    let (_, data) = places(1);
    let mut bytes = Body::of(&name, 14, 64, data + 64);
    queue.send(b"").unwrap();
    drop(queue.recv().unwrap());
    queue.send(b"").unwrap();
    // The second record, behind the segment's first page.
    bytes.start = 4096 + 1280;
    assert_eq!([128, 136, 144].map(|offset| bytes.u64(offset)), [2, 0, 0]);
}
