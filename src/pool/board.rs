//! The board: what everybody may know of each ticket, in shared memory.
//!
//! A *ticket* is one message with tasks, on its way from the parent to a worker and back. The parent numbers its uses by *generations*; the words
//! of a ticket are
//!
//! | word | | written by |
//! |---|---|---|
//! | state | what has become of it, whose *seat* (worker) it is, its generation | see below |
//! | began | when the task at hand was begun, if its time is limited | the worker |
//! | task | which of its tasks is at hand: the first, if there was none before | the worker |
//!
//! | state | goes to | by | which commits |
//! |---|---|---|---|
//! | `FREE` | `READY` | parent | nothing: the message is what is sent, and it is sent afterwards |
//! | `READY` | `RUNNING(seat)` | worker, compare-and-swap | that this worker has it, and that nobody else will |
//! | `READY` | `FREE` | parent, compare-and-swap | that nobody will ever run it: whoever receives the message drops it |
//! | `RUNNING(seat)` | `FINISHED(seat)` | worker, compare-and-swap, after its last result was sent | that nobody is going to kill the worker for it |
//! | `RUNNING(seat)` | `CONDEMNED(seat)` | parent, compare-and-swap | that the worker is to be killed, and begins nothing else |
//! | any of a seat whose worker has ended | `FREE`, or `READY` of the next generation | parent | the outcome: once, as only the parent says it |
//! | `RUNNING`, `FINISHED`, all results received | `FREE` | parent | the same |
//!
//! # If a worker dies
//!
//! | where | what the parent finds when it has ended |
//! |---|---|
//! | with the message on lease, before `RUNNING` | `READY`: the queue delivers the message to another worker, who takes it |
//! | after `RUNNING`, before the message is acknowledged | `RUNNING`: the message is delivered to another, who finds that it is not `READY` and drops it |
//! | then, before `task` is written | `RUNNING`, no task begun: all tasks are sent again, and nobody minds |
//! | in a task | `RUNNING`: the results sent before are there; `task` says which one was at hand. That one, and those whose results it had not sent, died with it; those behind it are sent again |
//! | after its last result is sent | all results are there |
//!
//! What the dead sent is received before anything is said about its tickets, so that a committed result is never lost. It may lie behind what a living worker has begun to
//! send: as long as the queue of results is not empty, nothing is said.
//!
//! # Orderings
//!
//! The words are an [`Array`]'s: a store releases, a load acquires, a compare-and-swap does both. `began` and `task` are written after the claim, and say which
//! generation they belong to (its lower half; that many uses of one ticket do not pass while the parent looks). Nothing else hangs on their order.
//!
//! A killed worker is not one that ran something else meanwhile: it is killed after `CONDEMNED`, which it can only have become from `RUNNING`; and from
//! there the worker's own `FINISHED` fails, without which it takes no other message.

use crate::atomic::seeded;

/// The words, wherever they are.
pub(super) trait Words {
    /// `None` if there is no such word, here and below.
    fn load(&self, index: usize) -> Option<u64>;
    fn store(&self, index: usize, word: u64) -> Option<()>;
    /// What was found instead, in `Err`.
    fn compare_exchange(&self, index: usize, current: u64, new: u64) -> Option<Result<(), u64>>;
}

#[cfg(not(loom))]
impl Words for crate::Array<u64> {
    #[inline]
    fn load(&self, index: usize) -> Option<u64> {
        self.get(index).ok()
    }

    #[inline]
    fn store(&self, index: usize, word: u64) -> Option<()> {
        self.set(index, word).ok()
    }

    #[inline]
    fn compare_exchange(&self, index: usize, current: u64, new: u64) -> Option<Result<(), u64>> {
        let exchanged = crate::Array::compare_exchange(self, index, current, new).ok()?;
        Some(exchanged.map(drop))
    }
}

/// Words of a ticket; eight, so that no two share a cache line.
const WORDS: usize = 8;
const STATE: usize = 0;
const BEGAN: usize = 1;
const TASK: usize = 2;

const SEAT_BITS: u32 = 13;
/// The most workers a pool can have.
pub(super) const MOST_SEATS: usize = 1 << SEAT_BITS;
const GENERATION_SHIFT: u32 = 16;

/// The state word, taken apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct State {
    pub(super) stage: Stage,
    /// 0 where there is none.
    pub(super) seat: u16,
    /// Of 48 bits.
    pub(super) generation: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    Free,
    Ready,
    Running,
    Finished,
    Condemned,
}

impl State {
    fn bits(self) -> u64 {
        self.stage as u64 | u64::from(self.seat) << 3 | self.generation << GENERATION_SHIFT
    }

    /// `None` of garbage.
    fn from_bits(bits: u64) -> Option<State> {
        let stages = [
            Stage::Free,
            Stage::Ready,
            Stage::Running,
            Stage::Finished,
            Stage::Condemned,
        ];
        Some(State {
            stage: *stages.get((bits & 7) as usize)?,
            seat: (bits >> 3) as u16 & (MOST_SEATS - 1) as u16,
            generation: bits >> GENERATION_SHIFT,
        })
    }
}

/// A ticket in one of its uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Use {
    pub(super) ticket: u32,
    pub(super) generation: u64,
}

impl Use {
    fn at(self, word: usize) -> usize {
        self.ticket as usize * WORDS + word
    }

    fn state(self, stage: Stage, seat: u16) -> State {
        State {
            stage,
            seat,
            generation: self.generation,
        }
    }

    /// The half of a word that says which use it belongs to.
    fn mark(self, low: u32) -> u64 {
        u64::from(self.generation as u32) << 32 | u64::from(low)
    }
}

/// The generation after this one.
pub(super) fn next_generation(generation: u64) -> u64 {
    (generation + 1) & (u64::MAX >> GENERATION_SHIFT)
}

/// How many words so many tickets have.
pub(super) const fn words(tickets: usize) -> usize {
    tickets * WORDS
}

#[derive(Clone, Debug)]
pub(super) struct Board<W>(pub(super) W);

impl<W: Words> Board<W> {
    /// What has become of a ticket; `None` of garbage.
    pub(super) fn state(&self, ticket: u32) -> Option<State> {
        State::from_bits(self.0.load(ticket as usize * WORDS + STATE)?)
    }

    fn change(&self, what: Use, from: State, to: State) -> Result<(), Option<State>> {
        match self
            .0
            .compare_exchange(what.at(STATE), from.bits(), to.bits())
        {
            Some(Ok(())) => Ok(()),
            Some(Err(found)) => Err(State::from_bits(found)),
            None => Err(None),
        }
    }

    // The parent.

    /// Before its message is sent.
    pub(super) fn make_ready(&self, what: Use) {
        self.put(what, what.state(Stage::Ready, 0));
    }

    pub(super) fn free(&self, what: Use) {
        self.put(what, what.state(Stage::Free, 0));
    }

    fn put(&self, what: Use, state: State) {
        let put = self.0.store(what.at(STATE), state.bits());
        debug_assert!(put.is_some(), "the parent numbers the tickets");
    }

    /// Whether nobody has claimed it, and nobody will.
    pub(super) fn revoke(&self, what: Use) -> bool {
        let (ready, free) = (what.state(Stage::Ready, 0), what.state(Stage::Free, 0));
        self.change(what, ready, free).is_ok()
    }

    /// The seat of the worker that runs it, which is now to be killed and begins nothing else.
    pub(super) fn condemn(&self, what: Use) -> Option<u16> {
        let found = self.state(what.ticket)?;
        let running = what.state(Stage::Running, found.seat);
        let condemned = what.state(Stage::Condemned, found.seat);
        self.change(what, running, condemned).ok()?;
        Some(found.seat)
    }

    /// Which of its tasks was begun last, if one was.
    pub(super) fn task(&self, what: Use) -> Option<u32> {
        self.marked(what, TASK)
    }

    /// When that was, by [`now`], if it was to be written down.
    pub(super) fn began(&self, what: Use) -> Option<u32> {
        self.marked(what, BEGAN)
    }

    fn marked(&self, what: Use, word: usize) -> Option<u32> {
        let bits = self.0.load(what.at(word))?;
        (bits == what.mark(bits as u32)).then_some(bits as u32)
    }

    // The worker.

    /// Whether it is this worker's now.
    pub(super) fn claim(&self, what: Use, seat: u16) -> bool {
        let (ready, running) = (
            what.state(Stage::Ready, 0),
            what.state(Stage::Running, seat),
        );
        self.change(what, ready, running).is_ok()
    }

    /// Whether it is this worker's still: the parent gives up what nobody seems to be going to run.
    pub(super) fn is_running(&self, what: Use, seat: u16) -> bool {
        self.state(what.ticket) == Some(what.state(Stage::Running, seat))
    }

    /// Before the task is begun.
    #[inline]
    pub(super) fn begin(&self, what: Use, task: u32) {
        self.0.store(what.at(TASK), what.mark(task));
    }

    /// At this time.
    pub(super) fn begin_at(&self, what: Use, now: u32) {
        self.0.store(what.at(BEGAN), what.mark(now));
    }

    /// After the last result was sent: whether the worker may go on, and is not about to be killed.
    pub(super) fn finish(&self, what: Use, seat: u16) -> bool {
        let running = what.state(Stage::Running, seat);
        let condemned = what.state(Stage::Condemned, seat);
        if seeded("board") {
            self.put(what, what.state(Stage::Finished, seat));
            return true;
        }
        match self.change(what, running, what.state(Stage::Finished, seat)) {
            Ok(()) => true,
            // Anything else: the parent has received all the results, and the ticket may be in use anew.
            Err(found) => found != Some(condemned),
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::Array;

    fn board() -> Board<Array<u64>> {
        Board(Array::new(words(4)).unwrap())
    }

    fn of(ticket: u32, generation: u64) -> Use {
        Use { ticket, generation }
    }

    #[test]
    fn one_worker_has_it_and_finishes_it() {
        let board = board();
        board.make_ready(of(2, 7));
        assert!(!board.claim(of(2, 6), 1), "another use");
        assert!(!board.claim(of(1, 7), 1), "another ticket");
        assert!(!board.is_running(of(2, 7), 1));
        assert!(board.claim(of(2, 7), 1));
        assert!(board.is_running(of(2, 7), 1));
        assert!(!board.is_running(of(2, 7), 3));
        assert!(!board.claim(of(2, 7), 3));
        assert!(!board.revoke(of(2, 7)));
        assert_eq!(board.task(of(2, 7)), None);
        board.begin(of(2, 7), 5);
        assert_eq!(board.task(of(2, 7)), Some(5));
        assert_eq!(board.task(of(2, 8)), None);
        assert!(board.finish(of(2, 7), 1));
        assert_eq!(board.condemn(of(2, 7)), None, "too late");
    }

    #[test]
    fn the_condemned_go_no_further() {
        let board = board();
        board.make_ready(of(0, 1));
        assert_eq!(board.condemn(of(0, 1)), None, "nobody runs it");
        assert!(board.claim(of(0, 1), 4095));
        assert_eq!(board.condemn(of(0, 1)), Some(4095));
        assert!(!board.finish(of(0, 1), 4095));
        // Once it is in use anew, that is nothing to the worker that had it before.
        board.make_ready(of(0, 2));
        assert!(board.finish(of(0, 1), 4095));
    }

    #[test]
    fn what_is_revoked_nobody_runs() {
        let board = board();
        board.make_ready(of(3, 9));
        assert!(board.revoke(of(3, 9)));
        assert!(!board.claim(of(3, 9), 0));
        assert!(!board.revoke(of(3, 9)));
    }

    #[test]
    fn garbage_is_nobodys() {
        let board = board();
        for bits in [u64::MAX, 5, 6, 7] {
            board.0.set(0, bits).unwrap();
            assert_eq!(board.state(0), None);
            assert!(!board.claim(of(0, 0), 0));
            assert_eq!(board.condemn(of(0, 0)), None);
            assert!(board.finish(of(0, 0), 0));
        }
        assert!(!board.claim(of(u32::MAX, 0), 0));
        assert_eq!(board.state(4), None);
    }

    #[test]
    fn generations_come_round() {
        assert_eq!(next_generation((1 << 48) - 1), 0);
        let board = board();
        board.make_ready(of(0, (1 << 48) - 1));
        assert!(board.claim(of(0, (1 << 48) - 1), 1));
    }
}
