//! One round: fresh primitives, a fresh ledger, a crew of workers, and what becomes of them.

use super::Failure;
use super::audit;
use super::crew::{Broken, Crew, Role, TICK};
use super::ledger::Ledger;
use super::outcome::Outcome;
use super::primitives::{Lane, Subject};
use super::random::Random;
use super::sabotage::Sabotage;
use std::thread;
use std::time::{Duration, Instant};

/// The mean time between two kills.
const BETWEEN_KILLS: Duration = Duration::from_millis(25);
const CAPACITIES: [usize; 3] = [1024, 4, 64];

/// What a round is like.
pub(crate) struct Conditions<'a> {
    pub(crate) number: usize,
    pub(crate) processes: usize,
    pub(crate) duration: Duration,
    pub(crate) kill: bool,
    pub(crate) seed: u64,
    /// A lane that moves nothing for so long hangs.
    pub(crate) patience: Duration,
    pub(crate) sabotage: Option<Sabotage>,
    /// Told now and then: time since the start, messages moved, kills.
    pub(crate) watch: &'a dyn Fn(Duration, u64, u64),
}

impl Conditions<'_> {
    fn capacity(&self) -> usize {
        // Out of step with the element sizes, which also take turns by threes.
        CAPACITIES[(self.number + self.number / 3) % 3]
    }

    /// Every other round with kills ends with the death of all: a newcomer finds what they left.
    fn ends_in_massacre(&self) -> bool {
        self.kill && self.number % 2 == 1
    }

    /// Some primitives are found by name, and lose the name again before anyone uses them.
    fn name(&self, lane: usize) -> Option<String> {
        (self.number % 2 == 1).then(|| format!("{}-{lane}", super::leaks::name_prefix()))
    }
}

pub(crate) fn run<S: Subject<N>, const N: usize>(
    conditions: &Conditions<'_>,
) -> Result<Outcome, Failure> {
    let lanes = S::lanes(conditions.processes);
    let workers: usize = lanes.iter().map(|l| l.producers + l.consumers).sum();
    let columns = lanes.iter().map(|l| l.consumers + 1).max().unwrap_or(1);
    // The survivors have desks of their own.
    let ledger = Ledger::new(workers + lanes.len(), columns)?;
    // Two records for a process (its main thread, its keeper), its predecessor's, and the parent's.
    let participants = 4 * (workers as u32 + 2);
    let handles = (0..lanes.len())
        .map(|i| {
            let name = conditions.name(i);
            S::create(name.as_deref(), conditions.capacity(), participants)
        })
        .collect::<crossproc::Result<Vec<_>>>()?;

    let mut crew = Crew::<S, N>::new(&handles, &ledger, conditions);
    let began = Instant::now();
    let worked = work(conditions, &lanes, &ledger, &mut crew);
    let mut outcome = Outcome {
        processes: workers,
        elapsed: began.elapsed(),
        ..Outcome::default()
    };
    let finished = worked.and_then(|()| finish(conditions, &lanes, &handles, &ledger, &mut crew));
    crew.disband();
    outcome.kills = crew.kills;
    outcome.kills_asleep = crew.kills_asleep;
    outcome.hung = crew.hung;
    outcome.leaked = crew.missing;
    outcome.recovered = handles.iter().map(S::repairs).sum();
    if conditions.sabotage == Some(Sabotage::Leak) {
        std::mem::forget(handles.clone());
    }
    audit::balance(&ledger, crew.excuses, finished.is_ok(), &mut outcome)?;
    outcome
        .failures
        .extend(finished.err().map(|Broken(why)| why));
    Ok(outcome)
}

/// Lets the workers work until time is up, killing one now and then if so told.
fn work<S: Subject<N>, const N: usize>(
    conditions: &Conditions<'_>,
    lanes: &[Lane],
    ledger: &Ledger,
    crew: &mut Crew<'_, S, N>,
) -> Result<(), Broken> {
    let mut random = Random::new(!conditions.seed);
    let began = Instant::now();
    let mut next_kill = began;
    crew.hire(lanes)?;
    while began.elapsed() < conditions.duration && !ledger.is_full() {
        if conditions.kill && Instant::now() >= next_kill {
            crew.kill_one()?;
            // Some follow at once: deaths overlap, and replacements die while they start.
            if !random.one_in(4) {
                next_kill = Instant::now() + random.shorter_than(BETWEEN_KILLS * 2);
            }
        }
        crew.look()?;
        (conditions.watch)(began.elapsed(), crew.moved(), crew.kills);
        let pause = next_kill.saturating_duration_since(Instant::now());
        thread::sleep(if conditions.kill {
            pause.min(TICK)
        } else {
            TICK
        });
    }
    Ok(())
}

/// Ends the round, so that every message sent has been received.
fn finish<S: Subject<N>, const N: usize>(
    conditions: &Conditions<'_>,
    lanes: &[Lane],
    handles: &[S::Handle],
    ledger: &Ledger,
    crew: &mut Crew<'_, S, N>,
) -> Result<(), Broken> {
    if conditions.ends_in_massacre() {
        crew.kill_all()?;
        crew.hire_survivors(lanes)?;
        return crew.await_all(Role::Survivor);
    }
    ledger.end();
    crew.await_all(Role::Producer)?;
    handles.iter().for_each(S::finish);
    crew.await_all(Role::Consumer)
}
