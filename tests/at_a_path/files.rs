//! What can be at a path, and who may open it.
#![allow(unsafe_code)] // a child changes its user, another its file systems

use std::ffi::CString;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::path::Path;

use crossproc::{Error, Queue, testing};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::children::succeeds;
use super::directory::Directory;
use super::forked::fork;
use super::private_mount::{private_mount, succeeds as ok};

type Options = crossproc::Options<Queue<u64>>;

fn options() -> Options {
    Queue::options().capacity(4)
}

/// Sends 1, 2, 3 to the queue there.
fn with_123(path: &Path) -> Queue<u64> {
    let queue = options().create_at(path).unwrap();
    (1..4).for_each(|n| queue.send(n).unwrap());
    queue
}

#[track_caller]
fn assert_says<T>(result: crossproc::Result<T>, says: &[&str]) {
    let error = result.map(drop).unwrap_err().to_string();
    for part in says {
        assert!(error.contains(part), "{error:?} does not contain {part:?}");
    }
}

#[test]
fn two_programs_meet_at_a_path() {
    guarded!();
    for directory in Directory::both() {
        let path = directory.file("orders");
        let queue = with_123(&path);
        assert_eq!(queue.name(), None);
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        succeeds(&mut fork(|| {
            let opened = options().open_or_create_at(&path).unwrap();
            assert_eq!(opened.recv().unwrap(), 1);
            // From where the process is.
            std::env::set_current_dir(directory.path()).unwrap();
            let opened = options().open_at("orders").unwrap();
            assert_eq!(opened.recv().unwrap(), 2);
            std::env::set_current_dir("/").unwrap();
            assert_says(options().create_at(&path), &["exists already", "orders"]);
        }));
        assert_eq!(queue.recv().unwrap(), 3);
        assert_eq!(directory.names(), ["orders"]);

        // Everybody goes, and it is still there.
        queue.send(4).unwrap();
        drop(queue);
        succeeds(&mut fork(|| {
            let opened = options().open_at(&path).unwrap();
            assert_eq!(opened.recv().unwrap(), 4);
            std::env::set_current_dir("/").unwrap();
            opened.unlink().unwrap();
        }));
        assert_says(options().open_at(&path), &["no segment is named", "orders"]);
        options()
            .open_or_create_at(&path)
            .unwrap()
            .unlink()
            .unwrap();
        assert!(directory.names().is_empty());
    }
}

#[test]
fn it_travels() {
    guarded!();
    let directory = Directory::new();
    // Paths are bytes.
    let path = directory
        .path()
        .join(std::ffi::OsStr::from_bytes(b"or\xffders"));
    let queue = with_123(&path);
    let package = testing::pack(queue.clone());
    succeeds(&mut fork(|| {
        let arrived: Queue<u64> = package.unpack();
        assert_eq!(arrived.recv().unwrap(), 1);
        arrived.unlink().unwrap();
        assert!(!path.exists());
    }));
    assert_eq!(queue.recv().unwrap(), 2);
}

#[test]
fn unlink_spares_the_successor() {
    guarded!();
    let directory = Directory::new();
    let path = directory.file("orders");
    let queue = with_123(&path);
    fs::rename(&path, directory.file("elsewhere")).unwrap();
    assert_says(queue.unlink(), &["no longer names this segment", "orders"]);
    let other = with_123(&path);
    assert_says(queue.unlink(), &["no longer names this segment"]);
    other.unlink().unwrap();
    let moved = options().open_at(directory.file("elsewhere")).unwrap();
    assert_eq!(moved.recv().unwrap(), 1);
}

#[test]
fn other_things() {
    guarded!();
    let directory = Directory::new();
    let path = directory.file("orders");
    let label = path.to_str().unwrap();
    let both = |says: &[&str]| {
        assert_says(options().open_at(&path), says);
        assert_says(options().open_or_create_at(&path), says);
        let refused = options().create_at(&path);
        assert!(matches!(refused, Err(Error::AlreadyExists { name }) if name == label));
    };

    fs::create_dir(&path).unwrap();
    both(&[label, "is not a segment", "not a regular file"]);
    fs::remove_dir(&path).unwrap();

    symlink(directory.file("target"), &path).unwrap();
    both(&[label, "is not a segment", "symbolic link"]);
    fs::remove_file(&path).unwrap();

    mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    both(&[label, "is not a segment", "not a regular file"]);
    fs::remove_file(&path).unwrap();

    fs::write(&path, "").unwrap();
    both(&[label, "is not a segment", "does not begin like one"]);
    fs::write(&path, [b'#'; 8192]).unwrap();
    both(&[label, "is not a segment", "does not begin like one"]);
    fs::remove_file(&path).unwrap();

    with_123(&path);
    let file = File::options().write(true).open(&path).unwrap();
    let len = file.metadata().unwrap().len();
    file.set_len(len - 1).unwrap();
    both(&[label, "is damaged"]);
    file.set_len(100).unwrap();
    both(&[label, "is damaged"]);
    fs::remove_file(&path).unwrap();

    with_123(&path);
    let file = File::options().write(true).open(&path).unwrap();
    for (flags, says) in [
        (0, "place is memory, expected a path"),
        (3, "place is unknown (0x3)"),
    ] {
        file.write_all_at(&u32::to_le_bytes(flags), 84).unwrap();
        both(&[label, says]);
    }
}

#[test]
fn what_is_in_memory_is_not_at_a_path() {
    guarded!();
    let name = super::support::unique_name("place");
    let queue = Queue::<u64>::create(&name, 4).unwrap();
    let file = format!("/dev/shm/crossproc.{name}");
    assert_says(
        options().open_at(&file),
        &[&file, "place is memory, expected a path"],
    );
    queue.unlink().unwrap();
    with_123(file.as_ref());
    assert_says(
        Queue::<u64>::open(&name),
        &["place is a path, expected memory"],
    );
    fs::remove_file(&file).unwrap();
}

#[test]
fn paths_that_name_nothing() {
    guarded!();
    let directory = Directory::new();
    for path in ["", "/", "..", "a/..", "orders/"] {
        assert_says(options().create_at(path), &["cannot name a segment"]);
        assert_says(options().open_at(path), &["cannot name a segment"]);
    }
    assert_says(options().create_at("a\0b"), &["NUL"]);
    let nowhere = directory.file("missing/orders");
    let label = nowhere.to_str().unwrap();
    assert_says(options().open_at(&nowhere), &["no segment is named", label]);
    assert_says(
        options().create_at(&nowhere),
        &["cannot create a file", label, "os error 2"],
    );
    assert_says(
        options().open_or_create_at(&nowhere),
        &["cannot create a file", label],
    );
    fs::write(directory.file("missing"), "a file").unwrap();
    assert_says(
        options().open_at(&nowhere),
        &["cannot open the segment", label],
    );
    assert!(directory.names() == ["missing"]);
    let long = directory.file(&"n".repeat(300));
    assert_says(
        options().create_at(&long),
        &["cannot give the segment its name", "nnn"],
    );
    assert!(matches!(
        options().mode(0o777).create_at(directory.file("orders")),
        Err(Error::InvalidMode { .. })
    ));
}

#[test]
fn another_users_segment() {
    guarded!();
    // SAFETY: takes no arguments.
    if unsafe { libc::geteuid() } != 0 {
        eprintln!("NOT TESTED: another_users_segment takes root to become another user");
        return;
    }
    let directory = Directory::within("/dev/shm");
    let path = directory.file("orders");
    let label = path.to_str().unwrap();
    let queue = with_123(&path);
    let open = directory.file("open");
    options().mode(0o666).create_at(&open).unwrap();
    succeeds(&mut fork(|| {
        // SAFETY: takes plain numbers.
        ok(unsafe { libc::setresuid(65_534, 65_534, 65_534) }).unwrap();
        assert_says(
            options().open_at(&path),
            &["not allowed to open", label, "mode 0o600"],
        );
        assert_says(
            options().create_at(directory.file("mine")),
            &["cannot create a file", "mine"],
        );
        options().open_at(&open).unwrap().send(1).unwrap();
    }));
    assert_eq!(queue.recv().unwrap(), 1);
}

#[test]
fn a_full_or_read_only_file_system() {
    guarded!();
    let directory = Directory::new();
    let place = CString::new(directory.path().as_os_str().as_bytes()).unwrap();
    succeeds(&mut fork(|| {
        if let Err(error) = private_mount(c"tmpfs", c"size=1m", &place) {
            eprintln!("NOT TESTED: a_full_or_read_only_file_system: {error}");
            return;
        }
        let path = directory.file("orders");
        let large = Queue::<u64>::options().capacity(1 << 20).create_at(&path);
        assert!(
            matches!(&large, Err(Error::DiskFull { path: at, needed, available })
                if *at == path && *needed > 8 << 20 && *available <= 1 << 20),
        );
        assert_says(large, &["bytes free", "are needed", "orders"]);
        assert!(directory.names().is_empty());
        with_123(&path);

        let remount = libc::MS_REMOUNT | libc::MS_RDONLY;
        let nothing = std::ptr::null();
        // SAFETY: the path ends with NUL; a null pointer is allowed where nothing is said.
        ok(unsafe { libc::mount(nothing, place.as_ptr(), nothing, remount, nothing.cast()) })
            .unwrap();
        let says = ["cannot open the segment", "orders", "os error 30"];
        assert_says(options().open_at(&path), &says);
        assert_says(options().open_or_create_at(&path), &says);
        let says = ["cannot create a file", "other", "os error 30"];
        assert_says(options().create_at(directory.file("other")), &says);
    }));
}
