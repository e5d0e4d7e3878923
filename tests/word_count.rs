//! The word count example, run over real and over awkward files, with and without a killed worker.

#[path = "support/example.rs"]
mod example;
mod support;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use example::example;

/// Far longer than any run here takes.
const LIMIT: Duration = Duration::from_secs(120);

fn word_count(example: &Path, args: &[&str], path: &Path) -> Output {
    Command::new(example)
        .args(args)
        .arg(path)
        .output()
        .expect("the example starts")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A directory of its own for a test.
fn directory(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("a directory for files");
    path
}

/// Writes files that are awkward to cut into blocks. Their lines, words, and distinct words.
fn write_awkward_files(directory: &Path) -> (usize, usize, usize) {
    let mut long = Vec::new();
    let mut state = 1_u64;
    while long.len() < 6 << 20 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let n = state >> 33;
        long.extend(format!("{:x}", n % 5000).bytes());
        // Not UTF-8, and not white space.
        long.extend([0xff, 0x0b].iter().take(n as usize % 3));
        long.push(b" \t\n\r\x0c  \n"[n as usize % 8]);
    }
    let block = 64 * 1024;
    let word = |byte, len| vec![byte; len];
    let files: &[(&str, Vec<u8>)] = &[
        ("a/long", long),
        ("a/empty", Vec::new()),
        ("a/blank", vec![b' '; 3 * block]),
        ("a/newline", b"\n".to_vec()),
        ("b/no newline at the end", b"one two\nthree".to_vec()),
        ("b/no newline either", b"three".to_vec()),
        ("b/crlf", b"one\r\ntwo\r\n\r\n".to_vec()),
        ("c/longer than any block", word(b'x', 5 * block + 7)),
        (
            "c/and again",
            [word(b'x', 5 * block + 7), b"\n".to_vec()].concat(),
        ),
        ("c/binary", (0..=255).cycle().take(100_000).collect()),
        (
            "d/about a block",
            [word(b'y', block), b" ".to_vec(), word(b'z', block - 16)].concat(),
        ),
        (
            "d/exactly",
            [word(b'w', block - 17), b"\nv".to_vec()].concat(),
        ),
    ];
    let mut words = Vec::new();
    let mut lines = 0;
    for (name, text) in files {
        let path = directory.join(name);
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        fs::write(path, text).expect("a file");
        let unfinished = text.last().is_some_and(|&byte| byte != b'\n');
        lines += text.iter().filter(|&&byte| byte == b'\n').count() + usize::from(unfinished);
        let all = text
            .split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty());
        words.extend(all);
    }
    let distinct: HashSet<&[u8]> = words.iter().copied().collect();
    (lines, words.len(), distinct.len())
}

#[test]
fn the_sources_of_this_crate() {
    let _leaks = support::Leaks::start();
    let example = example("word_count");
    let _watchdog = support::watchdog(LIMIT);
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for args in [
        &["--processes", "2"][..],
        &["--processes", "2", "--kill-one"],
    ] {
        let output = word_count(&example, args, &sources);
        assert!(output.status.success(), "{args:?}: {}", stderr(&output));
        assert_eq!(stdout(&output).lines().last(), Some("match"), "{args:?}");
    }
}

#[test]
fn awkward_files() {
    let _leaks = support::Leaks::start();
    let example = example("word_count");
    let _watchdog = support::watchdog(LIMIT);
    let directory = directory("awkward");
    let (lines, words, distinct) = write_awkward_files(&directory);
    let expected = format!("{lines} lines, {words} words, {distinct} distinct");
    for args in [
        &["--processes", "1"][..],
        &["--processes", "3"],
        &["--processes", "2", "--kill-one"],
        &["--processes", "5", "--kill-one"],
    ] {
        let output = word_count(&example, args, &directory);
        let (out, err) = (stdout(&output), stderr(&output));
        assert!(output.status.success(), "{args:?}: {out}\n{err}");
        assert_eq!(out.lines().last(), Some("match"), "{args:?}");
        let first = out.lines().next().unwrap_or_default();
        assert!(
            first.ends_with(&expected),
            "{args:?}: {first}, not {expected}"
        );
        assert_eq!(
            err.contains("killing worker"),
            args.contains(&"--kill-one"),
            "{err}"
        );
        assert_eq!(
            err.contains("the child was killed"),
            args.contains(&"--kill-one"),
            "{err}"
        );
    }
    fs::remove_dir_all(directory).expect("removed");
}

#[test]
fn nothing_to_count() {
    let _leaks = support::Leaks::start();
    let example = example("word_count");
    let _watchdog = support::watchdog(LIMIT);
    let directory = directory("nothing");
    let output = word_count(&example, &["--kill-one"], &directory);
    assert!(output.status.success(), "{}", stderr(&output));
    let first = "0 files, 0 bytes, 0 lines, 0 words, 0 distinct";
    assert_eq!(stdout(&output).lines().next(), Some(first));
    fs::remove_dir_all(directory).expect("removed");
}

#[test]
fn the_death_of_all_workers_is_an_error() {
    let _leaks = support::Leaks::start();
    let example = example("word_count");
    let _watchdog = support::watchdog(LIMIT);
    let directory = directory("all-dead");
    write_awkward_files(&directory);
    let output = word_count(&example, &["--processes", "1", "--kill-one"], &directory);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("all workers have died"),
        "{}",
        stderr(&output)
    );
    fs::remove_dir_all(directory).expect("removed");
}

#[test]
fn bad_arguments_are_refused() {
    let _leaks = support::Leaks::start();
    let example = example("word_count");
    let _watchdog = support::watchdog(LIMIT);
    let nowhere = Path::new("no such file");
    for (args, code) in [
        (&["--pigeon"][..], 2),
        (&["--processes", "0"], 2),
        (&["--processes"], 2),
        (&[], 1),
    ] {
        let output = word_count(&example, args, nowhere);
        assert_eq!(output.status.code(), Some(code), "{args:?}");
    }
    assert!(stderr(&word_count(&example, &[], nowhere)).contains("no such file"));
}
