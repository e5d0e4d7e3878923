//! Locks: under each, increments are made that would not survive company.
//!
//! The board holds two words that are equal while nobody has the lock, and the owner. The owner increments the
//! first, then the lock's own value if it has one, then the second. So whoever comes in finds the traces of the last owner,
//! if that died before it was done: then it must have been told so. All others find everything equal, and nobody there.

use super::drill::{self, Drill, Fallen};
use super::floor::Floor;
use super::settle::Taken;
use super::site::Site;
use crate::stress::burst::How;
use crate::stress::desk::add;
use crate::stress::messages::{Key, Message, open, seal};
use crate::stress::outcome::Outcome;
use crate::stress::round::Conditions;
use crate::stress::sabotage::Sabotage;
use crate::stress::sheet::LINE;
use serde::{Serialize, de::DeserializeOwned};
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

/// What a lock guards: a number, in a form that betrays damage.
pub(crate) type Value = Message<6>;

/// A lock that one owner has at a time.
pub(crate) trait Lock: 'static {
    type Handle: Clone + Serialize + DeserializeOwned;
    type Guard<'a>: Held;

    fn create(
        name: Option<&str>,
        participants: u32,
        value: Value,
    ) -> crossproc::Result<Self::Handle>;
    fn repairs(handle: &Self::Handle) -> u64;
    fn lock(handle: &Self::Handle, how: How) -> Option<Taken<Self::Guard<'_>>>;

    /// Takes it once more where that is possible, and gives one of the two back, as `choice` says.
    fn nest<'a>(_: &'a Self::Handle, guard: Self::Guard<'a>, _: u64) -> Self::Guard<'a> {
        guard
    }

    /// Whether many can have it to read.
    const IS_SHARED: bool = false;

    /// Calls `look` with the value while reading, and with whether a writer died before. False if it came to nothing.
    fn read(_: &Self::Handle, _: How, _: &mut dyn FnMut(&Value, bool)) -> bool {
        unreachable!("it is not shared")
    }
}

/// The guard of an owner.
pub(crate) trait Held {
    /// None if the lock has no value.
    fn value(&self) -> Option<&Value>;
    fn set(&mut self, value: Value);
    fn is_consistent(&self) -> bool;
    fn mark_consistent(&mut self);
}

/// How often the lock was had by an owner that says so.
const ACKNOWLEDGED: usize = 0;
/// How often an owner was told of a death nobody else was told of.
const TOLD: usize = 1;

/// The only thing to be in the middle of.
const AT_THE_LOCK: u64 = 1;

struct Board<'a> {
    first: &'a AtomicU64,
    second: &'a AtomicU64,
    /// The owner's number, plus one.
    owner: &'a AtomicU64,
    /// An owner was told of a death, and did not declare the data consistent.
    unmarked: &'a AtomicU64,
    turn: &'a AtomicU64,
}

impl<'a> Board<'a> {
    fn of(words: &'a [AtomicU64]) -> Self {
        Self {
            first: &words[0],
            second: &words[LINE],
            owner: &words[2 * LINE],
            unmarked: &words[3 * LINE],
            turn: &words[4 * LINE],
        }
    }
}

pub(crate) struct Locking<L>(PhantomData<L>);

impl<L: Lock> Drill for Locking<L> {
    type Handle = L::Handle;

    fn create(name: Option<&str>, conditions: &Conditions<'_>) -> crossproc::Result<L::Handle> {
        L::create(name, drill::participants(conditions), number(0))
    }

    fn repairs(handle: &L::Handle) -> u64 {
        L::repairs(handle)
    }

    fn board(_: usize) -> usize {
        5 * LINE
    }

    fn begin(_: &mut Site<'_, Self>) -> Self {
        Self(PhantomData)
    }

    fn turn(&mut self, site: &mut Site<'_, Self>, how: How) -> bool {
        site.await_turn(Board::of(site.board()).turn);
        if L::IS_SHARED && !site.random.one_in(4) {
            read(site, how)
        } else {
            own(site, how)
        }
    }

    fn inspect(site: &mut Site<'_, Self>) {
        assert!(own(site, How::Try), "nobody has the lock");
        assert!(!L::IS_SHARED || read(site, How::Try), "nobody writes");
    }

    fn audit(floor: &Floor, fallen: &[Fallen], outcome: &mut Outcome) {
        let fallen = fallen.len() as u64;
        let count = Board::of(floor.board()).first.load(SeqCst);
        drill::balance(count, floor.sum(ACKNOWLEDGED), fallen, outcome);
        outcome.duplicated += floor.sum(TOLD).saturating_sub(fallen);
    }
}

fn number(n: u64) -> Value {
    seal(Key::from_bits(n))
}

/// Has the lock once.
fn own<L: Lock>(site: &mut Site<'_, Locking<L>>, how: How) -> bool {
    site.enter(AT_THE_LOCK);
    let Some(Taken { mut guard, told }) = L::lock(site.handle, how) else {
        site.leave();
        return false;
    };
    site.has_turn(Board::of(site.board()).turn);
    if told == guard.is_consistent() {
        add(site.desk.torn, 1);
    }
    let told = (told && site.sabotage != Some(Sabotage::Deafen)) || site.fault(Sabotage::Alarm);
    let count = if told {
        take_over(site, &mut guard)
    } else {
        come_in(site, &guard)
    };
    let choice = site.random.next();
    let mut guard = L::nest(site.handle, guard, choice);
    increment(site, &mut guard, count);
    drop(guard);
    site.count(ACKNOWLEDGED, 1);
    site.leave();
    true
}

/// The count, where the last owner left in good order.
fn come_in<L: Lock>(site: &Site<'_, Locking<L>>, guard: &impl Held) -> u64 {
    let board = Board::of(site.board());
    let (first, second) = (board.first.load(SeqCst), board.second.load(SeqCst));
    if board.owner.load(SeqCst) != 0 {
        add(site.desk.duplicated, 1);
    }
    if first != second || board.unmarked.load(SeqCst) != 0 {
        add(site.desk.torn, 1);
    }
    match guard.value().map(open) {
        None => first,
        Some(None) => {
            add(site.desk.torn, 1);
            first
        }
        Some(Some(key)) => {
            let count = key.bits();
            if first == second {
                add(site.desk.lost, u64::from(count < first));
                add(site.desk.duplicated, u64::from(count > first));
            }
            count
        }
    }
}

/// The count, where the last owner died, and order is restored.
fn take_over<L: Lock>(site: &mut Site<'_, Locking<L>>, guard: &mut impl Held) -> u64 {
    let board = Board::of(site.board());
    if board.unmarked.load(SeqCst) == 0 {
        site.count(TOLD, 1);
    }
    let (first, second) = (board.first.load(SeqCst), board.second.load(SeqCst));
    let count = match guard.value().map(open) {
        None => second,
        Some(key) => key.map_or(u64::MAX, |key| key.bits()),
    };
    // An owner that died on its way had come so far: nothing done; the first word; all of it, uncommitted.
    let step = first.wrapping_sub(second);
    let possible = match step {
        0 => guard.value().is_none() || first.wrapping_sub(count) <= 1,
        1 => count == second,
        _ => false,
    };
    if !possible {
        add(site.desk.torn, 1);
    }
    // In this order, so that it looks no different if we die here.
    board.second.store(count, SeqCst);
    board.first.store(count, SeqCst);
    if site.random.one_in(4) {
        board.unmarked.store(1, SeqCst);
    } else {
        guard.mark_consistent();
        board.unmarked.store(0, SeqCst);
    }
    count
}

fn increment<L: Lock>(site: &mut Site<'_, Locking<L>>, guard: &mut impl Held, count: u64) {
    if site.fault(Sabotage::Lose) {
        return;
    }
    let board = Board::of(site.board());
    let me = site.number as u64 + 1;
    let next = count + 1 + u64::from(site.fault(Sabotage::Duplicate));
    board.owner.store(me, SeqCst);
    board.first.store(next, SeqCst);
    site.linger();
    if site.sabotage == Some(Sabotage::Deafen) {
        // So that deaths leave traces.
        thread::sleep(Duration::from_millis(1));
    }
    guard.set(number(next));
    if !site.fault(Sabotage::Tear) {
        board.second.store(next, SeqCst);
    }
    if board.owner.swap(0, SeqCst) != me || board.first.load(SeqCst) != next {
        add(site.desk.duplicated, 1);
    }
}

/// Reads, and stays for a moment: what is there must not change.
fn read<L: Lock>(site: &mut Site<'_, Locking<L>>, how: How) -> bool {
    let board = Board::of(site.board());
    let look = || {
        let words = [board.owner, board.first, board.second];
        words.map(|word| word.load(SeqCst))
    };
    site.enter(AT_THE_LOCK);
    let handle = site.handle;
    let mut visit = |value: &Value, told: bool| {
        site.has_turn(board.turn);
        let before = look();
        site.linger();
        let [owner, first, second] = look();
        if before != [owner, first, second] {
            add(site.desk.duplicated, 1);
        }
        let Some(count) = open(value).map(Key::bits) else {
            return add(site.desk.torn, 1);
        };
        if told && site.sabotage != Some(Sabotage::Deafen) {
            return;
        }
        add(site.desk.duplicated, u64::from(owner != 0));
        add(site.desk.torn, u64::from(first != second || count != first));
    };
    let moved = L::read(handle, how, &mut visit);
    site.leave();
    moved
}
