//! What the model checker says about a shard of a dict: a reader finds what is there, whole, and nothing else, whatever a writer does meanwhile with the memory
//! of what was there before; and who takes the lock from a dead writer finds the old or the new.
//!
//! The algorithm is the real one, on words of the model checker: pages of two blocks, tables of two slots to begin with. A value is two relaxed words, so that a
//! torn or a stale one is seen. One writer at a time has the lock, or there is only one.
//!
//! With `SEEDED_BUG=commit` a record is referred to without a Release; with `=retire` there is no fence before memory is written to again; with `=link`
//! readers do not look at the link again, with `=root` not at the root; with `=heir` whoever takes the lock from the dead takes the blocks that are in use for free ones.

use super::table::{Entrance, Locked, Read, Spot, read};
use crate::atomic::Ordering;
use crate::heap::model::{Room, SHARD_AT};
use crate::heap::{Copied, LOCK, Memory, Shard, Tenant};
use crate::sync::lock::{ORPHANED, try_lock};
use crate::sync::model::scene::{Actor, DOOMED, NOBODY_DIES, play};

const EPOCH: u64 = SHARD_AT + 16;

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
        epoch: EPOCH,
    }
}

/// Both keys begin their search at the same slot.
const HASH: u64 = 0;

fn find<M: Memory>(memory: &M, key: u64) -> (Spot, u64) {
    let mut copied = Copied::new();
    let spot = locked(memory).find(HASH, &key.to_le_bytes(), &mut copied);
    let spot = spot.expect("sound words");
    let value = match spot {
        Spot::Found { .. } => value(&copied),
        Spot::Absent => 0,
    };
    (spot, value)
}

fn put<M: Memory>(memory: &M, key: u64, number: u64) {
    let half = number.to_le_bytes();
    let (spot, _) = find(memory, key);
    let value = [half, half].concat();
    let put = locked(memory).put(spot, HASH, &key.to_le_bytes(), &value);
    put.expect("there is memory");
}

fn remove<M: Memory>(memory: &M, key: u64) {
    if let (Spot::Found { slot, link }, _) = find(memory, key) {
        locked(memory).remove(slot, link).expect("sound words");
        locked(memory).trim().expect("sound words");
    }
}

/// What `clear` does, but for the lock.
fn clear<M: Memory>(memory: &M) {
    memory.long(EPOCH).fetch_add(1, Ordering::AcqRel);
    locked(memory).enter().expect("sound words");
}

fn value(copied: &Copied) -> u64 {
    let (one, other) = copied.value().split_at(8);
    assert!(one == other && one != [0; 8], "torn or stale");
    u64::from_le_bytes(one.try_into().unwrap())
}

/// Reads until nobody interferes; zero for none.
fn get(actor: &Actor<Room>, key: u64) -> u64 {
    let entrance = Entrance {
        shard: SHARD_AT,
        epoch: EPOCH,
    };
    let mut copied = Copied::new();
    loop {
        match read(actor, entrance, HASH, &key.to_le_bytes(), &mut copied) {
            Ok(Read::Found) => return value(&copied),
            Ok(Read::Absent) => return 0,
            // The writer has moved on. It does so only so often.
            Ok(Read::Overtaken) => loom::thread::yield_now(),
            Err(error) => panic!("sound words taken for corrupted: {error:?}"),
        }
    }
}

/// Two keys: the first has value 1, the second 2.
fn two_keys() -> Room {
    let room = Room::new(6);
    put(&room, 1, 1);
    put(&room, 2, 2);
    room
}

/// One reads the first key, to which it may find what `is_sound` says, while another writes.
fn beside(preemptions: usize, write: fn(&Actor<Room>), is_sound: fn(u64) -> bool) {
    let act = move |actor: &Actor<Room>| match actor.index {
        DOOMED => write(actor),
        _ => {
            let found = get(actor, 1);
            assert!(is_sound(found), "lost, or another's: {found}");
        }
    };
    play(preemptions, 2, NOBODY_DIES, two_keys, act, |_| {});
}

/// The block of the old value is used again, for the other key.
#[test]
fn a_value_is_replaced() {
    let write = |actor: &Actor<Room>| {
        put(actor, 1, 3);
        put(actor, 2, 4);
    };
    beside(2, write, |found| found == 1 || found == 3);
}

/// The same slot, another record.
#[test]
fn a_key_is_removed_and_comes_back() {
    let write = |actor: &Actor<Room>| {
        remove(actor, 1);
        put(actor, 1, 3);
    };
    beside(2, write, |found| [0, 1, 3].contains(&found));
}

/// The table's page is used again.
#[test]
fn the_table_is_made_anew() {
    let write = |actor: &Actor<Room>| {
        put(actor, 3, 3);
        put(actor, 4, 4);
        put(actor, 5, 5);
    };
    beside(1, write, |found| found == 1);
}

#[test]
fn the_dict_is_emptied() {
    let write = |actor: &Actor<Room>| {
        clear(actor);
        put(actor, 1, 4);
    };
    beside(1, write, |found| [0, 1, 4].contains(&found));
}

/// The first dies somewhere, the second goes on. What it finds is the old or the new, and it can change everything.
fn a_writer_dies(write: fn(&Actor<Room>), accesses: impl IntoIterator<Item = u32>) {
    let act = move |actor: &Actor<Room>| {
        if actor.index == DOOMED {
            lock(actor);
            write(actor);
        }
    };
    let after = |actor: &Actor<Room>| {
        let before = get(actor, 1);
        lock(actor);
        assert_eq!(find(actor, 1).1, before, "putting it in order changed it");
        assert!([0, 1, 3].contains(&before), "lost, or another's: {before}");
        let other = find(actor, 2).1;
        assert!([2, 0].contains(&other), "another key is lost");
        for number in 5..7 {
            put(actor, 1, number);
            put(actor, number, number);
            assert_eq!(
                [find(actor, 1).1, find(actor, number).1],
                [number; 2],
                "a block of two records"
            );
            remove(actor, number);
        }
        assert_eq!(find(actor, 2).1, other, "its block was another's");
    };
    play(1, 1, accesses, two_keys, act, after);
}

/// Takes the lock and puts in order what it finds.
fn lock(actor: &Actor<Room>) {
    let claim = actor.access().long(SHARD_AT + LOCK);
    let taken = try_lock(claim, actor.me(), |owner| actor.is_live(owner));
    if taken.expect("its owner is dead").tag & ORPHANED != 0 {
        locked(actor).recover().expect("sound words");
    }
    locked(actor).enter().expect("sound words");
}

#[test]
fn a_writer_dies_replacing() {
    a_writer_dies(|actor| put(actor, 1, 3), 0..=150);
}

#[test]
fn a_writer_dies_removing() {
    a_writer_dies(|actor| remove(actor, 1), 0..=150);
}

#[test]
fn a_writer_dies_emptying() {
    a_writer_dies(|actor| clear(actor), 0..=100);
}
