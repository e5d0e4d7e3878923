//! The parent's side, up to the moment the child exists.

use std::collections::hash_map::RandomState;
use std::env;
use std::ffi::{CString, OsString};
use std::hash::BuildHasher;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::ffi::OsStringExt;
use std::process;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::child::{Child, ChildProcess};
use super::entry::{Entrance, Marker, Trampoline, program_name, trampoline};
use super::letter::{Envelope, Letter};
use crate::error::{Error, Result};
use crate::keeper;
use crate::platform::image::{Fingerprint, Image};
use crate::platform::signals::SignalMask;
use crate::platform::spawn::this_program;
use crate::travel::{self, Parcel};

/// Starts a child process that calls `entry` with `args`, and returns when it exists.
///
/// `entry` is a function, or a closure that captures nothing: it has to be found again in another
/// process. The arguments and the result are serialised; handles of this crate inside the arguments
/// travel along. The arguments are dropped here once the child exists: a handle that moves, such as
/// [`Producer`](crate::spsc::Producer), has moved.
///
/// The child runs the same program with the same environment, working directory and standard
/// streams. It inherits no memory and no other descriptor than those not marked close-on-exec. It is
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
    const {
        assert!(
            size_of::<F>() == 0,
            "the entry of a child process is a `fn` item or a closure that captures nothing"
        );
    }
    let _ = entry;
    let entrance = Entrance::of_this_program()?;
    let (bytes, parcel) = travel::packing(|| postcard::to_allocvec(&args));
    let bytes = bytes.map_err(|error| Error::Arguments {
        reason: error.to_string(),
    })?;
    let child = launch(entrance, trampoline::<A, R, F>, &bytes, parcel)?;
    drop(args);
    Ok(Child::new(child))
}

fn launch(
    entrance: Entrance,
    entry: Trampoline,
    arguments: &[u8],
    parcel: Parcel,
) -> Result<Arc<ChildProcess>> {
    let entry = Image::of_program().offset_of_code(entry as *const () as usize);
    let nonce = RandomState::new().hash_one(());
    let envelope = Envelope {
        nonce,
        parent: process::id(),
        image: Fingerprint::of_program().map_err(Error::os("find this program's file"))?,
        entry: entry.ok_or(Error::Unsupported {
            reason: "the entry is part of a shared library, not of the program",
        })?,
        fds: parcel.fds.iter().map(AsRawFd::as_raw_fd).collect(),
    };
    let letter = Letter::write(&envelope, arguments).map_err(Error::os("write the arguments"))?;
    let marker = Marker {
        letter: letter.as_fd().as_raw_fd(),
        nonce,
        entrance,
    };
    let command_line = [program_name(), marker.to_argument().into()].map(c_string);
    let environment: Vec<_> = env::vars_os().map(setting).collect();
    // The keeper blocks every signal; the child starts out with what its real parent blocks.
    let mask = SignalMask::current();

    keeper::run(move || {
        let mut fds: Vec<_> = parcel.fds.iter().map(AsFd::as_fd).collect();
        fds.push(letter.as_fd());
        let started = this_program(&command_line, &environment, &fds, &mask);
        let (pid, pidfd) = started.map_err(Error::os("start a child process"))?;
        let child = ChildProcess::watched(pid, pidfd, letter, parcel.on_lost)?;
        for callback in parcel.on_spawned {
            callback();
        }
        Ok(child)
    })?
}

fn setting((name, value): (OsString, OsString)) -> CString {
    let mut setting = name;
    setting.push("=");
    setting.push(value);
    c_string(setting)
}

fn c_string(string: OsString) -> CString {
    CString::new(string.into_vec()).expect("came from a C string")
}
