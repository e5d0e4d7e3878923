//! Waiting for any of several sources: tokens come by two queues and a counting semaphore, and workers wait for all at once.

use super::settle::{given, sure};
use super::tokens::{MAXIMUM, Supply};
use super::{drill, drill::come_by};
use crate::stress::burst::How;
use crate::stress::round::Conditions;
use crossproc::{
    CountingSemaphore, Queue, TryRecvError, TrySendError, try_wait_any, wait_any, wait_any_timeout,
};
use serde::{Deserialize, Serialize};

/// So few that the semaphore has its share.
const CAPACITY: usize = 2;

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Several {
    queues: [Queue<u64>; 2],
    semaphore: CountingSemaphore,
}

impl Several {
    /// Whether somebody else was not faster.
    fn take(&self, index: usize) -> bool {
        match self.queues.get(index) {
            None => given(self.semaphore.try_acquire()).is_some(),
            Some(queue) => match queue.try_recv() {
                Err(TryRecvError::Empty) => false,
                received => sure(received.map(|_| true)),
            },
        }
    }
}

impl Supply for Several {
    fn create(name: Option<&str>, conditions: &Conditions<'_>) -> crossproc::Result<Self> {
        let participants = drill::participants(conditions);
        let queue = || {
            let options = Queue::options().capacity(CAPACITY);
            options.participants(participants).anonymous()
        };
        let options = CountingSemaphore::options()
            .count(0)
            .maximum(MAXIMUM)
            .participants(participants);
        Ok(Self {
            queues: [queue()?, queue()?],
            semaphore: come_by!(name, options, CountingSemaphore)?,
        })
    }

    fn repairs(&self) -> u64 {
        self.queues.iter().map(Queue::repairs).sum()
    }

    fn release(&self, count: u32) {
        let has_sent = |queue: &Queue<u64>| match queue.try_send(1) {
            Err(TrySendError::Full(_)) => false,
            sent => sure(sent.map(|()| true)),
        };
        for number in 0..count {
            let [first, second] = &self.queues;
            let order = [[first, second], [second, first]][number as usize % 2];
            if !order.into_iter().any(has_sent) {
                sure(self.semaphore.release(1));
            }
        }
    }

    fn acquire(&self, how: How) -> bool {
        let [first, second] = &self.queues;
        let sources: [&dyn crossproc::Waitable; 3] = [first, second, &self.semaphore];
        match how {
            How::Try => sure(try_wait_any(&sources)).is_some_and(|index| self.take(index)),
            How::Timeout(limit) => {
                given(wait_any_timeout(&sources, limit)).is_some_and(|index| self.take(index))
            }
            How::Block => loop {
                if self.take(sure(wait_any(&sources))) {
                    return true;
                }
            },
        }
    }

    fn count(&self) -> u32 {
        let queued: usize = self.queues.iter().map(Queue::len).sum();
        queued as u32 + self.semaphore.count()
    }

    const COUNTS_HOLES: bool = true;
}
