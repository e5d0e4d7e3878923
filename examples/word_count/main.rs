//! Counts the words of real files in several processes, exactly, even if one of them is killed.
//!
//! ```console
//! $ cargo run --release --example word_count -- --processes 4 --kill-one src docs
//! ```
//!
//! The parent cuts the files into blocks and sends them through one queue; workers answer each
//! block with its counts through another. A block counts once the parent has *all* of one
//! worker's answer, and until then the parent keeps it. When a worker has died, every block still
//! unanswered is sent again, and of two answers to one block the second is dropped. So no line is
//! lost, and none is counted twice.
//!
//! Words are maximal runs of bytes that are not ASCII white space. At the end the program counts
//! again in this process alone and fails if the answers differ; `--no-verify` leaves that out.

mod blocks;
mod pool;
mod tally;
mod wire;
mod worker;

use pool::Pool;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::Instant;
use tally::Tally;

const USAGE: &str =
    "usage: word_count [--processes N] [--kill-one] [--verify | --no-verify] PATH...";

struct Args {
    paths: Vec<PathBuf>,
    processes: usize,
    kill_one: bool,
    verify: bool,
}

impl Args {
    /// Nothing if the arguments make no sense.
    fn parse(mut words: impl Iterator<Item = std::ffi::OsString>) -> Option<Self> {
        let mut args = Self {
            paths: Vec::new(),
            processes: thread::available_parallelism().map_or(2, usize::from),
            kill_one: false,
            verify: true,
        };
        while let Some(word) = words.next() {
            match word.to_str() {
                Some("--processes") => {
                    let count = words.next()?.to_str()?.parse().ok();
                    args.processes = count.filter(|n| (1..=1024).contains(n))?;
                }
                Some("--kill-one") => args.kill_one = true,
                Some("--verify") => args.verify = true,
                Some("--no-verify") => args.verify = false,
                Some("--") => args.paths.extend(words.by_ref().map(PathBuf::from)),
                Some(flag) if flag.starts_with("--") => return None,
                _ => args.paths.push(word.into()),
            }
        }
        (!args.paths.is_empty()).then_some(args)
    }
}

fn main() -> ExitCode {
    // A worker process of this program goes to its entry function here.
    crossproc::init();
    let Some(args) = Args::parse(std::env::args_os().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match run(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("word_count: {error}");
            ExitCode::FAILURE
        }
    }
}

/// True unless the answer turned out to be wrong.
fn run(args: &Args) -> Result<bool, Box<dyn Error>> {
    let files = blocks::files(&args.paths)?;
    let bytes = blocks::total_len(&files)?;

    let began = Instant::now();
    let mut pool = Pool::start(args.processes)?;
    if args.kill_one {
        pool.kill_one_after(bytes / 2);
    }
    let tally = pool.count(blocks::Blocks::of(&files))?;
    println!("{} files, {bytes} bytes, {tally}", files.len());
    for (word, count) in tally.top(10) {
        println!("{count:>12}  {}", String::from_utf8_lossy(word));
    }
    println!("{} processes: {:.2?}", args.processes, began.elapsed());
    if !args.verify {
        return Ok(true);
    }

    let began = Instant::now();
    let expected = Tally::of_files(&files)?;
    println!("this process alone: {expected}, {:.2?}", began.elapsed());
    let matches = tally == expected;
    println!("{}", if matches { "match" } else { "MISMATCH" });
    Ok(matches)
}
