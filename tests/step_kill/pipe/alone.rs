//! The survivor has the other end.

use std::io::{ErrorKind, Read};

use crossproc::TrySendError;
use crossproc::pipe::{ByteReceiver, ByteSender, Receiver, Sender};
use crossproc::testing::{Package, pack};

use super::{answer_recv, answer_try_recv, capacity, create, message, options};
use crate::channel::{Answer, EMPTY, FULL, PEER_DIED, SENT, answer_send, answer_try_send};
use crate::message::count_uncertain;
use crate::scenario::{Scenario, Verdict};

/// What is sent to warm up, or to move the positions on.
const WARM_UP: u64 = 1 << 40;
/// Bytes that takes.
const WARM_UP_TAKES: usize = 24;
/// What is there before.
const BESIDE: u64 = 2;
const MINE: u64 = 1;

/// What is alike whichever side dies.
#[derive(Clone, Copy)]
struct State {
    len: usize,
    /// Of another message, before that one or behind it.
    beside: Option<usize>,
    /// Where in the ring it all begins, if not at the start.
    position: usize,
    in_place: bool,
}

impl State {
    fn new(len: usize) -> State {
        State {
            len,
            beside: None,
            position: WARM_UP_TAKES,
            in_place: false,
        }
    }

    /// A new pipe, used so far that after the warm-up the position is reached.
    fn create(&self) -> (Sender<()>, Receiver<()>) {
        let (mut sender, mut receiver) = create();
        if let Some(before @ 16..) = self.position.checked_sub(WARM_UP_TAKES) {
            sender
                .send_bytes(&message(WARM_UP, before - 16))
                .expect("room");
            assert_eq!(answer_try_recv(receiver.try_recv_bytes()), WARM_UP);
        }
        (sender, receiver)
    }
}

/// The builders of both sides.
macro_rules! states {
    ($scenario:ident) => {
        impl $scenario {
            pub(super) fn beside(mut self, len: usize) -> Self {
                self.state.beside = Some(len);
                self
            }

            pub(super) fn at(mut self, position: usize) -> Self {
                self.state.position = position;
                self
            }

            pub(super) fn in_place(mut self) -> Self {
                self.state.in_place = true;
                self
            }
        }
    };
}
states!(Writing);
states!(Reading);

/// The victim sends; the survivor receives what it had sent, and is told.
pub(super) struct Writing {
    state: State,
    never_blocks: bool,
    receiver: Option<Receiver<()>>,
    package: Option<Package>,
    found: Vec<u64>,
    mine: Vec<u8>,
    victim: Option<Sender<()>>,
}

impl Writing {
    pub(super) fn new(len: usize) -> Self {
        Writing {
            state: State::new(len),
            never_blocks: false,
            receiver: None,
            package: None,
            mine: message(MINE, len),
            found: Vec::new(),
            victim: None,
        }
    }

    pub(super) fn trying(self) -> Self {
        Writing {
            never_blocks: true,
            ..self
        }
    }

    fn take(&mut self) -> Answer {
        let receiver = self.receiver.as_mut().expect("renewed");
        answer_try_recv(receiver.try_recv_bytes())
    }

    fn take_one(&mut self) -> Answer {
        let answer = self.take();
        if answer < EMPTY - 1 && answer != PEER_DIED {
            self.found.push(answer);
        }
        answer
    }
}

impl Scenario for Writing {
    fn renew(&mut self) {
        let (sender, receiver) = self.state.create();
        self.receiver = Some(receiver);
        self.package = Some(pack(sender));
        self.found.clear();
    }

    fn warm_up(&mut self) {
        let mut sender: Sender<()> = self.package.as_ref().expect("renewed").unpack();
        let (number, len) = self.state.beside.map_or((WARM_UP, 8), |len| (BESIDE, len));
        sender.send_bytes(&message(number, len)).expect("room");
        self.victim = Some(sender);
    }

    fn arrange(&mut self) {
        if self.state.beside.is_none() {
            assert_eq!(self.take(), WARM_UP);
        }
    }

    fn act(&mut self) -> Answer {
        let (sender, mine) = (self.victim.as_mut().expect("warmed up"), &self.mine);
        if self.never_blocks {
            return answer_try_send(sender.try_send_bytes(mine));
        }
        if self.state.in_place {
            return answer_send(sender.reserve(2 * mine.len()).map(|mut room| {
                room.bytes().write(0, mine);
                room.commit(mine.len());
            }));
        }
        answer_send(sender.send_bytes(mine))
    }

    fn rouse(&mut self) {
        self.take_one();
    }

    fn verdict(&mut self, returned: Option<Answer>) -> Verdict {
        let end = loop {
            match self.take_one() {
                EMPTY => panic!("nobody tells that the sender died"),
                PEER_DIED => break PEER_DIED,
                _ => {}
            }
        };
        assert_eq!(end, self.take(), "and again");
        let certain: &[u64] = self.state.beside.map_or(&[], |_| &[BESIDE]);
        let committed = count_uncertain(&self.found, certain, MINE);
        match returned {
            None => {}
            Some(answer) if self.never_blocks => assert_eq!((answer, committed), (FULL, 0)),
            Some(answer) => assert_eq!((answer, committed), (SENT, 1)),
        }
        Verdict {
            committed,
            ..Verdict::default()
        }
    }
}

/// The victim receives; the survivor sees from the room what it has received, and is told.
pub(super) struct Reading {
    state: State,
    /// What it receives comes when it sleeps.
    late: bool,
    sender: Option<Sender<()>>,
    package: Option<Package>,
    sent: bool,
    room: u64,
    received: Vec<u8>,
    victim: Option<Receiver<()>>,
}

impl Reading {
    pub(super) fn new(len: usize) -> Self {
        Reading {
            state: State::new(len),
            late: false,
            sender: None,
            package: None,
            sent: false,
            room: 0,
            received: Vec::with_capacity(len),
            victim: None,
        }
    }

    pub(super) fn late(self) -> Self {
        Reading { late: true, ..self }
    }

    /// As much as fits.
    fn send(&mut self) {
        let State { len, beside, .. } = self.state;
        let sender = self.sender.as_mut().expect("renewed");
        sender.try_send_bytes(&message(MINE, len)).expect("room");
        if let Some(len) = beside {
            sender.try_send_bytes(&message(BESIDE, len)).expect("room");
        }
        let more = sender.try_send_bytes(&[]);
        assert_eq!(
            more,
            Err(TrySendError::Full(())),
            "the row has the ring full"
        );
        self.sent = true;
    }
}

impl Scenario for Reading {
    fn renew(&mut self) {
        let (mut sender, receiver) = self.state.create();
        sender.send_bytes(&message(WARM_UP, 8)).expect("room");
        self.sender = Some(sender);
        self.package = Some(pack(receiver));
        self.sent = false;
        self.room = 0;
    }

    fn warm_up(&mut self) {
        let mut receiver: Receiver<()> = self.package.as_ref().expect("renewed").unpack();
        assert_eq!(answer_try_recv(receiver.try_recv_bytes()), WARM_UP);
        self.victim = Some(receiver);
    }

    fn arrange(&mut self) {
        if !self.late {
            self.send();
        }
    }

    fn act(&mut self) -> Answer {
        let receiver = self.victim.as_mut().expect("warmed up");
        let received = &mut self.received;
        let outcome = if self.state.in_place {
            receiver.look().map(|message| {
                received.clear();
                message.bytes().append_to(received);
            })
        } else {
            receiver.recv_into(received)
        };
        answer_recv(outcome.map(|()| &**received))
    }

    fn rouse(&mut self) {
        if !self.sent {
            self.send();
        }
    }

    /// There is room for another one if and only if the first has been received.
    fn before_death(&mut self) {
        if self.sent {
            let sender = self.sender.as_mut().expect("renewed");
            self.room = match sender.try_send_bytes(&message(MINE, self.state.len)) {
                Ok(()) => 1,
                Err(TrySendError::Full(())) => 0,
                Err(error) => panic!("{error}"),
            };
        }
    }

    fn verdict(&mut self, returned: Option<Answer>) -> Verdict {
        assert!(returned.is_none_or(|number| (number, self.room) == (MINE, 1)));
        let sender = self.sender.as_mut().expect("renewed");
        assert_eq!(answer_send(sender.send_bytes(&[])), PEER_DIED);
        Verdict {
            committed: self.room,
            ..Verdict::default()
        }
    }
}

/// The victim writes bytes: as many as fill the ring, in parts.
pub(super) struct WritingBytes {
    before: usize,
    mine: Vec<u8>,
    receiver: Option<ByteReceiver>,
    package: Option<Package>,
    victim: Option<ByteSender>,
}

impl WritingBytes {
    /// With so many bytes there before.
    pub(super) fn new(before: usize) -> Self {
        WritingBytes {
            before,
            mine: message(MINE, capacity()),
            receiver: None,
            package: None,
            victim: None,
        }
    }
}

impl Scenario for WritingBytes {
    fn renew(&mut self) {
        let (sender, receiver) = options().bytes().expect("a pipe");
        self.receiver = Some(receiver);
        self.package = Some(pack(sender));
    }

    fn warm_up(&mut self) {
        let mut sender: ByteSender = self.package.as_ref().expect("renewed").unpack();
        let before = message(BESIDE, self.before.max(1));
        assert_eq!(sender.try_write(&before), Ok(before.len()));
        self.victim = Some(sender);
    }

    fn arrange(&mut self) {
        if self.before == 0 {
            let receiver = self.receiver.as_mut().expect("renewed");
            assert_eq!(receiver.try_read(&mut [0]), Ok(1));
        }
    }

    fn act(&mut self) -> Answer {
        let sender = self.victim.as_mut().expect("warmed up");
        sender.try_write(&self.mine).expect("room") as u64
    }

    fn verdict(&mut self, returned: Option<Answer>) -> Verdict {
        let receiver = self.receiver.as_mut().expect("renewed");
        let mut found = Vec::new();
        let end = receiver
            .read_to_end(&mut found)
            .expect_err("it was not closed");
        assert_eq!(end.kind(), ErrorKind::ConnectionReset);
        let (before, found) = found.split_at(self.before);
        assert!(before == message(BESIDE, self.before));
        assert!(self.mine.starts_with(found));
        let written = found.len() as u64;
        let room = (capacity() - self.before) as u64;
        assert!(returned.is_none_or(|answer| (answer, written) == (room, room)));
        Verdict {
            committed: written,
            ..Verdict::default()
        }
    }
}

/// The victim reads bytes: all of a full ring, in parts.
pub(super) struct ReadingBytes {
    sender: Option<ByteSender>,
    package: Option<Package>,
    room: u64,
    read: Vec<u8>,
    victim: Option<ByteReceiver>,
}

impl ReadingBytes {
    pub(super) fn new() -> Self {
        ReadingBytes {
            sender: None,
            package: None,
            room: 0,
            read: vec![0; capacity()],
            victim: None,
        }
    }
}

impl Scenario for ReadingBytes {
    fn renew(&mut self) {
        let (sender, receiver) = options().bytes().expect("a pipe");
        self.sender = Some(sender);
        self.package = Some(pack(receiver));
    }

    fn warm_up(&mut self) {
        let mut receiver: ByteReceiver = self.package.as_ref().expect("renewed").unpack();
        assert!(receiver.try_read(&mut [0]).is_err(), "there is nothing");
        self.victim = Some(receiver);
    }

    fn arrange(&mut self) {
        let sender = self.sender.as_mut().expect("renewed");
        let all = message(MINE, sender.capacity());
        assert_eq!(sender.try_write(&all), Ok(all.len()));
    }

    fn act(&mut self) -> Answer {
        let receiver = self.victim.as_mut().expect("warmed up");
        let read = receiver.read(&mut self.read).expect("all of it");
        assert!(self.read == message(MINE, read));
        read as u64
    }

    fn before_death(&mut self) {
        let sender = self.sender.as_mut().expect("renewed");
        self.room = match sender.try_write(&vec![0; sender.capacity()]) {
            Ok(written) => written as u64,
            Err(TrySendError::Full(())) => 0,
            Err(error) => panic!("{error}"),
        };
    }

    fn verdict(&mut self, returned: Option<Answer>) -> Verdict {
        assert!(returned.is_none_or(|read| read == self.room));
        let sender = self.sender.as_mut().expect("renewed");
        assert_eq!(sender.try_write(&[0]), Err(TrySendError::PeerDied(())));
        Verdict {
            committed: self.room,
            ..Verdict::default()
        }
    }
}
