//! Handles by name in other programs, which use this crate.

use std::fs;
use std::os::fd::AsRawFd;

use crossproc::process::{Command, inherited};
use crossproc::spsc::{self, Consumer, Producer};
use crossproc::{Error, Event, Fault, Queue, RecvError, SendError, Value};

use crate::commands::started;
use crate::support;

fn is_not_inherited(name: &str) -> bool {
    match inherited::<Queue<u64>>(name) {
        Err(Error::NotInherited { name: missing }) => missing == name,
        _ => false,
    }
}

/// Those of segments, open in this process.
fn segments() -> usize {
    let descriptors = fs::read_dir("/proc/self/fd").unwrap().flatten();
    let targets = descriptors.filter_map(|entry| fs::read_link(entry.path()).ok());
    let is_segment = |target: &std::path::PathBuf| target.to_string_lossy().contains("memfd:");
    targets.filter(is_segment).count()
}

pub(crate) fn by_name() {
    let _leaks = support::Leaks::start();
    let orders = Queue::<u64>::new(16).unwrap();
    let tables: Vec<_> = (0..3).map(|_| Value::new(0u32).unwrap()).collect();
    let closing = Event::new().unwrap();
    let kitchen = started("kitchen")
        .handle("orders", &orders)
        .handle("tables", (tables.clone(), "by the window"))
        .handle("closing", closing.clone())
        .handle("nothing", ())
        .spawn()
        .unwrap();
    orders.send(7).unwrap();
    orders.send(8).unwrap();
    closing.wait().unwrap();
    assert!(kitchen.join().unwrap().success());
    let tables: Vec<_> = tables.iter().map(|table| table.get().unwrap()).collect();
    assert_eq!(tables, [0, 1, 2]);

    let twice = Command::new("true").handle("a", 1).handle("a", 2).spawn();
    assert!(
        matches!(twice, Err(Error::InvalidSetting { .. })),
        "{twice:?}"
    );
    // A program that does not ask for its handles is none the worse.
    let deaf = Command::new("true").handle("orders", &orders).spawn();
    assert!(deaf.unwrap().join().unwrap().success());
}

pub(crate) fn kitchen() {
    // For each handle one, and no letter.
    assert_eq!(segments(), 5);
    let orders: Queue<u64> = inherited("orders").unwrap();
    let again: Queue<u64> = inherited("orders").unwrap();
    assert_eq!((orders.recv(), again.recv()), (Ok(7), Ok(8)));
    drop((orders, again));

    assert!(is_not_inherited("order"));
    for wrong in ["tables", "nothing", "closing"] {
        let refused = inherited::<Queue<u64>>(wrong);
        assert!(
            matches!(refused, Err(Error::Inherited { .. })),
            "{refused:?}"
        );
    }
    let refused = inherited::<Queue<u32>>("orders").unwrap_err().to_string();
    assert!(
        refused.contains("`orders`") && refused.contains("element"),
        "{refused}"
    );

    let (tables, place): (Vec<Value<u32>>, String) = inherited("tables").unwrap();
    assert_eq!(place, "by the window");
    for (table, n) in tables.iter().zip(0..) {
        table.set(n).unwrap();
    }
    inherited::<()>("nothing").unwrap();
    drop(tables);

    // What this program starts has none of them, even if it does not go by this crate.
    let count = "for fd in /proc/$$/fd/*; do readlink $fd; done | grep -c memfd";
    let other = std::process::Command::new("sh")
        .args(["-c", count])
        .output();
    assert_eq!(other.unwrap().stdout, b"0\n");
    assert!(
        started("without")
            .spawn()
            .unwrap()
            .join()
            .unwrap()
            .success()
    );
    inherited::<Event>("closing").unwrap().set().unwrap();
}

pub(crate) fn without() {
    assert_eq!(segments(), 0);
    assert!(is_not_inherited("orders"));
}

pub(crate) fn that_move() {
    let _leaks = support::Leaks::start();
    // By value; then by reference, where the one kept is no longer the producer.
    let (producer, mut consumer) = spsc::ring::<u32>(4).unwrap();
    let program = started("producer").handle("producer", producer);
    assert!(program.spawn().unwrap().join().unwrap().success());
    assert_eq!((consumer.recv(), consumer.recv()), (Ok(1), Ok(2)));
    assert_eq!(consumer.recv(), Err(RecvError::Closed));

    let (mut kept, mut consumer) = spsc::ring::<u32>(4).unwrap();
    let program = started("producer").handle("producer", &kept).spawn();
    assert_eq!(consumer.recv(), Ok(1));
    let lost = kept.send(9);
    assert!(
        matches!(lost, Err(SendError::Fault(_, Fault::RoleLost))),
        "{lost:?}"
    );
    assert!(program.unwrap().join().unwrap().success());

    // Taken to the grave by one that has not asked for it, and by one that was none.
    for program in ["true", "/no/such/program"] {
        let (producer, mut consumer) = spsc::ring::<u32>(4).unwrap();
        let started = Command::new(program).handle("producer", producer).spawn();
        assert_eq!(started.is_ok(), program == "true");
        assert_eq!(consumer.recv(), Err(RecvError::Closed), "{program}");
    }
}

pub(crate) fn producer() {
    let mut producer: Producer<u32> = inherited("producer").unwrap();
    producer.send(1).unwrap();
    let again = inherited::<Producer<u32>>("producer").unwrap_err();
    assert!(matches!(again, Error::Inherited { .. }), "{again}");
    let other = inherited::<Consumer<u32>>("producer").unwrap_err();
    assert!(matches!(other, Error::Inherited { .. }), "{other}");
    producer.send(2).unwrap();
}

/// A variable that somebody has made up is not believed, and what has the number of a letter is left alone.
pub(crate) fn of_nobody() {
    let _leaks = support::Leaks::start();
    assert!(is_not_inherited("orders"));
    let program = std::env::current_exe().unwrap();
    for note in ["0000000000000000,$$", "1,$$", ",$$", "x", ""] {
        let script = format!("export CROSSPROC_HANDLES={note}; exec \"$0\" 3</dev/null");
        let mut shell = std::process::Command::new("sh");
        shell.arg("-c").arg(script).arg(&program);
        let status = shell.env(crate::PROGRAM, "has_null_at_three").status();
        assert!(status.unwrap().success(), "{note}");
    }
}

pub(crate) fn has_null_at_three() {
    assert!(is_not_inherited("orders"));
    let three = fs::read_link("/proc/self/fd/3").unwrap();
    assert_eq!(three.to_str(), Some("/dev/null"));
    let opened = fs::File::open("/dev/null").unwrap();
    assert_ne!(opened.as_raw_fd(), 3);
}

/// The handles are the process's: a program that it becomes has them, one that it starts has not.
pub(crate) fn of_descendants() {
    let _leaks = support::Leaks::start();
    let orders = Queue::<u64>::new(16).unwrap();
    for (script, expected) in [
        ("exec \"$0\"", "ancestor"),
        ("\"$0\"; exit $?", "without_name"),
    ] {
        let program = std::env::current_exe().unwrap();
        let shell = Command::new("sh").args(["-c", script]).arg(program);
        let shell = shell
            .env(crate::PROGRAM, expected)
            .handle("orders", &orders);
        assert!(shell.spawn().unwrap().join().unwrap().success(), "{script}");
    }
    assert_eq!(orders.recv(), Ok(1));
}

pub(crate) fn ancestor() {
    inherited::<Queue<u64>>("orders").unwrap().send(1).unwrap();
}

pub(crate) fn without_name() {
    assert!(is_not_inherited("orders"));
}
