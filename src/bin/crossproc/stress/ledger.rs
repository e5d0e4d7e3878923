#![allow(unsafe_code)] // maps memory that other processes write
//! The ledger: what was sent and what was received, in memory that the primitives under test
//! know nothing of.
//!
//! A plain mapping holds, in order,
//!
//! - two lines of the round's own: the pace, and the number of accounts opened;
//! - a *desk* for every worker: what it is doing now, what it has counted. A worker that was
//!   killed is replaced at the same desk;
//! - an *account* for every life of a producer (a longer life opens one account after another):
//!   which desk sends, how many messages it has tried to send, how many sends have returned;
//! - *marks*: for each account and each consumer of its lane one bit per message;
//! - a *tray* for every desk, which a consumer receives into: what it held at its death is there.
//!
//! Each word has one writer at a time, so a plain load and store updates it, and a worker killed
//! anywhere leaves it right. Marks are never used twice: an account is one stretch of one life.

use super::message::{ACCOUNTS, Key, Message, ROOM};
use memmap2::{MmapMut, MmapOptions, MmapRaw};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

/// Words in two cache lines, which is what neighbours keep apart.
const LINE: usize = 16;
const COLUMN: usize = ROOM / 64;
/// Bytes from one tray to the next: whole pages on any machine.
const TRAY: usize = 1 << 16;

/// How large a ledger is, and where its memory is found.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Address {
    pid: u32,
    fd: i32,
    desks: usize,
    columns: usize,
}

impl Address {
    fn desk_stride(&self) -> usize {
        (Desk::COUNTERS + self.desks).next_multiple_of(LINE)
    }

    fn desk(&self, index: usize) -> usize {
        2 * LINE + index * self.desk_stride()
    }

    fn account(&self, index: usize) -> usize {
        self.desk(self.desks) + index * 2 * LINE
    }

    fn column(&self, account: usize, column: usize) -> usize {
        self.account(ACCOUNTS) + (account * self.columns + column) * COLUMN
    }

    fn words(&self) -> usize {
        self.column(ACCOUNTS, 0)
    }

    /// In bytes.
    fn tray(&self, desk: usize) -> u64 {
        ((self.words() * 8).next_multiple_of(TRAY) + desk * TRAY) as u64
    }
}

/// How workers go on.
///
/// A wake-up that gets lost under load is made good by the next one. At the two paces in between
/// there is no next one: everyone at one side sleeps, and one message depends on one wake-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    Free,
    /// Producers send one message at a time, when all before it have been received.
    IntoEmpty,
    /// Consumers receive one message at a time, when there is no room for another.
    OutOfFull,
    /// Producers finish.
    Ending,
}

#[derive(Debug)]
pub(crate) struct Ledger {
    at: Address,
    map: MmapRaw,
    file: File,
}

impl Ledger {
    /// An empty ledger for `desks` workers, at most `columns` of which consume one lane's messages.
    pub(crate) fn new(desks: usize, columns: usize) -> io::Result<Self> {
        let file = File::from(rustix::fs::memfd_create(
            "stress ledger",
            rustix::fs::MemfdFlags::CLOEXEC,
        )?);
        let at = Address {
            pid: std::process::id(),
            fd: file.as_raw_fd(),
            desks,
            columns,
        };
        // The file is sparse: a page costs memory once a worker has written to it.
        file.set_len(at.tray(desks))?;
        Self::map(at, file)
    }

    /// The ledger of the parent process, which keeps it open until its workers have ended.
    pub(crate) fn attach(at: Address) -> io::Result<Self> {
        let path = format!("/proc/{}/fd/{}", at.pid, at.fd);
        let file = File::options().read(true).write(true).open(path)?;
        Self::map(at, file)
    }

    fn map(at: Address, file: File) -> io::Result<Self> {
        let map = MmapOptions::new().len(at.words() * 8).map_raw(&file)?;
        Ok(Self { at, map, file })
    }

    pub(crate) fn address(&self) -> Address {
        self.at
    }

    fn words(&self) -> &[AtomicU64] {
        // SAFETY: the mapping is that long, page-aligned, lives as long as `self`, and every process reaches it through atomics only.
        unsafe { std::slice::from_raw_parts(self.map.as_ptr().cast(), self.at.words()) }
    }

    fn opened(&self) -> &AtomicU64 {
        &self.words()[LINE]
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

    pub(crate) fn desk(&self, index: usize) -> Desk<'_> {
        let words = &self.words()[self.at.desk(index)..][..Desk::COUNTERS + self.at.desks];
        let [
            doing,
            taking,
            moved,
            duplicated,
            reordered,
            torn,
            account,
            last @ ..,
        ] = words
        else {
            unreachable!("a desk has its counters")
        };
        Desk {
            doing,
            taking,
            moved,
            duplicated,
            reordered,
            torn,
            account,
            last,
        }
    }

    /// Opens an account for the producer at `desk`; none when all are used, which ends a round early.
    pub(crate) fn open_account(&self, desk: usize) -> Option<usize> {
        let index = self.opened().fetch_add(1, Relaxed) as usize;
        if index >= ACCOUNTS {
            return None;
        }
        self.account(index).owner.store(desk as u64 + 1, Release);
        self.desk(desk).account.store(index as u64 + 1, Release);
        Some(index)
    }

    /// True when no account is left to open.
    pub(crate) fn is_full(&self) -> bool {
        self.opened().load(Relaxed) as usize >= ACCOUNTS
    }

    pub(crate) fn accounts(&self) -> usize {
        (self.opened().load(Relaxed) as usize).min(ACCOUNTS)
    }

    pub(crate) fn account(&self, index: usize) -> Account<'_> {
        let words = &self.words()[self.at.account(index)..][..2 * LINE];
        Account {
            owner: &words[0],
            attempted: &words[LINE],
            committed: &words[LINE + 1],
        }
    }

    /// How far the producer at `desk` has come: every message it has tried to send is below.
    pub(crate) fn reached(&self, desk: usize) -> Key {
        match self.desk(desk).account.load(Acquire) as usize {
            0 => Key::from_bits(0),
            n => Key::new(n - 1, self.account(n - 1).attempted.load(Acquire) as usize),
        }
    }

    /// Marks a message as received. False if this column has it already.
    pub(crate) fn mark(&self, key: Key, column: usize) -> bool {
        let base = self.at.column(key.account(), column);
        let word = &self.words()[base + key.sequence() / 64];
        let bit = 1 << (key.sequence() % 64);
        let old = word.load(Relaxed);
        word.store(old | bit, Release);
        old & bit == 0
    }

    /// The marks of one account and column, once nobody writes there any more.
    ///
    /// Read through the file: a look through the mapping would give empty pages memory.
    pub(crate) fn read_column(&self, account: usize, column: usize) -> io::Result<Vec<u64>> {
        let mut bytes = vec![0; COLUMN * 8];
        let offset = self.at.column(account, column) as u64 * 8;
        self.file.read_exact_at(&mut bytes, offset)?;
        let (words, _) = bytes.as_chunks::<8>();
        Ok(words.iter().copied().map(u64::from_ne_bytes).collect())
    }

    /// The tray of a desk, for the one worker there.
    pub(crate) fn tray(&self, desk: usize) -> io::Result<Tray> {
        let mut options = MmapOptions::new();
        options.offset(self.at.tray(desk)).len(TRAY);
        // SAFETY: nobody else maps these bytes while the worker lives: the parent reads the file once it is dead.
        unsafe { options.map_mut(&self.file) }.map(Tray)
    }

    /// What lay in the tray of a worker that is dead.
    pub(crate) fn read_tray<const N: usize>(&self, desk: usize) -> io::Result<Vec<Message<N>>> {
        let mut bytes = vec![0; TRAY];
        self.file.read_exact_at(&mut bytes, self.at.tray(desk))?;
        let (words, _) = bytes.as_chunks::<8>();
        let words: Vec<u64> = words.iter().copied().map(u64::from_ne_bytes).collect();
        Ok(words.as_chunks().0.to_vec())
    }

    pub(crate) fn columns(&self) -> usize {
        self.at.columns
    }

    pub(crate) fn desks(&self) -> usize {
        self.at.desks
    }
}

/// A place for messages that outlives who put them there.
#[derive(Debug)]
pub(crate) struct Tray(MmapMut);

impl Tray {
    pub(crate) fn messages<const N: usize>(&mut self, count: usize) -> &mut [Message<N>] {
        crossproc::bytemuck::cast_slice_mut(&mut self.0[..count * size_of::<Message<N>>()])
    }
}

/// What one worker tells of itself.
#[derive(Debug)]
pub(crate) struct Desk<'a> {
    /// An [`super::worker::Doing`].
    pub(crate) doing: &'a AtomicU64,
    /// How many messages the receive under way may take; zero outside one.
    pub(crate) taking: &'a AtomicU64,
    /// Messages sent or received.
    pub(crate) moved: &'a AtomicU64,
    pub(crate) duplicated: &'a AtomicU64,
    pub(crate) reordered: &'a AtomicU64,
    pub(crate) torn: &'a AtomicU64,
    /// A producer's present account, plus one.
    account: &'a AtomicU64,
    /// By producer's desk: the key after the last one received.
    pub(crate) last: &'a [AtomicU64],
}

impl Desk<'_> {
    const COUNTERS: usize = 7;
}

/// What one producer says of one stretch of its life.
#[derive(Debug)]
pub(crate) struct Account<'a> {
    /// The producer's desk plus one; zero when nobody uses the account.
    pub(crate) owner: &'a AtomicU64,
    pub(crate) attempted: &'a AtomicU64,
    pub(crate) committed: &'a AtomicU64,
}

/// Adds to a counter that only its owner writes.
pub(crate) fn add(counter: &AtomicU64, n: u64) {
    counter.store(counter.load(Relaxed) + n, Release);
}
