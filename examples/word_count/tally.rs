//! Words and how often they occur.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) lines: u64,
    words: HashMap<Box<[u8]>, u64>,
}

impl Tally {
    /// The straightforward answer, which the others are held against.
    pub(crate) fn of_files(files: &[PathBuf]) -> io::Result<Self> {
        let mut tally = Self::default();
        let mut line = Vec::new();
        for path in files {
            let mut file = BufReader::with_capacity(1 << 16, File::open(path)?);
            while file.read_until(b'\n', &mut line)? > 0 {
                tally.lines += 1;
                words(&line).for_each(|word| tally.add(word, 1));
                line.clear();
            }
        }
        Ok(tally)
    }

    pub(crate) fn add(&mut self, word: &[u8], count: u64) {
        match self.words.get_mut(word) {
            Some(total) => *total += count,
            None => {
                self.words.insert(word.into(), count);
            }
        }
    }

    /// The most frequent words; among equals the first of the alphabet.
    pub(crate) fn top(&self, n: usize) -> Vec<(&[u8], u64)> {
        let mut all: Vec<_> = self.words.iter().map(|(w, &count)| (&**w, count)).collect();
        all.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        all.truncate(n);
        all
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: u64 = self.words.values().sum();
        let distinct = self.words.len();
        write!(
            f,
            "{} lines, {words} words, {distinct} distinct",
            self.lines
        )
    }
}

pub(crate) fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
}
