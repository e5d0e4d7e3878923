//! One who was killed before the victim, halfway through something.

use std::cmp::Ordering;
use std::hint;

use super::hands::{
    DROP, Hands, OTHER, RECV, SEND_1, SEND_2, SEND_LARGE_1, TRY_LOAN_ALL, TRY_RECV, create_used,
    sends,
};
use super::judge::judge;
use crate::channel::Answer;
use crate::play::{Play, Script};
use crate::scenario::{Scenario, Verdict};
use crate::stage::{Actor, DONE, Deed, Stage, WOULD_BLOCK, enter};
use crate::trace::{self, Tracee};

/// Where it was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dead {
    /// Having marked blocks as taken, without a chunk.
    Taking,
    /// Having claimed a ticket.
    Claiming,
    /// Having put its message into the queue, without having said so at its ticket's place.
    Sending,
    /// Having moved the queue's head, without having taken the message.
    Receiving,
}

impl Dead {
    fn deed(self) -> Deed {
        match self {
            Dead::Taking => SEND_LARGE_1,
            Dead::Claiming | Dead::Sending => SEND_2,
            Dead::Receiving => RECV,
        }
    }

    /// Whether it got less far, there, or farther, as others find, who put it right.
    fn progress(self, stage: &mut Stage<Hands>) -> Ordering {
        let mut look = |deed| {
            let before = Hands::repairs(&stage.shared);
            let answer = stage.ask(deed);
            if answer != WOULD_BLOCK {
                stage.ask(DROP);
            }
            (answer, Hands::repairs(&stage.shared) > before)
        };
        let (first, repaired) = look(TRY_RECV);
        // What lies behind a hole can be had once that is given up.
        let (second, _) = look(TRY_RECV);
        let received = [first, second].iter().any(|answer| *answer != WOULD_BLOCK);
        let (loan, swept) = look(TRY_LOAN_ALL);
        assert_eq!(loan, DONE, "memory is lost");
        let is_there = match self {
            Dead::Taking => swept && !received,
            Dead::Claiming => repaired && !received,
            Dead::Sending | Dead::Receiving => repaired && received,
        };
        // The message is there at first, or at last.
        let has_begun = received != (self == Dead::Receiving);
        match (is_there, has_begun) {
            (true, _) => Ordering::Equal,
            (false, true) => Ordering::Greater,
            (false, false) => Ordering::Less,
        }
    }
}

/// A row with one who was killed.
pub(crate) struct Digger {
    play: Play<Hands>,
    dead: Dead,
    /// It is killed with the victim halfway, not before the victim acts.
    late: bool,
    /// Whether it is about the [`OTHER`] queue.
    other: Deed,
    /// After so many instructions.
    steps: u32,
    has_dug: bool,
}

impl Digger {
    /// It dies before the victim acts.
    pub(crate) fn before(dead: Dead, script: Script) -> Self {
        // As many as in play, for everybody asks each of them: the judge, the others, and one for the victim.
        let mut stage = Stage::<Hands>::new(create_used(), 2 + script.others());
        let mut progress = |steps| {
            stage.begin();
            if dead == Dead::Receiving {
                stage.ask(SEND_1);
            }
            dig(&stage, dead, 0, steps);
            dead.progress(&mut stage)
        };
        // The first instruction after which it is not before that.
        let (mut before, mut steps) = (0, 64);
        while progress(steps) == Ordering::Less {
            (before, steps) = (steps, 2 * steps);
        }
        while steps - before > 1 {
            let middle = before + (steps - before) / 2;
            match progress(middle) {
                Ordering::Less => before = middle,
                _ => steps = middle,
            }
        }
        assert_eq!(progress(steps), Ordering::Equal, "{dead:?} takes no time");
        Digger {
            play: Play::new(create_used, judge, script),
            dead,
            late: false,
            other: 0,
            steps,
            has_dug: false,
        }
    }

    /// It dies with the victim halfway.
    pub(crate) fn beside(dead: Dead, script: Script) -> Self {
        Digger {
            late: true,
            ..Self::before(dead, script)
        }
    }

    /// It dies over the other queue, before the victim acts.
    pub(crate) fn elsewhere(dead: Dead, script: Script) -> Self {
        Digger {
            other: OTHER,
            ..Self::before(dead, script)
        }
    }

    fn dig(&mut self) {
        if !self.has_dug {
            self.has_dug = true;
            let stage = self.play.stage();
            dig(stage, self.dead, self.other, self.steps);
            if self.dead == Dead::Sending && self.other == 0 {
                stage.known = sends(self.dead.deed()).expect("a message");
            }
        }
    }
}

/// Kills somebody after so many instructions.
fn dig(stage: &Stage<Hands>, dead: Dead, other: Deed, steps: u32) {
    let mut digger = Tracee::fork(|| {
        let mut hands: Hands = enter(&stage.shared);
        trace::stop_here();
        hands.perform(dead.deed() | other);
        loop {
            hint::spin_loop();
        }
    });
    for _ in 0..steps {
        digger.step();
    }
}

impl Scenario for Digger {
    fn renew(&mut self) {
        self.play.renew();
        self.has_dug = false;
    }

    fn warm_up(&mut self) {
        self.play.warm_up();
    }

    fn arrange(&mut self) {
        self.play.arrange();
        if !self.late {
            self.dig();
        }
    }

    fn act(&mut self) -> Answer {
        self.play.act()
    }

    fn rouse(&mut self) {
        self.play.rouse();
    }

    fn before_death(&mut self) {
        if self.late {
            self.dig();
        }
        self.play.before_death();
    }

    fn completed(&mut self) {
        self.play.completed();
    }

    fn verdict(&mut self, returned: Option<Answer>) -> Verdict {
        let verdict = self.play.verdict(returned);
        assert!(
            self.late || verdict.repaired,
            "it left nothing to put right"
        );
        verdict
    }
}
