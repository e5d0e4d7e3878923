//! What happens to a primitive, as a table: who does what before, while and after the victim acts.

use crate::channel::Answer;
use crate::scenario::{Scenario, Verdict};
use crate::stage::{Actor, Cue, DONE, Deed, Stage, enter};

/// Checks what the victim has left behind, and cleans up.
pub(crate) type Judge<A> = fn(&mut Stage<A>, &Script, Option<Answer>) -> Verdict;

/// A row's table.
#[derive(Clone, Copy, Default)]
pub(crate) struct Script {
    /// What the victim has done before it is watched.
    pub(crate) ready: &'static [Deed],
    /// What happens then.
    pub(crate) before: &'static [Cue],
    /// What the victim does; what came of the last is its answer.
    pub(crate) act: &'static [Deed],
    /// What happens when the victim sleeps, or else after its death. Then those who can give back what
    /// they have.
    pub(crate) rouse: &'static [Cue],
    /// What happens with the victim about to die, or when it sleeps and nothing is there to rouse it.
    pub(crate) late: &'static [Cue],
    /// What happens when the victim has done all it was to do, and lives.
    pub(crate) done: &'static [Cue],
}

impl Script {
    fn cues(&self) -> impl Iterator<Item = Cue> {
        let cues = [self.before, self.rouse, self.late, self.done];
        cues.into_iter().flatten().copied()
    }

    /// Besides the judge, and at least one.
    pub(crate) fn others(&self) -> usize {
        self.cues().map(Cue::who).max().unwrap_or(0).max(1)
    }

    /// How often the victim does this, or has done it.
    pub(crate) fn acts(&self, deed: Deed) -> u64 {
        let acts = self.ready.iter().chain(self.act);
        acts.filter(|act| **act == deed).count() as u64
    }

    /// How often others do this.
    pub(crate) fn cued(&self, deed: Deed) -> u64 {
        self.cues().filter(|cue| cue.deed() == Some(deed)).count() as u64
    }

    /// What others do.
    pub(crate) fn cued_deeds(&self) -> Vec<Deed> {
        self.cues().filter_map(Cue::deed).collect()
    }

    /// Whether another one died having done this.
    pub(crate) fn has_dead(&self, deed: Deed) -> bool {
        let did = |who| {
            self.cues()
                .any(|cue| (cue.who(), cue.deed()) == (who, Some(deed)))
        };
        self.cues()
            .any(|cue| matches!(cue, Cue::Dies(who) if did(who)))
    }
}

/// A row in play.
pub(crate) struct Play<A: Actor> {
    script: Script,
    create: fn() -> A::Shared,
    judge: Judge<A>,
    /// What victims leave behind is of no use to the next.
    anew: bool,
    stage: Option<Stage<A>>,
    roused: bool,
    /// What happens late has happened.
    is_late: bool,
    victim: Option<A>,
}

impl<A: Actor> Play<A> {
    pub(crate) fn new(create: fn() -> A::Shared, judge: Judge<A>, script: Script) -> Self {
        Play {
            script,
            create,
            judge,
            anew: false,
            stage: None,
            roused: false,
            is_late: false,
            victim: None,
        }
    }

    /// Every time with a new primitive.
    pub(crate) fn anew(self) -> Self {
        Play { anew: true, ..self }
    }

    pub(crate) fn stage(&mut self) -> &mut Stage<A> {
        self.stage.as_mut().expect("renewed")
    }

    fn cue(&mut self, cues: &[Cue]) {
        for cue in cues {
            self.stage().cue(*cue);
        }
    }
}

impl<A: Actor> Scenario for Play<A> {
    fn renew(&mut self) {
        if self.anew {
            self.stage = None;
        }
        let (create, others) = (self.create, self.script.others());
        self.stage
            .get_or_insert_with(|| Stage::new(create(), 1 + others))
            .begin();
        self.roused = false;
        self.is_late = false;
    }

    fn warm_up(&mut self) {
        let mut victim: A = enter(&self.stage().shared);
        for deed in self.script.ready {
            victim.perform(*deed);
        }
        self.victim = Some(victim);
    }

    fn arrange(&mut self) {
        self.cue(self.script.before);
    }

    fn act(&mut self) -> Answer {
        let victim = self.victim.as_mut().expect("warmed up");
        let mut answer = DONE;
        for deed in self.script.act {
            answer = victim.perform(*deed);
        }
        answer
    }

    fn rouse(&mut self) {
        if !self.roused {
            self.roused = true;
            if self.script.rouse.is_empty() {
                self.before_death();
            }
            self.cue(self.script.rouse);
        }
        self.stage().serve();
    }

    fn before_death(&mut self) {
        if !self.is_late {
            self.is_late = true;
            self.cue(self.script.late);
        }
    }

    fn completed(&mut self) {
        self.cue(self.script.done);
        self.stage().complete();
    }

    fn verdict(&mut self, returned: Option<Answer>) -> Verdict {
        if !self.roused {
            self.cue(self.script.rouse);
        }
        let stage = self.stage.as_mut().expect("renewed");
        (self.judge)(stage, &self.script, returned)
    }
}
