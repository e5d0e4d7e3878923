//! The drill: workers with even numbers speak, those with odd ones listen.

use super::message::{Said, open, seal};
use super::ring::{Closed, Heard, Ring};
use crate::stress::burst::{self, How};
use crate::stress::desk::add;
use crate::stress::outcome::Outcome;
use crate::stress::round::Conditions;
use crate::stress::sabotage::Sabotage;
use crate::stress::sync::drill::{self, Drill, Fallen};
use crate::stress::sync::floor::Floor;
use crate::stress::sync::site::Site;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

const CAPACITIES: [usize; 3] = [64, 4, 1];

/// Of a speaker, on the board: the number of the last message it has begun to send, and how many were acknowledged.
const PER_SPEAKER: usize = 2;

fn last(board: &[AtomicU64], speaker: usize) -> &AtomicU64 {
    &board[speaker * PER_SPEAKER]
}

fn acknowledged(board: &[AtomicU64], speaker: usize) -> &AtomicU64 {
    &board[speaker * PER_SPEAKER + 1]
}

/// A worker's life in one of the two parts.
pub(super) enum Listening<R: Ring> {
    Speaker,
    Listener(Listener<R>),
}

/// What a listener knows of a speaker.
#[derive(Clone, Copy)]
struct Known {
    /// The number of the last message heard.
    number: u64,
    /// How many were acknowledged before that, or when the listener had joined.
    acknowledged: u64,
    /// How many were acknowledged before the listener joined: none of those is heard.
    before: u64,
    /// How many messages of anybody the listener had missed by then.
    missed: u64,
}

pub(super) struct Listener<R: Ring> {
    ear: R::Ear,
    known: Vec<Known>,
    missed: u64,
}

impl<R: Ring> Listener<R> {
    fn new(site: &Site<'_, Listening<R>>) -> Self {
        let board = site.board();
        let counts = || (0..site.floor.workers()).map(|one| acknowledged(board, one).load(SeqCst));
        let before: Vec<u64> = counts().collect();
        let ear = R::listen(site.handle);
        let known = before.into_iter().zip(counts());
        let known = known.map(|(before, acknowledged)| Known {
            number: 0,
            acknowledged,
            before,
            missed: 0,
        });
        let listener = Self {
            known: known.collect(),
            ear,
            missed: 0,
        };
        listener.tell(site);
        listener
    }

    /// Says how far it has come.
    fn tell(&self, site: &Site<'_, Listening<R>>) {
        site.own.mark.store(R::position(&self.ear), SeqCst);
    }

    fn enter(&mut self, site: &Site<'_, Listening<R>>, heard: &Heard) {
        self.missed += heard.missed;
        let said = open(&heard.value);
        let Some((said, known)) = said.and_then(|said| Some((said, self.known.get(said.speaker)?)))
        else {
            return add(site.desk.torn, 1);
        };
        if said.number == known.number || said.acknowledged < known.before {
            add(site.desk.duplicated, 1);
        } else if said.number < known.number {
            add(site.desk.reordered, 1);
        }
        self.count(site, said.speaker, said.acknowledged);
        self.known[said.speaker] = Known {
            number: said.number.max(self.known[said.speaker].number),
            acknowledged: said.acknowledged,
            missed: self.missed,
            ..self.known[said.speaker]
        };
    }

    /// So many of a speaker's messages have been acknowledged by now. All that came after the last one heard are among
    /// those missed.
    fn count(&self, site: &Site<'_, Listening<R>>, speaker: usize, now: u64) {
        let known = &self.known[speaker];
        let between = now.saturating_sub(known.acknowledged + 1);
        let missed = self.missed - known.missed;
        add(site.desk.lost, between.saturating_sub(missed));
    }

    /// All that was sent has been heard or missed.
    fn close(&self, site: &Site<'_, Listening<R>>) {
        for speaker in 0..self.known.len() {
            let now = acknowledged(site.board(), speaker).load(SeqCst);
            self.count(site, speaker, now);
        }
    }

    fn hear(&mut self, site: &mut Site<'_, Listening<R>>, how: How) -> bool {
        if let Some(message) = R::look(site.handle)
            && open(&message).is_none()
        {
            add(site.desk.torn, 1);
        }
        match R::hear(&mut self.ear, how) {
            Ok(Some(heard)) => {
                self.enter(site, &heard);
                self.tell(site);
                true
            }
            Ok(None) => false,
            Err(Closed) => {
                assert!(site.is_ending(), "closed, with the round going on");
                false
            }
        }
    }
}

/// Sends one message. Where a wake-up is everything only the first speaker does, when everyone has heard all before.
fn speak<R: Ring>(site: &mut Site<'_, Listening<R>>, how: How) -> bool {
    let (floor, pace, handle) = (site.floor, site.floor.pace(), site.handle);
    if pace.is_tight() {
        let all_have_heard = || {
            let mut listeners = (1..floor.workers()).step_by(2);
            let sent = R::sent(handle);
            site.number == 0 && listeners.all(|one| floor.own(one).mark.load(SeqCst) >= sent)
        };
        burst::keep_pace(&site.desk, &mut site.random, || {
            floor.pace() != pace || all_have_heard()
        });
        if floor.pace() != pace {
            return false;
        }
        site.desk.tell(how.doing());
    }
    let board = site.board();
    let (last, count) = (last(board, site.number), acknowledged(board, site.number));
    let acknowledged = count.load(SeqCst);
    let next = || last.fetch_add(1, SeqCst) + 1;
    let speaker = site.number;
    let message = |number, acknowledged| {
        seal(Said {
            speaker,
            number,
            acknowledged,
        })
    };
    site.enter(1);
    let mut first = message(next(), acknowledged);
    let mut second = None;
    if site.fault(Sabotage::Duplicate) {
        second = Some(first);
    } else if site.fault(Sabotage::Reorder) {
        second = Some(message(first[1], acknowledged + 1));
        first = message(next(), acknowledged);
    } else if site.fault(Sabotage::Tear) {
        first[5] ^= 1;
    }
    let said = site.fault(Sabotage::Lose) || matches!(R::say(handle, how, first), Ok(true));
    if said {
        count.store(acknowledged + 1, SeqCst);
    }
    if let Some(second) = second.filter(|_| said)
        && matches!(R::say(handle, How::Block, second), Ok(true))
        && second[2] > acknowledged
    {
        count.store(acknowledged + 2, SeqCst);
    }
    site.leave();
    said
}

impl<R: Ring> Drill for Listening<R> {
    type Handle = R::Handle;

    fn create(name: Option<&str>, conditions: &Conditions<'_>) -> crossproc::Result<R::Handle> {
        let capacity = CAPACITIES[conditions.number % CAPACITIES.len()];
        R::create(name, capacity, drill::participants(conditions))
    }

    fn repairs(handle: &R::Handle) -> u64 {
        R::repairs(handle)
    }

    fn board(workers: usize) -> usize {
        workers * PER_SPEAKER
    }

    fn begin(site: &mut Site<'_, Self>) -> Self {
        match site.number % 2 {
            0 => Self::Speaker,
            _ => Self::Listener(Listener::new(site)),
        }
    }

    fn turn(&mut self, site: &mut Site<'_, Self>, how: How) -> bool {
        let Self::Listener(listener) = self else {
            return speak(site, how);
        };
        if !site.floor.pace().is_tight() && site.random.one_in(512) {
            *listener = Listener::new(site);
        }
        site.enter(1);
        let heard = listener.hear(site, how);
        site.leave();
        heard
    }

    fn end(self, site: &mut Site<'_, Self>) {
        let Self::Listener(mut listener) = self else {
            return;
        };
        loop {
            match R::hear(&mut listener.ear, How::Block) {
                Ok(Some(heard)) => listener.enter(site, &heard),
                Ok(None) => {}
                Err(Closed) => return listener.close(site),
            }
        }
    }

    /// Speakers may wait for listeners, and those for them.
    fn finish(handle: &R::Handle, _: &Floor) {
        R::close(handle);
    }

    /// The places of those who are gone have come back, and what is said is heard.
    fn inspect(site: &mut Site<'_, Self>) {
        let handle = site.handle;
        let mut ear = R::listen(handle);
        if R::is_closed(handle) {
            assert!(R::hear(&mut ear, How::Block).is_err(), "closed");
            return;
        }
        let known = R::listeners(handle);
        assert!(known.is_none_or(|known| known == 1), "{known:?} listeners");
        let said = |number| Said {
            speaker: 0,
            number,
            acknowledged: 0,
        };
        let numbers = 0..R::capacity(handle) as u64;
        for number in numbers.clone() {
            let sent = R::say(handle, How::Try, seal(said(number)));
            assert!(matches!(sent, Ok(true)), "there is room");
        }
        if R::WAITS {
            let sent = R::say(handle, How::Timeout(Duration::ZERO), seal(said(0)));
            assert!(matches!(sent, Ok(false)), "the listener is waited for");
        }
        for number in numbers {
            let heard = R::hear(&mut ear, How::Try).ok().flatten();
            let heard = heard.map(|heard| (open(&heard.value), heard.missed));
            assert_eq!(heard, Some((Some(said(number)), 0)));
        }
    }

    fn audit(_: &Floor, _: &[Fallen], _: &mut Outcome) {}
}
