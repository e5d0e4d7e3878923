//! A worker's life: take a message, run its tasks, report, until there are no more.

use serde::{Deserialize, Serialize};

use super::board::Board;
use super::code::{Place, Secret};
use super::message::{self, JobHeader, Large, Unsent};
use super::shift::Shift;
use crate::error::{Fault, RecvError};
use crate::platform::per_process::ThisProcess;
use crate::{Array, Event, MessageQueue};

/// What a worker is given.
#[derive(Serialize, Deserialize)]
pub(super) struct Kit {
    pub(super) jobs: MessageQueue,
    pub(super) results: MessageQueue,
    pub(super) board: Array<u64>,
    pub(super) large: Large,
    /// Set where the parent is to look, though nobody there may be waiting.
    pub(super) attention: Event,
    /// Set when workers that start are ready.
    pub(super) seats: Array<u64>,
    pub(super) secret: Secret,
    pub(super) seat: u16,
    /// Which worker of this seat this is.
    pub(super) incarnation: u64,
    /// After how many tasks it is to be replaced.
    pub(super) tasks: Option<u64>,
}

/// Why a worker left.
#[derive(Serialize, Deserialize, Debug)]
pub(super) enum Left {
    /// There are no more jobs.
    Closed,
    /// It has done as many tasks as it was to do.
    Renewed,
    /// Something is wrong with the pool's segment.
    Failed(String),
}

/// A worker at work.
pub(super) struct Bench {
    jobs: MessageQueue,
    pub(super) results: MessageQueue,
    pub(super) large: Large,
    pub(super) board: Board<Array<u64>>,
    pub(super) attention: Event,
    secret: Secret,
    seat: u16,
    pub(super) own: ThisProcess,
}

pub(super) fn work(kit: Kit) -> Left {
    // From now on, dying is no failure to start.
    let _ = kit.seats.set(kit.seat.into(), kit.incarnation);
    let bench = Bench {
        jobs: kit.jobs,
        results: kit.results,
        large: kit.large,
        board: Board(kit.board),
        attention: kit.attention,
        secret: kit.secret,
        seat: kit.seat,
        own: ThisProcess::new(),
    };
    match bench.work(kit.tasks) {
        Ok(left) => left,
        Err(Unsent::Closed) => Left::Closed,
        Err(Unsent::Full) => Left::Failed("a queue that blocks was full".into()),
        Err(Unsent::NoRoom(error)) => Left::Failed(error.to_string()),
        Err(Unsent::Fault(fault)) => Left::Failed(fault.to_string()),
    }
}

impl Bench {
    fn work(&self, most: Option<u64>) -> Result<Left, Unsent> {
        let mut done = 0;
        let (mut arguments, mut results) = (Vec::new(), Vec::new());
        while most.is_none_or(|most| done < most) {
            let Some(header) = self.take(&mut arguments)? else {
                return Ok(Left::Closed);
            };
            let place = Place {
                code: header.code,
                seal: header.seal,
            };
            let code = self.secret.code_at(place).ok_or(GARBAGE)?;
            let what = message::Header::subject(&header);
            let mut shift = Shift::new(self, what, header.flags, header.count, results);
            code(&mut shift, &arguments);
            results = shift.finish()?;
            done += header.count;
            if !self.board.finish(what, self.seat) {
                loop {
                    std::thread::park(); // The parent is about to kill this process.
                }
            }
        }
        Ok(Left::Renewed)
    }

    /// The next message that is for this worker, and its arguments; `None` when there will be none.
    fn take(&self, arguments: &mut Vec<u8>) -> Result<Option<JobHeader>, Unsent> {
        loop {
            let lease = match self.jobs.lease() {
                Ok(lease) => lease,
                Err(RecvError::Closed) => return Ok(None),
                Err(RecvError::Fault(fault)) => return Err(Unsent::Fault(fault)),
                Err(RecvError::PeerDied) => return Ok(None),
            };
            let mut header: JobHeader = message::header(&lease).ok_or(GARBAGE)?;
            let what = message::Header::subject(&header);
            if !self.board.claim(what, self.seat) {
                // Cancelled, or what a dead worker had claimed: the parent sees to that.
                lease.ack();
                continue;
            }
            arguments.clear();
            let found = message::body(&self.large, &mut header, &lease, arguments);
            if !found.map_err(Unsent::Fault)? {
                if self.board.is_running(what, self.seat) {
                    return Err(GARBAGE);
                }
                lease.ack(); // Given up meanwhile.
                continue;
            }
            // It is on the board that it is this worker's.
            lease.ack();
            return Ok(Some(header));
        }
    }
}

const GARBAGE: Unsent = Unsent::Fault(Fault::Corrupted("a message of the pool makes no sense"));
