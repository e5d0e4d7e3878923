//! A process that does nothing.

use std::env;
use std::process::{Command, ExitStatus};
use std::rc::Rc;
use std::time::Instant;

use crossproc::process;

use crate::contest::{Contest, Measured, Result};
use crate::place::{Cores, unpin};
use crate::python::Python;
use crate::stats::median;

/// Started for one sample, one after the other.
const SPAWNED: usize = 5;

/// The argument on which this program does nothing but what it does before `main` looks at its arguments.
pub const NOTHING: &str = "nothing";

pub fn contest(python: Option<Rc<Python>>) -> Contest {
    let contest = Contest::new(
        "Spawn",
        "a process that does nothing, from before it is started until it has been waited for",
    )
    .compared_with("true")
    .with("Command, /bin/true", "processes", |cores| {
        sample(cores, || succeeded(Command::new("/bin/true").status()?))
    })
    .with("Command, this program", "processes", |cores| {
        let program = env::current_exe()?;
        sample(cores, || {
            succeeded(Command::new(&program).arg(NOTHING).status()?)
        })
    })
    .with("crossproc", "processes", |cores| {
        sample(cores, || {
            let answer = process::spawn(|n: u64| n, 42)?.join()?;
            (answer == 42).then_some(()).ok_or("a wrong result".into())
        })
    })
    .with("procspawn", "processes", |cores| {
        sample(cores, || {
            let answer = procspawn::spawn(42, |n: u64| n).join()?;
            (answer == 42).then_some(()).ok_or("a wrong result".into())
        })
    });
    match python {
        Some(python) => {
            let again = python.clone();
            contest
                .with("Process, fork", "processes", move |_| {
                    Ok(python.ask("process fork")?)
                })
                .with("Process, spawn", "processes", move |_| {
                    Ok(again.ask("process spawn")?)
                })
        }
        None => contest,
    }
}

fn succeeded(status: ExitStatus) -> Result<()> {
    match status.success() {
        true => Ok(()),
        false => Err(status.to_string().into()),
    }
}

/// The median of some. They sleep for each other, so it does not matter who else runs meanwhile.
fn sample(cores: Cores, mut once: impl FnMut() -> Result<()>) -> Result<Measured> {
    // Whatever is started inherits this.
    unpin(cores);
    let mut times = Vec::with_capacity(SPAWNED);
    for _ in 0..SPAWNED {
        let start = Instant::now();
        once()?;
        times.push(start.elapsed().as_nanos() as f64);
    }
    Ok(Measured {
        figure: median(&mut times),
        switches: 0,
    })
}
