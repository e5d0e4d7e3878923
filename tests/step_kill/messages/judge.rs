//! What has to be true after a death, whoever did what.

use std::collections::BTreeSet;

use super::hands::{
    ACK, CLOSE, DROP, Hands, LATER, LEASE, LOAN, LOAN_ALL, LOAN_LARGE, OTHER, RECV, SEND,
    SEND_LATER, TRY_IDLE, TRY_LEASE, TRY_LOAN_ALL, TRY_RECV, WAIT_IDLE, deliveries, sends,
};
use crate::channel::{Answer, CLOSED};
use crate::play::Script;
use crate::scenario::Verdict;
use crate::stage::{Actor, DONE, Deed, Stage, WOULD_BLOCK};

const RECEIVES: [Deed; 2] = [RECV, TRY_RECV];
const LEASES: [Deed; 2] = [LEASE, TRY_LEASE];
const ALL: [Deed; 2] = [LOAN_ALL, TRY_LOAN_ALL];

/// What the victim, at a row's end, has certainly sent and taken, and what it may have.
struct Expected {
    /// Numbers of messages that are there, or have been received.
    certain: BTreeSet<u64>,
    /// The number of the one that the victim may have sent.
    mine: Option<u64>,
    /// So many the victim took for good before it was watched.
    gone: usize,
    /// So many more it may have taken.
    taken: usize,
    /// Whether its death gives anything to others.
    leaves: bool,
    /// How often a message may have been delivered for nothing.
    leases: u64,
}

impl Expected {
    fn of(script: &Script) -> Expected {
        let count = |deeds: &[Deed], kinds: &[Deed]| {
            let of_kind = deeds.iter().filter(|deed| kinds.contains(deed));
            of_kind.count()
        };
        let mine = |deeds: &'static [Deed]| deeds.iter().copied().filter_map(sends);
        let both = |kinds: &[Deed]| count(script.ready, kinds) + count(script.act, kinds);
        let takes = both(&[
            RECV,
            TRY_RECV,
            LEASE,
            TRY_LEASE,
            LOAN,
            LOAN_LARGE,
            LOAN_ALL,
            TRY_LOAN_ALL,
        ]);
        let cued = script.cued_deeds();
        let leases = both(&LEASES) + count(&cued, &LEASES);
        Expected {
            certain: cued
                .iter()
                .copied()
                .filter_map(sends)
                .chain(mine(script.ready))
                .collect(),
            mine: mine(script.act).next(),
            gone: count(script.ready, &RECEIVES) + count(script.ready, &[ACK]),
            taken: count(script.act, &RECEIVES) + count(script.act, &[ACK]),
            leaves: takes > both(&[DROP, ACK, SEND]),
            leases: leases as u64,
        }
    }
}

/// Lets everybody go on, and collects what they receive.
struct Inquest<'a> {
    stage: &'a mut Stage<Hands>,
    found: Vec<u64>,
    heard: usize,
}

impl Inquest<'_> {
    /// What others have received meanwhile.
    fn listen(&mut self, leases: u64) {
        for (deed, answer) in &self.stage.heard[self.heard..] {
            let received = RECEIVES.contains(deed) || *deed == ACK;
            if received && ![CLOSED, WOULD_BLOCK].contains(answer) {
                self.found.push(*answer & u64::from(u32::MAX));
                assert!(*deed != ACK || deliveries(*answer) <= leases);
            }
        }
        self.heard = self.stage.heard.len();
    }

    /// Whoever waits has to.
    fn nobody_waits_in_vain(&mut self) {
        let doubts = [
            (
                [RECV, LEASE],
                TRY_RECV,
                "a message, and a receiver was left sleeping",
            ),
            (
                [LOAN_ALL, LOAN_ALL],
                TRY_LOAN_ALL,
                "memory, and who wants it was left sleeping",
            ),
            (
                [WAIT_IDLE, WAIT_IDLE],
                TRY_IDLE,
                "nothing to do, and who waits for that was left sleeping",
            ),
        ];
        for (waits, tries, complaint) in doubts {
            if waits.iter().any(|deed| self.stage.waits(*deed)) {
                let answer = self.stage.ask(tries);
                assert!([WOULD_BLOCK, CLOSED].contains(&answer), "{complaint}");
            }
        }
    }

    /// Receives what is there, until nobody gets any further.
    fn drain(&mut self) {
        loop {
            self.stage.serve();
            match self.stage.ask(TRY_RECV) {
                WOULD_BLOCK | CLOSED => return,
                number => {
                    self.found.push(number);
                    self.stage.ask(DROP);
                }
            }
        }
    }

    fn someone_receives(&self) -> bool {
        [RECV, LEASE].iter().any(|deed| self.stage.waits(*deed))
    }
}

/// Everybody who has reason to is served; what was sent is received once, unless the victim took it; and all of the memory is to be had.
pub(crate) fn judge(
    stage: &mut Stage<Hands>,
    script: &Script,
    returned: Option<Answer>,
) -> Verdict {
    let mut expected = Expected::of(script);
    expected
        .certain
        .extend(Some(stage.known).filter(|dug| *dug != 0));
    if expected.leaves {
        stage.serve();
    } else {
        stage.serve_no_heirs();
    }
    let others = stage
        .had
        .iter()
        .filter(|deed| Hands::undo(**deed).is_some());
    let all = stage.had.iter().any(|deed| ALL.contains(deed));
    assert!(
        !all || others.count() == 1 && !expected.leaves,
        "two have the same memory"
    );
    let mut inquest = Inquest {
        stage,
        found: Vec::new(),
        heard: 0,
    };
    inquest.nobody_waits_in_vain();
    // What was to be nobody's until now.
    while inquest.stage.ask(DROP) == DONE {}
    inquest.drain();
    // Those who still wait are the ones that there was nothing for.
    while inquest.someone_receives() {
        assert_eq!(inquest.stage.ask(SEND_LATER), DONE);
        inquest.stage.serve();
    }
    assert!(inquest.stage.serve(), "somebody was left sleeping");
    inquest.drain();
    inquest.listen(expected.leases);
    let verdict = account(&expected, &inquest.found, returned);
    assert_eq!(stage.ask(TRY_IDLE), DONE, "something is left to do");
    for queue in [0, OTHER] {
        assert_eq!(stage.ask(TRY_LOAN_ALL | queue), DONE, "memory is lost");
        stage.ask(DROP | queue);
    }
    Verdict {
        committed: verdict,
        repaired: stage.has_repaired(),
        lost_wake: false,
    }
}

/// How much of what the victim did took effect.
fn account(expected: &Expected, found: &[u64], returned: Option<Answer>) -> u64 {
    let found: Vec<u64> = found.iter().copied().filter(|n| *n != LATER).collect();
    let distinct: BTreeSet<u64> = found.iter().copied().collect();
    assert_eq!(distinct.len(), found.len(), "delivered twice: {found:?}");
    let sent = expected.mine.is_some_and(|mine| distinct.contains(&mine));
    let others: BTreeSet<u64> = distinct
        .iter()
        .copied()
        .filter(|number| !sent || Some(*number) != expected.mine)
        .collect();
    assert!(
        others.is_subset(&expected.certain),
        "out of nothing: {found:?}"
    );
    let missing = expected.certain.len() - others.len();
    let missing_at_most = expected.gone + expected.taken;
    assert!(
        (expected.gone..=missing_at_most).contains(&missing),
        "of {:?} were found {found:?}",
        expected.certain
    );
    match returned {
        None => {}
        // It may have sent and received the same.
        Some(WOULD_BLOCK | CLOSED) => assert_eq!(missing, expected.gone, "it said it took nothing"),
        Some(_) => {
            assert!(
                sent || expected.mine.is_none() || expected.taken > 0,
                "it said it was sent"
            );
            assert_eq!(missing, missing_at_most, "it said it took it");
        }
    }
    u64::from(sent) + (missing - expected.gone) as u64
}

/// The victim closes the queue, or has closed it: as soon as it is closed, and nothing is left, everybody is told.
pub(crate) fn judge_closing(
    stage: &mut Stage<Hands>,
    script: &Script,
    returned: Option<Answer>,
) -> Verdict {
    let expected = Expected::of(script);
    stage.serve();
    let closes = script.act.contains(&CLOSE);
    let mut inquest = Inquest {
        stage,
        found: Vec::new(),
        heard: 0,
    };
    inquest.nobody_waits_in_vain();
    let is_closed = inquest.stage.shared[0].is_closed();
    assert!(is_closed || closes && returned.is_none());
    if is_closed {
        assert_eq!(
            inquest.stage.waiting(),
            0,
            "closed, and somebody was left sleeping"
        );
    }
    inquest.stage.ask(CLOSE);
    assert!(
        inquest.stage.serve(),
        "closed, and somebody was left sleeping"
    );
    inquest.drain();
    inquest.listen(expected.leases);
    let taken = account(&expected, &inquest.found, returned.filter(|_| !closes));
    assert_eq!(stage.ask(TRY_RECV), CLOSED);
    assert_eq!(stage.ask(TRY_IDLE), DONE, "something is left to do");
    assert_eq!(stage.ask(TRY_LOAN_ALL), CLOSED);
    assert_eq!(stage.ask(SEND_LATER), CLOSED);
    Verdict {
        committed: if closes { is_closed.into() } else { taken },
        repaired: stage.has_repaired(),
        lost_wake: false,
    }
}
