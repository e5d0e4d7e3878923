//! The machine is started anew: a segment's file is as it was, but for the boot id, which is another run's.

use std::fs;
use std::path::Path;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crossproc::{Error, LockError, Mutex, Queue, Semaphore, TryLockError};

use super::children::{succeeds, until};
use super::directory::Directory;
use super::forked::fork;
use super::image::Image;
use super::plain::{Shared, Zeroed};

fn boot_id() -> Vec<u8> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let id = u128::from_str_radix(&text.trim().replace('-', ""), 16).unwrap();
    id.to_be_bytes().to_vec()
}

type Value = [u64; 4];

/// A queue as a power cut leaves it while `senders` threads, each of which has sent its number, are alive.
fn while_alive(senders: u64, queue: &Queue<u64>, path: &Path) -> Image {
    let (sent, seen) = (
        Barrier::new(senders as usize + 1),
        Barrier::new(senders as usize + 1),
    );
    thread::scope(|scope| {
        for n in 0..senders {
            let (sent, seen) = (&sent, &seen);
            scope.spawn(move || {
                let outcome = queue.send(n);
                sent.wait();
                seen.wait();
                outcome.unwrap();
            });
        }
        sent.wait();
        let image = Image::of(path);
        seen.wait();
        image
    })
}

/// A lock as a power cut leaves it while somebody has it: the last committed value is all 7.
fn locked(path: &Path) -> Image {
    let mutex = Mutex::options()
        .value([1; 4])
        .participants(6)
        .create_at(path);
    let mutex: Mutex<Value> = mutex.unwrap();
    *mutex.lock().unwrap() = [7; 4];
    let mut guard = mutex.lock().unwrap();
    guard[0] = 666;
    Image::of(path)
}

fn open(path: &Path) -> Mutex<Value> {
    Mutex::options().open_at(path).unwrap()
}

#[test]
fn what_was_locked_is_inherited() {
    guarded!();
    for directory in Directory::both() {
        let path = directory.file("lock");
        let image = locked(&path);

        // In this run of the machine its owner lives: it is the thread of this test.
        image.put(&path);
        assert!(matches!(
            open(&path).try_lock(),
            Err(TryLockError::WouldBlock)
        ));

        let image = image.of_another_run();
        image.put(&path);
        let mutex = open(&path);
        match mutex.lock() {
            Err(LockError::OwnerDied(mut guard)) => {
                assert_eq!(*guard, [7; 4]);
                guard.mark_consistent();
                *guard = [8; 4];
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(Image::of(&path).boot_id(), boot_id());
        drop(mutex);
        assert_eq!(*open(&path).lock().unwrap(), [8; 4]);
    }
}

#[test]
fn what_was_sent_is_received_and_places_are_free() {
    guarded!();
    for directory in Directory::both() {
        let path = directory.file("queue");
        let options = || Queue::<u64>::options().capacity(8).participants(6);
        let queue = options().create_at(&path).unwrap();
        // Every place is taken when the power goes.
        let mut image = while_alive(5, &queue, &path);
        for _ in 0..5 {
            image.of_another_run().put(&path);
            let opened = options().open_at(&path).unwrap();
            let mut received: Vec<_> = opened.try_iter().collect();
            received.sort_unstable();
            assert_eq!(received, [0, 1, 2, 3, 4]);
            image = thread::scope(|scope| {
                // This thread has a place now, so it is another that waits for the others.
                drop(opened);
                let again = options().open_at(&path).unwrap();
                let path = &path;
                scope
                    .spawn(move || while_alive(5, &again, path))
                    .join()
                    .unwrap()
            });
        }
    }
}

#[test]
fn generations_take_a_leap() {
    guarded!();
    let directory = Directory::new();
    let path = directory.file("lock");
    let image = locked(&path).of_another_run();
    let page = rustix::param::page_size();
    let lives = |image: &Image| -> Vec<u64> {
        let life = |page_start: usize, slot: usize| {
            let at = page_start + page - 24 + slot * 8;
            u64::from_le_bytes(image.bytes()[at..at + 8].try_into().unwrap())
        };
        (0..6)
            .map(|index| life(page * (1 + index / 3), index % 3))
            .collect()
    };
    let before = lives(&image);
    image.put(&path);
    drop(open(&path));
    let after = lives(&Image::of(&path));
    for (index, (before, after)) in before.iter().zip(after).enumerate() {
        let leaps = (after >> 32) - (before >> 32);
        // The process and a thread of it may have taken a place since.
        assert!(
            (1 << 22..=(1 << 22) + 2).contains(&leaps),
            "{index}: {leaps}"
        );
    }
}

#[test]
fn half_a_boot_id_is_none() {
    guarded!();
    let directory = Directory::new();
    let path = directory.file("lock");
    for half in [64, 72] {
        let image = locked(&path).of_another_run();
        image.put(&path);
        let mut bytes = image.bytes().to_vec();
        bytes[half..half + 8].copy_from_slice(&boot_id()[half - 64..half - 56]);
        fs::write(&path, bytes).unwrap();
        let mutex = open(&path);
        assert!(matches!(mutex.lock(), Err(LockError::OwnerDied(_))));
        drop(mutex);
        fs::remove_file(&path).unwrap();
    }
}

#[derive(Default)]
struct Gate {
    waiting: AtomicU64,
    open: AtomicU64,
    inherited: AtomicU64,
}

// SAFETY: atomics, for which zero is a value.
#[allow(unsafe_code, reason = "memory that forked children share")]
unsafe impl Zeroed for Gate {}

#[test]
fn many_open_it_at_once() {
    guarded!();
    const OPENERS: u64 = 8;
    let directory = Directory::new();
    let path = directory.file("count");
    let mutex = Mutex::options().value([0u64; 4]).create_at(&path).unwrap();
    let guard = mutex.lock().unwrap();
    let image = Image::of(&path).of_another_run();
    drop(guard);
    drop(mutex);
    for round in 0..30 {
        image.put(&path);
        let gate = Shared::<Gate>::new();
        let openers: Vec<_> = (0..OPENERS)
            .map(|_| {
                fork(|| {
                    gate.waiting.fetch_add(1, Ordering::SeqCst);
                    while gate.open.load(Ordering::SeqCst) == 0 {
                        std::hint::spin_loop();
                    }
                    let mutex = open(&path);
                    for _ in 0..100 {
                        match mutex.lock() {
                            Ok(mut guard) => guard[0] += 1,
                            Err(LockError::OwnerDied(mut guard)) => {
                                gate.inherited.fetch_add(1, Ordering::SeqCst);
                                guard.mark_consistent();
                                guard[0] += 1;
                            }
                            Err(other) => panic!("{other}"),
                        }
                    }
                })
            })
            .collect();
        until(|| gate.waiting.load(Ordering::SeqCst) == OPENERS);
        gate.open.store(1, Ordering::SeqCst);
        for mut opener in openers {
            succeeds(&mut opener);
        }
        // Nobody who lives now was taken for one of the dead.
        assert_eq!(gate.inherited.load(Ordering::SeqCst), 1, "round {round}");
        assert_eq!(open(&path).lock().unwrap()[0], OPENERS * 100);
    }
}

#[test]
fn permits_come_back() {
    guarded!();
    let directory = Directory::new();
    let path = directory.file("permits");
    let options = || Semaphore::options().permits(2);
    let semaphore = options().create_at(&path).unwrap();
    let permits = [semaphore.acquire().unwrap(), semaphore.acquire().unwrap()];
    let image = Image::of(&path).of_another_run();
    drop(permits);
    image.put(&path);
    let semaphore = options().open_at(&path).unwrap();
    let _both = [semaphore.acquire().unwrap(), semaphore.acquire().unwrap()];
    assert!(semaphore.try_acquire().is_err());
}

#[test]
fn what_is_in_memory_is_not_believed_after_a_restart() {
    guarded!();
    let name = super::support::unique_name("restart");
    let queue = Queue::<u64>::create(&name, 4).unwrap();
    let file = format!("/dev/shm/crossproc.{name}");
    Image::of(file.as_ref()).of_another_run().put(file.as_ref());
    assert!(matches!(
        Queue::<u64>::open(&name),
        Err(Error::BeforeBoot { .. })
    ));
    drop(queue);
    crossproc::unlink(&name).unwrap();
}
