#![allow(unsafe_code)] // prctl has no safe wrapper for this
//! Who belongs to whom, and what can be asked of a child.

use std::os::fd::AsFd;
use std::process::{exit, id};
use std::time::Duration;

use crossproc::process::{
    ExitStatus, JoinError, active_children, builder, current, parent_id, spawn,
};
use crossproc::{Event, wait_any};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::guarded::HANG;
use crate::{Line, say, stay};

fn wait_for(event: Event) {
    event.wait().unwrap();
}

#[test]
fn a_child_knows_itself_and_its_parent() {
    guarded!();
    fn who((): ()) -> (u32, Option<u32>, Option<String>, bool) {
        let current = current();
        assert_eq!(current.parent_id(), parent_id());
        let name = current.name().map(String::from);
        (current.id(), parent_id(), name, current.is_child())
    }
    assert_eq!(who(()), (id(), None, None, false));
    let child = builder().name("one").spawn(who, ()).unwrap();
    let expected = (child.id(), Some(id()), Some("one".into()), true);
    assert_eq!(child.join(), Ok(expected));
}

#[test]
fn children_of_children_have_names_and_parents() {
    guarded!();
    fn generations(below: u32) -> Vec<(String, u32)> {
        let mut names = match below {
            0 => Vec::new(),
            _ => {
                let child = builder().name(format!("{below} below"));
                child.spawn(generations, below - 1).unwrap().join().unwrap()
            }
        };
        if let Some(name) = current().name() {
            names.push((name.into(), parent_id().unwrap()));
        }
        names
    }
    let family = generations(3);
    let names: Vec<_> = family.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["1 below", "2 below", "3 below"]);
    assert_eq!(family[2].1, id());
    assert!(family[0].1 != family[1].1 && family[1].1 != id());
}

#[test]
fn a_child_is_alive_until_it_has_ended() {
    guarded!();
    let end = Event::new().unwrap();
    let mut child = spawn(wait_for, end.clone()).unwrap();
    assert!(child.is_alive());
    assert_eq!(child.exit_status(), None);
    end.set().unwrap();
    assert_eq!(child.join_timeout(HANG), Ok(Some(())));
    assert!(!child.is_alive());
    assert_eq!(child.exit_status(), Some(ExitStatus::Exited { code: 0 }));
    assert!(child.exit_status().unwrap().success());
}

#[test]
fn how_a_child_ended_is_told_by_its_exit_status() {
    guarded!();
    let mut exits = spawn(|()| -> () { exit(7) }, ()).unwrap();
    exits.join_timeout(HANG).unwrap_err();
    assert_eq!(exits.exit_status(), Some(ExitStatus::Exited { code: 7 }));
    assert_eq!(exits.exit_status().unwrap().code(), Some(7));

    let mut panics = spawn(|()| -> () { panic!("told") }, ()).unwrap();
    panics.join_timeout(HANG).unwrap_err();
    assert_eq!(panics.exit_status(), Some(ExitStatus::Exited { code: 101 }));

    let begun = Event::new().unwrap();
    let mut child = spawn(
        |begun: Event| -> () {
            begun.set().unwrap();
            stay()
        },
        begun.clone(),
    )
    .unwrap();
    begun.wait().unwrap();
    child.interrupt().unwrap();
    let signal = libc::SIGINT;
    assert_eq!(child.join_timeout(HANG), Err(JoinError::Killed { signal }));
    let status = child.exit_status().unwrap();
    let core_dumped = false;
    assert_eq!(
        status,
        ExitStatus::Killed {
            signal,
            core_dumped
        }
    );
    assert_eq!(status.signal(), Some(signal));
    assert!(status.to_string().contains("SIGINT"), "{status}");
    child.interrupt().unwrap();
    child.signal(libc::SIGUSR1).unwrap();
}

#[test]
fn any_signal_that_has_a_name_can_be_sent() {
    guarded!();
    let end = Event::new().unwrap();
    let child = spawn(wait_for, end).unwrap();
    for none in [-1, 0, 1000] {
        assert!(child.signal(none).is_err());
    }
    // Those that are ignored by default end nobody.
    child.signal(libc::SIGWINCH).unwrap();
    let signal = libc::SIGUSR1;
    child.signal(signal).unwrap();
    match child.join() {
        // It may come before the child has begun.
        Err(JoinError::Killed { signal: by }) => assert_eq!(by, signal),
        Err(JoinError::NeverStarted { status }) => {
            assert_eq!(ExitStatus::from(status).signal(), Some(signal));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_child_s_descriptor_is_readable_once_it_has_ended() {
    guarded!();
    let end = Event::new().unwrap();
    let child = spawn(wait_for, end.clone()).unwrap();
    let ended = |timeout: Option<&Timespec>| {
        let pidfd = child.pidfd().unwrap();
        let mut fds = [PollFd::from_borrowed_fd(pidfd.as_fd(), PollFlags::IN)];
        poll(&mut fds, timeout).unwrap() == 1
    };
    assert!(!ended(Some(&Timespec::default())));
    end.set().unwrap();
    assert!(ended(None));
    assert_eq!(child.join(), Ok(()));
}

#[test]
fn active_children_are_those_that_have_not_ended() {
    guarded!();
    assert!(active_children().is_empty());
    let end = Event::new().unwrap();
    let kept = builder().name("kept").spawn(wait_for, end.clone()).unwrap();
    drop(builder().name("dropped").spawn(wait_for, end.clone()));
    let ended = builder().name("ended").spawn(|()| (), ()).unwrap();
    ended.join().unwrap();

    let active = active_children();
    let names: Vec<_> = active.iter().map(|child| child.name().to_owned()).collect();
    assert_eq!(names, ["kept", "dropped"]);
    assert_eq!(active[0].id(), kept.id());
    active[0].kill().unwrap();
    // Whether or not it has begun.
    kept.join().unwrap_err();
    assert_eq!(active_children().len(), 1);

    // The handles that remain of them can be waited for, too.
    end.set().unwrap();
    assert_eq!(wait_any(&[&active[1]]), Ok(0));
    let [killed, returned] = <[_; 2]>::try_from(active).unwrap();
    assert_eq!(killed.join().unwrap().signal(), Some(libc::SIGKILL));
    assert_eq!(returned.join(), Ok(ExitStatus::Exited { code: 0 }));
    assert!(active_children().is_empty());
}

#[test]
fn a_forked_process_has_no_active_children_but_its_own() {
    guarded!();
    let child = spawn(
        |()| {
            let mut inherited = spawn(|()| -> () { stay() }, ()).unwrap();
            let alone = crate::in_a_fork(|| {
                active_children().is_empty()
                    && !current().is_child()
                    && inherited.is_alive()
                    && inherited.exit_status().is_none()
                    && inherited.kill().is_ok()
                    && (0..HANG.as_millis()).any(|_| {
                        std::thread::sleep(Duration::from_millis(1));
                        !inherited.is_alive()
                    })
            });
            inherited.join_timeout(HANG).unwrap_err();
            alone && current().is_child()
        },
        (),
    );
    assert_eq!(child.unwrap().join(), Ok(true));
}

#[test]
fn who_is_to_outlive_its_parent_does() {
    guarded!();
    type Signs = (String, Event, Event);
    fn orphan((told, begun, end): Signs) {
        begun.set().unwrap();
        end.wait().unwrap();
        say(&told, parent_id().unwrap());
    }
    fn parent(signs: Signs) {
        let begun = signs.1.clone();
        drop(builder().outlive_parent().spawn(orphan, signs).unwrap());
        begun.wait().unwrap();
    }
    /// Orphans come to this process, which waits for them: nothing stays behind.
    fn home(signs: Signs) -> u32 {
        // SAFETY: sets an attribute of the process.
        unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1) };
        let told = signs.0.clone();
        let parent = spawn(parent, signs).unwrap();
        let id = parent.id();
        assert_eq!(parent.join(), Ok(()));
        say(&told, "orphaned");
        while crate::wait_for_any_child() {}
        id
    }
    let mut told = Line::new();
    let (begun, end) = (Event::new().unwrap(), Event::new().unwrap());
    let home = spawn(home, (told.input(), begun, end.clone())).unwrap();
    assert_eq!(told.next(), "orphaned");
    end.set().unwrap();
    // Nobody but the orphan says this, after its parent has ended.
    let parent = told.next();
    assert_eq!(home.join().map(|id| id.to_string()), Ok(parent));
}
