//! Queues and rings, as far as they are alike.

use crossproc::spsc::{Consumer, Producer, Ring};
use crossproc::{Queue, RecvError, SendError, TryRecvError, TrySendError};

use crate::message::{message, number};

/// Records for the survivor, the victim, a peer and the background thread of each, and a few more:
/// rows have many times as many points, so the places of the dead must come back.
const PARTICIPANTS: u32 = 12;

/// What came of an operation: the number of the message received, which is never 0, or one of the
/// words below. It fits into a cell of shared memory.
pub(crate) type Answer = u64;
pub(crate) const SENT: Answer = 0;
pub(crate) const FULL: Answer = u64::MAX;
pub(crate) const EMPTY: Answer = u64::MAX - 1;
pub(crate) const CLOSED: Answer = u64::MAX - 2;
pub(crate) const PEER_DIED: Answer = u64::MAX - 3;

/// Something through which numbered messages go from senders to receivers.
pub(crate) trait Channel: 'static {
    /// Whether there may be many senders and receivers at a time. If not, the death of the only one
    /// is told to the other side.
    const MANY: bool;
    /// The right to send.
    type Sender;
    /// The right to receive.
    type Receiver;

    fn new(capacity: usize) -> Self;
    /// The calling process's first use. The channel is empty.
    fn enter(&self);
    /// Where there is one sender only: after the last one was closed or died.
    fn sender(&self) -> Self::Sender;
    fn receiver(&self) -> Self::Receiver;
    fn len(&self) -> usize;
    fn capacity(&self) -> usize;
    fn repairs(&self) -> u64;

    fn try_send_one(sender: &mut Self::Sender, number: u64) -> Answer;
    fn send_one(sender: &mut Self::Sender, number: u64) -> Answer;
    fn try_recv_one(receiver: &mut Self::Receiver) -> Answer;
    fn recv_one(receiver: &mut Self::Receiver) -> Answer;
}

impl<const N: usize> Channel for Queue<[u64; N]> {
    const MANY: bool = true;
    type Sender = Self;
    type Receiver = Self;

    fn new(capacity: usize) -> Self {
        let options = Queue::options()
            .capacity(capacity)
            .participants(PARTICIPANTS);
        options.anonymous().expect("a queue")
    }

    fn enter(&self) {
        assert_eq!(answer_try_recv(self.try_recv()), EMPTY);
    }

    fn sender(&self) -> Self {
        self.clone()
    }

    fn receiver(&self) -> Self {
        self.clone()
    }

    fn len(&self) -> usize {
        Queue::len(self)
    }

    fn capacity(&self) -> usize {
        Queue::capacity(self)
    }

    fn repairs(&self) -> u64 {
        Queue::repairs(self)
    }

    fn try_send_one(sender: &mut Self, number: u64) -> Answer {
        answer_try_send(Queue::try_send(sender, message(number)))
    }

    fn send_one(sender: &mut Self, number: u64) -> Answer {
        answer_send(Queue::send(sender, message(number)))
    }

    fn try_recv_one(receiver: &mut Self) -> Answer {
        answer_try_recv(Queue::try_recv(receiver))
    }

    fn recv_one(receiver: &mut Self) -> Answer {
        answer_recv(Queue::recv(receiver))
    }
}

impl<const N: usize> Channel for Ring<[u64; N]> {
    const MANY: bool = false;
    type Sender = Producer<[u64; N]>;
    type Receiver = Consumer<[u64; N]>;

    fn new(capacity: usize) -> Self {
        let options = Ring::options()
            .capacity(capacity)
            .participants(PARTICIPANTS);
        options.anonymous().expect("a ring")
    }

    fn enter(&self) {
        // Claiming a role is the first use.
    }

    fn sender(&self) -> Self::Sender {
        self.producer().expect("nobody alive is the producer")
    }

    fn receiver(&self) -> Self::Receiver {
        self.consumer().expect("nobody alive is the consumer")
    }

    fn len(&self) -> usize {
        Ring::len(self)
    }

    fn capacity(&self) -> usize {
        Ring::capacity(self)
    }

    fn repairs(&self) -> u64 {
        Ring::repairs(self)
    }

    fn try_send_one(sender: &mut Self::Sender, number: u64) -> Answer {
        answer_try_send(sender.try_send(message(number)))
    }

    fn send_one(sender: &mut Self::Sender, number: u64) -> Answer {
        answer_send(sender.send(message(number)))
    }

    fn try_recv_one(receiver: &mut Self::Receiver) -> Answer {
        answer_try_recv(receiver.try_recv())
    }

    fn recv_one(receiver: &mut Self::Receiver) -> Answer {
        answer_recv(receiver.recv())
    }
}

pub(crate) fn answer_try_send<T>(result: Result<(), TrySendError<T>>) -> Answer {
    match result {
        Ok(()) => SENT,
        Err(TrySendError::Full(_)) => FULL,
        Err(TrySendError::Closed(_)) => CLOSED,
        Err(TrySendError::PeerDied(_)) => PEER_DIED,
        Err(fault) => panic!("{fault}"),
    }
}

pub(crate) fn answer_send<T>(result: Result<(), SendError<T>>) -> Answer {
    match result {
        Ok(()) => SENT,
        Err(SendError::Closed(_)) => CLOSED,
        Err(SendError::PeerDied(_)) => PEER_DIED,
        Err(fault) => panic!("{fault}"),
    }
}

pub(crate) fn answer_try_recv<const N: usize>(result: Result<[u64; N], TryRecvError>) -> Answer {
    match result {
        Ok(received) => number(received),
        Err(TryRecvError::Empty) => EMPTY,
        Err(TryRecvError::Closed) => CLOSED,
        Err(TryRecvError::PeerDied) => PEER_DIED,
        Err(fault) => panic!("{fault}"),
    }
}

pub(crate) fn answer_recv<const N: usize>(result: Result<[u64; N], RecvError>) -> Answer {
    match result {
        Ok(received) => number(received),
        Err(RecvError::Closed) => CLOSED,
        Err(RecvError::PeerDied) => PEER_DIED,
        Err(fault) => panic!("{fault}"),
    }
}
