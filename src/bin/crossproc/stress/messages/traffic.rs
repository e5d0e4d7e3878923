//! The work of carrying messages, as the harness sees it.

use super::audit::{self, Excuse};
use super::ledger::Ledger;
use super::subject::{Lane, Subject};
use super::worker::{self, Job};
use crate::stress::Failure;
use crate::stress::crew::{Broken, Crew};
use crate::stress::desk::Desk;
use crate::stress::outcome::Outcome;
use crate::stress::round::{self, Conditions};
use crate::stress::sheet::Pace;
use crate::stress::work::{Post, Work};
use crossproc::process::{self, Child};
use std::io;

const CAPACITIES: [usize; 3] = [1024, 4, 64];

/// One round. Element sizes take turns: 48, 8 and 200 bytes, which primitives lay out differently.
pub(crate) fn run<S: Subject<6> + Subject<1> + Subject<25>>(
    conditions: &Conditions<'_>,
) -> Result<Outcome, Failure> {
    match conditions.number % 3 {
        0 => round::run::<Traffic<S, 6>>(conditions),
        1 => round::run::<Traffic<S, 1>>(conditions),
        _ => round::run::<Traffic<S, 25>>(conditions),
    }
}

struct Traffic<S: Subject<N>, const N: usize> {
    lanes: Vec<Lane>,
    handles: Vec<S::Handle>,
    ledger: Ledger,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Producer,
    Consumer,
    /// Comes when all others are dead.
    Survivor,
}

impl<S: Subject<N>, const N: usize> Traffic<S, N> {
    fn workers(&self) -> usize {
        self.lanes.iter().map(|l| l.producers + l.consumers).sum()
    }
}

impl<S: Subject<N>, const N: usize> Work for Traffic<S, N> {
    type Role = Role;
    type Excuse = Excuse;

    fn new(conditions: &Conditions<'_>) -> Result<Self, Failure> {
        let lanes = S::lanes(conditions.processes);
        // Out of step with the element sizes, which also take turns by threes.
        let capacity = CAPACITIES[(conditions.number + conditions.number / 3) % 3];
        let handles = (0..)
            .zip(&lanes)
            .map(|(i, lane)| {
                // Each process has two records, its main thread's and its keeper's, this one too; a
                // newcomer must find room as soon as another has died.
                let participants = 2 * (lane.producers + lane.consumers + 1) as u32;
                S::create(conditions.name(i).as_deref(), capacity, participants)
            })
            .collect::<crossproc::Result<Vec<_>>>()?;
        let workers: usize = lanes.iter().map(|l| l.producers + l.consumers).sum();
        let columns = lanes.iter().map(|l| l.consumers + 1).max().unwrap_or(1);
        // The survivors have desks of their own.
        let ledger = Ledger::new(workers + lanes.len(), columns)?;
        Ok(Self {
            lanes,
            handles,
            ledger,
        })
    }

    fn lanes(&self) -> usize {
        self.lanes.len()
    }

    fn posts(&self) -> Vec<Post<Role>> {
        let of_lane = |(lane, crew): (usize, &Lane)| {
            let producers = (0..crew.producers).map(move |number| (Role::Producer, lane, number));
            let consumers = (0..crew.consumers).map(move |number| (Role::Consumer, lane, number));
            producers.chain(consumers)
        };
        let all = self.lanes.iter().enumerate().flat_map(of_lane);
        all.enumerate()
            .map(|(desk, (role, lane, number))| Post {
                role,
                lane,
                desk,
                number,
            })
            .collect()
    }

    fn survivors(&self) -> Vec<Post<Role>> {
        let workers = self.workers();
        let lanes = self.lanes.iter().enumerate();
        lanes
            .map(|(lane, crew)| Post {
                role: Role::Survivor,
                lane,
                desk: workers + lane,
                number: crew.consumers,
            })
            .collect()
    }

    fn desk(&self, index: usize) -> Desk<'_> {
        self.ledger.desk(index).common
    }

    fn set_pace(&self, pace: Pace) {
        self.ledger.set_pace(pace);
    }

    fn is_full(&self) -> bool {
        self.ledger.is_full()
    }

    fn start(
        &self,
        post: Post<Role>,
        seed: u64,
        conditions: &Conditions<'_>,
    ) -> crossproc::Result<Child<usize>> {
        let job = Job {
            handle: self.handles[post.lane].clone(),
            ledger: self.ledger.address(),
            desk: post.desk,
            column: post.number,
            seed,
            bursts_per_nap: conditions.bursts_per_nap(),
            sabotage: conditions.sabotage,
        };
        match post.role {
            Role::Producer => process::spawn(worker::produce::<S, N>, job),
            Role::Consumer => process::spawn(worker::consume::<S, N>, job),
            Role::Survivor => process::spawn(worker::survive::<S, N>, job),
        }
    }

    fn condemn(&self, _: usize) {}

    fn excuse(&self, post: Post<Role>) -> io::Result<Option<Excuse>> {
        match post.role {
            // What comes back needs no excuse for being lost.
            Role::Consumer if S::LEASED => Ok(None),
            Role::Consumer => Excuse::find::<N>(&self.ledger, post.desk, S::LATE),
            Role::Producer | Role::Survivor => Ok(None),
        }
    }

    /// Every message sent has then been received.
    fn finish(&self, crew: &mut Crew<'_, Self>) -> Result<(), Broken> {
        crew.await_all(Role::Producer)?;
        self.handles.iter().for_each(S::finish);
        crew.await_all(Role::Consumer)
    }

    fn repairs(&self) -> u64 {
        self.handles.iter().map(S::repairs).sum()
    }

    fn leak(&self) {
        std::mem::forget(self.handles.clone());
    }

    fn balance(
        &self,
        excuses: Vec<Excuse>,
        finished: bool,
        outcome: &mut Outcome,
    ) -> io::Result<()> {
        outcome.kills_inside += excuses.len() as u64;
        audit::balance(&self.ledger, excuses, finished, outcome)?;
        if S::LATE {
            outcome.reordered -= outcome.reordered.min(self.repairs());
        }
        Ok(())
    }
}
