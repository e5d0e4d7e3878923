//! A manager outlives all of its processes, and the machine's run, with all that was committed in it.

use std::path::Path;

use crossproc::{Manager, Queue};

use super::children::{succeeds, until};
use super::directory::Directory;
use super::forked::fork;
use super::image::Image;
use super::plain::{Shared, Zeroed};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

struct Progress(AtomicU64);

// SAFETY: all atomics, for which zero is a value.
#[expect(unsafe_code, reason = "what is promised is seen above")]
unsafe impl Zeroed for Progress {}

const KEYS: u64 = 500;

fn options() -> crossproc::Options<Manager> {
    Manager::options().memory(1 << 20).participants(6)
}

fn value(key: u64) -> Vec<u64> {
    vec![key; 1 + (key % 40) as usize]
}

fn fill(path: &Path) {
    let app = options().create_at(path).unwrap();
    let dict = app.dict::<u64, Vec<u64>>("dict").unwrap();
    (0..KEYS).for_each(|key| assert_eq!(dict.insert(&key, &value(key)).unwrap(), None));
    let list = app.list::<String>("list").unwrap();
    list.push(&"first".to_owned()).unwrap();
    app.namespace("settings")
        .unwrap()
        .set("depth", &7u32)
        .unwrap();
    app.value::<u64>("hits").unwrap().fetch_add(3);
    let queue = Queue::<u64>::options().capacity(16);
    let queue = app.open_or_create_object("queue", &queue).unwrap();
    queue.send(41).unwrap();
    app.sync().unwrap();
}

fn check(path: &Path) -> Manager {
    let app = options().open_at(path).unwrap();
    let dict = app.dict::<u64, Vec<u64>>("dict").unwrap();
    assert_eq!(dict.len() as u64, KEYS);
    (0..KEYS).for_each(|key| assert_eq!(dict.get(&key).unwrap(), Some(value(key))));
    let list = app.list::<String>("list").unwrap();
    assert_eq!(list.get(0).unwrap().as_deref(), Some("first"));
    let settings = app.namespace("settings").unwrap();
    assert_eq!(settings.get::<u32>("depth").unwrap(), Some(7));
    assert_eq!(app.value::<u64>("hits").unwrap().get().unwrap(), 3);
    let queue = app.open_object("queue", &Queue::<u64>::options()).unwrap();
    assert_eq!(queue.try_recv(), Ok(41));
    queue.send(41).unwrap();
    app
}

#[test]
fn what_was_committed_is_there_after_all_have_gone() {
    guarded!();
    for directory in Directory::both() {
        let path = directory.file("app");
        let mut child = fork(|| fill(&path));
        succeeds(&mut child);
        drop(check(&path));
        // And in another run of the machine, twice.
        for _ in 0..2 {
            Image::of(&path).of_another_run().put(&path);
            drop(check(&path));
        }
    }
}

#[test]
fn what_was_being_done_when_the_machine_stopped_is_put_in_order() {
    guarded!();
    for directory in Directory::both() {
        let path = directory.file("app");
        fill(&path);
        let used = check(&path).memory().unwrap().used;
        let progress = Shared::<Progress>::new();
        let mut child = fork(|| {
            let app = options().open_at(&path).unwrap();
            // Removed while it is open.
            let passing = app.dict::<u64, Vec<u64>>("passing").unwrap();
            (0..50).for_each(|key| drop(passing.insert(&key, &value(key)).unwrap()));
            app.remove_object("passing").unwrap();
            // A lock is held.
            let dict = app.dict::<u64, Vec<u64>>("dict").unwrap();
            let _ = dict.update(&7, |_| {
                progress.0.store(1, SeqCst);
                loop {
                    std::thread::park();
                }
            });
        });
        until(|| progress.0.load(SeqCst) == 1);
        // Nothing in it says that anyone has died.
        let image = Image::of(&path).of_another_run();
        child.kill();
        image.put(&path);

        let app = check(&path);
        let dict = app.dict::<u64, Vec<u64>>("dict").unwrap();
        for key in 0..KEYS {
            dict.update(&key, |before| before).unwrap();
        }
        // Whoever creates an object in the place of the removed one gives its memory back.
        drop(app.dict::<u64, Vec<u64>>("passing").unwrap());
        app.remove_object("passing").unwrap();
        drop(dict);
        // Putting a shard in order may give back a page that was kept for the next.
        assert!(app.memory().unwrap().used <= used);
        drop(app);
        drop(check(&path));
    }
}
