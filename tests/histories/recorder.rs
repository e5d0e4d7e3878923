//! Workers, and the book in which each writes what it does.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use crossproc::Dict;

use super::checker::{Operation, What};
use super::plain::Zeroed;

pub(crate) const WORKERS: usize = 3;
/// Of each worker.
pub(crate) const OPERATIONS: usize = 60;
/// What is found in place of a value that is damaged.
const DAMAGED: u64 = u64::MAX;

/// Memory that knows nothing of the crate under test. The last page is for who looks in the end.
pub(crate) struct Book {
    clock: AtomicU64,
    /// How many are ready to begin.
    ready: AtomicU64,
    pages: [[Line; OPERATIONS]; WORKERS + 1],
}

#[derive(Default)]
struct Line {
    began: AtomicU64,
    returned: AtomicU64,
    what: AtomicU64,
    key: AtomicU64,
    argument: AtomicU64,
    result: AtomicU64,
}

// SAFETY: all atomics, for which zero is a value.
#[expect(unsafe_code, reason = "what is promised is seen above")]
unsafe impl Zeroed for Book {}

impl Book {
    /// How often something has begun or returned.
    pub(crate) fn clock(&self) -> u64 {
        self.clock.load(SeqCst)
    }

    /// Waits until all workers are there, so that what they do overlaps.
    fn await_all(&self) {
        self.ready.fetch_add(1, SeqCst);
        while !self.all_are_there() {
            std::hint::spin_loop();
        }
    }

    pub(crate) fn all_are_there(&self) -> bool {
        self.ready.load(SeqCst) == WORKERS as u64
    }

    fn tick(&self) -> u64 {
        self.clock.fetch_add(1, SeqCst) + 1
    }

    /// All that has begun, by when it did.
    pub(crate) fn history(&self) -> Vec<Operation> {
        let lines = self.pages.iter().flatten();
        let mut history: Vec<Operation> = lines.filter_map(Line::read).collect();
        history.sort_by_key(|operation| operation.began);
        history
    }
}

impl Line {
    fn read(&self) -> Option<Operation> {
        let began = self.began.load(SeqCst);
        let returned = self.returned.load(SeqCst);
        (began != 0).then(|| Operation {
            what: What::ALL[self.what.load(SeqCst) as usize],
            key: self.key.load(SeqCst),
            argument: self.argument.load(SeqCst),
            result: self.result.load(SeqCst),
            began,
            returned: (returned != 0).then_some(returned),
        })
    }
}

/// As many words as the value says, all the same: a torn one is noticed.
fn whole(value: u64) -> Vec<u64> {
    vec![value; 1 + (value % 97) as usize]
}

fn number(value: Option<Vec<u64>>) -> u64 {
    match value.as_deref() {
        None => 0,
        Some(words @ [value, ..]) if words == whole(*value) => *value,
        Some(_) => DAMAGED,
    }
}

pub(crate) struct Worker<'a> {
    book: &'a Book,
    number: usize,
    next: usize,
    random: Random,
}

impl<'a> Worker<'a> {
    pub(crate) fn new(book: &'a Book, number: usize, seed: u64) -> Self {
        Worker {
            book,
            number,
            next: 0,
            random: Random::new(seed),
        }
    }

    pub(crate) fn work(mut self, dict: &Dict<u64, Vec<u64>>, keys: u64) {
        self.book.await_all();
        for turn in 0..OPERATIONS as u64 {
            let what = match self.random.below(32) {
                0 => What::Clear,
                random => What::ALL[random as usize % 5],
            };
            let key = self.random.below(keys);
            let argument = (self.number as u64 + 1) * 1000 + turn;
            self.perform(dict, what, key, argument);
        }
    }

    /// Does it, and writes down when it began, and what came of it.
    pub(crate) fn perform(
        &mut self,
        dict: &Dict<u64, Vec<u64>>,
        what: What,
        key: u64,
        argument: u64,
    ) {
        let line = &self.book.pages[self.number][self.next];
        self.next += 1;
        let index = What::ALL.iter().position(|it| *it == what);
        line.what.store(index.expect("it is one") as u64, SeqCst);
        line.key.store(key, SeqCst);
        line.argument.store(argument, SeqCst);
        line.began.store(self.book.tick(), SeqCst);
        let result = match what {
            What::Get => number(dict.get(&key).unwrap()),
            What::Insert => number(dict.insert(&key, &whole(argument)).unwrap()),
            What::Remove => number(dict.remove(&key).unwrap()),
            What::Update => {
                let add = |value| Some(whole(number(value) + 1));
                number(dict.update(&key, add).unwrap())
            }
            What::GetOrInsert => {
                let value = dict.get_or_insert_with(&key, || whole(argument));
                number(Some(value.unwrap()))
            }
            What::Clear => {
                dict.clear().unwrap();
                0
            }
        };
        line.result.store(result, SeqCst);
        line.returned.store(self.book.tick(), SeqCst);
    }
}

/// SplitMix64.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Random(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}
