//! Values that are created once: of each, everyone sees the same, and only a death or a failure gives a second try.
//!
//! Worker number 0 opens one after another for all to create.

use super::drill::{self, Drill, Fallen, come_by};
use super::floor::Floor;
use super::settle::{given, sure};
use super::site::Site;
use crate::stress::burst::How;
use crate::stress::desk::add;
use crate::stress::messages::{Key, Message, open, seal};
use crate::stress::outcome::Outcome;
use crate::stress::round::Conditions;
use crate::stress::sabotage::Sabotage;
use crossproc::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, SystemTime};

const COUNT: usize = 48;

type Value = Message<6>;

struct Board<'a> {
    /// How many attempts there were to create a value, of all together; each has a value of its own.
    attempts: &'a AtomicU64,
    /// How many of the values may be created.
    open: &'a AtomicU64,
    /// When the last one was opened, in nanoseconds.
    opened_at: &'a AtomicU64,
    /// The value that was seen first, plus one.
    seen: &'a [AtomicU64],
    /// How often somebody began to create it.
    begun: &'a [AtomicU64],
    /// How often that failed in an orderly way.
    failed: &'a [AtomicU64],
}

impl<'a> Board<'a> {
    const WORDS: usize = 3 + 3 * COUNT;

    fn of(words: &'a [AtomicU64]) -> Self {
        let [attempts, open, opened_at, tables @ ..] = words else {
            unreachable!("the board has its words")
        };
        Self {
            attempts,
            open,
            opened_at,
            seen: &tables[..COUNT],
            begun: &tables[COUNT..2 * COUNT],
            failed: &tables[2 * COUNT..],
        }
    }

    fn open(&self) -> usize {
        self.open.load(SeqCst) as usize
    }

    /// A value that nobody else makes.
    fn make(&self, index: usize) -> Value {
        self.begun[index].fetch_add(1, SeqCst);
        seal(Key::from_bits(self.attempts.fetch_add(1, SeqCst)))
    }
}

pub(crate) struct Making;

/// Checks that this is the value that all others see.
fn check(site: &mut Site<'_, Making>, index: usize, mut value: Value) {
    value[5] ^= u64::from(site.fault(Sabotage::Tear));
    let Some(key) = open(&value) else {
        return add(site.desk.torn, 1);
    };
    let found = key.bits() + 1 + u64::from(site.fault(Sabotage::Duplicate));
    let seen = &Board::of(site.board()).seen[index];
    let first = seen.compare_exchange(0, found, SeqCst, SeqCst);
    if first.is_err_and(|other| other != found) {
        add(site.desk.duplicated, 1);
    }
}

/// Sees the value, or creates it.
fn create(site: &mut Site<'_, Making>, index: usize) -> bool {
    let (handle, board) = (&site.handle[index], Board::of(site.board()));
    site.enter(index as u64 + 1);
    let created = handle.get_or_try_init(|| {
        let value = board.make(index);
        thread::sleep(site.random.shorter_than(gap(site)));
        if site.random.one_in(4) {
            board.failed[index].fetch_add(1, SeqCst);
            return Err(());
        }
        Ok(value)
    });
    let created = sure(created);
    site.leave();
    if let Ok(value) = created {
        check(site, index, value);
    }
    created.is_ok()
}

fn get(site: &mut Site<'_, Making>, index: usize) -> bool {
    let was_there = Board::of(site.board()).seen[index].load(SeqCst) != 0;
    let value = sure(site.handle[index].get());
    let value = value.filter(|_| !site.fault(Sabotage::Lose));
    if was_there && value.is_none() {
        add(site.desk.lost, 1);
    }
    if let Some(value) = value {
        check(site, index, value);
    }
    value.is_some()
}

fn wait(site: &mut Site<'_, Making>, index: usize, how: How) -> bool {
    let value = match how {
        How::Timeout(limit) => given(site.handle[index].wait_timeout(limit)),
        _ => given(site.handle[index].wait()),
    };
    if let Some(value) = value {
        check(site, index, value);
    }
    value.is_some()
}

/// From one to the next: they shall last for the round.
fn gap(site: &Site<'_, Making>) -> Duration {
    site.duration / COUNT as u32
}

/// Opens the next one if it is time.
fn open_next(site: &Site<'_, Making>) {
    let board = Board::of(site.board());
    let now = SystemTime::UNIX_EPOCH.elapsed();
    let now = now.map_or(0, |since| since.as_nanos() as u64);
    let gap = gap(site).as_nanos() as u64;
    if board.open() < COUNT && now.abs_diff(board.opened_at.load(SeqCst)) >= gap {
        board.opened_at.store(now, SeqCst);
        board.open.fetch_add(1, SeqCst);
    }
}

impl Drill for Making {
    type Handle = Vec<OnceLock<Value>>;

    fn create(name: Option<&str>, conditions: &Conditions<'_>) -> crossproc::Result<Self::Handle> {
        let one = |index| {
            let name = name.map(|name| format!("{name}-{index}"));
            let options = OnceLock::options().participants(drill::participants(conditions));
            come_by!(name.as_deref(), options, OnceLock<Value>)
        };
        (0..COUNT).map(one).collect()
    }

    fn repairs(handle: &Self::Handle) -> u64 {
        handle.iter().map(OnceLock::repairs).sum()
    }

    fn board(_: usize) -> usize {
        Board::WORDS
    }

    fn begin(_: &mut Site<'_, Self>) -> Self {
        Self
    }

    fn turn(&mut self, site: &mut Site<'_, Self>, how: How) -> bool {
        if site.number == 0 {
            open_next(site);
        }
        let open = Board::of(site.board()).open();
        if open == 0 {
            return false;
        }
        // Most often the last one; or one that has been there for long.
        let back = site.random.below(2) * site.random.below(open as u64);
        let index = open - 1 - back as usize;
        // Number 0 does not wait for what nobody may create yet.
        let can_wait = site.number > 0 && open < COUNT;
        match how {
            How::Try => get(site, index),
            How::Timeout(_) => wait(site, index, how),
            How::Block if can_wait && site.random.one_in(4) => wait(site, open, how),
            How::Block => create(site, index),
        }
    }

    /// Others may wait for those that nobody has come to create.
    fn finish(handle: &Self::Handle, floor: &Floor) {
        let board = Board::of(floor.board());
        for (index, once) in handle.iter().enumerate() {
            sure(once.get_or_init(|| board.make(index)));
        }
    }

    fn inspect(site: &mut Site<'_, Self>) {
        for index in 0..COUNT {
            while !create(site, index) {}
            get(site, index);
        }
    }

    fn audit(floor: &Floor, fallen: &[Fallen], outcome: &mut Outcome) {
        let board = Board::of(floor.board());
        for index in 0..COUNT {
            let died = fallen.iter().filter(|one| one.intent == index as u64 + 1);
            let excused = 1 + board.failed[index].load(SeqCst) + died.count() as u64;
            outcome.duplicated += board.begun[index].load(SeqCst).saturating_sub(excused);
        }
    }
}
