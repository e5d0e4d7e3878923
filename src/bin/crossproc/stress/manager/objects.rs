//! Objects that come and go under a few names: each creation and removal is acknowledged by who made it.

use super::sealed::{open, seal};
use crate::stress::burst::How;
use crate::stress::desk::add;
use crate::stress::outcome::Outcome;
use crate::stress::round::Conditions;
use crate::stress::sabotage::Sabotage;
use crate::stress::sync::drill::{self, Drill, Fallen, come_by};
use crate::stress::sync::floor::Floor;
use crate::stress::sync::site::Site;
use crossproc::{Dict, Error, Event, Manager, Mutex, Queue};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

/// Names that objects have. Those of the same remainder are of the same kind.
const NAMES: u64 = 12;
const KINDS: u64 = 4;
const CAPACITY: usize = 16;
const MEMORY: u64 = 16 << 20;
/// What is left of the memory in use when all objects are gone: the directory's own.
const REMAINS: u64 = 1 << 20;

const CREATING: u64 = 1;
const REMOVING: u64 = 2;

/// Words of the board for each name.
#[derive(Clone, Copy)]
struct Tally<'a> {
    created: &'a AtomicU64,
    removed: &'a AtomicU64,
    /// Whether it was there in the end.
    found: &'a AtomicU64,
}

fn tally(board: &[AtomicU64], name: u64) -> Tally<'_> {
    let at = name as usize * 3;
    Tally {
        created: &board[at],
        removed: &board[at + 1],
        found: &board[at + 2],
    }
}

fn intent(name: u64, what: u64) -> u64 {
    name << 8 | what
}

pub(crate) struct Keeping;

/// An object of one of the kinds.
enum Object {
    Queue(Queue<u64>),
    Dict(Dict<u64, Vec<u64>>),
    Mutex(Mutex<u64>),
    Event(Event),
}

/// What is kept under a name that has nothing to do with any other.
fn mark(name: u64) -> u64 {
    name + 1000
}

impl Object {
    fn create(manager: &Manager, name: u64) -> crossproc::Result<Object> {
        let text = text(name);
        Ok(match name % KINDS {
            0 => Object::Queue(manager.create_object(&text, &Queue::options().capacity(CAPACITY))?),
            1 => Object::Dict(manager.create_object(&text, &Dict::options())?),
            2 => Object::Mutex(manager.create_object(&text, &Mutex::options().value(mark(name)))?),
            _ => Object::Event(manager.create_object(&text, &Event::options())?),
        })
    }

    fn open(manager: &Manager, name: u64) -> crossproc::Result<Object> {
        let text = text(name);
        Ok(match name % KINDS {
            0 => Object::Queue(manager.open_object(&text, &Queue::options())?),
            1 => Object::Dict(manager.open_object(&text, &Dict::options())?),
            2 => Object::Mutex(manager.open_object(&text, &Mutex::options())?),
            _ => Object::Event(manager.open_object(&text, &Event::options())?),
        })
    }

    /// Puts something in, and looks whether anything is there that was never put in.
    fn is_sound_after_use(&self, site: &mut Site<'_, Keeping>, name: u64) -> bool {
        let mine = mark(name);
        match self {
            Object::Queue(queue) => {
                let _ = queue.try_send(mine);
                let received = queue.try_recv();
                received.is_ok_and(|it| it == mine) || received.is_err()
            }
            Object::Dict(dict) => {
                let key = site.random.below(64);
                let value = seal(key ^ mine << 32, site.random.next());
                dict.insert(&key, &value).expect("there is memory");
                let found = dict.get(&(key ^ 1)).expect("it is sound");
                found.is_none_or(|value| open((key ^ 1) ^ mine << 32, &value).is_some())
            }
            Object::Mutex(mutex) => {
                let value = match mutex.lock() {
                    Ok(guard) => *guard,
                    Err(crossproc::LockError::OwnerDied(mut guard)) => {
                        guard.mark_consistent();
                        *guard
                    }
                    Err(error) => panic!("{error:?}"),
                };
                value == mine
            }
            Object::Event(event) => {
                event.set().expect("it is sound");
                event.is_set()
            }
        }
    }
}

fn text(name: u64) -> String {
    format!("object {name}")
}

impl Drill for Keeping {
    type Handle = Manager;

    fn create(name: Option<&str>, conditions: &Conditions<'_>) -> crossproc::Result<Manager> {
        let options = Manager::options()
            .memory(MEMORY)
            .participants(drill::participants(conditions));
        come_by!(name, options, Manager)
    }

    fn repairs(manager: &Manager) -> u64 {
        manager.repairs()
    }

    fn board(_: usize) -> usize {
        NAMES as usize * 3
    }

    fn begin(_: &mut Site<'_, Self>) -> Self {
        Keeping
    }

    fn turn(&mut self, site: &mut Site<'_, Self>, _: How) -> bool {
        let name = site.random.below(NAMES);
        let tally = tally(site.board(), name);
        match site.random.below(8) {
            0 | 1 => {
                site.enter(intent(name, CREATING));
                match Object::create(site.handle, name) {
                    Ok(object) => {
                        let counted = 1 + u64::from(site.fault(Sabotage::Lose));
                        tally.created.fetch_add(counted, SeqCst);
                        site.leave();
                        let sound = object.is_sound_after_use(site, name);
                        add(site.desk.torn, u64::from(!sound));
                    }
                    Err(Error::AlreadyExists { .. }) => site.leave(),
                    Err(error) => panic!("{error}"),
                }
            }
            2 => {
                site.enter(intent(name, REMOVING));
                match site.handle.remove_object(&text(name)) {
                    Ok(()) => {
                        let counted = 1 + u64::from(site.fault(Sabotage::Duplicate));
                        tally.removed.fetch_add(counted, SeqCst);
                    }
                    Err(Error::NoObject { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
                site.leave();
            }
            _ => match Object::open(site.handle, name) {
                Ok(object) => {
                    let sound = object.is_sound_after_use(site, name);
                    let damaged = site.fault(Sabotage::Tear);
                    add(site.desk.torn, u64::from(!sound || damaged));
                }
                Err(Error::NoObject { .. }) => {}
                Err(error) => panic!("{error}"),
            },
        }
        true
    }

    fn inspect(site: &mut Site<'_, Self>) {
        let objects = site.handle.objects().expect("it is sound");
        for name in 0..NAMES {
            let is_there = objects.iter().any(|object| object.name == text(name));
            tally(site.board(), name)
                .found
                .store(is_there.into(), SeqCst);
            if is_there {
                let object = Object::open(site.handle, name).expect("it is sound");
                assert!(object.is_sound_after_use(site, name));
            }
            // Also where there is none: then the shard of this name is put in order.
            let created = Object::create(site.handle, name);
            assert_eq!(created.is_ok(), !is_there);
            drop(created);
            site.handle.remove_object(&text(name)).expect("it is there");
        }
        let memory = site.handle.memory().expect("it is sound");
        assert!(memory.used <= REMAINS, "memory is missing: {memory:?}");
    }

    fn audit(floor: &Floor, fallen: &[Fallen], outcome: &mut Outcome) {
        for name in 0..NAMES {
            let tally = tally(floor.board(), name);
            let [created, removed, found] =
                [tally.created, tally.removed, tally.found].map(|word| word.load(SeqCst));
            let died = |what| {
                let died = fallen.iter().filter(|it| it.intent == intent(name, what));
                died.count() as u64
            };
            // Whatever is there was created, and what is not was removed.
            let least = created.saturating_sub(removed + died(REMOVING));
            let most = (created + died(CREATING)).saturating_sub(removed);
            outcome.lost += least.saturating_sub(found);
            outcome.duplicated += found.saturating_sub(most);
            outcome.duplicated += removed.saturating_sub(created + died(CREATING));
        }
    }
}
