//! The smaller examples do what they say.

#[path = "support/example.rs"]
mod example;
mod support;

use std::process::{Command, Stdio};
use std::time::Duration;

use crossproc::{Error, Queue};
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
