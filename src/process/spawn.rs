//! Functions of this program as children.

use std::any::type_name;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::builder::{Builder, builder};
use super::child::Child;
use super::entry::{Entrance, Trampoline, trampoline};
use super::launch::launch;
use super::letter::Order;
use crate::error::{Error, Result};
use crate::platform::image::Image;
use crate::travel;

/// Starts a child process that calls `entry` with `args`, and returns when it exists.
///
/// `entry` is a function, or a closure that captures nothing: it has to be found again in another
/// process. The arguments and the result are serialised; handles of this crate inside the arguments
/// travel along. The arguments are dropped here once the child exists: a handle that moves, such as
/// [`Producer`](crate::spsc::Producer), has moved.
///
/// The child runs the same program with the same environment, working directory and standard
/// streams, unless a [`builder`] says otherwise. It inherits no memory and no other descriptor, marked
/// close-on-exec or not, and no signal mask: it blocks no signal, and ignores none but SIGPIPE. It is
/// killed (SIGKILL) when this process ends, however that comes about.
///
/// # Errors
///
/// [`Error::NotInitialised`] if `main` has not called [`init`](crate::init);
/// [`Error::Arguments`] if the arguments cannot be serialised; [`Error::Unsupported`] if `entry` is
/// part of a shared library rather than of the program; [`Error::Os`] if the system refuses. The
/// arguments are dropped in any case.
///
/// # Compile errors
///
/// A closure that captures something, or a function pointer, is refused at compile time:
///
/// ```compile_fail,E0080
/// let factor = 3;
/// let child = crossproc::process::spawn(move |n: u64| n * factor, 14);
/// ```
pub fn spawn<A, R, F>(entry: F, args: A) -> Result<Child<R>>
where
    F: Fn(A) -> R + Copy + 'static,
    A: Serialize + DeserializeOwned,
    R: Serialize + DeserializeOwned,
{
    builder().spawn(entry, args)
}

impl Builder {
    /// Starts the child, as [`spawn`](crate::process::spawn) does.
    ///
    /// # Errors
    ///
    /// As [`spawn`](crate::process::spawn), and [`Error::InvalidSetting`] and [`Error::File`] for settings that cannot be.
    /// What is refused to the child itself is told when it is joined, as a [`JoinError::Setting`](crate::process::JoinError::Setting).
    pub fn spawn<A, R, F>(mut self, entry: F, args: A) -> Result<Child<R>>
    where
        F: Fn(A) -> R + Copy + 'static,
        A: Serialize + DeserializeOwned,
        R: Serialize + DeserializeOwned,
    {
        const {
            assert!(
                size_of::<F>() == 0,
                "the entry of a child process is a `fn` item or a closure that captures nothing"
            );
        }
        let _ = entry;
        let entrance = Entrance::of_this_program()?;
        if self.settings.name.is_empty() {
            self.settings.name = name_of::<F>().into();
        }
        let (bytes, parcel) = travel::packing(|| postcard::to_allocvec(&args));
        let bytes = bytes.map_err(|error| Error::Arguments {
            reason: error.to_string(),
        })?;
        let entry: Trampoline = trampoline::<A, R, F>;
        let entry = Image::of_program().offset_of_code(entry as *const () as usize);
        let order = Order::Call {
            entry: entry.ok_or(Error::Unsupported {
                reason: "the entry is part of a shared library, not of the program",
            })?,
        };
        let (settings, surroundings) = (self.settings, self.surroundings);
        let (child, streams) = launch(settings, surroundings, entrance, order, &bytes, parcel)?;
        drop(args);
        Ok(Child::returning(child, streams))
    }
}

/// What people call it: the last part of its path, without parameters. A closure goes by the name of the function it stands in.
fn name_of<F>() -> &'static str {
    let path = type_name::<F>();
    let function = path.split('<').next().unwrap_or(path);
    let function = function.trim_end_matches("::{{closure}}");
    match function.rsplit("::").next() {
        Some("") | None => path,
        Some(name) => name,
    }
}
