//! In the child that is to become another program.
//!
//! It has its letter at the first number after the standard streams, then the handles' descriptors, then a pipe. Dying anywhere, it closes
//! the pipe, which its parent takes for a start; that it ended is then told by its exit status.

use std::io;
use std::mem;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{self, Command};

use super::command::Errand;
use super::entry::adopt;
use super::inherited;
use super::letter::{Answer, Envelope, Letter};
use crate::platform::spawn;

/// Becomes the program. Returns only if that is refused.
pub(super) fn become_program(letter: &Letter, envelope: &Envelope, errand: &[u8]) -> Answer {
    match execute(letter, envelope, errand) {
        Ok(error) => Answer::ProgramRefused {
            // Without a number it failed before any call.
            error: error.raw_os_error().unwrap_or(libc::EINVAL),
        },
        Err(reason) => Answer::ArgumentsUnreadable { reason },
    }
}

fn execute(letter: &Letter, envelope: &Envelope, errand: &[u8]) -> Result<io::Error, String> {
    let errand: Errand = postcard::from_bytes(errand).map_err(|error| error.to_string())?;
    // The standard library has SIGPIPE end the program, as programs expect.
    let mut command = Command::new(&errand.program);
    command.args(&errand.arguments);
    // The handles' own descriptors have not been taken over, and go on to the program. The pipe does not.
    let pipe = envelope.fds.checked_sub(1).ok_or("it has no pipe")?;
    // Nor is it closed here before the answer is there: the parent looks for one once it is.
    adopt(pipe..envelope.fds)?.into_iter().for_each(mem::forget);
    if !errand.handles.is_empty() {
        spawn::pass_on(letter.as_fd()).map_err(|error| error.to_string())?;
        let note = inherited::note(envelope.nonce, process::id());
        command.env(inherited::VARIABLE, note);
    }
    Ok(command.exec())
}
