//! Child processes: arguments and results, and every way a child can end.
#![allow(unsafe_code)] // fork, signal masks and exit handlers have no safe wrapper

#[macro_use]
#[path = "../support/guarded.rs"]
mod guarded;
#[path = "../support/mod.rs"]
mod support;

mod family;
mod settings;
mod signals;
mod streams;

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, PipeReader, PipeWriter, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::panic;
use std::process::{ExitStatus, abort, exit};
use std::thread;
use std::time::{Duration, Instant};

use crossproc::Error;
use crossproc::process::{Child, JoinError, spawn};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use guarded::HANG;

/// A pipe that a child opens by path, so that nothing has to be inherited.
struct Line {
    reader: BufReader<PipeReader>,
    writer: PipeWriter,
}

impl Line {
    fn new() -> Line {
        let (reader, writer) = io::pipe().unwrap();
        let reader = BufReader::new(reader);
        Line { reader, writer }
    }

    fn path_of(fd: &impl AsRawFd) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), fd.as_raw_fd())
    }

    /// For a child to write to.
    fn input(&self) -> String {
        Line::path_of(&self.writer)
    }

    /// For a child to read from.
    fn output(&self) -> String {
        Line::path_of(self.reader.get_ref())
    }

    fn next(&mut self) -> String {
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        line.trim_end().to_string()
    }
}

fn say(path: &str, what: impl std::fmt::Display) {
    let mut line = OpenOptions::new().write(true).open(path).unwrap();
    line.write_all(format!("{what}\n").as_bytes()).unwrap();
}

fn hear(path: &str) -> String {
    let mut line = String::new();
    BufReader::new(File::open(path).unwrap())
        .read_line(&mut line)
        .unwrap();
    line
}

/// Only a signal ends it, or, so that nothing stays behind when a test has failed, a long time.
fn stay() -> ! {
    thread::sleep(2 * HANG);
    abort()
}

/// Says that it has begun, and waits to be told to return.
fn answer_when_told((begun, told): (String, String)) -> u32 {
    say(&begun, "begun");
    hear(&told);
    42
}

fn assert_panicked<R: Debug + DeserializeOwned>(child: Child<R>, expected: &str) -> Option<String> {
    match child.join() {
        Err(JoinError::Panicked { message, location }) => {
            assert!(message.contains(expected), "{message}");
            location
        }
        other => panic!("{other:?}"),
    }
}

// Arguments and results.

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Shape {
    Circle { radius: f64 },
    Named(String, Vec<Option<i128>>),
}

#[test]
fn typed_values_go_there_and_come_back() {
    guarded!();
    fn swap((left, right): (Shape, Shape)) -> (Shape, Shape) {
        (right, left)
    }
    let circle = Shape::Circle { radius: 0.1 };
    let named = Shape::Named("é\0".into(), vec![None, Some(i128::MIN)]);
    let child = spawn(swap, (circle.clone(), named.clone())).unwrap();
    assert_eq!(child.join().unwrap(), (named, circle));
}

#[test]
fn entries_are_functions_generic_ones_methods_and_closures() {
    guarded!();
    fn twice<T: std::ops::Add<Output = T> + Copy>(n: T) -> T {
        n + n
    }
    assert_eq!(spawn(twice::<u8>, 21).unwrap().join().unwrap(), 42);
    assert_eq!(spawn(twice::<f32>, 1.5).unwrap().join().unwrap(), 3.0);
    assert_eq!(
        spawn(|s: String| s.len(), "four".to_string())
            .unwrap()
            .join()
            .unwrap(),
        4
    );
    let bytes = spawn(String::into_bytes, "four".to_string());
    assert_eq!(bytes.unwrap().join().unwrap(), b"four");
}

#[test]
fn ten_mebibytes_each_way() {
    guarded!();
    fn invert(bytes: Vec<u8>) -> Vec<u8> {
        bytes.into_iter().map(|byte| !byte).collect()
    }
    let bytes: Vec<u8> = (0..10 << 20).map(|n: u32| (n / 7) as u8).collect();
    let inverted = spawn(invert, bytes.clone()).unwrap().join().unwrap();
    assert!(inverted == invert(bytes));
}

/// Serialises, deserialises, or not, as told.
struct Stubborn {
    sends: bool,
    arrives: bool,
}

impl Serialize for Stubborn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.sends {
            true => self.arrives.serialize(serializer),
            false => Err(serde::ser::Error::custom("will not go")),
        }
    }
}

impl<'de> Deserialize<'de> for Stubborn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match bool::deserialize(deserializer)? {
            true => Ok(Stubborn {
                sends: true,
                arrives: true,
            }),
            false => Err(serde::de::Error::custom("will not come")),
        }
    }
}

#[test]
fn arguments_that_cannot_be_serialised_start_nothing() {
    guarded!();
    let refused = spawn(
        |_: Stubborn| (),
        Stubborn {
            sends: false,
            arrives: true,
        },
    );
    assert!(
        matches!(refused, Err(Error::Arguments { .. })),
        "{refused:?}"
    );
}

#[test]
fn arguments_that_cannot_be_deserialised_are_reported() {
    guarded!();
    let child = spawn(
        |_: Stubborn| (),
        Stubborn {
            sends: true,
            arrives: false,
        },
    )
    .unwrap();
    let error = child.join().unwrap_err();
    assert!(matches!(error, JoinError::Arguments { .. }), "{error:?}");
}

#[test]
fn results_that_cannot_be_handed_over_are_reported() {
    guarded!();
    fn make((sends, arrives): (bool, bool)) -> Stubborn {
        Stubborn { sends, arrives }
    }
    for (sends, arrives) in [(false, true), (true, false)] {
        match spawn(make, (sends, arrives)).unwrap().join() {
            Err(JoinError::Result { .. }) => {}
            Err(other) => panic!("{other:?}"),
            Ok(_) => panic!("it arrived"),
        }
    }
}

// Panics.

#[test]
fn a_panic_tells_its_message_and_place() {
    guarded!();
    fn fail(n: u32) -> u32 {
        let here = line!() + 1;
        panic!("no room for {n}, says line {here}");
    }
    match spawn(fail, 7).unwrap().join() {
        Err(JoinError::Panicked { message, location }) => {
            let (what, line) = message.split_once(", says line ").unwrap();
            assert_eq!(what, "no room for 7");
            assert_eq!(location, Some(format!("{}:{line}:9", file!())));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn unusual_panics_are_told_as_well_as_can_be() {
    guarded!();
    let no_message = spawn(|()| -> () { panic::panic_any(5) }, ()).unwrap();
    assert!(assert_panicked(no_message, "Any").is_some());

    // Resumed from another thread: its place is not that of an earlier panic on this one.
    let resumed = spawn(
        |()| -> () {
            let _ = panic::catch_unwind(|| panic!("caught"));
            let failed = thread::spawn(|| panic!("from a thread")).join();
            panic::resume_unwind(failed.unwrap_err());
        },
        (),
    )
    .unwrap();
    assert_eq!(assert_panicked(resumed, "from a thread"), None);

    struct Bomb;
    impl Serialize for Bomb {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            ().serialize(serializer)
        }
    }
    impl<'de> Deserialize<'de> for Bomb {
        fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            panic!("while unpacking")
        }
    }
    let unpacking = spawn(|_: Bomb| (), Bomb).unwrap();
    assert!(assert_panicked(unpacking, "while unpacking").is_some());
}

#[test]
fn a_caught_panic_is_no_panic() {
    guarded!();
    let child = spawn(|()| panic::catch_unwind(|| panic!("caught")).is_err(), ()).unwrap();
    assert!(child.join().unwrap());
}

// Other ends.

#[test]
fn exit_codes_are_told() {
    guarded!();
    for code in [0, 1, 101, 255] {
        let child = spawn(|code: i32| -> () { exit(code) }, code).unwrap();
        assert_eq!(child.join(), Err(JoinError::Exited { code }));
    }
}

#[test]
fn signals_are_told() {
    guarded!();
    let aborted = spawn(|()| -> () { abort() }, ()).unwrap();
    let signal = libc::SIGABRT;
    assert_eq!(aborted.join(), Err(JoinError::Killed { signal }));

    let mut begun = Line::new();
    for signal in [libc::SIGKILL, libc::SIGTERM] {
        let child = spawn(
            |begun: String| -> () {
                say(&begun, "begun");
                stay()
            },
            begun.input(),
        )
        .unwrap();
        begun.next();
        match signal {
            libc::SIGKILL => child.kill().unwrap(),
            _ => child.terminate().unwrap(),
        }
        assert_eq!(child.join(), Err(JoinError::Killed { signal }));
    }
}

#[test]
fn signalling_a_child_that_has_ended_does_nothing() {
    guarded!();
    let mut child = spawn(|()| 1, ()).unwrap();
    assert_eq!(child.join_timeout(Duration::MAX), Ok(Some(1)));
    child.kill().unwrap();
    child.terminate().unwrap();
    assert_eq!(child.join(), Ok(1));
}

#[test]
fn a_result_counts_even_if_the_process_then_crashes() {
    guarded!();
    extern "C" fn crash() {
        abort()
    }
    fn entry((): ()) -> u32 {
        // SAFETY: registers a function without arguments.
        unsafe { libc::atexit(crash) };
        42
    }
    assert_eq!(spawn(entry, ()).unwrap().join(), Ok(42));
}

#[test]
fn killed_at_any_time_a_child_is_joined() {
    guarded!();
    for delay in (0..40).map(|n| Duration::from_micros(n * 50)) {
        let child = spawn(|()| 42, ()).unwrap();
        thread::sleep(delay);
        child.kill().unwrap();
        let killed = ExitStatus::from_raw(libc::SIGKILL);
        match child.join() {
            Ok(42)
            | Err(JoinError::Killed {
                signal: libc::SIGKILL,
            }) => {}
            Err(JoinError::NeverStarted { status }) => assert_eq!(status, Some(killed)),
            other => panic!("{other:?}"),
        }
    }
}

// Waiting.

#[test]
fn joining_can_be_tried_and_limited() {
    guarded!();
    let (mut begun, mut told) = (Line::new(), Line::new());
    let mut child = spawn(answer_when_told, (begun.input(), told.output())).unwrap();
    begun.next();
    assert_eq!(child.try_join(), Ok(None));
    let start = Instant::now();
    assert_eq!(child.join_timeout(Duration::from_millis(20)), Ok(None));
    assert!(start.elapsed() >= Duration::from_millis(20));
    assert_eq!(child.join_deadline(start), Ok(None));
    told.writer.write_all(b"now\n").unwrap();
    assert_eq!(child.join_deadline(Instant::now() + HANG), Ok(Some(42)));
    assert_eq!(
        child.try_join(),
        Ok(Some(42)),
        "a result can be asked for again"
    );
    assert_eq!(child.join(), Ok(42));
}

#[test]
fn many_children_at_once() {
    guarded!();
    let children: Vec<_> = (0..32u64)
        .map(|n| spawn(|n: u64| n * n, n).unwrap())
        .collect();
    let squares: Vec<_> = children
        .into_iter()
        .map(|child| child.join().unwrap())
        .collect();
    assert_eq!(squares, (0..32).map(|n| n * n).collect::<Vec<_>>());
}

#[test]
fn many_threads_spawn_at_once() {
    guarded!();
    thread::scope(|scope| {
        for n in 0..8u32 {
            scope.spawn(move || {
                for m in 0..4 {
                    let child = spawn(|(n, m): (u32, u32)| n + m, (n, m)).unwrap();
                    assert_eq!(child.join(), Ok(n + m));
                }
            });
        }
    });
}

// Families.

#[test]
fn children_have_children() {
    guarded!();
    fn generations(below: u32) -> u32 {
        match below {
            0 => 1,
            _ => 1 + spawn(generations, below - 1).unwrap().join().unwrap(),
        }
    }
    assert_eq!(spawn(generations, 3).unwrap().join(), Ok(4));
}

/// Says its pid once it has begun; stays.
fn report_and_stay(begun: String) {
    say(&begun, std::process::id());
    stay()
}

fn pidfd(pid: &str) -> OwnedFd {
    let pid = Pid::from_raw(pid.parse().unwrap()).unwrap();
    pidfd_open(pid, PidfdFlags::empty()).unwrap()
}

/// Blocks until the process has ended.
fn await_end(pidfd: &OwnedFd) {
    while poll(&mut [PollFd::new(pidfd, PollFlags::IN)], None).is_err() {}
}

#[test]
fn children_die_with_their_parent() {
    guarded!();
    for parents_end in [libc::SIGKILL, libc::SIGTERM] {
        let mut begun = Line::new();
        let child = spawn(
            |begun: String| -> () {
                let _grandchild = spawn(report_and_stay, begun).unwrap();
                stay()
            },
            begun.input(),
        )
        .unwrap();
        let grandchild = pidfd(&begun.next());
        match parents_end {
            libc::SIGKILL => child.kill().unwrap(),
            _ => child.terminate().unwrap(),
        }
        let signal = parents_end;
        assert_eq!(child.join(), Err(JoinError::Killed { signal }));
        await_end(&grandchild);
    }
}

#[test]
fn children_die_with_a_parent_that_returns() {
    guarded!();
    let (mut begun, mut told) = (Line::new(), Line::new());
    let child = spawn(
        |(begun, told): (String, String)| {
            let _detached = spawn(report_and_stay, begun).unwrap();
            hear(&told);
        },
        (begun.input(), told.output()),
    )
    .unwrap();
    let grandchild = pidfd(&begun.next());
    told.writer.write_all(b"return\n").unwrap();
    assert_eq!(child.join(), Ok(()));
    await_end(&grandchild);
}

/// `false` if there is none left.
fn wait_for_any_child() -> bool {
    // SAFETY: waits, and asks for no status.
    unsafe { libc::waitpid(-1, std::ptr::null_mut(), 0) > 0 }
}

/// Also if the parent dies while the child is not yet tied to it.
#[test]
fn however_early_a_parent_dies_no_child_stays() {
    guarded!();
    fn sweep((): ()) {
        // Orphans come to this process, which can then wait for them.
        // SAFETY: sets an attribute of the process.
        unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1) };
        for delay in (0..60).map(|n| Duration::from_micros(n * 50)) {
            let parent = spawn(
                |()| -> () {
                    loop {
                        let _detached = spawn(|()| -> () { stay() }, ()).unwrap();
                    }
                },
                (),
            )
            .unwrap();
            thread::sleep(delay);
            parent.kill().unwrap();
            parent.join().unwrap_err();
            while wait_for_any_child() {}
        }
    }
    assert_eq!(spawn(sweep, ()).unwrap().join(), Ok(()));
}

#[test]
fn a_child_survives_the_thread_that_spawned_it() {
    guarded!();
    let (mut begun, mut told) = (Line::new(), Line::new());
    let lines = (begun.input(), told.output());
    let spawning = thread::spawn(move || {
        let child = spawn(answer_when_told, lines).unwrap();
        // By now the child is tied to whatever it will die with.
        begun.next();
        child
    });
    let child = spawning.join().unwrap();
    told.writer.write_all(b"now\n").unwrap();
    assert_eq!(child.join(), Ok(42));
}

#[test]
fn a_dropped_child_goes_on_and_is_reaped() {
    guarded!();
    let (mut begun, mut told) = (Line::new(), Line::new());
    let child = spawn(answer_when_told, (begun.input(), told.output())).unwrap();
    let id = child.id();
    begun.next();
    drop(child);
    let directory = format!("/proc/{id}");
    assert!(fs::exists(&directory).unwrap(), "it goes on");
    told.writer.write_all(b"now\n").unwrap();
    // A zombie would stay there until this process ends.
    while fs::exists(&directory).unwrap() {
        thread::sleep(Duration::from_millis(1));
    }
}

/// Runs `f` in a forked process; whether it returned true there.
fn in_a_fork(f: impl FnOnce() -> bool) -> bool {
    // SAFETY: the forked process runs `f` alone, and leaves without the parent's exit handlers.
    match unsafe { libc::fork() } {
        // SAFETY: as above.
        0 => unsafe { libc::_exit(if f() { 0 } else { 1 }) },
        pid => {
            let mut status = 0;
            // SAFETY: waits for the process made above.
            let waited = unsafe { libc::waitpid(pid, &mut status, 0) };
            waited == pid && status == 0
        }
    }
}

#[test]
fn a_forked_process_has_children_of_its_own_only() {
    guarded!();
    // In a child, as forking is for programs that know their threads.
    let child = spawn(
        |()| {
            let mut inherited = spawn(|()| stay() as u32, ()).unwrap();
            let alone = in_a_fork(|| {
                inherited.try_join() == Err(JoinError::Forked)
                    && inherited.join_timeout(HANG) == Err(JoinError::Forked)
                    && spawn(|()| 7, ()).unwrap().join() == Ok(7)
            });
            alone && inherited.try_join() == Ok(None) && inherited.kill().is_ok()
        },
        (),
    )
    .unwrap();
    assert_eq!(child.join(), Ok(true));
}

// What a child inherits.

#[test]
fn a_child_inherits_the_environment_and_the_working_directory() {
    guarded!();
    fn surroundings((): ()) -> (Vec<(String, String)>, String) {
        let directory = std::env::current_dir().unwrap();
        (
            std::env::vars().collect(),
            directory.to_string_lossy().into(),
        )
    }
    assert_eq!(
        spawn(surroundings, ()).unwrap().join(),
        Ok(surroundings(()))
    );
}

#[test]
fn a_child_is_given_its_letter_and_no_other_descriptor() {
    guarded!();
    fn count((): ()) -> usize {
        fs::read_dir("/proc/self/fd").unwrap().count()
    }
    fn count_twice((): ()) -> (usize, usize) {
        (count(()), spawn(count, ()).unwrap().join().unwrap())
    }
    let (not_inherited, _writer) = io::pipe().unwrap();
    rustix::io::fcntl_setfd(&not_inherited, rustix::io::FdFlags::empty()).unwrap();
    let (child, grandchild) = spawn(count_twice, ()).unwrap().join().unwrap();
    // Three streams, the letter, and the directory it counts in.
    assert_eq!((child, grandchild), (5, 5));
}

#[test]
fn nothing_stays_open_after_fifty_children() {
    guarded!();
    for _ in 0..25 {
        assert_eq!(spawn(|()| (), ()).unwrap().join(), Ok(()));
        let aborted = spawn(|()| -> () { abort() }, ()).unwrap().join();
        assert!(aborted.is_err());
    }
    let letters_and_pidfds = || {
        let descriptors = fs::read_dir("/proc/self/fd").unwrap().flatten();
        let targets = descriptors.filter_map(|entry| fs::read_link(entry.path()).ok());
        let targets = targets.map(|target| target.to_string_lossy().into_owned());
        targets
            .filter(|target| target.starts_with("/memfd:crossproc") || target.contains("pidfd"))
            .count()
    };
    // The keeper lets go of the last child's a moment after it is joined.
    while letters_and_pidfds() > 0 {
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn where_sigchld_is_ignored_results_and_panics_are_still_told() {
    guarded!();
    // Dispositions belong to processes, so in a child.
    let child = spawn(
        |()| {
            // SAFETY: sets a disposition, and no handler.
            unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
            // Some of them have ended and are gone before `spawn` returns.
            for _ in 0..10 {
                let returns = spawn(|()| 42, ()).unwrap().join();
                assert_eq!(returns, Ok(42));
                let exits = spawn(|()| -> () { exit(3) }, ()).unwrap().join();
                assert_eq!(exits, Err(JoinError::Unobserved));
            }
            let panics = spawn(|()| -> () { panic!("told") }, ()).unwrap().join();
            assert!(
                matches!(panics, Err(JoinError::Panicked { .. })),
                "{panics:?}"
            );
        },
        (),
    )
    .unwrap();
    assert_eq!(child.join(), Ok(()));
}
