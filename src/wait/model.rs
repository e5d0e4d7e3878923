//! What the model checker says about the bell; and what models of all algorithms share: a kernel, and death.
//!
//! `membarrier` is a sequentially consistent fence on both sides, and futexes are a list of parked threads under a lock.
//! A lost wake-up is a sleeper parked for ever: a deadlock to the model checker.
//!
//! With `SEEDED_BUG=publish` ringers have no light barrier, and sleepers must oversleep.

use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::ptr::from_ref;
use std::sync::Arc;

use loom::sync::Mutex;
use loom::thread::{self, JoinHandle, Thread};

use super::bell::{Bell, Parking, arm_all, pass_on};
use crate::atomic::{AtomicU32, Ordering, fence, seeded};

/// Runs `history` in all ways that take at most so many preemptions, on top of all switches where a thread has to wait, and
/// of everything that the memory model lets a load return.
pub(crate) fn check(preemptions: usize, history: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    // Enough for the longest history; without end is none that gets as far.
    builder.max_branches = 10_000;
    builder.check(move || {
        step();
        history();
    });
}

loom::lazy_static! {
    static ref STEP: AtomicU32 = AtomicU32::new(0);
}

/// A point at which the model checker tries the other threads.
///
/// It does so by itself at the last access to the same atomic, and thereby misses histories: a thread that loads a
/// word before it writes it hides what others did there before. One word that everybody writes brings them back, and
/// a relaxed store orders nothing.
pub(crate) fn step() {
    STEP.store(0, Ordering::Relaxed);
}

/// An actor's life, which ends by unwinding at an access to shared memory.
pub(crate) struct Life {
    accesses: Cell<u32>,
}

struct Killed;

impl Life {
    pub(crate) const LONG: u32 = u32::MAX;

    pub(crate) fn of(accesses: u32) -> Life {
        Life {
            accesses: Cell::new(accesses),
        }
    }

    /// To be called before every access.
    pub(crate) fn step(&self) {
        match self.accesses.get().checked_sub(1) {
            Some(left) => self.accesses.set(left),
            None => panic::resume_unwind(Box::new(Killed)),
        }
        step();
    }
}

/// What `act` returns, unless its actor dies meanwhile. Then, either way, the kernel marks its `life`.
pub(crate) fn live<R>(life: &AtomicU32, act: impl FnOnce() -> R) -> Option<R> {
    let outcome = panic::catch_unwind(AssertUnwindSafe(act));
    step();
    // Release: whoever sees the mark sees all that the dead did.
    life.store(DEAD, Ordering::Release);
    let killed = |payload: Box<dyn Any + Send>| match payload.downcast::<Killed>() {
        Ok(_) => None,
        Err(failure) => panic::resume_unwind(failure),
    };
    outcome.map_or_else(killed, Some)
}

/// What the kernel writes to the life of a dead thread.
pub(crate) const DEAD: u32 = 1;

/// Futexes, and a `membarrier` that is granted or refused.
pub(crate) struct Kernel {
    membarrier: bool,
    /// Who sleeps, and the addresses of the words they sleep on.
    parked: Mutex<Vec<(usize, Thread)>>,
}

fn address(word: &AtomicU32) -> usize {
    from_ref(word).addr()
}

impl Kernel {
    pub(crate) fn new(membarrier: bool) -> Kernel {
        let parked = Mutex::new(Vec::new());
        Kernel { membarrier, parked }
    }

    pub(crate) fn bell<'a>(&'a self, word: &'a AtomicU32) -> Bell<'a, &'a Kernel> {
        Bell {
            word,
            parking: self,
        }
    }

    /// Sleeps until one of `bells` is woken or somebody dies, unless a word has changed or one of `lives` has. Whether it slept.
    ///
    /// As in the kernel, a thread that was woken by one word can be woken by others until it runs.
    fn wait(&self, bells: &[(&AtomicU32, u32)], lives: &[(&AtomicU32, u32)]) -> bool {
        step();
        let mut parked = self.parked.lock().expect("no panics while locked");
        let mut expected = bells.iter().chain(lives).copied();
        let sleeps = expected.all(|(word, value)| word.load(Ordering::Relaxed) == value);
        if sleeps {
            let me = thread::current();
            let places = bells.iter().map(|(word, _)| (address(word), me.clone()));
            parked.extend(places);
            drop(parked);
            thread::park();
            let mut parked = self.parked.lock().expect("no panics while locked");
            parked.retain(|(_, thread)| thread.id() != me.id());
        }
        sleeps
    }

    /// The loop of everything that blocks; but only a ring wakes it, no death and no time limit.
    pub(crate) fn block_until<R>(&self, word: &AtomicU32, attempt: impl FnMut() -> Option<R>) -> R {
        self.block_among(&self.bell(word), &[], attempt)
    }

    /// The same where a death of one of `lives` wakes too.
    pub(crate) fn block_among<R>(
        &self,
        bell: &Bell<'_, impl Parking>,
        lives: &[&AtomicU32],
        mut attempt: impl FnMut() -> Option<R>,
    ) -> R {
        self.block_until_rung(bell, lives, |_| attempt())
    }

    /// The same where it matters to `attempt` whether somebody has just woken it.
    fn block_until_rung<R>(
        &self,
        bell: &Bell<'_, impl Parking>,
        lives: &[&AtomicU32],
        mut attempt: impl FnMut(bool) -> Option<R>,
    ) -> R {
        let mut first = true;
        let mut rung = false;
        loop {
            step();
            let armed = bell.arm();
            let look = |life| (life, AtomicU32::load(life, Ordering::Acquire));
            let census: Vec<_> = lives.iter().copied().map(look).collect();
            if let Some(result) = attempt(rung) {
                return result;
            }
            rung = !(armed.brief && first) && self.wait(&[(bell.word, armed.value)], &census);
            first = false;
            bell.stay();
            if let Some(result) = attempt(rung) {
                return result;
            }
        }
    }

    /// [`live`]; and the death wakes all who sleep, since whom the kernel wakes tells the others.
    pub(crate) fn live<R>(&self, life: &AtomicU32, act: impl FnOnce() -> R) -> Option<R> {
        let outcome = live(life, act);
        self.unpark(u32::MAX, |_| true);
        outcome
    }

    /// Wakes up to `count` of those who sleep on a word that `is_meant`; how many.
    fn unpark(&self, count: u32, is_meant: impl Fn(usize) -> bool) -> usize {
        step();
        let mut parked = self.parked.lock().expect("no panics while locked");
        let mut woken = 0;
        parked.retain(|(on, thread)| {
            let wake = woken < count as usize && is_meant(*on);
            if wake {
                thread.unpark();
                woken += 1;
            }
            !wake
        });
        drop(parked);
        step();
        woken
    }
}

impl Parking for &Kernel {
    fn light(&self) {
        step();
        if self.membarrier && !seeded("publish") {
            fence(Ordering::SeqCst);
        }
    }

    fn heavy(&self) -> bool {
        step();
        if self.membarrier {
            fence(Ordering::SeqCst);
        }
        self.membarrier
    }

    fn wake(&self, word: &AtomicU32, count: u32) -> usize {
        self.unpark(count, |on| on == address(word))
    }
}

/// Things to be had, and the bell that tells of them.
struct Shelf {
    things: AtomicU32,
    word: AtomicU32,
    kernel: Kernel,
}

impl Shelf {
    fn new(membarrier: bool) -> Arc<Shelf> {
        let shelf = Shelf {
            things: AtomicU32::new(0),
            word: AtomicU32::new(0),
            kernel: Kernel::new(membarrier),
        };
        // Somebody slept here long ago. Where `membarrier` is refused all ringers know it by now: nobody relies on it before.
        let bell = shelf.kernel.bell(&shelf.word);
        bell.arm();
        bell.ring(1);
        Arc::new(shelf)
    }

    fn put(&self) {
        step();
        self.things.fetch_add(1, Ordering::Release);
        self.kernel.bell(&self.word).ring(1);
    }

    fn try_take(&self) -> Option<()> {
        step();
        let mut things = self.things.load(Ordering::Acquire);
        while things > 0 {
            let taken = self.things.compare_exchange(
                things,
                things - 1,
                Ordering::Acquire,
                Ordering::Acquire,
            );
            match taken {
                Ok(_) => return Some(()),
                Err(now) => things = now,
            }
        }
        None
    }
}

fn sleeper(shelf: &Arc<Shelf>, attempt: impl Fn(&Shelf) -> Option<()> + 'static) -> JoinHandle<()> {
    let shelf = Arc::clone(shelf);
    thread::spawn(move || shelf.kernel.block_until(&shelf.word, || attempt(&shelf)))
}

/// As many things as sleepers are put on the shelf. Each sleeper must get one.
fn ringers_and_sleepers(preemptions: usize, membarrier: bool, ringers: usize, sleepers: usize) {
    check(preemptions, move || {
        let shelf = Shelf::new(membarrier);
        let mut others: Vec<_> = (0..sleepers)
            .map(|_| sleeper(&shelf, Shelf::try_take))
            .collect();
        for _ in 1..ringers {
            let shelf = Arc::clone(&shelf);
            others.push(thread::spawn(move || shelf.put()));
        }
        for _ in ringers..=sleepers {
            shelf.put();
        }
        others.into_iter().for_each(|other| other.join().unwrap());
    });
}

#[test]
fn a_ringer_and_a_sleeper() {
    ringers_and_sleepers(4, true, 1, 1);
}

#[test]
fn a_fenced_ringer_and_a_sleeper() {
    ringers_and_sleepers(4, false, 1, 1);
}

#[test]
fn a_ringer_and_two_sleepers() {
    ringers_and_sleepers(3, true, 1, 2);
}

#[test]
fn a_fenced_ringer_and_two_sleepers() {
    ringers_and_sleepers(2, false, 1, 2);
}

#[test]
fn two_ringers_and_two_sleepers() {
    ringers_and_sleepers(2, true, 2, 2);
}

/// Closing: one store that concerns everybody, by so many who close.
fn ringers_for_everybody(preemptions: usize, membarrier: bool, ringers: usize, sleepers: usize) {
    fn close(shelf: &Shelf) {
        step();
        shelf.things.store(1, Ordering::Release);
        step();
        shelf.kernel.bell(&shelf.word).ring_all();
    }
    check(preemptions, move || {
        let shelf = Shelf::new(membarrier);
        let is_closed = |shelf: &Shelf| {
            step();
            (shelf.things.load(Ordering::Acquire) > 0).then_some(())
        };
        let mut others: Vec<_> = (0..sleepers).map(|_| sleeper(&shelf, is_closed)).collect();
        for _ in 1..ringers {
            let shelf = Arc::clone(&shelf);
            others.push(thread::spawn(move || close(&shelf)));
        }
        close(&shelf);
        others.into_iter().for_each(|other| other.join().unwrap());
    });
}

#[test]
fn ringing_for_everybody() {
    ringers_for_everybody(3, true, 1, 2);
    ringers_for_everybody(3, true, 2, 1);
}

#[test]
fn ringing_for_everybody_with_a_fence() {
    ringers_for_everybody(3, false, 1, 2);
}

/// One thing only, which each takes and puts back. Whoever is woken, or gets ahead of it, must wake the next.
fn takers_of_one_thing(preemptions: usize, membarrier: bool, takers: usize) {
    check(preemptions, move || {
        let shelf = Shelf::new(membarrier);
        shelf.things.store(1, Ordering::Relaxed);
        let take_and_put_back = |shelf: &Shelf| {
            let bell = shelf.kernel.bell(&shelf.word);
            shelf
                .try_take()
                .unwrap_or_else(|| shelf.kernel.block_until(&shelf.word, || shelf.try_take()));
            step();
            shelf.things.store(1, Ordering::Release);
            bell.ring_next();
        };
        let others: Vec<_> = (1..takers)
            .map(|_| {
                let shelf = Arc::clone(&shelf);
                thread::spawn(move || take_and_put_back(&shelf))
            })
            .collect();
        take_and_put_back(&shelf);
        others.into_iter().for_each(|other| other.join().unwrap());
    });
}

#[test]
fn two_takers_of_one_thing() {
    takers_of_one_thing(4, true, 2);
    takers_of_one_thing(4, false, 2);
}

#[test]
fn three_takers_of_one_thing() {
    takers_of_one_thing(2, true, 3);
}

/// One waits since before the notification, another comes at any time. One of those who wait hears of it, and tells all others.
fn a_notification(preemptions: usize, membarrier: bool) {
    fn wait(shelf: &Shelf, first: u32) {
        let bell = shelf.kernel.bell(&shelf.word);
        shelf.kernel.block_until_rung(&bell, &[], |rung| {
            step();
            (rung || shelf.things.load(Ordering::Acquire) != first).then_some(())
        });
        step();
        shelf.things.fetch_add(1, Ordering::Release);
        bell.ring_all();
    }
    check(preemptions, move || {
        let shelf = Shelf::new(membarrier);
        let [early, newcomer] = [&shelf, &shelf].map(Arc::clone);
        let early = thread::spawn(move || wait(&early, 0));
        let newcomer = thread::spawn(move || {
            step();
            match newcomer.things.load(Ordering::Acquire) {
                first @ 0..2 => wait(&newcomer, first),
                _ => {} // Told already: nobody would come again.
            }
        });
        step();
        shelf.things.fetch_add(1, Ordering::Release);
        shelf.kernel.bell(&shelf.word).ring_for_the_present(1);
        early.join().unwrap();
        newcomer.join().unwrap();
    });
}

#[test]
fn a_notification_and_a_newcomer() {
    a_notification(2, true);
    a_notification(1, false);
}

/// Waits for something on any of the shelves, and takes nothing; as those do who wait for several sources.
fn await_any(kernel: &Kernel, shelves: &[Arc<Shelf>]) {
    let mut slept = false;
    loop {
        step();
        let mut bells: Vec<_> = shelves
            .iter()
            .map(|shelf| (kernel.bell(&shelf.word), 0))
            .collect();
        let brief = arm_all(&mut bells);
        let has_something = |shelf: &&Arc<Shelf>| {
            step();
            shelf.things.load(Ordering::Acquire) > 0
        };
        if shelves.iter().any(|shelf| has_something(&shelf)) {
            if slept {
                let full = shelves.iter().filter(has_something);
                pass_on(full.map(|shelf| kernel.bell(&shelf.word)));
            }
            return;
        }
        if slept || !brief {
            let words: Vec<_> = bells
                .iter()
                .map(|(bell, value)| (bell.word, *value))
                .collect();
            kernel.wait(&words, &[]);
        }
        slept = true;
    }
}

/// Two shelves, on which so many things are put, and so many who take one of the first, and of the second. One waits for either.
fn either(preemptions: usize, membarrier: bool, things: [usize; 2], takers: [usize; 2]) {
    check(preemptions, move || {
        let kernel = Arc::new(Kernel::new(membarrier));
        let shelves = [Shelf::new(membarrier), Shelf::new(membarrier)];
        let mut others = Vec::new();
        for (shelf, takers) in shelves.iter().zip(takers) {
            for _ in 0..takers {
                let (kernel, shelf) = (Arc::clone(&kernel), Arc::clone(shelf));
                others.push(thread::spawn(move || {
                    kernel.block_until(&shelf.word, || shelf.try_take());
                }));
            }
        }
        others.push(thread::spawn({
            let (kernel, shelves) = (Arc::clone(&kernel), shelves.clone());
            move || await_any(&kernel, &shelves)
        }));
        for (shelf, things) in shelves.iter().zip(things) {
            for _ in 0..things {
                step();
                shelf.things.fetch_add(1, Ordering::Release);
                kernel.bell(&shelf.word).ring(1);
            }
        }
        others.into_iter().for_each(|other| other.join().unwrap());
    });
}

/// What is on the second shelf stays there for it; what is on the first is for the one who takes it.
#[test]
fn one_who_waits_for_either_and_takes_nothing() {
    either(3, true, [1, 1], [1, 0]);
    either(2, false, [1, 1], [1, 0]);
}

#[test]
fn one_who_waits_for_either_among_others() {
    either(2, true, [2, 1], [1, 1]);
}
