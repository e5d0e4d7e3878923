//! `crossproc`: looks after this crate's primitives from the shell.

mod stress;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Queues, rings, locks and their like in shared memory that survive their users.
#[derive(Parser)]
#[command(name = "crossproc", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Stress(stress::Args),
}

fn main() -> ExitCode {
    // A worker process of this program goes to its entry function here.
    crossproc::init();
    let verdict = match Cli::parse().command {
        Command::Stress(args) => stress::run(&args),
    };
    match verdict {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("crossproc: {error}");
            ExitCode::FAILURE
        }
    }
}
