//! The barrier: nobody goes on before all have arrived, all who wait together hear the same, and one of them leads.

use std::sync::Mutex;

use super::super::claim::Claim;
use super::super::seats::{
    Cause, End, Seats, State, abort, arrive, break_up, free_seat, joined, joining, look, reset,
    waiting, withdraw,
};
use super::scene::{Actor, DOOMED, NOBODY_DIES, Tally, owner, play};
use crate::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::owner::Owner;

struct Barrier {
    goes_on: bool,
    state: AtomicU64,
    seats: Vec<AtomicU64>,
    bell: AtomicU32,
    /// What each party says before it arrives: one more than the generation.
    words: Vec<AtomicU32>,
    /// How many arrived, by generation, and what they heard.
    arrivals: [Tally; 6],
    /// How often the state changed.
    changes: Tally,
    ends: Mutex<Vec<(u32, End)>>,
}

impl Barrier {
    /// One that so many actors have joined.
    fn new(parties: u32, goes_on: bool) -> Barrier {
        let seat = |index| AtomicU64::new(Claim::held(owner(index), 0).0);
        Barrier {
            goes_on,
            state: AtomicU64::new(0),
            seats: (0..parties).map(seat).collect(),
            bell: AtomicU32::new(0),
            words: (0..parties).map(|_| AtomicU32::new(0)).collect(),
            arrivals: Default::default(),
            changes: Tally::default(),
            ends: Mutex::default(),
        }
    }
}

const PID: u32 = 1000;
const DIED: End = End::Broken(Cause::Died { pid: PID + DOOMED });

impl Seats for Actor<Barrier> {
    fn parties(&self) -> usize {
        self.aside().seats.len()
    }

    fn state(&self) -> &AtomicU64 {
        &self.access().state
    }

    fn seat(&self, index: usize) -> &AtomicU64 {
        &self.access().seats[index]
    }

    fn is_live(&self, owner: Owner) -> bool {
        Actor::is_live(self, owner)
    }

    fn pid(&self, owner: Owner) -> u32 {
        PID + owner.index().expect("somebody's seat")
    }

    fn goes_on(&self) -> bool {
        self.aside().goes_on
    }

    fn ring(&self) {
        self.aside().changes.add();
        self.bell(&self.aside().bell).ring_all();
    }
}

impl Actor<Barrier> {
    fn arrive(&self) -> Result<u32, Cause> {
        let (generation, _) = arrive(self, self.index as usize, self.me())?;
        self.aside().arrivals[generation as usize].add();
        Ok(generation)
    }

    /// Arrives, and hears how it ends from `wait`.
    fn meet(&self, wait: impl FnOnce(u32) -> End) -> End {
        let generation = State::load(self).generation();
        self.access().words[self.index as usize].store(generation + 1, Ordering::Relaxed);
        let generation = match self.arrive() {
            Ok(generation) => generation,
            Err(cause) => return End::Broken(cause),
        };
        let barrier = self.aside();
        let end = wait(generation);
        barrier.ends.lock().unwrap().push((generation, end));
        match end {
            End::Released { .. } => self.is_complete(generation),
            End::Broken(_) => {
                withdraw(self, self.index as usize, self.me(), generation);
            }
        }
        end
    }

    fn is_complete(&self, generation: u32) {
        let barrier = self.aside();
        let here = barrier.arrivals[generation as usize].get();
        let all = self.parties() as u32;
        assert!(
            here == all || barrier.goes_on && here == all - 1 && !self.is_live(owner(DOOMED)),
            "released too early"
        );
        for index in all - here..all {
            let word = self.access().words[index as usize].load(Ordering::Relaxed);
            // A reset adds 2.
            assert!(word > generation % 2, "torn or stale: {word} of {index}");
        }
    }

    fn wait(&self) -> End {
        let look = |generation| move || look(self, generation);
        self.meet(|generation| self.block_until(|barrier| &barrier.bell, look(generation)))
    }

    /// Does not wait at all.
    fn wait_impatiently(&self) -> End {
        self.meet(|generation| {
            look(self, generation).unwrap_or_else(|| break_up(self, generation, Cause::TimedOut))
        })
    }

    /// What was heard in `generation` is the same for all, but that one may lead.
    fn agree(&self, generation: u32) -> Option<End> {
        let ends = self.aside().ends.lock().unwrap();
        let leads = |end: &&(u32, End)| **end == (generation, End::Released { leader: true });
        assert!(ends.iter().filter(leads).count() <= 1, "two leaders");
        let mut heard = ends
            .iter()
            .filter(|(when, _)| *when == generation)
            .map(|(_, end)| match *end {
                End::Released { .. } => RELEASED,
                broken => broken,
            });
        let first = heard.next();
        assert!(
            heard.all(|end| Some(end) == first),
            "they hear different things"
        );
        first
    }

    fn led(&self, generation: u32) -> bool {
        let ends = self.aside().ends.lock().unwrap();
        ends.contains(&(generation, End::Released { leader: true }))
    }
}

const RELEASED: End = End::Released { leader: false };

#[test]
fn two_generations() {
    let waits_twice = |party: &Actor<Barrier>| {
        party.wait();
        party.wait();
    };
    play(
        3,
        2,
        NOBODY_DIES,
        || Barrier::new(2, false),
        waits_twice,
        |last| {
            for generation in [0, 1] {
                assert_eq!(last.agree(generation), Some(RELEASED));
                assert!(last.led(generation), "nobody leads");
            }
            assert_eq!(State::load(last).generation(), 2);
        },
    );
}

#[test]
fn three_parties() {
    let waits = |party: &Actor<Barrier>| {
        party.wait();
    };
    play(
        2,
        3,
        NOBODY_DIES,
        || Barrier::new(3, false),
        waits,
        |last| {
            assert_eq!(last.agree(0), Some(RELEASED));
            assert!(last.led(0), "nobody leads");
        },
    );
}

/// Nobody has to sleep, or to look twice.
#[test]
fn the_last_to_arrive_sees_it() {
    let arrives = |party: &Actor<Barrier>| {
        let generation = party.arrive().expect("nobody breaks it");
        look(party, generation);
    };
    play(
        4,
        2,
        NOBODY_DIES,
        || Barrier::new(2, false),
        arrives,
        |last| {
            assert_eq!(
                State::load(last).generation(),
                1,
                "nobody saw that all had arrived"
            );
        },
    );
}

/// The others are released if it had arrived, and know of its death otherwise, at the latest when they come again.
fn a_party_dies_among(preemptions: usize, parties: u32) {
    let act = |party: &Actor<Barrier>| {
        let end = party.wait();
        if party.index != DOOMED {
            let again = if end == DIED { end } else { party.wait() };
            assert_eq!(again, DIED);
        }
    };
    let memory = move || Barrier::new(parties, false);
    play(preemptions, parties, 0..=20, memory, act, |last| {
        last.agree(0);
        last.agree(1);
    });
}

#[test]
fn a_party_dies() {
    a_party_dies_among(2, 2);
    a_party_dies_among(1, 3);
}

/// The others are released every time.
fn all_go_on_without_the_dead(preemptions: usize, parties: u32) {
    let act = |party: &Actor<Barrier>| {
        party.wait();
        if party.index != DOOMED {
            party.wait();
        }
    };
    let memory = move || Barrier::new(parties, true);
    play(preemptions, parties, 0..=20, memory, act, |last| {
        assert_eq!(last.agree(0), Some(RELEASED));
        assert_eq!(last.agree(1), Some(RELEASED));
    });
}

#[test]
fn others_go_on_without_the_dead() {
    all_go_on_without_the_dead(2, 2);
    all_go_on_without_the_dead(1, 3);
}

/// Whoever runs out of patience breaks the barrier for all, once, if it does not come last.
#[test]
fn a_party_times_out() {
    let act = |party: &Actor<Barrier>| {
        match party.index {
            0 => party.wait(),
            _ => party.wait_impatiently(),
        };
    };
    for parties in [2, 3] {
        let memory = move || Barrier::new(parties, false);
        play(
            4 - parties as usize,
            parties,
            NOBODY_DIES,
            memory,
            act,
            |last| {
                let heard = last.agree(0);
                assert!(heard == Some(RELEASED) || heard == Some(End::Broken(Cause::TimedOut)));
            },
        );
    }
}

/// Reset or aborted while two wait: both are, or neither.
#[test]
fn a_reset_while_parties_wait() {
    let act = |party: &Actor<Barrier>| {
        if party.index == 2 {
            return reset(party);
        }
        while party.wait() == End::Broken(Cause::Reset) {}
    };
    play(
        2,
        3,
        NOBODY_DIES,
        || Barrier::new(2, false),
        act,
        |last| {
            assert_eq!(
                last.agree(0)
                    .filter(|end| *end == RELEASED)
                    .or(last.agree(2)),
                Some(RELEASED)
            );
            assert_eq!(State::load(last).cause(), None);
        },
    );
}

#[test]
fn an_abort_while_parties_wait() {
    let act = |party: &Actor<Barrier>| {
        if party.index == 2 {
            abort(party);
        } else {
            party.wait();
        }
    };
    play(
        2,
        3,
        NOBODY_DIES,
        || Barrier::new(2, false),
        act,
        |last| {
            last.agree(0);
            assert_eq!(State::load(last).cause(), Some(Cause::Aborted));
            assert_eq!(waiting(last), 0);
            reset(last);
            assert_eq!(State::load(last).cause(), None);
        },
    );
}

/// One joins in the seat of the dead, arrives and leaves. The other's meeting is not over when it arrives there.
#[test]
fn a_seat_of_the_dead_is_taken() {
    let act = |party: &Actor<Barrier>| {
        if party.index == 2 {
            let Some((index, free)) = free_seat(party) else {
                return;
            };
            let seat = party.seat(index);
            let Ok(_) = free.replace(seat, joining(party, party.me())) else {
                return;
            };
            joined(party);
            let (generation, held) = arrive(party, index, party.me()).expect("nobody breaks it");
            let releases = party.aside().changes.get() - 1;
            assert!(
                generation >= releases,
                "released without one who had joined"
            );
            look(party, generation);
            let left = Claim::closed(held.tag());
            held.replace(seat, left).expect("its own seat");
            party.bell(&party.aside().bell).ring_all();
        } else {
            party.wait();
        }
    };
    play(
        1,
        3,
        0..=20,
        || Barrier::new(2, true),
        act,
        |last| {
            assert_eq!(last.agree(0), Some(RELEASED));
        },
    );
}
