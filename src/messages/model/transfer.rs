//! Messages: what was sent is delivered once, what a dead one had on lease to another, and nobody sleeps on.

use super::super::delivery;
use super::super::transfer::Purpose::{self, Keep, Lease};
use super::site::{Queue, User};
use crate::sync::model::scene::{Actor, DOOMED, NOBODY_DIES, play};

/// What is left is received; then each message that was surely sent has been delivered, or was perhaps by the dead, and none twice.
fn settle(actor: &Actor<Queue>) {
    User::new(actor).settle();
    let queue = actor.aside();
    for value in 0..queue.sent.len() {
        let [sent, delivered, perhaps] =
            [&queue.sent, &queue.delivered, &queue.perhaps].map(|tallies| tallies[value].get());
        assert!(sent <= delivered + perhaps, "lost");
        assert!(delivered <= 1, "duplicated");
    }
}

/// The same where number 0 may have died with what it had received.
fn settle_but_for_one(actor: &Actor<Queue>) {
    actor.aside().perhaps[1].set(1);
    settle(actor);
}

/// Number 0 sends. Each other does, too, and receives one; it sleeps until there is one.
fn sending(preemptions: usize, others: u32, accesses: impl IntoIterator<Item = u32>) {
    let act = |actor: &Actor<Queue>| {
        let user = User::new(actor);
        let sent = user.send(actor.index + 1);
        if sent.is_ok() && actor.index != DOOMED {
            user.receive(Keep, false);
        }
    };
    play(
        preemptions,
        others + 1,
        accesses,
        || Queue::new(2),
        act,
        settle,
    );
}

#[test]
fn two_senders() {
    sending(2, 1, NOBODY_DIES);
}

#[test]
fn a_sender_dies() {
    sending(1, 1, 0..=35);
}

/// All receive until a closed queue has nothing left for them.
fn receiving(
    preemptions: usize,
    receivers: u32,
    accesses: impl IntoIterator<Item = u32>,
    purpose: Purpose,
    gives_back: bool,
) {
    let act = move |actor: &Actor<Queue>| {
        let user = User::new(actor);
        let gives_back = gives_back && actor.index == DOOMED;
        while user.receive(purpose, gives_back).is_some() {}
    };
    let memory = || Queue::new(1).with_message(1).closed();
    let after = match purpose {
        Keep => settle_but_for_one,
        Lease => settle,
    };
    play(preemptions, receivers, accesses, memory, act, after);
}

#[test]
fn two_receivers() {
    receiving(2, 2, NOBODY_DIES, Lease, false);
}

#[test]
fn a_receiver_dies() {
    receiving(1, 2, 0..=40, Keep, false);
}

#[test]
fn one_with_a_lease_dies() {
    receiving(1, 2, 0..=40, Lease, false);
}

#[test]
fn a_lease_is_given_back() {
    receiving(1, 2, NOBODY_DIES, Lease, true);
    receiving(1, 2, 0..=30, Lease, true);
}

/// One looks whether there is a message, another waits for it: it lies in a hole.
#[test]
fn a_message_in_a_hole() {
    let act = |actor: &Actor<Queue>| match actor.index {
        DOOMED => {}
        1 => drop(delivery::is_ready(&User::new(actor))),
        _ => drop(User::new(actor).receive(Keep, false)),
    };
    let memory = || Queue::new(1).with_message_in_a_hole(1);
    play(1, 3, [0], memory, act, settle);
}

/// One waits until nothing is left: a message, which another receives, and a hole behind it.
#[test]
fn idle_but_for_a_hole() {
    let act = |actor: &Actor<Queue>| match actor.index {
        DOOMED => {}
        1 => drop(User::new(actor).receive(Lease, false)),
        _ => User::new(actor).wait_idle(),
    };
    let memory = || Queue::new(2).with_message(1).with_hole();
    play(1, 3, [0], memory, act, settle);
}
