//! What a row of the table consists of.

use crate::trace::Tracee;

/// One operation in one state. A new operation joins the harness by implementing this and adding a
/// line to the `rows` of its module.
///
/// For each point at which the victim is to die, in this order:
///
/// | | in | |
/// |---|---|---|
/// | `renew` | survivor | no victim exists |
/// | `warm_up` | victim | runs freely |
/// | `arrange` | survivor | the victim stands before the operation |
/// | `act` | victim | one instruction at a time; `between` and `rouse` in the survivor |
/// | `before_death` | survivor | the victim stands where it is to die |
/// | `completed` | survivor | the same, if it has returned from the operation |
/// | `verdict` | survivor | the victim is dead |
///
/// The victim is a forked copy of the survivor (unless there is a `victim`): what it changes in `self` stays its own. Anything
/// wrong is a panic, which the harness reports with the row and the point.
pub(crate) trait Scenario {
    /// Makes ready whatever the victim inherits.
    fn renew(&mut self) {}

    /// The victim, if it is not a fork of the survivor: one that stands before the operation. It is over when it exits; `warm_up` and `act` are
    /// not called.
    fn victim(&mut self) -> Option<Tracee> {
        None
    }

    /// Does once what first use brings with it (attaching, registering the thread), so that the
    /// steps counted are the operation's own.
    fn warm_up(&mut self) {}

    /// Brings the segment into the state the row is named for.
    fn arrange(&mut self) {}

    /// The operation. What it returns reaches `verdict` if the victim lives to return it.
    fn act(&mut self) -> u64;

    /// Called before each single step of the victim.
    fn between(&mut self, _step: u32) {}

    /// The victim went to sleep: makes it wake up.
    fn rouse(&mut self) {
        panic!("the operation went to sleep");
    }

    /// Something that has to happen with the victim halfway.
    fn before_death(&mut self) {}

    /// The victim has done all it was to do, and lives: what it owed others must not wait for its death.
    fn completed(&mut self) {}

    /// Checks everything survivors can see and leaves the segment usable for the next victim.
    fn verdict(&mut self, returned: Option<u64>) -> Verdict;
}

/// What survivors found. What they must not find is a panic.
#[derive(Clone, Copy, Default)]
pub(crate) struct Verdict {
    /// How many elements' operations took effect. From one point to the next it never shrinks,
    /// if the row is [`Row::steady`].
    pub(crate) committed: u64,
    /// Survivors had something to put right.
    pub(crate) repaired: bool,
    /// A sleeper was left sleeping.
    pub(crate) lost_wake: bool,
}

/// What happens to the victim at each point.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// SIGKILL.
    Killed,
    /// SIGKILL, the kernel having been kept from doing the wake-up the victim owes: the control that
    /// proves that lost wake-ups are seen.
    KilledDisarmed,
    /// It merely stands still while `before_death` happens, and then finishes.
    Held,
}

/// Which instructions between two system calls are points. With `every: 100, stride: 1, reach: 1000`: each
/// of the first hundred, then ever fewer up to the thousandth, then the next system call. With
/// `stride: 3` each third of the first hundred.
#[derive(Clone, Copy)]
pub(crate) struct Density {
    /// Instructions at the beginning that are no points: all of them are in other rows.
    pub(crate) skip: u32,
    pub(crate) stride: u32,
    pub(crate) every: u32,
    pub(crate) reach: u32,
}

impl Density {
    /// For operations of some hundred instructions.
    pub(crate) const EVERY_INSTRUCTION: Density = Density {
        skip: 0,
        stride: 1,
        every: 600,
        reach: 1_200,
    };
    /// For the same in a state in which another row does not miss any.
    pub(crate) const SAMPLED: Density = Density {
        skip: 0,
        stride: 3,
        every: 1_200,
        reach: 1_200,
    };
    /// For those that look again and again for a while, and then sleep.
    pub(crate) const SPINNING: Density = Density {
        skip: 0,
        stride: 1,
        every: 300,
        reach: 1_000,
    };
    /// For the same as for `SAMPLED`.
    pub(crate) const SPINNING_SAMPLED: Density = Density {
        skip: 0,
        stride: 5,
        ..Density::SPINNING
    };
    /// For operations of many system calls and much setting up.
    pub(crate) const SYSTEM_CALLS: Density = Density {
        skip: 0,
        stride: 1,
        every: 6,
        reach: 200,
    };

    /// For those who have the time.
    pub(crate) const COMPLETE: Density = Density {
        skip: 0,
        stride: 1,
        every: 3_000,
        reach: 6_000,
    };

    /// Of what is every instruction, every fifth: which of them differs from row to row, as do the states in which rows go through the same
    /// code. Of what is not, every second.
    pub(crate) fn short(self, row: usize) -> Density {
        let stride = match self.stride {
            1 => 5,
            sampled => 2 * sampled,
        };
        Density {
            skip: self.skip.max(row as u32 % stride),
            stride,
            ..self
        }
    }

    /// The step after `step`, if there is to be one before the next system call.
    pub(crate) fn next(self, step: u32) -> Option<u32> {
        let next = if step < self.skip {
            self.skip
        } else if step < self.every {
            step + self.stride
        } else {
            step + 1 + step / 8
        };
        (next <= self.reach).then_some(next)
    }
}

pub(crate) struct Row {
    pub(crate) operation: &'static str,
    pub(crate) state: String,
    pub(crate) density: Density,
    pub(crate) fate: Fate,
    /// Every victim takes the same path: what is committed at one point is so at all later ones.
    pub(crate) steady: bool,
    pub(crate) build: Box<dyn Fn() -> Box<dyn Scenario>>,
}

impl Row {
    /// Every instruction, killed, steady: what suits most.
    pub(crate) fn new<S: Scenario + 'static>(
        operation: &'static str,
        state: impl Into<String>,
        build: impl Fn() -> S + 'static,
    ) -> Row {
        Row {
            operation,
            state: state.into(),
            density: Density::EVERY_INSTRUCTION,
            fate: Fate::Killed,
            steady: true,
            build: Box::new(move || Box::new(build())),
        }
    }

    pub(crate) fn density(self, density: Density) -> Row {
        Row { density, ..self }
    }

    pub(crate) fn fate(self, fate: Fate) -> Row {
        Row { fate, ..self }
    }

    /// Others interfere, so that victims take different paths.
    pub(crate) fn unsteady(self) -> Row {
        Row {
            steady: false,
            ..self
        }
    }

    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.operation, self.state)
    }
}
