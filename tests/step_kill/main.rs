//! Kills a process between any two instructions of every operation, and sees the others go on.
//!
//! For each *row*, an operation in a state, a survivor sets the state up and forks a victim, which
//! performs the operation one machine instruction at a time under ptrace, and is killed after the
//! first; the next victim after the second; and so on until one lives to finish. After every death
//! survivors check what they find and go on using the segment:
//!
//! - a message whose send committed is received once; otherwise it has vanished, whole;
//! - a message is received by a survivor unless the victim's receive committed;
//! - what is committed at one point is so at all later ones: there is one committing instruction;
//! - whoever sleeps and has reason to wake up, wakes up. Sleepers here re-examine the world once an
//!   hour, so a lost wake-up is seen as a sleep, whatever the clock says; rows called *disarmed* take
//!   away what wakes them and fail unless the loss is seen;
//! - the channel can be filled to the brim and emptied, and the places of the dead come back;
//! - a message on lease to the dead is delivered to another, and all of the memory for messages can be had at once;
//! - what the dead had locked or acquired comes back, with its last committed value, and the next owner
//!   is told if and only if the victim died as the owner; no two ever have it at a time;
//! - a victim that lives to return has woken all it had to wake, before it is killed;
//! - a child process whose parent dies ends, and one that dies is joined; what travelled is the child's, or comes back;
//! - a task of a pool has one outcome, and is begun once at most;
//! - of those who meet at a barrier, all are released or all are told the same; a value is made once.
//!
//! In the short form every fifth instruction is a point, and fewer in long operations: see [`Density`](scenario::Density). The table
//! says how many were, how many victims died asleep in a system call, how many had committed, and how
//! often survivors had something to put right.
//!
//! ```console
//! $ cargo test --test step_kill                                # all rows, in some minutes: every fifth instruction
//! $ cargo test --test step_kill -- "queue send" ring           # rows whose names contain either
//! $ cargo test --test step_kill -- --long                      # hardly anything left out, in an hour or two
//! $ STEP_KILL_LONG=1 cargo test                                # the same, along with the other tests
//! ```
//!
//! A row is a [`Scenario`](scenario::Scenario); whatever carries messages of one size joins all rows of
//! `send.rs` and `recv.rs` by being a [`Channel`](channel::Channel). What is locked, acquired or waited for
//! is in `sync/`, what carries messages of any size in `messages/`, what is read and written in place in `values/`, where a row is a table of who does what
//! ([`Script`](play::Script)).
//!
//! Each row runs in a process of its own under this one, which runs no code of the crate, notices if
//! nothing moves any more, and says where.

mod at_a_path;
mod broadcast;
mod change;
mod channel;
mod explore;
mod hand_over;
mod journal;
mod lifecycle;
mod list;
mod manager;
mod message;
mod messages;
mod namespace;
mod options;
mod peer;
mod pipe;
mod play;
mod point;
mod queue;
mod recv;
mod ring;
mod scenario;
mod send;
mod stage;
mod supervise;
mod survivor;
mod sync;
mod values;
mod worker;

#[path = "../support/asleep.rs"]
mod asleep;
#[path = "../support/forked.rs"]
mod forked;
#[expect(dead_code, reason = "nobody looks at single words here")]
#[path = "../support/image.rs"]
mod image;
#[path = "../support/plain.rs"]
mod plain;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/trace.rs"]
mod trace;

use std::process::ExitCode;

use options::{Mode, Options};
use scenario::{Density, Row};

fn main() -> ExitCode {
    // Rows may spawn this program.
    hand_over::stand_still_if_told();
    crossproc::init();
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(problem) => {
            eprintln!("step_kill: {problem}");
            return ExitCode::from(2);
        }
    };
    let rows = [
        queue::rows(),
        ring::rows(),
        pipe::rows(),
        broadcast::rows(),
        messages::rows(),
        manager::rows(),
        lifecycle::rows(),
        at_a_path::rows(),
        sync::rows(),
        values::rows(),
        list::rows(),
        namespace::rows(),
        hand_over::rows(),
        worker::rows(),
    ];
    let rows = rows.into_iter().flatten();
    let rows: Vec<Row> = rows
        .enumerate()
        .filter(|(_, row)| options.selects(&row.name()))
        .map(|(number, row)| {
            let density = match options.long {
                true => Density::COMPLETE,
                false => row.density.short(number),
            };
            row.density(density)
        })
        .collect();
    match options.mode {
        Mode::List => {
            for row in &rows {
                println!("{}: test", row.name());
            }
            ExitCode::SUCCESS
        }
        Mode::Run => supervise::run(&rows, options.jobs),
    }
}
