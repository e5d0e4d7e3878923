//! Values that cross in serialised form.

use std::ops::Deref;

use postcard::ser_flavors::Flavor;
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

/// Adds a value in serialised form. If that fails, or panics, what was there before is there still, and perhaps more.
#[inline]
pub(crate) fn append<T: Serialize + ?Sized>(value: &T, to: &mut Vec<u8>) -> postcard::Result<()> {
    struct Appended<'a>(&'a mut Vec<u8>);
    impl Flavor for Appended<'_> {
        type Output = ();

        #[inline]
        fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
            self.0.push(byte);
            Ok(())
        }

        #[inline]
        fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
            // A number, mostly: to call `memcpy` takes longer than to copy it.
            let before = self.0.len();
            match *bytes {
                [a] => self.0.push(a),
                [a, b] => self.0.extend_from_slice(&[a, b]),
                [a, b, c] => self.0.extend_from_slice(&[a, b, c]),
                _ if (4..=8).contains(&bytes.len()) => {
                    // Twice four bytes, which may overlap.
                    let len = bytes.len();
                    self.0.extend_from_slice(&[0; 8]);
                    let to = &mut self.0[before..];
                    to[..4].copy_from_slice(&bytes[..4]);
                    to[len - 4..len].copy_from_slice(&bytes[len - 4..]);
                    self.0.truncate(before + len);
                }
                _ => self.0.extend_from_slice(bytes),
            }
            Ok(())
        }

        fn finalize(self) -> postcard::Result<()> {
            Ok(())
        }
    }
    postcard::serialize_with_flavor(value, Appended(to))
}

#[inline]
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    match split(bytes)? {
        (value, []) => Ok(value),
        // What is left over belongs to a value of another type.
        _ => Err(Fault::Decode),
    }
}

/// The value that these bytes begin with, and the bytes behind it.
#[inline]
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
    /// Of nothing yet. What it is filled with stays where it is: whoever moves bytes that were stored one by one waits for them.
    #[inline]
    pub(crate) fn new() -> Encoded {
        Encoded {
            inline: [0; INLINE],
            len: 0,
            spilled: Vec::new(),
        }
    }

    /// Of a value, for who keeps it.
    pub(crate) fn of<T: Serialize + ?Sized>(value: &T) -> Result<Encoded, Fault> {
        let mut encoded = Encoded::new();
        encoded.fill(value)?;
        Ok(encoded)
    }

    /// Encodes a value, once.
    #[inline]
    pub(crate) fn fill<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<&[u8], Fault> {
        match postcard::serialize_with_flavor(value, &mut *self) {
            Ok(()) => Ok(self),
            Err(_) => Err(Fault::Encode),
        }
    }

    #[cold]
    fn spill(&mut self, bytes: &[u8]) {
        if self.spilled.is_empty() {
            self.spilled.extend_from_slice(&self.inline[..self.len]);
        }
        self.spilled.extend_from_slice(bytes);
    }
}

impl Flavor for &mut Encoded {
    type Output = ();

    #[inline]
    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        match self.inline.get_mut(self.len) {
            Some(next) if self.spilled.is_empty() => {
                *next = byte;
                self.len += 1;
            }
            _ => self.spill(&[byte]),
        }
        Ok(())
    }

    #[inline]
    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        let end = self.len + bytes.len();
        match self.inline.get_mut(self.len..end) {
            Some(room) if self.spilled.is_empty() => {
                // A number, mostly: to call `memcpy` takes longer than to copy it.
                match *bytes {
                    [a] => room.copy_from_slice(&[a]),
                    [a, b] => room.copy_from_slice(&[a, b]),
                    [a, b, c] => room.copy_from_slice(&[a, b, c]),
                    _ => room.copy_from_slice(bytes),
                }
                self.len = end;
            }
            _ => self.spill(bytes),
        }
        Ok(())
    }

    #[inline]
    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

impl Deref for Encoded {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self.spilled.as_slice() {
            [] => &self.inline[..self.len],
            spilled => spilled,
        }
    }
}
