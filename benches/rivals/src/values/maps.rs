//! Keys with values.

use std::collections::HashMap;
use std::hint::black_box;
use std::rc::Rc;
use std::sync::{Mutex, RwLock};
use std::thread;

use crossproc::{Dict, Event, Manager, process};

use crate::contest::{Contest, Measured, Rate, Result};
use crate::lock_work::{self, Side};
use crate::locks::{Counter, Readable, next_number};
use crate::place::{Cores, involuntary_switches, pin, unpin};
use crate::python::Python;

/// Keys where it does not matter how many.
const KEYS: u64 = 1_000;

/// A map, and how many keys it has, from 0 on: each is read, and its value increased, in an order that cannot be foreseen.
#[derive(Clone)]
struct Filled<M> {
    map: M,
    keys: u64,
}

impl<M> Filled<M> {
    fn next_key(&self) -> u64 {
        next_number(self.keys)
    }
}

fn hash_map(keys: u64) -> Filled<HashMap<u64, u64>> {
    let map = (0..keys).map(|key| (key, 0)).collect();
    Filled { map, keys }
}

fn dict(keys: u64) -> Filled<Dict<u64, u64>> {
    let manager = Manager::new().expect("a manager");
    let map = manager.dict("map").expect("a dict");
    for key in 0..keys {
        map.insert(&key, &0).expect("there is room");
    }
    Filled { map, keys }
}

impl Readable for Filled<HashMap<u64, u64>> {
    fn read_it(&self) -> u64 {
        self.map[&self.next_key()]
    }
}

impl Readable for Filled<Dict<u64, u64>> {
    fn read_it(&self) -> u64 {
        let value = self.map.get(&self.next_key()).expect("it can be read");
        value.expect("it is there")
    }
}

impl Readable for Filled<RwLock<HashMap<u64, u64>>> {
    fn read_it(&self) -> u64 {
        self.map.read().expect("nobody panicked")[&self.next_key()]
    }
}

impl Counter for Filled<RwLock<HashMap<u64, u64>>> {
    fn add_one(&self) {
        let mut map = self.map.write().expect("nobody panicked");
        *map.entry(self.next_key()).or_insert(0) += 1;
    }

    fn value(&self) -> u64 {
        self.map.read().expect("nobody panicked").values().sum()
    }
}

impl Counter for Filled<Mutex<HashMap<u64, u64>>> {
    fn add_one(&self) {
        let mut map = self.map.lock().expect("nobody panicked");
        *map.entry(self.next_key()).or_insert(0) += 1;
    }

    fn value(&self) -> u64 {
        self.map.lock().expect("nobody panicked").values().sum()
    }
}

impl Counter for Filled<Dict<u64, u64>> {
    fn add_one(&self) {
        let one_more = |value: Option<u64>| Some(value.unwrap_or(0) + 1);
        self.map
            .update(&self.next_key(), one_more)
            .expect("there is room");
    }

    fn value(&self) -> u64 {
        let values = self.map.iter().map(|pair| pair.expect("it can be read").1);
        values.sum()
    }
}

pub fn get(keys: u64, python: Option<Rc<Python>>) -> Contest {
    let (theirs, ours) = (hash_map(keys), dict(keys));
    let contest = Contest::new("DictGet", format!("the value of one of {keys} keys"))
        .compared_with("HashMap")
        .rate(Rate::millions("M/s"))
        .with("std HashMap", "-", move |cores| {
            Ok(read_again(cores, &theirs, keys))
        })
        .with("crossproc::Dict", "processes", move |cores| {
            Ok(read_again(cores, &ours, keys))
        });
    match python {
        Some(python) => contest.with("Manager().dict()", "processes", move |_| {
            python.ask("get").map_err(Into::into)
        }),
        None => contest,
    }
}

/// Once everything is in the processor's caches that goes there: others have been working in between.
fn read_again(cores: Cores, map: &impl Readable, keys: u64) -> Measured {
    pin(cores.first);
    (0..4 * keys).for_each(|_| {
        black_box(map.read_it());
    });
    lock_work::read_alone(cores, map)
}

pub fn readers() -> Contest {
    let ours = dict(KEYS);
    let (beside_a_reader, beside_a_writer) = (ours.clone(), ours.clone());
    Contest::new(
        "DictReaders",
        format!("the value of one of {KEYS} keys, while the other core reads or writes as fast as it can: per reader"),
    )
    .compared_with("alone")
    .rate(Rate::millions("M/s"))
    .with("Dict, alone", "processes", move |cores| {
        Ok(lock_work::read_alone(cores, &ours))
    })
    .with("Dict, and a reader", "processes", move |cores| {
        beside_process(cores, &beside_a_reader, read_too)
    })
    .with("Dict, and a writer", "processes", move |cores| {
        beside_process(cores, &beside_a_writer, write_too)
    })
    .with("RwLock, alone", "threads", |cores| {
        Ok(lock_work::read_alone(cores, &locked(RwLock::new)))
    })
    .with("RwLock, and a reader", "threads", |cores| {
        beside_thread(cores, |map| {
            black_box(map.read_it());
        })
    })
    .with("RwLock, and a writer", "threads", |cores| {
        beside_thread(cores, Counter::add_one)
    })
}

fn locked<L>(lock: impl Fn(HashMap<u64, u64>) -> L) -> Filled<L> {
    let Filled { map, keys } = hash_map(KEYS);
    let map = lock(map);
    Filled { map, keys }
}

type Partner = (usize, Dict<u64, u64>, Event, Event);

fn read_too((core, map, ready, done): Partner) -> u64 {
    let map = Filled { map, keys: KEYS };
    until_done(core, &ready, &done, || {
        black_box(map.read_it());
    })
}

fn write_too((core, map, ready, done): Partner) -> u64 {
    let map = Filled { map, keys: KEYS };
    until_done(core, &ready, &done, || map.add_one())
}

/// Works until the other side has measured; the involuntary context switches.
fn until_done(core: usize, ready: &Event, done: &Event, once: impl Fn()) -> u64 {
    pin(core);
    let before = involuntary_switches();
    ready.set().expect("set");
    while !done.is_set() {
        (0..16).for_each(|_| once());
    }
    involuntary_switches() - before
}

fn beside_process(
    cores: Cores,
    own: &Filled<Dict<u64, u64>>,
    too: impl Fn(Partner) -> u64 + Copy + 'static,
) -> Result<Measured> {
    let (ready, done) = (Event::new()?, Event::new()?);
    let handles = (cores.second, own.map.clone(), ready.clone(), done.clone());
    let partner = process::spawn(too, handles)?;
    pin(cores.first);
    ready.wait()?;
    let measured = lock_work::read_alone(cores, own);
    done.set()?;
    Ok(measured.plus(partner.join()?))
}

fn beside_thread(cores: Cores, too: fn(&Filled<RwLock<HashMap<u64, u64>>>)) -> Result<Measured> {
    let map = locked(RwLock::new);
    let (ready, done) = (Event::new()?, Event::new()?);
    unpin(cores);
    thread::scope(|scope| {
        let partner = scope.spawn(|| until_done(cores.second, &ready, &done, || too(&map)));
        pin(cores.first);
        ready.wait()?;
        let measured = lock_work::read_alone(cores, &map);
        done.set()?;
        Ok(measured.plus(partner.join().expect("the partner's thread panicked")))
    })
}

pub fn update() -> Contest {
    let ours = dict(KEYS);
    Contest::new(
        "DictUpdate",
        format!("the value of one of {KEYS} keys increased, by one side alone"),
    )
    .compared_with("Mutex")
    .rate(Rate::millions("M/s"))
    .with("Mutex of a HashMap", "threads", |cores| {
        Ok(lock_work::lock_alone(cores, &locked(Mutex::new)))
    })
    .with("crossproc::Dict", "processes", move |cores| {
        Ok(lock_work::lock_alone(cores, &ours))
    })
}

pub fn contended() -> Contest {
    Contest::new(
        "ContendedUpdate",
        format!("the value of one of {KEYS} keys increased, by both sides"),
    )
    .compared_with("Mutex")
    .rate(Rate::millions("M/s"))
    .with("Mutex of a HashMap", "threads", |cores| {
        Ok(lock_work::contend_threads(cores, &locked(Mutex::new)))
    })
    .with("crossproc::Dict", "processes", |cores| {
        let counter = dict(KEYS);
        lock_work::contend_processes(cores, &counter, counter.map.clone(), update_too)
    })
}

fn update_too((core, map, ready): (usize, Dict<u64, u64>, Event)) -> Side {
    let counter = Filled { map, keys: KEYS };
    lock_work::contend_too(core, &counter, &ready)
}
