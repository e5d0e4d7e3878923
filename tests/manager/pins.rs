//! Who has an object open has it, whatever becomes of its name; and what nobody has open is given back.

use crossproc::{Dict, Manager, Queue};

use super::children::{Holder, succeeds};
use super::forked::fork;

const LONG: usize = 100_000;

struct Full {
    manager: Manager,
    /// Bytes in use without the object.
    without: u64,
}

impl Full {
    /// A manager without objects that has had some.
    fn new() -> Full {
        let manager = Manager::new().unwrap();
        let mut full = Full {
            manager,
            without: 0,
        };
        drop(full.dict());
        full.manager.remove_object("dict").unwrap();
        full.without = full.used();
        full
    }

    fn used(&self) -> u64 {
        self.manager.memory().unwrap().used
    }

    fn dict(&self) -> Dict<u32, Vec<u8>> {
        let dict = self.manager.dict("dict").unwrap();
        dict.insert(&1, &vec![7; LONG]).unwrap();
        dict
    }

    fn is_there(&self) -> bool {
        self.used() >= self.without + LONG as u64
    }

    fn is_gone(&self) -> bool {
        self.used() <= self.without
    }
}

fn works(dict: &Dict<u32, Vec<u8>>) {
    assert_eq!(dict.get(&1), Ok(Some(vec![7; LONG])));
    dict.insert(&2, &vec![8]).unwrap();
    assert_eq!(dict.remove(&2), Ok(Some(vec![8])));
}

#[test]
fn the_last_to_drop_it_gives_it_back() {
    guarded!();
    let full = Full::new();
    let dict = full.dict();
    let again = full.manager.dict::<u32, Vec<u8>>("dict").unwrap();
    full.manager.remove_object("dict").unwrap();
    assert!(full.manager.objects().unwrap().is_empty());
    works(&dict);
    drop(dict);
    works(&again);
    assert!(full.is_there());
    drop(again);
    assert!(full.is_gone());
}

#[test]
fn another_process_has_it() {
    guarded!();
    let full = Full::new();
    drop(full.dict());
    let holder = Holder::with(
        || full.manager.dict::<u32, Vec<u8>>("dict").unwrap(),
        |dict| works(&dict),
    );
    full.manager.remove_object("dict").unwrap();
    assert!(full.is_there());
    // Another of this name is another.
    let other: Dict<u32, Vec<u8>> = full.manager.dict("dict").unwrap();
    assert_eq!(other.get(&1), Ok(None));
    drop(other);
    full.manager.remove_object("dict").unwrap();
    assert!(full.is_there());
    holder.let_go();
    assert!(full.is_gone());
}

#[test]
fn the_dead_have_nothing() {
    guarded!();
    let full = Full::new();
    drop(full.dict());
    let mut holder = Holder::of(|| full.manager.dict::<u32, Vec<u8>>("dict").unwrap());
    holder.kill();
    full.manager.remove_object("dict").unwrap();
    assert!(full.is_gone());

    drop(full.dict());
    let mut holder = Holder::of(|| full.manager.dict::<u32, Vec<u8>>("dict").unwrap());
    full.manager.remove_object("dict").unwrap();
    assert!(full.is_there());
    holder.kill();
    // The next to remove something there gives it back.
    drop(full.dict());
    full.manager.remove_object("dict").unwrap();
    assert!(full.is_gone());
}

#[test]
fn a_forked_child_gives_nothing_back_that_its_parent_has() {
    guarded!();
    let full = Full::new();
    let mut dict = Some(full.dict());
    full.manager.remove_object("dict").unwrap();
    succeeds(&mut fork(|| {
        works(dict.as_ref().unwrap());
        drop(dict.take());
        assert!(full.is_there());
    }));
    works(dict.as_ref().unwrap());
    drop(dict);
    assert!(full.is_gone());
}

#[test]
fn many_objects_and_many_removals() {
    guarded!();
    let manager = Manager::new().unwrap();
    let cycle = |round: u32| {
        let names: Vec<String> = (0..300).map(|n| format!("object {n} of {round}")).collect();
        let options = Queue::<u32>::options().capacity(2);
        let is_queue = |n: usize| n.is_multiple_of(3) && n / 3 < 80;
        for (n, name) in names.iter().enumerate() {
            if is_queue(n) {
                let queue = manager.create_object(name, &options).unwrap();
                queue.send(round).unwrap();
            } else {
                let dict: Dict<u32, u32> = manager.dict(name).unwrap();
                dict.insert(&1, &round).unwrap();
            }
        }
        let mut found = manager.objects().unwrap();
        found.retain(|object| names.contains(&object.name));
        assert_eq!(found.len(), names.len());
        names
            .iter()
            .for_each(|name| manager.remove_object(name).unwrap());
        manager.memory().unwrap().used
    };
    cycle(0);
    let committed = manager.memory().unwrap().committed;
    for round in 1..6 {
        // Each shard of the directory may keep a page of each class of records and tables that it had.
        assert!(cycle(round) <= 16 * 8 * 4096);
    }
    assert_eq!(manager.memory().unwrap().committed, committed);
}
