//! The board, for the model checker: a worker with a ticket, who may die at any step, and the parent, who wants it back.

use super::board::{Board, Stage, Use, Words, words};
use crate::atomic::{AtomicU64, Ordering};
use crate::sync::model::scene::{Actor, DOOMED, NOBODY_DIES, Tally, play};

/// The words of two tickets, and what is known of them.
struct Room {
    words: Vec<AtomicU64>,
    /// How many results of the first were sent.
    reports: AtomicU64,
    /// How often each was run.
    runs: [Tally; 2],
    revoked: Tally,
    condemned: Tally,
}

impl Room {
    fn new() -> Room {
        Room {
            words: (0..words(2)).map(|_| AtomicU64::new(0)).collect(),
            reports: AtomicU64::new(0),
            runs: Default::default(),
            revoked: Tally::default(),
            condemned: Tally::default(),
        }
    }
}

/// As an array has them.
impl Words for &Actor<Room> {
    fn load(&self, index: usize) -> Option<u64> {
        Some(self.access().words.get(index)?.load(Ordering::Acquire))
    }

    fn store(&self, index: usize, word: u64) -> Option<()> {
        self.access()
            .words
            .get(index)?
            .store(word, Ordering::Release);
        Some(())
    }

    fn compare_exchange(&self, index: usize, current: u64, new: u64) -> Option<Result<(), u64>> {
        let exchanged = self.access().words.get(index)?.compare_exchange(
            current,
            new,
            Ordering::AcqRel,
            Ordering::Acquire,
        );
        Some(exchanged.map(drop))
    }
}

const SEAT: u16 = 3;
const FIRST: Use = Use {
    ticket: 0,
    generation: 1,
};
const SECOND: Use = Use {
    ticket: 1,
    generation: 1,
};

/// Runs the first, and the second if it may.
fn worker(actor: &Actor<Room>) {
    let board = Board(actor);
    if board.claim(FIRST, SEAT) {
        board.begin(FIRST, 0);
        actor.aside().runs[0].add();
        actor.access().reports.fetch_add(1, Ordering::AcqRel);
        if !board.finish(FIRST, SEAT) {
            return; // To be killed.
        }
    }
    if board.claim(SECOND, SEAT) {
        board.begin(SECOND, 0);
        actor.aside().runs[1].add();
    }
}

fn sent() -> Room {
    let room = Room::new();
    for what in [FIRST, SECOND] {
        // What `make_ready` writes, before anybody else is there.
        let at = words(what.ticket as usize);
        room.words[at].store(1 | what.generation << 16, Ordering::Release);
    }
    room
}

/// What the parent finds when the worker has ended, wherever that was.
fn look(actor: &Actor<Room>) {
    let (board, room) = (Board(actor), actor.aside());
    let runs = |of: usize| room.runs[of].get();
    let state = board.state(FIRST.ticket).expect("what is a state");
    let begun = board.task(FIRST);
    let reports = room.reports.load(Ordering::Acquire);
    if room.condemned.get() == 1 {
        assert_eq!(runs(1), 0, "an innocent task is killed");
    }
    match state.stage {
        Stage::Ready => assert_eq!(runs(0), 0, "run without having been claimed"),
        Stage::Free => {
            assert_eq!(room.revoked.get(), 1);
            assert_eq!(runs(0), 0, "run after it was revoked");
        }
        Stage::Running | Stage::Condemned => {
            assert_eq!(state.seat, SEAT);
            // What has not been begun can be run by others.
            assert!(begun.is_some() || runs(0) == 0, "run and not known to be");
            assert_eq!(runs(1), 0, "something else was begun meanwhile");
        }
        Stage::Finished => assert_eq!(reports, 1, "finished without a result"),
    }
}

fn parent(actor: &Actor<Room>) {
    let (board, room) = (Board(actor), actor.aside());
    if board.revoke(FIRST) {
        room.revoked.set(1);
    } else if board.condemn(FIRST).is_some() {
        room.condemned.set(1);
    }
}

fn act(actor: &Actor<Room>) {
    if actor.index == DOOMED {
        worker(actor);
    } else {
        parent(actor);
    }
}

#[test]
fn a_worker_beside_its_parent() {
    play(3, 2, NOBODY_DIES, sent, act, look);
}

#[test]
fn a_worker_dies() {
    play(3, 2, 0..=8, sent, act, look);
}

/// Two workers, one message delivered twice: one of them runs it.
#[test]
fn two_workers() {
    let act = |actor: &Actor<Room>| {
        if Board(actor).claim(FIRST, actor.index as u16) {
            assert_eq!(actor.aside().runs[0].add(), 1, "run twice");
        }
    };
    play(3, 2, NOBODY_DIES, sent, act, |_| {});
}
