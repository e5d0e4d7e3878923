//! What is measured: families of contests, each between contenders that do the same work.

use std::time::Duration;

use crate::place::Cores;

pub type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

/// What one side saw.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// Nanoseconds.
    pub figure: f64,
    /// Involuntary context switches of this side.
    pub switches: u64,
}

impl Measured {
    /// The other side got so little done that there is nothing to measure.
    pub const DISTURBED: Measured = Measured {
        figure: f64::NAN,
        switches: 1,
    };

    /// With the partner's involuntary context switches.
    pub fn plus(self, partner: u64) -> Measured {
        Measured {
            switches: self.switches + partner,
            ..self
        }
    }
}

/// Contests that are measured together, in turns.
pub struct Family {
    pub contests: Vec<Contest>,
    /// How much fits into what is compared.
    pub room: &'static str,
    /// Undisturbed samples that each contender should have.
    pub wanted: usize,
    /// Then it ends, whatever it has.
    pub limit: Duration,
}

impl Family {
    /// Only contests with this in their name.
    pub fn only(mut self, name: &str) -> Family {
        self.contests.retain(|contest| contest.name.contains(name));
        self
    }
}

/// The same work, done by several.
pub struct Contest {
    /// For programs.
    pub name: &'static str,
    /// Bytes of a message, where there are several contests of that name.
    pub size: Option<usize>,
    /// For people.
    pub title: String,
    /// What the contenders are compared with: the first of them, or a raw cache line.
    pub yardstick: Option<&'static str>,
    pub rates: Vec<Rate>,
    pub contenders: Vec<Contender>,
}

/// A figure seen as a rate: so many of a unit in a nanosecond's work.
#[derive(Clone, Copy)]
pub struct Rate {
    pub unit: &'static str,
    /// The rate if the work takes a nanosecond.
    pub per_nanosecond: f64,
}

impl Rate {
    /// Millions per second of what the figure is the time of.
    pub const fn millions(unit: &'static str) -> Rate {
        Rate {
            unit,
            per_nanosecond: 1e3,
        }
    }

    pub fn at(self, nanoseconds: f64) -> f64 {
        self.per_nanosecond / nanoseconds
    }
}

pub struct Contender {
    pub name: &'static str,
    pub between: &'static str,
    pub run: Box<dyn Fn(Cores) -> Result<Measured>>,
}

impl Contest {
    pub fn new(name: &'static str, title: impl Into<String>) -> Contest {
        Contest {
            name,
            size: None,
            title: title.into(),
            yardstick: None,
            rates: Vec::new(),
            contenders: Vec::new(),
        }
    }

    /// With messages of so many bytes.
    pub fn of_size(self, size: usize) -> Contest {
        Contest {
            size: Some(size),
            ..self
        }
    }

    /// The others are compared with the first, rather than with a raw cache line.
    pub fn compared_with(self, yardstick: &'static str) -> Contest {
        Contest {
            yardstick: Some(yardstick),
            ..self
        }
    }

    pub fn rate(mut self, rate: Rate) -> Contest {
        self.rates.push(rate);
        self
    }

    /// One more contender.
    pub fn with(
        mut self,
        name: &'static str,
        between: &'static str,
        run: impl Fn(Cores) -> Result<Measured> + 'static,
    ) -> Contest {
        self.contenders.push(Contender {
            name,
            between,
            run: Box::new(run),
        });
        self
    }
}
