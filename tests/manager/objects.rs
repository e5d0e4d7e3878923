//! Objects of every kind, by name.

use std::time::Duration;

use crossproc::{
    Barrier, Broadcast, Condvar, CountingSemaphore, Dict, Error, Event, Latest, Manager,
    MessageQueue, Mutex, ObjectQueue, Overwriting, Queue, ReentrantMutex, RwLock, Semaphore,
};

use super::children::succeeds;
use super::forked::fork;
use super::support::unique_name;

#[test]
fn of_every_kind() {
    guarded!();
    let manager = Manager::new().unwrap();
    let queue: Queue<u64> = manager
        .create_object("queue", &Queue::options().capacity(4))
        .unwrap();
    let messages = manager
        .create_object("messages", &MessageQueue::options().memory(4096))
        .unwrap();
    let objects: ObjectQueue<String> = manager
        .create_object("objects", &ObjectQueue::options().memory(4096))
        .unwrap();
    let mutex: Mutex<u64> = manager
        .create_object("mutex", &Mutex::options().value(7))
        .unwrap();
    let reentrant = manager
        .create_object("reentrant", &ReentrantMutex::options())
        .unwrap();
    let rwlock: RwLock<u64> = manager
        .create_object("rwlock", &RwLock::options().value(8))
        .unwrap();
    let condvar = manager
        .create_object("condvar", &Condvar::options())
        .unwrap();
    let semaphore = manager
        .create_object("semaphore", &Semaphore::options().permits(2))
        .unwrap();
    let counting = manager
        .create_object("counting", &CountingSemaphore::options().count(0))
        .unwrap();
    let event = manager.create_object("event", &Event::options()).unwrap();
    let barrier = manager
        .create_object("barrier", &Barrier::options().parties(1))
        .unwrap();
    let broadcast: Broadcast<u64> = manager
        .create_object("broadcast", &Broadcast::options().capacity(4))
        .unwrap();
    let overwriting: Overwriting<u64> = manager
        .create_object("overwriting", &Overwriting::options().capacity(4))
        .unwrap();
    let latest: Latest<u64> = manager
        .create_object("latest", &Latest::options().value(9))
        .unwrap();
    let dict: Dict<String, u64> = manager.create_object("dict", &Dict::options()).unwrap();

    let mut subscriber = broadcast.subscribe().unwrap();
    let mut reader = overwriting.reader();
    // Another process finds each by its name, and uses it.
    succeeds(&mut fork(|| {
        let open = &manager;
        let queue: Queue<u64> = open.open_object("queue", &Queue::options()).unwrap();
        queue.send(1).unwrap();
        let messages = open
            .open_object("messages", &MessageQueue::options())
            .unwrap();
        messages.send(b"two").unwrap();
        let objects: ObjectQueue<String> = open
            .open_object("objects", &ObjectQueue::options())
            .unwrap();
        objects.send(&"three".to_owned()).unwrap();
        let mutex: Mutex<u64> = open.open_object("mutex", &Mutex::options()).unwrap();
        *mutex.lock().unwrap() += 1;
        let rwlock: RwLock<u64> = open.open_object("rwlock", &RwLock::options()).unwrap();
        *rwlock.write().unwrap() += 1;
        let event = open.open_object("event", &Event::options()).unwrap();
        event.set().unwrap();
        let broadcast: Broadcast<u64> = open
            .open_object("broadcast", &Broadcast::options())
            .unwrap();
        broadcast.send(4).unwrap();
        let overwriting: Overwriting<u64> = open
            .open_object("overwriting", &Overwriting::options())
            .unwrap();
        overwriting.send(5).unwrap();
        let latest: Latest<u64> = open.open_object("latest", &Latest::options()).unwrap();
        latest.set(10).unwrap();
        let dict: Dict<String, u64> = open.dict("dict").unwrap();
        dict.insert("six", &6).unwrap();
    }));
    assert_eq!(queue.recv(), Ok(1));
    assert_eq!(messages.recv().unwrap().to_vec(), b"two");
    assert_eq!(objects.recv().unwrap(), "three");
    assert_eq!((*mutex.lock().unwrap(), *rwlock.read().unwrap()), (8, 9));
    assert!(event.is_set());
    assert_eq!(subscriber.recv(), Ok(4));
    assert_eq!(reader.recv().unwrap().value, 5);
    assert_eq!(latest.get().unwrap(), 10);
    assert_eq!(dict.get("six"), Ok(Some(6)));
    drop(reentrant.lock().unwrap());
    condvar.notify_all().unwrap();
    drop(semaphore.acquire().unwrap());
    counting.release(1).unwrap();
    counting.acquire().unwrap();
    barrier.join().unwrap().wait().unwrap();
    assert_eq!(manager.objects().unwrap().len(), 15);
}

#[test]
fn names_and_types_are_checked() {
    guarded!();
    let manager = Manager::new().unwrap();
    let dict: Dict<String, u64> = manager.dict("dict").unwrap();
    dict.insert("a", &1).unwrap();
    let used = manager.memory().unwrap().used;
    let refused = |error: Error, word: &str| assert!(error.to_string().contains(word), "{error}");
    refused(manager.dict::<String, u32>("dict").unwrap_err(), "element");
    let queue = Queue::<u64>::options().capacity(4);
    refused(
        manager.open_or_create_object("dict", &queue).unwrap_err(),
        "kind",
    );
    refused(manager.open_object("dict", &queue).unwrap_err(), "kind");
    for name in ["", &"n".repeat(201)] {
        let refused = manager.dict::<u8, u8>(name);
        assert!(matches!(refused, Err(Error::InvalidName { .. })), "{name}");
        let refused = manager.create_object(name, &queue);
        assert!(matches!(refused, Err(Error::InvalidName { .. })), "{name}");
    }
    let longest = "é".repeat(100);
    manager.dict::<u8, u8>(&longest).unwrap();
    manager.remove_object(&longest).unwrap();
    let there = manager.create_object("dict", &Dict::<String, u64>::options());
    assert!(matches!(there, Err(Error::AlreadyExists { .. })));
    let none = manager.open_object("none", &queue);
    assert!(matches!(none, Err(Error::NoObject { .. })));
    assert!(matches!(
        manager.remove_object("none"),
        Err(Error::NoObject { .. })
    ));
    let unsized_queue = manager.create_object("queue", &Queue::<u64>::options());
    assert!(matches!(unsized_queue, Err(Error::InvalidSize { .. })));
    assert_eq!(manager.objects().unwrap().len(), 1);
    // A page may stay with a shard of the directory, for the next name.
    assert!(manager.memory().unwrap().used <= used + 4 * 4096);
    assert_eq!(dict.get("a"), Ok(Some(1)));
}

#[test]
fn a_named_manager_outlasts_its_users() {
    guarded!();
    let name = unique_name("manager");
    let manager = Manager::create(&name).unwrap();
    manager
        .dict::<u32, u32>("dict")
        .unwrap()
        .insert(&1, &2)
        .unwrap();
    drop(manager);
    let manager = Manager::open(&name).unwrap();
    let dict: Dict<u32, u32> = manager.dict("dict").unwrap();
    assert_eq!(dict.get(&1), Ok(Some(2)));
    Manager::open(&name).unwrap().unlink().unwrap();
    assert_eq!(dict.get(&1), Ok(Some(2)), "whoever has it open has it");
}

/// Several processes ask for the same name over and over, while others remove it, and some are killed.
#[test]
fn one_of_several_creates() {
    guarded!();
    let manager = Manager::new().unwrap();
    let race = |round: u32| {
        let dict: Dict<u32, u32> = manager.dict("dict").unwrap();
        let first = dict.get_or_insert_with(&0, || round).unwrap();
        assert!(first <= round);
        let queue = Queue::<u32>::options().capacity(2);
        let queue = manager.open_or_create_object("queue", &queue).unwrap();
        let _ = queue.try_send(round);
        let _ = queue.recv_timeout(Duration::ZERO);
    };
    race(0);
    let all = || manager.memory().unwrap().used;
    let used = all();
    for round in 1..=20 {
        let work = |child: u32| {
            for again in 0.. {
                race(round);
                match child {
                    0 if again == 200 => return,
                    1 => ["dict", "queue"]
                        .iter()
                        .for_each(|name| remove(&manager, name)),
                    _ => {}
                }
            }
        };
        let mut children: Vec<_> = (0..4).map(|child| fork(|| work(child))).collect();
        succeeds(&mut children[0]);
        drop(children);
        race(round);
    }
    for name in ["dict", "queue"] {
        remove(&manager, name);
    }
    race(21);
    assert!(all() <= used + 8 * 4096, "{} before, {} now", used, all());
}

fn remove(manager: &Manager, name: &str) {
    match manager.remove_object(name) {
        Ok(()) | Err(Error::NoObject { .. }) => {}
        Err(error) => panic!("{error}"),
    }
}
