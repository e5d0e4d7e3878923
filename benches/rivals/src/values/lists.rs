//! Values in a row.

use std::hint::black_box;

use crossproc::{List, Manager};

use crate::contest::{Contest, Rate};
use crate::lock_work::{self, alone};
use crate::locks::{Readable, next_number};

const LEN: u64 = 1_000;

impl Readable for Vec<u64> {
    fn read_it(&self) -> u64 {
        self[next_number(LEN) as usize]
    }
}

impl Readable for List<u64> {
    fn read_it(&self) -> u64 {
        let value = self.get(next_number(LEN) as usize);
        value.expect("it can be read").expect("it is there")
    }
}

fn list() -> List<u64> {
    let manager = Manager::new().expect("a manager");
    manager.list("list").expect("a list")
}

pub fn get() -> Contest {
    let (theirs, ours): (Vec<u64>, _) = ((0..LEN).collect(), list());
    ours.extend(&theirs).expect("there is room");
    Contest::new("ListGet", format!("one of {LEN} values in a row"))
        .compared_with("Vec")
        .rate(Rate::millions("M/s"))
        .with("Vec", "-", move |cores| {
            Ok(lock_work::read_alone(cores, &theirs))
        })
        .with("crossproc::List", "processes", move |cores| {
            Ok(lock_work::read_alone(cores, &ours))
        })
}

pub fn push() -> Contest {
    let ours = list();
    Contest::new("ListPush", "one more value in a row")
        .compared_with("Vec")
        .rate(Rate::millions("M/s"))
        .with("Vec", "-", |cores| {
            let mut values = Vec::new();
            Ok(alone(cores.first, || black_box(&mut values).push(7u64)))
        })
        .with("crossproc::List", "processes", move |cores| {
            ours.clear()?;
            Ok(alone(cores.first, || {
                ours.push(&7).expect("there is room");
            }))
        })
}
