//! A notification is for those who wait already, not for one who comes while it is on its way.
//!
//! Three processes, two of them run from one system call to the next: the first waiter stands before its sleep, the notifier before its
//! wake-up call; then a second waiter comes, and falls asleep first.

use std::{fs, process, thread};

use crossproc::{Condvar, Mutex};

use super::children::{LIMIT, Word, until};
use super::forked::fork;
use super::plain::Shared;
use super::trace::{Progress, Tracee, stop_here};

/// Stops it where it is about to make system call `number`.
fn stops_before(tracee: &mut Tracee, pid: &Word, number: libc::c_long) {
    let doing = format!("/proc/{}/syscall", pid.get());
    loop {
        assert_eq!(tracee.run_to_system_call(), Progress::Stopped);
        let call = fs::read_to_string(&doing).unwrap();
        if call.split(' ').next() == Some(&*number.to_string()) {
            return;
        }
        assert_eq!(tracee.run_to_system_call(), Progress::Stopped);
    }
}

#[test]
fn a_notification_is_not_for_who_came_after_it() {
    guarded!();
    let (served, changed) = (Mutex::new(0u64).unwrap(), Condvar::new().unwrap());
    let joins = || {
        changed.notify_one().unwrap();
        drop(served.lock().unwrap());
    };
    let is_less = |than| move |now: &mut u64| *now < than;
    let go = Shared::<Word>::new();
    let [first_pid, notifier_pid] = [(); 2].map(|()| Shared::<Word>::new());
    let mut second = fork(|| {
        joins();
        go.set(1);
        until(|| go.get() == 2);
        drop(
            changed
                .wait_while(served.lock().unwrap(), is_less(2))
                .unwrap(),
        );
    });
    until(|| go.get() == 1);
    let mut notifier = Tracee::fork(|| {
        joins();
        notifier_pid.set(process::id().into());
        stop_here();
        *served.lock().unwrap() = 1;
        changed.notify_one().unwrap();
        thread::sleep(2 * LIMIT); // Its end would wake everybody.
    });
    let mut first = Tracee::fork(|| {
        joins();
        first_pid.set(process::id().into());
        stop_here();
        drop(
            changed
                .wait_while(served.lock().unwrap(), is_less(1))
                .unwrap(),
        );
    });
    stops_before(&mut first, &first_pid, libc::SYS_futex_waitv);
    stops_before(&mut notifier, &notifier_pid, libc::SYS_futex);
    go.set(2);
    until(|| second.is_asleep());
    // In whichever way it goes on, it has to see the notification.
    let progress = first.run_to_system_call();
    notifier.release();
    if progress == Progress::Asleep {
        first.finish();
    }
    second.kill();
}
