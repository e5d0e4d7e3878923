//! Where all these histories take place.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32 as Count, Ordering::Relaxed};

use loom::thread::{self, JoinHandle};

use crate::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::owner::Owner;
use crate::wait::model::{DEAD, Kernel, Life, check};
use crate::wait::{Bell, Parking};

/// What the actors share.
pub(crate) struct Scene<M> {
    pub(crate) memory: M,
    /// How many there are, with the one who looks at what is left.
    actors: u32,
    kernel: Kernel,
    /// Of the actor that is to die.
    life: AtomicU32,
}

impl<M> Scene<M> {
    fn new(memory: M, actors: u32) -> Arc<Scene<M>> {
        Arc::new(Scene {
            memory,
            actors,
            kernel: Kernel::new(true),
            life: AtomicU32::new(0),
        })
    }
}

/// The actor that may die, and its life.
pub(crate) const DOOMED: u32 = 0;

/// One thread, under its record's name.
pub(crate) struct Actor<M> {
    scene: Arc<Scene<M>>,
    pub(crate) index: u32,
    life: Life,
}

pub(crate) fn owner(index: u32) -> Owner {
    Owner::new(index, 1)
}

impl<M: 'static> Actor<M> {
    pub(crate) fn new(scene: &Arc<Scene<M>>, index: u32) -> Actor<M> {
        Actor {
            scene: Arc::clone(scene),
            index,
            life: Life::of(Life::LONG),
        }
    }

    fn doomed(scene: &Arc<Scene<M>>, accesses: u32) -> Actor<M> {
        Actor {
            life: Life::of(accesses),
            ..Actor::new(scene, DOOMED)
        }
    }

    pub(crate) fn actors(&self) -> u32 {
        self.scene.actors
    }

    pub(crate) fn me(&self) -> Owner {
        owner(self.index)
    }

    /// To be called for every access.
    pub(crate) fn access(&self) -> &M {
        self.life.step();
        &self.scene.memory
    }

    /// The memory, to look at what is not part of the model.
    pub(crate) fn aside(&self) -> &M {
        &self.scene.memory
    }

    pub(crate) fn is_live(&self, other: Owner) -> bool {
        if other != owner(DOOMED) || other == self.me() {
            return true;
        }
        self.life.step();
        self.scene.life.load(Ordering::Acquire) != DEAD
    }

    pub(crate) fn bell<'a>(&'a self, word: &'a AtomicU32) -> Bell<'a, &'a Actor<M>> {
        Bell {
            word,
            parking: self,
        }
    }

    /// What `attempt` gives, sooner or later.
    pub(crate) fn block_until<R>(
        &self,
        word: impl Fn(&M) -> &AtomicU32,
        attempt: impl Fn() -> Option<R>,
    ) -> R {
        let lives = [&self.scene.life];
        let others: &[&AtomicU32] = if self.index == DOOMED { &[] } else { &lives };
        let bell = self.bell(word(&self.scene.memory));
        attempt().unwrap_or_else(|| self.scene.kernel.block_among(&bell, others, attempt))
    }
}

/// Dies at its accesses to the bell, too.
impl<M: 'static> Parking for &Actor<M> {
    fn light(&self) {
        self.life.step();
        (&self.scene.kernel).light();
    }

    fn heavy(&self) -> bool {
        self.life.step();
        (&self.scene.kernel).heavy()
    }

    fn wake(&self, word: &AtomicU32, count: u32) -> usize {
        self.life.step();
        (&self.scene.kernel).wake(word, count)
    }
}

/// For actors none of whom dies.
pub(crate) const NOBODY_DIES: [u32; 1] = [Life::LONG];

/// So many actors do the same; the first dies at its k-th access, for all `accesses`. Then `after` looks at what is left.
pub(crate) fn play<M: Send + Sync + 'static>(
    preemptions: usize,
    actors: u32,
    accesses: impl IntoIterator<Item = u32>,
    memory: impl Fn() -> M + Send + Sync + Copy + 'static,
    act: impl Fn(&Actor<M>) + Send + Sync + Copy + 'static,
    after: impl Fn(&Actor<M>) + Send + Sync + Copy + 'static,
) {
    for accesses in accesses {
        check(preemptions, move || {
            let scene = Scene::new(memory(), actors + 1);
            let others: Vec<JoinHandle<()>> = (1..actors)
                .map(|index| {
                    let actor = Actor::new(&scene, index);
                    thread::spawn(move || act(&actor))
                })
                .collect();
            let doomed = Actor::doomed(&scene, accesses);
            if accesses == Life::LONG {
                act(&doomed); // Its end wakes nobody.
            } else {
                scene.kernel.live(&scene.life, || act(&doomed));
            }
            others.into_iter().for_each(|other| other.join().unwrap());
            after(&Actor::new(&scene, actors));
        });
    }
}

/// A value of two words, which a torn or stale copy shows.
pub(crate) struct Value([AtomicU64; 2]);

impl Value {
    pub(crate) fn new(value: u64) -> Value {
        Value([0, 1].map(|_| AtomicU64::new(value)))
    }
}

impl<M: 'static> Actor<M> {
    pub(crate) fn write(&self, to: impl Fn(&M) -> &Value, value: u32) {
        for half in [0, 1] {
            to(self.access()).0[half].store(value.into(), Ordering::Relaxed);
        }
    }

    /// Reads a value, whatever it is.
    pub(crate) fn copy(&self, from: impl Fn(&M) -> &Value) -> u32 {
        let [one, other] = [0, 1].map(|half| from(self.access()).0[half].load(Ordering::Relaxed));
        assert!(one == other && one != 0, "torn or stale");
        one as u32
    }

    /// Reads a value that is to be `expected`.
    pub(crate) fn expect(&self, from: impl Fn(&M) -> &Value, expected: u32) {
        let halves = [0, 1].map(|half| from(self.access()).0[half].load(Ordering::Relaxed));
        assert_eq!(halves, [u64::from(expected); 2], "torn or stale");
    }
}

/// Something counted, and what is known of it, beside the model: no access to it is a step of a history.
#[derive(Default)]
pub(crate) struct Tally(Count);

impl Tally {
    pub(crate) fn get(&self) -> u32 {
        self.0.load(Relaxed)
    }

    pub(crate) fn set(&self, to: u32) {
        self.0.store(to, Relaxed);
    }

    pub(crate) fn swap(&self, to: u32) -> u32 {
        self.0.swap(to, Relaxed)
    }

    pub(crate) fn add(&self) -> u32 {
        self.0.fetch_add(1, Relaxed) + 1
    }

    pub(crate) fn subtract(&self) -> u32 {
        self.0.fetch_sub(1, Relaxed) - 1
    }
}

/// One more of something, until it is dropped or its actor dies.
pub(crate) struct Counted<'a>(&'a Tally);

impl<'a> Counted<'a> {
    pub(crate) fn new(tally: &'a Tally) -> Counted<'a> {
        tally.add();
        Counted(tally)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.subtract();
    }
}
