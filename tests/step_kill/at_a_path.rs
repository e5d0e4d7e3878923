//! Segments at a path: making them, in every file system, and opening them after a restart of the machine.

use std::path::{Path, PathBuf};
use std::{env, fs, mem, process, thread};

use crossproc::{Error, LockError, Mutex, testing};

use crate::channel::{Answer, SENT};
use crate::image::Image;
use crate::message::{message, number};
use crate::scenario::{Density, Row, Scenario, Verdict};

type Lock = Mutex<[u64; 2]>;

#[rustfmt::skip] // one row, one line
pub(crate) fn rows() -> Vec<Row> {
    vec![
        Row::new("create_at", "new path", || Create::new(false)).density(Density::SYSTEM_CALLS),
        Row::new("create_at", "new path, no unnamed files", || Create::new(true)).density(Density::SYSTEM_CALLS),
        Row::new("open_at", "after a restart", Restart::new).density(Density::SPINNING_SAMPLED),
    ]
}

/// A directory of this process's own; removed when dropped, with what is in it.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Directory {
        let path = env::temp_dir().join(format!("step-kill-{}", process::id()));
        fs::create_dir(&path).expect("nobody else has this name");
        Directory(path)
    }

    fn path(&self) -> PathBuf {
        self.0.join("lock")
    }

    fn names(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.0).expect("it is there");
        entries
            .map(|entry| entry.expect("its names").path())
            .collect()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Places for the survivor, the victim, and the background thread of each; two are left over.
fn options() -> crossproc::Options<Lock> {
    Mutex::options().value(message(1)).participants(6)
}

/// The lock has this value, and there is room for all who may use it.
fn assert_holds(lock: &Lock, value: u64) {
    let reads = || number(*lock.lock().expect("nobody died with it")) == value;
    // The background thread has a place too: four are taken in the end.
    thread::scope(|scope| {
        assert!(reads());
        assert!(
            scope
                .spawn(|| reads() && scope.spawn(reads).join().is_ok())
                .join()
                .is_ok()
        );
    });
}

fn remove(lock: Lock, path: &Path) {
    lock.unlink().expect("its name is there");
    assert!(!path.exists());
}

/// Afterwards it is there and complete, or not there, and in nobody's way.
struct Create {
    directory: Directory,
    /// As in a file system without unnamed files.
    provisionally: bool,
}

impl Create {
    fn new(provisionally: bool) -> Create {
        let directory = Directory::new();
        Create {
            directory,
            provisionally,
        }
    }
}

impl Scenario for Create {
    fn renew(&mut self) {
        testing::refuse_unnamed_files(self.provisionally);
        assert!(self.directory.names().is_empty());
    }

    fn act(&mut self) -> Answer {
        mem::forget(options().create_at(self.directory.path()).expect("created"));
        SENT
    }

    fn verdict(&mut self, returned: Option<Answer>) -> Verdict {
        let path = self.directory.path();
        let committed = match options().open_at(&path) {
            Ok(lock) => {
                assert_holds(&lock, 1);
                remove(lock, &path);
                1
            }
            Err(Error::NotFound { .. }) => 0,
            Err(error) => panic!("{error}"),
        };
        assert!(committed == 1 || returned.is_none());
        // Whoever comes next finds the path free, and removes what was left beside it.
        let lock = options().create_at(&path).expect("the path is free");
        assert_eq!(self.directory.names(), [&*path]);
        assert_holds(&lock, 1);
        remove(lock, &path);
        Verdict {
            committed,
            ..Verdict::default()
        }
    }
}

/// The lock was somebody's when the power was cut: whoever comes next inherits it.
struct Restart {
    directory: Directory,
    image: Image,
}

impl Restart {
    fn new() -> Restart {
        let directory = Directory::new();
        let path = directory.path();
        let lock = options().create_at(&path).expect("created");
        *lock.lock().expect("nobody has it") = message(7);
        let mut guard = lock.lock().expect("nobody has it");
        *guard = message(8);
        let image = Image::of(&path).of_another_run();
        *guard = message(7);
        drop(guard);
        Restart { directory, image }
    }
}

impl Scenario for Restart {
    fn renew(&mut self) {
        self.image.put(&self.directory.path());
    }

    fn act(&mut self) -> Answer {
        mem::forget(options().open_at(self.directory.path()).expect("opened"));
        SENT
    }

    fn verdict(&mut self, returned: Option<Answer>) -> Verdict {
        let path = self.directory.path();
        let entered = Image::of(&path).boot_id() != self.image.boot_id();
        assert!(entered || returned.is_none());
        let lock = options().open_at(&path).expect("opened");
        match lock.lock() {
            Err(LockError::OwnerDied(mut guard)) => {
                assert_eq!(number(*guard), 7, "the last committed value");
                guard.mark_consistent();
            }
            Err(error) => panic!("{error}"),
            Ok(_) => panic!("not told that its owner is gone"),
        }
        assert_holds(&lock, 7);
        drop(lock);
        assert_holds(&options().open_at(&path).expect("opened"), 7);
        Verdict {
            committed: entered.into(),
            ..Verdict::default()
        }
    }
}
