//! What a dict does, step by step, beside what a `HashMap` does; also when there is no memory left for it.

use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::Hash;

use crossproc::{Dict, Manager, Object, UpdateError};

use super::input::Input;

const STEPS: u32 = 200;
const PAGE: u64 = 4096;

/// Does what `bytes` say with a manager of this name.
pub(crate) fn run(name: &str, bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let input = &mut input;
    match input.below(4) {
        0 => session(name, input, number, number),
        1 => session(name, input, text, |input| bytes_of(input, 40)),
        // Longer than what is copied without an allocation, than the largest block, than a page.
        2 => session(name, input, number, |input| bytes_of(input, 10_000)),
        _ => session(name, input, |input| bytes_of(input, 300), text),
    }
}

/// Mostly one of a few, so that keys come again.
fn number(input: &mut Input<'_>) -> u64 {
    match input.below(4) {
        0..3 => input.below(24).into(),
        _ => u64::from(input.byte()) << (input.byte() % 57),
    }
}

fn text(input: &mut Input<'_>) -> String {
    format!("{:x}", number(input))
}

fn bytes_of(input: &mut Input<'_>, longest: usize) -> Vec<u8> {
    let len = usize::from(input.byte()) * longest / 255;
    vec![input.byte(); len]
}

struct Session<K: Object, V: Object> {
    manager: Manager,
    handles: [Dict<K, V>; 3],
    model: HashMap<K, V>,
    /// There may be no memory left.
    is_small: bool,
    /// How often a dict was full.
    full: u32,
}

type Choose<'i, T> = fn(&mut Input<'i>) -> T;

fn session<'i, K, V>(name: &str, input: &mut Input<'i>, key: Choose<'i, K>, value: Choose<'i, V>)
where
    K: Object + Clone + Eq + Hash + Debug,
    V: Object + Clone + PartialEq + Debug,
{
    let pages = [40, 60, 100, 16_000][usize::from(input.below(4))];
    let options = Manager::options().memory(pages * PAGE).participants(6);
    let manager = options.create(name).expect("a new manager");
    let second = options.open(name).expect("the same manager");
    manager.unlink().expect("its name");
    let first = manager.dict("dict").expect("a new dict");
    let mut session = Session {
        handles: [first.clone(), second.dict("dict").expect("the same"), first],
        manager,
        model: HashMap::new(),
        is_small: pages < 1000,
        full: 0,
    };
    for step in 0..STEPS {
        if input.is_empty() {
            break;
        }
        session.step(input, key, value);
        let dict = &session.handles[1];
        assert_eq!(dict.len(), session.model.len(), "step {step}");
        assert_eq!(dict.is_empty(), session.model.is_empty(), "step {step}");
    }
    session.end(key(input), value(input));
}

impl<K, V> Session<K, V>
where
    K: Object + Clone + Eq + Hash + Debug,
    V: Object + Clone + PartialEq + Debug,
{
    fn step<'i>(&mut self, input: &mut Input<'i>, key: Choose<'i, K>, value: Choose<'i, V>) {
        let dict = self.handles[usize::from(input.below(3))].clone();
        match input.below(16) {
            0..3 => {
                let (key, value) = (key(input), value(input));
                self.insert(&dict, key, value);
            }
            3 => {
                // Many, so that tables are made anew.
                let mut value = value(input);
                for _ in 0..input.below(100) {
                    self.insert(&dict, key(input), value.clone());
                    value = self.model.values().next().cloned().unwrap_or(value);
                }
            }
            4 => self.update(&dict, key(input), input.below(3), value(input)),
            5 => self.compare_exchange(&dict, input, key, value),
            6 => {
                let (key, value) = (key(input), value(input));
                let got = dict.get_or_insert_with(&key, || value.clone());
                if let Some(got) = self.done(got) {
                    assert_eq!(got, *self.model.entry(key).or_insert(value));
                }
            }
            7 => self.entry(&dict, key(input), input.below(4), value(input)),
            8 => {
                let key = key(input);
                assert_eq!(dict.get(&key), Ok(self.model.get(&key).cloned()));
                let is_there = self.model.contains_key(&key);
                assert_eq!(dict.contains_key(&key), Ok(is_there));
            }
            9 | 10 => {
                let key = key(input);
                assert_eq!(dict.remove(&key), Ok(self.model.remove(&key)));
            }
            11 => {
                let (chosen, value) = (key(input), value(input));
                let keep = |key: &K, other: &V| *key != chosen && *other != value;
                assert_eq!(dict.retain(keep), Ok(()));
                self.model.retain(|key, value| keep(key, value));
            }
            12 if input.byte() > 200 => {
                assert_eq!(dict.clear(), Ok(()));
                self.model.clear();
            }
            13 => self.another(value(input)),
            _ => self.compare(&dict),
        }
    }

    /// What came of a change: `None` if there was no memory for it, which must have changed nothing.
    fn done<T>(&mut self, outcome: Result<T, UpdateError>) -> Option<T> {
        match outcome {
            Ok(done) => Some(done),
            Err(UpdateError::MaximumReached) if self.is_small => {
                self.full += 1;
                None
            }
            Err(error) => panic!("{error:?} with {} keys", self.model.len()),
        }
    }

    fn insert(&mut self, dict: &Dict<K, V>, key: K, value: V) {
        let before = dict.insert(&key, &value);
        match self.done(before) {
            Some(before) => assert_eq!(before, self.model.insert(key, value)),
            None => assert_eq!(dict.get(&key), Ok(self.model.get(&key).cloned())),
        }
    }

    fn update(&mut self, dict: &Dict<K, V>, key: K, how: u8, value: V) {
        let before = self.model.get(&key).cloned();
        let after = match how {
            0 => None,
            1 => before.clone(),
            _ => Some(value),
        };
        let updated = dict.update(&key, |found| {
            assert_eq!(found, before);
            after.clone()
        });
        if let Some(updated) = self.done(updated) {
            assert_eq!(updated, after);
            self.put(key, after);
        }
    }

    fn compare_exchange<'i>(
        &mut self,
        dict: &Dict<K, V>,
        input: &mut Input<'i>,
        key: Choose<'i, K>,
        value: Choose<'i, V>,
    ) {
        let key = key(input);
        let there = self.model.get(&key).cloned();
        let current = match input.below(3) {
            0 => None,
            1 => Some(value(input)),
            _ => there.clone(),
        };
        let new = (input.below(3) > 0).then(|| value(input));
        let outcome = dict.compare_exchange(&key, current.as_ref(), new.as_ref());
        match self.done(outcome) {
            Some(Ok(())) => {
                assert_eq!(current, there);
                self.put(key, new);
            }
            Some(Err(other)) => {
                assert_ne!(current, there);
                assert_eq!(other, there);
            }
            None => assert_eq!(current, there),
        }
    }

    fn entry(&mut self, dict: &Dict<K, V>, key: K, how: u8, value: V) {
        let entry = dict.entry(&key).expect("nobody has it");
        let before = self.model.get(&key).cloned();
        assert_eq!(entry.get(), Ok(before.clone()));
        let (outcome, after) = match how {
            0 => (Ok(before.clone()), before.clone()),
            1 => (entry.insert(&value), Some(value)),
            2 => (entry.remove(), None),
            _ => {
                let got = entry.or_insert_with(|| value.clone()).map(|got| {
                    assert_eq!(Some(&got), before.as_ref().or(Some(&value)));
                    before.clone()
                });
                (got, before.clone().or(Some(value)))
            }
        };
        if let Some(outcome) = self.done(outcome) {
            assert_eq!(outcome, before);
            self.put(key, after);
        }
    }

    fn put(&mut self, key: K, value: Option<V>) {
        match value {
            Some(value) => self.model.insert(key, value),
            None => self.model.remove(&key),
        };
    }

    /// An object beside the dict comes and goes, in the same memory.
    fn another(&mut self, value: V) {
        match self.manager.dict::<u8, V>("another") {
            Ok(other) => {
                for key in 0..10 {
                    let before = other.insert(&key, &value);
                    self.done(before);
                }
            }
            Err(crossproc::Error::MaximumReached) if self.is_small => return,
            Err(error) => panic!("{error}"),
        }
        self.manager.remove_object("another").expect("it is there");
    }

    fn compare(&self, dict: &Dict<K, V>) {
        let all: Result<Vec<(K, V)>, _> = dict.iter().collect();
        let all = all.expect("all of it can be read");
        assert_eq!(all.len(), self.model.len(), "no key comes twice");
        let all: HashMap<K, V> = all.into_iter().collect();
        assert_eq!(all, self.model);
    }

    /// Everything is there; and when it is gone, all memory can be had again, however often there was none.
    fn end(mut self, key: K, value: V) {
        let dict = self.handles[0].clone();
        self.compare(&dict);
        for (key, value) in &self.model {
            assert_eq!(dict.get(key), Ok(Some(value.clone())));
        }
        assert_eq!(dict.clear(), Ok(()));
        self.model.clear();
        self.compare(&dict);
        let empty = self.manager.memory().expect("it can be counted").used;
        assert_eq!(
            dict.insert(&key, &value),
            Ok(None),
            "full {} times",
            self.full
        );
        assert_eq!(dict.get(&key), Ok(Some(value)));
        assert_eq!(dict.clear(), Ok(()));
        let used = self.manager.memory().expect("it can be counted").used;
        assert_eq!(used, empty);
        assert_eq!(dict.repairs(), 0);
    }
}
