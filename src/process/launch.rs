//! Where a child process comes into being, whatever it is to do.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::os::fd::AsFd;
use std::process;
use std::sync::Arc;

use super::builder::{Surroundings, c_string};
use super::child::ChildProcess;
use super::entry::{Entrance, Marker, program_name};
use super::letter::{Envelope, Letter, Order};
use super::settings::Settings;
use super::stdio::Streams;
use crate::error::{Error, Result};
use crate::keeper;
use crate::platform::image::Fingerprint;
use crate::platform::spawn::{self, Start, above, end_of};
use crate::travel::Parcel;

/// Writes the letter, starts this program anew, and has the keeper watch over it.
pub(super) fn launch(
    settings: Settings,
    surroundings: Surroundings,
    entrance: Entrance,
    order: Order,
    arguments: &[u8],
    parcel: Parcel,
) -> Result<(Arc<ChildProcess>, Streams)> {
    let environment = surroundings.environment()?;
    let directory = surroundings.directory()?;
    let (mask, defaults) = surroundings.signals();
    let name = settings.name.clone();
    c_string("name", name.clone().into())?;

    let nonce = RandomState::new().hash_one(());
    let envelope = Envelope {
        nonce,
        parent: process::id(),
        image: Fingerprint::of_program().map_err(Error::os("find this program's file"))?,
        order,
        fds: parcel.fds.len(),
        settings,
    };
    let letter = Letter::write(&envelope, arguments).map_err(Error::os("write the arguments"))?;
    let marker = Marker {
        letter: spawn::FIRST,
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
        let started = spawn::this_program(&Start {
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
