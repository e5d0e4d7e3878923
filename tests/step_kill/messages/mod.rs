//! Queues for messages of any size, leases, and the memory that they are made of.

mod digger;
mod hands;
mod judge;

use crate::play::{Play, Script};
use crate::scenario::{Density, Fate, Row};
use crate::stage::Cue::{self, Dies, Does, Sleeps, Tries};
use crate::stage::JUDGE;
use digger::{Dead, Digger};
use hands::{
    ACK, BLOCKS, CLOSE, DROP, FILL, Hands, LEASE, LOAN, LOAN_ALL, LOAN_LARGE, OTHER, RECV, SEND,
    SEND_1, SEND_2, SEND_LARGE_1, SEND_LARGE_MINE, SEND_MINE, TRY_IDLE, TRY_LEASE, TRY_LOAN,
    TRY_LOAN_ALL, TRY_RECV, WAIT_IDLE, create,
};
use judge::{judge, judge_closing};

/// Receivers and those who look for memory ask everybody what they are about to do: that takes a thousand instructions.
const LONG: Density = Density {
    skip: 0,
    stride: 5,
    every: 1_500,
    reach: 2_500,
};
const SAMPLED: Density = Density { stride: 11, ..LONG };
/// Looking at a hole again and again before it is given up takes longer still.
const PAST_HOLE: Density = Density {
    skip: 0,
    stride: 11,
    every: 2_400,
    reach: 3_000,
};

/// The judge has it, and keeps it until it judges.
const ALL_BUT_ONE_BLOCK: [Cue; BLOCKS + 1] = {
    let mut cues = [Does(JUDGE, LOAN); BLOCKS + 1];
    cues[BLOCKS - 1] = Sleeps(1, LOAN_ALL);
    cues[BLOCKS] = Sleeps(2, LOAN);
    cues
};

#[rustfmt::skip] // one row, one line
pub(crate) fn rows() -> Vec<Row> {
    let row = |operation, state, script: Script| Row::new(operation, state, move || Play::<Hands>::new(create, judge, script));
    let after = |dead, operation, state, script| Row::new(operation, state, move || Digger::before(dead, script));
    let beside = |dead, operation, state, script| Row::new(operation, state, move || Digger::beside(dead, script));
    let elsewhere = |dead, operation, state, script| Row::new(operation, state, move || Digger::elsewhere(dead, script));
    let closing = |operation, state, script| Row::new(operation, state, move || Play::<Hands>::new(create, judge_closing, script).anew());
    let long = |row: Row| row.density(LONG);
    let sampled = |row: Row| row.density(SAMPLED);
    let past_hole = |row: Row| row.density(PAST_HOLE);
    let disturbed = |row: Row| row.density(SAMPLED).unsteady();
    let held = |row: Row| row.unsteady().fate(Fate::Held);
    let spins = |row: Row| row.unsteady().density(Density::SPINNING_SAMPLED);
    let none = Script::default();
    vec![
        row("loan", "one block", Script { act: &[LOAN], ..none }),
        row("loan", "many blocks", Script { act: &[LOAN_LARGE], ..none }),
        sampled(row("loan", "beside its own, others wait for all", Script { ready: &[LOAN], act: &[LOAN], before: &[Sleeps(1, LOAN_ALL), Sleeps(2, LOAN_ALL)], ..none })),
        sampled(row("loan", "many blocks, too few are free", Script { act: &[TRY_LOAN_ALL], before: &[Does(1, LOAN)], ..none })),
        disturbed(row("loan", "others want all of it", Script { act: &[LOAN], late: &[Dies(2), Tries(1, TRY_LOAN_ALL)], ..none })),
        held(row("loan", "others want all of it, stopped but alive", Script { act: &[LOAN], late: &[Dies(2), Tries(1, TRY_LOAN_ALL)], done: &[Tries(3, TRY_LOAN)], ..none })),
        held(sampled(row("loan", "many blocks, others want all, stopped", Script { act: &[LOAN_LARGE], late: &[Dies(2), Tries(1, TRY_LOAN_ALL)], done: &[Tries(3, TRY_LOAN)], ..none }))),
        spins(row("loan", "goes to sleep", Script { act: &[LOAN_ALL], before: &[Does(1, LOAN)], ..none })),
        spins(row("loan", "goes to sleep beside others", Script { act: &[LOAN_ALL], before: &[Does(1, LOAN_LARGE), Sleeps(2, LOAN_ALL), Sleeps(3, LOAN_LARGE)], ..none })),
        spins(row("loan", "holder dies while it sleeps", Script { act: &[LOAN_ALL], before: &[Does(1, LOAN)], rouse: &[Tries(2, LOAN_ALL), Dies(1)], ..none })),
        long(row("loan", "sweeps: a loan of the dead", Script { act: &[TRY_LOAN_ALL], before: &[Does(1, LOAN), Dies(1)], ..none })),
        sampled(row("loan", "sweeps: loans and messages of the dead, not leases", Script { act: &[TRY_LOAN_ALL], before: &[Does(3, SEND_1), Does(3, SEND_2), Does(1, RECV), Does(1, LEASE), Does(1, LOAN), Dies(1), Does(2, LOAN), Dies(2)], late: &[Tries(3, LOAN_ALL)], ..none })).unsteady(),
        sampled(after(Dead::Taking, "loan", "sweeps: blocks without a chunk", Script { act: &[TRY_LOAN_ALL], ..none })),
        held(sampled(after(Dead::Taking, "loan", "sweeps, others do, stopped but alive", Script { act: &[LOAN], late: &[Tries(1, LOAN_ALL)], ..none }))),
        held(sampled(elsewhere(Dead::Taking, "loan", "others sweep another queue, stopped but alive", Script { act: &[LOAN_LARGE], late: &[Does(1, LOAN_ALL | OTHER)], ..none }))),
        row("loan drop", "two wait for all of it", Script { ready: &[LOAN_ALL], act: &[DROP], before: &[Sleeps(1, LOAN_ALL), Sleeps(2, LOAN_ALL)], ..none }),
        sampled(row("loan drop", "one wants little, one wants much", Script { ready: &[LOAN_LARGE], act: &[DROP], before: &[Does(3, LOAN), Sleeps(1, SEND_LARGE_1), Sleeps(2, LOAN_LARGE)], ..none })),
        row("loan drop", "one wants more than that, one behind it does not", Script { ready: &[LOAN], act: &[DROP], before: &ALL_BUT_ONE_BLOCK, ..none }),
        held(row("loan drop", "others want all of it, stopped but alive", Script { ready: &[LOAN], act: &[DROP], late: &[Dies(2), Tries(1, LOAN_ALL)], done: &[Tries(3, TRY_LOAN)], ..none })),
        row("loan fill", "one waits for all of it", Script { ready: &[LOAN], act: &[FILL], before: &[Sleeps(1, LOAN_ALL)], ..none }),

        row("loan send", "nobody waits", Script { ready: &[LOAN, FILL], act: &[SEND], ..none }),
        sampled(row("loan send", "many blocks, two receivers asleep", Script { ready: &[LOAN_LARGE, FILL], act: &[SEND], before: &[Sleeps(1, RECV), Sleeps(2, LEASE)], ..none })),
        row("loan send", "a receiver asleep, one waits for all", Script { ready: &[LOAN, FILL], act: &[SEND], before: &[Sleeps(1, RECV), Sleeps(2, LOAN_ALL)], ..none }),
        disturbed(row("loan send", "overtaken", Script { ready: &[LOAN, FILL], act: &[SEND], late: &[Does(1, SEND_1), Tries(2, RECV), Tries(3, WAIT_IDLE)], ..none })),
        held(sampled(row("loan send", "overtaken, stopped but alive", Script { ready: &[LOAN, FILL], act: &[SEND], late: &[Dies(3), Does(1, SEND_1), Tries(2, RECV), Tries(1, LEASE)], ..none }))),
        row("send", "a copy", Script { act: &[SEND_MINE], ..none }),
        sampled(row("send", "a copy, a receiver asleep", Script { act: &[SEND_MINE], before: &[Sleeps(1, LEASE)], ..none })),
        spins(row("send", "a copy of many blocks, goes to sleep", Script { act: &[SEND_LARGE_MINE], before: &[Does(1, LOAN_LARGE)], ..none })),

        long(row("message recv", "one of two", Script { act: &[RECV], before: &[Does(1, SEND_1), Does(1, SEND_2)], ..none })),
        sampled(row("message recv", "one waits for all of the memory", Script { act: &[RECV], before: &[Does(1, SEND_LARGE_1), Sleeps(2, LOAN_ALL)], ..none })),
        sampled(row("message recv", "one waits for nothing to be left", Script { act: &[RECV], before: &[Does(1, SEND_1), Sleeps(2, WAIT_IDLE)], ..none })),
        disturbed(row("message recv", "others look for what it may leave", Script { act: &[TRY_RECV], before: &[Does(1, SEND_1), Does(1, SEND_2)], late: &[Dies(3), Tries(2, TRY_RECV)], ..none })),
        held(sampled(row("message recv", "others look for it, stopped but alive", Script { act: &[TRY_RECV], before: &[Does(1, SEND_1)], late: &[Dies(3), Tries(2, TRY_RECV)], ..none }))),
        held(sampled(row("message recv", "others wait for the last, stopped but alive", Script { act: &[TRY_RECV, DROP], before: &[Does(1, SEND_1)], late: &[Dies(3), Tries(2, RECV), Tries(1, WAIT_IDLE)], ..none }))),
        held(sampled(beside(Dead::Receiving, "message recv", "another dies over the same one, stopped", Script { act: &[TRY_RECV, DROP], before: &[Does(1, SEND_1)], late: &[Tries(2, RECV)], ..none }))),
        held(sampled(beside(Dead::Receiving, "message recv", "another dies over it, a next one comes, stopped", Script { act: &[TRY_RECV, DROP], before: &[Does(1, SEND_1)], late: &[Tries(2, TRY_RECV), Does(1, SEND_2)], done: &[Tries(2, RECV)], ..none }))),
        spins(row("message recv", "goes to sleep", Script { act: &[RECV], rouse: &[Does(1, SEND_1)], ..none })),
        spins(row("message recv", "goes to sleep beside another", Script { act: &[RECV], before: &[Sleeps(2, RECV)], rouse: &[Does(1, SEND_1), Does(1, SEND_2)], ..none })),
        row("message drop", "two wait for all of the memory", Script { ready: &[SEND_1, RECV], act: &[DROP], before: &[Sleeps(1, LOAN_ALL), Sleeps(2, LOAN_ALL)], ..none }),

        disturbed(row("lease", "one waits for it, one for nothing to be left", Script { act: &[LEASE], before: &[Does(1, SEND_1), Sleeps(2, WAIT_IDLE)], late: &[Tries(3, LEASE)], ..none })),
        spins(row("lease", "goes to sleep beside another", Script { act: &[LEASE], before: &[Sleeps(2, LEASE)], rouse: &[Does(1, SEND_1), Does(1, SEND_2)], ..none })),
        spins(row("lease", "leaseholder dies while it sleeps", Script { act: &[LEASE], before: &[Does(3, SEND_1), Does(1, LEASE)], rouse: &[Tries(2, LEASE), Dies(1), Does(3, SEND_2)], ..none })),
        row("ack", "everybody waits", Script { ready: &[SEND_1, LEASE], act: &[ACK], before: &[Sleeps(1, WAIT_IDLE), Sleeps(2, LEASE), Sleeps(3, LOAN_ALL)], ..none }),
        sampled(row("ack", "two wait for nothing to be left", Script { ready: &[SEND_1, LEASE], act: &[ACK], before: &[Sleeps(1, WAIT_IDLE), Sleeps(2, WAIT_IDLE)], ..none })),
        row("lease drop", "everybody waits", Script { ready: &[SEND_1, LEASE], act: &[DROP], before: &[Sleeps(1, WAIT_IDLE), Sleeps(2, LEASE), Sleeps(3, LOAN_ALL)], ..none }),
        held(sampled(row("lease drop", "another comes to wait, stopped but alive", Script { ready: &[SEND_1, LEASE], act: &[DROP], late: &[Tries(1, RECV)], ..none }))),

        long(row("adopt", "leased by the dead", Script { act: &[LEASE], before: &[Does(2, SEND_1), Does(1, LEASE), Dies(1)], ..none })),
        disturbed(row("adopt", "leased by the dead, others want it", Script { act: &[TRY_LEASE], before: &[Does(2, SEND_1), Does(1, LEASE), Dies(1)], late: &[Tries(2, RECV), Tries(3, WAIT_IDLE)], ..none })),
        held(sampled(row("adopt", "leased by the dead, others want it, stopped", Script { act: &[TRY_RECV], before: &[Does(2, SEND_1), Does(1, LEASE), Dies(1)], late: &[Tries(2, RECV), Tries(3, WAIT_IDLE)], ..none }))),
        sampled(row("adopt", "returned", Script { act: &[RECV], before: &[Does(2, SEND_1), Does(1, LEASE), Does(1, DROP)], ..none })),
        sampled(after(Dead::Receiving, "adopt", "half received by the dead", Script { act: &[RECV], before: &[Does(1, SEND_1)], ..none })),
        disturbed(after(Dead::Sending, "adopt", "behind a hole", Script { act: &[TRY_RECV], late: &[Tries(1, RECV)], ..none })),
        held(past_hole(after(Dead::Sending, "adopt", "behind a hole, stopped but alive", Script { act: &[TRY_RECV], late: &[Tries(1, RECV), Tries(2, WAIT_IDLE)], ..none }))),
        sampled(after(Dead::Claiming, "message recv", "behind a hole", Script { act: &[TRY_RECV], late: &[Does(1, SEND_1), Tries(2, RECV)], ..none })).unsteady(),

        held(sampled(elsewhere(Dead::Sending, "loan send", "others pass another queue's hole, stopped", Script { ready: &[LOAN, FILL], act: &[SEND], late: &[Does(1, RECV | OTHER)], ..none }))),
        held(sampled(elsewhere(Dead::Receiving, "message recv", "others adopt from another queue, stopped", Script { act: &[TRY_RECV], before: &[Does(1, SEND_1), Does(1, SEND_1 | OTHER)], late: &[Does(1, RECV | OTHER)], ..none }))),

        closing("message close", "everybody waits", Script { act: &[CLOSE], before: &[Does(3, LOAN), Sleeps(1, RECV), Sleeps(2, LEASE)], ..none }),
        closing("message close", "who waits for memory", Script { act: &[CLOSE], before: &[Does(3, LOAN), Sleeps(1, LOAN_ALL), Sleeps(2, LOAN_ALL)], ..none }),
        closing("ack", "closed, receivers wait", Script { ready: &[SEND_1, LEASE, CLOSE], act: &[ACK], before: &[Sleeps(1, RECV), Sleeps(2, LEASE)], ..none }),
        sampled(closing("lease drop", "closed, receivers wait", Script { ready: &[SEND_1, LEASE, CLOSE], act: &[DROP], before: &[Sleeps(1, RECV), Sleeps(2, LEASE)], ..none })),
        held(past_hole(after(Dead::Sending, "wait_idle", "gives up a hole, stopped but alive", Script { act: &[TRY_IDLE], late: &[Tries(1, RECV)], ..none }))),
        spins(row("wait_idle", "goes to sleep", Script { act: &[WAIT_IDLE], before: &[Does(2, SEND_1), Does(1, LEASE)], ..none })),
        spins(row("wait_idle", "goes to sleep, a leaseholder dies", Script { act: &[WAIT_IDLE], before: &[Does(2, SEND_1), Does(1, LEASE), Sleeps(2, WAIT_IDLE)], rouse: &[Dies(1), Does(3, LEASE)], ..none })),
    ]
}
