//! Elements in a row. The first are counted up, each by itself; all others together, under the lock, one after the other.

use crate::stress::burst::How;
use crate::stress::desk::add;
use crate::stress::outcome::Outcome;
use crate::stress::round::Conditions;
use crate::stress::sabotage::Sabotage;
use crate::stress::sheet::LINE;
use crate::stress::sync::drill::{self, Drill, Fallen, come_by};
use crate::stress::sync::floor::Floor;
use crate::stress::sync::settle::{Taken, sure, taken};
use crate::stress::sync::site::Site;
use crossproc::Array;
use crossproc::values::ArrayGuard;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

/// How many are counted up each by itself.
const SINGLE: usize = 5;
/// How many are together.
const TOGETHER: usize = 40;
const LEN: usize = SINGLE + TOGETHER;

/// How often a single one was counted up.
const COUNTED: usize = 0;
/// How often all that are together were.
const SWEPT: usize = 1;
/// How often an owner was told of a death.
const TOLD: usize = 2;

/// To be in the middle of.
const COUNTING: u64 = 1;
const SWEEPING: u64 = 2;

struct Board<'a> {
    /// What is found at the end.
    counted: &'a AtomicU64,
    swept: &'a AtomicU64,
    /// The owner's number, plus one.
    owner: &'a AtomicU64,
    turn: &'a AtomicU64,
}

impl<'a> Board<'a> {
    fn of(words: &'a [AtomicU64]) -> Self {
        Self {
            counted: &words[0],
            swept: &words[1],
            owner: &words[LINE],
            turn: &words[2 * LINE],
        }
    }
}

pub(crate) struct Sweeping {
    /// The most that was found in each single one.
    seen: [u64; SINGLE],
}

impl Sweeping {
    fn saw(&mut self, site: &mut Site<'_, Self>, index: usize, found: u64) {
        let back = site.fault(Sabotage::Reorder);
        if found < self.seen[index] || back {
            add(site.desk.reordered, 1);
        }
        self.seen[index] = found.max(self.seen[index]);
    }

    fn count(&mut self, site: &mut Site<'_, Self>) {
        let index = site.random.below(SINGLE as u64) as usize;
        let lost = site.fault(Sabotage::Lose);
        let twice = site.fault(Sabotage::Duplicate);
        let n = 1 + u64::from(twice) - u64::from(lost);
        site.enter(COUNTING);
        let found = match site.random.one_in(2) {
            true => site.handle.fetch_add(index, n),
            false => site.handle.update(index, |old| old + n),
        };
        site.count(COUNTED, 1);
        site.leave();
        self.saw(site, index, sure(found));
    }

    fn look(&mut self, site: &mut Site<'_, Self>) {
        for (index, found) in sure(site.handle.read(0..SINGLE)).into_iter().enumerate() {
            self.saw(site, index, found);
        }
    }
}

/// What is together, and its number: the number of all, or the higher of two if the last owner came no further.
fn together(array: &Array<u64>) -> (Vec<u64>, u64) {
    let all = sure(array.read(SINGLE..LEN));
    let highest = all.iter().max().copied();
    (all, highest.expect("there are some"))
}

/// Counts all that are together up, under the lock.
fn sweep(site: &mut Site<'_, Sweeping>, how: How) -> bool {
    let array = site.handle;
    let board = Board::of(site.board());
    site.enter(SWEEPING);
    let locked = match how {
        How::Try => taken(array.try_lock()),
        How::Block => taken(array.lock()),
        How::Timeout(limit) => taken(array.lock_timeout(limit)),
    };
    let Some(Taken { mut guard, told }) = locked else {
        site.leave();
        return false;
    };
    site.has_turn(board.turn);
    if told == guard.is_consistent() {
        add(site.desk.torn, 1);
    }
    let told = (told && site.sabotage != Some(Sabotage::Deafen)) || site.fault(Sabotage::Alarm);
    let (all, highest) = together(array);
    if told {
        // What the dead began is done.
        site.count(TOLD, 1);
        sure(guard.write(SINGLE, &[highest; TOGETHER]));
        guard.mark_consistent();
    } else {
        let is_whole = all.iter().all(|one| *one == highest);
        add(site.desk.torn, u64::from(!is_whole));
        add(
            site.desk.duplicated,
            u64::from(board.owner.load(SeqCst) != 0),
        );
    }
    increment(site, &guard, highest);
    drop(guard);
    site.count(SWEPT, 1);
    site.leave();
    true
}

fn increment(site: &mut Site<'_, Sweeping>, guard: &ArrayGuard<'_, u64>, highest: u64) {
    if site.fault(Sabotage::Lose) {
        return;
    }
    let board = Board::of(site.board());
    let me = site.number as u64 + 1;
    board.owner.store(me, SeqCst);
    let next = highest + 1 + u64::from(site.fault(Sabotage::Duplicate));
    let half = SINGLE + site.random.below(TOGETHER as u64) as usize;
    for index in SINGLE..half {
        sure(guard.set(index, next));
    }
    site.linger();
    if !site.fault(Sabotage::Tear) || half == SINGLE {
        sure(guard.write(half, &[next; TOGETHER][..LEN - half]));
    }
    if board.owner.swap(0, SeqCst) != me {
        add(site.desk.duplicated, 1);
    }
}

impl Drill for Sweeping {
    type Handle = Array<u64>;

    fn create(name: Option<&str>, conditions: &Conditions<'_>) -> crossproc::Result<Self::Handle> {
        let options = Array::options()
            .capacity(LEN)
            .participants(drill::participants(conditions));
        come_by!(name, options, Array<u64>)
    }

    fn repairs(array: &Self::Handle) -> u64 {
        array.repairs()
    }

    fn board(_: usize) -> usize {
        3 * LINE
    }

    fn begin(_: &mut Site<'_, Self>) -> Self {
        Sweeping { seen: [0; SINGLE] }
    }

    fn turn(&mut self, site: &mut Site<'_, Self>, how: How) -> bool {
        site.await_turn(Board::of(site.board()).turn);
        match site.random.below(4) {
            0 => self.count(site),
            1 => self.look(site),
            _ => return sweep(site, how),
        }
        true
    }

    fn inspect(site: &mut Site<'_, Self>) {
        assert!(sweep(site, How::Try), "nobody has the lock");
        let (all, highest) = together(site.handle);
        assert_eq!(all, [highest; TOGETHER], "nobody has it");
        let single = sure(site.handle.read(0..SINGLE));
        let board = Board::of(site.board());
        board.counted.store(single.iter().sum(), SeqCst);
        board.swept.store(highest, SeqCst);
    }

    fn audit(floor: &Floor, fallen: &[Fallen], outcome: &mut Outcome) {
        let board = Board::of(floor.board());
        let died = |intent| fallen.iter().filter(|one| one.intent == intent).count() as u64;
        let (counting, sweeping) = (died(COUNTING), died(SWEEPING));
        let (counted, swept) = (board.counted.load(SeqCst), board.swept.load(SeqCst));
        drill::balance(counted, floor.sum(COUNTED), counting, outcome);
        drill::balance(swept, floor.sum(SWEPT), sweeping, outcome);
        outcome.duplicated += floor.sum(TOLD).saturating_sub(sweeping);
    }
}
