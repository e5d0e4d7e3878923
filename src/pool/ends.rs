//! How a ticket's use ends before its tasks are done: it is cancelled, its time is up, its worker has ended, or the pool is over.

use std::time::{Duration, Instant};

use super::board::{Stage, next_generation};
use super::clock;
use super::desk::{Desk, Doors, TICKETS};
use super::error::JobError;
use super::order::Order;
use super::worker::Left;
use crate::error::Fault;
use crate::process::JoinError;

impl Desk {
    /// Has the tasks of an order not run any more: those that are running are killed with their workers. They are told why.
    pub(super) fn cancel(&mut self, order: &Order, is_wanted: bool) {
        for number in 0..TICKETS as u32 {
            let ticket = &self.tickets[number as usize];
            let Some(errand) = &ticket.errand else {
                continue;
            };
            if !errand.order.is(order) || errand.is_done() {
                continue;
            }
            let waits = self.backlog.contains(&number);
            if waits || self.board().revoke(self.is_of(number)) {
                self.backlog.retain(|waiting| *waiting != number);
                self.give_up(number, JobError::Cancelled);
            } else if is_wanted {
                self.condemn(number, JobError::Cancelled);
            }
        }
    }

    /// Kills the worker that runs it, if one does.
    fn condemn(&mut self, number: u32, why: JobError) {
        let what = self.is_of(number);
        let Some(seat) = self.board().condemn(what) else {
            return;
        };
        let ticket = &mut self.tickets[number as usize];
        ticket.condemned = true;
        if let Some(errand) = &mut ticket.errand {
            errand.verdict = Some(why);
        }
        let seat = self.seats.get(usize::from(seat));
        if let Some(worker) = seat.and_then(|seat| seat.worker.as_ref()) {
            let _ = worker.kill();
        }
    }

    /// One that has just been hired may have begun to work, and been condemned for it, before it was known how to kill it.
    pub(super) fn kill_if_condemned(&self, seat: usize) {
        let is_condemned = (0..TICKETS as u32).any(|number| {
            let generation = self.tickets[number as usize].generation;
            self.tickets[number as usize].condemned
                && self.board().state(number).is_some_and(|state| {
                    state.stage == Stage::Condemned
                        && usize::from(state.seat) == seat
                        && state.generation == generation
                })
        });
        if is_condemned && let Some(worker) = &self.seats[seat].worker {
            let _ = worker.kill();
        }
    }

    /// Kills those whose time is up. When to look again, if ever.
    pub(super) fn enforce_timeouts(&mut self) -> Option<Instant> {
        if self.timed == 0 {
            return None;
        }
        let now = clock::now();
        let mut next: Option<Duration> = None;
        for number in 0..TICKETS as u32 {
            let ticket = &self.tickets[number as usize];
            let timeout = ticket
                .errand
                .as_ref()
                .and_then(|errand| errand.terms.timeout);
            let Some(limit) = timeout.filter(|_| !ticket.condemned) else {
                continue;
            };
            let what = self.is_of(number);
            let state = self.board().state(number);
            let runs = state.is_some_and(|state| {
                state.stage == Stage::Running && state.generation == what.generation
            });
            let began = self.board().began(what).filter(|_| runs);
            let ran = began.map_or(Duration::ZERO, |began| clock::between(began, now));
            // The clock's milliseconds are whole ones.
            let left = limit.saturating_add(Duration::from_millis(1));
            let left = left.saturating_sub(ran);
            if left.is_zero() {
                self.condemn(number, JobError::TimedOut { limit });
            } else {
                next = Some(next.map_or(left, |next| next.min(left)));
            }
        }
        // A time too far off to be told never comes.
        next.and_then(|left| Instant::now().checked_add(left))
    }

    // Workers that end.

    fn is_ready(&self, seat: usize) -> bool {
        self.segments.seats.get(seat) == Ok(self.seats[seat].incarnation)
    }

    pub(super) fn nobody_is_ready(&self) -> bool {
        let mut seats = 0..self.seats.len();
        seats.all(|seat| self.seats[seat].worker.is_none() || !self.is_ready(seat))
    }

    /// Empties the seats of workers that have ended, and says what became of what they had. Whether anything has changed.
    pub(super) fn bury(&mut self) -> Result<bool, Fault> {
        let ended: Vec<_> = (0..self.seats.len())
            .filter(|seat| {
                let worker = self.seats[*seat].worker.as_ref();
                worker.is_some_and(|worker| worker.has_ended())
            })
            .collect();
        if ended.is_empty() {
            return Ok(false);
        }
        // What they sent comes first. It may be behind what somebody who lives is still writing, and then they have to wait for that.
        let mut any = false;
        while self.receive()? {
            any = true;
        }
        self.is_held_back = self.doors != Doors::Terminated && !self.segments.results.is_empty();
        if self.is_held_back {
            return Ok(any);
        }
        for seat in ended {
            let Some(worker) = self.seats[seat].worker.take() else {
                continue;
            };
            let end = worker.outcome();
            let was_ready = self.is_ready(seat);
            self.take_back(seat, &end);
            match end {
                Ok(Left::Closed | Left::Renewed) => self.false_starts = 0,
                Ok(Left::Failed(reason)) => {
                    self.last_failure = reason;
                    self.abandon();
                }
                Err(error) => {
                    self.deaths += 1;
                    self.last_failure = error.to_string();
                    if was_ready {
                        self.false_starts = 0;
                    } else {
                        self.false_starts += 1;
                    }
                }
            }
        }
        self.forget_large();
        self.flush();
        Ok(true)
    }

    /// Says what became of the tickets that a worker had.
    fn take_back(&mut self, seat: usize, end: &Result<Left, JoinError>) {
        for number in 0..TICKETS as u32 {
            let what = self.is_of(number);
            let Some(state) = self.board().state(number) else {
                continue;
            };
            let is_its = matches!(
                state.stage,
                Stage::Running | Stage::Finished | Stage::Condemned
            ) && usize::from(state.seat) == seat
                && state.generation == what.generation;
            let begun = self.board().task(what);
            let ticket = &mut self.tickets[number as usize];
            let Some(errand) = ticket.errand.as_mut().filter(|_| is_its) else {
                continue;
            };
            ticket.condemned = false;
            let verdict = errand.verdict.take();
            if verdict == Some(JobError::Cancelled) {
                errand.give_up(JobError::Cancelled);
            }
            // Garbage counts as the last of them.
            let behind = begun.map_or(0, |task| errand.base + task as usize + 1);
            let behind = behind.min(errand.ends.len());
            let died = behind.saturating_sub(errand.done);
            errand.died(died, verdict, |attempts| death(end, attempts));
            if errand.is_done() {
                self.resolved(number);
            } else {
                // The use ends with its worker: until the next one is sent, nobody runs it, and what the dead stored of it can go.
                ticket.generation = next_generation(ticket.generation);
                self.backlog.push_front(number);
            }
        }
    }

    /// Takes out of the dict what dead workers put there and nobody will take out.
    fn forget_large(&self) {
        let large = &self.segments.large;
        if large.is_empty() {
            return;
        }
        let _ = large.retain(|(_, number, generation, _), _| {
            let ticket = self.tickets.get(*number as usize);
            ticket.is_some_and(|ticket| ticket.errand.is_some() && ticket.generation == *generation)
        });
    }

    /// No worker can be had: gives up everything.
    pub(super) fn give_up_all(&mut self) {
        let reason = self.last_failure.clone();
        self.fail_all(&JobError::NoWorkers { reason });
    }

    /// What nobody runs, nor will.
    fn fail_all(&mut self, why: &JobError) {
        self.backlog.clear();
        for number in 0..TICKETS as u32 {
            let what = self.is_of(number);
            self.board().free(what);
            self.tickets[number as usize].condemned = false;
            self.give_up(number, why.clone());
        }
    }

    fn abandon(&mut self) {
        self.kill_all();
        self.give_up_all();
    }

    /// Kills all workers and gives up everything.
    pub(super) fn terminate(&mut self) {
        self.kill_all();
        self.fail_all(&JobError::Terminated);
    }

    fn kill_all(&mut self) {
        self.doors = Doors::Terminated;
        for seat in &self.seats {
            if let Some(worker) = &seat.worker {
                let _ = worker.kill();
            }
        }
    }
}

fn death(end: &Result<Left, JoinError>, attempts: u32) -> JobError {
    match end {
        Err(JoinError::Panicked { message, location }) => JobError::Panicked {
            message: message.clone(),
            location: location.clone(),
        },
        Err(JoinError::Killed { signal }) => JobError::WorkerDied {
            signal: Some(*signal),
            code: None,
            attempts,
        },
        Err(JoinError::Exited { code }) => JobError::WorkerDied {
            signal: None,
            code: Some(*code),
            attempts,
        },
        _ => JobError::WorkerDied {
            signal: None,
            code: None,
            attempts,
        },
    }
}
