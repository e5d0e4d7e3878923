//! crossproc between two processes, beside what threads have, and beside the hardware's limit: see `benches/README.md`.

mod busy;
mod channel;
mod contenders;
mod lock_work;
mod locks;
mod machine;
mod place;
mod raw;
mod report;
mod rounds;
mod stats;
mod work;

use std::env;
use std::process::ExitCode;

use place::Cores;

const USAGE: &str = "\
usage: rivals [--json] [--cores A,B]    compare; less than a minute
       rivals busy [--cores A,B]        send and receive as fast as possible for a second each, blocking";

struct Arguments {
    busy: bool,
    json: bool,
    cores: Option<Cores>,
}

fn arguments() -> Option<Arguments> {
    let mut parsed = Arguments {
        busy: false,
        json: false,
        cores: None,
    };
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "busy" => parsed.busy = true,
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
    let Some(arguments) = arguments() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let Some(cores) = arguments.cores.or_else(Cores::choose) else {
        eprintln!("it takes two processor cores that this program may use");
        return ExitCode::FAILURE;
    };
    let outcome = if arguments.busy {
        busy::run(cores)
    } else {
        rounds::run(cores).map(|samples| {
            if arguments.json {
                report::json(cores, &samples);
            } else {
                report::table(cores, &samples);
            }
        })
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
