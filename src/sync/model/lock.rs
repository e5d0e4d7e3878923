//! The lock: one owner at a time, and what it commits is the next one's; if it dies, the next one is told. And the value that
//! is made once, under the same lock.

use super::super::claim::Claim;
use super::super::lock::{ORPHANED, POISONED, Refused, SECOND, try_lock, try_lock_free, unlock};
use super::scene::{Actor, DOOMED, NOBODY_DIES, Tally, Value, play};
use crate::atomic::{AtomicU32, AtomicU64, Ordering};

/// A lock, and what else it takes to make more of it.
pub(super) struct Lock<More = ()> {
    pub(super) claim: AtomicU64,
    pub(super) bell: AtomicU32,
    copies: [Value; 2],
    /// The owner's index plus one.
    owner: Tally,
    commits: Tally,
    /// How many died as owners.
    deaths: Tally,
    pub(super) more: More,
}

impl<More: Default> Lock<More> {
    pub(super) fn new() -> Lock<More> {
        Lock {
            claim: AtomicU64::new(0),
            bell: AtomicU32::new(0),
            copies: [0, 0].map(Value::new),
            owner: Tally::default(),
            commits: Tally::default(),
            deaths: Tally::default(),
            more: More::default(),
        }
    }
}

impl<More> Lock<More> {
    fn copy(&self, tag: u16) -> &Value {
        &self.copies[usize::from(tag & SECOND != 0)]
    }

    /// The owner is about to unlock.
    pub(super) fn disown(&self) {
        self.owner.set(0);
    }

    /// The claim was taken from the doomed one.
    pub(super) fn bereave(&self, next: u32) {
        assert_eq!(self.owner.swap(next), DOOMED + 1, "two owners at a time");
        self.deaths.add();
    }

    pub(super) fn check_tag(&self, tag: u16) {
        let told = [ORPHANED, POISONED].map(|told| tag & told != 0);
        let expected = [&self.deaths, &self.commits].map(|tally| tally.get() > 0);
        assert_eq!(told, expected, "what the tag tells");
    }
}

impl<More: 'static> Actor<Lock<More>> {
    /// The tag; nothing if the lock is closed.
    pub(super) fn lock(&self) -> Option<u16> {
        let claim = Claim::held(self.me(), 0);
        if let Some(tag) = try_lock_free(&self.access().claim, claim) {
            return Some(self.own(tag, false));
        }
        self.block_until(|lock| &lock.bell, || self.lock_slowly())
    }

    fn lock_slowly(&self) -> Option<Option<u16>> {
        let is_live = |owner| self.is_live(owner);
        match try_lock(&self.access().claim, self.me(), is_live) {
            Ok(locked) => Some(Some(self.own(locked.tag, locked.inherited))),
            Err(Refused::Closed) => Some(None),
            Err(Refused::Busy) => None,
            Err(refused) => panic!("a sound lock refused: {refused:?}"),
        }
    }

    fn own(&self, tag: u16, inherited: bool) -> u16 {
        let lock = self.aside();
        if inherited {
            lock.bereave(self.index + 1);
        } else {
            assert_eq!(lock.owner.swap(self.index + 1), 0, "two owners at a time");
        }
        lock.check_tag(tag);
        tag
    }

    pub(super) fn read(&self, tag: u16) {
        let commits = self.aside().commits.get();
        self.expect(|lock| lock.copy(tag), commits);
    }

    /// Reads the value and writes the next one; the tag that makes it the valid one.
    pub(super) fn change(&self, tag: u16) -> u16 {
        self.read(tag);
        let tag = tag ^ SECOND;
        let next = self.aside().commits.get() + 1;
        self.write(|lock| lock.copy(tag), next);
        tag | POISONED
    }

    /// To be followed by what commits, at once.
    fn commit(&self) -> &Lock<More> {
        let lock = self.access();
        lock.disown();
        lock.commits.add();
        lock
    }

    pub(super) fn commit_and_unlock(&self, tag: u16) {
        let lock = self.commit();
        unlock(&lock.claim, tag);
        self.bell(&lock.bell).ring_next();
    }
}

impl Actor<Lock> {
    fn lock_and_change(&self) {
        let tag = self.lock().expect("nobody closes it");
        let tag = self.change(tag);
        self.commit_and_unlock(tag);
    }

    /// The value that is made once is 1.
    fn get_or_init(&self) {
        if self.lock().is_some() {
            self.write(|lock| lock.copy(0), 1);
            let lock = self.commit();
            lock.claim.store(Claim::closed(0).0, Ordering::Release);
            self.bell(&lock.bell).ring_all();
        }
        self.expect(|lock| lock.copy(0), 1);
    }

    fn changed_by(&self, living: u32) {
        let commits = self.aside().commits.get();
        assert!(commits >= living, "a change is lost");
        self.lock_and_change();
    }
}

#[test]
fn two_owners() {
    play(
        4,
        2,
        NOBODY_DIES,
        Lock::new,
        Actor::lock_and_change,
        |last| {
            last.changed_by(2);
        },
    );
}

/// Whoever is woken, or gets ahead of it, wakes the next.
#[test]
fn three_owners() {
    play(
        2,
        3,
        NOBODY_DIES,
        Lock::new,
        Actor::lock_and_change,
        |last| {
            last.changed_by(3);
        },
    );
}

#[test]
fn an_owner_dies() {
    play(3, 2, 0..=20, Lock::new, Actor::lock_and_change, |last| {
        last.changed_by(1);
    });
}

/// One sleeps while the other, which was woken, dies.
#[test]
fn one_of_three_dies() {
    play(1, 3, 0..=20, Lock::new, Actor::lock_and_change, |last| {
        last.changed_by(2);
    });
}

#[test]
fn a_value_is_made_once() {
    for (preemptions, actors) in [(2, 2), (1, 3)] {
        let memory = Lock::new;
        play(
            preemptions,
            actors,
            0..=20,
            memory,
            Actor::get_or_init,
            |last| {
                last.get_or_init();
                assert_eq!(last.aside().commits.get(), 1, "made once");
            },
        );
    }
}
