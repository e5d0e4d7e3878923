//! crossproc between two processes, beside what threads have, and beside the hardware's limit: see `benches/README.md`.

mod busy;
mod channel;
mod contenders;
mod contest;
mod lock_work;
mod locks;
mod machine;
mod messages;
mod place;
mod processes;
mod python;
mod raw;
mod report;
mod rounds;
mod stats;
mod values;
mod work;

use std::env;
use std::process::ExitCode;

use contest::{Family, Result};
use place::Cores;

const USAGE: &str = "\
usage: rivals [--json] [--cores A,B]             numbers, locks and signals; less than a minute
       rivals messages [--json] [--cores A,B]    bytes and messages of any size; less than two minutes
       rivals values [--json] [--cores A,B]      values that are shared; less than a minute
       rivals processes [--json] [--cores A,B]   processes that are started and waited for; less than a minute
       rivals pools [--json] [--cores A,B]       tasks for two workers; less than two minutes
       rivals busy [--cores A,B]                 send and receive as fast as possible for a second each, blocking

--cores A,B     between these processor cores
--only NAME     only workloads with this in their name, as --json gives it";

#[derive(Clone, Copy)]
enum Command {
    Compare(fn() -> Result<Family>),
    Busy,
}

struct Arguments {
    command: Command,
    json: bool,
    cores: Option<Cores>,
    only: String,
}

fn arguments() -> Option<Arguments> {
    let mut parsed = Arguments {
        command: Command::Compare(|| Ok(contenders::family())),
        json: false,
        cores: None,
        only: String::new(),
    };
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "messages" => parsed.command = Command::Compare(|| Ok(messages::family())),
            "values" => parsed.command = Command::Compare(|| Ok(values::family())),
            "processes" => parsed.command = Command::Compare(processes::family),
            "pools" => parsed.command = Command::Compare(processes::pools),
            "busy" => parsed.command = Command::Busy,
            "--only" => parsed.only = arguments.next()?,
            "--json" => parsed.json = true,
            "--cores" => {
                let pair = arguments.next()?;
                let (first, second) = pair.split_once(',')?;
                parsed.cores = Some(Cores {
                    first: first.parse().ok()?,
                    second: second.parse().ok()?,
                });
            }
            _ => return None,
        }
    }
    Some(parsed)
}

fn main() -> ExitCode {
    crossproc::init();
    procspawn::init();
    if env::args()
        .nth(1)
        .is_some_and(|first| first == processes::NOTHING)
    {
        return ExitCode::SUCCESS;
    }
    let Some(arguments) = arguments() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let Some(cores) = arguments.cores.or_else(Cores::choose) else {
        eprintln!("it takes two processor cores that this program may use");
        return ExitCode::FAILURE;
    };
    let outcome = match arguments.command {
        Command::Busy => busy::run(cores).map_err(Into::into),
        Command::Compare(family) => {
            let samples =
                family().and_then(|family| rounds::run(cores, family.only(&arguments.only)));
            samples.map(|samples| {
                if arguments.json {
                    report::json(cores, &samples);
                } else {
                    report::table(cores, &samples);
                }
            })
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
