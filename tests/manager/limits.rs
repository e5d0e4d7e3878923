//! What happens when there is no memory, or no room.

use crossproc::{Dict, Error, Manager, Queue, UpdateError};

use super::children::Holder;

fn small(pages: u64) -> Manager {
    Manager::options().memory(pages * 4096).anonymous().unwrap()
}

#[test]
fn the_maximum_is_reached_and_nothing_has_changed() {
    guarded!();
    let manager = small(64);
    let dict: Dict<u32, Vec<u8>> = manager.dict("dict").unwrap();
    let mut kept = 0;
    let refused = loop {
        match dict.insert(&kept, &vec![kept as u8; 3000]) {
            Ok(_) => kept += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(refused, UpdateError::MaximumReached);
    assert!(kept > 20, "{kept}");
    let before = manager.memory().unwrap();
    assert_eq!((before.maximum, before.committed), (64 * 4096, 64 * 4096));
    // A larger value in place of another: the old one stays.
    assert_eq!(
        dict.insert(&0, &vec![1; 9000]),
        Err(UpdateError::MaximumReached)
    );
    assert_eq!(
        dict.update(&1, |_| Some(vec![1; 9000])),
        Err(UpdateError::MaximumReached)
    );
    let none = manager.create_object("queue", &Queue::<u64>::options().capacity(2000));
    assert!(matches!(none, Err(Error::MaximumReached)), "{none:?}");
    assert_eq!(manager.objects().unwrap().len(), 1);
    for key in 0..kept {
        assert_eq!(dict.get(&key), Ok(Some(vec![key as u8; 3000])));
    }
    assert_eq!(dict.len(), kept as usize);
    assert!(manager.memory().unwrap().used <= before.used);
    // Taking away makes room.
    assert!(dict.remove(&0).unwrap().is_some());
    assert!(dict.remove(&1).unwrap().is_some());
    dict.insert(&0, &vec![2; 3000]).unwrap();
}

#[test]
fn what_never_fits_is_oversized_and_takes_nothing() {
    guarded!();
    let manager = small(256);
    let dict: Dict<u32, Vec<u8>> = manager.dict("dict").unwrap();
    dict.insert(&1, &vec![1]).unwrap();
    let before = manager.memory().unwrap();
    assert_eq!(
        dict.insert(&2, &vec![0; 257 * 4096]),
        Err(UpdateError::Oversized)
    );
    // It would fit if nothing else were there.
    assert_eq!(
        dict.insert(&2, &vec![0; 255 * 4096]),
        Err(UpdateError::MaximumReached)
    );
    let large = Queue::<u64>::options().capacity(1 << 40);
    let refused = manager.create_object("queue", &large).unwrap_err();
    assert!(
        matches!(refused, Error::Oversized | Error::TooLarge { .. }),
        "{refused}"
    );
    assert_eq!(manager.memory().unwrap(), before);
}

#[test]
fn a_dict_has_the_memory_of_what_was_removed() {
    guarded!();
    let manager = small(64);
    let first: Dict<u32, Vec<u8>> = manager.dict("first").unwrap();
    first.insert(&1, &vec![1; 40 * 4096]).unwrap();
    let second: Dict<u32, Vec<u8>> = manager.dict("second").unwrap();
    let large = vec![2; 40 * 4096];
    assert_eq!(second.insert(&1, &large), Err(UpdateError::MaximumReached));
    drop(first);
    manager.remove_object("first").unwrap();
    second.insert(&1, &large).unwrap();
    assert_eq!(second.get(&1), Ok(Some(large)));
}

/// The last one who had it open is killed, so that nobody gives its memory back before somebody needs it.
#[test]
fn who_needs_memory_has_that_of_what_was_removed_under_the_dead() {
    guarded!();
    let large = vec![2; 40 * 4096];
    type Use<'a> = (&'static str, &'a dyn Fn(&Manager));
    let uses: [Use<'_>; 3] = [
        ("dict", &|manager: &Manager| {
            let dict = manager.dict::<u32, Vec<u8>>("second").unwrap();
            dict.insert(&1, &large).unwrap();
        }),
        ("list", &|manager: &Manager| {
            let list = manager.list::<Vec<u8>>("second").unwrap();
            list.push(&large).unwrap();
        }),
        ("namespace", &|manager: &Manager| {
            let namespace = manager.namespace("second").unwrap();
            namespace.set("large", &large).unwrap();
        }),
    ];
    for (what, needs_memory) in uses {
        let manager = small(64);
        let mut holder = Holder::of(|| {
            let first = manager.dict::<u32, Vec<u8>>("first").unwrap();
            first.insert(&1, &vec![1; 40 * 4096]).unwrap();
            first
        });
        manager.remove_object("first").unwrap();
        holder.kill();
        needs_memory(&manager);
        assert!(manager.memory().unwrap().used >= 40 * 4096, "{what}");
    }
}

#[test]
fn there_are_so_many_queues_and_pins() {
    guarded!();
    let manager = Manager::options().participants(3).anonymous().unwrap();
    let options = Queue::<u8>::options().capacity(1);
    let name = |n: u32| format!("queue {n}");
    // Each is closed again: a pin for each that is open.
    for n in 0..255 {
        drop(manager.create_object(&name(n), &options).unwrap());
    }
    let refused = manager.create_object("one more", &options).unwrap_err();
    assert!(
        matches!(refused, Error::TooManyQueues { queues: 255 }),
        "{refused}"
    );
    let open: Vec<Queue<u8>> = (0..48)
        .map(|n| manager.open_object(&name(n), &options).unwrap())
        .collect();
    let refused = manager.open_object(&name(48), &options).unwrap_err();
    assert!(
        matches!(refused, Error::TooManyOpen { pins: 48 }),
        "{refused}"
    );
    let again: Queue<u8> = manager.open_object(&name(7), &options).unwrap();
    again.try_send(1).unwrap();
    drop(open);
    manager.open_object(&name(48), &options).unwrap();
    manager.remove_object(&name(200)).unwrap();
    manager.create_object("one more", &options).unwrap();
}
