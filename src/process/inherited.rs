#![allow(unsafe_code)] // descriptors arrive as numbers
//! In a program that was started with handles: the way to them.

use std::env;
use std::io;
use std::os::fd::OwnedFd;
use std::process;
use std::sync::OnceLock;

use serde::de::DeserializeOwned;

use super::command::{Errand, Handle};
use super::entry;
use super::letter::Letter;
use crate::error::{Error, Result};
use crate::platform::spawn;
use crate::travel;

/// The handle that this program was [given](crate::process::Command) by this name. It can be asked for as often as one likes; but what moves has then moved, and is lost to
/// whoever asks again.
///
/// ```no_run
/// use crossproc::{Queue, process};
///
/// # fn main() -> crossproc::Result<()> {
/// let orders: Queue<u64> = process::inherited("orders")?;
/// # Ok(())
/// # }
/// ```
///
/// Programs that this one starts in turn do not have its handles, unless they are given them.
///
/// # Errors
///
/// [`Error::NotInherited`] if the program was started without handles, or with none of this name; [`Error::Inherited`] if it is of another
/// type: segments know their types, but of other values that is noticed only if they do not fit.
pub fn inherited<T: DeserializeOwned>(name: &str) -> Result<T> {
    let not_inherited = || Error::NotInherited { name: name.into() };
    let handles = INHERITED.get().ok_or_else(not_inherited)?;
    let found = handles.iter().find(|(handle, _)| handle.name == name);
    let (handle, fds) = found.ok_or_else(not_inherited)?;
    let fds: io::Result<_> = fds.iter().map(OwnedFd::try_clone).collect();
    let fds = fds.map_err(Error::os("duplicate a descriptor"))?;
    travel::unpack(fds, &handle.bytes).map_err(|reason| Error::Inherited {
        name: name.into(),
        reason,
    })
}

/// Each with its descriptors.
static INHERITED: OnceLock<Vec<(Handle, Vec<OwnedFd>)>> = OnceLock::new();

/// How a program knows that it was started with handles. Programs that it starts have the variable too, but another id.
pub(super) const VARIABLE: &str = "CROSSPROC_HANDLES";

pub(super) fn note(nonce: u64, process: u32) -> String {
    format!("{nonce:016x},{process}")
}

/// The nonce, if the note is for this process.
fn nonce(note: &str, process: u32) -> Option<u64> {
    let (nonce, id) = note.split_once(',')?;
    let nonce = u64::from_str_radix(nonce, 16).ok()?;
    (id.parse() == Ok(process)).then_some(nonce)
}

/// Takes the handles over, so that no program started from here on has their descriptors. Before `main`, once. A variable made up by somebody else
/// changes nothing.
pub(super) fn take_over() {
    if let Some(handles) = received() {
        // It has not been set before: this is called once.
        let _ = INHERITED.set(handles);
    }
}

fn received() -> Option<Vec<(Handle, Vec<OwnedFd>)>> {
    let nonce = nonce(env::var_os(VARIABLE)?.to_str()?, process::id())?;
    // A duplicate: if this is no letter, it is somebody else's descriptor.
    // SAFETY: it is only duplicated, and not if it is closed.
    let fd = unsafe { spawn::duplicate(spawn::FIRST) }.ok()?;
    let (_, envelope, errand) = Letter::receive(fd).ok()?;
    if envelope.nonce != nonce {
        return None;
    }
    // SAFETY: it is the letter, which nothing opened here can have got the number of.
    drop(unsafe { spawn::adopt(spawn::FIRST) });
    let errand: Errand = postcard::from_bytes(&errand).ok()?;
    let mut fds = entry::adopt(0..envelope.fds.checked_sub(1)?)
        .ok()?
        .into_iter();
    let handles = errand.handles.into_iter();
    let handles = handles.map(|handle| {
        let fds = fds.by_ref().take(handle.fds).collect();
        (handle, fds)
    });
    Some(handles.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_read_as_written_and_by_their_process_alone() {
        let written = note(u64::MAX, 7);
        assert_eq!(nonce(&written, 7), Some(u64::MAX));
        assert_eq!(nonce(&written, 8), None);
        for other in ["", ",", "x,7", "1", "1,", "1,-7", "1,7,"] {
            assert_eq!(nonce(other, 7), None);
        }
    }
}
