//! A plain value as an object.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::element::Element;

/// A plain value that serde takes for bytes.
///
/// It makes an [`Object`](crate::Object) of every [`Element`], also of one that does not implement serde's traits, and costs no more than a copy: so fixed-size values go
/// through [`ObjectQueue`](crate::ObjectQueue), pipes and the arguments of [`process::spawn`](crate::process::spawn), alone or inside of other values.
///
/// Its bytes are those that the value has in memory, so they mean something between programs of the same machine that have the same type. Deserialising
/// checks their number, and that they are a valid value.
///
/// ```
/// use bytemuck::{CheckedBitPattern, NoUninit};
/// use crossproc::{ObjectQueue, Plain};
///
/// #[derive(Clone, Copy, Debug, PartialEq, NoUninit, CheckedBitPattern)]
/// #[repr(C)]
/// struct Point { x: f64, y: f64 }
///
/// let queue = ObjectQueue::<(String, Plain<Point>)>::new(1 << 16)?;
/// queue.send(&("home".to_string(), Plain(Point { x: 1.0, y: 2.0 })))?;
/// let (name, point) = queue.recv()?;
/// assert_eq!((name.as_str(), point.x), ("home", 1.0));
/// # Ok::<(), crossproc::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Plain<T>(pub T);

impl<T> From<T> for Plain<T> {
    fn from(value: T) -> Self {
        Plain(value)
    }
}

impl<T> Deref for Plain<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Plain<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: Element> Serialize for Plain<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytemuck::bytes_of(&self.0))
    }
}

impl<'de, T: Element> Deserialize<'de> for Plain<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_bytes(Bytes(PhantomData))
            .map(Plain)
    }
}

struct Bytes<T>(PhantomData<T>);

impl<'de, T: Element> Visitor<'de> for Bytes<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes that are a valid value", size_of::<T>())
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<T, E> {
        if bytes.len() != size_of::<T>() {
            return Err(E::invalid_length(bytes.len(), &self));
        }
        bytemuck::checked::try_pod_read_unaligned(bytes).map_err(|_| {
            E::custom(format_args!(
                "not {} bytes that are a valid value",
                bytes.len()
            ))
        })
    }

    /// Of formats that have no bytes.
    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<T, A::Error> {
        let mut bytes = Vec::with_capacity(size_of::<T>());
        while let Some(byte) = sequence.next_element()? {
            if bytes.len() == size_of::<T>() {
                return Err(A::Error::invalid_length(bytes.len() + 1, &self));
            }
            bytes.push(byte);
        }
        self.visit_bytes(&bytes)
    }
}
