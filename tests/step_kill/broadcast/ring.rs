//! The ring whose senders wait for every subscriber.

use crossproc::Broadcast;
use crossproc::broadcast::Subscriber;

use crate::channel::{
    Answer, CLOSED, EMPTY, FULL, answer_recv, answer_send, answer_try_recv, answer_try_send,
};
use crate::message::message;
use crate::play::{Judge, Play, Script};
use crate::scenario::{Density, Fate, Row, Verdict};
use crate::stage::Cue::{self, Dies, Does, Sleeps, Tries};
use crate::stage::{Actor, DONE, Deed, JUDGE, Stage};

const JOIN: Deed = 1;
const LEAVE: Deed = 2;
const SEND: Deed = 3;
const TRY_SEND: Deed = 4;
const RECV: Deed = 5;
const TRY_RECV: Deed = 6;
const CLOSE: Deed = 7;
const SENT: Deed = 8;
const SUBSCRIBERS: Deed = 9;

const CAPACITY: u64 = 2;
/// Rows have many times as many points, so the places of the dead must come back.
const PARTICIPANTS: u32 = 18;

/// Everything that is sent reaches the judge.
const JUDGE_JOINS: Cue = Does(JUDGE, JOIN);
const JUDGE_RECEIVES: Cue = Does(JUDGE, RECV);
/// Number 1 is a whole ring behind, and nobody else is.
const FULL_FOR_ONE: &[Cue] = &[
    JUDGE_JOINS,
    Does(1, JOIN),
    Does(2, SEND),
    Does(2, SEND),
    JUDGE_RECEIVES,
    JUDGE_RECEIVES,
];
/// The victim is, and a sender waits for it.
const FULL_FOR_VICTIM: &[Cue] = &[
    JUDGE_JOINS,
    Does(1, SEND),
    Does(1, SEND),
    JUDGE_RECEIVES,
    JUDGE_RECEIVES,
    Sleeps(1, SEND),
];

#[rustfmt::skip] // one row, one line
pub(crate) fn rows() -> Vec<Row> {
    let send = |state, script| row("broadcast send", state, judge, Script { act: &[SEND], ..script });
    let recv = |state, script| row("broadcast recv", state, judge, Script { ready: &[JOIN], act: &[RECV], ..script });
    let join = |state, script| row("broadcast subscribe", state, judge, Script { act: &[JOIN], ..script });
    let leave = |state, script| row("broadcast unsubscribe", state, judge, Script { ready: &[JOIN], act: &[LEAVE], ..script });
    let spins = |row: Row| row.unsteady().density(Density::SPINNING_SAMPLED);
    let alone = Script { before: &[JUDGE_JOINS], ..Script::default() };
    let full = Script { before: FULL_FOR_ONE, ..Script::default() };
    let another = Script { late: &[Tries(1, SEND)], ..alone };
    vec![
        send("nobody waits", alone),
        send("a subscriber asleep", Script { before: &[JUDGE_JOINS, Does(1, JOIN), Sleeps(1, RECV)], ..alone }),
        send("three subscribers asleep", Script { before: &[JUDGE_JOINS, Does(1, JOIN), Sleeps(1, RECV), Does(2, JOIN), Sleeps(2, RECV), Does(3, JOIN), Sleeps(3, RECV)], ..alone }).density(Density::SAMPLED),
        send("full, the slowest is dead", Script { before: &[JUDGE_JOINS, Does(1, JOIN), Does(2, SEND), Does(2, SEND), JUDGE_RECEIVES, JUDGE_RECEIVES, Dies(1)], ..alone }),
        spins(send("full, goes to sleep", full)),
        spins(send("full, goes to sleep, another behind", Script { rouse: &[Tries(2, SEND), Does(1, RECV), Does(1, RECV)], ..full })),
        spins(send("full, the slowest dies while it sleeps", Script { rouse: &[Dies(1)], ..full })),
        row("broadcast send", "try, full", judge, Script { act: &[TRY_SEND], ..full }).density(Density::SAMPLED),
        send("another comes to send", another).density(Density::SAMPLED),
        send("another does, stopped but alive", another).density(Density::SAMPLED).fate(Fate::Held),
        send("another comes to subscribe", Script { late: &[Tries(1, JOIN)], ..alone }).density(Density::SAMPLED),
        join("vacant", alone),
        join("in place of one that died", Script { before: &[JUDGE_JOINS, Does(1, JOIN), Dies(1)], ..alone }).density(Density::SAMPLED),
        join("another comes to send", another).density(Density::SAMPLED),
        recv("nobody waits", Script { before: &[JUDGE_JOINS, Does(1, SEND)], ..alone }),
        recv("a sender asleep", Script { before: FULL_FOR_VICTIM, ..alone }),
        spins(recv("goes to sleep", Script { rouse: &[Does(1, SEND)], ..alone })),
        spins(recv("goes to sleep beside another", Script { before: &[JUDGE_JOINS, Does(2, JOIN), Sleeps(2, RECV)], rouse: &[Does(1, SEND)], ..alone })),
        leave("nobody waits", alone),
        leave("a sender asleep", Script { before: FULL_FOR_VICTIM, ..alone }),
        row("broadcast close", "two subscribers asleep", judge_close, Script { act: &[CLOSE], before: &[Does(1, JOIN), Sleeps(1, RECV), Does(2, JOIN), Sleeps(2, RECV)], ..Script::default() }).density(Density::SAMPLED),
    ]
}

fn row(operation: &'static str, state: &'static str, judge: Judge<Hands>, script: Script) -> Row {
    Row::new(operation, state, move || {
        let play = Play::new(create, judge, script);
        if script.acts(CLOSE) > 0 {
            play.anew()
        } else {
            play
        }
    })
}

fn create() -> Broadcast<[u64; 3]> {
    let options = Broadcast::options()
        .capacity(CAPACITY as usize)
        .participants(PARTICIPANTS);
    options.anonymous().expect("a ring")
}

struct Hands {
    ring: &'static Broadcast<[u64; 3]>,
    subscriber: Option<Subscriber<[u64; 3]>>,
    /// How many messages this process has made.
    numbers: u64,
}

impl Hands {
    /// Unlike any other.
    fn message(&mut self) -> [u64; 3] {
        self.numbers += 1;
        message(u64::from(std::process::id()) << 32 | self.numbers)
    }

    fn subscriber(&mut self) -> &mut Subscriber<[u64; 3]> {
        self.subscriber.as_mut().expect("it has joined")
    }
}

impl Actor for Hands {
    type Shared = Broadcast<[u64; 3]>;

    fn enter(ring: &'static Self::Shared) -> Self {
        drop(ring.subscribe().expect("a seat"));
        Hands {
            ring,
            subscriber: None,
            numbers: 0,
        }
    }

    fn perform(&mut self, deed: Deed) -> Answer {
        match deed {
            JOIN => self.subscriber = Some(self.ring.subscribe().expect("a seat")),
            LEAVE => self.subscriber = None,
            SEND => return answer_send(self.ring.send(self.message())),
            TRY_SEND => return answer_try_send(self.ring.try_send(self.message())),
            RECV => return answer_recv(self.subscriber().recv()),
            TRY_RECV => return answer_try_recv(self.subscriber().try_recv()),
            CLOSE => self.ring.close(),
            SENT => return self.ring.sent(),
            SUBSCRIBERS => return self.ring.subscribers() as u64,
            _ => unreachable!("no deed of a ring"),
        }
        DONE
    }

    fn undo(deed: Deed) -> Option<Deed> {
        (deed == JOIN).then_some(LEAVE)
    }

    fn repairs(ring: &Self::Shared) -> u64 {
        ring.repairs()
    }
}

/// Whoever waits is served; the judge receives all that is sent, once; and then the ring is as good as new.
fn judge(stage: &mut Stage<Hands>, script: &Script, returned: Option<Answer>) -> Verdict {
    let served = stage.serve_no_heirs();
    let sent = stage.ask(SENT) - stage.known;
    let mine = sent - script.cued(SEND);
    assert!(mine <= script.acts(SEND), "sent twice");
    if let Some(answer) = returned {
        assert_eq!(mine, script.acts(SEND), "it said that it was sent");
        assert!(script.acts(TRY_SEND) == 0 || answer == FULL);
        assert!(script.acts(RECV) == 0 || answer < CLOSED);
    }
    if !served {
        assert_eq!(mine, 0, "sent, and somebody was left sleeping");
        assert!(script.acts(SEND) > 0, "somebody was left sleeping");
        stage.ask(SEND);
        assert!(stage.serve(), "the next to send wakes them");
    }

    let received = drain(stage);
    let before = script.before.iter();
    let early = before.filter(|cue| (cue.who(), cue.deed()) == (JUDGE, Some(RECV)));
    let early = early.count() as u64;
    let all = stage.ask(SENT) - stage.known;
    assert_eq!(received.len() as u64 + early, all, "lost, or sent twice");
    let is_new = |index: usize| !received[..index].contains(&received[index]);
    assert!((0..received.len()).all(is_new), "{received:?}");
    let by_others: Vec<Answer> = stage.answers(RECV).collect();
    let is_the_judges = |answer| early > 0 || received.contains(answer);
    assert!(by_others.iter().all(is_the_judges), "{by_others:?}");

    let repaired = stage.has_repaired();
    assert_eq!(stage.ask(SUBSCRIBERS), 1, "the judge alone");
    for _ in 0..CAPACITY {
        assert_eq!(stage.ask(TRY_SEND), DONE, "there is room");
    }
    assert_eq!(stage.ask(TRY_SEND), FULL, "the judge is waited for");
    assert_eq!(drain(stage).len() as u64, CAPACITY);
    stage.ask(LEAVE);
    stage.known = stage.ask(SENT);
    let committed = if script.acts(SEND) > 0 {
        mine
    } else {
        returned.is_some().into()
    };
    Verdict {
        committed,
        repaired,
        lost_wake: false,
    }
}

/// All that is there for the judge.
fn drain(stage: &mut Stage<Hands>) -> Vec<Answer> {
    std::iter::from_fn(|| Some(stage.ask(TRY_RECV)).filter(|answer| *answer != EMPTY)).collect()
}

/// All who wait are told, or nothing happened.
fn judge_close(stage: &mut Stage<Hands>, _: &Script, returned: Option<Answer>) -> Verdict {
    let told = stage.serve_no_heirs();
    let is_closed = stage.ask(TRY_SEND) == CLOSED;
    assert!(is_closed || returned.is_none());
    if is_closed {
        assert!(told, "closed, and somebody was left sleeping");
        assert!(stage.answers(RECV).all(|answer| answer == CLOSED));
    } else {
        assert!(stage.serve(), "the next to send wakes them");
        assert!(stage.answers(RECV).all(|answer| answer < CLOSED));
    }
    assert_eq!(stage.answers(RECV).count(), 2);
    Verdict {
        committed: is_closed.into(),
        ..Verdict::default()
    }
}
