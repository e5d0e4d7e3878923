//! The three primitives, and the little the drill needs of each.

use super::message::{Message, Said, seal};
use crate::stress::burst::How;
use crate::stress::sync::drill::come_by;
use crossproc::broadcast::{Reader, Received, Subscriber, Watcher};
use crossproc::{
    RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError,
};
use serde::{Serialize, de::DeserializeOwned};

/// What was heard, and how many messages were missed before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heard {
    pub(super) value: Message,
    pub(super) missed: u64,
}

impl From<Received<Message>> for Heard {
    fn from(Received { value, missed, .. }: Received<Message>) -> Heard {
        Heard { value, missed }
    }
}

/// Closed: nothing more will be said or heard.
#[derive(Debug)]
pub(super) struct Closed;

/// A call that comes to nothing (no room, nothing there, timed out) returns `Ok(None)`; one that reports a fault panics.
pub(super) trait Ring: Sized + 'static {
    /// Travels to the workers.
    type Handle: Clone + Serialize + DeserializeOwned;
    type Ear;
    /// Whether the speakers wait for the listeners.
    const WAITS: bool;

    fn create(
        name: Option<&str>,
        capacity: usize,
        participants: u32,
    ) -> crossproc::Result<Self::Handle>;
    fn repairs(handle: &Self::Handle) -> u64;
    fn close(handle: &Self::Handle);
    fn is_closed(handle: &Self::Handle) -> bool;
    fn sent(handle: &Self::Handle) -> u64;
    fn capacity(handle: &Self::Handle) -> usize;
    /// Whether it was sent.
    fn say(handle: &Self::Handle, how: How, message: Message) -> Result<bool, Closed>;
    fn listen(handle: &Self::Handle) -> Self::Ear;
    fn hear(ear: &mut Self::Ear, how: How) -> Result<Option<Heard>, Closed>;
    /// How many messages, counted from the first of all, it has heard or missed.
    fn position(ear: &Self::Ear) -> u64;
    /// What was said last, where anyone may look.
    fn look(_: &Self::Handle) -> Option<Message> {
        None
    }
    /// How many listeners the ring knows of, where it does.
    fn listeners(_: &Self::Handle) -> Option<usize> {
        None
    }
}

fn said(result: Result<(), SendTimeoutError<Message>>) -> Result<bool, Closed> {
    match result {
        Ok(()) => Ok(true),
        Err(SendTimeoutError::Timeout(_)) => Ok(false),
        Err(SendTimeoutError::Closed(_)) => Err(Closed),
        Err(fault) => panic!("{fault}"),
    }
}

fn said_at_once(result: Result<(), TrySendError<Message>>) -> Result<bool, Closed> {
    match result {
        Ok(()) => Ok(true),
        Err(TrySendError::Full(_)) => Ok(false),
        Err(TrySendError::Closed(_)) => Err(Closed),
        Err(fault) => panic!("{fault}"),
    }
}

fn said_at_last(result: Result<(), SendError<Message>>) -> Result<bool, Closed> {
    match result {
        Ok(()) => Ok(true),
        Err(SendError::Closed(_)) => Err(Closed),
        Err(fault) => panic!("{fault}"),
    }
}

fn heard(result: Result<impl Into<Heard>, RecvTimeoutError>) -> Result<Option<Heard>, Closed> {
    match result {
        Ok(heard) => Ok(Some(heard.into())),
        Err(RecvTimeoutError::Timeout) => Ok(None),
        Err(RecvTimeoutError::Closed) => Err(Closed),
        Err(fault) => panic!("{fault}"),
    }
}

fn at_once<T>(result: Result<T, TryRecvError>) -> Result<T, RecvTimeoutError> {
    result.map_err(|error| match error {
        TryRecvError::Empty => RecvTimeoutError::Timeout,
        TryRecvError::Closed => RecvTimeoutError::Closed,
        fault => panic!("{fault}"),
    })
}

fn at_last<T>(result: Result<T, RecvError>) -> Result<T, RecvTimeoutError> {
    result.map_err(|error| match error {
        RecvError::Closed => RecvTimeoutError::Closed,
        fault => panic!("{fault}"),
    })
}

/// What both have in common: they differ in who listens.
macro_rules! of_sending {
    () => {
        fn create(
            name: Option<&str>,
            capacity: usize,
            participants: u32,
        ) -> crossproc::Result<Self::Handle> {
            let options = Self::Handle::options()
                .capacity(capacity)
                .participants(participants);
            come_by!(name, options, Self::Handle)
        }

        fn repairs(handle: &Self::Handle) -> u64 {
            handle.repairs()
        }

        fn close(handle: &Self::Handle) {
            handle.close();
        }

        fn is_closed(handle: &Self::Handle) -> bool {
            handle.is_closed()
        }

        fn sent(handle: &Self::Handle) -> u64 {
            handle.sent()
        }

        fn capacity(handle: &Self::Handle) -> usize {
            handle.capacity()
        }

        fn say(handle: &Self::Handle, how: How, message: Message) -> Result<bool, Closed> {
            match how {
                How::Try => said_at_once(handle.try_send(message)),
                How::Block => said_at_last(handle.send(message)),
                How::Timeout(limit) => said(handle.send_timeout(message, limit)),
            }
        }
    };
}

pub(super) struct Waiting;

impl Ring for Waiting {
    type Handle = crossproc::Broadcast<Message>;
    type Ear = Subscriber<Message>;
    const WAITS: bool = true;

    of_sending!();

    fn listen(handle: &Self::Handle) -> Self::Ear {
        handle.subscribe().unwrap_or_else(|error| panic!("{error}"))
    }

    fn hear(ear: &mut Self::Ear, how: How) -> Result<Option<Heard>, Closed> {
        let value = match how {
            How::Try => at_once(ear.try_recv()),
            How::Block => at_last(ear.recv()),
            How::Timeout(limit) => ear.recv_timeout(limit),
        };
        heard(value.map(|value| Heard { value, missed: 0 }))
    }

    fn position(ear: &Self::Ear) -> u64 {
        ear.position()
    }

    fn listeners(handle: &Self::Handle) -> Option<usize> {
        Some(handle.subscribers())
    }
}

pub(super) struct Overwriting;

impl Ring for Overwriting {
    type Handle = crossproc::Overwriting<Message>;
    type Ear = Reader<Message>;
    const WAITS: bool = false;

    of_sending!();

    fn listen(handle: &Self::Handle) -> Self::Ear {
        handle.reader()
    }

    fn hear(ear: &mut Self::Ear, how: How) -> Result<Option<Heard>, Closed> {
        heard(match how {
            How::Try => at_once(ear.try_recv()),
            How::Block => at_last(ear.recv()),
            How::Timeout(limit) => ear.recv_timeout(limit),
        })
    }

    fn position(ear: &Self::Ear) -> u64 {
        ear.position()
    }
}

pub(super) struct Latest;

impl Ring for Latest {
    type Handle = crossproc::Latest<Message>;
    type Ear = Watcher<Message>;
    const WAITS: bool = false;

    fn create(name: Option<&str>, _: usize, participants: u32) -> crossproc::Result<Self::Handle> {
        let nothing = Said {
            speaker: 0,
            number: 0,
            acknowledged: 0,
        };
        let options = Self::Handle::options()
            .value(seal(nothing))
            .participants(participants);
        come_by!(name, options, Self::Handle)
    }

    fn repairs(handle: &Self::Handle) -> u64 {
        handle.repairs()
    }

    fn close(handle: &Self::Handle) {
        handle.close();
    }

    fn is_closed(handle: &Self::Handle) -> bool {
        handle.is_closed()
    }

    fn sent(handle: &Self::Handle) -> u64 {
        handle.version()
    }

    fn capacity(_: &Self::Handle) -> usize {
        1
    }

    fn say(handle: &Self::Handle, how: How, message: Message) -> Result<bool, Closed> {
        match how {
            How::Try => said_at_once(handle.try_set(message)),
            How::Block => said_at_last(handle.set(message)),
            How::Timeout(limit) => said(handle.set_timeout(message, limit)),
        }
    }

    fn listen(handle: &Self::Handle) -> Self::Ear {
        handle.watch()
    }

    fn hear(ear: &mut Self::Ear, how: How) -> Result<Option<Heard>, Closed> {
        heard(match how {
            How::Try => at_once(ear.try_changed()),
            How::Block => at_last(ear.changed()),
            How::Timeout(limit) => ear.changed_timeout(limit),
        })
    }

    fn position(ear: &Self::Ear) -> u64 {
        ear.version()
    }

    fn look(handle: &Self::Handle) -> Option<Message> {
        Some(handle.get().unwrap_or_else(|fault| panic!("{fault}")))
    }
}
