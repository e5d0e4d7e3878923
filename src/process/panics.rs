//! What a child remembers of its panics, for the answer.

use std::any::Any;
use std::cell::RefCell;
use std::panic;

use super::letter::{Answer, Letter};

thread_local! {
    /// This thread's latest panic: message and location.
    static LATEST: RefCell<Option<(String, String)>> = const { RefCell::new(None) };
}

/// Installs a hook that remembers panics, besides what the present one does.
///
/// Where panics abort, the hook is the last code to run, so it answers the letter itself.
pub(super) fn remember(letter: &'static Letter) {
    let present = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let message = message(info.payload());
        let location = info.location().map(ToString::to_string);
        if cfg!(panic = "abort") {
            let _ = letter.answer(&Answer::Panicked { message, location }, &[]);
        } else if let Some(location) = location {
            // Too late only for a panic in a destructor of the thread's own variables.
            let _ = LATEST.try_with(|latest| latest.replace(Some((message, location))));
        }
        present(info);
    }));
}

/// The answer to a caught panic.
pub(super) fn answer_to(payload: &(dyn Any + Send)) -> Answer {
    let (message, location) = describe(payload);
    Answer::Panicked { message, location }
}

/// A caught panic's message, and where it was.
pub(crate) fn describe(payload: &(dyn Any + Send)) -> (String, Option<String>) {
    let message = message(payload);
    // A panic that was caught and resumed, perhaps on another thread, passed no hook here: what this
    // thread remembers may then be another, earlier one.
    let latest = LATEST.take().filter(|(latest, _)| *latest == message);
    let location = latest.map(|(_, location)| location);
    (message, location)
}

fn message(payload: &(dyn Any + Send)) -> String {
    if let Some(message) = payload.downcast_ref::<&str>() {
        (*message).into()
    } else if let Some(message) = payload.downcast_ref::<String>() {
        message.clone()
    } else {
        "Box<dyn Any>".into()
    }
}
