//! The smaller examples do what they say.

#[path = "support/example.rs"]
mod example;
mod support;

use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crossproc::{Error, Manager, Queue};
use example::example;
use support::{Leaks, watchdog};

const LIMIT: Duration = Duration::from_secs(120);

/// What the example prints, if it succeeds.
fn run(name: &str, arguments: &[&str]) -> String {
    let output = Command::new(example(name))
        .args(arguments)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn squares() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let printed = run("squares", &[]);
    assert!(printed.contains("64, 81]"), "{printed}");
}

#[test]
fn bank() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let printed = run("bank", &[]);
    assert!(printed.contains("80000 cents are there"), "{printed}");
}

#[test]
fn counters() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let printed = run("counters", &[]);
    assert!(printed.contains("[200, 200, 200, "), "{printed}");
    assert!(printed.contains("all others counted to 200"), "{printed}");
}

/// Removes its files when the test ends, however it does.
struct Directory(PathBuf);

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Removes the cache, and the files, when the test ends, however it does.
struct Cached(PathBuf);

impl Drop for Cached {
    fn drop(&mut self) {
        let _ = crossproc::unlink("file-cache");
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn file_cache() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let missing = |error| matches!(error, Error::NotFound { .. });
    assert!(
        Manager::open("file-cache").is_err_and(missing),
        "somebody uses the example's name"
    );
    let directory = env::temp_dir().join(support::unique_name("file-cache"));
    fs::create_dir(&directory).unwrap();
    let directory = Cached(directory);
    let [first, second] = ["first", "second"].map(|name| directory.0.join(name));
    fs::write(&first, "two words\n").unwrap();
    fs::write(&second, "a rose is\na rose\n").unwrap();
    let files = [first.to_str().unwrap(), second.to_str().unwrap()];

    let printed = run("file_cache", &files);
    assert!(printed.ends_with("\n2 read, 0 known\n"), "{printed}");
    let rose = "Summary { lines: 2, words: 5, different: 3 }";
    assert!(printed.contains(rose), "{printed}");
    let printed = run("file_cache", &files);
    assert!(printed.ends_with("\n0 read, 2 known\n"), "{printed}");
    assert!(printed.contains(rose), "{printed}");

    let later = fs::metadata(&second).unwrap().modified().unwrap() + Duration::from_secs(1);
    fs::write(&second, "a rose\n").unwrap();
    let changed = File::options().write(true).open(&second).unwrap();
    changed.set_modified(later).unwrap();
    let printed = run("file_cache", &files);
    assert!(printed.ends_with("\n1 read, 1 known\n"), "{printed}");
    let shorter = "Summary { lines: 1, words: 2, different: 2 }";
    assert!(printed.contains(shorter), "{printed}");

    run("file_cache", &["--remove"]);
    assert!(
        Manager::open("file-cache").is_err_and(missing),
        "it removes the name"
    );
}

#[test]
fn hash_tree() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let directory = env::temp_dir().join(support::unique_name("hash-tree"));
    fs::create_dir_all(directory.join("deeper")).unwrap();
    let directory = Directory(directory);
    let [first, second, empty] =
        ["deeper/first", "second", "third"].map(|name| directory.0.join(name));
    fs::write(&first, "the same").unwrap();
    fs::write(&second, "the same").unwrap();
    fs::write(&empty, "").unwrap();
    let root = directory.0.to_str().unwrap();

    let printed = run("hash_tree", &[root]);
    let lines: Vec<(&str, &str)> = printed
        .lines()
        .map(|line| line.split_once("  ").unwrap())
        .collect();
    let paths: Vec<_> = lines.iter().map(|(_, path)| Path::new(path)).collect();
    assert_eq!(paths, [&first, &second, &empty]);
    assert_eq!(lines[0].0, lines[1].0);
    assert_ne!(lines[0].0, lines[2].0);

    // Nobody can read this one, not even root: its name cannot be told to a worker.
    let nameless = directory.0.join(OsStr::from_bytes(b"name\xff"));
    fs::write(nameless, "the same").unwrap();
    let output = Command::new(example("hash_tree"))
        .arg(root)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), printed);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(errors.lines().count(), 1, "{errors}");
}

#[test]
fn pi() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let printed = run("pi", &[]);
    assert!(printed.contains("64000000 throws: 3.141601"), "{printed}");
}

#[test]
fn pipeline() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let printed = run("pipeline", &[]);
    assert!(printed.starts_with("2000 of 2000 numbers"), "{printed}");
}

#[test]
fn jobs() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let printed = run("jobs", &[]);
    assert!(printed.contains("3 jobs begun twice"), "{printed}");
}

#[test]
fn orders() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let missing = |error| matches!(error, Error::NotFound { .. });
    assert!(
        Queue::<u64>::open("orders").is_err_and(missing),
        "somebody uses the example's name"
    );
    let filling = Command::new(example("orders"))
        .arg("fill")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    run("orders", &["place", "3"]);
    run("orders", &["close"]);
    let filled = filling.wait_with_output().unwrap();
    let printed = String::from_utf8_lossy(&filled.stdout);
    assert!(printed.ends_with("600 cents in all\n"), "{printed}");
    assert!(
        Queue::<u64>::open("orders").is_err_and(missing),
        "it removes the name"
    );
}
