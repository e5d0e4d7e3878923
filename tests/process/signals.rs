//! Which signals a child blocks and ignores.

use std::fs;
use std::thread;

use crossproc::process::{builder, spawn};

/// What a thread blocks, and what its process ignores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Signals {
    blocked: u64,
    ignored: u64,
}

fn bit(signal: i32) -> u64 {
    1 << (signal - 1)
}

/// Of the calling thread and its process, but for the two signals that the C library keeps for itself.
fn own((): ()) -> (u64, u64) {
    let library = bit(32) | bit(33);
    let status = fs::read_to_string("/proc/thread-self/status").unwrap();
    let set = |name| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        u64::from_str_radix(line.unwrap().trim(), 16).unwrap() & !library
    };
    (set("SigBlk:"), set("SigIgn:"))
}

fn signals((blocked, ignored): (u64, u64)) -> Signals {
    Signals { blocked, ignored }
}

/// Ignoring belongs to processes, so in one of its own.
fn after_blocking_and_ignoring(f: fn(Signals)) {
    // SAFETY: sets dispositions, and no handler; the set is initialised before use, and the mask is this thread's own.
    unsafe {
        libc::signal(libc::SIGHUP, libc::SIG_IGN);
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, libc::SIGUSR1);
        libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
    }
    let here = signals(own(()));
    assert_ne!(here.blocked & bit(libc::SIGUSR1), 0);
    assert_ne!(here.ignored & bit(libc::SIGHUP), 0);
    f(here);
}

#[test]
fn a_child_blocks_no_signal_and_ignores_none_but_sigpipe() {
    guarded!();
    let child = spawn(
        |()| {
            after_blocking_and_ignoring(|_| {
                let child = signals(spawn(own, ()).unwrap().join().unwrap());
                let (blocked, ignored) = (0, bit(libc::SIGPIPE));
                assert_eq!(child, Signals { blocked, ignored });
            });
        },
        (),
    );
    assert_eq!(child.unwrap().join(), Ok(()));
}

#[test]
fn a_child_can_inherit_what_its_parent_blocks_and_ignores() {
    guarded!();
    let child = spawn(
        |()| {
            after_blocking_and_ignoring(|here| {
                let child = builder().inherit_signals().spawn(own, ()).unwrap();
                assert_eq!(signals(child.join().unwrap()), here);
            });
        },
        (),
    );
    assert_eq!(child.unwrap().join(), Ok(()));
}

#[test]
fn the_mask_inherited_is_that_of_the_spawning_thread() {
    guarded!();
    let other = thread::spawn(|| {
        // SAFETY: the set is initialised before use, and the mask is this thread's own.
        unsafe {
            let mut set = std::mem::zeroed();
            libc::sigemptyset(&mut set);
            libc::sigaddset(&mut set, libc::SIGUSR2);
            libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
        }
        let child = builder().inherit_signals().spawn(own, ()).unwrap();
        (signals(own(())), signals(child.join().unwrap()))
    });
    let (thread, child) = other.join().unwrap();
    assert_ne!(thread.blocked & bit(libc::SIGUSR2), 0);
    assert_eq!(child.blocked, thread.blocked);
    let here = builder().inherit_signals().spawn(own, ()).unwrap();
    assert_eq!(here.join().unwrap().0, own(()).0);
}
