//! `crossproc stress`: every primitive under load from many processes, each step of which is checked.

mod broadcast;
mod burst;
mod crew;
mod desk;
mod leaks;
mod manager;
mod messages;
mod outcome;
mod pipes;
mod pool;
mod primitives;
mod random;
mod report;
mod round;
mod sabotage;
mod screen;
mod sheet;
mod sync;
mod values;
mod work;

use clap::builder::PossibleValuesParser;
use crossproc::process;
use leaks::Holdings;
use outcome::Outcome;
use primitives::Primitive;
use random::Random;
use round::Conditions;
use sabotage::Sabotage;
use screen::Screen;
use std::num::NonZero;
use std::thread;
use std::time::Duration;

/// Why a run could not be carried out.
pub(crate) type Failure = Box<dyn std::error::Error>;

/// A ledger has room for the messages of a few seconds.
const LONGEST_ROUND: Duration = Duration::from_secs(3);

/// Loads every primitive from many processes and checks all they do.
///
/// Worker processes call in all the ways there are, and keep accounts in memory that the primitives
/// know nothing of, so loss, duplication, reordering, tearing, hangs and leaks are all found. Exits
/// with 1 if there is any.
///
/// Through queues and rings every message arrives once, undamaged and in order; where all listen, it arrives at each, or is
/// counted as missed. For the others,
///
/// lost: work done under a lock and not there, permits and tokens that do not come back, an event
/// that does not say it is set, a barrier without a leader, a value or a count that is gone;
///
/// duplicated: two owners of one lock, one permit or token too many, work nobody did, more owners
/// said to be dead than are, a second leader or value;
///
/// reordered: released from a barrier before all had arrived, from an event before it was set; a value older than one seen before;
///
/// torn: what a lock guards half changed, or its owner not told of the death that left it so.
///
/// What a worker was in the middle of when it was killed may have happened or not, and nothing else.
/// Consumers receive into memory that survives them. A message that is recorded nowhere, but lies in
/// the hands of a consumer killed in a receive, was received. One that such a consumer may have been
/// given in the moment before it lay there is excused from being lost: at most as many as that call
/// asked for, and only messages that were under way then. The table shows how many.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The primitive to load.
    #[arg(long, value_name = "NAME", default_value = "all", value_parser = primitive_names())]
    primitive: String,

    /// Worker processes for each primitive; `spsc` uses them in pairs, and `pool` gives each a pool of its own [default: one per core, at least 2].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=1024))]
    processes: Option<u32>,

    /// Seconds for each primitive.
    #[arg(long, value_name = "S", default_value = "5", value_parser = seconds)]
    seconds: Duration,

    /// Kill workers at random times, dozens a second, and replace them.
    #[arg(long)]
    kill: bool,

    /// Print the result as one JSON object, on the last line.
    #[arg(long)]
    json: bool,

    /// Repeats the random choices of a run.
    #[arg(long, hide = true)]
    seed: Option<u64>,

    /// Seconds without any movement that are a hang.
    #[arg(long, hide = true, value_name = "S", default_value = "10", value_parser = seconds)]
    patience: Duration,

    /// Makes a fault on purpose.
    #[arg(long, hide = true)]
    sabotage: Option<Sabotage>,
}

fn primitive_names() -> PossibleValuesParser {
    let names = primitives::ALL.iter().map(|primitive| primitive.name);
    PossibleValuesParser::new(names.chain(["all"]))
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds @ 0.001..=86400.0) => Ok(Duration::from_secs_f64(seconds)),
        Ok(_) => Err("not between 0.001 and 86400".into()),
        Err(_) => Err("not a number".into()),
    }
}

impl Args {
    fn processes(&self) -> usize {
        let cores = || thread::available_parallelism().map_or(1, NonZero::get);
        self.processes
            .map_or_else(|| cores().max(2), |n| n as usize)
    }
}

/// Runs the subcommand. True if everything is as it must be.
pub(crate) fn run(args: &Args) -> Result<bool, Failure> {
    let seed = args.seed.unwrap_or_else(random::any_seed);
    warm_up()?;
    let mut results = Vec::new();
    for primitive in primitives::ALL {
        if args.primitive == "all" || args.primitive == primitive.name {
            results.push((primitive.name, load(primitive, args, seed)?));
        }
    }
    let passed = results.iter().all(|(_, outcome)| outcome.passed());
    if args.json {
        report::json(passed, &results)?;
    } else {
        report::table(passed, &results)?;
    }
    if !passed {
        eprintln!("The random choices are those of --seed {seed}.");
    }
    Ok(passed)
}

/// Starts what the library starts once and keeps, so that it is not taken for a leak.
fn warm_up() -> Result<(), Failure> {
    let queue = crossproc::Queue::<u64>::new(1)?;
    process::spawn(|queue: crossproc::Queue<u64>| queue.capacity(), queue)?.join()?;
    Ok(())
}

/// Loads one primitive, in rounds: each starts afresh and differs from the one before.
fn load(primitive: &Primitive, args: &Args, seed: u64) -> Result<Outcome, Failure> {
    let rounds = args.seconds.div_duration_f64(LONGEST_ROUND).ceil() as u32;
    let rounds = rounds.max(primitive.fewest_rounds);
    let duration = args.seconds / rounds;
    let screen = Screen::new(primitive.name, args.seconds, args.json);
    let mut random = Random::new(seed);
    let mut total = Outcome::default();
    for number in 0..rounds as usize {
        let watch = |elapsed, moved, kills| {
            screen.show(
                total.elapsed + elapsed,
                total.operations + moved,
                total.kills + kills,
            );
        };
        let conditions = Conditions {
            number,
            processes: args.processes(),
            duration,
            kill: args.kill,
            seed: random.next(),
            patience: args.patience,
            sabotage: args.sabotage,
            watch: &watch,
        };
        let before = Holdings::now()?;
        let mut outcome = (primitive.round)(&conditions)?;
        outcome.leaked += before.leaked_since()?;
        total += outcome;
        if !total.passed() {
            break;
        }
    }
    Ok(total)
}
