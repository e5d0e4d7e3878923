//! What a process does to a queue for messages.

use std::time::Duration;

use crossproc::messages::{Lease, Loan, Message};
use crossproc::{
    Group, MessageQueue, RecvError, SendError, TryLoanError, TryRecvError, WaitTimeoutError,
};

use crate::channel::{Answer, CLOSED};
use crate::message::{message, number};
use crate::stage::{Actor, DONE, Deed, WOULD_BLOCK};

/// Three words of the bitmap, the last of them not full.
pub(crate) const BLOCKS: usize = 80;
const BLOCK: usize = 64;
/// Takes blocks in all three words.
const LARGE: usize = 70 * BLOCK;

pub(crate) const LOAN: Deed = 1;
pub(crate) const LOAN_LARGE: Deed = 2;
pub(crate) const LOAN_ALL: Deed = 3;
pub(crate) const TRY_LOAN_ALL: Deed = 4;
/// Writes message [`MINE`] into the loan that was taken last.
pub(crate) const FILL: Deed = 5;
/// Sends it.
pub(crate) const SEND: Deed = 6;
/// The answer to these is the number of the message.
pub(crate) const RECV: Deed = 7;
pub(crate) const TRY_RECV: Deed = 8;
pub(crate) const LEASE: Deed = 9;
pub(crate) const TRY_LEASE: Deed = 10;
/// Also to this, with the number of deliveries before.
pub(crate) const ACK: Deed = 11;
/// What was taken last.
pub(crate) const DROP: Deed = 12;
pub(crate) const CLOSE: Deed = 13;
pub(crate) const WAIT_IDLE: Deed = 14;
pub(crate) const TRY_IDLE: Deed = 15;
pub(crate) const TRY_LOAN: Deed = 16;
/// Send a copy of message number 1, 2, and so on.
pub(crate) const SEND_1: Deed = COPY + 1;
pub(crate) const SEND_2: Deed = COPY + 2;
pub(crate) const SEND_MINE: Deed = COPY + MINE;
pub(crate) const SEND_LATER: Deed = COPY + LATER;
/// The same of one that takes many blocks.
pub(crate) const SEND_LARGE_1: Deed = COPY_LARGE + 1;
pub(crate) const SEND_LARGE_MINE: Deed = COPY_LARGE + MINE;

/// Any of these, done to the other queue of the segment.
pub(crate) const OTHER: Deed = 1 << 16;

const COPY: Deed = 100;
const COPY_LARGE: Deed = 200;

/// The number of the victim's message.
pub(crate) const MINE: u64 = 9;
/// The number of those that are sent when all is over.
pub(crate) const LATER: u64 = 50;

/// Which message such a deed sends, by the first queue.
pub(crate) fn sends(deed: Deed) -> Option<u64> {
    match deed {
        OTHER.. => None,
        SEND => Some(MINE),
        COPY..COPY_LARGE => Some(deed - COPY),
        COPY_LARGE.. => Some(deed - COPY_LARGE),
        _ => None,
    }
}

/// So often a message was delivered before, in the answer to [`ACK`].
pub(crate) fn deliveries(answer: Answer) -> u64 {
    answer >> 32
}

/// For the survivors and the dead of one victim, with the keeper thread of each.
const PARTICIPANTS: u32 = 18;

/// Two queues in one segment, the second for deeds that are [`OTHER`].
pub(crate) fn create() -> Queues {
    let queue = || MessageQueue::options().memory(BLOCKS * BLOCK);
    let group = Group::of((queue(), queue()));
    let (queue, other) = group
        .participants(PARTICIPANTS)
        .anonymous()
        .expect("two queues");
    [queue, other]
}

/// The same for somebody who has to take the same path every time: every place has been used before.
pub(crate) fn create_used() -> Queues {
    let queues = create();
    for queue in &queues {
        for _ in 0..BLOCKS * 4 {
            queue.send(&[]).expect("there is room");
            drop(queue.recv().expect("it was sent"));
        }
    }
    queues
}

enum Thing {
    Loan(Loan<'static>),
    Message(#[expect(dead_code, reason = "to be dropped")] Message<'static>),
    Lease(Lease<'static>),
}

pub(crate) type Queues = [MessageQueue; 2];

pub(crate) struct Hands {
    queues: &'static Queues,
    things: Vec<Thing>,
    /// To be written over before it is sent.
    large: Vec<u8>,
}

/// Message `number`, at both ends of so many bytes.
fn write(number: u64, bytes: &mut [u8]) {
    let len = bytes.len();
    let [first, last] = message::<2>(number);
    bytes[..8].copy_from_slice(&first.to_ne_bytes());
    bytes[len - 8..].copy_from_slice(&last.to_ne_bytes());
}

fn read(message: &Message<'_>) -> u64 {
    assert!(message.len() == LARGE || message.len() == BLOCK);
    let word = |offset| {
        let mut bytes = [0; 8];
        message.read(offset, &mut bytes);
        u64::from_ne_bytes(bytes)
    };
    number([word(0), word(message.len() - 8)])
}

impl Hands {
    fn loan(&mut self, loan: Result<Loan<'static>, TryLoanError>) -> Answer {
        match loan {
            Ok(loan) => self.things.push(Thing::Loan(loan)),
            Err(TryLoanError::Full) => return WOULD_BLOCK,
            Err(TryLoanError::Closed) => return CLOSED,
            Err(error) => panic!("{error}"),
        }
        DONE
    }

    fn receive(&mut self, received: Result<Message<'static>, TryRecvError>) -> Answer {
        match received {
            Ok(message) => {
                let number = read(&message);
                self.things.push(Thing::Message(message));
                number
            }
            Err(TryRecvError::Empty) => WOULD_BLOCK,
            Err(TryRecvError::Closed) => CLOSED,
            Err(error) => panic!("{error}"),
        }
    }

    fn lease(&mut self, leased: Result<Lease<'static>, TryRecvError>) -> Answer {
        match leased {
            Ok(lease) => {
                let number = read(&lease);
                self.things.push(Thing::Lease(lease));
                number
            }
            Err(TryRecvError::Empty) => WOULD_BLOCK,
            Err(TryRecvError::Closed) => CLOSED,
            Err(error) => panic!("{error}"),
        }
    }

    fn send(&self, sent: Result<(), crossproc::LoanError>) -> Answer {
        match sent {
            Ok(()) => DONE,
            Err(crossproc::LoanError::Closed) => CLOSED,
            Err(error) => panic!("{error}"),
        }
    }
}

fn of_recv(error: RecvError) -> TryRecvError {
    match error {
        RecvError::Closed => TryRecvError::Closed,
        error => panic!("{error}"),
    }
}

fn of_loan(error: crossproc::LoanError) -> TryLoanError {
    match error {
        crossproc::LoanError::Closed => TryLoanError::Closed,
        error => panic!("{error}"),
    }
}

impl Actor for Hands {
    type Shared = Queues;

    fn enter(queues: &'static Queues) -> Self {
        for queue in queues {
            drop(queue.try_loan(BLOCK));
            if queue.is_empty() {
                assert!(queue.try_recv().is_err(), "nothing has been sent yet");
            }
        }
        Hands {
            queues,
            things: Vec::with_capacity(BLOCKS),
            large: vec![0; LARGE],
        }
    }

    fn perform(&mut self, deed: Deed) -> Answer {
        let [queue, other] = self.queues;
        let queue = if deed & OTHER == 0 { queue } else { other };
        let deed = deed & !OTHER;
        match deed {
            LOAN => self.loan(queue.loan(BLOCK).map_err(of_loan)),
            LOAN_LARGE => self.loan(queue.loan(LARGE).map_err(of_loan)),
            LOAN_ALL => self.loan(queue.loan(BLOCKS * BLOCK).map_err(of_loan)),
            TRY_LOAN => self.loan(queue.try_loan(BLOCK)),
            TRY_LOAN_ALL => self.loan(queue.try_loan(BLOCKS * BLOCK)),
            FILL => {
                let Some(Thing::Loan(loan)) = self.things.last_mut() else {
                    panic!("it has no loan");
                };
                let [first, last] = message::<2>(MINE);
                loan.write(0, &first.to_ne_bytes());
                loan.write(loan.len() - 8, &last.to_ne_bytes());
                DONE
            }
            SEND => {
                let Some(Thing::Loan(loan)) = self.things.pop() else {
                    panic!("it has no loan");
                };
                match loan.send() {
                    Ok(()) => DONE,
                    Err(SendError::Closed(_)) => CLOSED,
                    Err(error) => panic!("{error}"),
                }
            }
            RECV => self.receive(queue.recv().map_err(of_recv)),
            TRY_RECV => self.receive(queue.try_recv()),
            LEASE => self.lease(queue.lease().map_err(of_recv)),
            TRY_LEASE => self.lease(queue.try_lease()),
            ACK => match self.things.pop() {
                Some(Thing::Lease(lease)) => {
                    let answer = u64::from(lease.deliveries()) << 32 | read(&lease);
                    lease.ack();
                    answer
                }
                // What came of its lease was that the queue is closed.
                _ => CLOSED,
            },
            DROP => match self.things.pop() {
                Some(thing) => {
                    drop(thing);
                    DONE
                }
                None => WOULD_BLOCK,
            },
            CLOSE => {
                queue.close();
                DONE
            }
            WAIT_IDLE => {
                queue.wait_idle().expect("idle");
                DONE
            }
            TRY_IDLE => match queue.wait_idle_timeout(Duration::ZERO) {
                Ok(()) => DONE,
                Err(WaitTimeoutError::Timeout) => WOULD_BLOCK,
                Err(error) => panic!("{error}"),
            },
            COPY..COPY_LARGE => {
                let mut small = [0; BLOCK];
                write(deed - COPY, &mut small);
                self.send(queue.send(&small))
            }
            COPY_LARGE.. => {
                write(deed - COPY_LARGE, &mut self.large);
                self.send(queue.send(&self.large))
            }
            _ => unreachable!("no deed of a queue"),
        }
    }

    fn undo(deed: Deed) -> Option<Deed> {
        let other = deed & OTHER;
        match deed & !OTHER {
            LOAN | TRY_LOAN | LOAN_LARGE | LOAN_ALL | TRY_LOAN_ALL | RECV | TRY_RECV => {
                Some(DROP | other)
            }
            LEASE | TRY_LEASE => Some(ACK | other),
            _ => None,
        }
    }

    fn repairs([queue, _]: &Queues) -> u64 {
        // Of the segment.
        queue.repairs()
    }
}
