//! What only queues can get into: several senders and receivers at work at once, closing, holes.

use std::mem;

use crossproc::Queue;

use crate::channel::{Answer, CLOSED, Channel, SENT};
use crate::message::{count_uncertain, find_missing};
use crate::peer::{Peer, settle};
use crate::scenario::{Density, Fate, Row, Scenario, Verdict};
use crate::send::{BESIDE, fork_receiver, fork_sender};
use crate::survivor::Survivor;
use crate::trace::{self, Tracee};
use crate::{recv, send};

/// Elements of four words, unless a row says otherwise.
type Channel4 = Queue<[u64; 4]>;

#[rustfmt::skip] // one row, one line
pub(crate) fn rows() -> Vec<Row> {
    vec![
        Row::new("queue send", "empty", || send::Alone::<Channel4>::new(4, 0)),
        Row::new("queue send", "elements of one word", || send::Alone::<Queue<[u64; 1]>>::new(4, 1)),
        Row::new("queue send", "elements of 16 words", || send::Alone::<Queue<[u64; 16]>>::new(4, 1)),
        Row::new("queue send", "nearly full", || send::Alone::<Channel4>::new(4, 3)),
        Row::new("queue send", "last slot of a later lap", || send::Alone::<Channel4>::new(5, 0).at(14)),
        Row::new("queue send", "capacity 1", || send::Alone::<Channel4>::new(1, 0)),
        Row::new("queue send", "others send and receive", send::Disturbed::<Channel4>::new).unsteady(),
        Row::new("queue send", "others do, stopped but alive", send::Disturbed::<Channel4>::new).unsteady().fate(Fate::Held),
        Row::new("queue send", "overtaken", || Overtaken::new(None)),
        Row::new("queue send", "overtaken, stopped but alive", || Overtaken::new(None)).fate(Fate::Held),
        Row::new("queue send", "overtaken, receiver asleep", || Overtaken::new(Some(Asleep::Before))),
        Row::new("queue send", "overtaken, receiver falls asleep behind", || Overtaken::new(Some(Asleep::Behind))),
        Row::new("queue send", "capacity 1, others asleep behind", InTheWay::new),
        Row::new("queue send", "receiver asleep", || send::Waking::<Channel4>::new(4)),
        Row::new("queue send", "receiver asleep, capacity 1", || send::Waking::<Channel4>::new(1)),
        Row::new("queue send", "receiver asleep, disarmed", || send::Waking::<Channel4>::new(4).disarmed()).fate(Fate::KilledDisarmed),
        Row::new("queue send", "goes to sleep", || send::Asleep::<Channel4>::alone(4)).unsteady().density(Density::SPINNING),
        Row::new("queue send", "goes to sleep beside another", || send::Asleep::<Channel4>::beside_another(4)).unsteady().density(Density::SPINNING),
        Row::new("queue send", "goes to sleep beside another, capacity 1", || send::Asleep::<Channel4>::beside_another(1)).unsteady().density(Density::SPINNING),
        Row::new("queue try_send", "full", || send::Alone::<Channel4>::new(4, 4)),
        Row::new("queue recv", "one element", || recv::Alone::<Channel4>::new(4, 1)),
        Row::new("queue recv", "elements of one word", || recv::Alone::<Queue<[u64; 1]>>::new(4, 2)),
        Row::new("queue recv", "elements of 16 words", || recv::Alone::<Queue<[u64; 16]>>::new(4, 2)),
        Row::new("queue recv", "full", || recv::Alone::<Channel4>::new(4, 4)),
        Row::new("queue recv", "last slot of a later lap", || recv::Alone::<Channel4>::new(5, 1).at(14)),
        Row::new("queue recv", "capacity 1", || recv::Alone::<Channel4>::new(1, 1)),
        Row::new("queue recv", "others send and receive", recv::Disturbed::<Channel4>::new).unsteady(),
        Row::new("queue recv", "others do, stopped but alive", recv::Disturbed::<Channel4>::new).unsteady().fate(Fate::Held),
        Row::new("queue recv", "full, sender asleep", || recv::Waking::<Channel4>::new(4)),
        Row::new("queue recv", "full, sender asleep, capacity 1", || recv::Waking::<Channel4>::new(1)),
        Row::new("queue recv", "goes to sleep", || recv::Asleep::<Channel4>::alone(4)).unsteady().density(Density::SPINNING),
        Row::new("queue recv", "goes to sleep beside another", || recv::Asleep::<Channel4>::beside_another(4)).unsteady().density(Density::SPINNING),
        Row::new("queue try_recv", "empty", || recv::Alone::<Channel4>::new(4, 0)),
        Row::new("queue recv", "behind a hole: repairs", || PastHole::new(4)),
        Row::new("queue recv", "behind a hole: repairs, capacity 2", || PastHole::new(2)),
        Row::new("queue close", "two receivers asleep", || Close::new(false)),
        Row::new("queue close", "two senders asleep", || Close::new(true)),
    ]
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Asleep {
    /// Before the victim sends.
    Before,
    /// Only once another message lies behind the victim's.
    Behind,
}

/// Others send while the victim stands halfway through a send, and may have claimed a place before
/// theirs.
struct Overtaken {
    survivor: Survivor<Channel4>,
    receiver: Option<(Peer, Asleep)>,
    certain: Vec<u64>,
    found: Vec<u64>,
    mine: u64,
    victim: Option<Channel4>,
}

impl Overtaken {
    fn new(asleep: Option<Asleep>) -> Self {
        let survivor = Survivor::new(4);
        let receiver = asleep.map(|when| (fork_receiver(&survivor.channel), when));
        Overtaken {
            survivor,
            receiver,
            certain: Vec::new(),
            found: Vec::new(),
            mine: 0,
            victim: None,
        }
    }
}

impl Scenario for Overtaken {
    fn renew(&mut self) {
        self.mine = self.survivor.number();
    }

    fn warm_up(&mut self) {
        self.survivor.channel.enter();
        self.victim = Some(self.survivor.channel.sender());
    }

    fn arrange(&mut self) {
        if let Some((receiver, Asleep::Before)) = &mut self.receiver {
            receiver.fall_asleep();
        }
        self.survivor.count_repairs();
    }

    fn act(&mut self) -> Answer {
        Channel4::send_one(self.victim.as_mut().expect("warmed up"), self.mine)
    }

    fn before_death(&mut self) {
        self.certain = vec![self.survivor.put(), self.survivor.put()];
        if let Some((receiver, asleep)) = &mut self.receiver {
            if *asleep == Asleep::Behind {
                receiver.start();
            }
            // It has one, or waits for the living.
            receiver.answer();
        } else {
            // What lies behind a place that a living sender has claimed is not to be had yet.
            self.found = self.survivor.drain();
        }
    }

    fn verdict(&mut self, returned: Option<Answer>) -> Verdict {
        let mut found = mem::take(&mut self.found);
        if let Some((receiver, _)) = &mut self.receiver {
            let received = receiver.answer();
            found.push(received.expect("a message, and the receiver was left sleeping"));
        }
        found.extend(self.survivor.drain());
        let committed = count_uncertain(&found, &self.certain, self.mine);
        assert!(returned.is_none_or(|answer| (answer, committed) == (SENT, 1)));
        self.survivor.exercise();
        self.survivor.verdict(committed)
    }
}

/// The victim may have claimed the only place; a receiver and another sender go to sleep over it.
struct InTheWay {
    survivor: Survivor<Channel4>,
    /// The receiver, the sender.
    peers: [Peer; 2],
    mine: u64,
    victim: Option<Channel4>,
}

impl InTheWay {
    fn new() -> Self {
        let survivor = Survivor::new(1);
        let peers = [
            fork_receiver(&survivor.channel),
            fork_sender(&survivor.channel),
        ];
        InTheWay {
            survivor,
            peers,
            mine: 0,
            victim: None,
        }
    }
}

impl Scenario for InTheWay {
    fn renew(&mut self) {
        self.mine = self.survivor.number();
    }

    fn warm_up(&mut self) {
        self.survivor.channel.enter();
        self.victim = Some(self.survivor.channel.sender());
    }

    fn arrange(&mut self) {
        self.survivor.count_repairs();
    }

    fn act(&mut self) -> Answer {
        Channel4::send_one(self.victim.as_mut().expect("warmed up"), self.mine)
    }

    fn before_death(&mut self) {
        for peer in &mut self.peers {
            peer.start();
            peer.answer();
        }
        settle(&mut self.peers);
    }

    fn verdict(&mut self, returned: Option<Answer>) -> Verdict {
        settle(&mut self.peers);
        let [receiver, sender] = &mut self.peers;
        let theirs = BESIDE + sender.rounds;
        let received = receiver
            .answer()
            .expect("a message, and the receiver was left sleeping");
        assert_eq!(
            sender.answer(),
            Some(SENT),
            "room, and the sender was left sleeping"
        );
        let mut found = vec![received];
        found.extend(self.survivor.drain());
        let committed = count_uncertain(&found, &[theirs], self.mine);
        assert!(returned.is_none_or(|answer| (answer, committed) == (SENT, 1)));
        self.survivor.exercise();
        self.survivor.verdict(committed)
    }
}

/// The victim comes upon a place that a dead sender claimed, and dies on the way past it.
struct PastHole {
    survivor: Survivor<Channel4>,
    /// After how many instructions a sender has claimed, and not committed.
    halfway: u32,
    sent: Vec<u64>,
    victim: Option<Channel4>,
}

impl PastHole {
    fn new(capacity: usize) -> Self {
        let mut survivor = Survivor::new(capacity);
        // From the second lap on all senders take the same path.
        survivor.pass_through(2 * capacity);
        let mut scenario = PastHole {
            survivor,
            halfway: 0,
            sent: Vec::new(),
            victim: None,
        };
        while !scenario.leaves_a_hole() {
            scenario.halfway += 1;
        }
        // Not the first instruction at which it does, nor the last.
        scenario.halfway += 1;
        assert!(scenario.leaves_a_hole());
        scenario
    }

    fn dig(&mut self) {
        let number = self.survivor.number();
        let mut digger = Tracee::fork(|| {
            self.survivor.channel.enter();
            trace::stop_here();
            Channel4::try_send_one(&mut self.survivor.channel.sender(), number);
        });
        for _ in 0..self.halfway {
            digger.step();
        }
    }

    fn leaves_a_hole(&mut self) -> bool {
        self.survivor.count_repairs();
        self.dig();
        let found = self.survivor.drain();
        assert!(found.is_empty(), "committed before any hole was seen");
        self.survivor.has_repaired()
    }
}

impl Scenario for PastHole {
    fn warm_up(&mut self) {
        self.victim = Some(self.survivor.warm_receiver());
    }

    fn arrange(&mut self) {
        self.survivor.count_repairs();
        self.dig();
        self.sent = vec![self.survivor.put()];
    }

    fn act(&mut self) -> Answer {
        Channel4::recv_one(self.victim.as_mut().expect("warmed up"))
    }

    fn verdict(&mut self, returned: Option<Answer>) -> Verdict {
        let found = self.survivor.drain();
        let missing = find_missing(&found, &self.sent);
        assert!(returned.is_none_or(|answer| Some(answer) == missing));
        assert!(self.survivor.has_repaired(), "there was a hole");
        self.survivor.exercise();
        Verdict {
            committed: missing.into_iter().count() as u64,
            repaired: true,
            ..Verdict::default()
        }
    }
}

/// Closing wakes everybody.
struct Close {
    /// The sleepers are senders, and the queue is full.
    full: bool,
    survivor: Survivor<Channel4>,
    peers: Vec<Peer>,
    certain: Vec<u64>,
}

impl Close {
    fn new(full: bool) -> Self {
        Close {
            full,
            survivor: Survivor::new(2),
            peers: Vec::new(),
            certain: Vec::new(),
        }
    }
}

impl Scenario for Close {
    fn renew(&mut self) {
        self.survivor = Survivor::new(2);
        let fork = if self.full {
            fork_sender
        } else {
            fork_receiver
        };
        self.peers = (0..2).map(|_| fork(&self.survivor.channel)).collect();
    }

    fn warm_up(&mut self) {
        self.survivor.channel.enter();
    }

    fn arrange(&mut self) {
        if self.full {
            self.certain = vec![self.survivor.put(), self.survivor.put()];
        }
        for peer in &mut self.peers {
            peer.fall_asleep();
        }
    }

    fn act(&mut self) -> Answer {
        self.survivor.channel.close();
        CLOSED
    }

    fn verdict(&mut self, returned: Option<Answer>) -> Verdict {
        let closed = self.survivor.channel.is_closed();
        assert!(closed || returned.is_none());
        settle(&mut self.peers);
        for peer in &mut self.peers {
            assert_eq!(peer.answer(), closed.then_some(CLOSED), "closed: {closed}");
        }
        self.survivor.channel.close();
        settle(&mut self.peers);
        for peer in &mut self.peers {
            assert_eq!(peer.answer(), Some(CLOSED));
        }
        assert_eq!(
            self.survivor.drain(),
            self.certain,
            "what was sent can still be received"
        );
        Verdict {
            committed: u64::from(closed),
            ..Verdict::default()
        }
    }
}
