//! The work of exercising one primitive, as the harness sees it.

use super::drill::{Drill, Fallen};
use super::floor::Floor;
use super::site::{self, Job};
use crate::stress::Failure;
use crate::stress::crew::{Broken, Crew};
use crate::stress::desk::Desk;
use crate::stress::outcome::Outcome;
use crate::stress::round::Conditions;
use crate::stress::sheet::Pace;
use crate::stress::work::{Post, Work};
use crossproc::process::{self, Child};
use std::io;
use std::sync::atomic::Ordering::SeqCst;

/// All workers share one instance.
pub(crate) struct Exercise<D: Drill> {
    handle: D::Handle,
    floor: Floor,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Worker,
    /// Comes when all others have ended.
    Survivor,
}

fn post<D: Drill>(role: Role, desk: usize) -> Post<Role> {
    Post {
        role,
        lane: match role {
            Role::Worker if D::APART => desk,
            Role::Worker | Role::Survivor => 0,
        },
        desk,
        number: desk,
    }
}

impl<D: Drill> Work for Exercise<D> {
    type Role = Role;
    type Excuse = Fallen;

    fn new(conditions: &Conditions<'_>) -> Result<Self, Failure> {
        let workers = conditions.processes;
        Ok(Self {
            handle: D::create(conditions.name(0).as_deref(), conditions)?,
            floor: Floor::new(workers, D::board(workers))?,
        })
    }

    fn lanes(&self) -> usize {
        if D::APART { self.floor.workers() } else { 1 }
    }

    fn posts(&self) -> Vec<Post<Role>> {
        (0..self.floor.workers())
            .map(|desk| post::<D>(Role::Worker, desk))
            .collect()
    }

    fn survivors(&self) -> Vec<Post<Role>> {
        vec![post::<D>(Role::Survivor, self.floor.workers())]
    }

    fn desk(&self, index: usize) -> Desk<'_> {
        self.floor.desk(index)
    }

    fn set_pace(&self, pace: Pace) {
        self.floor.set_pace(pace);
    }

    fn is_full(&self) -> bool {
        false
    }

    fn start(
        &self,
        post: Post<Role>,
        seed: u64,
        conditions: &Conditions<'_>,
    ) -> crossproc::Result<Child<usize>> {
        let job = Job {
            handle: self.handle.clone(),
            floor: self.floor.address(),
            desk: post.desk,
            seed,
            bursts_per_nap: conditions.bursts_per_nap(),
            duration: conditions.duration,
            sabotage: conditions.sabotage,
        };
        match post.role {
            Role::Worker => process::spawn(site::work::<D>, job),
            Role::Survivor => process::spawn(site::survive::<D>, job),
        }
    }

    fn condemn(&self, desk: usize) {
        self.floor.own(desk).condemned.store(1, SeqCst);
    }

    fn excuse(&self, post: Post<Role>) -> io::Result<Option<Fallen>> {
        let intent = self.floor.own(post.desk).bury();
        Ok((intent != 0).then_some(Fallen { intent }))
    }

    fn finish(&self, crew: &mut Crew<'_, Self>) -> Result<(), Broken> {
        D::finish(&self.handle, &self.floor);
        crew.await_all(Role::Worker)?;
        crew.hire(self.survivors())?;
        crew.await_all(Role::Survivor)
    }

    fn repairs(&self) -> u64 {
        D::repairs(&self.handle)
    }

    fn leak(&self) {
        std::mem::forget(self.handle.clone());
    }

    fn balance(
        &self,
        fallen: Vec<Fallen>,
        finished: bool,
        outcome: &mut Outcome,
    ) -> io::Result<()> {
        for desk in 0..=self.floor.workers() {
            self.floor.desk(desk).tally(outcome);
        }
        outcome.kills_inside += fallen.len() as u64;
        if finished {
            D::audit(&self.floor, &fallen, outcome);
        }
        Ok(())
    }
}
