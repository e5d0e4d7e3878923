//! One round: fresh primitives, a fresh ledger, a crew of workers, and what becomes of them.

use super::Failure;
use super::audit;
use super::crew::{Broken, Crew, Role, TICK};
use super::ledger::{Ledger, Pace};
use super::outcome::Outcome;
use super::primitives::{Lane, Subject};
use super::random::Random;
use super::sabotage::Sabotage;
use std::ops::Range;
use std::thread;
use std::time::{Duration, Instant};

/// The mean time from one kill to the next one's turn.
const BETWEEN_KILLS: Duration = Duration::from_millis(25);
/// About how long a process takes to start.
const STARTING_TIME: Duration = Duration::from_millis(3);
const PACES: [(Pace, Duration); 4] = [
    (Pace::Free, Duration::from_millis(150)),
    (Pace::IntoEmpty, Duration::from_millis(50)),
    (Pace::Free, Duration::from_millis(150)),
    (Pace::OutOfFull, Duration::from_millis(50)),
];
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
    let handles = (0..)
        .zip(&lanes)
        .map(|(i, lane)| {
            // Each process has two records, its main thread's and its keeper's, this one too; a
            // newcomer must find room as soon as another has died.
            let participants = 2 * (lane.producers + lane.consumers + 1) as u32;
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

/// Lets the workers work until time is up, killing some now and then if so told.
fn work<S: Subject<N>, const N: usize>(
    conditions: &Conditions<'_>,
    lanes: &[Lane],
    ledger: &Ledger,
    crew: &mut Crew<'_, S, N>,
) -> Result<(), Broken> {
    let mut random = Random::new(!conditions.seed);
    let began = Instant::now();
    crew.hire(lanes)?;
    let all = 0..lanes.len();
    let mut end = Deed::due(conditions.duration, all.clone());
    let mut change = Deed::due(Duration::ZERO, all.clone());
    let mut kill = Deed::due(Duration::ZERO, 0..1);
    let mut paces = PACES.into_iter().cycle();
    while !end.is_ripe(crew) && !ledger.is_full() {
        if change.is_ripe(crew)
            && let Some((pace, lasts)) = paces.next()
        {
            ledger.set_pace(pace);
            change = Deed::due(lasts, all.clone());
        }
        if conditions.kill && kill.is_ripe(crew) {
            crew.kill_one(kill.lanes.start)?;
            // Some follow at once: deaths overlap, and replacements die while they start.
            while random.one_in(4) {
                thread::sleep(random.shorter_than(STARTING_TIME));
                crew.kill_one(kill.lanes.start)?;
            }
            let lane = random.below(lanes.len() as u64) as usize;
            kill = Deed::due(random.shorter_than(BETWEEN_KILLS * 2), lane..lane + 1);
        }
        crew.look()?;
        (conditions.watch)(began.elapsed(), crew.moved(all.clone()), crew.kills);
        thread::sleep(TICK);
    }
    Ok(())
}

/// Something to be done to some lanes when its time has come, and all of them have been seen to
/// move after that: it might set going again what stands still, and hide it.
struct Deed {
    due: Instant,
    lanes: Range<usize>,
    moved_when_due: Option<Vec<u64>>,
}

impl Deed {
    fn due(after: Duration, lanes: Range<usize>) -> Self {
        Self {
            due: Instant::now() + after,
            lanes,
            moved_when_due: None,
        }
    }

    fn is_ripe<S: Subject<N>, const N: usize>(&mut self, crew: &Crew<'_, S, N>) -> bool {
        if Instant::now() < self.due {
            return false;
        }
        let moved = self.lanes.clone().map(|lane| crew.moved(lane..lane + 1));
        match &self.moved_when_due {
            Some(before) => moved.zip(before).all(|(now, before)| now > *before),
            None => {
                self.moved_when_due = Some(moved.collect());
                false
            }
        }
    }
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
    ledger.set_pace(Pace::Ending);
    crew.await_all(Role::Producer)?;
    handles.iter().for_each(S::finish);
    crew.await_all(Role::Consumer)
}
