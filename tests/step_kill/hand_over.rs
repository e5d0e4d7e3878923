//! A parent dies while it spawns a child, and a child while it begins, works and answers. What travels is a ring's producer.
#![allow(unsafe_code)] // prctl(2), waitpid(2), signal masks, environment variables

use std::{env, mem, ptr, thread, time::Duration};

use crossproc::process::{self, Child, JoinError};
use crossproc::spsc::{Consumer, Producer, Ring};
use crossproc::{RecvError, testing};

use crate::scenario::{Density, Row, Scenario, Verdict};
use crate::trace::{self, Tracee};

#[rustfmt::skip] // one row, one line
pub(crate) fn rows() -> Vec<Row> {
    let rows = vec![
        Row::new("spawn", "the calling thread's part", || Parent::new(Part::Caller)).unsteady(),
        Row::new("spawn", "the keeper's part", || Parent::new(Part::Keeper)).unsteady(),
        // It starts a thread, beside which it does not always make the same system calls.
        Row::new("child", "from its beginning to its end", Begun::new).unsteady(),
    ];
    rows.into_iter().map(|row| row.density(HAND_OVER)).collect()
}

/// Many system calls and long ways between them, and a process to be started for each point.
const HAND_OVER: Density = Density {
    skip: 0,
    stride: 1,
    every: 3,
    reach: 4_000,
};

/// In the environment of children that are to be traced.
const STAND_STILL: &str = "STEP_KILL_STAND_STILL";

/// In a child that is to die while it begins: the beginning of what is this crate's there.
pub(crate) fn stand_still_if_told() {
    if env::var_os(STAND_STILL).is_some() {
        trace::be_traced();
        trace::stop_here();
    }
}

/// What a producer sends, and all that it sends.
const SENT: u64 = 7;
const RESULT: u32 = 42;

/// How a ring's other end finds that nobody is going to send any more; and how much was sent. The ring is as good as new.
fn drain(ring: &Ring<u64>, consumer: &mut Consumer<u64>) -> u64 {
    let received: Vec<u64> = consumer.iter().collect();
    assert!(received.is_empty() || received == [SENT], "{received:?}");
    assert!(matches!(
        consumer.recv(),
        Err(RecvError::Closed | RecvError::PeerDied)
    ));
    // The role is free.
    let mut producer = ring.producer().expect("nobody has the role");
    producer.send(SENT + 1).expect("there is room");
    assert_eq!(consumer.recv(), Ok(SENT + 1));
    received.len() as u64
}

/// The spawning process is the victim.
struct Parent {
    part: Part,
    ring: Ring<u64>,
    /// The victim's.
    producer: Option<Producer<u64>>,
}

/// Two threads take part.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Caller,
    /// It is taken by the calling thread here, as only that can be stepped.
    Keeper,
}

impl Parent {
    fn new(part: Part) -> Self {
        // Children of the dead become those of this process, which waits for them.
        // SAFETY: prctl(2) with these arguments touches no memory.
        unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1) };
        let ring = Ring::new(4).expect("a ring");
        Parent {
            part,
            ring,
            producer: None,
        }
    }
}

/// Sends, keeps the role, and stays.
fn send_and_stay(mut producer: Producer<u64>) {
    producer.send(SENT).expect("somebody receives");
    thread::sleep(Duration::from_secs(3600));
}

impl Scenario for Parent {
    fn renew(&mut self) {
        self.ring = Ring::new(4).expect("a ring");
    }

    fn warm_up(&mut self) {
        // The news of a child's end would stop the traced thread.
        // SAFETY: the set is initialised before use; the mask is this thread's own.
        unsafe {
            let mut set = mem::zeroed();
            libc::sigemptyset(&raw mut set);
            libc::sigaddset(&raw mut set, libc::SIGCHLD);
            libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, ptr::null_mut());
        }
        let child = process::spawn(|()| RESULT, ()).expect("spawned");
        assert_eq!(child.join(), Ok(RESULT));
        self.producer = Some(self.ring.producer().expect("nobody has it"));
        if self.part == Part::Keeper {
            testing::act_as_keeper();
        }
    }

    fn act(&mut self) -> u64 {
        let producer = self.producer.take().expect("warmed up");
        let child = process::spawn(send_and_stay, producer).expect("spawned");
        mem::forget(child);
        0
    }

    fn verdict(&mut self, _returned: Option<u64>) -> Verdict {
        // The child ends with its parent. One that did not would be waited for in vain.
        // SAFETY: waits, and asks for no status.
        while unsafe { libc::waitpid(-1, ptr::null_mut(), libc::__WALL) } > 0 {}
        let mut consumer = self.ring.consumer().expect("nobody has it");
        let committed = drain(&self.ring, &mut consumer);
        Verdict {
            committed,
            ..Verdict::default()
        }
    }
}

/// The child is the victim.
struct Begun {
    ring: Ring<u64>,
    consumer: Option<Consumer<u64>>,
    child: Option<Child<u32>>,
}

impl Begun {
    fn new() -> Self {
        // The thread that spawns is the one that can trace.
        testing::act_as_keeper();
        // SAFETY: this process has no other thread yet that could look at the environment.
        unsafe { env::set_var(STAND_STILL, "yes") };
        Begun {
            ring: Ring::new(4).expect("a ring"),
            consumer: None,
            child: None,
        }
    }
}

fn send_and_return(mut producer: Producer<u64>) -> u32 {
    producer.send(SENT).expect("somebody receives");
    RESULT
}

impl Scenario for Begun {
    fn renew(&mut self) {
        self.ring = Ring::new(4).expect("a ring");
        self.consumer = Some(self.ring.consumer().expect("nobody has it"));
    }

    fn victim(&mut self) -> Option<Tracee> {
        let producer = self.ring.producer().expect("nobody has it");
        let child = process::spawn(send_and_return, producer).expect("spawned");
        let victim = Tracee::spawned(child.id());
        self.child = Some(child);
        Some(victim)
    }

    fn act(&mut self) -> u64 {
        unreachable!("the victim is a process of its own")
    }

    fn verdict(&mut self, _returned: Option<u64>) -> Verdict {
        let signal = libc::SIGKILL;
        // What it was to do, in this order: begin, send, and answer.
        let (least, most) = match self.child.take().expect("there is one").join() {
            Err(JoinError::NeverStarted { status: Some(_) }) => (0, 0),
            Err(JoinError::Killed { signal: found }) if found == signal => (1, 2),
            Ok(RESULT) => (3, 3),
            other => panic!("{other:?}"),
        };
        let mut consumer = self.consumer.take().expect("renewed");
        let sent = drain(&self.ring, &mut consumer);
        let committed = if least == 3 { 2 + sent } else { least + sent };
        assert!((least..=most).contains(&committed), "{least}, {sent}");
        Verdict {
            committed,
            ..Verdict::default()
        }
    }
}
