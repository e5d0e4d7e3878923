//! The bytes of a segment's header are a format that programs built at different times share: see `docs/format.md`.

mod support;

use std::fs;
use std::process;
use std::time::{Duration, UNIX_EPOCH};

use crossproc::Queue;
use crossproc::spsc::Ring;
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
