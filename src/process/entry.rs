#![allow(unsafe_code)] // in a child, the entry function is found by its place in the image
//! The child's side: from the start of the program to the entry function, and out.

use std::env;
use std::fs;
use std::mem;
use std::ops::Range;
use std::os::fd::{OwnedFd, RawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::exit;
use std::sync::OnceLock;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::family::{self, Origin};
use super::letter::{Answer, Envelope, Letter, Order};
use super::{exec, inherited, panics};
use crate::error::{Error, Result};
use crate::platform::image::{Fingerprint, Image};
use crate::platform::{pidfd, spawn};
use crate::travel;

/// Where children of this program begin: call it first in `main`.
///
/// A child process runs this same program from the start. There this function calls the child's
/// entry function and never returns; everywhere else it does nothing but note that `main` has
/// called it. Whatever `main` does before is done in every child, too.
///
/// Test functions need no `init`: the test harness's `main` is not theirs, so children of a test
/// begin before it.
pub fn init() {
    if INITIALISED.set(()).is_err() {
        return; // An entry function, or code it uses, calling once more.
    }
    if let Some(marker) = Marker::of_this_process()
        && marker.entrance == Entrance::Init
    {
        enter(&marker);
    }
}

static INITIALISED: OnceLock<()> = OnceLock::new();

/// What a child does with its arguments once their types are known again: the bytes of the result.
pub(super) type Trampoline = fn(&Letter, Vec<OwnedFd>, &[u8]) -> Result<Vec<u8>, Answer>;

pub(super) fn trampoline<A, R, F>(
    letter: &Letter,
    fds: Vec<OwnedFd>,
    arguments: &[u8],
) -> Result<Vec<u8>, Answer>
where
    A: DeserializeOwned,
    R: Serialize,
    F: Fn(A) -> R + Copy + 'static,
{
    const { assert!(size_of::<F>() == 0) };
    // SAFETY: `F` has no bytes, is `Copy`, and `spawn` was given one, so there is one to be had.
    let entry: F = unsafe { mem::transmute_copy(&()) };
    let arguments =
        travel::unpack(fds, arguments).map_err(|reason| Answer::ArgumentsUnreadable { reason })?;
    letter.mark_unpacked().map_err(|error| {
        let reason = error.to_string();
        Answer::ArgumentsUnreadable { reason }
    })?;
    postcard::to_allocvec(&entry(arguments)).map_err(|error| {
        let reason = error.to_string();
        Answer::ResultUnsendable { reason }
    })
}

/// Where in a program its children begin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Entrance {
    /// In [`init`].
    Init,
    /// In [`before_main`].
    BeforeMain,
    /// There too, to become another program.
    Exec,
}

impl Entrance {
    /// # Errors
    ///
    /// If there is none: `main` is the program's own and has not called [`init`].
    pub(super) fn of_this_program() -> Result<Entrance> {
        static IS_TEST: OnceLock<bool> = OnceLock::new();
        // First, as a test may call code that calls `init`.
        if *IS_TEST.get_or_init(is_test_program) {
            Ok(Entrance::BeforeMain)
        } else if INITIALISED.get().is_some() {
            Ok(Entrance::Init)
        } else {
            Err(Error::NotInitialised)
        }
    }
}

/// Whether `main` is that of Rust's test harness, known by the environment variable it reads.
fn is_test_program() -> bool {
    // Turned round only at run time: this crate must not bring along what it looks for.
    let name: Vec<u8> = std::hint::black_box(b"SDAERHT_TSET_TSUR")
        .iter()
        .rev()
        .copied()
        .collect();
    Image::of_program().constants_contain(&name)
}

/// Run by the loader in every program this crate is part of.
extern "C" fn before_main() {
    if let Some(marker) = Marker::of_this_process()
        && marker.entrance != Entrance::Init
    {
        enter(&marker);
    }
    inherited::take_over();
}

// The section holds pointers to functions, called with arguments that they are free to ignore.
#[used]
#[unsafe(link_section = ".init_array")]
static BEFORE_MAIN: extern "C" fn() = before_main;

/// The argument by which a process knows that it is a child.
pub(super) struct Marker {
    pub(super) letter: RawFd,
    pub(super) nonce: u64,
    pub(super) entrance: Entrance,
}

impl Marker {
    const PREFIX: &str = "--crossproc-child=";

    pub(super) fn to_argument(&self) -> String {
        let entrance = match self.entrance {
            Entrance::Init => "init",
            Entrance::BeforeMain => "test",
            Entrance::Exec => "exec",
        };
        format!(
            "{}{},{:016x},{entrance}",
            Self::PREFIX,
            self.letter,
            self.nonce
        )
    }

    fn from_argument(argument: &str) -> Option<Marker> {
        let mut parts = argument.strip_prefix(Self::PREFIX)?.split(',');
        Some(Marker {
            letter: parts.next()?.parse().ok()?,
            nonce: u64::from_str_radix(parts.next()?, 16).ok()?,
            entrance: match parts.next()? {
                "init" => Entrance::Init,
                "test" => Entrance::BeforeMain,
                "exec" => Entrance::Exec,
                _ => return None,
            },
        })
    }

    fn of_this_process() -> Option<Marker> {
        if let Some(argument) = env::args_os().nth(1) {
            return Marker::from_argument(argument.to_str()?);
        }
        // Before `main`, some C libraries have not handed them out yet.
        let line = fs::read("/proc/self/cmdline").ok()?;
        let argument = line.split(|byte| *byte == 0).nth(1)?;
        Marker::from_argument(str::from_utf8(argument).ok()?)
    }
}

/// The child's whole life.
fn enter(marker: &Marker) -> ! {
    let (letter, envelope, arguments) = receive(marker).unwrap_or_else(|reason| {
        eprintln!("crossproc: this process was started as a child process, but {reason}");
        exit(EXIT_REFUSED)
    });
    // The letter, and what the panic hook knows of it, last as long as the process.
    let letter: &'static Letter = Box::leak(Box::new(letter));
    panics::remember(letter);
    let outcome = catch_unwind(AssertUnwindSafe(|| -> Result<Vec<u8>, Answer> {
        let unreadable = |reason| Answer::ArgumentsUnreadable { reason };
        check_image(&envelope).map_err(unreadable)?;
        let settings = &envelope.settings;
        settings.apply().map_err(|(setting, error)| {
            let reason = error.to_string();
            Answer::SettingRefused { setting, reason }
        })?;
        let Order::Call { entry } = envelope.order else {
            return Err(exec::become_program(letter, &envelope, &arguments));
        };
        let trampoline = find(entry).map_err(unreadable)?;
        let fds = adopt(0..envelope.fds).map_err(unreadable)?;
        family::begin(Origin {
            name: settings.name.clone(),
            parent: envelope.parent,
        });
        trampoline(letter, fds, &arguments)
    }));
    let (answer, result) = match outcome {
        Ok(Ok(result)) => (Answer::Returned, result),
        Ok(Err(answer)) => (answer, Vec::new()),
        Err(panic) => (panics::answer_to(&*panic), Vec::new()),
    };
    let code = match &answer {
        Answer::Returned => 0,
        _ => EXIT_PANICKED,
    };
    if let Err(error) = letter.answer(&answer, &result) {
        // Most likely there is no room for the result; there may be for saying so.
        let reason = error.to_string();
        let _ = letter.answer(&Answer::ResultUnsendable { reason }, &[]);
        exit(EXIT_PANICKED);
    }
    exit(code)
}

/// A program that panics exits with this code, too.
const EXIT_PANICKED: i32 = 101;
const EXIT_REFUSED: i32 = 2;

fn receive(marker: &Marker) -> Result<(Letter, Envelope, Vec<u8>), String> {
    // SAFETY: the number was taken when this process began, so nothing opened here can have got it.
    let fd = unsafe { spawn::adopt(marker.letter) };
    let received = fd.and_then(Letter::receive);
    let (letter, envelope, arguments) =
        received.map_err(|error| format!("its letter cannot be read: {error}"))?;
    if envelope.nonce != marker.nonce {
        return Err("its letter is another's".into());
    }
    if envelope.settings.outlives_parent {
        return Ok((letter, envelope, arguments));
    }
    match pidfd::die_with_parent(envelope.parent) {
        Ok(true) => Ok((letter, envelope, arguments)),
        Ok(false) => exit(EXIT_REFUSED), // The parent has ended: there is nobody to tell.
        Err(error) => Err(format!("it cannot be tied to its parent: {error}")),
    }
}

/// `/proc/self/exe` made this process from the very file its parent was loaded from, so the same
/// offset is the same function. The fingerprint guards against whatever might come between: an
/// emulator or a wrapper that redirects `exec`.
fn check_image(envelope: &Envelope) -> Result<(), String> {
    let image = Fingerprint::of_program().map_err(|error| error.to_string())?;
    if image != envelope.image {
        return Err("it runs another program than its parent".into());
    }
    Ok(())
}

/// The code the envelope names, in the same image.
fn find(entry: u64) -> Result<Trampoline, String> {
    let code = Image::of_program().code_at(entry);
    let code = code.ok_or("there is no code at the entry's place")?;
    // SAFETY: the parent took this offset from a `Trampoline`, in an image equal to this one.
    Ok(unsafe { mem::transmute::<*const (), Trampoline>(code) })
}

/// These descriptors of the parcel. Each is to be adopted once.
pub(super) fn adopt(fds: Range<usize>) -> Result<Vec<OwnedFd>, String> {
    let number = |index: usize| spawn::end_of(index.saturating_add(1));
    (number(fds.start)..number(fds.end))
        // SAFETY: as for the letter's; each number is adopted once.
        .map(|fd| unsafe { spawn::adopt(fd) })
        .collect::<std::io::Result<_>>()
        .map_err(|error| format!("a descriptor is missing: {error}"))
}

/// The name this program was called by.
pub(super) fn program_name() -> std::ffi::OsString {
    env::args_os().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_read_as_written() {
        for entrance in [Entrance::Init, Entrance::BeforeMain, Entrance::Exec] {
            let written = Marker {
                letter: 9,
                nonce: u64::MAX,
                entrance,
            };
            let read = Marker::from_argument(&written.to_argument()).unwrap();
            assert_eq!(
                (read.letter, read.nonce, read.entrance),
                (9, u64::MAX, entrance)
            );
        }
        for other in [
            "",
            "--help",
            "--crossproc-child=",
            "--crossproc-child=3,x,init",
        ] {
            assert!(Marker::from_argument(other).is_none());
        }
    }

    #[test]
    fn the_harness_is_recognised() {
        assert!(is_test_program());
    }
}
