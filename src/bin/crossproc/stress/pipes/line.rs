//! The kinds of pipes, and what is said on them.

use crate::stress::burst::How;
use crate::stress::random::{Random, mix};
use crossproc::Error;
use crossproc::pipe::{self, ByteReceiver, ByteSender, End, Receiver, Sender};
use serde::{Serialize, de::DeserializeOwned};
use std::io::{ErrorKind, Read, Write};
use std::{cmp, io};

/// Why no more is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gone {
    Closed,
    Died,
    /// What was heard is not what was to be said.
    Torn,
}

/// A kind of pipe. What has been said or heard is counted in places, messages or bytes; one that is not for lack of room, of a
/// message or of time counts as nothing.
pub(crate) trait Line: 'static {
    type End: Serialize + DeserializeOwned;
    type Sender: Send;
    type Receiver: Send;

    fn create() -> crossproc::Result<(Self::End, Self::End)>;
    fn split(end: Self::End) -> (Self::Sender, Self::Receiver);
    /// Says what comes at `place`, or, if `wrong`, something else.
    fn say(
        sender: &mut Self::Sender,
        how: How,
        place: u64,
        wrong: bool,
        random: &mut Random,
    ) -> Result<u64, Gone>;
    fn hear(
        receiver: &mut Self::Receiver,
        how: How,
        place: u64,
        random: &mut Random,
    ) -> Result<u64, Gone>;
}

/// Bytes that a pipe holds where pages have 4 KiB; elsewhere there are fewer large messages.
const RING: u64 = 4096;
const SALT: u64 = 0x5bd1_e995_9d1c_a3e7;

fn options() -> pipe::Options {
    pipe::options().capacity(RING as usize).participants(12)
}

pub(crate) struct Messages;

/// How long the message at this place is: most are short, some are several times the ring.
fn len(place: u64) -> u64 {
    let hash = mix(place ^ SALT);
    let longest = match hash % 16 {
        0 => 4 * RING,
        1..4 => RING,
        _ => 300,
    };
    mix(hash) % longest
}

fn message(place: u64) -> Vec<u8> {
    let words = (0..len(place).div_ceil(8)).map(|word| mix(mix(place ^ SALT) + word));
    let mut message: Vec<u8> = words.flat_map(u64::to_ne_bytes).collect();
    message.truncate(len(place) as usize);
    message
}

impl Line for Messages {
    type End = End<(), ()>;
    type Sender = Sender<()>;
    type Receiver = Receiver<()>;

    fn create() -> crossproc::Result<(Self::End, Self::End)> {
        options().duplex()
    }

    fn split(end: Self::End) -> (Self::Sender, Self::Receiver) {
        end.split()
    }

    fn say(
        sender: &mut Self::Sender,
        how: How,
        place: u64,
        wrong: bool,
        random: &mut Random,
    ) -> Result<u64, Gone> {
        let mut message = message(place);
        if wrong {
            message.push(7);
        }
        let in_place = message.len() as u64 + 16 <= RING && random.one_in(2);
        let commit = |mut room: pipe::Reservation<'_>| {
            room.bytes().write(0, &message);
            room.commit(message.len());
        };
        let len = message.len();
        let said = match (how, in_place) {
            (How::Try, true) => settle(sender.try_reserve(len).map(commit)),
            (How::Try, false) => settle(sender.try_send_bytes(&message)),
            (How::Block, true) => settle(sender.reserve(len).map(commit)),
            (How::Block, false) => settle(sender.send_bytes(&message)),
            (How::Timeout(limit), true) => settle(sender.reserve_timeout(len, limit).map(commit)),
            (How::Timeout(limit), false) => settle(sender.send_bytes_timeout(&message, limit)),
        };
        said.map(|said| said.map_or(0, |()| 1))
    }

    fn hear(
        receiver: &mut Self::Receiver,
        how: How,
        place: u64,
        random: &mut Random,
    ) -> Result<u64, Gone> {
        let in_place = random.one_in(2);
        let copy = |message: pipe::Message<'_>| message.bytes().to_vec();
        let heard = match (how, in_place) {
            (How::Try, true) => settle(receiver.try_look().map(copy)),
            (How::Try, false) => settle(receiver.try_recv_bytes()),
            (How::Block, true) => settle(receiver.look().map(copy)),
            (How::Block, false) => settle(receiver.recv_bytes()),
            (How::Timeout(limit), true) => settle(receiver.look_timeout(limit).map(copy)),
            (How::Timeout(limit), false) => settle(receiver.recv_bytes_timeout(limit)),
        };
        match heard? {
            Some(heard) if heard == message(place) => Ok(1),
            Some(_) => Err(Gone::Torn),
            None => Ok(0),
        }
    }
}

/// What was asked for, `None` if the call came to nothing.
fn settle<T, E: Into<Error>>(result: Result<T, E>) -> Result<Option<T>, Gone> {
    match result.map_err(E::into) {
        Ok(value) => Ok(Some(value)),
        Err(Error::Full | Error::Empty | Error::Timeout) => Ok(None),
        Err(Error::Closed) => Err(Gone::Closed),
        Err(Error::PeerDied) => Err(Gone::Died),
        Err(fault) => panic!("{fault}"),
    }
}

pub(crate) struct Bytes;

/// As many bytes from this place on.
fn text(place: u64, len: u64) -> Vec<u8> {
    let byte = |place: u64| mix((place / 8) ^ SALT).to_ne_bytes()[place as usize % 8];
    (place..place + len).map(byte).collect()
}

impl Line for Bytes {
    type End = (ByteSender, ByteReceiver);
    type Sender = ByteSender;
    type Receiver = ByteReceiver;

    fn create() -> crossproc::Result<(Self::End, Self::End)> {
        let (sender, there) = options().bytes()?;
        let (back, receiver) = options().bytes()?;
        Ok(((sender, receiver), (back, there)))
    }

    fn split(end: Self::End) -> (Self::Sender, Self::Receiver) {
        end
    }

    fn say(
        sender: &mut Self::Sender,
        how: How,
        place: u64,
        wrong: bool,
        random: &mut Random,
    ) -> Result<u64, Gone> {
        let mut text = text(place, random_len(random));
        if wrong {
            text[0] ^= 7;
        }
        let said = match how {
            How::Try => settle(sender.try_write(&text)),
            How::Block => {
                sender.set_write_timeout(None);
                settle_io(sender.write(&text))
            }
            How::Timeout(limit) => {
                sender.set_write_timeout(Some(limit));
                settle_io(sender.write(&text))
            }
        };
        said.map(|said| said.unwrap_or(0) as u64)
    }

    fn hear(
        receiver: &mut Self::Receiver,
        how: How,
        place: u64,
        random: &mut Random,
    ) -> Result<u64, Gone> {
        let most = random_len(random) as usize;
        let mut heard = vec![0; most];
        let len = match how {
            How::Try if most.is_multiple_of(2) => settle(receiver.try_read(&mut heard)),
            How::Try => settle(receiver.try_look().map(|bytes| {
                let len = cmp::min(bytes.len(), most);
                bytes.read(0, &mut heard[..len]);
                len
            }))
            .inspect(|seen| receiver.consume(seen.unwrap_or(0))),
            How::Block => {
                receiver.set_read_timeout(None);
                settle_io(receiver.read(&mut heard))
            }
            How::Timeout(limit) => {
                receiver.set_read_timeout(Some(limit));
                settle_io(receiver.read(&mut heard))
            }
        };
        let len = match len? {
            Some(0) => return Err(Gone::Closed),
            len => len.unwrap_or(0),
        };
        if heard[..len] != text(place, len as u64) {
            return Err(Gone::Torn);
        }
        Ok(len as u64)
    }
}

fn random_len(random: &mut Random) -> u64 {
    let longest = if random.one_in(8) { 4 * RING } else { 300 };
    1 + random.below(longest)
}

fn settle_io(result: io::Result<usize>) -> Result<Option<usize>, Gone> {
    match result {
        Ok(len) => Ok(Some(len)),
        Err(error) => match error.kind() {
            ErrorKind::TimedOut => Ok(None),
            ErrorKind::BrokenPipe => Err(Gone::Closed),
            ErrorKind::ConnectionReset => Err(Gone::Died),
            _ => panic!("{error}"),
        },
    }
}
