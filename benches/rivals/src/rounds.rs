//! Round after round, each contender in turn, each sample between two looks at how fast the machine is just now.

use std::time::{Duration, Instant};

use crossproc::Result;

use crate::contenders::CONTENDERS;
use crate::place::Cores;
use crate::raw;
use crate::stats::quantile;

/// Undisturbed samples that each contender should have.
pub const WANTED: usize = 31;
/// Then it ends, whatever it has.
const LIMIT: Duration = Duration::from_secs(50);
/// A bracket this many times as slow as the machine can be is disturbed.
const TOLERANCE: f64 = 1.5;

/// One contender, measured once.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Index among the contenders.
    contender: usize,
    /// Nanoseconds.
    pub figure: f64,
    switches: u64,
    /// One way of a raw cache line just before and just after, ns.
    brackets: [f64; 2],
    /// What it is compared with, ns: its workload's yardstick in the same round, or a raw cache line at that moment.
    yardstick: f64,
}

impl Sample {
    /// How many times as long as what it is compared with.
    pub fn ratio(&self) -> f64 {
        self.figure / self.yardstick
    }
}

/// Everything measured.
#[derive(Debug)]
pub struct Samples {
    all: Vec<Sample>,
    /// A bracket when nothing disturbs, ns.
    pub calm: f64,
    pub took: Duration,
}

/// One contender's samples: those that count, and how many do not.
#[derive(Debug)]
pub struct Kept {
    pub samples: Vec<Sample>,
    pub switched: usize,
    pub disturbed: usize,
}

pub fn run(cores: Cores) -> Result<Samples> {
    // Child processes are born where crossproc's background thread may run, so it has to start before this one is pinned.
    drop(crossproc::Queue::<u64>::new(1)?);
    let start = Instant::now();
    let mut samples = Samples {
        all: Vec::new(),
        calm: f64::NAN,
        took: Duration::ZERO,
    };
    let mut before = raw::one_way(cores);
    let mut first = f64::NAN;
    while start.elapsed() < LIMIT && !samples.suffice() {
        for (contender, entry) in CONTENDERS.iter().enumerate() {
            let measured = (entry.run)(cores)?;
            let after = raw::one_way(cores);
            let yardstick = match entry.workload.yardstick() {
                None => (before + after) / 2.0,
                Some(_) => {
                    if CONTENDERS[contender - 1].workload != entry.workload {
                        first = measured.figure;
                    }
                    first
                }
            };
            samples.all.push(Sample {
                yardstick,
                contender,
                figure: measured.figure,
                switches: measured.switches,
                brackets: [before, after],
            });
            before = after;
        }
        let mut brackets: Vec<f64> = samples
            .all
            .iter()
            .map(|sample| sample.brackets[1])
            .collect();
        samples.calm = quantile(&mut brackets, 0.1);
    }
    samples.took = start.elapsed();
    Ok(samples)
}

impl Samples {
    fn suffice(&self) -> bool {
        (0..CONTENDERS.len()).all(|contender| self.kept(contender).samples.len() >= WANTED)
    }

    pub fn kept(&self, contender: usize) -> Kept {
        let mut kept = Kept {
            samples: Vec::new(),
            switched: 0,
            disturbed: 0,
        };
        for sample in self.all.iter().filter(|one| one.contender == contender) {
            let limit = self.calm * TOLERANCE;
            if sample.switches > 0 {
                kept.switched += 1;
            } else if sample.brackets.iter().any(|bracket| *bracket > limit) {
                kept.disturbed += 1;
            } else {
                kept.samples.push(*sample);
            }
        }
        kept
    }
}
