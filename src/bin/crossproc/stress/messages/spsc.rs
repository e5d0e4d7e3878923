//! Rings, each between a pair of processes; whoever replaces a killed one takes over its role.

use super::message::Message;
use super::shortfall::moved;
use super::subject::{Closed, Lane, Subject};
use crate::stress::burst::How;
use crossproc::SendError;
use crossproc::spsc::{Consumer, Producer, Ring};

pub(crate) struct Spsc;

impl<const N: usize> Subject<N> for Spsc {
    const BATCH: usize = 16;
    type Handle = Ring<Message<N>>;
    type Sender = Producer<Message<N>>;
    type Receiver = Consumer<Message<N>>;

    fn lanes(processes: usize) -> Vec<Lane> {
        let pair = Lane {
            producers: 1,
            consumers: 1,
        };
        vec![pair; processes / 2]
    }

    fn create(
        name: Option<&str>,
        capacity: usize,
        participants: u32,
    ) -> crossproc::Result<Self::Handle> {
        let options = Ring::options()
            .capacity(capacity)
            .participants(participants);
        let Some(name) = name else {
            return options.anonymous();
        };
        let created = options.create(name)?;
        let found = Ring::open(name);
        created.unlink()?;
        found
    }

    fn is_full(ring: &Self::Handle) -> bool {
        ring.len() == ring.capacity()
    }

    fn missing(ring: &Self::Handle, sent: usize) -> usize {
        ring.capacity() - sent
    }

    fn len(ring: &Self::Handle) -> usize {
        ring.len()
    }

    fn repairs(ring: &Self::Handle) -> u64 {
        ring.repairs()
    }

    /// Nothing to do: a producer that ended has closed its side.
    fn finish(_: &Self::Handle) {}

    fn sender(ring: &Self::Handle) -> crossproc::Result<Self::Sender> {
        ring.producer()
    }

    fn receiver(ring: &Self::Handle) -> crossproc::Result<Self::Receiver> {
        ring.consumer()
    }

    fn send(producer: &mut Self::Sender, how: How, batch: &[Message<N>]) -> Result<usize, Closed> {
        match (how, batch) {
            (How::Try, [one]) => moved(producer.try_send(*one), |()| 1),
            (How::Try, _) => moved(producer.try_send_slice(batch), |n| n),
            (How::Block, [one]) => moved(producer.send(*one), |()| 1),
            (How::Block, _) => match producer.send_slice(batch) {
                // A part of the slice may have gone before the consumer died.
                Err(SendError::PeerDied(unsent)) => Ok(batch.len() - unsent.len()),
                result => moved(result, |()| batch.len()),
            },
            (How::Timeout(limit), _) => moved(producer.send_timeout(batch[0], limit), |()| 1),
        }
    }

    fn recv(
        consumer: &mut Self::Receiver,
        how: How,
        batch: &mut [Message<N>],
    ) -> Result<usize, Closed> {
        match (how, batch) {
            (How::Try, [one]) => moved(consumer.try_recv(), |message| put(one, message)),
            (How::Try, batch) => moved(consumer.try_recv_slice(batch), |n| n),
            (How::Block, [one]) => moved(consumer.recv(), |message| put(one, message)),
            (How::Block, batch) => moved(consumer.recv_slice(batch), |n| n),
            (How::Timeout(limit), batch) => moved(consumer.recv_timeout(limit), |message| {
                put(&mut batch[0], message)
            }),
        }
    }
}

fn put<const N: usize>(place: &mut Message<N>, message: Message<N>) -> usize {
    *place = message;
    1
}
