#![allow(unsafe_code)] // in a worker, the function of a task is found by its place in the program
//! The code of a task: what a worker calls to run it.
//!
//! Functions have no names at run time, but workers run the same program as their parent, so a place in its image means the same function in both. As
//! with a child's entry, functions are `fn` items and closures that capture nothing.
//!
//! A place is only called with a *seal* on it: a hash of the place and of a secret that parent and workers share in private memory. Garbage in a
//! message is not code to be run.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::error::JobError;
use super::shift::Shift;
use crate::platform::image::Image;
use crate::process::describe_panic;

/// Runs the tasks of a message, whose arguments these bytes are.
pub(super) type Code = fn(&mut Shift<'_>, &[u8]);

/// What a worker puts before each result.
#[derive(Serialize, Deserialize)]
pub(super) enum Outcome {
    Returned,
    Panicked {
        message: String,
        location: Option<String>,
    },
    Arguments {
        reason: String,
    },
    Result {
        reason: String,
    },
}

impl Outcome {
    /// What `Returned` is in serialised form: its place among the others.
    pub(super) const RETURNED: u8 = 0;

    /// Why there is no result.
    pub(super) fn into_error(self) -> Option<JobError> {
        match self {
            Outcome::Returned => None,
            Outcome::Panicked { message, location } => {
                Some(JobError::Panicked { message, location })
            }
            Outcome::Arguments { reason } => Some(JobError::Arguments { reason }),
            Outcome::Result { reason } => Some(JobError::Result { reason }),
        }
    }
}

/// Code, as it is said in a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) code: u64,
    pub(super) seal: u64,
}

/// What parent and workers know and nobody else: see [the module](self).
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct Secret(u64);

impl Secret {
    pub(super) fn new() -> Secret {
        // Keys that differ from process to process, and from call to call.
        use std::hash::BuildHasher;
        Secret(std::hash::RandomState::new().hash_one(0))
    }

    fn seal(self, code: u64) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.0, code).hash(&mut hasher);
        hasher.finish()
    }

    /// Where the code is that runs tasks of `F`. `None` if that is part of a shared library rather than of the program.
    pub(super) fn place_of<A, R, F>(self) -> Option<Place>
    where
        A: DeserializeOwned,
        R: Serialize,
        F: Fn(A) -> R + Copy + 'static,
    {
        let code = run::<A, R, F> as Code;
        let code = image().offset_of_code(code as *const () as usize)?;
        Some(Place {
            code,
            seal: self.seal(code),
        })
    }

    /// The code that was meant; `None` of garbage.
    pub(super) fn code_at(self, place: Place) -> Option<Code> {
        if self.seal(place.code) != place.seal {
            return None;
        }
        let code = image().code_at(place.code)?;
        // SAFETY: the seal says that somebody with the secret took the place from a `Code` of this same program.
        Some(unsafe { mem::transmute::<*const (), Code>(code) })
    }
}

fn image() -> &'static Image {
    static IMAGE: OnceLock<Image> = OnceLock::new();
    IMAGE.get_or_init(Image::of_program)
}

fn run<A, R, F>(shift: &mut Shift<'_>, mut arguments: &[u8])
where
    A: DeserializeOwned,
    R: Serialize,
    F: Fn(A) -> R + Copy + 'static,
{
    const { assert!(size_of::<F>() == 0) };
    // SAFETY: `F` has no bytes, is `Copy`, and the parent was given one, so there is one to be had.
    let function: F = unsafe { mem::transmute_copy(&()) };
    while shift.begin() {
        let before = shift.results.len();
        let mut rest = None;
        let ran = catch_unwind(AssertUnwindSafe(|| {
            let (value, behind) = postcard::take_from_bytes::<A>(arguments)
                .map_err(|error| error.to_string())
                .map_err(|reason| Outcome::Arguments { reason })?;
            rest = Some(behind);
            let result = function(value);
            shift.results.push(Outcome::RETURNED);
            shift.put(&result)
        }));
        let outcome = match ran {
            Ok(outcome) => outcome,
            Err(panic) => {
                let (message, location) = describe_panic(&*panic);
                Err(Outcome::Panicked { message, location })
            }
        };
        if let Err(outcome) = outcome {
            shift.results.truncate(before);
            shift.put_outcome(&outcome);
        }
        shift.end();
        match rest {
            Some(rest) => arguments = rest,
            // Where the next task's arguments begin is not known.
            None => {
                while shift.begin() {
                    shift.put_outcome(&Outcome::Arguments {
                        reason: "those of a task before it cannot be deserialised".into(),
                    });
                    shift.end();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn double(n: u32) -> u32 {
        n * 2
    }

    #[test]
    fn outcomes_begin_with_what_they_are() {
        let returned = postcard::to_allocvec(&Outcome::Returned).unwrap();
        assert_eq!(returned, [Outcome::RETURNED]);
    }

    #[test]
    fn only_what_was_sealed_is_code() {
        let secret = Secret::new();
        fn place_of<F: Fn(u32) -> u32 + Copy + 'static>(secret: Secret, _: F) -> Place {
            secret.place_of::<u32, u32, F>().unwrap()
        }
        let place = place_of(secret, double);
        assert!(secret.code_at(place).is_some());
        for bit in 0..64 {
            let code = place.code ^ 1 << bit;
            assert!(secret.code_at(Place { code, ..place }).is_none());
            let seal = place.seal ^ 1 << bit;
            assert!(secret.code_at(Place { seal, ..place }).is_none());
        }
        assert!(Secret::new().code_at(place).is_none());
    }
}
