#![allow(unsafe_code)] // prctl, kill and waitpid
//! Programs that know nothing of this crate as children.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crossproc::process::{
    Child, Command, ExitStatus, JoinError, Resource, Setting, Stdio, active_children,
};
use crossproc::{Error, RecvError, spsc};

use crate::{PROGRAM, support};

pub(crate) fn started(program: &str) -> Command<'static> {
    Command::new("/proc/self/exe").env(PROGRAM, program)
}

fn shell(script: &str) -> Command<'static> {
    Command::new("sh").args(["-c", script])
}

/// All that it prints.
fn output(command: Command) -> String {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut text = String::new();
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_to_string(&mut text).unwrap();
    let status = child.join().unwrap();
    assert!(status.success(), "{status}");
    text
}

/// They are no children of this program's in the sense that needs `init`.
pub(crate) fn other_programs() {
    let _leaks = support::Leaks::start();
    assert_eq!(
        output(Command::new("echo").args(["a b", "", "é"])),
        "a b  é\n"
    );
    assert_eq!(output(Command::new("/bin/echo").arg("-n")), "");
    let mut cat = Command::new("cat")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    cat = cat.name("copies");
    let mut cat = cat.spawn().unwrap();
    assert_eq!(cat.name(), "copies");
    assert_eq!(active_children()[0].name(), "copies");
    let mut stdin = cat.stdin.take().unwrap();
    stdin.write_all(b"there and back").unwrap();
    drop(stdin);
    let mut text = String::new();
    cat.stdout
        .take()
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!(text, "there and back");
    assert!(cat.join().unwrap().success());
    assert_eq!(Command::new("/bin/true").spawn().unwrap().name(), "true");
}

pub(crate) fn refused_programs() {
    let _leaks = support::Leaks::start();
    let plain = std::env::temp_dir().join(support::unique_name("crossproc-plain"));
    fs::write(&plain, "no program").unwrap();
    fs::set_permissions(&plain, fs::Permissions::from_mode(0o600)).unwrap();
    let refusals = [
        ("no-such-program-anywhere", io::ErrorKind::NotFound),
        ("/no/such/program", io::ErrorKind::NotFound),
        (plain.to_str().unwrap(), io::ErrorKind::PermissionDenied),
        ("/", io::ErrorKind::PermissionDenied),
        ("", io::ErrorKind::NotFound),
    ];
    for (program, kind) in refusals {
        match Command::new(program).spawn() {
            Err(Error::Program { source, .. }) => assert_eq!(source.kind(), kind, "{program:?}"),
            other => panic!("{program:?}: {other:?}"),
        }
        assert!(active_children().is_empty());
    }
    fs::remove_file(&plain).unwrap();

    for command in [Command::new("a\0b"), Command::new("true").arg("a\0b")] {
        let refused = command.spawn();
        assert!(
            matches!(refused, Err(Error::InvalidSetting { .. })),
            "{refused:?}"
        );
    }
    let refused = Command::new("true").current_dir("/no/such").spawn();
    assert!(matches!(refused, Err(Error::File { .. })), "{refused:?}");
    match Command::new("true").affinity([1023]).spawn() {
        Err(Error::Join(JoinError::Setting { setting, .. })) => {
            assert_eq!(setting, Setting::Affinity);
        }
        other => panic!("{other:?}"),
    }
    // The path in which it is looked for is the child's.
    match Command::new("true").env("PATH", "/no/such").spawn() {
        Err(Error::Program { program, source }) => {
            assert_eq!(
                (&*program, source.kind()),
                ("true", io::ErrorKind::NotFound)
            );
        }
        other => panic!("{other:?}"),
    }
}

pub(crate) fn settings_of_programs() {
    let _leaks = support::Leaks::start();
    let command = shell("pwd; echo $X $HOME; nice; ulimit -Sn; ulimit -Hn")
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("X", "set")
        .current_dir("/proc")
        .nice(2)
        .limit(Resource::OpenFiles, 40, 50);
    let here = output(Command::new("nice"));
    let nice: i32 = here.trim().parse().unwrap();
    let nice = (nice + 2).min(19);
    assert_eq!(output(command), format!("/proc\nset\n{nice}\n40\n50\n"));

    // Nothing is open but the standard streams, whatever this program has open, and how.
    let (reader, _writer) = io::pipe().unwrap();
    rustix::io::fcntl_setfd(&reader, rustix::io::FdFlags::empty()).unwrap();
    assert_eq!(output(shell("ls /proc/$$/fd; true")), "0\n1\n2\n");

    // Like those of any program started by a shell, SIGPIPE included, which this one ignores.
    let status = output(Command::new("cat").arg("/proc/self/status"));
    let is_set = |line: &&str| line.starts_with("SigBlk:") || line.starts_with("SigIgn:");
    assert_eq!(status.lines().filter(is_set).count(), 2);
    for line in status.lines().filter(is_set) {
        let (_, set) = line.split_once(':').unwrap();
        let set = u64::from_str_radix(set.trim(), 16).unwrap();
        // But for the two that the C library keeps for itself.
        assert_eq!(set & !(0b11 << 31), 0, "{line}");
    }
}

/// The calling thread's mask, for good.
pub(crate) fn signals_of_programs() {
    let _leaks = support::Leaks::start();
    // SAFETY: the set is initialised before use, and the mask is this thread's own.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, libc::SIGUSR1);
        libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
    }
    let blocked = |command: Command| {
        let status = output(command.arg("SigBlk").arg("/proc/self/status"));
        let set = status.split_once(':').unwrap().1.trim();
        u64::from_str_radix(set, 16).unwrap()
    };
    assert_eq!(blocked(Command::new("grep")), 0);
    let inherits = Command::new("grep").inherit_signals();
    assert_eq!(blocked(inherits), 1 << (libc::SIGUSR1 - 1));
}

pub(crate) fn ends_of_programs() {
    let _leaks = support::Leaks::start();
    let end = |script: &str| shell(script).spawn().unwrap().join().unwrap();
    assert_eq!(end("exit 7"), ExitStatus::Exited { code: 7 });
    let killed = ExitStatus::Killed {
        signal: libc::SIGKILL,
        core_dumped: false,
    };
    assert_eq!(end("kill -9 $$"), killed);

    type Way = fn(&Child<ExitStatus>) -> crossproc::Result<()>;
    let ways: [(i32, Way); 3] = [
        (libc::SIGINT, Child::interrupt),
        (libc::SIGTERM, Child::terminate),
        (libc::SIGKILL, Child::kill),
    ];
    for (signal, way) in ways {
        let mut child = Command::new("sleep").arg("100").spawn().unwrap();
        assert_eq!(child.try_join(), Ok(None));
        assert!(child.is_alive());
        way(&child).unwrap();
        assert_eq!(child.join().unwrap().signal(), Some(signal));
    }
}

pub(crate) fn programs_from_many_threads() {
    let _leaks = support::Leaks::start();
    thread::scope(|scope| {
        for n in 0..4 {
            scope.spawn(move || {
                for m in 0..8 {
                    let said = format!("{n} {m}");
                    assert_eq!(output(Command::new("echo").arg(&said)), said + "\n");
                    let refused = Command::new("/no/such/program").spawn();
                    assert!(matches!(refused, Err(Error::Program { .. })), "{refused:?}");
                }
            });
        }
    });
}

/// Before it is the program, while it becomes it, or afterwards: starting one never waits for the dead, and what it was sent is not held by them.
pub(crate) fn killed_programs() {
    let _leaks = support::Leaks::start();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut delays = (0..20).map(|n| Duration::from_micros(n * 100)).cycle();
            while !done.load(Ordering::Relaxed) {
                thread::sleep(delays.next().unwrap());
                active_children()
                    .iter()
                    .for_each(|child| child.kill().unwrap());
            }
        });
        let mut killed = 0;
        for _ in 0..200 {
            let (producer, mut consumer) = spsc::ring::<u32>(4).unwrap();
            let program = Command::new("true").handle("producer", producer);
            let status = program.spawn().unwrap().join().unwrap();
            match status {
                ExitStatus::Exited { code: 0 } => {}
                ExitStatus::Killed { signal, .. } => {
                    assert_eq!(signal, libc::SIGKILL);
                    killed += 1;
                }
                other => panic!("{other:?}"),
            }
            assert_eq!(consumer.recv(), Err(RecvError::Closed));
        }
        done.store(true, Ordering::Relaxed);
        println!("{killed} of 200 programs killed");
    });
}

/// Starts one program that dies with this one and one that does not, says which they are, and leaves.
pub(crate) fn leaves() {
    let stays = || Command::new("sleep").arg("100").stdout(Stdio::null());
    let (dies, outlives) = (stays().spawn(), stays().outlive_parent().spawn());
    println!("{} {}", dies.unwrap().id(), outlives.unwrap().id());
}

pub(crate) fn lives_of_programs() {
    let _leaks = support::Leaks::start();
    // Orphans come to this process, which waits for them.
    // SAFETY: sets an attribute of the process.
    unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1) };
    let mut leaves = started("leaves").stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let mut said = BufReader::new(leaves.stdout.take().unwrap());
    said.read_line(&mut line).unwrap();
    assert!(leaves.join().unwrap().success());
    let (dies, outlives) = line.trim().split_once(' ').unwrap();
    let [dies, outlives] = [dies, outlives].map(|id| id.parse().unwrap());
    assert_eq!(wait(dies), libc::SIGKILL);
    let path = format!("/proc/{outlives}/status");
    let status = fs::read_to_string(path).unwrap();
    assert!(
        status.contains(&format!("PPid:\t{}", std::process::id())),
        "{status}"
    );
    // SAFETY: signals a process that only this one can reap.
    assert_eq!(unsafe { libc::kill(outlives, libc::SIGTERM) }, 0);
    assert_eq!(wait(outlives), libc::SIGTERM);
}

/// The signal that ended this orphan.
fn wait(orphan: i32) -> i32 {
    let mut status = 0;
    // SAFETY: waits for a process that has come to this one, or will.
    assert_eq!(unsafe { libc::waitpid(orphan, &mut status, 0) }, orphan);
    status & 0x7f
}
