//! The parent's side, up to the moment the child exists.

use std::any::type_name;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::os::fd::AsFd;
use std::process;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::builder::{Builder, builder, c_string};
use super::child::{Child, ChildProcess};
use super::entry::{Entrance, Marker, Trampoline, program_name, trampoline};
use super::letter::{Envelope, Letter};
use super::stdio::Streams;
use crate::error::{Error, Result};
use crate::keeper;
use crate::platform::image::{Fingerprint, Image};
use crate::platform::spawn::{self as platform, Start, above, end_of};
use crate::travel::{self, Parcel};

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
        let (child, streams) = launch(self, entrance, trampoline::<A, R, F>, &bytes, parcel)?;
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

fn launch(
    builder: Builder,
    entrance: Entrance,
    entry: Trampoline,
    arguments: &[u8],
    parcel: Parcel,
) -> Result<(Arc<ChildProcess>, Streams)> {
    let Builder {
        settings,
        surroundings,
        ..
    } = builder;
    let environment = surroundings.environment()?;
    let directory = surroundings.directory()?;
    let (mask, defaults) = surroundings.signals();
    let name = settings.name.clone();
    c_string("name", name.clone().into())?;

    let entry = Image::of_program().offset_of_code(entry as *const () as usize);
    let nonce = RandomState::new().hash_one(());
    let envelope = Envelope {
        nonce,
        parent: process::id(),
        image: Fingerprint::of_program().map_err(Error::os("find this program's file"))?,
        entry: entry.ok_or(Error::Unsupported {
            reason: "the entry is part of a shared library, not of the program",
        })?,
        fds: parcel.fds.len(),
        settings,
    };
    let letter = Letter::write(&envelope, arguments).map_err(Error::os("write the arguments"))?;
    let marker = Marker {
        letter: platform::FIRST,
        nonce,
        entrance,
    };
    let command_line = [
        c_string("name of this program", program_name())?,
        c_string("argument", marker.to_argument().into())?,
    ];
    let mut streams =
        Streams::open(surroundings.streams).map_err(Error::os("open a standard stream"))?;

    // None of them may have a number that another of them becomes in the child.
    let lowest = end_of(1 + parcel.fds.len());
    let raise = |fd| above(fd, lowest).map_err(Error::os("duplicate a descriptor"));
    let fds = parcel.fds.into_iter().map(raise);
    let fds: Vec<_> = fds.collect::<Result<_>>()?;
    for given in &mut streams.given {
        *given = given.take().map(raise).transpose()?;
    }

    let child = keeper::run(|| -> Result<_> {
        let mut given = vec![letter.as_fd()];
        given.extend(fds.iter().map(AsFd::as_fd));
        let started = platform::this_program(&Start {
            arguments: &command_line,
            environment: &environment,
            streams: streams
                .given
                .each_ref()
                .map(|one| one.as_ref().map(AsFd::as_fd)),
            fds: &given,
            directory: directory.as_ref().map(AsFd::as_fd),
            mask,
            defaults,
        });
        let started = started.map_err(Error::os("start a child process"))?;
        let child = ChildProcess::watched(started, name, letter, parcel.on_lost)?;
        for callback in parcel.on_spawned {
            callback();
        }
        Ok(child)
    })??;
    Ok((child, streams))
}
