//! Changes of a dict.

use std::collections::BTreeMap;
use std::hint;

use crossproc::{Dict, Manager, UpdateError};

use super::PARTICIPANTS;
use crate::scenario::{Density, Row, Scenario, Verdict};
use crate::trace::{self, Tracee};

/// Something that is done to a dict. Keys are given by their numbers among those of one shard, values by their lengths.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Insert(usize, usize),
    Remove(usize),
    Discard(usize),
    Update(usize, usize),
    /// From the second length to the third.
    Exchange(usize, usize, usize),
    GetOrInsert(usize, usize),
    /// Keeps what has an even number.
    Retain,
    Clear,
    Get(usize),
}

use Deed::{Clear, Discard, Exchange, Get, GetOrInsert, Insert, Remove, Retain, Update};

const SMALL: usize = 8;
const OTHER: usize = 40;
/// As many of these as go into a page.
const LARGE: usize = 980;
const LARGE_IN_A_PAGE: usize = 4;
/// A whole page each: the longest class of blocks is shorter.
const RUN: usize = 2_500;

/// Pages of the manager, and bytes.
const PAGES: u64 = 96;
const MEMORY: u64 = PAGES * 4096;

/// Slots of a shard's first table that are used before it grows.
const FIRST_TABLE: usize = 6;

#[rustfmt::skip] // one row, one line
pub(crate) fn rows() -> Vec<Row> {
    let row = |operation, state, before: Vec<Deed>, act| Row::new(operation, state, move || Shelf::new(before.clone(), act)).density(CHANGES).unsteady();
    let heir = |operation, state, before: Vec<Deed>, dead, act| {
        let shelf = move || Shelf { dead: Some(dead), ..Shelf::new(before.clone(), act) };
        Row::new(operation, state, shelf).density(LONG).unsteady()
    };
    let small = |keys: usize| (0..keys).map(|key| Insert(key, SMALL)).collect::<Vec<_>>();
    let large = |keys: usize| (0..keys).map(|key| Insert(key, LARGE)).collect::<Vec<_>>();
    let with = |mut before: Vec<Deed>, also: &[Deed]| { before.extend_from_slice(also); before };
    vec![
        row("dict insert", "the first", vec![], Insert(0, SMALL)),
        row("dict insert", "a new key", small(2), Insert(2, SMALL)),
        row("dict insert", "replaces", small(2), Insert(1, SMALL + 1)),
        row("dict insert", "replaces by more", small(2), Insert(1, RUN)).density(LONG),
        row("dict insert", "replaces by less", with(small(2), &[Insert(1, RUN)]), Insert(1, OTHER)).density(LONG),
        row("dict insert", "a key that was removed", with(small(3), &[Remove(1)]), Insert(1, SMALL)),
        row("dict insert", "the table is full", small(FIRST_TABLE), Insert(FIRST_TABLE, SMALL)).density(LONG),
        row("dict insert", "the table is full of removed keys", with(small(FIRST_TABLE), &[Remove(0), Remove(2), Remove(4)]), Insert(FIRST_TABLE, SMALL)).density(LONG),
        row("dict insert", "the page is used up", large(LARGE_IN_A_PAGE), Insert(LARGE_IN_A_PAGE, LARGE)),
        row("dict insert", "takes a whole page", small(1), Insert(1, RUN)).density(LONG),
        Row::new("dict insert", "the first to need memory", || Shelf { anew: true, ..Shelf::new(vec![], Insert(0, RUN)) }).density(LONG).unsteady(),
        heir("dict insert", "owner dead", small(2), Insert(3, SMALL), Insert(2, SMALL)),
        heir("dict insert", "owner dead replacing", small(2), Insert(1, RUN), Insert(2, SMALL)),
        heir("dict insert", "owner dead as the table grew", small(FIRST_TABLE), Insert(FIRST_TABLE, SMALL), Insert(FIRST_TABLE + 1, SMALL)),
        row("dict remove", "one of several", small(3), Remove(1)),
        row("dict remove", "the last", small(1), Remove(0)),
        row("dict remove", "a whole page", with(small(1), &[Insert(1, RUN)]), Remove(1)).density(LONG),
        row("dict remove", "the page is empty", large(LARGE_IN_A_PAGE + 1), Remove(LARGE_IN_A_PAGE)),
        row("dict remove", "the table shrinks", with(small(13), &(2..13).map(Remove).collect::<Vec<_>>()), Remove(1)).density(LONG),
        heir("dict remove", "owner dead", small(3), Remove(0), Remove(1)),
        row("dict discard", "one of several", small(3), Discard(1)),
        row("dict update", "a value", small(2), Update(1, OTHER)),
        row("dict update", "no value", small(2), Update(2, OTHER)),
        row("dict exchange", "a value", small(2), Exchange(1, SMALL, OTHER)),
        row("dict entry", "gets or inserts", small(2), GetOrInsert(2, OTHER)),
        row("dict retain", "some go", small(5), Retain).density(LONG),
        row("dict clear", "some keys", small(3), Clear).density(LONG),
        heir("dict clear", "owner dead", small(3), Insert(3, SMALL), Clear),
        heir("dict get", "owner dead", small(3), Insert(1, RUN), Get(1)),
    ]
}

/// For operations of some thousand instructions, in which much is the same over and over.
const CHANGES: Density = Density {
    skip: 700,
    stride: 31,
    every: 4_000,
    reach: 8_000,
};
/// For longer ones.
const LONG: Density = Density {
    skip: 700,
    stride: 127,
    every: 8_000,
    reach: 20_000,
};

/// What the dict is to hold, by key.
type Model = BTreeMap<u32, String>;

impl Deed {
    /// Does it to the dict, or says why not.
    fn perform(self, shelf: &Shelf) -> Result<(), UpdateError> {
        let (dict, key) = (&shelf.dict, |number: usize| &shelf.keys[number]);
        match self {
            Insert(number, len) => dict.insert(key(number), &value(len)).map(drop),
            Remove(number) => dict.remove(key(number)).map(drop),
            Discard(number) => dict.discard(key(number)).map(drop),
            Update(number, len) => dict.update(key(number), |_| Some(value(len))).map(drop),
            Exchange(number, from, to) => {
                let (from, to) = (value(from), value(to));
                let done = dict.compare_exchange(key(number), Some(&from), Some(&to))?;
                done.expect("it has that value");
                Ok(())
            }
            GetOrInsert(number, len) => dict
                .get_or_insert_with(key(number), || value(len))
                .map(drop),
            Retain => dict.retain(|key, _| shelf.number(*key).is_multiple_of(2)),
            Clear => dict.clear(),
            Get(number) => dict.get(key(number)).map(drop).map_err(UpdateError::Fault),
        }
    }

    /// The same to a model of it.
    fn model(self, shelf: &Shelf, model: &mut Model) {
        let key = |number: usize| shelf.keys[number];
        match self {
            Insert(number, len) | Update(number, len) | Exchange(number, _, len) => {
                model.insert(key(number), value(len));
            }
            Remove(number) | Discard(number) => {
                model.remove(&key(number));
            }
            GetOrInsert(number, len) => {
                model.entry(key(number)).or_insert(value(len));
            }
            Retain => model.retain(|key, _| shelf.number(*key).is_multiple_of(2)),
            Clear => model.clear(),
            Get(_) => {}
        }
    }

    /// What may be found of it: nothing, all, or, of one that changes key by key, some.
    fn outcomes(self, shelf: &Shelf, before: &Model) -> Vec<Model> {
        let mut all = vec![before.clone()];
        if let Retain = self {
            for key in before
                .keys()
                .filter(|key| !shelf.number(**key).is_multiple_of(2))
            {
                let mut without = all.clone();
                without.iter_mut().for_each(|model| drop(model.remove(key)));
                all.extend(without);
            }
        } else {
            all.push(self.done(shelf, before));
        }
        all
    }

    fn done(self, shelf: &Shelf, before: &Model) -> Model {
        let mut after = before.clone();
        self.model(shelf, &mut after);
        after
    }
}

/// Which is copied, so that it takes few instructions whatever its length.
fn value(len: usize) -> String {
    let letter = b'a' + (len % 26) as u8;
    char::from(letter).to_string().repeat(len)
}

/// What undisturbed users come to.
#[derive(Clone, Copy, Debug)]
struct Reference {
    /// Bytes in use afterwards, at most.
    used: u64,
    /// Values that then fit in, at least.
    fits: usize,
}

/// A dict, and what is done to it.
struct Shelf {
    before: Vec<Deed>,
    /// Done by one who is killed meanwhile, before the victim acts.
    dead: Option<Deed>,
    act: Deed,
    /// Each time with a manager whose memory nobody has used.
    anew: bool,
    manager: Manager,
    dict: Dict<u32, String>,
    /// All in one shard.
    keys: Vec<u32>,
    reference: Option<Reference>,
    empty: u64,
    repairs: u64,
    tries: u32,
}

const KEYS: usize = 16;

impl Shelf {
    fn new(before: Vec<Deed>, act: Deed) -> Self {
        let (manager, dict, keys) = create();
        let empty = used(&manager);
        Shelf {
            before,
            dead: None,
            act,
            anew: false,
            manager,
            dict,
            keys,
            reference: None,
            empty,
            repairs: 0,
            tries: 0,
        }
    }

    /// Which of the keys it is.
    fn number(&self, key: u32) -> usize {
        let number = self.keys.iter().position(|other| *other == key);
        number.expect("one of the keys")
    }

    fn prepare(&self) -> Model {
        self.dict.clear().expect("empty");
        let mut model = Model::new();
        for deed in &self.before {
            deed.perform(self).expect("done");
            deed.model(self, &mut model);
        }
        model
    }

    /// Has everything put in order that is out of order.
    fn touch(&self) {
        self.dict.retain(|_, _| true).expect("touched");
    }

    fn used(&self) -> u64 {
        used(&self.manager)
    }

    /// As many values as fit into what is left. They are gone afterwards, with all else.
    fn fill(&self) -> usize {
        let value = value(LARGE);
        let mut fits = 0;
        loop {
            match self.dict.insert(&(1_000_000 + fits), &value) {
                Ok(_) => fits += 1,
                Err(UpdateError::MaximumReached) => break,
                Err(error) => panic!("{error}"),
            }
        }
        self.dict.clear().expect("empty");
        self.touch();
        fits as usize
    }

    fn refer(&self) -> Reference {
        let deeds = [&[][..], &[self.act]];
        let dead = self.dead.map(|dead| [dead, self.act]);
        let dead = dead.iter().flat_map(|both| [&both[..1], &both[..]]);
        let come_to = deeds.into_iter().chain(dead).map(|deeds| {
            self.prepare();
            for deed in deeds {
                deed.perform(self).expect("done");
            }
            let used = self.used();
            let fits = self.fill();
            Reference { used, fits }
        });
        let worst = |one: Reference, other: Reference| Reference {
            used: one.used.max(other.used),
            fits: one.fits.min(other.fits),
        };
        come_to.reduce(worst).expect("some")
    }

    fn found(&self) -> Model {
        let get = |key: &u32| Some((*key, self.dict.get(key).expect("readable")?));
        self.keys.iter().filter_map(get).collect()
    }

    /// Kills somebody halfway, another time elsewhere.
    fn dig(&self, dead: Deed) {
        let mut digger = Tracee::fork(|| {
            self.warm();
            trace::stop_here();
            dead.perform(self).expect("done");
            loop {
                hint::spin_loop();
            }
        });
        for _ in 0..self.tries * 211 % 3_001 {
            digger.step();
        }
    }

    fn warm(&self) {
        drop(self.dict.entry(&self.keys[KEYS - 1]).expect("locked"));
    }
}

fn create() -> (Manager, Dict<u32, String>, Vec<u32>) {
    let options = Manager::options().memory(MEMORY).participants(PARTICIPANTS);
    let manager = options.anonymous().expect("a manager");
    let dict: Dict<u32, String> = manager.dict("dict").expect("a dict");
    let mut keys = vec![0];
    let first = dict.entry(&0).expect("locked");
    let in_its_shard = |key: &u32| match dict.entry(key) {
        Err(UpdateError::Deadlock) => true,
        other => other.is_err(),
    };
    keys.extend((1..).filter(in_its_shard).take(KEYS - 1));
    drop(first);
    (manager, dict, keys)
}

fn used(manager: &Manager) -> u64 {
    manager.memory().expect("sound").used
}

impl Scenario for Shelf {
    fn renew(&mut self) {
        if self.anew && self.tries > 0 {
            (self.manager, self.dict, self.keys) = create();
            self.empty = self.used();
        } else if !self.anew && self.reference.is_none() {
            self.reference = Some(self.refer());
            self.empty = self.used();
        }
        self.tries += 1;
        self.prepare();
    }

    fn warm_up(&mut self) {
        self.warm();
    }

    fn arrange(&mut self) {
        if let Some(dead) = self.dead {
            self.dig(dead);
        }
        self.repairs = self.manager.repairs();
    }

    fn act(&mut self) -> u64 {
        self.act.perform(self).expect("done");
        1
    }

    fn verdict(&mut self, returned: Option<u64>) -> Verdict {
        let mut before = Model::new();
        self.before
            .iter()
            .for_each(|deed| deed.model(self, &mut before));
        let starts = match self.dead {
            Some(dead) => dead.outcomes(self, &before),
            None => vec![before],
        };
        let done: Vec<Model> = starts
            .iter()
            .map(|start| self.act.done(self, start))
            .collect();
        let any = starts
            .iter()
            .flat_map(|start| self.act.outcomes(self, start));

        let found = self.found();
        assert!(
            any.into_iter().any(|model| model == found),
            "half a change: {found:?}"
        );
        let is_done = done.contains(&found);
        assert!(is_done || returned.is_none(), "lost: {found:?}");
        assert_eq!(self.dict.len(), found.len());
        let all: Result<Model, _> = self.dict.iter().collect();
        assert_eq!(all.expect("readable"), found);
        self.touch();
        assert_eq!(self.found(), found, "putting it in order changed it");
        assert_eq!(self.dict.len(), found.len());

        let used = self.used();
        match self.reference {
            Some(reference) => {
                assert!(
                    used <= reference.used,
                    "memory is lost: {used} in use, {reference:?}"
                );
                let fits = self.fill();
                assert!(
                    fits >= reference.fits,
                    "memory is lost: {fits} fit, {reference:?}"
                );
                assert_eq!(self.used(), self.empty, "memory is lost");
            }
            // A page of its own for the table, and for what it was before that; the value.
            None => assert!(used <= self.empty + 5 * 4096, "memory is lost: {used}"),
        }
        Verdict {
            committed: is_done.into(),
            repaired: self.manager.repairs() > self.repairs,
            lost_wake: false,
        }
    }
}
