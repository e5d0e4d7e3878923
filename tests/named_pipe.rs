//! Pipes whose two ends are found by name.

#[path = "support/asleep.rs"]
mod asleep;
#[path = "support/forked.rs"]
mod forked;
#[expect(dead_code, reason = "nobody looks into it here")]
#[path = "support/image.rs"]
mod image;
#[path = "support/plain.rs"]
mod plain;
mod support;

#[expect(dead_code, reason = "what others need of it")]
#[macro_use]
#[path = "sync/children.rs"]
mod children;

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use children::{Holder, asleep, succeeds, until};
use crossproc::pipe::{End, Pipe};
use crossproc::{
    Error, Group, Manager, Queue, RecvError, RecvTimeoutError, SendError, TryRecvError,
    TrySendError, testing,
};
use forked::fork;
use plain::{Shared, Zeroed};
use support::unique_name;

type Numbers = Pipe<u64, u32>;

/// A new pipe, and its name.
fn pipe() -> (String, Numbers) {
    let name = unique_name("pipe");
    let pipe = Pipe::options().memory(1).create(&name).unwrap();
    (name, pipe)
}

/// What goes in at each end comes out at the other.
fn assert_connected(left: &mut End<u64, u32>, right: &mut End<u32, u64>) {
    for n in 0..3 {
        left.send(&n).unwrap();
        right.send(&(n as u32 + 7)).unwrap();
        assert_eq!((right.recv(), left.recv()), (Ok(n), Ok(n as u32 + 7)));
    }
    assert_eq!(left.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(right.try_recv(), Err(TryRecvError::Empty));
}

/// Both ends can be taken, and neither has anything in it.
fn assert_starts_anew(pipe: &Numbers) {
    let (mut left, mut right) = (pipe.left().unwrap(), pipe.right().unwrap());
    assert_eq!(left.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(right.try_recv(), Err(TryRecvError::Empty));
    assert_connected(&mut left, &mut right);
}

#[track_caller]
fn assert_held<T>(end: crossproc::Result<T>, by: u32) {
    let held = end.map(drop).unwrap_err();
    assert!(
        matches!(held, Error::RoleHeld { pid, .. } if pid == by),
        "{held}"
    );
}

#[track_caller]
fn assert_spent<T>(end: crossproc::Result<T>, other: u32) {
    let spent = end.map(drop).unwrap_err();
    assert!(
        matches!(spent, Error::EndSpent { pid, .. } if pid == other),
        "{spent}"
    );
}

#[test]
fn two_programs_meet() {
    guarded!();
    let name = unique_name("pipe");
    let open = || Numbers::open_or_create(&name).unwrap();
    let left = || {
        let mut end = open().left().unwrap();
        for n in 0..1000 {
            end.send(&n).unwrap();
            assert_eq!(end.recv().unwrap(), n as u32 * 2);
        }
    };
    let right = || {
        let mut end = open().right().unwrap();
        while let Ok(n) = end.recv() {
            end.send(&(n as u32 * 2)).unwrap();
        }
        assert_eq!(end.try_recv(), Err(TryRecvError::Closed));
    };
    for _ in 0..10 {
        let (mut first, mut second) = (fork(left), fork(right));
        succeeds(&mut first);
        succeeds(&mut second);
    }
    let pipe = open();
    assert_eq!(pipe.capacity(), 512 << 10);
    assert_eq!(pipe.repairs(), 0);
    assert_starts_anew(&pipe);
    pipe.unlink().unwrap();
}

#[test]
fn an_end_has_one_holder() {
    guarded!();
    let (name, pipe) = pipe();
    let mut left = pipe.left().unwrap();
    let me = std::process::id();
    assert_held(pipe.left(), me);
    let error = pipe.left().unwrap_err().to_string();
    assert!(error.contains("left end"), "{error}");
    assert_held(Numbers::open(&name).unwrap().left(), me);
    let holder = Holder::of(|| pipe.right().unwrap());
    assert_held(pipe.right(), holder.pid());
    succeeds(&mut fork(|| {
        assert_held(pipe.left(), me);
        assert_held(pipe.right(), holder.pid());
    }));
    holder.let_go();
    assert_eq!(left.recv(), Err(RecvError::Closed));
    pipe.unlink().unwrap();
}

#[test]
fn half_an_end_is_held_too() {
    guarded!();
    let (_, pipe) = pipe();
    let me = std::process::id();
    let (sender, receiver) = pipe.left().unwrap().split();
    drop(sender);
    assert_held(pipe.left(), me);
    let right = pipe.right().unwrap();
    drop(receiver);
    assert_spent(pipe.left(), me);
    let (sender, receiver) = right.split();
    drop(receiver);
    assert_spent(pipe.left(), me);
    assert_held(pipe.right(), me);
    drop(sender);
    assert_starts_anew(&pipe);
    pipe.unlink().unwrap();
}

#[test]
fn who_comes_late_receives_what_was_sent() {
    guarded!();
    let (_, pipe) = pipe();
    let mut left = pipe.left().unwrap();
    left.send(&1).unwrap();
    let mut right = pipe.right().unwrap();
    assert_eq!(right.recv(), Ok(1));
    left.send(&2).unwrap();
    drop((left, right));

    // One who has gone, too: first an orderly one, then one that was killed.
    let mut left = pipe.left().unwrap();
    left.send(&3).unwrap();
    drop(left);
    let mut right = pipe.right().unwrap();
    assert_eq!(right.recv(), Ok(3));
    assert_eq!(right.recv(), Err(RecvError::Closed));
    assert_eq!(right.send(&4), Err(SendError::Closed(())));
    drop(right);

    let mut holder = Holder::of(|| {
        let mut left = pipe.left().unwrap();
        left.send(&5).unwrap();
        left
    });
    holder.kill();
    let mut right = pipe.right().unwrap();
    assert_eq!(right.recv(), Ok(5));
    assert_eq!(right.recv(), Err(RecvError::PeerDied));
    assert_eq!(right.try_send(&4), Err(TrySendError::PeerDied(())));
    drop(right);
    assert_eq!(pipe.repairs(), 0);
    assert_starts_anew(&pipe);
    assert_eq!(pipe.repairs(), 1);
    pipe.unlink().unwrap();
}

#[test]
fn nobody_takes_the_place_of_who_is_gone() {
    guarded!();
    let (_, pipe) = pipe();
    let me = std::process::id();
    let mut right = pipe.right().unwrap();
    for killed in [false, true] {
        let mut holder = Holder::of(|| {
            let mut left = pipe.left().unwrap();
            left.send(&1).unwrap();
            left
        });
        let told = if killed {
            holder.kill();
            RecvError::PeerDied
        } else {
            holder.let_go();
            RecvError::Closed
        };
        assert_spent(pipe.left(), me);
        assert_eq!((right.recv(), right.recv()), (Ok(1), Err(told)));
        assert_spent(pipe.left(), me);
        drop(right);
        assert_starts_anew(&pipe);
        right = pipe.right().unwrap();
    }
    pipe.unlink().unwrap();
}

#[test]
fn who_takes_an_end_again_starts_anew() {
    guarded!();
    let (_, pipe) = pipe();
    for n in 0..5 {
        // Nobody ever came for the other end.
        let mut left = pipe.left().unwrap();
        left.send(&n).unwrap();
    }
    let mut right = pipe.right().unwrap();
    assert_eq!(right.recv(), Ok(4));
    assert_eq!(right.recv(), Err(RecvError::Closed));
    pipe.unlink().unwrap();
}

#[test]
fn a_death_wakes_who_waits_at_the_other_end() {
    guarded!();
    let (_, pipe) = pipe();
    for _ in 0..10 {
        let mut holder = Holder::of(|| pipe.left().unwrap());
        let mut reader = asleep(|| {
            let mut right = pipe.right().unwrap();
            assert_eq!(right.recv(), Err(RecvError::PeerDied));
        });
        holder.kill();
        succeeds(&mut reader);
        let mut holder = Holder::of(|| pipe.left().unwrap());
        let mut writer = asleep(|| {
            let mut right = pipe.right().unwrap();
            while right.send(&1).is_ok() {}
            assert_eq!(right.try_send(&1), Err(TrySendError::PeerDied(())));
        });
        holder.kill();
        succeeds(&mut writer);
    }
    assert_starts_anew(&pipe);
    pipe.unlink().unwrap();
}

/// How many have what they wanted, and whether all may go.
#[derive(Default)]
struct Count {
    waiting: AtomicU64,
    winners: AtomicU64,
    losers: AtomicU64,
    done: AtomicU64,
}

// SAFETY: atomics, for which zero is a value.
#[allow(unsafe_code, reason = "memory that forked children share")]
unsafe impl Zeroed for Count {}

#[test]
fn of_many_who_want_an_end_one_has_it() {
    guarded!();
    const WANT_IT: u64 = 6;
    let (_, pipe) = pipe();
    for round in 0..20 {
        let count = Shared::<Count>::new();
        let one = |left: bool| {
            fork(|| {
                count.waiting.fetch_add(1, Ordering::SeqCst);
                until(|| count.waiting.load(Ordering::SeqCst) == WANT_IT);
                let taken = match left {
                    true => pipe
                        .left()
                        .map(|end| Box::new(end) as Box<dyn std::any::Any>),
                    false => pipe
                        .right()
                        .map(|end| Box::new(end) as Box<dyn std::any::Any>),
                };
                match &taken {
                    Ok(_) => count.winners.fetch_add(1, Ordering::SeqCst),
                    Err(Error::RoleHeld { .. }) => count.losers.fetch_add(1, Ordering::SeqCst),
                    Err(other) => panic!("{other}"),
                };
                until(|| count.done.load(Ordering::SeqCst) == 1);
            })
        };
        let mut all: Vec<_> = (0..WANT_IT).map(|n| one(n % 2 == 0)).collect();
        until(|| {
            let winners = count.winners.load(Ordering::SeqCst);
            winners + count.losers.load(Ordering::SeqCst) == WANT_IT
        });
        assert_eq!(count.winners.load(Ordering::SeqCst), 2, "round {round}");
        // The next round begins with an end that was closed, or whose holder was killed.
        if round % 2 == 0 {
            all.iter_mut().for_each(forked::Child::kill);
        } else {
            count.done.store(1, Ordering::SeqCst);
            all.iter_mut().for_each(succeeds);
        }
    }
    assert_starts_anew(&pipe);
    assert_eq!(pipe.repairs(), 10);
    pipe.unlink().unwrap();
}

#[test]
fn it_lies_anywhere_in_a_segment() {
    guarded!();
    let name = unique_name("pipe");
    let group = || {
        Group::of((
            Queue::<u64>::options().capacity(3),
            Numbers::options().memory(1),
            Queue::<u32>::options().capacity(5),
            Numbers::options().memory(5000),
        ))
    };
    let (first, small, second, large) = group().create(&name).unwrap();
    assert_eq!((small.capacity(), large.capacity()), (4096, 8192));
    let mut ends = [small.right().unwrap(), large.right().unwrap()];
    let mut child = fork(|| {
        let (_, small, _, large) = group().open(&name).unwrap();
        let mut ends = [small.left().unwrap(), large.left().unwrap()];
        for n in 0..5000 {
            // Over the end of the memory, again and again.
            ends[0].send(&n).unwrap();
            ends[1].send(&(n + 1)).unwrap();
            first.send(n).unwrap();
            second.send(n as u32).unwrap();
            assert_eq!((ends[0].recv(), ends[1].recv()), (Ok(1), Ok(2)));
            assert_eq!((first.recv(), second.recv()), (Ok(n), Ok(n as u32)));
        }
        let package = testing::pack(ends);
        succeeds(&mut fork(|| {
            let [mut small, mut large]: [End<u64, u32>; 2] = package.unpack();
            small.send(&1).unwrap();
            large.send(&2).unwrap();
        }));
    });
    for n in 0..5000 {
        assert_eq!((ends[0].recv(), ends[1].recv()), (Ok(n), Ok(n + 1)));
        ends[0].send(&1).unwrap();
        ends[1].send(&2).unwrap();
    }
    for (n, mut end) in (1..).zip(ends) {
        assert_eq!((end.recv(), end.recv()), (Ok(n), Err(RecvError::Closed)));
    }
    succeeds(&mut child);
    crossproc::unlink(&name).unwrap();
}

/// Who says something, and how much it has said before.
type Words = [u64; 2];

/// Says something, and hears out whoever is at the other end: everything from the first word on, from one.
fn converse(mut end: End<Words, Words>, words: u64) {
    let me = u64::from(std::process::id());
    let mut other = None;
    let mut heard = 0;
    let mut hear = |received: Words| {
        let [who, count] = received;
        assert_eq!((*other.get_or_insert(who), count), (who, heard));
        heard += 1;
    };
    for word in 0..words {
        // Full, or nobody is there any more: what was said before is still there.
        if end.try_send(&[me, word]).is_err() {
            break;
        }
        if let Ok(received) = end.try_recv() {
            hear(received);
        }
    }
    let mut receiver = end.close_sending();
    loop {
        match receiver.recv_timeout(Duration::from_millis(5)) {
            Ok(received) => hear(received),
            Err(RecvTimeoutError::Fault(fault)) => panic!("{fault}"),
            Err(_) => break,
        }
    }
}

#[test]
fn connections_do_not_mix_whoever_is_killed() {
    guarded!();
    const KILLS: u64 = 400;
    let options = Pipe::<Words, Words>::options().memory(1);
    let pipe = options.create(&unique_name("pipe")).unwrap();
    let worker = |seed: u64| {
        fork(|| {
            for turn in seed.. {
                let end = match turn.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 63 {
                    0 => pipe.left(),
                    _ => pipe.right(),
                };
                match end {
                    Ok(end) => converse(end, 1 + turn % 300),
                    Err(Error::RoleHeld { .. } | Error::EndSpent { .. }) => thread::yield_now(),
                    Err(other) => panic!("{other}"),
                }
            }
        })
    };
    let mut workers: Vec<_> = (0..4).map(|n| worker(n * 1000)).collect();
    for kill in 0..KILLS {
        thread::sleep(Duration::from_micros(kill * 7919 % 3000));
        let victim = &mut workers[kill as usize % 4];
        assert_eq!(victim.try_wait(), None, "something is wrong in it");
        victim.kill();
        *victim = worker(kill * 31 + 7);
    }
    workers.iter_mut().for_each(forked::Child::kill);
    // Connections were cut, and began anew.
    println!("started anew after a death: {}", pipe.repairs());
    assert!(pipe.repairs() > 0);
    // Who takes one that nobody has had yet may find what a dead one has left at the other.
    drop(pipe.left().unwrap());
    let (mut left, mut right) = (pipe.left().unwrap(), pipe.right().unwrap());
    left.send(&[1, 2]).unwrap();
    right.send(&[3, 4]).unwrap();
    assert_eq!((left.recv(), right.recv()), (Ok([3, 4]), Ok([1, 2])));
    pipe.unlink().unwrap();
}

#[test]
fn it_is_an_object_of_a_manager() {
    guarded!();
    let manager = Manager::new().unwrap();
    let options = || Numbers::options().memory(1);
    for n in 0..20 {
        let name = format!("pipe-{n}");
        manager.value::<u64>(&format!("value-{n}")).unwrap();
        let pipe = manager.create_object(&name, &options()).unwrap();
        let mut left = pipe.left().unwrap();
        let mut child = fork(|| {
            let pipe = manager.open_object(&name, &options()).unwrap();
            let mut right = pipe.right().unwrap();
            for n in 0..1000 {
                assert_eq!(right.recv(), Ok(n));
            }
        });
        (0..1000).for_each(|n| left.send(&n).unwrap());
        succeeds(&mut child);
        drop((left, pipe));
        if n % 2 == 0 {
            manager.remove_object(&name).unwrap();
        }
    }
}

#[test]
fn after_a_restart_of_the_machine_it_starts_anew() {
    guarded!();
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(unique_name("pipe"));
    let pipe: Numbers = Pipe::options().create_at(&path).unwrap();
    let (mut left, _right) = (pipe.left().unwrap(), pipe.right().unwrap());
    left.send(&1).unwrap();
    image::Image::of(&path).of_another_run().put(&path);
    let pipe: Numbers = Pipe::options().open_at(&path).unwrap();
    assert_starts_anew(&pipe);
    pipe.unlink().unwrap();
}

#[test]
fn what_others_scribble_is_not_believed() {
    guarded!();
    let (name, pipe) = pipe();
    let file = File::options()
        .write(true)
        .open(format!("/dev/shm/crossproc.{name}"))
        .unwrap();
    let page = rustix::param::page_size() as u64;
    let body = page * (1 + 126 / 3);
    let poke = |offset: u64, word: u64| {
        file.write_all_at(&word.to_le_bytes(), body + offset)
            .unwrap()
    };

    // That it is starting anew, while there are users.
    let left = pipe.left().unwrap();
    poke(784, 1);
    for error in [pipe.left().map(drop), pipe.right().map(drop)] {
        let error = error.unwrap_err();
        assert!(matches!(error, Error::Corrupted { .. }), "{error}");
    }
    drop(left);
    poke(784, u64::MAX);
    assert_starts_anew(&pipe);

    // Roles that are none, owners that never were, positions that contradict each other, a lock that is none.
    for word in [3, u64::MAX, 1, 77 << 32 | 5, 0x7fff_ffff_0000_fffd] {
        for offset in [0, 128, 264, 272, 384, 512, 648, 656] {
            poke(offset, word);
            for _ in 0..2 {
                let ends = (pipe.left(), pipe.right());
                if let (Ok(mut left), Ok(mut right)) = ends {
                    let _ = (left.try_send(&1), right.try_send(&2));
                    let _ = (left.try_recv(), right.try_recv());
                }
            }
            poke(784, 1);
            assert_starts_anew(&pipe);
        }
    }
    poke(768, 3);
    assert!(matches!(pipe.left(), Err(Error::Corrupted { .. })));
    pipe.unlink().unwrap();
}

#[test]
fn sizes() {
    guarded!();
    let name = unique_name("pipe");
    let says = |bytes, says: &str| {
        let error = Numbers::options()
            .memory(bytes)
            .create(&name)
            .unwrap_err()
            .to_string();
        assert!(error.contains(says), "{error}");
    };
    says(0, "memory cannot be 0");
    says(usize::MAX, "exceeds the address space");
    says(1 << 62, "exceeds the address space");
    assert_eq!(Numbers::new().unwrap().capacity(), 512 << 10);
    let pipe = Numbers::options().memory(100_000).create(&name).unwrap();
    assert_eq!(pipe.capacity(), 1 << 17);
    assert!(matches!(
        Numbers::options().memory(1).open(&name),
        Err(Error::Mismatch {
            field: "capacity",
            ..
        })
    ));
    assert!(matches!(
        Queue::<u64>::open(&name),
        Err(Error::Mismatch { field: "kind", .. })
    ));
    pipe.unlink().unwrap();
}
