//! The command-line program: what it prints, what it exits with, and that its checks can fail.
#![cfg(feature = "cli")]

mod support;

use serde_json::{Map, Value};
use std::process::{Command, Output};
use std::time::Duration;

/// Far longer than any run here takes.
const LIMIT: Duration = Duration::from_secs(120);

fn crossproc(args: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_crossproc"))
        .args(args.split_whitespace())
        .output()
        .expect("the program starts")
}

fn stdout(output: &Output) -> &str {
    str::from_utf8(&output.stdout).expect("UTF-8")
}

fn stderr(output: &Output) -> &str {
    str::from_utf8(&output.stderr).expect("UTF-8")
}

/// The object on the last line, whose keys must be these and no others.
fn report(output: &Output) -> Map<String, Value> {
    let last = stdout(output).lines().last().unwrap_or_default();
    let value = serde_json::from_str(last)
        .unwrap_or_else(|error| panic!("{error}: {last:?}\n{}", stderr(output)));
    let Value::Object(report) = value else {
        panic!("not an object: {last}")
    };
    assert_eq!(keys(&report), ["passed", "results"]);
    report
}

fn keys(object: &Map<String, Value>) -> Vec<&str> {
    let mut keys: Vec<&str> = object.keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

fn results(report: &Map<String, Value>) -> Vec<&Map<String, Value>> {
    let rows = report["results"].as_array().expect("an array");
    rows.iter()
        .map(|row| row.as_object().expect("an object"))
        .collect()
}

const MESSAGES: [&str; 5] = ["spsc", "queue", "messages", "objects", "jobs"];
const EVERYONE_LISTENS: [&str; 2] = ["broadcast", "overwriting"];
const ALL: [&str; 24] = [
    "spsc",
    "queue",
    "messages",
    "objects",
    "jobs",
    "pipe",
    "bytes",
    "mutex",
    "reentrant",
    "rwlock",
    "condvar",
    "semaphore",
    "event",
    "wait_any",
    "barrier",
    "once",
    "broadcast",
    "overwriting",
    "dict",
    "list",
    "manager",
    "value",
    "array",
    "pool",
];

const VIOLATIONS: [&str; 6] = ["duplicated", "hung", "leaked", "lost", "reordered", "torn"];

#[test]
fn the_json_report_has_its_schema() {
    let _leaks = support::Leaks::start();
    let _watchdog = support::watchdog(LIMIT);
    let output = crossproc("stress --processes 2 --seconds 0.6 --json");
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
    let report = report(&output);
    assert_eq!(report["passed"], true);
    let results = results(&report);
    let names: Vec<_> = results
        .iter()
        .map(|row| row["primitive"].as_str())
        .collect();
    assert_eq!(names, ALL.map(Some));
    for row in results {
        let mut expected = vec![
            "primitive",
            "processes",
            "seconds",
            "operations",
            "kills",
            "recovered",
            "passed",
        ];
        expected.extend(VIOLATIONS);
        expected.sort_unstable();
        assert_eq!(keys(row), expected);
        assert_eq!(row["passed"], true);
        assert_eq!(row["processes"], 2);
        assert_eq!(row["kills"], 0);
        assert!(row["recovered"].is_u64());
        assert!(row["operations"].as_u64() > Some(0));
        assert!(row["seconds"].as_f64() >= Some(0.6));
        for violation in VIOLATIONS {
            assert_eq!(row[violation], 0, "{violation}");
        }
    }
}

#[test]
fn workers_can_be_killed() {
    let _leaks = support::Leaks::start();
    let _watchdog = support::watchdog(LIMIT);
    let output = crossproc("stress --processes 4 --seconds 1.5 --kill --json");
    let report = report(&output);
    assert!(output.status.success(), "{}\n{report:?}", stderr(&output));
    for row in results(&report) {
        // Some rounds end with the death of all.
        assert!(row["kills"].as_u64() >= Some(4), "{row:?}");
    }
}

#[test]
fn the_table_is_plain_where_there_is_no_terminal() {
    let _leaks = support::Leaks::start();
    let _watchdog = support::watchdog(LIMIT);
    let output = crossproc("stress --primitive queue --processes 3 --seconds 0.3");
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(stderr(&output), "", "no progress bar");
    let text = stdout(&output);
    assert!(text.starts_with("primitive"), "{text}");
    assert!(text.contains("\nqueue "), "{text}");
    assert!(!text.contains("spsc"), "{text}");
    assert!(text.ends_with("\nPASSED\n"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
}

/// Every check fails when there is reason to.
#[test]
fn every_violation_is_found() {
    let _leaks = support::Leaks::start();
    let _watchdog = support::watchdog(LIMIT);
    for primitive in MESSAGES.into_iter().chain(EVERYONE_LISTENS) {
        for (sabotage, violation) in [
            ("lose", "lost"),
            ("duplicate", "duplicated"),
            ("reorder", "reordered"),
            ("tear", "torn"),
            ("hang", "hung"),
            ("leak", "leaked"),
        ] {
            expect_violation(primitive, 0.9, sabotage, violation);
        }
    }
}

/// What pipes and each primitive of the synchronization family can do wrong.
#[test]
fn every_violation_of_pipes_and_of_the_synchronization_family_is_found() {
    let _leaks = support::Leaks::start();
    let _watchdog = support::watchdog(LIMIT);
    let (lose, duplicate) = (("lose", "lost"), ("duplicate", "duplicated"));
    let (reorder, tear) = (("reorder", "reordered"), ("tear", "torn"));
    for (primitive, faults) in [
        ("pipe", &[lose, duplicate, tear, ("hang", "hung")][..]),
        ("bytes", &[lose, duplicate, tear]),
        (
            "mutex",
            &[lose, duplicate, tear, ("hang", "hung"), ("leak", "leaked")][..],
        ),
        ("reentrant", &[lose, duplicate, tear]),
        ("rwlock", &[lose, duplicate, tear]),
        ("condvar", &[lose, duplicate, tear]),
        ("semaphore", &[lose, duplicate]),
        ("wait_any", &[lose, duplicate]),
        ("event", &[lose, duplicate, reorder]),
        ("barrier", &[lose, duplicate, reorder]),
        ("once", &[lose, duplicate, tear]),
        ("value", &[lose, duplicate, reorder, tear]),
        ("array", &[lose, duplicate, reorder, tear]),
        ("dict", &[lose, duplicate, tear]),
        ("list", &[lose, duplicate, tear]),
        ("manager", &[lose, duplicate, tear]),
        (
            "pool",
            &[
                lose,
                duplicate,
                reorder,
                tear,
                ("hang", "hung"),
                ("leak", "leaked"),
            ],
        ),
    ] {
        // A pool has to be started first, on however busy a machine.
        let seconds = if primitive == "pool" { 1.5 } else { 0.4 };
        for (sabotage, violation) in faults {
            expect_violation(primitive, seconds, sabotage, violation);
        }
    }
}

fn expect_violation(primitive: &str, seconds: f64, sabotage: &str, violation: &str) {
    // Only where a hang is sure is there no need to wait long for it.
    let patience = if sabotage == "hang" { 1 } else { 30 };
    let output = crossproc(&format!(
        "stress --primitive {primitive} --processes 2 --seconds {seconds} --json \
         --patience {patience} --sabotage {sabotage}"
    ));
    let report = report(&output);
    let what = format!("{primitive}, {sabotage}: {report:?}");
    assert_eq!(output.status.code(), Some(1), "{what}");
    assert_eq!(report["passed"], false, "{what}");
    let row = results(&report)[0];
    assert_eq!(row["passed"], false, "{what}");
    assert!(row[violation].as_u64() > Some(0), "{what}");
    for other in VIOLATIONS.iter().filter(|&&other| other != violation) {
        // A torn message is also one that never arrived.
        let implied = (sabotage, *other) == ("tear", "lost");
        assert!(implied || row[*other] == 0, "{what}");
    }
}

/// A kill excuses no loss but one of its own.
#[test]
fn losses_are_found_among_kills() {
    let _leaks = support::Leaks::start();
    let _watchdog = support::watchdog(LIMIT);
    for primitive in MESSAGES.into_iter().chain(EVERYONE_LISTENS) {
        let row = sabotaged_with_kills(primitive, "lose");
        assert!(row["lost"].as_u64() > Some(0), "{row:?}");
    }
}

/// Whoever takes a lock over from the dead must be told so, and nobody else.
#[test]
fn wrong_news_of_dead_owners_is_found() {
    let _leaks = support::Leaks::start();
    let _watchdog = support::watchdog(LIMIT);
    for primitive in ["mutex", "reentrant", "rwlock", "array"] {
        let unheard = sabotaged_with_kills(primitive, "deafen");
        let traces = unheard["duplicated"].as_u64().max(unheard["torn"].as_u64());
        assert!(traces > Some(0), "{unheard:?}");
        let invented = sabotaged_with_kills(primitive, "alarm");
        assert!(invented["duplicated"].as_u64() > Some(0), "{invented:?}");
    }
}

/// The result of a run that fails, with workers killed besides.
fn sabotaged_with_kills(primitive: &str, sabotage: &str) -> Map<String, Value> {
    let output = crossproc(&format!(
        "stress --primitive {primitive} --processes 2 --seconds 0.9 --json --kill --sabotage {sabotage}"
    ));
    assert_eq!(output.status.code(), Some(1), "{primitive}, {sabotage}");
    results(&report(&output))[0].clone()
}

#[test]
fn a_worker_that_panics_fails_the_run() {
    let _leaks = support::Leaks::start();
    let _watchdog = support::watchdog(LIMIT);
    let output = crossproc("stress --processes 2 --seconds 0.6 --sabotage panic");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stdout(&output).ends_with("\nFAILED\n"),
        "{}",
        stdout(&output)
    );
    assert!(stderr(&output).contains("sabotaged"), "{}", stderr(&output));
    assert!(stderr(&output).contains("--seed"), "{}", stderr(&output));
}

#[test]
fn bad_flags_are_refused() {
    let _leaks = support::Leaks::start();
    let _watchdog = support::watchdog(LIMIT);
    for args in [
        "",
        "strain",
        "stress --processes 1",
        "stress --processes two",
        "stress --seconds 0",
        "stress --seconds nan",
        "stress --seconds -1",
        "stress --primitive pigeon",
        "stress --pigeon",
        "stress queue",
    ] {
        let output = crossproc(args);
        assert_eq!(output.status.code(), Some(2), "{args}");
        assert_eq!(stdout(&output), "", "{args}");
        assert!(!stderr(&output).is_empty(), "{args}");
    }
}

#[test]
fn help_names_the_flags() {
    let _leaks = support::Leaks::start();
    let _watchdog = support::watchdog(LIMIT);
    let output = crossproc("stress --help");
    assert!(output.status.success());
    for flag in [
        "--primitive",
        "--processes",
        "--seconds",
        "--kill",
        "--json",
    ] {
        assert!(stdout(&output).contains(flag), "{flag}");
    }
    for hidden in ["--seed", "--patience", "--sabotage"] {
        assert!(!stdout(&output).contains(hidden), "{hidden}");
    }
}
