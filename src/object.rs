//! Values that cross in serialised form.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Fault;

/// A value that can be sent in serialised form: anything that serde can serialise and deserialise, but for what borrows.
///
/// The encoding is [postcard](https://docs.rs/postcard)'s: compact, without names or types, so both sides have to agree on the type.
pub trait Object: Serialize + DeserializeOwned {}

impl<T: Serialize + DeserializeOwned> Object for T {}

pub(crate) fn encode(value: &impl Serialize) -> Result<Vec<u8>, Fault> {
    postcard::to_allocvec(value).map_err(|_| Fault::Encode)
}

pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        // What is left over belongs to a value of another type.
        Ok(_) | Err(_) => Err(Fault::Decode),
    }
}
