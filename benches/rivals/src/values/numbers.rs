//! A number that both sides add to.

use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossproc::{Event, Value};

use crate::contest::{Contest, Rate};
use crate::lock_work::{self, Side};
use crate::locks::Counter;
use crate::python::Python;

impl Counter for AtomicU64 {
    fn add_one(&self) {
        self.fetch_add(1, Ordering::Relaxed);
    }

    fn value(&self) -> u64 {
        self.load(Ordering::Relaxed)
    }
}

impl Counter for Value<u64> {
    fn add_one(&self) {
        self.fetch_add(1);
    }

    fn value(&self) -> u64 {
        self.get().expect("it can be read")
    }
}

fn add_too((core, value, ready): (usize, Value<u64>, Event)) -> Side {
    lock_work::contend_too(core, &value, &ready)
}

pub fn add(python: Option<Rc<Python>>) -> Contest {
    let contest = Contest::new("ValueAdd", "a number increased by both sides")
        .compared_with("Value")
        .rate(Rate::millions("M/s"))
        .with("crossproc::Value", "processes", |cores| {
            let value = Value::new(0)?;
            lock_work::contend_processes(cores, &value, value.clone(), add_too)
        })
        .with("AtomicU64", "threads", |cores| {
            Ok(lock_work::contend_threads(cores, &AtomicU64::new(0)))
        });
    match python {
        Some(python) => contest.with("multiprocessing.Value", "processes", move |_| {
            python.ask("add").map_err(Into::into)
        }),
        None => contest,
    }
}
