//! A key's place in a dict, under the lock of its shard.

use std::fmt;

use super::handle::Dict;
use super::shards::{Locked, Shards};
use super::table::Spot;
use crate::error::{Fault, UpdateError};
use crate::heap::Copied;
use crate::manager;
use crate::object::{Encoded, Object};

/// A key's place in a [`Dict`], which nobody else changes until it is dropped: see [`Dict::entry`].
///
/// ```
/// let app = crossproc::Manager::new()?;
/// let words = app.dict::<String, Vec<u32>>("words")?;
/// let entry = words.entry("dog")?;
/// let mut lines = entry.get()?.unwrap_or_default();
/// lines.push(7);
/// entry.insert(&lines)?;
/// # Ok::<(), crossproc::Error>(())
/// ```
///
/// If its process dies, the key has the value that it had, or the one that was inserted; the lock is free.
pub struct Entry<'a, K: Object, V: Object> {
    dict: &'a Dict<K, V>,
    locked: Locked<'a>,
    hash: u64,
    key: Encoded,
    spot: Spot,
    /// The record, if there is one.
    copied: Copied,
}

impl<'a, K: Object, V: Object> Entry<'a, K, V> {
    #[inline]
    pub(super) fn of(
        dict: &'a Dict<K, V>,
        shards: &'a Shards,
        key: Encoded,
    ) -> Result<Self, UpdateError> {
        let hash = shards.heap.hash(&key);
        let locked = shards.lock(shards.shard_of(hash))?;
        let mut copied = Copied::new();
        let spot = locked.find(hash, &key, &mut copied)?;
        Ok(Entry {
            dict,
            locked,
            hash,
            key,
            spot,
            copied,
        })
    }

    /// The value, if there is one.
    ///
    /// # Errors
    ///
    /// [`Fault::Decode`] if it is no `V`.
    pub fn get(&self) -> Result<Option<V>, Fault> {
        self.encoded()
            .map(|value| self.dict.decode(value))
            .transpose()
    }

    /// Gives the key a value; the one it had.
    ///
    /// # Errors
    ///
    /// See [`Dict::insert`].
    pub fn insert(self, value: &V) -> Result<Option<V>, UpdateError> {
        let value = self.dict.encode(value)?;
        self.put_encoded(&value)
    }

    /// Removes the key; the value it had.
    ///
    /// # Errors
    ///
    /// See [`Dict::remove`].
    pub fn remove(self) -> Result<Option<V>, UpdateError> {
        let old = self.get()?;
        self.set(None)?;
        Ok(old)
    }

    /// The value; if there is none, that of `f` from now on.
    ///
    /// # Errors
    ///
    /// See [`Dict::insert`].
    pub fn or_insert_with(self, f: impl FnOnce() -> V) -> Result<V, UpdateError> {
        match self.get()? {
            Some(value) => Ok(value),
            None => {
                let value = f();
                self.set(Some(&value))?;
                Ok(value)
            }
        }
    }

    /// The value in serialised form.
    pub(super) fn encoded(&self) -> Option<&[u8]> {
        (self.spot != Spot::Absent).then(|| self.copied.value())
    }

    #[inline]
    pub(super) fn put_encoded(self, value: &[u8]) -> Result<Option<V>, UpdateError> {
        let old = self.get()?;
        self.put(value)?;
        Ok(old)
    }

    #[inline]
    fn put(&self, value: &[u8]) -> Result<(), UpdateError> {
        manager::with_room(&self.dict.place, || {
            self.locked.put(self.spot, self.hash, &self.key, value)
        })
    }

    /// Gives the key this value, or none.
    pub(super) fn set(self, value: Option<&V>) -> Result<(), UpdateError> {
        match (value, self.spot) {
            (Some(value), _) => self.put(&self.dict.encode(value)?)?,
            (None, Spot::Found { slot, link }) => {
                self.locked.remove(slot, link)?;
                self.locked.trim()?;
            }
            (None, Spot::Absent) => {}
        }
        Ok(())
    }
}

impl<K: Object, V: Object> fmt::Debug for Entry<'_, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("is_there", &(self.spot != Spot::Absent))
            .finish_non_exhaustive()
    }
}
