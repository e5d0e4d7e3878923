//! The result, for people and for programs.

use super::outcome::Outcome;
use serde::Serialize;
use std::io::{self, Write};

type Results = [(&'static str, Outcome)];

/// Prints a table and the verdict.
pub(crate) fn table(passed: bool, results: &Results) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{:<10} {:>9} {:>8} {:>13} {:>9} {:>7} {:>9} {:>5} {:>8} {:>10} {:>9} {:>5} {:>5} {:>6}",
        "primitive",
        "processes",
        "seconds",
        "operations",
        "M ops/s",
        "kills",
        "recovered",
        "lost",
        "excused",
        "duplicated",
        "reordered",
        "torn",
        "hung",
        "leaked",
    )?;
    for (name, o) in results {
        writeln!(
            out,
            "{name:<10} {:>9} {:>8.2} {:>13} {:>9.2} {:>7} {:>9} {:>5} {:>8} {:>10} {:>9} {:>5} {:>5} {:>6}",
            o.processes,
            o.elapsed.as_secs_f64(),
            o.operations,
            o.per_second() / 1e6,
            o.kills,
            o.recovered,
            o.lost,
            o.excused,
            o.duplicated,
            o.reordered,
            o.torn,
            o.hung,
            o.leaked,
        )?;
    }
    for (name, o) in results {
        if o.kills > 0 {
            writeln!(
                out,
                "{name}: {} of {} kills met a sleeper, {} a worker in the middle of something",
                o.kills_asleep, o.kills, o.kills_inside,
            )?;
        }
        if o.in_hand + o.excused > 0 {
            writeln!(
                out,
                "{name}: {} messages were found with consumers killed before they could mark them, {} more may have been with such",
                o.in_hand, o.excused,
            )?;
        }
        tell_failures(name, o);
    }
    writeln!(out, "{}", if passed { "PASSED" } else { "FAILED" })
}

#[derive(Serialize)]
struct Report<'a> {
    passed: bool,
    results: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    primitive: &'a str,
    processes: usize,
    seconds: f64,
    operations: u64,
    kills: u64,
    recovered: u64,
    lost: u64,
    duplicated: u64,
    reordered: u64,
    torn: u64,
    hung: u64,
    leaked: u64,
    passed: bool,
}

/// Prints one line with one object.
pub(crate) fn json(passed: bool, results: &Results) -> io::Result<()> {
    let row = |(name, o): &(&'static str, Outcome)| Row {
        primitive: name,
        processes: o.processes,
        seconds: o.elapsed.as_secs_f64(),
        operations: o.operations,
        kills: o.kills,
        recovered: o.recovered,
        lost: o.lost,
        duplicated: o.duplicated,
        reordered: o.reordered,
        torn: o.torn,
        hung: o.hung,
        leaked: o.leaked,
        passed: o.passed(),
    };
    let report = Report {
        passed,
        results: results.iter().map(row).collect(),
    };
    results.iter().for_each(|(name, o)| tell_failures(name, o));
    writeln!(io::stdout(), "{}", serde_json::to_string(&report)?)
}

fn tell_failures(name: &str, outcome: &Outcome) {
    for failure in &outcome.failures {
        eprintln!("{name}: {failure}");
    }
}
