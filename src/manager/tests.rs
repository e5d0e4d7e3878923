use std::sync::mpsc;
use std::thread;

use crate::heap::Copied;
use crate::{Dict, Error, Group, Manager, Mutex, Options, Queue};

#[test]
fn a_queue_does_not_inherit_what_was_announced_for_another() {
    let manager = Manager::new().unwrap();
    let create = |name| {
        let options = Queue::<u64>::options().capacity(4);
        manager.create_object(name, &options).unwrap()
    };
    let number = |name| {
        let record = manager.directory.look(name).unwrap();
        record.unwrap().announced
    };
    let first = create("first");
    let its_number = number("first");
    first.send(1).unwrap();
    drop(first);
    manager.remove_object("first").unwrap();
    // This thread still has the announcement in its record, though the queue is gone.
    let second = create("second");
    assert_ne!(number("second"), its_number);
    // It announces something else.
    second.send(2).unwrap();
    create("third");
    assert_eq!(number("third"), its_number);
}

fn is_refused<H: std::fmt::Debug>(made: crate::Result<H>) -> bool {
    matches!(made, Err(Error::Unsupported { .. }))
}

#[test]
fn what_cannot_be_where_it_is_asked_for_is_refused_before_it_is_made() {
    let manager = Manager::new().unwrap();
    let inner = Manager::options().memory(1 << 20);
    assert!(is_refused(manager.create_object("inner", &inner)));
    assert!(manager.objects().unwrap().is_empty());
    let lock = || Mutex::options().value(0u64);
    assert!(is_refused(Group::of((lock(), inner)).anonymous()));
    let dict = Options::<Dict<u32, u32>>::new;
    assert!(is_refused(Group::of((lock(), dict())).anonymous()));
    let name = format!("no-dict-{}", std::process::id());
    assert!(is_refused(dict().create(&name)));
    assert!(matches!(crate::unlink(&name), Err(Error::NotFound { .. })));
}

#[test]
fn who_only_looks_does_not_wait_for_a_writer_that_stands_still() {
    let manager = Manager::new().unwrap();
    let dict = manager.dict::<u32, u32>("dict").unwrap();
    dict.insert(&1, &2).unwrap();
    let (taken, is_taken) = mpsc::channel();
    let (done, is_done) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let dict = &dict;
        scope.spawn(move || {
            let _entry = dict.entry(&1).unwrap();
            taken.send(()).unwrap();
            let _ = is_done.recv();
        });
        is_taken.recv().unwrap();
        assert_eq!(dict.get(&1), Ok(Some(2)));
        // Nor does one that was overtaken and asks for the lock.
        let key = postcard::to_allocvec(&1u32).unwrap();
        let (shards, mut copied) = (dict.shards(), Copied::new());
        let hash = shards.heap.hash(&key);
        assert_eq!(shards.get_locked(hash, &key, &mut copied), Ok(None));
        drop(done);
    });
}
