#![allow(unsafe_code)] // maps memory that other processes write
//! Memory that all processes of a round write, and that the primitives under test know nothing of.
//!
//! It begins with the round's pace. What else lies there is up to the kind of work. Each word has one writer at a
//! time, or is changed by one atomic operation, so a worker killed anywhere leaves it right.

use memmap2::{MmapOptions, MmapRaw};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Words in two cache lines, which is what neighbours keep apart.
pub(crate) const LINE: usize = 16;

/// How large a sheet is, and where its memory is found.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Address {
    pid: u32,
    fd: i32,
    words: usize,
}

/// How workers go on.
///
/// A wake-up that gets lost under load is made good by the next one. At the two paces in between
/// there is no next one: what moves next depends on one wake-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    Free,
    /// Producers send one message at a time, when all before it have been received.
    IntoEmpty,
    /// Consumers receive one message at a time, when there is no room for another.
    OutOfFull,
    /// The round ends.
    Ending,
}

impl Pace {
    /// Where a wake-up is everything, nobody may help themselves to one.
    pub(crate) fn is_tight(self) -> bool {
        matches!(self, Self::IntoEmpty | Self::OutOfFull)
    }
}

#[derive(Debug)]
pub(crate) struct Sheet {
    at: Address,
    map: MmapRaw,
    file: File,
}

impl Sheet {
    /// Where the work's own words begin.
    pub(crate) const OWN: usize = LINE;

    /// So many words, all zero; the file may have more bytes after them.
    pub(crate) fn new(words: usize, bytes: u64) -> io::Result<Self> {
        let file = File::from(rustix::fs::memfd_create(
            "stress ledger",
            rustix::fs::MemfdFlags::CLOEXEC,
        )?);
        let at = Address {
            pid: std::process::id(),
            fd: file.as_raw_fd(),
            words,
        };
        // The file is sparse: a page costs memory once a worker has written to it.
        file.set_len(bytes.max(words as u64 * 8))?;
        Self::map(at, file)
    }

    /// The sheet of the parent process, which keeps it open until its workers have ended.
    pub(crate) fn attach(at: Address) -> io::Result<Self> {
        let path = format!("/proc/{}/fd/{}", at.pid, at.fd);
        let file = File::options().read(true).write(true).open(path)?;
        Self::map(at, file)
    }

    fn map(at: Address, file: File) -> io::Result<Self> {
        let map = MmapOptions::new().len(at.words * 8).map_raw(&file)?;
        Ok(Self { at, map, file })
    }

    pub(crate) fn address(&self) -> Address {
        self.at
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    pub(crate) fn words(&self) -> &[AtomicU64] {
        // SAFETY: the mapping is that long, page-aligned, lives as long as `self`, and every process reaches it through atomics only.
        unsafe { std::slice::from_raw_parts(self.map.as_ptr().cast(), self.at.words) }
    }

    /// Tells the workers how to go on.
    pub(crate) fn set_pace(&self, pace: Pace) {
        self.words()[0].store(pace as u64, Relaxed);
    }

    pub(crate) fn pace(&self) -> Pace {
        match self.words()[0].load(Relaxed) {
            0 => Pace::Free,
            1 => Pace::IntoEmpty,
            2 => Pace::OutOfFull,
            _ => Pace::Ending,
        }
    }
}
