//! One queue: half of the processes send, half receive.

use super::message::Message;
use super::shortfall::moved;
use super::subject::{Closed, Lane, Subject};
use crate::stress::burst::How;
use crossproc::queue;

pub(crate) struct Queue;

impl<const N: usize> Subject<N> for Queue {
    const BATCH: usize = 1;
    type Handle = queue::Queue<Message<N>>;
    type Sender = Self::Handle;
    type Receiver = Self::Handle;

    fn lanes(processes: usize) -> Vec<Lane> {
        vec![Lane {
            producers: processes / 2,
            consumers: processes - processes / 2,
        }]
    }

    fn create(
        name: Option<&str>,
        capacity: usize,
        participants: u32,
    ) -> crossproc::Result<Self::Handle> {
        let options = queue::Queue::options()
            .capacity(capacity)
            .participants(participants);
        let Some(name) = name else {
            return options.anonymous();
        };
        let created = options.create(name)?;
        let found = queue::Queue::open(name);
        created.unlink()?;
        found
    }

    fn is_full(handle: &Self::Handle) -> bool {
        handle.len() == handle.capacity()
    }

    fn missing(handle: &Self::Handle, sent: usize) -> usize {
        handle.capacity() - sent
    }

    fn len(handle: &Self::Handle) -> usize {
        handle.len()
    }

    fn repairs(handle: &Self::Handle) -> u64 {
        handle.repairs()
    }

    fn finish(handle: &Self::Handle) {
        handle.close();
    }

    fn sender(handle: &Self::Handle) -> crossproc::Result<Self::Sender> {
        Ok(handle.clone())
    }

    fn receiver(handle: &Self::Handle) -> crossproc::Result<Self::Receiver> {
        Ok(handle.clone())
    }

    fn send(queue: &mut Self::Sender, how: How, batch: &[Message<N>]) -> Result<usize, Closed> {
        match how {
            How::Try => moved(queue.try_send(batch[0]), |()| 1),
            How::Block => moved(queue.send(batch[0]), |()| 1),
            How::Timeout(limit) => moved(queue.send_timeout(batch[0], limit), |()| 1),
        }
    }

    fn recv(
        queue: &mut Self::Receiver,
        how: How,
        batch: &mut [Message<N>],
    ) -> Result<usize, Closed> {
        let take = |message| {
            batch[0] = message;
            1
        };
        match how {
            How::Try => moved(queue.try_recv(), take),
            How::Block => moved(queue.recv(), take),
            How::Timeout(limit) => moved(queue.recv_timeout(limit), take),
        }
    }
}
