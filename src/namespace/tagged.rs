//! A value with its type's name: the name in serialised form, and behind it the value.

use std::any::type_name;
use std::str;

use crate::element::without_paths;
use crate::error::{Error, Fault, Result};
use crate::manager::nested;
use crate::object::{Encoded, Object, split};
use crate::place::Place;

pub(super) fn encode<T: Object>(place: &Place, value: &T) -> Result<Encoded, Fault> {
    nested::encode(place, &(name_of::<T>(), value))
}

/// The value that has been found under this name, if it is a `T`.
pub(super) fn decode<T: Object>(place: &Place, name: &str, bytes: &[u8]) -> Result<T> {
    let (found, value) = split::<&str>(bytes)?;
    let expected = name_of::<T>();
    if found != expected {
        return Err(Error::Mismatch {
            segment: format!(
                "{}, attribute `{name}`",
                place.name().unwrap_or("(anonymous)")
            ),
            field: "type",
            found: found.to_owned(),
            expected,
        });
    }
    Ok(nested::decode(place, value)?)
}

fn name_of<T>() -> String {
    without_paths(type_name::<T>())
}
