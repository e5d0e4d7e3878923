#![allow(unsafe_code)] // prepares a child process with a file system of its own
//! Holes, and what fills them.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::atomic::{AtomicU8, Ordering};

use super::shape::{BodyLen, ElementLayout, Expected, Kind, Shape};
use super::{Home, Segment};
use crate::error::Error;
use crate::platform::page_size;

#[path = "../../tests/support/private_mount.rs"]
mod private_mount;

fn sparse(body_len: u64, committed: u64) -> Shape {
    Shape {
        kind: Kind::Manager,
        element: ElementLayout::of::<()>(),
        capacity: 1,
        participants: 3,
        body_len,
        committed: Some(committed),
        initial: Box::from(*b"begins"),
    }
}

/// Bytes of memory that the segment's file has.
fn backed(segment: &Segment) -> u64 {
    let file = File::from(segment.fd().try_clone_to_owned().unwrap());
    file.metadata().unwrap().blocks() * 512
}

fn byte(segment: &Segment, offset: usize) -> &AtomicU8 {
    assert!(offset < segment.body_len());
    // SAFETY: the byte lies inside the mapping, and is accessed atomically only.
    unsafe {
        &*segment
            .base()
            .as_ptr()
            .add(segment.body_offset() + offset)
            .cast()
    }
}

#[test]
fn what_is_not_needed_yet_costs_nothing() {
    let page = page_size() as u64;
    let (long, some) = (64 << 30, 3 * page);
    let segment = Segment::anonymous(&sparse(long, some)).unwrap();
    assert_eq!(segment.body_len(), 64 << 30);
    assert_eq!(backed(&segment), 2 * page + some);
    assert_eq!(byte(&segment, 0).load(Ordering::Relaxed), b'b');

    // In the middle of a page, and in one that is there.
    let far = 63 << 30;
    byte(&segment, 5).store(7, Ordering::Relaxed);
    segment.commit(far + 100, 2 * page_size()).unwrap();
    segment.commit(0, 1).unwrap();
    segment.commit(long as usize, 0).unwrap();
    assert_eq!(backed(&segment), (2 + 3) * page + some);
    assert_eq!(byte(&segment, far).fetch_add(9, Ordering::Relaxed), 0);
    assert_eq!(byte(&segment, 5).load(Ordering::Relaxed), 7);

    // Again, and from somewhere else: what is there stays.
    let expected = Expected {
        kind: Kind::Manager,
        element: ElementLayout::of::<()>(),
        capacity: None,
        participants: None,
        body_len: BodyLen::Computed(|_| Some(64 << 30)),
    };
    let fd = segment.fd().try_clone_to_owned().unwrap();
    let other = Segment::from_fd(fd, Home::Anonymous, &expected).unwrap();
    other.commit(far, 3 * page_size()).unwrap();
    assert_eq!(backed(&segment), (2 + 3) * page + some);
    assert_eq!(byte(&other, far).load(Ordering::Relaxed), 9);
}

#[test]
fn memory_for_the_last_page_is_whole() {
    let page = page_size();
    let segment = Segment::anonymous(&sparse(10 * page as u64 + 1, 0)).unwrap();
    segment.commit(10 * page, 1).unwrap();
    assert_eq!(byte(&segment, 10 * page).load(Ordering::Relaxed), 0);
    assert_eq!(backed(&segment), 4 * page as u64);
}

#[test]
fn more_than_the_machine_has_is_refused_without_trying() {
    let segment = Segment::anonymous(&sparse(1 << 45, 0)).unwrap();
    let before = backed(&segment);
    let refused = segment.commit(page_size(), 1 << 44);
    assert!(
        matches!(refused, Err(Error::OutOfMemory { needed, available }) if needed == 1 << 44 && available < needed),
        "{refused:?}"
    );
    assert_eq!(backed(&segment), before);
}

/// Runs the test of this name in a process of its own that has another /dev/shm, of 1 MiB.
fn with_little_shared_memory(test: &str, body: fn()) {
    const INSIDE: &str = "CROSSPROC_TEST_INSIDE";
    if std::env::var_os(INSIDE).is_some() {
        return body();
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([test, "--exact", "--test-threads=1"])
        .env(INSIDE, "yes");
    let prepare =
        || -> io::Result<()> { private_mount::private_mount(c"tmpfs", c"size=1m", c"/dev/shm") };
    // SAFETY: it makes system calls and writes files, which a forked child may do with this C library.
    unsafe { command.pre_exec(prepare) };
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => {
            // Not eprintln!: the test harness would keep it to itself.
            let _ = writeln!(
                io::stderr(),
                "\nNOT TESTED: {test}: cannot prepare a child: {error}\n"
            );
            return;
        }
    };
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
}

#[test]
fn a_full_file_system_is_an_error_and_changes_nothing() {
    let body = || {
        let page = page_size();
        let segment = Segment::create("sparse", &sparse(1 << 40, 0), 0o600).unwrap();
        segment.commit(0, 64 * page).unwrap();
        byte(&segment, 63 * page).store(3, Ordering::Relaxed);
        let before = backed(&segment);
        let refused = segment.commit(32 * page, 1 << 20);
        assert!(
            matches!(refused, Err(Error::SharedMemoryFull { needed, available })
                if needed == 1 << 20 && (1..1 << 20).contains(&available)),
            "{refused:?}"
        );
        assert_eq!(backed(&segment), before);
        // What was promised is there.
        for offset in (0..64 * page).step_by(page) {
            byte(&segment, offset).fetch_add(1, Ordering::Relaxed);
        }
        assert_eq!(byte(&segment, 63 * page).load(Ordering::Relaxed), 4);
        // And what is left can be had.
        let mut more = 64;
        while segment.commit(more * page, page).is_ok() {
            byte(&segment, more * page).store(1, Ordering::Relaxed);
            more += 1;
        }
        assert!((200..256).contains(&more), "{more}");

        let refused = Segment::create("another", &sparse(1 << 40, 4 << 20), 0o600);
        assert!(matches!(refused, Err(Error::SharedMemoryFull { .. })));
        assert_eq!(std::fs::read_dir("/dev/shm").unwrap().count(), 1);
    };
    let test = "segment::sparse_tests::a_full_file_system_is_an_error_and_changes_nothing";
    with_little_shared_memory(test, body);
}

#[test]
fn one_that_fails_takes_back_nothing_of_what_others_were_promised() {
    let body = || {
        let page = page_size();
        let segment = Segment::create("sparse", &sparse(1 << 40, 4 * page as u64), 0o600).unwrap();
        segment.commit(4 * page, 60 * page).unwrap();
        let before = backed(&segment);
        // Over all of it, untouched as it is; no more at once than the file system is large, which would be refused at first sight.
        segment.commit(0, 256 * page).unwrap_err();
        assert_eq!(backed(&segment), before);
    };
    let test =
        "segment::sparse_tests::one_that_fails_takes_back_nothing_of_what_others_were_promised";
    with_little_shared_memory(test, body);
}
