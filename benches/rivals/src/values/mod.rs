//! The third family: values that several processes share, beside what threads share, and beside what Python has for it.

mod lists;
mod maps;
mod numbers;
mod python;

use std::rc::Rc;
use std::time::Duration;

use crate::contest::Family;
use python::Python;

pub fn family() -> Family {
    let python = match Python::start() {
        Ok(python) => Some(Rc::new(python)),
        Err(error) => {
            eprintln!("without Python, because python3 cannot be run: {error}");
            None
        }
    };
    Family {
        contests: vec![
            maps::get(1_000, python.clone()),
            maps::get(100_000, None),
            maps::readers(),
            maps::update(),
            maps::contended(),
            numbers::add(python),
            lists::get(),
            lists::push(),
        ],
        room: "keys, values and elements of u64",
        wanted: 31,
        limit: Duration::from_secs(60),
    }
}
