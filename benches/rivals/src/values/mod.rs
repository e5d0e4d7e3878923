//! The third family: values that several processes share, beside what threads share, and beside what Python has for it.

mod lists;
mod maps;
mod numbers;

use std::time::Duration;

use crate::contest::Family;
use crate::python::Python;

pub fn family() -> Family {
    let python = Python::start("values/python.py");
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
