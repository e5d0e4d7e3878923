//! One round: fresh primitives, fresh memory to check them by, a crew of workers, and what becomes of them.

use super::Failure;
use super::crew::{Broken, Crew, TICK};
use super::outcome::Outcome;
use super::random::Random;
use super::sabotage::Sabotage;
use super::sheet::Pace;
use super::work::Work;
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
    /// Told now and then: time since the start, operations, kills.
    pub(crate) watch: &'a dyn Fn(Duration, u64, u64),
}

impl Conditions<'_> {
    /// Every other round with kills ends with the death of all: a newcomer finds what they left.
    fn ends_in_massacre(&self) -> bool {
        self.kill && self.number % 2 == 1
    }

    /// A worker naps after one burst in so many, so that its peers find no company. Where workers are
    /// killed, more of them shall be killed asleep.
    pub(crate) fn bursts_per_nap(&self) -> u64 {
        if self.kill { 16 } else { 1024 }
    }

    /// Some primitives are found by name, and lose the name again before anyone uses them.
    pub(crate) fn name(&self, lane: usize) -> Option<String> {
        (self.number % 2 == 1).then(|| format!("{}-{lane}", super::leaks::name_prefix()))
    }
}

pub(crate) fn run<W: Work>(conditions: &Conditions<'_>) -> Result<Outcome, Failure> {
    let work = W::new(conditions)?;
    let mut crew = Crew::new(&work, conditions);
    let began = Instant::now();
    let worked = keep_busy(conditions, &work, &mut crew);
    let mut outcome = Outcome {
        processes: work.posts().len(),
        elapsed: began.elapsed(),
        ..Outcome::default()
    };
    let finished = worked.and_then(|()| finish(conditions, &work, &mut crew));
    crew.disband();
    outcome.kills = crew.kills;
    outcome.kills_asleep = crew.kills_asleep;
    outcome.hung = crew.hung;
    outcome.leaked = crew.missing;
    outcome.recovered = work.repairs();
    if conditions.sabotage == Some(Sabotage::Leak) {
        work.leak();
    }
    work.balance(crew.excuses, finished.is_ok(), &mut outcome)?;
    outcome
        .failures
        .extend(finished.err().map(|Broken(why)| why));
    Ok(outcome)
}

/// Lets the workers work until time is up, killing some now and then if so told.
fn keep_busy<W: Work>(
    conditions: &Conditions<'_>,
    work: &W,
    crew: &mut Crew<'_, W>,
) -> Result<(), Broken> {
    let mut random = Random::new(!conditions.seed);
    let began = Instant::now();
    crew.hire(work.posts())?;
    let all = 0..work.lanes();
    let mut end = Deed::due(conditions.duration, all.clone());
    let mut change = Deed::due(Duration::ZERO, all.clone());
    let mut kill = Deed::due(Duration::ZERO, 0..1);
    let mut paces = PACES.into_iter().cycle();
    while !end.is_ripe(crew) && !work.is_full() {
        if change.is_ripe(crew)
            && let Some((pace, lasts)) = paces.next()
        {
            work.set_pace(pace);
            change = Deed::due(lasts, all.clone());
        }
        if conditions.kill && kill.is_ripe(crew) {
            crew.kill_one(kill.lanes.start)?;
            // Some follow at once: deaths overlap, and replacements die while they start.
            while random.one_in(4) {
                thread::sleep(random.shorter_than(STARTING_TIME));
                crew.kill_one(kill.lanes.start)?;
            }
            let lane = random.below(work.lanes() as u64) as usize;
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

    fn is_ripe<W: Work>(&mut self, crew: &Crew<'_, W>) -> bool {
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

/// Ends the round. What the dead left is examined by others.
fn finish<W: Work>(
    conditions: &Conditions<'_>,
    work: &W,
    crew: &mut Crew<'_, W>,
) -> Result<(), Broken> {
    if !conditions.ends_in_massacre() {
        work.set_pace(Pace::Ending);
        return work.finish(crew);
    }
    crew.kill_all()?;
    let survivors = work.survivors();
    let roles: Vec<_> = survivors.iter().map(|post| post.role).collect();
    crew.hire(survivors)?;
    roles.into_iter().try_for_each(|role| crew.await_all(role))
}
