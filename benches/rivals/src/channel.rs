//! The contenders, behind one interface: numbers in at one end, out at the other, never blocking.

use std::sync::Arc;

use crossbeam_queue::ArrayQueue;
use crossproc::{Queue, TryRecvError, TrySendError, spsc};

/// Numbers go in here.
pub trait Sender {
    /// False if there is no room.
    fn try_send(&mut self, value: u64) -> bool;
}

/// And come out here.
pub trait Receiver {
    fn try_recv(&mut self) -> Option<u64>;
}

/// Many numbers at a time.
pub trait SliceSender {
    /// How many of the first were sent.
    fn try_send_slice(&mut self, values: &[u64]) -> usize;
}

pub trait SliceReceiver {
    /// How many were received into the front.
    fn try_recv_slice(&mut self, values: &mut [u64]) -> usize;
}

impl Sender for spsc::Producer<u64> {
    fn try_send(&mut self, value: u64) -> bool {
        sent(spsc::Producer::try_send(self, value))
    }
}

impl Receiver for spsc::Consumer<u64> {
    fn try_recv(&mut self) -> Option<u64> {
        received(spsc::Consumer::try_recv(self))
    }
}

impl SliceSender for spsc::Producer<u64> {
    fn try_send_slice(&mut self, values: &[u64]) -> usize {
        match spsc::Producer::try_send_slice(self, values) {
            Ok(sent) => sent,
            Err(TrySendError::Full(())) => 0,
            Err(error) => panic!("{error}"),
        }
    }
}

impl SliceReceiver for spsc::Consumer<u64> {
    fn try_recv_slice(&mut self, values: &mut [u64]) -> usize {
        received(spsc::Consumer::try_recv_slice(self, values)).unwrap_or(0)
    }
}

impl Sender for Queue<u64> {
    fn try_send(&mut self, value: u64) -> bool {
        sent(Queue::try_send(self, value))
    }
}

impl Receiver for Queue<u64> {
    fn try_recv(&mut self) -> Option<u64> {
        received(Queue::try_recv(self))
    }
}

fn sent(outcome: Result<(), TrySendError<u64>>) -> bool {
    match outcome {
        Ok(()) => true,
        Err(TrySendError::Full(_)) => false,
        Err(error) => panic!("{error}"),
    }
}

fn received<R>(outcome: Result<R, TryRecvError>) -> Option<R> {
    match outcome {
        Ok(received) => Some(received),
        Err(TryRecvError::Empty) => None,
        Err(error) => panic!("{error}"),
    }
}

impl Sender for rtrb::Producer<u64> {
    fn try_send(&mut self, value: u64) -> bool {
        self.push(value).is_ok()
    }
}

impl Receiver for rtrb::Consumer<u64> {
    fn try_recv(&mut self) -> Option<u64> {
        self.pop().ok()
    }
}

impl SliceSender for rtrb::Producer<u64> {
    fn try_send_slice(&mut self, values: &[u64]) -> usize {
        self.push_partial_slice(values).0.len()
    }
}

impl SliceReceiver for rtrb::Consumer<u64> {
    fn try_recv_slice(&mut self, values: &mut [u64]) -> usize {
        self.pop_partial_slice(values).0.len()
    }
}

impl Sender for Arc<ArrayQueue<u64>> {
    fn try_send(&mut self, value: u64) -> bool {
        self.push(value).is_ok()
    }
}

impl Receiver for Arc<ArrayQueue<u64>> {
    fn try_recv(&mut self) -> Option<u64> {
        self.pop()
    }
}
