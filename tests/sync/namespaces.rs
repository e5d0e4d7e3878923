//! Two PID namespaces that share a lock, with the same thread ids on both sides.
#![allow(unsafe_code)] // unshare(2), kill(2)

use std::io::{self, Write};
use std::thread;
use std::time::Duration;

use crossproc::{LockError, LockTimeoutError, Mutex, Semaphore, TryLockError, WaitTimeoutError};

use super::asleep::is_asleep;
use super::children::{LIMIT, Word, until};
use super::forked::{Child, Ending, fork};
use super::plain::Shared;
use super::support::unique_name;

const REFUSED: u64 = u64::MAX;

/// The first process of a PID namespace of its own.
struct First {
    parent: Child,
    /// As the parent sees it.
    pid: libc::pid_t,
}

impl First {
    /// Runs `body` there; `None` if the system does not allow it.
    fn fork(body: impl FnOnce()) -> Option<First> {
        let pid = Shared::<Word>::new();
        let parent = fork(|| {
            // SAFETY: takes a plain number.
            if unsafe { libc::unshare(libc::CLONE_NEWPID) } != 0 {
                return pid.set(REFUSED);
            }
            let mut first = fork(|| {
                // SAFETY: takes nothing.
                assert_eq!(unsafe { libc::gettid() }, 1);
                body();
            });
            pid.set(first.pid().into());
            let ending = first.wait();
            assert!(matches!(
                ending,
                Ending::Exited(0) | Ending::Signalled(libc::SIGKILL)
            ));
        });
        until(|| pid.get() != 0);
        let pid = (pid.get() != REFUSED).then(|| pid.get())?;
        Some(First {
            parent,
            pid: pid.try_into().expect("process ids are 32-bit integers"),
        })
    }

    fn falls_asleep(&self) {
        until(|| is_asleep(self.pid.unsigned_abs()));
    }

    fn kill(mut self) {
        // SAFETY: kill(2) touches no memory; its parent does not reap it before that.
        assert_eq!(unsafe { libc::kill(self.pid, libc::SIGKILL) }, 0);
        self.succeeds();
    }

    fn succeeds(&mut self) {
        assert_eq!(self.parent.wait(), Ending::Exited(0));
    }
}

#[test]
fn equal_thread_ids_are_not_taken_for_each_other() {
    guarded!();
    let name = unique_name("namespaces");
    let mutex = Mutex::create(&name, 1u64).unwrap();
    let permits = Semaphore::create(&format!("{name}-permits"), 1).unwrap();
    let open = || {
        let mutex = Mutex::<u64>::open(&name).unwrap();
        (mutex, Semaphore::open(&format!("{name}-permits")).unwrap())
    };
    let has_both = Shared::<Word>::new();
    let holder = First::fork(|| {
        let (mutex, permits) = open();
        let _held = (mutex.lock().unwrap(), permits.acquire().unwrap());
        has_both.set(1);
        thread::sleep(2 * LIMIT);
    });
    let Some(holder) = holder else {
        // Not eprintln!: the test harness would keep it to itself.
        let _ = writeln!(
            io::stderr(),
            "\nNOT TESTED: equal_thread_ids_are_not_taken_for_each_other takes the right to make PID namespaces\n"
        );
        mutex.unlink().unwrap();
        return permits.unlink().unwrap();
    };
    until(|| has_both.get() == 1);

    // With the holder's own thread ids, elsewhere.
    let tried = Shared::<Word>::new();
    let mut waiter = First::fork(|| {
        let (mutex, permits) = open();
        let patience = Duration::from_millis(20);
        assert!(matches!(mutex.try_lock(), Err(TryLockError::WouldBlock)));
        let waited = mutex.lock_timeout(patience).map(drop);
        assert!(matches!(waited, Err(LockTimeoutError::Timeout)));
        let waited = permits.acquire_timeout(patience).map(drop);
        assert_eq!(waited, Err(WaitTimeoutError::Timeout));
        tried.set(1);
        assert!(matches!(mutex.lock(), Err(LockError::OwnerDied(_))));
        drop(permits.acquire().unwrap());
    })
    .expect("allowed a moment ago");
    until(|| tried.get() == 1);
    waiter.falls_asleep();

    // The death of another with these ids is not the holder's.
    let dies = First::fork(|| drop(open().0.lock())).expect("allowed a moment ago");
    dies.falls_asleep();
    dies.kill();
    assert!(matches!(mutex.try_lock(), Err(TryLockError::WouldBlock)));
    assert_eq!(permits.available(), 0);

    holder.kill();
    waiter.succeeds();
    assert!(matches!(mutex.lock(), Err(LockError::OwnerDied(_))));
    assert_eq!((mutex.repairs(), permits.repairs()), (1, 1));
    mutex.unlink().unwrap();
    permits.unlink().unwrap();
}
