#![allow(unsafe_code)] // a child changes its user, another gets a /dev/shm of its own
//! What cannot work is refused, says why and what to do, and loses nothing: the file, its content and its name are
//! what they were.

#[path = "support/private_mount.rs"]
mod private_mount;
mod support;

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crossproc::spsc::Ring;
use crossproc::{Error, Queue};
use private_mount::{private_mount, succeeds};
use proptest::prelude::*;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use support::{Leaks, unique_name, watchdog};

const LIMIT: Duration = Duration::from_secs(60);

fn path(name: &str) -> PathBuf {
    PathBuf::from(format!("/dev/shm/crossproc.{name}"))
}

/// A file of this name that goes at the end of the test.
struct Named {
    name: String,
}

impl Named {
    fn new() -> Named {
        Named {
            name: unique_name("bad_input"),
        }
    }

    /// A queue that holds 1, 2, 3.
    fn queue() -> Named {
        let named = Named::new();
        let queue = Queue::<u64>::create(&named.name, 4).unwrap();
        (1..=3).for_each(|n| queue.send(n).unwrap());
        named
    }

    fn file(bytes: &[u8]) -> Named {
        let named = Named::new();
        fs::write(named.path(), bytes).unwrap();
        named
    }

    fn path(&self) -> PathBuf {
        path(&self.name)
    }

    fn bytes(&self) -> Vec<u8> {
        fs::read(self.path()).unwrap()
    }

    /// Writes over some bytes of the file.
    fn poke(&self, offset: u64, bytes: &[u8]) {
        let file = File::options().write(true).open(self.path()).unwrap();
        file.write_all_at(bytes, offset).unwrap();
    }

    fn set_len(&self, len: u64) {
        File::options()
            .write(true)
            .open(self.path())
            .unwrap()
            .set_len(len)
            .unwrap();
    }

    fn assert_holds_123(&self) {
        let queue = Queue::<u64>::open(&self.name).unwrap();
        assert_eq!(queue.try_iter().collect::<Vec<_>>(), [1, 2, 3]);
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        if self.path().is_dir() {
            fs::remove_dir(self.path()).unwrap();
        } else {
            let _ = fs::remove_file(self.path());
        }
    }
}

/// The error's message, for which it has to have failed.
#[track_caller]
fn message<T>(result: crossproc::Result<T>) -> String {
    match result {
        Ok(_) => panic!("should have failed"),
        Err(error) => error.to_string(),
    }
}

#[track_caller]
fn assert_says<T>(result: crossproc::Result<T>, parts: &[&str]) {
    let message = message(result);
    for part in parts {
        assert!(message.contains(part), "{part:?} is missing in: {message}");
    }
}

/// Runs `body` in a child process, which is this program again with this one test, after `prepare` has run there.
/// Returns whether the child could be prepared.
fn in_child(test: &str, prepare: fn() -> io::Result<()>, body: fn()) -> bool {
    const INSIDE: &str = "CROSSPROC_TEST_INSIDE";
    if std::env::var_os(INSIDE).is_some() {
        body();
        return true;
    }
    let _leaks = Leaks::start();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(INSIDE, "yes");
    // SAFETY: `prepare` makes system calls and writes files, which a forked child may do with this C library.
    unsafe { command.pre_exec(prepare) };
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => {
            // Not eprintln!: the test harness would keep it to itself.
            let _ = writeln!(
                io::stderr(),
                "\nNOT TESTED: {test}: cannot prepare a child: {error}\n"
            );
            return false;
        }
    };
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{}: {text}{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    true
}

#[test]
fn names() {
    let _leaks = Leaks::start();
    let _watchdog = watchdog(LIMIT);
    let too_long = "n".repeat(201);
    for (name, reason) in [
        ("", "it is empty"),
        (&*too_long, "longer than 200 bytes"),
        ("a/b", "contains a slash"),
        ("/a", "contains a slash"),
        ("a\0b", "contains a NUL"),
        (".", "names a directory"),
        ("..", "names a directory"),
    ] {
        for result in [
            Queue::<u64>::create(name, 4).map(drop),
            Queue::<u64>::open(name).map(drop),
            Queue::<u64>::open_or_create(name, 4).map(drop),
            Ring::<u64>::create(name, 4).map(drop),
            crossproc::unlink(name),
        ] {
            assert!(
                matches!(&result, Err(Error::InvalidName { name: given, .. }) if given == name)
            );
            assert_says(result, &["cannot name a segment", reason]);
        }
    }

    let longest = format!("{:n<200}", unique_name("longest"));
    let queue = Queue::<u64>::create(&longest, 4).unwrap();
    assert_eq!(queue.name(), Some(&*longest));
    queue.unlink().unwrap();
}

#[test]
fn nothing_of_that_name() {
    let _leaks = Leaks::start();
    let _watchdog = watchdog(LIMIT);
    let name = unique_name("missing");
    for result in [
        Queue::<u64>::open(&name).map(drop),
        Queue::<u64>::options().capacity(4).open(&name).map(drop),
        Ring::<u64>::open(&name).map(drop),
        crossproc::unlink(&name),
    ] {
        assert!(matches!(result, Err(Error::NotFound { .. })));
        assert_says(result, &[&name, "create it first"]);
    }
    assert!(!path(&name).exists());
}

#[test]
fn name_is_taken() {
    let _leaks = Leaks::start();
    let _watchdog = watchdog(LIMIT);
    let named = Named::queue();
    let before = named.bytes();
    for result in [
        Queue::<u64>::create(&named.name, 4).map(drop),
        Queue::<u32>::create(&named.name, 9).map(drop),
        Ring::<u64>::create(&named.name, 4).map(drop),
    ] {
        assert!(matches!(result, Err(Error::AlreadyExists { .. })));
        assert_says(
            result,
            &[&named.name, "exists already", "crossproc::unlink"],
        );
    }
    assert!(named.bytes() == before);
    named.assert_holds_123();
}

#[test]
fn another_kind_element_or_size() {
    let _leaks = Leaks::start();
    let _watchdog = watchdog(LIMIT);
    let named = Named::queue();
    let name = &*named.name;
    let before = named.bytes();
    let options = Queue::<u64>::options;

    assert_says(
        Ring::<u64>::open(name),
        &[name, "kind is queue, expected spsc ring"],
    );
    assert_says(
        Queue::<u32>::open(name),
        &[
            "`u64` (8 bytes, aligned to 8)",
            "`u32` (4 bytes, aligned to 4)",
        ],
    );
    assert_says(Queue::<i64>::open(name), &["`u64`", "expected `i64`"]);
    assert_says(
        Queue::<[u64; 1]>::open(name),
        &["`u64`", "expected `[u64; 1]`"],
    );
    assert_says(
        Queue::<u64>::open_or_create(name, 5),
        &["capacity is 4, expected 5"],
    );
    assert_says(
        options().capacity(3).open(name),
        &["capacity is 4, expected 3"],
    );
    assert_says(
        options().participants(127).open(name),
        &["participants is 126, expected 129"],
    );
    assert_says(Ring::<u64>::open_or_create(name, 4), &["kind is queue"]);

    assert!(named.bytes() == before);
    drop(options().capacity(4).participants(124).open(name).unwrap());
    named.assert_holds_123();
}

#[test]
fn every_header_field_is_compared() {
    let _leaks = Leaks::start();
    let _watchdog = watchdog(LIMIT);
    let named = Named::queue();
    let before = named.bytes();
    let len = before.len();
    for (offset, bytes, says) in [
        (0, &b"X"[..], "does not begin like one"),
        (8, &[2], "format version is 2, expected 1"),
        (12, &[1], "kind is spsc ring, expected queue"),
        (12, &[99], "kind is unknown (99), expected queue"),
        (16, &[1], "total length is "),
        (24, &[0], "capacity is 0, expected one that fits"),
        (24, &[5], "expected "),
        (
            24,
            &[0xff; 8],
            "capacity is 18446744073709551615, expected one that fits",
        ),
        (32, &[9], "(9 bytes, aligned to 8), expected `u64` (8 bytes"),
        (
            36,
            &[16],
            "aligned to 16), expected `u64` (8 bytes, aligned to 8)",
        ),
        (41, &[0x40], "page size is 16384, expected "),
        (44, &[64], "cache line size is 64, expected 128"),
        (48, &[3, 0], "body offset is "),
        (48, &[0, 0], "participants is 0, expected a multiple of 3"),
        (48, &[4, 0], "participants is 4, expected a multiple of 3"),
        (
            48,
            &[0xff; 4],
            "participants is 4294967295, expected a multiple of 3",
        ),
        (52, &[4], "with 4-byte pointers, expected "),
        (52, &[1, 2, 3, 4], "architecture is unknown"),
        (56, &[0; 8], "id is 0"),
        (64, &[0; 16], "before the machine last started"),
        (84, &[1], "place is a path, expected memory"),
        (84, &[2], "place is unknown (0x2), expected memory"),
        (96, &[1], "body offset is "),
        (104, &[1], "body length is "),
        (
            128,
            b"Order",
            "`Order` (8 bytes, aligned to 8), expected `u64`",
        ),
        (128, &[0xff; 128], "expected `u64`"),
        (255, b"!", "expected `u64`"),
    ] {
        named.poke(offset, bytes);
        let damaged = named.bytes();
        assert_says(Queue::<u64>::open(&named.name), &[&named.name, says]);
        assert_says(Queue::<u64>::open_or_create(&named.name, 4), &[&named.name]);
        assert!(named.bytes() == damaged);
        assert_eq!(damaged.len(), len);
        named.poke(0, &before[..256]);
    }
    named.assert_holds_123();
}

#[test]
fn another_byte_order() {
    let _leaks = Leaks::start();
    let _watchdog = watchdog(LIMIT);
    let named = Named::queue();
    let mut mark = named.bytes()[52..56].to_vec();
    mark.reverse();
    named.poke(52, &mark);
    assert_says(
        Queue::<u64>::open(&named.name),
        &["little-endian", "big-endian"],
    );
}

#[test]
fn another_length() {
    let _leaks = Leaks::start();
    let _watchdog = watchdog(LIMIT);
    let named = Named::queue();
    let full = named.bytes().len() as u64;
    for len in [
        8,
        100,
        255,
        256,
        4095,
        4096,
        full - 4096,
        full - 1,
        full + 1,
        full + 4096,
    ] {
        let before = named.bytes();
        named.set_len(len);
        let result = Queue::<u64>::open(&named.name);
        assert!(matches!(result, Err(Error::Truncated { found, .. }) if found == len));
        assert_says(
            result,
            &[
                &named.name,
                &format!("{len} bytes long"),
                "crossproc::unlink",
            ],
        );
        assert_eq!(fs::metadata(named.path()).unwrap().len(), len);
        named.set_len(full);
        named.poke(0, &before);
    }
    named.assert_holds_123();

    named.set_len(7);
    assert_says(
        Queue::<u64>::open(&named.name),
        &[&named.name, "does not begin like one"],
    );
    named.set_len(0);
    assert_says(
        Queue::<u64>::open(&named.name),
        &[&named.name, "does not begin like one"],
    );
}

#[test]
fn other_files_of_that_name() {
    let _leaks = Leaks::start();
    let _watchdog = watchdog(LIMIT);
    let target = Named::queue();

    let empty = Named::file(b"");
    let text = Named::file(b"not a segment at all");
    let long = Named::file(&[0x5a; 10_000]);
    let link = Named::new();
    symlink(target.path(), link.path()).unwrap();
    let dangling = Named::new();
    symlink(path("nowhere"), dangling.path()).unwrap();
    let directory = Named::new();
    fs::create_dir(directory.path()).unwrap();
    let fifo = Named::new();
    mknodat(CWD, fifo.path(), FileType::Fifo, Mode::RWXU, 0).unwrap();
    let socket = Named::new();
    drop(UnixListener::bind(socket.path()).unwrap());

    for (named, reason) in [
        (&empty, "does not begin like one"),
        (&text, "does not begin like one"),
        (&long, "does not begin like one"),
        (&link, "symbolic link"),
        (&dangling, "symbolic link"),
        (&directory, "not a regular file"),
        (&fifo, "not a regular file"),
        (&socket, "not a regular file"),
    ] {
        let before = fs::symlink_metadata(named.path()).unwrap();
        for result in [
            Queue::<u64>::open(&named.name).map(drop),
            Queue::<u64>::open_or_create(&named.name, 4).map(drop),
            Ring::<u64>::open(&named.name).map(drop),
            crossproc::unlink(&named.name),
        ] {
            assert!(
                matches!(result, Err(Error::NotASegment { .. })),
                "{reason}: {result:?}"
            );
            assert_says(result, &[&named.name, "is not a segment", reason]);
        }
        let result = Queue::<u64>::create(&named.name, 4);
        assert!(matches!(result, Err(Error::AlreadyExists { .. })));
        let after = fs::symlink_metadata(named.path()).unwrap();
        assert_eq!((before.ino(), before.len()), (after.ino(), after.len()));
    }
    target.assert_holds_123();
}

#[test]
fn unlink_removes_what_cannot_be_opened() {
    let _leaks = Leaks::start();
    let _watchdog = watchdog(LIMIT);
    let damages: [fn(&Named); 4] = [
        |_| (),
        |named| named.poke(8, &[2]),     // of another version
        |named| named.poke(64, &[0; 8]), // made before the last boot
        |named| named.set_len(100),
    ];
    for damage in damages {
        let named = Named::queue();
        damage(&named);
        crossproc::unlink(&named.name).unwrap();
        assert!(!named.path().exists());
    }
}

#[test]
fn unlink_spares_the_successor() {
    let _leaks = Leaks::start();
    let _watchdog = watchdog(LIMIT);
    let named = Named::new();
    let first = Queue::<u64>::create(&named.name, 4).unwrap();
    first.unlink().unwrap();
    assert!(matches!(first.unlink(), Err(Error::NotOurs { .. })));

    let second = Named::queue();
    fs::rename(second.path(), named.path()).unwrap();
    assert_says(
        first.unlink(),
        &[&named.name, "no longer names this segment"],
    );
    named.assert_holds_123();
    first.send(7).unwrap();
    assert_eq!(first.recv().unwrap(), 7);

    let anonymous = Queue::<u64>::new(4).unwrap();
    assert!(matches!(anonymous.unlink(), Err(Error::Anonymous)));
}

#[test]
fn sizes_that_cannot_be() {
    let _leaks = Leaks::start();
    let _watchdog = watchdog(LIMIT);
    let name = unique_name("sizes");
    let options = Queue::<u64>::options;

    assert_says(
        Queue::<u64>::new(0),
        &["capacity cannot be 0", "at least 1"],
    );
    assert_says(Queue::<u64>::create(&name, 0), &["capacity cannot be 0"]);
    assert_says(
        Queue::<u64>::open_or_create(&name, 0),
        &["capacity cannot be 0"],
    );
    assert_says(
        options().create(&name),
        &["capacity", "give the number of elements"],
    );
    for capacity in [usize::MAX, usize::MAX / 8, usize::MAX / 16] {
        let result = Queue::<u64>::create(&name, capacity);
        assert!(matches!(result, Err(Error::TooLarge { .. })));
        assert_says(result, &[&capacity.to_string(), "8 bytes", "ask for fewer"]);
        assert!(matches!(
            Queue::<u64>::new(capacity),
            Err(Error::TooLarge { .. })
        ));
    }
    // More than any machine's memory, and refused without trying: trying would end processes.
    assert!(matches!(
        Queue::<u64>::new(1 << 50),
        Err(Error::OutOfMemory { .. })
    ));
    assert_says(
        Ring::<u64>::create(&name, 1 << 50),
        &["of memory available", "are needed"],
    );

    for participants in [0, 16_384, u32::MAX] {
        let result = options()
            .capacity(4)
            .participants(participants)
            .create(&name);
        let says =
            format!("participants cannot be {participants}: it has to be between 1 and 16383");
        assert_says(result, &[&says]);
    }
    for mode in [660, 0o1666, 0o777, u32::MAX] {
        let result = options().capacity(4).mode(mode).create(&name);
        assert!(matches!(result, Err(Error::InvalidMode { .. })));
        assert_says(result, &[&format!("{mode:#o}"), "write it in octal"]);
    }
    assert!(!path(&name).exists());
}

#[test]
fn mode_is_what_was_asked_for() {
    let _leaks = Leaks::start();
    let _watchdog = watchdog(LIMIT);
    let named = Named::new();
    for mode in [None, Some(0o660), Some(0o666)] {
        let options = Queue::<u64>::options().capacity(4);
        let options = mode.map_or(options.clone(), |mode| options.mode(mode));
        let queue = options.create(&named.name).unwrap();
        let found = fs::metadata(named.path()).unwrap().permissions().mode() & 0o7777;
        assert_eq!(found, mode.unwrap_or(0o600));
        queue.unlink().unwrap();
    }
}

#[test]
fn more_threads_than_participants() {
    let _leaks = Leaks::start();
    let _watchdog = watchdog(LIMIT);
    let queue = Queue::<u64>::options()
        .capacity(16)
        .participants(6)
        .anonymous()
        .unwrap();
    let all_have_tried = std::sync::Barrier::new(16);
    let sent: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16)
            .map(|n| {
                let (queue, all_have_tried) = (&queue, &all_have_tried);
                scope.spawn(move || {
                    let result = queue.try_send(n);
                    all_have_tried.wait();
                    match result {
                        Ok(()) => 1,
                        Err(error) => {
                            assert_eq!(error.into_inner(), n);
                            let says = "all 6 places for participants are taken";
                            assert_says::<()>(Err(error.into()), &[says, ".participants(n)"]);
                            0
                        }
                    }
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    assert!(
        (1..=6).contains(&sent),
        "{sent} threads took part in a segment for 6"
    );
    // The places of threads that have ended are free again.
    assert_eq!(queue.try_iter().count(), sent);
}

#[test]
fn another_users_segment() {
    // Inside, the user changes for good: a process of its own.
    let body = || {
        let _leaks = Leaks::start();
        let _watchdog = watchdog(LIMIT);
        let closed = Named::queue();
        let readable = Named::new();
        Queue::<u64>::options()
            .capacity(4)
            .mode(0o644)
            .create(&readable.name)
            .unwrap();
        let shared = Named::new();
        Queue::<u64>::options()
            .capacity(4)
            .mode(0o666)
            .create(&shared.name)
            .unwrap();
        let before = closed.bytes();

        // SAFETY: takes plain numbers.
        succeeds(unsafe { libc::setresuid(65_534, 65_534, 0) }).unwrap();
        for named in [&closed, &readable] {
            let result = Queue::<u64>::open(&named.name);
            assert!(matches!(
                result,
                Err(Error::PermissionDenied {
                    owner: 0,
                    user: 65_534,
                    ..
                })
            ));
            assert_says(
                result,
                &["not allowed to open", &named.name, "uid 0", "mode 0o6"],
            );
            assert_says(
                Queue::<u64>::open_or_create(&named.name, 4),
                &["not allowed to open"],
            );
            assert_says(
                crossproc::unlink(&named.name),
                &["not allowed to", &named.name],
            );
            let result = Queue::<u64>::create(&named.name, 4);
            assert!(matches!(result, Err(Error::AlreadyExists { .. })));
        }
        let queue = Queue::<u64>::open(&shared.name).unwrap();
        queue.try_send(1).unwrap();
        assert_eq!(queue.try_recv().unwrap(), 1);
        assert_says(
            queue.unlink(),
            &["not allowed to remove", "uid 0", "mode 0o666"],
        );
        drop(queue);
        let own = Queue::<u64>::create(&unique_name("own"), 4).unwrap();
        own.unlink().unwrap();
        drop(own);

        // SAFETY: takes plain numbers; the saved user is still 0.
        succeeds(unsafe { libc::setresuid(0, 0, 0) }).unwrap();
        assert!(closed.bytes() == before);
        closed.assert_holds_123();
    };
    // SAFETY: takes no arguments.
    if unsafe { libc::geteuid() } == 0 {
        assert!(in_child("another_users_segment", || Ok(()), body));
        return;
    }

    let _ = writeln!(
        io::stderr(),
        "\nNOT TESTED: another_users_segment takes root to become another user: instead, one that denies its owner\n"
    );
    let _leaks = Leaks::start();
    let _watchdog = watchdog(LIMIT);
    let named = Named::new();
    Queue::<u64>::options()
        .capacity(4)
        .mode(0)
        .create(&named.name)
        .unwrap();
    assert_says(
        Queue::<u64>::open(&named.name),
        &["not allowed to open", &named.name, "mode 0o0"],
    );
    assert!(named.path().exists());
}

#[test]
fn full_shared_memory() {
    let body = || {
        let _watchdog = watchdog(LIMIT);
        let names = || fs::read_dir("/dev/shm").unwrap().count();
        assert_eq!(names(), 0);

        let result = Queue::<u64>::create("big", 1 << 20);
        assert!(
            matches!(result, Err(Error::SharedMemoryFull { needed, available })
            if needed > 8 << 20 && (1..=1 << 20).contains(&available))
        );
        assert_says(result, &["/dev/shm", "are needed", "--shm-size"]);
        assert_says(
            Queue::<u64>::open_or_create("big", 1 << 20),
            &["are needed"],
        );
        assert_eq!(names(), 0);

        let mut queues = Vec::new();
        let failure = loop {
            match Queue::<u64>::create(&format!("small-{}", queues.len()), 4) {
                Ok(queue) => {
                    queue.send(queues.len() as u64).unwrap();
                    queues.push(queue);
                }
                Err(error) => break error,
            }
        };
        assert!(
            matches!(failure, Error::SharedMemoryFull { .. }),
            "{failure}"
        );
        assert!(queues.len() > 1);
        assert_eq!(names(), queues.len());
        for (n, queue) in queues.iter().enumerate() {
            let opened = Queue::<u64>::open(queue.name().unwrap()).unwrap();
            assert_eq!(opened.recv().unwrap(), n as u64);
        }

        // Anonymous memory is not in /dev/shm; and what was removed has room for another.
        drop(Queue::<u64>::new(1 << 18).unwrap());
        let last = queues.pop().unwrap();
        last.unlink().unwrap();
        drop(last);
        drop(Queue::<u64>::create("another", 4).unwrap());
    };
    in_child(
        "full_shared_memory",
        || private_mount(c"tmpfs", c"size=1m", c"/dev/shm"),
        body,
    );
}

#[test]
fn no_unnamed_files() {
    let body = || {
        let _watchdog = watchdog(LIMIT);
        let result = Queue::<u64>::create("orders", 4);
        assert!(matches!(result, Err(Error::Unsupported { .. })));
        assert_says(
            result,
            &["the file system at /dev/shm", "O_TMPFILE", "mount a tmpfs"],
        );
        assert_says(
            Queue::<u64>::open("orders"),
            &["no segment is named `orders`"],
        );
        drop(Queue::<u64>::new(4).unwrap());
    };
    in_child(
        "no_unnamed_files",
        || private_mount(c"devpts", c"newinstance", c"/dev/shm"),
        body,
    );
}

/// A header as an attacker or a bad disk might leave it: the magic, then the words of a true one with a few changed,
/// or nothing but changes.
fn header(valid: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let word = || prop_oneof![any::<u32>(), 0..9_u32, Just(4096), Just(u32::MAX)];
    let changes = proptest::collection::vec((2..64_usize, word()), 0..4);
    prop_oneof![
        proptest::collection::vec(word(), 62)
            .prop_map(|words| (8..).step_by(4).zip(words).collect()),
        changes.prop_map(|changes| changes.into_iter().map(|(n, word)| (n * 4, word)).collect()),
    ]
    .prop_map(move |changes: Vec<(usize, u32)>| {
        let mut bytes = valid.clone();
        for (offset, word) in changes {
            bytes[offset..offset + 4].copy_from_slice(&word.to_le_bytes());
        }
        bytes
    })
}

/// Opening either fails, or gives a segment that is what its file says.
fn assert_open_is_sound(named: &Named) {
    let bytes = named.bytes();
    let capacity = u64::from_le_bytes(bytes[24..32].try_into().unwrap());
    match Queue::<u64>::open(&named.name) {
        Ok(queue) => {
            assert_eq!(queue.capacity() as u64, capacity);
            queue.try_send(5).unwrap();
            assert_eq!(queue.try_recv().unwrap(), 5);
        }
        Err(error) => assert!(error.to_string().contains(&named.name), "{error}"),
    }
    match Ring::<u64>::open(&named.name) {
        Ok(_) => assert_eq!(bytes[12..16], [1, 0, 0, 0]),
        Err(error) => assert!(error.to_string().contains(&named.name), "{error}"),
    }
    assert!(message(Queue::<u32>::open(&named.name)).contains(&named.name));
}

#[test]
fn arbitrary_headers() {
    let _leaks = Leaks::start();
    let _watchdog = watchdog(LIMIT);
    let named = Named::new();
    Queue::<u64>::create(&named.name, 4).unwrap();
    let valid = named.bytes()[..256].to_vec();
    proptest!(|(bytes in header(valid.clone()))| {
        named.poke(0, &bytes);
        assert_open_is_sound(&named);
    });
    named.poke(0, &valid);
    drop(Queue::<u64>::open(&named.name).unwrap());
}

#[test]
fn one_of_many_creates() {
    let _leaks = Leaks::start();
    let _watchdog = watchdog(LIMIT);
    let named = Named::new();
    std::thread::scope(|scope| {
        for n in 0..16 {
            let name = &named.name;
            scope.spawn(move || {
                Queue::<u64>::open_or_create(name, 16)
                    .unwrap()
                    .send(n)
                    .unwrap()
            });
        }
    });
    let mut all: Vec<_> = Queue::<u64>::open(&named.name)
        .unwrap()
        .try_iter()
        .collect();
    all.sort_unstable();
    assert_eq!(all, (0..16).collect::<Vec<_>>());
}
