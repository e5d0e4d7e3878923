//! What is left of the dead, seen from the outside: words in the segment as a death leaves them, and what the
//! survivors make of them. The backstop is an hour away here, so a wake that gets lost is a hang.

mod support;

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crossproc::{Fault, Queue, RecvError, TryRecvError, spsc::Ring, testing};
use support::{Leaks, unique_name, watchdog};

const LIMIT: Duration = Duration::from_secs(60);

/// A queue of one, and the file in which to leave what the dead leave.
fn queue_of_one() -> (Queue<u64>, Segment) {
    testing::set_backstop(Duration::from_secs(3600));
    let name = unique_name("liveness");
    let queue = Queue::create(&name, 1).unwrap();
    let segment = Segment::open(&name);
    queue.unlink().unwrap();
    assert_eq!(queue.try_recv(), Err(TryRecvError::Empty)); // This thread has its record now: the second.
    (queue, segment)
}

struct Segment(File);

impl Segment {
    fn open(name: &str) -> Segment {
        let path = format!("/dev/shm/crossproc.{name}");
        Segment(File::options().read(true).write(true).open(path).unwrap())
    }

    fn write(&self, offset: u64, value: u64) {
        self.0.write_all_at(&value.to_le_bytes(), offset).unwrap();
    }

    fn read(&self, offset: u64) -> u64 {
        let mut bytes = [0; 8];
        self.0.read_exact_at(&mut bytes, offset).unwrap();
        u64::from_le_bytes(bytes)
    }

    fn body(&self) -> u64 {
        self.read(96)
    }
}

const HEAD: u64 = 128;
/// Of the second record, in the first page of records.
const INTENT: u64 = 4096 + 1280 + 128;

#[test]
fn a_place_given_up_goes_to_the_sender_who_waits() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let (queue, segment) = queue_of_one();
    segment.write(segment.body(), 1); // Somebody claimed ticket 0 and died.
    thread::scope(|scope| {
        let sender = scope.spawn(|| queue.send(7));
        thread::sleep(Duration::from_millis(100));
        assert_eq!(queue.recv(), Ok(7));
        assert_eq!(sender.join().unwrap(), Ok(()));
    });
    assert_eq!(queue.repairs(), 1);
}

#[test]
fn a_live_intent_keeps_a_hole_and_nothing_else_does() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let (queue, segment) = queue_of_one();
    // This thread has announced ticket 0; somebody else claims it, and dies.
    segment.write(INTENT, 1);
    segment.write(segment.body(), 1);
    thread::scope(|scope| {
        let receiver = scope.spawn(|| queue.recv());
        thread::sleep(Duration::from_millis(100));
        assert!(
            !receiver.is_finished(),
            "the hole is not taken from a live participant"
        );
        segment.write(INTENT, 0);
        queue.close(); // Which rings.
        assert_eq!(receiver.join().unwrap(), Err(RecvError::Closed));
    });
    assert_eq!(queue.repairs(), 1);
}

#[test]
fn tickets_at_the_end_of_time_are_an_error() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let (queue, segment) = queue_of_one();
    segment.write(segment.body(), 0);
    segment.write(segment.body() + HEAD, u64::MAX);
    assert!(matches!(
        queue.try_recv(),
        Err(TryRecvError::Fault(Fault::Corrupted(_)))
    ));
    assert!(queue.recv().is_err());
}

#[test]
fn threads_leave_nothing_mapped() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    let mappings = || {
        fs::read_to_string("/proc/self/maps")
            .unwrap()
            .lines()
            .count()
    };
    let queue = Queue::<u64>::new(1).unwrap();
    let join_and_leave = || {
        let queue = queue.clone();
        let thread = thread::spawn(move || queue.try_recv());
        assert_eq!(thread.join().unwrap(), Err(TryRecvError::Empty));
    };
    join_and_leave();
    let before = mappings();
    for _ in 0..500 {
        join_and_leave();
    }
    assert!(
        mappings() < before + 100,
        "{before} mappings before, {} after",
        mappings()
    );
}

/// `exec` ends every thread but the caller, which then bears the id of the first thread: the kernel marks no word
/// with the id it had before.
#[test]
fn a_process_that_executes_another_program_has_died() {
    let _leaks = Leaks::start();
    let _guard = watchdog(LIMIT);
    for (mode, from) in [
        ("recv", "first"),
        ("recv", "second"),
        ("poll", "first"),
        ("poll", "second"),
    ] {
        let name = unique_name("exec");
        let ring = Ring::<u64>::create(&name, 4).unwrap();
        let mut consumer = ring.consumer().unwrap();
        let program = std::env::current_exe().unwrap();
        let mut child = Command::new(program)
            .args(["executes_another_program", "--exact", "--nocapture"])
            // With one test thread the harness runs the test on the first thread of the process.
            .args((from == "first").then_some("--test-threads=1"))
            .env("LIVENESS_RING", &name)
            .env("LIVENESS_THREAD", from)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        assert_eq!(consumer.recv(), Ok(1));
        let start = Instant::now();
        let end = loop {
            let end = match mode {
                "recv" => consumer.recv().map_err(crossproc::Error::from),
                _ => consumer.try_recv().map_err(crossproc::Error::from),
            };
            match end {
                Err(crossproc::Error::Empty) => thread::sleep(Duration::from_millis(1)),
                end => break end,
            }
        };
        assert!(
            matches!(end, Err(crossproc::Error::PeerDied)),
            "{mode} {from}: {end:?}"
        );
        assert!(
            child.try_wait().unwrap().is_none(),
            "the other program is still running"
        );
        println!(
            "{mode}, executed by the {from} thread: noticed after {:?}",
            start.elapsed()
        );
        child.kill().unwrap();
        child.wait().unwrap();
        ring.unlink().unwrap();
    }
}

/// Not a test of its own: the child of the one above.
#[test]
fn executes_another_program() {
    use std::os::unix::process::CommandExt;
    let Ok(name) = std::env::var("LIVENESS_RING") else {
        return;
    };
    let act = move || {
        let mut producer = Ring::<u64>::open(&name).unwrap().producer().unwrap();
        producer.send(1).unwrap();
        panic!("{}", Command::new("sleep").arg("60").exec());
    };
    match std::env::var("LIVENESS_THREAD").unwrap().as_str() {
        "first" => act(),
        _ => thread::spawn(act).join().unwrap(),
    }
}
