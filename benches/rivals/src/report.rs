//! What was measured, for people and for programs.

use serde_json::{Value, json};

use crate::contenders::{CONTENDERS, Contender, Workload};
use crate::machine;
use crate::place::Cores;
use crate::rounds::{Kept, Samples, WANTED};
use crate::stats::{median, quantile};
use crate::work::CAPACITY;

/// Figures of one contender. NaN where no sample counts.
struct Line {
    contender: &'static Contender,
    kept: Kept,
    /// Nanoseconds: median and quartiles.
    median: f64,
    quartiles: [f64; 2],
    /// Of each sample to its own brackets; the median.
    ratio: f64,
}

fn lines(samples: &Samples) -> Vec<Line> {
    let line = |(index, contender)| {
        let kept = samples.kept(index);
        let mut figures: Vec<f64> = kept.samples.iter().map(|sample| sample.figure).collect();
        let mut ratios: Vec<f64> = kept.samples.iter().map(|sample| sample.ratio()).collect();
        Line {
            contender,
            kept,
            median: median(&mut figures),
            quartiles: [quantile(&mut figures, 0.25), quantile(&mut figures, 0.75)],
            ratio: median(&mut ratios),
        }
    };
    CONTENDERS.iter().enumerate().map(line).collect()
}

fn millions_per_second(nanoseconds: f64) -> f64 {
    1e3 / nanoseconds
}

pub fn table(cores: Cores, samples: &Samples) {
    for (field, value) in machine::fields(cores) {
        println!("{field:<12} {value}");
    }
    println!(
        "{:<12} {CAPACITY} elements, {:.1} ns raw one-way when undisturbed, {:.0} s in all",
        "run",
        samples.calm,
        samples.took.as_secs_f64()
    );
    let lines = lines(samples);
    for workload in Workload::ALL {
        let rate = workload.rate().unwrap_or_default();
        let compared = format!("× {}", workload.yardstick().unwrap_or("raw"));
        println!("\n{}", workload.title());
        println!(
            "  {:<22} {:<10} {:>8} {:>15} {rate:>10} {compared:>10} {:>5} {:>9} {:>10}",
            "", "between", "ns", "quartiles", "kept", "switched", "disturbed"
        );
        for line in lines
            .iter()
            .filter(|line| line.contender.workload == workload)
        {
            let quartiles = line.quartiles.map(|ns| format!("{ns:.2}")).join("-");
            let rate = workload.rate().map_or_else(String::new, |_| {
                format!("{:.1}", millions_per_second(line.median))
            });
            println!(
                "  {:<22} {:<10} {:>8.2} {quartiles:>15} {rate:>10} {:>10.2} {:>5} {:>9} {:>10}{}",
                line.contender.name,
                line.contender.between,
                line.median,
                line.ratio,
                line.kept.samples.len(),
                line.kept.switched,
                line.kept.disturbed,
                if line.kept.samples.len() < WANTED {
                    "  too few"
                } else {
                    ""
                },
            );
        }
    }
}

pub fn json(cores: Cores, samples: &Samples) {
    let machine: serde_json::Map<String, Value> = machine::fields(cores)
        .into_iter()
        .map(|(field, value)| (field.to_owned(), value.into()))
        .collect();
    let figures: Vec<Value> = lines(samples)
        .into_iter()
        .map(|line| {
            json!({
                "workload": format!("{:?}", line.contender.workload),
                "contender": line.contender.name,
                "between": line.contender.between,
                "ns": line.median,
                "ns_quartiles": line.quartiles,
                "millions_per_second": millions_per_second(line.median),
                "compared_with": line.contender.workload.yardstick().unwrap_or("raw cache line"),
                "ratio": line.ratio,
                "samples": line.kept.samples.len(),
                "discarded_switched": line.kept.switched,
                "discarded_disturbed": line.kept.disturbed,
            })
        })
        .collect();
    let report = json!({
        "machine": machine,
        "capacity": CAPACITY,
        "raw_one_way_ns": samples.calm,
        "seconds": samples.took.as_secs_f64(),
        "figures": figures,
    });
    println!("{report:#}");
}
