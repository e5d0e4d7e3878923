//! Pipes. Nobody takes the place of the dead there, so each victim has a new one, and survivors are told of its death.
//!
//! Ends belong to processes, and reach those that are forked in a [`Package`](crossproc::testing::Package), as if they were spawned.

mod alone;
mod beside;
mod ends;

use crossproc::pipe::{self, Receiver, Sender};
use crossproc::{RecvError, TryRecvError};

use crate::channel::{Answer, CLOSED, EMPTY, PEER_DIED};
use crate::scenario::{Density, Fate, Row};
use alone::{Reading, ReadingBytes, Writing, WritingBytes};
use beside::{Beside, Deed};
use ends::{Before, Taking};

/// Of a page of 4096 bytes; elsewhere rows of the same names have longer messages.
fn capacity() -> usize {
    create().0.capacity()
}

/// What takes exactly so much of the ring.
fn taking(bytes: usize) -> usize {
    bytes - 16
}

#[rustfmt::skip] // one row, one line
pub(crate) fn rows() -> Vec<Row> {
    let all = capacity();
    let send = |state, scenario: fn(usize) -> Writing| Row::new("pipe send", state, move || scenario(capacity()));
    let recv = |state, scenario: fn(usize) -> Reading| Row::new("pipe recv", state, move || scenario(capacity()));
    let beside = |operation, state, deed, len| Row::new(operation, state, move || Beside::new(deed, len)).unsteady();
    vec![
        send("empty", |_| Writing::new(100)),
        send("empty message", |_| Writing::new(0)),
        send("over the end of the ring", |all| Writing::new(300).at(all - 64)),
        send("the last that fits", |all| Writing::new(taking(200)).beside(taking(all - 200))),
        send("as large as the ring", |all| Writing::new(taking(all))).density(PARTS),
        send("in place, over the end of the ring", |all| Writing::new(300).at(all - 64).in_place()),
        send("goes to sleep", |all| Writing::new(100).beside(taking(all))).unsteady().density(Density::SPINNING),
        send("larger than the ring", |all| Writing::new(3 * all)).unsteady().density(Density::SPINNING_SAMPLED),
        Row::new("pipe try_send", "full", move || Writing::new(100).beside(taking(all)).trying()),
        Row::new("pipe try_send", "larger than the ring", move || Writing::new(all).trying()),
        recv("one message", |all| Reading::new(100).beside(taking(all - 120))),
        recv("as large as the ring", |all| Reading::new(taking(all))).density(PARTS),
        recv("full, two messages", |all| Reading::new(taking(200)).beside(taking(all - 200))),
        recv("over the end of the ring", |all| Reading::new(300).beside(taking(all - 320)).at(all - 64)),
        recv("in place", |all| Reading::new(100).beside(taking(all - 120)).in_place()),
        recv("goes to sleep", |all| Reading::new(taking(all)).late()).unsteady().density(Density::SPINNING),
        Row::new("pipe write", "all of an empty ring", || WritingBytes::new(0)).density(PARTS),
        Row::new("pipe write", "more than there is room for", || WritingBytes::new(1000)).density(PARTS),
        Row::new("pipe read", "all of a full ring", ReadingBytes::new).density(PARTS),
        beside("pipe send", "receiver asleep", Deed::Send, 100),
        beside("pipe send", "receiver asleep, larger than the ring", Deed::Send, 3 * all).density(Density::SPINNING_SAMPLED),
        Row::new("pipe send", "receiver asleep, disarmed", || Beside::new(Deed::Send, 100).disarmed()).unsteady().fate(Fate::KilledDisarmed),
        beside("pipe recv", "full, sender asleep", Deed::Recv, taking(all)),
        beside("pipe recv", "sender asleep, larger than the ring", Deed::Recv, 3 * all).density(Density::SPINNING_SAMPLED),
        beside("pipe close", "sender, receiver asleep", Deed::CloseSending, 100),
        beside("pipe close", "receiver, sender asleep", Deed::CloseReceiving, taking(all)).density(Density::SAMPLED),
        Row::new("pipe end", "new", || Taking::new(Before::New)).density(Density::SPINNING_SAMPLED),
        Row::new("pipe end", "used, starts anew", || Taking::new(Before::Used)).density(Density::SPINNING_SAMPLED),
        Row::new("pipe end", "reader asleep", || Taking::new(Before::ReaderAsleep)).unsteady().density(Density::SPINNING_SAMPLED),
        Row::new("pipe end", "writer asleep", || Taking::new(Before::WriterAsleep)).unsteady().density(Density::SPINNING_SAMPLED),
        beside("pipe close", "receiver, sender asleep, larger than the ring", Deed::CloseReceiving, 3 * all).density(Density::SAMPLED),
    ]
}

/// For those that copy a page, four instructions of which move as many words.
const PARTS: Density = Density {
    skip: 0,
    stride: 2,
    every: 1_800,
    reach: 2_400,
};

/// Records for the survivor, the victim, a peer and the background thread of each.
const PARTICIPANTS: u32 = 9;

fn options() -> pipe::Options {
    pipe::options().capacity(1).participants(PARTICIPANTS)
}

fn create() -> (Sender<()>, Receiver<()>) {
    options().simplex().expect("a pipe")
}

/// Message `number`, of `len` bytes that follow from it, not all the same.
fn message(number: u64, len: usize) -> Vec<u8> {
    let word =
        |index: usize| (number ^ (index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)).to_le_bytes();
    (0..len).map(|at| word(at / 8)[at % 8]).collect()
}

/// The number of an intact message: one of its first word, or 1 if it is too short for one.
fn number(message: &[u8]) -> u64 {
    let number = message
        .first_chunk()
        .map_or(1, |first| u64::from_le_bytes(*first));
    assert!(
        message == self::message(number, message.len()),
        "a torn message"
    );
    number
}

fn answer_recv(result: Result<&[u8], RecvError>) -> Answer {
    match result {
        Ok(message) => number(message),
        Err(RecvError::Closed) => CLOSED,
        Err(RecvError::PeerDied) => PEER_DIED,
        Err(fault) => panic!("{fault}"),
    }
}

fn answer_try_recv(result: Result<Vec<u8>, TryRecvError>) -> Answer {
    match result {
        Ok(message) => number(&message),
        Err(TryRecvError::Empty) => EMPTY,
        Err(TryRecvError::Closed) => CLOSED,
        Err(TryRecvError::PeerDied) => PEER_DIED,
        Err(fault) => panic!("{fault}"),
    }
}
