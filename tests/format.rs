//! The bytes of a segment's header are a format that programs built at different times share: see `docs/format.md`.

mod support;

use std::fs;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::process;
use std::time::{Duration, UNIX_EPOCH};

use crossproc::spsc::Ring;
use crossproc::{Queue, pipe, testing};
use support::{Leaks, unique_name, watchdog};

/// Reads the file of a segment, and removes it.
fn bytes_of(name: &str) -> Vec<u8> {
    let bytes = fs::read(format!("/dev/shm/crossproc.{name}")).unwrap();
    crossproc::unlink(name).unwrap();
    bytes
}

fn u64_at(bytes: &[u8], offset: usize) -> u64 {
    u64::from_le_bytes(bytes[offset..offset + 8].try_into().unwrap())
}

fn boot_id() -> u128 {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    u128::from_str_radix(&text.trim().replace('-', ""), 16).unwrap()
}

/// What differs between the segments below.
struct Described {
    kind: u32,
    capacity: u64,
    size: u32,
    align: u32,
    participants: u32,
    element: &'static str,
}

/// Compares the first 1024 bytes, of which only the header's fields may be other than 0.
#[track_caller]
fn assert_header(bytes: &[u8], described: &Described) {
    let page = rustix::param::page_size() as u64;
    let body_offset = page * (1 + u64::from(described.participants / 3));
    let (total, id) = (u64_at(bytes, 16), u64_at(bytes, 56));
    let (created, body_len) = (u64_at(bytes, 88), u64_at(bytes, 104));

    let mut expected = [0; 1024];
    let mut field = |offset: usize, value: &[u8]| {
        expected[offset..offset + value.len()].copy_from_slice(value);
    };
    field(0, b"CROSSPRC");
    field(8, &1_u32.to_le_bytes());
    field(12, &described.kind.to_le_bytes());
    field(16, &total.to_le_bytes());
    field(24, &described.capacity.to_le_bytes());
    field(32, &described.size.to_le_bytes());
    field(36, &described.align.to_le_bytes());
    field(40, &u32::try_from(page).unwrap().to_le_bytes());
    field(44, &128_u32.to_le_bytes());
    field(48, &described.participants.to_le_bytes());
    field(52, &[8, 0x0c, 0x0b, 0x0a]);
    field(56, &id.to_le_bytes());
    field(64, &boot_id().to_be_bytes());
    field(80, &process::id().to_le_bytes());
    field(88, &created.to_le_bytes());
    field(96, &body_offset.to_le_bytes());
    field(104, &body_len.to_le_bytes());
    field(128, described.element.as_bytes());
    assert_eq!(bytes[..1024], expected);

    assert_ne!(id, 0);
    assert_eq!(total, bytes.len() as u64);
    assert_eq!(total, (body_offset + body_len).next_multiple_of(page));
    assert!(body_len >= described.capacity * u64::from(described.size));
    let age = (UNIX_EPOCH + Duration::from_secs(created))
        .elapsed()
        .unwrap();
    assert!(age < Duration::from_secs(60), "created {age:?} ago");
}

#[test]
fn header_of_a_queue() {
    let _leaks = Leaks::start();
    let _watchdog = watchdog(Duration::from_secs(60));
    let name = unique_name("format");
    let queue = Queue::<u64>::create(&name, 1000).unwrap();
    let bytes = bytes_of(&name);
    drop(queue);
    let described = Described {
        kind: 2,
        capacity: 1000,
        size: 8,
        align: 8,
        participants: 126,
        element: "u64",
    };
    assert_header(&bytes, &described);
}

#[test]
fn header_of_a_ring() {
    let _leaks = Leaks::start();
    let _watchdog = watchdog(Duration::from_secs(60));
    let name = unique_name("format");
    let ring = Ring::<[u16; 3]>::options()
        .capacity(7)
        .participants(4)
        .create(&name)
        .unwrap();
    let bytes = bytes_of(&name);
    drop(ring);
    let described = Described {
        kind: 1,
        capacity: 7,
        size: 6,
        align: 2,
        participants: 6,
        element: "[u16; 3]",
    };
    assert_header(&bytes, &described);
}

#[test]
fn ids_differ() {
    let _leaks = Leaks::start();
    let _watchdog = watchdog(Duration::from_secs(60));
    let id = || {
        let name = unique_name("format");
        drop(Queue::<u8>::create(&name, 1).unwrap());
        u64_at(&bytes_of(&name), 56)
    };
    assert_ne!(id(), id());
}

fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    u32::from_le_bytes(bytes[offset..offset + 4].try_into().unwrap())
}

const LIVE: u32 = 1 << 31;
const RECORD: usize = 1280;

#[test]
fn records_and_body_of_a_queue() {
    let _leaks = Leaks::start();
    let _watchdog = watchdog(Duration::from_secs(60));
    let name = unique_name("format");
    let queue = Queue::<[u32; 3]>::create(&name, 5).unwrap();
    for n in 0..5 {
        queue.send([n, 0xaaaa_0000 | n, 7]).unwrap();
    }
    assert_eq!(queue.recv(), Ok([0, 0xaaaa_0000, 7]));
    queue.close();
    let bytes = bytes_of(&name);

    // This process took the first record, and this thread the second.
    assert_eq!(u32_at(&bytes, 1024), 2, "roster: two have joined");
    assert_eq!(u32_at(&bytes, 1028), 2, "records in use");
    assert_eq!(u64_at(&bytes, 1152), 0, "repairs");
    let page = rustix::param::page_size();
    assert_eq!(page, 4096, "the places below are those of 4 KiB pages");
    let process_itself = 1 << 32 | 1;
    for record in 0..2 {
        let start = page + record * RECORD;
        assert_eq!(u64_at(&bytes, start), process_itself);
        assert_eq!(u32_at(&bytes, start + 8), process::id());
        let tid = u32_at(&bytes, start + 12);
        assert_ne!(u64_at(&bytes, start + 16), 0, "PID namespace");
        let locked = u64::from(record == 0);
        assert_eq!(u64_at(&bytes, start + 24), 1 << 32 | locked);
        let life = page + 4096 - 24 + record * 8;
        assert_eq!(u64_at(&bytes, life), 1 << 32 | u64::from(tid | LIVE));
    }
    let intent = u64_at(&bytes, page + RECORD + 128);
    assert_eq!(
        intent, 5,
        "stays until the next send: ticket 4 is long committed"
    );
    assert_eq!(u64_at(&bytes, page + 4096 - 8), 0, "the third is free");

    let body = u64_at(&bytes, 96) as usize;
    assert_eq!(u64_at(&bytes, 104), 384 + 8 * 24);
    assert_eq!(u64_at(&bytes, body), 1 << 63 | 5, "tail, closed");
    assert_eq!(u64_at(&bytes, body + 128), 1, "head");
    for ticket in 0..5 {
        let slot = body + 384 + ticket * 24;
        assert_eq!(u64_at(&bytes, slot), ticket as u64 + 1, "sequence");
        assert_eq!(u32_at(&bytes, slot + 8), ticket as u32);
        assert_eq!(u32_at(&bytes, slot + 12), 0xaaaa_0000 | ticket as u32);
        assert_eq!(u32_at(&bytes, slot + 16), 7);
    }
}

#[test]
fn body_of_a_ring() {
    let _leaks = Leaks::start();
    let _watchdog = watchdog(Duration::from_secs(60));
    let name = unique_name("format");
    let ring = Ring::<u64>::create(&name, 10).unwrap();
    let mut producer = ring.producer().unwrap();
    let mut consumer = ring.consumer().unwrap();
    producer
        .send_slice(&[100, 101, 102, 103, 104, 105, 106, 107, 108])
        .unwrap();
    assert_eq!((consumer.recv(), consumer.recv()), (Ok(100), Ok(101)));
    drop(consumer);
    let bytes = bytes_of(&name);

    let body = u64_at(&bytes, 96) as usize;
    assert_eq!(
        u64_at(&bytes, 104),
        256 + 3 * 64,
        "seven in a line: two lines and one more"
    );
    assert_eq!(u64_at(&bytes, body), 2, "head");
    let held_by_first_record = 1 << 32 | 1 << 16 | 1 << 2 | 1;
    assert_eq!(u64_at(&bytes, body + 136), held_by_first_record, "producer");
    assert_eq!(
        u64_at(&bytes, body + 144),
        2 << 16 | 2,
        "consumer: closed, the second change"
    );
    for (line, count) in [(0, 7), (1, 2)] {
        let start = body + 256 + line * 64;
        assert_eq!(
            u64_at(&bytes, start),
            (line as u64 + 1) << 8 | count,
            "header"
        );
        for place in 0..count as usize {
            let number = (line * 7 + place) as u64;
            assert_eq!(u64_at(&bytes, start + 8 + place * 8), 100 + number);
        }
    }
    assert_eq!(
        u64_at(&bytes, body + 256 + 2 * 64),
        0,
        "the third line is untouched"
    );
}

/// The file of a pipe, which has no name; its ends are packed, as if to travel, and not unpacked.
fn bytes_of_pipe(package: &testing::Package) -> Vec<u8> {
    let descriptor = package.descriptors()[0].as_raw_fd();
    fs::read(format!("/proc/self/fd/{descriptor}")).unwrap()
}

#[test]
fn pipe_of_bytes() {
    let _leaks = Leaks::start();
    let _guard = watchdog(Duration::from_secs(60));
    let options = pipe::options().capacity(1 << 16).participants(6);
    let (mut sender, mut receiver) = options.bytes().unwrap();
    sender.write_all(b"abcdef").unwrap();
    receiver.read_exact(&mut [0; 2]).unwrap();
    let bytes = bytes_of_pipe(&testing::pack((sender, receiver)));
    let described = Described {
        kind: 13,
        capacity: 1 << 16,
        size: 1,
        align: 1,
        participants: 6,
        element: "u8",
    };
    assert_header(&bytes, &described);
    let page = rustix::param::page_size();
    let (body, data) = (3 * page, 4 * page);
    assert_eq!(bytes.len(), data + (1 << 16));
    assert_eq!([0, 128].map(|word| u64_at(&bytes, body + word)), [2, 6]);
    // Nobody sleeps; both roles are held.
    assert_eq!(u64_at(&bytes, body + 256), 0);
    let roles = [264, 272].map(|word| u64_at(&bytes, body + word));
    assert!(roles.iter().all(|role| role & 3 == 1), "{roles:x?}");
    assert_eq!(&bytes[data..data + 8], b"abcdef\0\0");
}

#[test]
fn pipe_of_messages() {
    let _leaks = Leaks::start();
    let _guard = watchdog(Duration::from_secs(60));
    let options = pipe::options().capacity(1 << 16).participants(6);
    let (mut here, mut there) = options.duplex::<(), ()>().unwrap();
    here.send_bytes(b"12345").unwrap();
    there.send_bytes(&[]).unwrap();
    there.send_bytes(b"123456789").unwrap();
    let bytes = bytes_of_pipe(&testing::pack((here, there)));
    let described = Described {
        kind: 13,
        capacity: 2 << 16,
        size: 1,
        align: 1,
        participants: 6,
        element: "u8",
    };
    assert_header(&bytes, &described);
    let page = rustix::param::page_size();
    let (body, data) = (3 * page, 4 * page);
    let tails = [128, 384 + 128].map(|word| u64_at(&bytes, body + word));
    assert_eq!(tails, [24, 48]);
    let second = data + (1 << 16);
    for (at, position, message) in [
        (data, 0, &b"12345"[..]),
        (second, 0, b""),
        (second + 16, 16, b"123456789"),
    ] {
        let len = message.len() as u64;
        let mixed = len ^ u64::rotate_left(position, 32) ^ 0x5851_f42d_4c95_7f2d;
        let mixed = mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        assert_eq!(u64_at(&bytes, at), len);
        assert_eq!(u64_at(&bytes, at + 8), mixed ^ mixed >> 29);
        assert_eq!(&bytes[at + 16..][..message.len()], message);
    }
}
