//! Programs with a `main` of their own: with `init`, without it, with it in the wrong place.
//!
//! This test is such a program itself. Run as a test it starts itself once for each of [`PROGRAMS`],
//! which an environment variable tells it to be; children inherit that. Some of them start others, of which
//! [`STARTED`] are of this crate.

#[path = "../support/mod.rs"]
mod support;

mod commands;
mod handles;

use std::env;
use std::fs;
use std::process::{Command, ExitStatus, Stdio, exit};
use std::time::Duration;

use crossproc::Error;
use crossproc::process::{JoinError, spawn};

const PROGRAM: &str = "CROSSPROC_TEST_PROGRAM";

const PROGRAMS: &[(&str, fn())] = &[
    ("init_first", init_first),
    ("no_init", no_init),
    ("exit_before_init", exit_before_init),
    ("return_before_init", return_before_init),
    ("no_longer_there", no_longer_there),
    ("init_again", init_again),
    ("stray_marker", stray_marker),
    ("other_programs", commands::other_programs),
    ("refused_programs", commands::refused_programs),
    ("settings_of_programs", commands::settings_of_programs),
    ("signals_of_programs", commands::signals_of_programs),
    ("ends_of_programs", commands::ends_of_programs),
    (
        "programs_from_many_threads",
        commands::programs_from_many_threads,
    ),
    ("killed_programs", commands::killed_programs),
    ("lives_of_programs", commands::lives_of_programs),
    ("handles_by_name", handles::by_name),
    ("handles_that_move", handles::that_move),
    ("handles_of_nobody", handles::of_nobody),
    ("handles_of_descendants", handles::of_descendants),
];

/// What those start.
const STARTED: &[(&str, fn())] = &[
    ("leaves", commands::leaves),
    ("kitchen", handles::kitchen),
    ("producer", handles::producer),
    ("ancestor", handles::ancestor),
    ("without", handles::without),
    ("without_name", handles::without_name),
    ("has_null_at_three", handles::has_null_at_three),
];

fn main() {
    if let Ok(name) = env::var(PROGRAM) {
        let mut programs = PROGRAMS.iter().chain(STARTED);
        let program = programs.find(|(known, _)| *known == name);
        return program.expect("a known program").1();
    }
    // The protocol by which test runners ask for a list of tests.
    if env::args().any(|argument| argument == "--list") {
        if !env::args().any(|argument| argument == "--ignored") {
            println!("programs: test");
        }
        return;
    }
    let _leaks = support::Leaks::start();
    let _watchdog = support::watchdog(Duration::from_secs(60));
    for (name, _) in PROGRAMS {
        // A copy, which its program may remove.
        let copy = env::temp_dir().join(support::unique_name(&format!("crossproc-{name}")));
        fs::copy(env::current_exe().unwrap(), &copy).unwrap();
        let status = Command::new(&copy).env(PROGRAM, name).status();
        let _ = fs::remove_file(&copy);
        let status = status.unwrap();
        assert!(status.success(), "{name}: {status}");
        println!("program {name} ... ok");
    }
}

fn is_child() -> bool {
    env::args()
        .nth(1)
        .is_some_and(|argument| argument.starts_with("--crossproc-child="))
}

fn init_first() {
    crossproc::init();
    assert_eq!(spawn(|n: u32| n * 2, 21).unwrap().join(), Ok(42));
    fn nested((): ()) -> u32 {
        spawn(|n: u32| n * 2, 21).unwrap().join().unwrap()
    }
    assert_eq!(spawn(nested, ()).unwrap().join(), Ok(42));
}

fn no_init() {
    let refused = spawn(|()| (), ()).unwrap_err();
    assert!(matches!(refused, Error::NotInitialised), "{refused}");
    assert!(
        refused.to_string().contains("crossproc::init()"),
        "{refused}"
    );
}

fn exit_before_init() {
    if is_child() {
        exit(3);
    }
    crossproc::init();
    never_starts(3);
}

fn return_before_init() {
    if is_child() {
        return;
    }
    crossproc::init();
    never_starts(0);
}

fn never_starts(expected: i32) {
    let error = spawn(|()| (), ()).unwrap().join().unwrap_err();
    let JoinError::NeverStarted { status } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(status.and_then(|status| status.code()), Some(expected));
    assert!(error.to_string().contains("crossproc::init()"), "{error}");
}

/// A new version may be installed while the old one runs: children are the old one's.
fn no_longer_there() {
    crossproc::init();
    let path = env::current_exe().unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(&path, "#!/bin/false\n").unwrap();
    assert_eq!(spawn(|n: u32| n * 2, 21).unwrap().join(), Ok(42));
}

fn init_again() {
    crossproc::init();
    crossproc::init();
    fn entry((): ()) -> u32 {
        crossproc::init();
        42
    }
    assert_eq!(spawn(entry, ()).unwrap().join(), Ok(42));
}

/// Somebody else's command line is not obeyed.
fn stray_marker() {
    crossproc::init();
    let run = |descriptor: &str| -> ExitStatus {
        Command::new(env::current_exe().unwrap())
            .arg(format!("--crossproc-child={descriptor},0,init"))
            .stdin(fs::File::open(env::current_exe().unwrap()).unwrap())
            .stderr(Stdio::null())
            .status()
            .unwrap()
    };
    for descriptor in ["0", "999", "-1"] {
        assert_eq!(run(descriptor).code(), Some(2));
    }
}
