//! Objects inside of what is stored in objects, and on their way to children.

use crossproc::process::spawn;
use crossproc::{Dict, Fault, Manager, Queue, UpdateError};

type Inner = Dict<String, u64>;

#[test]
fn a_dict_of_dicts() {
    guarded!();
    let manager = Manager::new().unwrap();
    let outer: Dict<String, Inner> = manager.dict("outer").unwrap();
    let inner: Inner = manager.dict("inner").unwrap();
    outer.insert("it", &inner).unwrap();
    let same = outer.get("it").unwrap().unwrap();
    same.insert("a", &1).unwrap();
    assert_eq!(inner.get("a"), Ok(Some(1)));
    // Which does not keep it from being removed, and what leads nowhere can be thrown away.
    drop((inner, same));
    manager.remove_object("inner").unwrap();
    assert_eq!(outer.get("it").map(|_| ()), Err(Fault::Decode));
    assert_eq!(outer.contains_key("it"), Ok(true));
    let refused = outer.remove("it").map(drop);
    assert_eq!(refused, Err(UpdateError::Fault(Fault::Decode)));
    assert_eq!(outer.discard("it"), Ok(true));
    assert!(outer.is_empty());
}

#[test]
fn only_of_the_same_manager() {
    guarded!();
    let (manager, other) = (Manager::new().unwrap(), Manager::new().unwrap());
    let outer: Dict<u32, Inner> = manager.dict("outer").unwrap();
    let refused = Err(UpdateError::Fault(Fault::Encode));
    let foreign: Inner = other.dict("inner").unwrap();
    assert_eq!(outer.insert(&1, &foreign).map(drop), refused);
    let queues: Dict<u32, Queue<u64>> = manager.dict("queues").unwrap();
    let alone = Queue::new(4).unwrap();
    assert_eq!(queues.insert(&1, &alone).map(drop), refused);
    assert!(outer.is_empty() && queues.is_empty());
}

fn count((manager, words, jobs): (Manager, Inner, Queue<u64>)) -> u64 {
    let by_name: Inner = manager.dict("words").expect("there");
    for n in 1..=10 {
        by_name.insert(&n.to_string(), &n).expect("inserted");
        jobs.send(n).expect("sent");
    }
    words.len() as u64
}

#[test]
fn handles_travel_to_children() {
    guarded!();
    let manager = Manager::new().unwrap();
    let words: Inner = manager.dict("words").unwrap();
    let options = Queue::<u64>::options().capacity(16);
    let jobs = manager.create_object("jobs", &options).unwrap();
    let child = spawn(count, (manager.clone(), words.clone(), jobs.clone())).unwrap();
    assert_eq!(child.join().unwrap(), 10);
    assert_eq!(words.get("7"), Ok(Some(7)));
    assert_eq!(jobs.try_iter().sum::<u64>(), 55);
}
