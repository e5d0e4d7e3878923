//! Values that cross in serialised form.

use std::ops::Deref;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::Fault;

/// A value that can be sent in serialised form: anything that serde can serialise and deserialise, but for what borrows.
///
/// The encoding is [postcard](https://docs.rs/postcard)'s: compact, without names or types, so both sides have to agree on the type.
pub trait Object: Serialize + DeserializeOwned {}

impl<T: Serialize + DeserializeOwned> Object for T {}

pub(crate) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Fault> {
    postcard::to_allocvec(value).map_err(|_| Fault::Encode)
}

pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    match split(bytes)? {
        (value, []) => Ok(value),
        // What is left over belongs to a value of another type.
        _ => Err(Fault::Decode),
    }
}

/// The value that these bytes begin with, and the bytes behind it.
pub(crate) fn split<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<(T, &'a [u8]), Fault> {
    postcard::take_from_bytes(bytes).map_err(|_| Fault::Decode)
}

/// Bytes that need no allocation.
const INLINE: usize = 64;

/// A value in serialised form, which most keys and many values are too short for to be worth an allocation.
pub(crate) struct Encoded {
    inline: [u8; INLINE],
    len: usize,
    /// All of it, if it is longer.
    spilled: Vec<u8>,
}

impl Encoded {
    pub(crate) fn of<T: Serialize + ?Sized>(value: &T) -> Result<Encoded, Fault> {
        let mut encoded = Encoded {
            inline: [0; INLINE],
            len: 0,
            spilled: Vec::new(),
        };
        match postcard::to_slice(value, &mut encoded.inline) {
            Ok(used) => encoded.len = used.len(),
            Err(postcard::Error::SerializeBufferFull) => encoded.spilled = encode(value)?,
            Err(_) => return Err(Fault::Encode),
        }
        Ok(encoded)
    }
}

impl Deref for Encoded {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self.spilled.as_slice() {
            [] => &self.inline[..self.len],
            spilled => spilled,
        }
    }
}
