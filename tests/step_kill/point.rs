//! The moments at which victims die.

use std::fmt;

use crate::scenario::Density;

/// A moment in an operation. System calls divide it into stretches of instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Point {
    /// `steps` instructions after the end of system call number `calls` (0: the beginning).
    After { calls: u32, steps: u32 },
    /// At the door of the next one.
    Entering { calls: u32 },
    /// Asleep inside it.
    Within { calls: u32 },
}

/// How far a victim got on the way to a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reached {
    /// To the point.
    There,
    /// To a system call before it; or, where the point is inside one, past that call, since it did
    /// not sleep.
    SystemCall,
    /// To the end of the operation.
    End,
}

impl Point {
    pub(crate) const FIRST: Point = Point::After { calls: 0, steps: 0 };

    /// How many system calls precede it.
    pub(crate) fn calls(self) -> u32 {
        match self {
            Point::After { calls, .. } | Point::Entering { calls } | Point::Within { calls } => {
                calls
            }
        }
    }

    /// The point to try once a victim on its way to this one has come as far as `reached`. `None`
    /// after the operation's end.
    pub(crate) fn next(self, reached: Reached, density: Density) -> Option<Point> {
        match (self, reached) {
            (_, Reached::End) => None,
            (Point::After { calls, .. }, Reached::SystemCall) => Some(Point::Within { calls }),
            (Point::After { calls, steps }, Reached::There) => Some(match density.next(steps) {
                Some(steps) => Point::After { calls, steps },
                None => Point::Entering { calls },
            }),
            (Point::Entering { calls }, _) => Some(Point::Within { calls }),
            // It slept, or the call returned at once and what follows is the next stretch's start.
            (Point::Within { calls }, Reached::There) => Some(Point::After {
                calls: calls + 1,
                steps: 0,
            }),
            (Point::Within { calls }, Reached::SystemCall) => Some(Point::After {
                calls: calls + 1,
                steps: 1,
            }),
        }
    }

    /// For a cell of memory shared with another process.
    pub(crate) fn pack(self) -> u64 {
        let (kind, calls, steps) = match self {
            Point::After { calls, steps } => (0, calls, steps),
            Point::Entering { calls } => (1, calls, 0),
            Point::Within { calls } => (2, calls, 0),
        };
        kind << 60 | u64::from(calls) << 32 | u64::from(steps)
    }

    pub(crate) fn unpack(packed: u64) -> Point {
        let calls = (packed >> 32) as u32 & 0x0fff_ffff;
        match packed >> 60 {
            0 => Point::After {
                calls,
                steps: packed as u32,
            },
            1 => Point::Entering { calls },
            _ => Point::Within { calls },
        }
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Point::After { calls: 0, steps } => write!(f, "instruction {steps}"),
            Point::After { calls, steps } => {
                write!(f, "{steps} instructions after system call {calls}")
            }
            Point::Entering { calls } => write!(f, "the door of system call {}", calls + 1),
            Point::Within { calls } => write!(f, "system call {}, inside", calls + 1),
        }
    }
}
