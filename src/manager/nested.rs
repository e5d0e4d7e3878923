#![allow(unsafe_code)] // a pointer that is valid while a function runs
//! Objects inside of what is stored in a manager: a dict of lists holds the lists' numbers.
//!
//! While a value is encoded or decoded for an object of a manager, the thread knows which manager it is for. A handle's `Serialize` then writes down the number
//! of its object, and `Deserialize` opens the object again.

use std::cell::Cell;
use std::ptr::NonNull;
use std::sync::Arc;

use serde::Serialize;

use super::handle::Manager;
use crate::error::Fault;
use crate::object::{self, Encoded, Object};
use crate::place::{Part, Place};

thread_local! {
    /// A place in the manager's segment.
    static INSIDE: Cell<Option<NonNull<Place>>> = const { Cell::new(None) };
}

/// Puts back what was before, also when the function panics.
struct Before(Option<NonNull<Place>>);

impl Drop for Before {
    #[inline]
    fn drop(&mut self) {
        INSIDE.set(self.0);
    }
}

/// Runs `f`, for the manager that `place` is in.
#[inline]
fn within<R>(place: &Place, f: impl FnOnce() -> R) -> R {
    let _before = Before(INSIDE.replace(Some(NonNull::from(place))));
    f()
}

/// A value that is to be stored in the manager that `place` is in.
#[inline]
pub(crate) fn encode<T: Serialize + ?Sized>(place: &Place, value: &T) -> Result<Encoded, Fault> {
    within(place, || Encoded::of(value))
}

/// The same to where it stays.
#[inline]
pub(crate) fn encode_into<'b, T: Serialize + ?Sized>(
    place: &Place,
    value: &T,
    encoded: &'b mut Encoded,
) -> Result<&'b [u8], Fault> {
    within(place, || encoded.fill(value))
}

/// A value that was stored in the manager that `place` is in.
#[inline]
pub(crate) fn decode<T: Object>(place: &Place, bytes: &[u8]) -> Result<T, Fault> {
    within(place, || object::decode(bytes))
}

fn inside<R>(f: impl FnOnce(&Place) -> R) -> Option<R> {
    // SAFETY: it was set by a call of `within` that has not returned, and that borrows the place.
    INSIDE.get().map(|place| f(unsafe { place.as_ref() }))
}

/// Inside of what is stored in a manager: the number of an object of that manager.
pub(crate) fn number(place: &Place) -> Result<Option<u32>, &'static str> {
    let number = inside(|home| match place.which_part() {
        Part::Object(number) if Arc::ptr_eq(&home.attachment, &place.attachment) => Ok(number),
        _ => Err("only objects of the same manager can be stored in it"),
    });
    number.transpose()
}

/// The manager inside of which something is stored.
pub(crate) fn manager() -> Option<Manager> {
    inside(|home| Manager::of(Arc::clone(&home.attachment)))
}
