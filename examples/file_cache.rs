//! What is known of files, shared by all programs that ask: whoever comes first reads a file, the others need not.
//!
//! The programs know nothing of each other but a name; none of them has to go on running. One that is killed leaves what it has found out.
//!
//! ```console
//! $ cargo run --example file_cache -- src/*.rs      # reads them all
//! $ cargo run --example file_cache -- src/*.rs      # reads none
//! $ cargo run --example file_cache -- --remove
//! ```

use std::collections::HashSet;
use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::SystemTime;

use crossproc::{Dict, Manager, UpdateError};
use serde::{Deserialize, Serialize};

const NAME: &str = "file-cache";
/// What the cache may grow to, in bytes.
const MEMORY: u64 = 16 << 20;

/// One state of a file. Another time of its last change makes it another key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Key {
    path: PathBuf,
    modified: SystemTime,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Summary {
    lines: usize,
    words: usize,
    different: usize,
}

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let outcome = match &arguments[..] {
        [] => {
            eprintln!("usage: file_cache FILE... | --remove");
            return ExitCode::from(2);
        }
        [flag] if flag.as_os_str() == "--remove" => crossproc::unlink(NAME).map_err(Into::into),
        files => summarise(files),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn summarise(files: &[PathBuf]) -> Result<(), Box<dyn Error>> {
    let manager = Manager::options().memory(MEMORY).open_or_create(NAME)?;
    let cache = manager.dict::<Key, Summary>("summaries")?;
    let mut read = 0;
    for file in files {
        let path = fs::canonicalize(file)?;
        let modified = fs::metadata(&path)?.modified()?;
        let key = Key { path, modified };
        let summary = match cache.get(&key)? {
            Some(summary) => summary,
            None => {
                read += 1;
                // Not by `get_or_insert_with`: it would keep others waiting while a file is read, who want another one.
                let summary = parse(&fs::read_to_string(&key.path)?);
                keep(&cache, &key, &summary)?;
                summary
            }
        };
        println!("{}: {summary:?}", file.display());
    }
    println!("{read} read, {} known", files.len() - read);
    Ok(())
}

/// In place of what was known of the file before its last change.
fn keep(cache: &Dict<Key, Summary>, key: &Key, summary: &Summary) -> Result<(), UpdateError> {
    cache.retain(|other, _| other.path != key.path || other.modified > key.modified)?;
    match cache.insert(key, summary) {
        // It is a cache: begin anew.
        Err(UpdateError::MaximumReached) => {
            cache.clear()?;
            cache.insert(key, summary)?;
        }
        kept => {
            kept?;
        }
    }
    Ok(())
}

fn parse(text: &str) -> Summary {
    let words = text.split_whitespace();
    Summary {
        lines: text.lines().count(),
        words: words.clone().count(),
        different: words.collect::<HashSet<_>>().len(),
    }
}
