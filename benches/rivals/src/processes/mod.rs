//! Processes: from before they are started until they have been waited for, and such as are kept for the next task.

mod pools;
mod spawning;

use std::time::Duration;

use crate::contest::{Family, Result};
use crate::python::Python;
use pools::{Pools, collatz, map, round_trip, square};

pub use spawning::NOTHING;

const PYTHON: &str = "processes/python.py";

/// The fourth family.
pub fn family() -> Result<Family> {
    Ok(Family {
        contests: vec![spawning::contest(Python::start(PYTHON))],
        room: "each on whichever of the two cores is free",
        wanted: 31,
        limit: Duration::from_secs(60),
    })
}

/// The fifth.
pub fn pools() -> Result<Family> {
    let pools = Pools::start(Python::start(PYTHON))?;
    Ok(Family {
        contests: vec![
            map(&pools, square(), false),
            map(&pools, collatz(), false),
            map(&pools, square(), true),
            map(&pools, collatz(), true),
            round_trip(&pools, square()),
        ],
        room: "two workers, a thread or process that has tasks for them, two cores",
        wanted: 5,
        limit: Duration::from_secs(100),
    })
}
