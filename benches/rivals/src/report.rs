//! What was measured, for people and for programs.

use std::ptr;

use serde_json::{Map, Value, json};

use crate::contest::{Contender, Contest};
use crate::machine;
use crate::place::Cores;
use crate::rounds::{Kept, Samples};
use crate::stats::{median, quantile};

/// Figures of one contender. NaN where no sample counts.
struct Line<'a> {
    contest: &'a Contest,
    contender: &'a Contender,
    kept: Kept,
    /// Nanoseconds: median and quartiles.
    median: f64,
    quartiles: [f64; 2],
    /// Of each sample to its own brackets; the median.
    ratio: f64,
}

fn lines(samples: &Samples) -> impl Iterator<Item = Line<'_>> {
    samples.entries().map(|(contest, contender, kept)| {
        let mut figures: Vec<f64> = kept.samples.iter().map(|sample| sample.figure).collect();
        let mut ratios: Vec<f64> = kept.samples.iter().map(|sample| sample.ratio()).collect();
        Line {
            contest,
            contender,
            kept,
            median: median(&mut figures),
            quartiles: [quantile(&mut figures, 0.25), quantile(&mut figures, 0.75)],
            ratio: median(&mut ratios),
        }
    })
}

pub fn table(cores: Cores, samples: &Samples) {
    for (field, value) in machine::fields(cores) {
        println!("{field:<12} {value}");
    }
    println!(
        "{:<12} {}, {:.1} ns raw one-way when undisturbed, {:.0} s in all",
        "run",
        samples.family.room,
        samples.calm,
        samples.took.as_secs_f64()
    );
    let mut contest = ptr::null();
    for line in lines(samples) {
        if !ptr::eq(contest, line.contest) {
            contest = line.contest;
            heading(line.contest);
        }
        row(&line, samples.family.wanted);
    }
}

fn heading(contest: &Contest) {
    let compared = format!("× {}", contest.yardstick.unwrap_or("raw"));
    let rates: String = contest.rates.iter().map(|rate| column(rate.unit)).collect();
    println!("\n{}", contest.title);
    println!(
        "  {:<22} {:<10} {:>11} {:>23}{rates} {compared:>11} {:>5} {:>9} {:>10}",
        "", "between", "ns", "quartiles", "kept", "switched", "disturbed"
    );
}

fn row(line: &Line<'_>, wanted: usize) {
    let quartiles = line.quartiles.map(|ns| format!("{ns:.2}")).join("-");
    let rate = |nanoseconds| move |rate: &crate::contest::Rate| figure(rate.at(nanoseconds));
    let rates = line.contest.rates.iter().map(rate(line.median));
    let rates: String = rates.map(|rate| column(&rate)).collect();
    let few = match line.kept.samples.len() < wanted {
        true => "  too few",
        false => "",
    };
    println!(
        "  {:<22} {:<10} {:>11.2} {quartiles:>23}{rates} {:>11.2} {:>5} {:>9} {:>10}{few}",
        line.contender.name,
        line.contender.between,
        line.median,
        line.ratio,
        line.kept.samples.len(),
        line.kept.switched,
        line.kept.disturbed,
    );
}

fn column(text: &str) -> String {
    format!(" {text:>10}")
}

/// With at least three digits.
fn figure(rate: f64) -> String {
    match rate {
        ..1.0 => format!("{rate:.4}"),
        ..10.0 => format!("{rate:.2}"),
        _ => format!("{rate:.1}"),
    }
}

pub fn json(cores: Cores, samples: &Samples) {
    let machine: Map<String, Value> = machine::fields(cores)
        .into_iter()
        .map(|(field, value)| (field.to_owned(), value.into()))
        .collect();
    let figures: Vec<Value> = lines(samples)
        .map(|line| {
            let rates = line.contest.rates.iter();
            let rates = rates.map(|rate| (rate.unit.to_owned(), rate.at(line.median).into()));
            json!({
                "workload": line.contest.name,
                "bytes": line.contest.size,
                "contender": line.contender.name,
                "between": line.contender.between,
                "ns": line.median,
                "ns_quartiles": line.quartiles,
                "rates": rates.collect::<Map<String, Value>>(),
                "compared_with": line.contest.yardstick.unwrap_or("raw cache line"),
                "ratio": line.ratio,
                "samples": line.kept.samples.len(),
                "discarded_switched": line.kept.switched,
                "discarded_disturbed": line.kept.disturbed,
            })
        })
        .collect();
    let report = json!({
        "machine": machine,
        "room": samples.family.room,
        "raw_one_way_ns": samples.calm,
        "seconds": samples.took.as_secs_f64(),
        "figures": figures,
    });
    println!("{report:#}");
}
