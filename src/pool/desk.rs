//! The parent's side of every ticket: what it is for, and what becomes of it. All of it under one lock.
//!
//! Each task of an [`Errand`] gets one outcome, as `done` moves past it: a report moves it past what it reports, a death past what died with the
//! worker, giving up past everything. A ticket is in use until its errand is done; one whose worker was condemned is in use until that has ended.

use std::collections::VecDeque;
use std::sync::Arc;

use bytemuck::Zeroable;

use super::board::{Board, Use, next_generation};
use super::error::JobError;
use super::message::{self, Flags, JobHeader, Large, ReportHeader, Unsent};
use super::order::Errand;
use super::worker::Left;
use crate::error::{Fault, TryRecvError};
use crate::messages::Message;
use crate::process::Child;
use crate::{Array, Event, MessageQueue};

/// Tickets: messages on their way at a time.
pub(super) const TICKETS: usize = 1024;
/// Reports received in one go.
const AT_ONCE: usize = 256;

/// Whether there is more to come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Doors {
    Open,
    /// What is there is done, and nothing else.
    Closed,
    /// All workers are killed.
    Terminated,
}

/// The parent's handles.
#[derive(Debug)]
pub(super) struct Segments {
    pub(super) jobs: MessageQueue,
    pub(super) results: MessageQueue,
    pub(super) board: Board<Array<u64>>,
    pub(super) seats: Array<u64>,
    pub(super) attention: Event,
    pub(super) large: Large,
}

#[derive(Debug)]
pub(super) struct Ticket {
    pub(super) generation: u64,
    pub(super) errand: Option<Errand>,
    /// Its worker is being killed on its account.
    pub(super) condemned: bool,
}

/// Where a worker sits.
#[derive(Debug, Default)]
pub(super) struct Seat {
    pub(super) worker: Option<Arc<Child<Left>>>,
    pub(super) incarnation: u64,
}

#[derive(Debug)]
pub(super) struct Desk {
    pub(super) segments: Arc<Segments>,
    pub(super) tickets: Vec<Ticket>,
    free: Vec<u32>,
    /// To be sent, again or for the first time.
    pub(super) backlog: VecDeque<u32>,
    /// Those whose errand's time is limited.
    pub(super) timed: usize,
    pub(super) seats: Vec<Seat>,
    pub(super) doors: Doors,
    /// Somebody sleeps until results come.
    pub(super) is_watched: bool,
    /// How many others sleep until something changes.
    pub(super) waiters: usize,
    /// Workers have ended, and not everything has come that was sent before.
    pub(super) is_held_back: bool,
    /// Workers that ended before they were ready, one after the other.
    pub(super) false_starts: u32,
    pub(super) last_failure: String,
    /// Workers that were killed or exited, and those that were replaced for their age.
    pub(super) deaths: u64,
}

impl Desk {
    pub(super) fn new(segments: Arc<Segments>, seats: usize) -> Desk {
        let ticket = || Ticket {
            generation: 0,
            errand: None,
            condemned: false,
        };
        Desk {
            segments,
            tickets: (0..TICKETS).map(|_| ticket()).collect(),
            free: (0..TICKETS as u32).rev().collect(),
            backlog: VecDeque::new(),
            timed: 0,
            seats: (0..seats).map(|_| Seat::default()).collect(),
            doors: Doors::Open,
            is_watched: false,
            waiters: 0,
            is_held_back: false,
            false_starts: 0,
            last_failure: String::new(),
            deaths: 0,
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.free.len() == TICKETS
    }

    /// Whether it is closed, everything is done, and all workers are gone.
    pub(super) fn is_over(&mut self) -> Option<()> {
        let gone = self.seats.iter().all(|seat| seat.worker.is_none());
        (self.doors != Doors::Open && self.is_idle() && gone).then_some(())
    }

    pub(super) fn has_backlog(&self) -> bool {
        !self.backlog.is_empty()
    }

    pub(super) fn has_room(&self) -> bool {
        !self.free.is_empty()
    }

    pub(super) fn has_empty_seats(&self) -> bool {
        self.seats.iter().any(|seat| seat.worker.is_none())
    }

    /// Takes on an errand, to be sent by [`flush`](Desk::flush). There has to be [room](Desk::has_room).
    pub(super) fn accept(&mut self, errand: Errand) {
        let number = self.free.pop().expect("there is room");
        errand.order.inbox().tickets += 1;
        self.timed += usize::from(errand.terms.timeout.is_some());
        self.tickets[number as usize].errand = Some(errand);
        self.backlog.push_back(number);
    }

    pub(super) fn is_of(&self, number: u32) -> Use {
        Use {
            ticket: number,
            generation: self.tickets[number as usize].generation,
        }
    }

    /// Sends what waits to be sent, as far as there is room.
    pub(super) fn flush(&mut self) {
        while let Some(&number) = self.backlog.front() {
            match self.send(number) {
                Err(Unsent::Full) => return,
                Ok(()) => {
                    self.backlog.pop_front();
                }
                Err(unsent) => {
                    self.backlog.pop_front();
                    let why = match unsent {
                        Unsent::NoRoom(error) => JobError::Arguments {
                            reason: error.to_string(),
                        },
                        Unsent::Fault(fault) => JobError::Fault(fault),
                        Unsent::Closed | Unsent::Full => JobError::Terminated,
                    };
                    self.board().free(self.is_of(number));
                    self.give_up(number, why);
                }
            }
        }
    }

    pub(super) fn board(&self) -> &Board<Array<u64>> {
        &self.segments.board
    }

    fn send(&mut self, number: u32) -> Result<(), Unsent> {
        let ticket = &self.tickets[number as usize];
        let Some(errand) = &ticket.errand else {
            return Ok(()); // It was given up.
        };
        self.forget_arguments(number, ticket.generation, errand.arguments.len());
        let ticket = &mut self.tickets[number as usize];
        let errand = ticket.errand.as_mut().expect("it was there just now");
        ticket.generation = next_generation(ticket.generation);
        let mut flags = 0;
        if errand.terms.timeout.is_some() {
            flags |= Flags::TIMED;
        }
        if errand.is_suspect() {
            flags |= Flags::EACH;
        }
        errand.base = errand.done;
        let what = Use {
            ticket: number,
            generation: ticket.generation,
        };
        self.segments.board.make_ready(what);
        let header = JobHeader {
            ticket: number,
            flags,
            generation: what.generation,
            code: errand.place.code,
            seal: errand.place.seal,
            count: (errand.ends.len() - errand.done) as u64,
        };
        message::send(
            &self.segments.jobs,
            &self.segments.large,
            header,
            &errand.arguments[errand.offset()..],
            MessageQueue::try_loan,
        )
    }

    // What comes back.

    /// Files the reports that have come. Whether there were any.
    pub(super) fn receive(&mut self) -> Result<bool, Fault> {
        let segments = Arc::clone(&self.segments);
        let mut any = false;
        for _ in 0..AT_ONCE {
            let message = match segments.results.try_recv() {
                Ok(message) => message,
                Err(TryRecvError::Empty | TryRecvError::Closed | TryRecvError::PeerDied) => break,
                Err(TryRecvError::Fault(fault)) => return Err(fault),
            };
            any = true;
            let mut header: ReportHeader = message::header(&message).ok_or(GARBAGE)?;
            if self.is_current(&header)? {
                self.file(&mut header, &message)?;
            } // Else it is of what was given up meanwhile.
            if header.flags & Flags::STORED != 0 {
                message::discard(&segments.large, &header);
            }
        }
        if any {
            self.flush();
        }
        Ok(any)
    }

    fn is_current(&self, header: &ReportHeader) -> Result<bool, Fault> {
        let ticket = self.tickets.get(header.ticket as usize);
        let ticket = ticket.ok_or(GARBAGE)?;
        Ok(ticket.errand.is_some() && ticket.generation == header.generation)
    }

    fn file(&mut self, header: &mut ReportHeader, message: &Message<'_>) -> Result<(), Fault> {
        let number = header.ticket;
        let ticket = self.tickets.get_mut(number as usize);
        let errand = ticket.and_then(|ticket| ticket.errand.as_mut());
        let errand = errand.ok_or(GARBAGE)?;
        let first = errand.base as u64 + header.first.min(u64::from(u32::MAX));
        let left = (errand.ends.len() - errand.done) as u64;
        let count = header.count;
        if first != errand.done as u64 || count == 0 || count > left {
            return Err(GARBAGE);
        }
        let mut inbox = errand.order.inbox();
        inbox.measure(count, header.nanos);
        let first = errand.first + errand.done;
        inbox.report(first, count as usize, |outcomes| {
            let found = message::body(&self.segments.large, header, message, outcomes)?;
            found.then_some(()).ok_or(GARBAGE)
        })?;
        drop(inbox);
        errand.advance(count as usize);
        if errand.is_done() {
            self.resolved(number);
        }
        Ok(())
    }

    /// Its errand is done.
    pub(super) fn resolved(&mut self, number: u32) {
        let ticket = &mut self.tickets[number as usize];
        if ticket.condemned {
            return; // Until its worker has ended.
        }
        let Some(errand) = ticket.errand.take() else {
            return;
        };
        errand.order.inbox().tickets -= 1;
        self.timed -= usize::from(errand.terms.timeout.is_some());
        let generation = ticket.generation;
        self.forget_arguments(number, generation, errand.arguments.len());
        self.free.push(number);
        if self.doors == Doors::Closed && self.is_idle() {
            // Whoever received the last result, it is the supervisor that sends the workers home.
            let _ = self.segments.attention.set();
        }
    }

    /// Those of so many bytes may have been too long for the queue.
    fn forget_arguments(&self, ticket: u32, generation: u64, len: usize) {
        if len > self.segments.jobs.memory() / 8 {
            let header = JobHeader {
                ticket,
                generation,
                ..Zeroable::zeroed()
            };
            message::discard(&self.segments.large, &header);
        }
    }

    pub(super) fn give_up(&mut self, number: u32, why: JobError) {
        let ticket = &mut self.tickets[number as usize];
        if let Some(errand) = &mut ticket.errand {
            errand.give_up(why);
            self.resolved(number);
        }
    }
}

const GARBAGE: Fault = Fault::Corrupted("a message of the pool makes no sense");
