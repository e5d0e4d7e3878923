//! What the model checker says about a list: a reader finds what is there, whole, and nothing else, whatever a writer does meanwhile with the memory of what was
//! there before, and whoever dies where; and who takes the lock from a dead writer finds the old or the new.
//!
//! The algorithm is the real one, on words of the model checker: pages of two blocks, tables of two links to begin with. A value is two relaxed words, so that a
//! torn or a stale one is seen.
//!
//! With `SEEDED_BUG=commit` a record is referred to without a Release; with `=retire` there is no fence before memory is written to again; with `=link`
//! readers do not look at the link again, with `=root` not at the root, with `=order` they look at the number of elements before the link; with `=leftover`
//! survivors leave links that mean nothing.

use super::core::Locked;
use super::read::{Read, Which, len, read};
use crate::atomic::Ordering;
use crate::heap::model::{Room, SHARD_AT};
use crate::heap::{COUNT, Copied, LOCK, Memory, Shard, Tenant};
use crate::sync::lock::{ORPHANED, try_lock};
use crate::sync::model::scene::{Actor, DOOMED, NOBODY_DIES, play};

fn locked<M: Memory>(memory: &M) -> Locked<'_, M> {
    let tenant = Tenant {
        object: 1,
        shard: 0,
    };
    Locked {
        shard: Shard {
            memory,
            at: SHARD_AT,
            tenant,
        },
    }
}

fn encoded(number: u64) -> Vec<u8> {
    [number.to_le_bytes(); 2].concat()
}

fn value(copied: &Copied) -> u64 {
    let (one, other) = copied.value().split_at(8);
    assert!(one == other && one != [0; 8], "torn or stale");
    u64::from_le_bytes(one.try_into().unwrap())
}

fn push<M: Memory>(memory: &M, number: u64) {
    let pushed = locked(memory).extend(&[encoded(number)]);
    pushed.expect("there is memory");
}

fn set<M: Memory>(memory: &M, index: u64, number: u64) {
    let set = locked(memory).set(index, &encoded(number));
    set.expect("there is memory");
}

fn shorten<M: Memory>(memory: &M, to: u64) {
    locked(memory).shorten(to).expect("sound words");
}

fn all<M: Memory>(memory: &M) -> Vec<u64> {
    let (list, mut copied) = (locked(memory), Copied::new());
    let len = list.len().expect("sound words");
    let get = |index| {
        assert_eq!(list.copy(index, &mut copied), Ok(true), "sound words");
        value(&copied)
    };
    (0..len).map(get).collect()
}

/// Reads until nobody interferes. The writer does so only so often.
fn until_done<T, E: std::fmt::Debug>(mut look: impl FnMut() -> Result<Read<T>, E>) -> T {
    loop {
        match look() {
            Ok(Read::Done(found)) => return found,
            Ok(Read::Overtaken) => loom::thread::yield_now(),
            Err(error) => panic!("sound words taken for corrupted: {error:?}"),
        }
    }
}

/// Zero for none.
fn get(actor: &Actor<Room>, which: Which) -> u64 {
    let mut copied = Copied::new();
    match until_done(|| read(actor, SHARD_AT, which, &mut copied)) {
        true => value(&copied),
        false => 0,
    }
}

fn one_and_two() -> Room {
    let room = Room::new(6);
    push(&room, 1);
    push(&room, 2);
    room
}

/// One reads, and may find what `may_find` says, while another writes.
fn beside(preemptions: usize, write: fn(&Actor<Room>), which: Which, may_find: &'static [u64]) {
    let act = move |actor: &Actor<Room>| match actor.index {
        DOOMED => write(actor),
        _ => {
            let found = get(actor, which);
            assert!(may_find.contains(&found), "lost, or another's: {found}");
        }
    };
    play(preemptions, 2, NOBODY_DIES, one_and_two, act, |_| {});
}

/// The block of the old value is used again, for the other element.
#[test]
fn an_element_is_replaced() {
    let write = |actor: &Actor<Room>| {
        set(actor, 0, 3);
        set(actor, 1, 4);
    };
    beside(2, write, Which::At(0), &[1, 3]);
}

/// The same place, another record.
#[test]
fn the_last_is_popped_and_another_pushed() {
    let write = |actor: &Actor<Room>| {
        shorten(actor, 1);
        push(actor, 3);
    };
    beside(2, write, Which::At(1), &[2, 0, 3]);
    beside(1, write, Which::Last, &[2, 1, 3]);
}

/// The table's block is used again, for a record.
#[test]
fn one_is_inserted_in_front() {
    let write = |actor: &Actor<Room>| {
        let inserted = locked(actor).insert(0, &encoded(3));
        inserted.expect("there is memory");
        set(actor, 1, 4);
    };
    beside(1, write, Which::At(0), &[1, 3]);
    beside(1, write, Which::At(1), &[2, 1, 4]);
    beside(1, write, Which::Last, &[2]);
}

#[test]
fn the_list_is_emptied() {
    let write = |actor: &Actor<Room>| {
        locked(actor).clear().expect("sound words");
        push(actor, 3);
    };
    beside(1, write, Which::At(0), &[1, 0, 3]);
    beside(1, write, Which::Last, &[2, 0, 3]);
}

/// How many there are is never something in between.
#[test]
fn many_are_appended() {
    let act = |actor: &Actor<Room>| match actor.index {
        DOOMED => {
            let extended = locked(actor).extend(&[encoded(3), encoded(4)]);
            extended.expect("there is memory");
        }
        _ => {
            let found = until_done(|| len(actor, SHARD_AT));
            assert!([2, 4].contains(&found), "half of them: {found}");
        }
    };
    play(2, 2, NOBODY_DIES, one_and_two, act, |_| {});
}

/// Takes the lock, if its owner is not alive, and puts in order what it finds.
fn try_to_lock(actor: &Actor<Room>) -> bool {
    let claim = actor.access().long(SHARD_AT + LOCK);
    let Ok(taken) = try_lock(claim, actor.me(), |owner| actor.is_live(owner)) else {
        return false;
    };
    if taken.tag & ORPHANED != 0 {
        locked(actor).recover().expect("sound words");
    }
    true
}

/// What a reader has found: a list has no use for the word.
const FOUND: u64 = SHARD_AT + COUNT;

/// One dies writing, another reads the second element, and a third takes the lock when the first is dead, and writes, too. What was read is, or was.
fn a_writer_dies(
    actors: u32,
    write: fn(&Actor<Room>),
    may_be: &'static [&'static [u64]],
    accesses: impl IntoIterator<Item = u32>,
) {
    let act = move |actor: &Actor<Room>| match actor.index {
        DOOMED => {
            if try_to_lock(actor) {
                write(actor);
            }
        }
        1 => {
            let found = get(actor, Which::At(1));
            let word = actor.aside().long(FOUND);
            word.store(found, Ordering::Relaxed);
        }
        _ => {
            if try_to_lock(actor) {
                set(actor, 0, 9);
            }
        }
    };
    let after = move |actor: &Actor<Room>| {
        let read = actor.aside().long(FOUND).load(Ordering::Relaxed);
        let before = get(actor, Which::At(1));
        let first = get(actor, Which::At(0));
        // If the third has the lock, it lives: its list is in order.
        try_to_lock(actor);
        let all = all(actor);
        let rest: Vec<u64> = all.iter().skip(1).copied().collect();
        assert_eq!(before, rest.first().copied().unwrap_or(0), "changed");
        assert!(may_be.contains(&rest.as_slice()), "lost, or another's");
        assert!(
            [1, 9].contains(&first) || all.is_empty(),
            "lost, or another's"
        );
        // Of what was there at first, one may have read, whatever came then; of what was to come, only what has come.
        assert!([0, 2, before].contains(&read), "it was never there: {read}");
        for number in 5..7 {
            push(actor, number);
            assert_eq!(get(actor, Which::Last), number);
        }
    };
    play(1, actors, accesses, one_and_two, act, after);
}

/// What was never committed is never read, and its block is another's soon.
#[test]
fn a_writer_dies_popping_and_pushing() {
    let write = |actor: &Actor<Room>| {
        shorten(actor, 1);
        push(actor, 3);
    };
    a_writer_dies(2, write, &[&[2], &[], &[3]], 0..=70);
}

/// The block of the one that was popped is another's when the next writer has put it in order.
#[test]
fn a_writer_dies_popping() {
    let write = |actor: &Actor<Room>| shorten(actor, 1);
    a_writer_dies(3, write, &[&[2], &[]], 0..=35);
}

#[test]
fn a_writer_dies_inserting() {
    let write = |actor: &Actor<Room>| {
        let inserted = locked(actor).insert(1, &encoded(3));
        inserted.expect("there is memory");
    };
    a_writer_dies(2, write, &[&[2], &[3, 2]], 0..=90);
}

#[test]
fn a_writer_dies_emptying() {
    let write = |actor: &Actor<Room>| locked(actor).clear().expect("sound words");
    a_writer_dies(2, write, &[&[2], &[]], 0..=60);
}
