//! Permits: each is one live holder's at a time, and a dead one's comes back.

use super::super::permits::{Permits, available, release, try_acquire};
use super::scene::{Actor, Counted, DOOMED, NOBODY_DIES, Tally, owner, play};
use crate::atomic::{AtomicU32, AtomicU64};
use crate::owner::Owner;

struct Semaphore {
    permits: Vec<Permit>,
    bell: AtomicU32,
}

#[derive(Default)]
struct Permit {
    claim: AtomicU64,
    /// How many living ones hold it.
    holders: Tally,
}

impl Semaphore {
    fn new(permits: usize) -> Semaphore {
        Semaphore {
            permits: (0..permits).map(|_| Permit::default()).collect(),
            bell: AtomicU32::new(0),
        }
    }
}

impl Permits for Actor<Semaphore> {
    fn count(&self) -> usize {
        self.aside().permits.len()
    }

    fn claim(&self, index: usize) -> &AtomicU64 {
        &self.access().permits[index].claim
    }

    fn is_live(&self, owner: Owner) -> bool {
        Actor::is_live(self, owner)
    }
}

impl Actor<Semaphore> {
    fn acquire(&self) -> (usize, Counted<'_>) {
        let from = self.index as usize;
        let attempt = || {
            let acquired = try_acquire(self, from, self.me())?;
            let holders = &self.aside().permits[acquired.index].holders;
            let held = Counted::new(holders);
            assert_eq!(holders.get(), 1, "two holders at a time");
            if acquired.inherited {
                assert!(!self.is_live(owner(DOOMED)), "taken from the living");
            }
            Some((acquired.index, held))
        };
        self.block_until(|semaphore| &semaphore.bell, attempt)
    }

    fn acquire_and_release(&self) {
        let (index, held) = self.acquire();
        drop(held);
        release(self, index);
        self.bell(&self.aside().bell).ring(1);
    }

    /// All permits can be had.
    fn acquire_all(&self) {
        let all = self.count();
        assert_eq!(available(self), all, "a permit is lost");
        let held: Vec<_> = (0..all).map(|_| self.acquire()).collect();
        assert_eq!(available(self), 0, "{} are held", held.len());
    }
}

fn permits(
    preemptions: usize,
    permits: usize,
    actors: u32,
    accesses: impl IntoIterator<Item = u32>,
) {
    let act = Actor::acquire_and_release;
    let memory = move || Semaphore::new(permits);
    play(
        preemptions,
        actors,
        accesses,
        memory,
        act,
        Actor::acquire_all,
    );
}

#[test]
fn one_permit() {
    permits(4, 1, 2, NOBODY_DIES);
    permits(2, 1, 3, NOBODY_DIES);
}

#[test]
fn two_permits() {
    permits(2, 2, 3, NOBODY_DIES);
}

#[test]
fn a_holder_dies() {
    permits(3, 1, 2, 0..=15);
    permits(1, 1, 3, 0..=15);
}

#[test]
fn one_of_two_holders_dies() {
    permits(1, 2, 3, 0..=15);
}
