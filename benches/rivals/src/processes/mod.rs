//! The fourth family: processes, from before they are started until they have been waited for.

mod spawning;

use std::time::Duration;

use crate::contest::Family;
use crate::python::Python;

pub use spawning::NOTHING;

pub fn family() -> Family {
    let python = Python::start("processes/python.py");
    Family {
        contests: vec![spawning::contest(python)],
        room: "each on whichever of the two cores is free",
        wanted: 31,
        limit: Duration::from_secs(60),
    }
}
