//! Round after round, each contender in turn, each sample between two looks at how fast the machine is just now.

use std::time::{Duration, Instant};

use crate::contest::{Contender, Contest, Family, Result};
use crate::place::Cores;
use crate::raw;
use crate::stats::quantile;

/// A bracket this many times as slow as the machine can be is disturbed.
const TOLERANCE: f64 = 1.5;

/// One contender, measured once.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Number of the contest, and of the contender in it.
    entry: (usize, usize),
    /// Nanoseconds.
    pub figure: f64,
    switches: u64,
    /// One way of a raw cache line just before and just after, ns.
    brackets: [f64; 2],
    /// What it is compared with, ns: its contest's yardstick in the same round, or a raw cache line at that moment.
    yardstick: f64,
}

impl Sample {
    /// How many times as long as what it is compared with.
    pub fn ratio(&self) -> f64 {
        self.figure / self.yardstick
    }
}

/// Everything measured.
pub struct Samples {
    pub family: Family,
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

pub fn run(cores: Cores, family: Family) -> Result<Samples> {
    // Child processes are born where crossproc's background thread may run, so it has to start before this one is pinned.
    drop(crossproc::Queue::<u64>::new(1)?);
    let start = Instant::now();
    let mut samples = Samples {
        family,
        all: Vec::new(),
        calm: f64::NAN,
        took: Duration::ZERO,
    };
    let mut before = raw::one_way(cores);
    while start.elapsed() < samples.family.limit && !samples.suffice() {
        let mut round = Vec::new();
        for (number, contest) in samples.family.contests.iter().enumerate() {
            if start.elapsed() > samples.family.limit {
                break;
            }
            let mut first = None;
            for (index, contender) in contest.contenders.iter().enumerate() {
                let measured = (contender.run)(cores)?;
                let after = raw::one_way(cores);
                let yardstick = match contest.yardstick {
                    None => (before + after) / 2.0,
                    Some(_) => *first.get_or_insert(measured.figure),
                };
                round.push(Sample {
                    entry: (number, index),
                    yardstick,
                    figure: measured.figure,
                    switches: measured.switches,
                    brackets: [before, after],
                });
                before = after;
            }
        }
        samples.all.append(&mut round);
        let brackets = samples.all.iter().map(|sample| sample.brackets[1]);
        samples.calm = quantile(&mut brackets.collect::<Vec<_>>(), 0.1);
    }
    samples.took = start.elapsed();
    Ok(samples)
}

impl Samples {
    fn suffice(&self) -> bool {
        self.entries()
            .all(|(_, _, kept)| kept.samples.len() >= self.family.wanted)
    }

    /// All contenders, with what is known of them.
    pub fn entries(&self) -> impl Iterator<Item = (&Contest, &Contender, Kept)> {
        let contests = self.family.contests.iter().enumerate();
        contests.flat_map(move |(number, contest)| {
            let contenders = contest.contenders.iter().enumerate();
            contenders
                .map(move |(index, contender)| (contest, contender, self.kept((number, index))))
        })
    }

    fn kept(&self, entry: (usize, usize)) -> Kept {
        let mut kept = Kept {
            samples: Vec::new(),
            switched: 0,
            disturbed: 0,
        };
        for sample in self.all.iter().filter(|one| one.entry == entry) {
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
