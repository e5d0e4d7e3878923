//! Hashes all files of a directory tree in the workers of a pool, and prints them in the order of their paths. A file that cannot be read is a line on
//! standard error, and the others go on. On a terminal, a bar shows how far it has come.
//!
//! The hash is rapidhash: a checksum, by which one tells whether files have changed. It is no protection against somebody who means them to be mistaken.
//!
//! ```console
//! $ cargo run --release --example hash_tree -- PATH
//! ```

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, io};

use crossproc::Pool;
use crossproc::pool::Progress;
use rapidhash::v3::rapidhash_v3;

/// Cells of the bar.
const WIDTH: usize = 40;

/// What a worker does: the file's hash, or why there is none.
fn hash(path: PathBuf) -> Result<u64, String> {
    match fs::read(path) {
        Ok(bytes) => Ok(rapidhash_v3(&bytes)),
        Err(error) => Err(error.to_string()),
    }
}

/// Adds the files under `path`. What is neither a file nor a directory, a symbolic link say, is left out.
fn files(path: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let kind = fs::symlink_metadata(path)?.file_type();
    if kind.is_file() {
        found.push(path.to_owned());
    } else if kind.is_dir() {
        for entry in fs::read_dir(path)? {
            let path = entry?.path();
            if let Err(error) = files(&path, found) {
                eprintln!("{}: {error}", path.display());
            }
        }
    }
    Ok(())
}

/// A bar, drawn anew whenever it gets longer.
fn bar() -> impl FnMut(Progress) {
    let mut drawn = None;
    move |Progress { done, total, .. }| {
        let total = total.expect("paths are counted");
        let filled = done * WIDTH / total;
        if drawn.replace(filled) != Some(filled) {
            eprint!("\r[{:<WIDTH$}] {done}/{total}", "#".repeat(filled));
        }
        if done == total {
            eprintln!();
        }
    }
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    crossproc::init();
    let root = env::args_os().nth(1);
    let root = root.map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        PathBuf::from,
    );
    let mut paths = Vec::new();
    files(&root, &mut paths).map_err(|error| format!("{}: {error}", root.display()))?;
    paths.sort();

    let pool = Pool::builder().build()?;
    let mut tasks = pool.tasks();
    if io::stderr().is_terminal() {
        tasks = tasks.progress(bar());
    }
    let hashes: Vec<_> = tasks.map_ordered(hash, paths.iter().cloned()).collect();

    let mut out = io::stdout().lock();
    let mut failed = 0;
    for (path, hash) in paths.iter().zip(hashes) {
        // An error of its own, or why the task itself came to nothing: its worker was killed, say.
        match hash.map_err(|error| error.to_string()).flatten() {
            Ok(hash) => writeln!(out, "{hash:016x}  {}", path.display())?,
            Err(error) => {
                failed += 1;
                eprintln!("{}: {error}", path.display());
            }
        }
    }
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
