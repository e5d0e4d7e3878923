//! Cuts files into blocks, between words.

use crate::wire::{BLOCK_LEN, Block};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The regular files at `paths` and below, those of each directory sorted.
pub(crate) fn files(paths: &[PathBuf]) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in paths {
        let kind = fs::metadata(path).map_err(|error| naming(path, &error))?;
        if kind.is_dir() {
            descend(path, &mut found)?;
        } else {
            found.push(path.clone());
        }
    }
    Ok(found)
}

/// Does not follow symbolic links, which could lead round in a circle.
fn descend(directory: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries = fs::read_dir(directory)
        .and_then(Iterator::collect::<io::Result<Vec<_>>>)
        .map_err(|error| naming(directory, &error))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let kind = entry.file_type()?;
        if kind.is_dir() {
            descend(&entry.path(), found)?;
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
    Ok(())
}

pub(crate) fn total_len(files: &[PathBuf]) -> io::Result<u64> {
    let len = |path: &PathBuf| Ok(fs::metadata(path)?.len());
    files.iter().map(len).sum()
}

fn naming(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// What the text is cut into.
pub(crate) enum Piece {
    Block(Box<Block>),
    /// A word too long for any block.
    LongWord(Vec<u8>),
}

/// The text of all files, one after another, in pieces.
pub(crate) struct Blocks<'a> {
    files: std::slice::Iter<'a, PathBuf>,
    open: Option<(&'a Path, File)>,
    /// Read, and not yet in a piece.
    text: Vec<u8>,
    next_id: u64,
}

impl<'a> Blocks<'a> {
    pub(crate) fn of(files: &'a [PathBuf]) -> Self {
        Self {
            files: files.iter(),
            open: None,
            text: Vec::new(),
            next_id: 0,
        }
    }

    /// Reads on until there are `len` bytes of text. False if there are no more.
    fn fill(&mut self, len: usize) -> io::Result<bool> {
        while self.text.len() < len {
            let Some((path, file)) = &mut self.open else {
                let Some(path) = self.files.next() else {
                    return Ok(false);
                };
                let file = File::open(path).map_err(|error| naming(path, &error))?;
                self.open = Some((path, file));
                continue;
            };
            let wanted = (len - self.text.len()) as u64;
            let read = file.take(wanted).read_to_end(&mut self.text);
            if (read.map_err(|error| naming(path, &error))? as u64) < wanted {
                self.open = None;
                // The last line of a file is one without a newline too, and ends its last word.
                if self.text.last().is_some_and(|&byte| byte != b'\n') {
                    self.text.push(b'\n');
                }
            }
        }
        Ok(true)
    }

    fn next_piece(&mut self) -> io::Result<Option<Piece>> {
        let more = self.fill(BLOCK_LEN)?;
        let head = &self.text[..self.text.len().min(BLOCK_LEN)];
        let whole = !more && head.len() == self.text.len();
        let end = if whole {
            head.len()
        } else {
            match head.iter().rposition(u8::is_ascii_whitespace) {
                Some(space) => space + 1,
                None => return Ok(Some(Piece::LongWord(self.long_word()?))),
            }
        };
        if end == 0 {
            return Ok(None);
        }
        let block = Block::new(self.next_id, &self.text[..end]);
        self.next_id += 1;
        self.text.drain(..end);
        Ok(Some(Piece::Block(block)))
    }

    /// Takes the word that the text begins with, and reads on to its end.
    fn long_word(&mut self) -> io::Result<Vec<u8>> {
        let mut searched = 0;
        loop {
            let space = self.text[searched..]
                .iter()
                .position(u8::is_ascii_whitespace);
            if let Some(space) = space {
                let rest = self.text.split_off(searched + space);
                return Ok(std::mem::replace(&mut self.text, rest));
            }
            searched = self.text.len();
            self.fill(searched + BLOCK_LEN)?;
        }
    }
}

impl Iterator for Blocks<'_> {
    type Item = io::Result<Piece>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_piece().transpose()
    }
}
