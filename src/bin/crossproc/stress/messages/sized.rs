//! Queues for messages of any size: as bytes, as objects, and as jobs on lease.

use super::message::{Message, open};
use super::shortfall::moved;
use super::subject::{Closed, Lane, Subject};
use crate::stress::burst::How;
use crate::stress::random::mix;
use crossproc::bytemuck;
use crossproc::messages::Lease;
use crossproc::{MessageQueue, ObjectQueue, Options, TryLoanError};

/// Bytes that follow a message, of a number that follows from it too: few as a rule, sometimes many.
fn rest<const N: usize>(message: &Message<N>) -> impl Iterator<Item = u8> {
    let hash = mix(message[0]);
    let most = if hash.is_multiple_of(4) {
        MOST_REST
    } else {
        100
    };
    let len = (hash >> 32) as usize % most;
    (0..len).map(move |at| (hash >> (at % 7 * 8)) as u8 ^ at as u8)
}

const MOST_REST: usize = 3000;
/// The longest message there is: as an object, each of its words takes up to ten bytes, and the two lengths up to two.
const LONGEST: usize = MOST_REST + 25 * 10 + 4;
/// Memory for each message of a round's capacity, bytes.
const EACH: usize = 256;
/// The longest message must fit, and something beside it.
const LEAST: usize = 2 * LONGEST;

fn bytes<const N: usize>(message: &Message<N>) -> Vec<u8> {
    let mut bytes = bytemuck::bytes_of(message).to_vec();
    bytes.extend(rest(message));
    bytes
}

/// The message, if its bytes are what they were; otherwise one that passes for none.
fn checked<const N: usize>(bytes: &[u8]) -> Message<N> {
    let head = bytes.get(..N * 8).unwrap_or_default();
    let mut message = [0; N];
    if head.len() == N * 8 {
        bytemuck::bytes_of_mut(&mut message).copy_from_slice(head);
    }
    let whole = open(&message).is_some() && bytes[N * 8..].iter().copied().eq(rest(&message));
    if whole { message } else { [0; N] }
}

fn half_and_half(processes: usize) -> Vec<Lane> {
    vec![Lane {
        producers: processes / 2,
        consumers: processes - processes / 2,
    }]
}

/// Under a name, one that was found by it.
macro_rules! create {
    ($queue:ty, $name:ident, $capacity:ident, $participants:ident) => {{
        let options: Options<$queue> = <$queue>::options()
            .memory(LEAST.max($capacity * EACH))
            .participants($participants);
        let Some(name) = $name else {
            return options.anonymous();
        };
        let created = options.create(name)?;
        let found = <$queue>::open(name);
        created.unlink()?;
        found
    }};
}

fn send(queue: &MessageQueue, how: How, bytes: &[u8]) -> Result<usize, Closed> {
    // Half of them in place.
    if bytes.len().is_multiple_of(2) {
        return match how {
            How::Try => moved(queue.try_send(bytes), |()| 1),
            How::Block => moved(queue.send(bytes), |()| 1),
            How::Timeout(limit) => moved(queue.send_timeout(bytes, limit), |()| 1),
        };
    }
    let mut loan = None;
    moved(
        match how {
            How::Try => queue.try_loan(bytes.len()),
            How::Block => queue.loan(bytes.len()).map_err(|error| match error {
                crossproc::LoanError::Closed => TryLoanError::Closed,
                other => panic!("{other}"),
            }),
            How::Timeout(limit) => {
                queue
                    .loan_timeout(bytes.len(), limit)
                    .map_err(|error| match error {
                        crossproc::LoanTimeoutError::Timeout => TryLoanError::Full,
                        crossproc::LoanTimeoutError::Closed => TryLoanError::Closed,
                        other => panic!("{other}"),
                    })
            }
        },
        |taken| {
            loan = Some(taken);
            1
        },
    )?;
    let Some(mut loan) = loan else {
        return Ok(0);
    };
    loan.write(0, bytes);
    moved(loan.send(), |()| 1)
}

/// What the queues of bytes have in common.
macro_rules! of_bytes {
    () => {
        const BATCH: usize = 1;
        const LATE: bool = true;
        type Handle = MessageQueue;
        type Sender = MessageQueue;

        fn lanes(processes: usize) -> Vec<Lane> {
            half_and_half(processes)
        }

        fn create(
            name: Option<&str>,
            capacity: usize,
            participants: u32,
        ) -> crossproc::Result<MessageQueue> {
            create!(MessageQueue, name, capacity, participants)
        }

        fn len(queue: &MessageQueue) -> usize {
            queue.len()
        }

        fn is_full(queue: &MessageQueue) -> bool {
            queue.available() < LONGEST
        }

        fn missing(queue: &MessageQueue, _: usize) -> usize {
            usize::from(queue.try_loan(queue.memory()).is_err())
        }

        fn repairs(queue: &MessageQueue) -> u64 {
            queue.repairs()
        }

        fn finish(queue: &MessageQueue) {
            queue.close();
        }

        fn sender(queue: &MessageQueue) -> crossproc::Result<MessageQueue> {
            Ok(queue.clone())
        }

        fn send(queue: &mut MessageQueue, how: How, batch: &[Message<N>]) -> Result<usize, Closed> {
            send(queue, how, &bytes(&batch[0]))
        }
    };
}

/// Received for good.
pub(crate) struct Messages;

impl<const N: usize> Subject<N> for Messages {
    of_bytes!();
    type Receiver = MessageQueue;

    fn receiver(queue: &MessageQueue) -> crossproc::Result<MessageQueue> {
        Ok(queue.clone())
    }

    fn recv(queue: &mut MessageQueue, how: How, batch: &mut [Message<N>]) -> Result<usize, Closed> {
        let take = |message: crossproc::messages::Message<'_>| {
            batch[0] = checked(&message.to_vec());
            1
        };
        match how {
            How::Try => moved(queue.try_recv(), take),
            How::Block => moved(queue.recv(), take),
            How::Timeout(limit) => moved(queue.recv_timeout(limit), take),
        }
    }
}

/// Received on lease, and acknowledged once recorded.
pub(crate) struct Jobs;

/// A consumer's queue, which it keeps for as long as it lives, and what it has on lease.
pub(crate) struct Worker {
    queue: &'static MessageQueue,
    lease: Option<Lease<'static>>,
}

impl<const N: usize> Subject<N> for Jobs {
    of_bytes!();
    const LEASED: bool = true;
    type Receiver = Worker;

    fn receiver(queue: &MessageQueue) -> crossproc::Result<Worker> {
        Ok(Worker {
            queue: Box::leak(Box::new(queue.clone())),
            lease: None,
        })
    }

    fn recv(worker: &mut Worker, how: How, batch: &mut [Message<N>]) -> Result<usize, Closed> {
        let keep = |lease: Lease<'static>| {
            batch[0] = checked(&lease.to_vec());
            worker.lease = Some(lease);
            1
        };
        match how {
            How::Try => moved(worker.queue.try_lease(), keep),
            How::Block => moved(worker.queue.lease(), keep),
            How::Timeout(limit) => moved(worker.queue.lease_timeout(limit), keep),
        }
    }

    fn is_again(worker: &Worker) -> bool {
        worker.lease.as_ref().is_some_and(Lease::is_redelivered)
    }

    fn done(worker: &mut Worker) {
        if let Some(lease) = worker.lease.take() {
            lease.ack();
        }
    }
}

/// In serialised form.
pub(crate) struct Objects;

/// The message's words, and what follows them.
type Object = (Vec<u64>, Vec<u8>);

impl<const N: usize> Subject<N> for Objects {
    const BATCH: usize = 1;
    const LATE: bool = true;
    type Handle = ObjectQueue<Object>;
    type Sender = Self::Handle;
    type Receiver = Self::Handle;

    fn lanes(processes: usize) -> Vec<Lane> {
        half_and_half(processes)
    }

    fn create(
        name: Option<&str>,
        capacity: usize,
        participants: u32,
    ) -> crossproc::Result<Self::Handle> {
        create!(ObjectQueue<Object>, name, capacity, participants)
    }

    fn len(queue: &Self::Handle) -> usize {
        queue.len()
    }

    fn is_full(queue: &Self::Handle) -> bool {
        queue.available() < LONGEST
    }

    fn missing(queue: &Self::Handle, _: usize) -> usize {
        let all: Object = (Vec::new(), vec![0; queue.memory() - 16]);
        usize::from(queue.try_send(&all).is_err() || queue.try_recv() != Ok(all))
    }

    fn repairs(queue: &Self::Handle) -> u64 {
        queue.repairs()
    }

    fn finish(queue: &Self::Handle) {
        queue.close();
    }

    fn sender(queue: &Self::Handle) -> crossproc::Result<Self::Handle> {
        Ok(queue.clone())
    }

    fn receiver(queue: &Self::Handle) -> crossproc::Result<Self::Handle> {
        Ok(queue.clone())
    }

    fn send(queue: &mut Self::Handle, how: How, batch: &[Message<N>]) -> Result<usize, Closed> {
        let object = (batch[0].to_vec(), rest(&batch[0]).collect());
        match how {
            How::Try => moved(queue.try_send(&object), |()| 1),
            How::Block => moved(queue.send(&object), |()| 1),
            How::Timeout(limit) => moved(queue.send_timeout(&object, limit), |()| 1),
        }
    }

    fn recv(queue: &mut Self::Handle, how: How, batch: &mut [Message<N>]) -> Result<usize, Closed> {
        let take = |(words, rest): Object| {
            let mut bytes: Vec<u8> = bytemuck::cast_slice(&words).to_vec();
            bytes.extend(rest);
            batch[0] = checked(&bytes);
            1
        };
        match how {
            How::Try => moved(queue.try_recv(), take),
            How::Block => moved(queue.recv(), take),
            How::Timeout(limit) => moved(queue.recv_timeout(limit), take),
        }
    }
}
