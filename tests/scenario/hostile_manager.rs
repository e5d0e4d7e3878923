//! A manager, a dict, a list and a namespace whose words are overwritten while they are used: every operation returns, whatever it finds.
//!
//! Nothing here is given a time, and a word that says that somebody alive has a lock is to be believed. So locks are overwritten
//! with what names nobody, and where nobody else uses them.

use std::thread;

use crossproc::{Dict, List, Manager, Namespace, Queue, Result};

use super::input::Input;
use super::segment_file::{self, BODY, PAGE, SegmentFile, any_word};

const STEPS: u32 = 200;
const MEMORY: u64 = 64 * PAGE;

/// Where the parts of a manager for six participants, and with so much memory, are in its body.
const DIRECTORY: u64 = 128;
const PINS: u64 = 6272;
const ENTRIES: u64 = PINS + 6 * 16 * 16;
const PAGES: u64 = 3 * PAGE;
/// Of the directory, and of everything that begins in a page: shards, and in each of them its lock.
const SHARD: u64 = 256;
const LOCK: std::ops::Range<u64> = 128..144;

struct Objects {
    manager: Manager,
    dict: Dict<u64, Vec<u8>>,
    list: List<u64>,
    namespace: Namespace,
}

impl Objects {
    fn of(manager: Manager) -> Result<Objects> {
        Ok(Objects {
            dict: manager.dict("dict")?,
            list: manager.list("list")?,
            namespace: manager.namespace("namespace")?,
            manager,
        })
    }
}

/// Does what `bytes` say with a manager of this name.
pub(crate) fn run(name: &str, bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let options = Manager::options().memory(MEMORY).participants(6);
    let manager = options.create(name).expect("a new manager");
    let file = &SegmentFile::of(name);
    let mut objects = Objects::of(manager).expect("new objects");
    for _ in 0..STEPS {
        if input.is_empty() {
            break;
        }
        match input.below(16) {
            0..5 => scribble(file, &mut input),
            5 => scribble_on_a_lock(file, &mut input),
            6 => {
                if let Ok(again) = options.open(name).and_then(Objects::of) {
                    objects = again;
                }
            }
            7 => {
                let (objects, choices) = (&objects, choices(&mut input));
                thread::scope(|scope| {
                    scope.spawn(|| operate(objects, choices, || scribble(file, &mut input)));
                });
            }
            8 => {
                let all: [Choices; 8] = std::array::from_fn(|_| choices(&mut input));
                let (first, second) = all.split_at(4 * usize::from(input.below(2)));
                let operate_all = |all: &[Choices]| {
                    all.iter()
                        .for_each(|choices| operate(&objects, *choices, || {}));
                };
                file.scribble_there_while(place, &mut input, || {
                    thread::scope(|scope| {
                        scope.spawn(|| operate_all(first));
                        operate_all(second);
                    });
                });
            }
            _ => {
                let choices = choices(&mut input);
                operate(&objects, choices, || scribble(file, &mut input));
            }
        }
    }
}

fn scribble(file: &SegmentFile, input: &mut Input<'_>) {
    file.scribble_at(place(input), input);
}

/// A word that is no lock's.
fn place(input: &mut Input<'_>) -> u64 {
    let place = any_place(input);
    match (place..place + 8).any(is_in_a_lock) {
        true => place + (LOCK.end - LOCK.start) + 8,
        false => place,
    }
}

fn any_place(input: &mut Input<'_>) -> u64 {
    const WORDS: [u64; 5] = [0, 8, 16, 32, 40];
    match input.below(8) {
        0 => BODY + WORDS[usize::from(input.below(5))],
        1 => BODY + DIRECTORY + word_of_a_shard(input),
        2 => BODY + PINS + 8 * u64::from(input.below(2 * 6)),
        3 => BODY + ENTRIES + 8 * u64::from(input.below(3 * 20)),
        4 | 5 => a_page(input) + word_of_a_shard(input),
        6 => a_page(input) + 8 * u64::from(input.byte()),
        _ => segment_file::place(input),
    }
}

/// Of the first pages, which are those that are used.
fn a_page(input: &mut Input<'_>) -> u64 {
    BODY + PAGES + PAGE * u64::from(input.below(20))
}

/// Most of what a shard consists of: the root, epochs, the number of the last commit, counts, lists.
fn word_of_a_shard(input: &mut Input<'_>) -> u64 {
    const WORDS: [u64; 10] = [0, 0, 8, 16, 24, 144, 152, 160, 168, 176];
    SHARD * u64::from(input.below(16)) + WORDS[usize::from(input.below(10))]
}

fn is_in_a_lock(byte: u64) -> bool {
    let in_a_shard = |first: u64, byte: u64| LOCK.contains(&((byte - first) % SHARD));
    match byte.checked_sub(BODY) {
        Some(byte @ DIRECTORY..ENTRIES) => in_a_shard(DIRECTORY, byte),
        Some(byte @ PAGES..) => in_a_shard(PAGES, byte),
        _ => false,
    }
}

/// The word that says who has it, or its bell.
fn scribble_on_a_lock(file: &SegmentFile, input: &mut Input<'_>) {
    let shard = match input.below(2) {
        0 => BODY + DIRECTORY,
        _ => a_page(input),
    } + SHARD * u64::from(input.below(16));
    let word = any_word(input);
    match input.below(4) {
        0 => file.write(shard + LOCK.start + 8, &word.to_le_bytes()),
        // The lowest two bits are 1 if anybody has it.
        kind => {
            let word = word & !3 | [0, 2, 3][usize::from(kind - 1)];
            file.write(shard + LOCK.start, &word.to_le_bytes());
        }
    }
}

/// What to do, a number, and a length.
type Choices = [u8; 3];

fn choices(input: &mut Input<'_>) -> Choices {
    std::array::from_fn(|_| input.byte())
}

/// Performs one operation, in the midst of which somebody may `meddle`. That it returns is all that is asked of it.
fn operate(objects: &Objects, [what, number, len]: Choices, mut meddle: impl FnMut()) {
    let Objects {
        manager,
        dict,
        list,
        namespace,
    } = objects;
    let key = u64::from(number) % 40;
    // Up to more than a page.
    let value = vec![number; usize::from(len) * 20];
    match what % 32 {
        0..5 => drop(dict.insert(&key, &value)),
        5 | 6 => drop(dict.get(&key)),
        7 => drop(dict.remove(&key)),
        8 => drop(dict.update(&key, |found| {
            meddle();
            found.map(|_| value)
        })),
        9 => drop(dict.compare_exchange(&key, None, Some(&value))),
        10 => {
            if let Ok(entry) = dict.entry(&key) {
                meddle();
                drop(format!("{entry:?} {:?}", entry.get()));
                drop(dict.get(&(key + 1)));
                meddle();
                drop(entry.insert(&value));
            }
        }
        11 => drop(dict.retain(|key, _| {
            meddle();
            key % 2 == 0
        })),
        12 if len < 30 => drop(dict.clear()),
        13 => {
            for pair in dict {
                meddle();
                drop(pair);
            }
        }
        14 => drop(format!("{dict:?} {} {}", dict.len(), dict.repairs())),
        15 | 16 => drop(list.push(&key)),
        17 => drop(list.pop()),
        18 => drop(list.get(key as usize)),
        19 => drop(list.update(key as usize, |value| {
            meddle();
            value + 1
        })),
        20 => drop((list.insert(key as usize, &key), list.remove(len.into()))),
        21 => drop((list.to_vec(), list.first(), list.last(), list.len())),
        22 if len < 30 => drop(list.clear()),
        23 => drop(namespace.set(NAMES[usize::from(number % 4)], &value)),
        24 => drop(namespace.get::<Vec<u8>>(NAMES[usize::from(number % 4)])),
        25 | 26 => {
            let name = NAMES[usize::from(number % 4)];
            let other = manager.dict::<u64, u64>(name);
            meddle();
            if let Ok(other) = other {
                let _ = other.insert(&key, &key);
                meddle();
            }
        }
        27 => {
            let options = Queue::<u64>::options().capacity(1 + usize::from(len));
            let name = NAMES[usize::from(number % 4)];
            drop(manager.open_or_create_object(name, &options));
        }
        28 => drop(manager.remove_object(NAMES[usize::from(number % 4)])),
        29 => drop(manager.objects()),
        30 => drop(format!("{manager:?} {:?}", manager.memory())),
        _ => drop(dict.contains_key(&key)),
    }
}

const NAMES: [&str; 4] = ["a", "b", "c", "d"];
