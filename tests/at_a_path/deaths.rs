//! The kernel marks who dies, and wakes who sleeps, whatever the file system, and whether or not it has just written the pages to the disk.

use std::fs::File;

use crossproc::{LockError, Mutex, Queue};

use super::children::{Holder, asleep, killed_while_another_sleeps, succeeds};
use super::directory::Directory;

#[test]
fn what_the_dead_had_locked_goes_to_who_sleeps_for_it() {
    guarded!();
    for directory in Directory::both() {
        let path = directory.file("lock");
        let mutex = Mutex::options().value([1u64; 4]).create_at(&path).unwrap();
        for _ in 0..20 {
            let has = || {
                // By its own description of the file, as any other program.
                let mutex = Mutex::<[u64; 4]>::options().open_at(&path).unwrap();
                let guard = mutex.lock().unwrap();
                // The page with this thread's life is clean now, and write-protected: so the kernel finds it.
                File::open(&path).unwrap().sync_all().unwrap();
                std::mem::forget(guard);
                mutex
            };
            let wants = || match mutex.lock() {
                Err(LockError::OwnerDied(mut guard)) => {
                    assert_eq!(*guard, [1; 4]);
                    guard.mark_consistent();
                }
                other => panic!("{other:?}"),
            };
            killed_while_another_sleeps(has, wants);
        }
        assert_eq!(mutex.repairs(), 20);
    }
}

#[test]
fn places_of_the_dead_are_free() {
    guarded!();
    for directory in Directory::both() {
        let path = directory.file("queue");
        let options = || Queue::<u64>::options().capacity(4).participants(6);
        let queue = options().create_at(&path).unwrap();
        for n in 0..20 {
            let mut holder = Holder::of(|| {
                let queue = options().open_at(&path).unwrap();
                queue.send(n).unwrap();
                queue
            });
            holder.kill();
            assert_eq!(queue.recv().unwrap(), n);
        }
        let mut receiver = asleep(|| assert_eq!(queue.recv().unwrap(), 77));
        queue.send(77).unwrap();
        succeeds(&mut receiver);
    }
}
