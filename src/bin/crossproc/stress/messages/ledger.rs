#![allow(unsafe_code)] // maps memory that other processes write
//! The ledger: what was sent and what was received.
//!
//! The round's memory holds, in order,
//!
//! - two lines of the round's own: the pace, and the number of accounts opened;
//! - a *desk* for every worker;
//! - an *account* for every life of a producer (a longer life opens one account after another):
//!   which desk sends, how many messages it has tried to send, how many sends have returned;
//! - *marks*: for each account and each consumer of its lane one bit per message;
//! - a *tray* for every desk, which a consumer receives into: what it held at its death is there.
//!
//! Marks are never used twice: an account is one stretch of one life.

use super::message::{ACCOUNTS, Key, Message, ROOM};
use crate::stress::desk;
use crate::stress::sheet::{self, LINE, Sheet};
use memmap2::{MmapMut, MmapOptions};
use serde::{Deserialize, Serialize};
use std::io;
use std::ops::Deref;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

const COLUMN: usize = ROOM / 64;
/// Bytes from one tray to the next: whole pages on any machine.
const TRAY: usize = 1 << 16;

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Layout {
    desks: usize,
    columns: usize,
}

impl Layout {
    fn desk_stride(&self) -> usize {
        (Desk::COUNTERS + self.desks).next_multiple_of(LINE)
    }

    fn desk(&self, index: usize) -> usize {
        Sheet::OWN + LINE + index * self.desk_stride()
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

/// Where a ledger is found.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Address {
    sheet: sheet::Address,
    at: Layout,
}

#[derive(Debug)]
pub(crate) struct Ledger {
    at: Layout,
    sheet: Sheet,
}

impl Deref for Ledger {
    type Target = Sheet;

    fn deref(&self) -> &Sheet {
        &self.sheet
    }
}

impl Ledger {
    /// An empty ledger for `desks` workers, at most `columns` of which consume one lane's messages.
    pub(crate) fn new(desks: usize, columns: usize) -> io::Result<Self> {
        let at = Layout { desks, columns };
        let sheet = Sheet::new(at.words(), at.tray(desks))?;
        Ok(Self { at, sheet })
    }

    pub(crate) fn attach(Address { sheet, at }: Address) -> io::Result<Self> {
        let sheet = Sheet::attach(sheet)?;
        Ok(Self { at, sheet })
    }

    pub(crate) fn address(&self) -> Address {
        let sheet = self.sheet.address();
        Address { sheet, at: self.at }
    }

    fn opened(&self) -> &AtomicU64 {
        &self.words()[Sheet::OWN]
    }

    pub(crate) fn desk(&self, index: usize) -> Desk<'_> {
        let words = &self.words()[self.at.desk(index)..][..Desk::COUNTERS + self.at.desks];
        let common = desk::Desk::new(words);
        let [taking, account, last @ ..] = common.own else {
            unreachable!("a desk has its counters")
        };
        Desk {
            common,
            taking,
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
        self.file().read_exact_at(&mut bytes, offset)?;
        let (words, _) = bytes.as_chunks::<8>();
        Ok(words.iter().copied().map(u64::from_ne_bytes).collect())
    }

    /// The tray of a desk, for the one worker there.
    pub(crate) fn tray(&self, desk: usize) -> io::Result<Tray> {
        let mut options = MmapOptions::new();
        options.offset(self.at.tray(desk)).len(TRAY);
        // SAFETY: nobody else maps these bytes while the worker lives: the parent reads the file once it is dead.
        unsafe { options.map_mut(self.file()) }.map(Tray)
    }

    /// What lay in the tray of a worker that is dead.
    pub(crate) fn read_tray<const N: usize>(&self, desk: usize) -> io::Result<Vec<Message<N>>> {
        let mut bytes = vec![0; TRAY];
        self.file().read_exact_at(&mut bytes, self.at.tray(desk))?;
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
    pub(crate) common: desk::Desk<'a>,
    /// How many messages the receive under way may take; zero outside one.
    pub(crate) taking: &'a AtomicU64,
    /// A producer's present account, plus one.
    account: &'a AtomicU64,
    /// By producer's desk: the key after the last one received.
    pub(crate) last: &'a [AtomicU64],
}

impl<'a> Deref for Desk<'a> {
    type Target = desk::Desk<'a>;

    fn deref(&self) -> &desk::Desk<'a> {
        &self.common
    }
}

impl Desk<'_> {
    const COUNTERS: usize = desk::Desk::COUNTERS + 2;
}

/// What one producer says of one stretch of its life.
#[derive(Debug)]
pub(crate) struct Account<'a> {
    /// The producer's desk plus one; zero when nobody uses the account.
    pub(crate) owner: &'a AtomicU64,
    pub(crate) attempted: &'a AtomicU64,
    pub(crate) committed: &'a AtomicU64,
}
