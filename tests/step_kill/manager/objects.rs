//! Creating, opening, closing and removing objects.

use std::hint;

use crossproc::{Dict, Error, Manager, Queue};

use super::PARTICIPANTS;
use crate::scenario::{Density, Row, Scenario, Verdict};
use crate::trace::{self, Tracee};

const NAME: &str = "object";

/// Something that is done with the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    CreateDict,
    CreateQueue,
    Remove,
    Open,
    /// Drops what was opened.
    Close,
}

use Deed::{Close, CreateDict, CreateQueue, Open, Remove};

type Words = Dict<String, u64>;

#[rustfmt::skip] // one row, one line
pub(crate) fn rows() -> Vec<Row> {
    let row = |operation, state, scene: Scene| Row::new(operation, state, move || Plot::new(scene)).density(CHANGES).unsteady();
    let none = Scene { exists: false, is_open: false, opens: false, removed: false, dead: None, act: Open };
    let there = Scene { exists: true, ..none };
    vec![
        row("manager create", "a dict", Scene { act: CreateDict, ..none }),
        row("manager create", "a queue", Scene { act: CreateQueue, ..none }),
        row("manager create", "a dict, creator dead", Scene { dead: Some(CreateDict), act: CreateDict, ..none }),
        row("manager create", "a dict, creator of a queue dead", Scene { dead: Some(CreateQueue), act: CreateDict, ..none }),
        row("manager create", "a queue, remover dead", Scene { dead: Some(Remove), act: CreateQueue, ..there }),
        row("manager remove", "nobody has it open", Scene { act: Remove, ..there }),
        row("manager remove", "another has it open", Scene { is_open: true, act: Remove, ..there }),
        row("manager remove", "has it open itself", Scene { opens: true, act: Remove, ..there }),
        row("manager remove", "remover dead", Scene { dead: Some(Remove), act: Remove, ..there }),
        row("manager open", "there is one", Scene { act: Open, ..there }),
        row("manager close", "it is there", Scene { opens: true, act: Close, ..there }),
        row("manager close", "removed meanwhile", Scene { opens: true, removed: true, act: Close, ..there }),
        row("manager close", "removed meanwhile, another has it open", Scene { is_open: true, opens: true, removed: true, act: Close, ..there }),
    ]
}

/// The pages and the pins are looked through, which takes some thousand instructions.
const CHANGES: Density = Density {
    skip: 500,
    stride: 191,
    every: 7_000,
    reach: 40_000,
};

#[derive(Clone, Copy, Debug)]
struct Scene {
    exists: bool,
    /// The survivor has it open.
    is_open: bool,
    /// The victim has.
    opens: bool,
    /// The survivor removes it then.
    removed: bool,
    /// Done by one who is killed meanwhile, before the victim acts.
    dead: Option<Deed>,
    act: Deed,
}

struct Plot {
    scene: Scene,
    manager: Manager,
    /// What the survivor has open.
    open: Option<Words>,
    /// What the victim has.
    has: Option<Words>,
    /// Bytes in use without the object, at most.
    used: Option<u64>,
    repairs: u64,
    tries: u32,
}

impl Plot {
    fn new(scene: Scene) -> Self {
        let options = Manager::options().memory(64 * 4096);
        let manager = options.participants(PARTICIPANTS).anonymous();
        Plot {
            scene,
            manager: manager.expect("a manager"),
            open: None,
            has: None,
            used: None,
            repairs: 0,
            tries: 0,
        }
    }

    fn used(&self) -> u64 {
        self.manager.memory().expect("sound").used
    }

    fn create(&self) -> Words {
        let words: Words = self.manager.dict(NAME).expect("created");
        words.insert("one", &1).expect("inserted");
        words
    }

    fn perform(&mut self, deed: Deed) {
        let refused = |error: Error| match (&error, deed) {
            (Error::AlreadyExists { .. }, CreateDict | CreateQueue) => {}
            (Error::NoObject { .. }, Remove) => {}
            _ => panic!("{deed:?}: {error}"),
        };
        match deed {
            CreateDict => {
                let made = self.manager.create_object::<Words>(NAME, &Words::options());
                self.has = made.map_err(refused).ok();
            }
            CreateQueue => {
                let options = Queue::<u64>::options().capacity(700);
                let made = self.manager.create_object(NAME, &options).map_err(refused);
                std::mem::forget(made);
            }
            Remove => self.manager.remove_object(NAME).unwrap_or_else(refused),
            Open => self.has = Some(self.manager.dict(NAME).expect("it is there")),
            Close => self.has = None,
        }
    }

    fn dig(&mut self, dead: Deed) {
        let steps = self.tries * 617 % 9_001;
        let mut digger = Tracee::fork(|| {
            self.manager.objects().expect("sound");
            trace::stop_here();
            self.perform(dead);
            loop {
                hint::spin_loop();
            }
        });
        for _ in 0..steps {
            digger.step();
        }
    }

    /// What there is now, and works.
    fn kind(&self) -> Option<String> {
        let objects = self.manager.objects().expect("sound");
        assert!(objects.len() <= 1, "{objects:?}");
        let kind = objects.into_iter().next()?.kind;
        match &*kind {
            "dict" => {
                let words: Words = self.manager.dict(NAME).expect("it is there");
                words.insert("two", &2).expect("inserted");
                assert_eq!(words.get("two"), Ok(Some(2)));
                assert_eq!(words.remove("two"), Ok(Some(2)));
            }
            "queue" => {
                let queue = self
                    .manager
                    .open_object::<Queue<u64>>(NAME, &Queue::options());
                let queue = queue.expect("it is there");
                queue.send(3).expect("sent");
                assert_eq!(queue.recv(), Ok(3));
                assert!(queue.is_empty());
            }
            other => panic!("a {other}"),
        }
        Some(kind)
    }

    /// Removes it if it is there, and puts everything in order.
    fn clean_up(&self) {
        match self.manager.remove_object(NAME) {
            Ok(()) | Err(Error::NoObject { .. }) => {}
            Err(error) => panic!("{error}"),
        }
        // Whoever removes something also gives back what nobody has open any more, in that shard.
        drop(self.create());
        self.manager.remove_object(NAME).expect("it was there");
    }
}

impl Scenario for Plot {
    fn renew(&mut self) {
        if self.used.is_none() {
            self.clean_up();
            self.used = Some(self.used());
        }
        self.tries += 1;
        if self.scene.exists {
            self.open = Some(self.create()).filter(|_| self.scene.is_open);
        }
    }

    fn warm_up(&mut self) {
        self.manager.objects().expect("sound");
        if self.scene.opens {
            self.perform(Open);
        }
    }

    fn arrange(&mut self) {
        if self.scene.removed {
            self.perform(Remove);
            assert!(Some(self.used()) > self.used, "the victim has it open");
        }
        if let Some(dead) = self.scene.dead {
            self.dig(dead);
        }
        self.repairs = self.manager.repairs();
    }

    fn act(&mut self) -> u64 {
        self.perform(self.scene.act);
        1
    }

    fn verdict(&mut self, returned: Option<u64>) -> Verdict {
        if let Some(open) = &self.open {
            // Whoever has it open has it, whatever becomes of its name.
            open.insert("three", &3).expect("inserted");
            assert_eq!(open.get("one"), Ok(Some(1)));
            assert_eq!(open.remove("three"), Ok(Some(3)));
        }
        let found = self.kind();
        let was_there = self.scene.exists && !self.scene.removed;
        let is_done = match self.scene.act {
            CreateDict | CreateQueue => found.is_some(),
            Remove => found.is_none(),
            Open | Close => {
                assert_eq!(found.is_some(), was_there);
                returned.is_some()
            }
        };
        assert!(is_done || returned.is_none(), "lost: {found:?}");
        self.open = None;
        self.clean_up();
        let used = Some(self.used());
        assert!(
            used <= self.used,
            "memory is lost: {used:?} in use, {:?} before",
            self.used
        );
        Verdict {
            committed: is_done.into(),
            repaired: self.manager.repairs() > self.repairs,
            lost_wake: false,
        }
    }
}
