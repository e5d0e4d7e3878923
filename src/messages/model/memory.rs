//! Memory: a block is one live actor's at a time, and a dead one's comes back.

use std::cell::Cell;

use super::site::{Queue, User};
use crate::sync::model::scene::{Actor, DOOMED, NOBODY_DIES, play};

/// Each takes some blocks and gives them back; then all can be had.
fn taking_turns(
    preemptions: usize,
    blocks: u32,
    actors: u32,
    accesses: impl IntoIterator<Item = u32>,
    len: fn(u32) -> u32,
) {
    let act = move |actor: &Actor<Queue>| {
        let user = User::new(actor);
        let run = user.use_blocks(len(actor.index));
        user.free_blocks(run);
    };
    let memory = move || Queue::new(blocks);
    play(preemptions, actors, accesses, memory, act, settle);
}

fn settle(actor: &Actor<Queue>) {
    User::new(actor).settle();
}

#[test]
fn two_allocators() {
    taking_turns(1, 2, 2, NOBODY_DIES, |_| 1);
    taking_turns(2, 2, 2, NOBODY_DIES, |_| 2);
}

#[test]
fn two_allocators_of_several_words() {
    taking_turns(1, 5, 2, NOBODY_DIES, |_| 4);
    taking_turns(1, 5, 2, NOBODY_DIES, |index| 1 + 3 * index);
}

#[test]
fn an_allocator_dies() {
    taking_turns(1, 2, 2, 0..=25, |_| 2);
}

#[test]
fn an_allocator_of_several_words_dies() {
    taking_turns(1, 4, 2, 0..=30, |index| 4 - 3 * index);
}

/// What the dead left lies in a word with what another takes and keeps. Who waits for it has looked in vain before it prepares to sleep.
#[test]
fn an_allocation_beside_a_sweep() {
    let act = |actor: &Actor<Queue>| {
        let user = User::new(actor);
        match actor.index {
            DOOMED => {}
            1 => drop(user.use_blocks(1)),
            _ => {
                let looked = Cell::new(false);
                let attempt = || looked.replace(true).then(|| user.try_use_blocks(2))?;
                actor.block_until(|queue| &queue.memory, attempt);
            }
        }
    };
    let memory = || Queue::new(3).with_lost_blocks(2);
    play(1, 3, [0], memory, act, |_| {});
}
