//! A key's place in a dict, under the lock of its shard.

use std::fmt;

use serde::Serialize;

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
    bytes: Bytes,
    site: Site<'a>,
}

/// A key in serialised form, and the record that was found under it. They stay where they are while they are worked with: to move
/// what has just been written costs more than a search.
pub(super) struct Bytes {
    key: Encoded,
    copied: Copied,
}

impl Bytes {
    #[inline]
    pub(super) fn new() -> Bytes {
        Bytes {
            key: Encoded::new(),
            copied: Copied::new(),
        }
    }
}

/// Where a key is, or is not, in a shard whose lock the thread has.
pub(super) struct Site<'a> {
    locked: Locked<'a>,
    hash: u64,
    spot: Spot,
}

/// An entry, or what an operation needs of one.
pub(super) struct Opened<'b, 'a, K: Object, V: Object> {
    dict: &'b Dict<K, V>,
    bytes: &'b Bytes,
    site: &'b Site<'a>,
}

impl<'a> Site<'a> {
    /// Looks for a key, and keeps the lock.
    #[inline(always)]
    pub(super) fn find<K: Object, V: Object, Q: Serialize + ?Sized>(
        dict: &Dict<K, V>,
        shards: &'a Shards,
        key: &Q,
        bytes: &mut Bytes,
    ) -> Result<Self, UpdateError> {
        let key = dict.encode(key, &mut bytes.key)?;
        let hash = shards.heap.hash(key);
        let locked = shards.lock(shards.shard_of(hash))?;
        let spot = locked.find(hash, key, &mut bytes.copied)?;
        Ok(Site { locked, hash, spot })
    }

    #[inline]
    pub(super) fn open<'b, K: Object, V: Object>(
        &'b self,
        dict: &'b Dict<K, V>,
        bytes: &'b Bytes,
    ) -> Opened<'b, 'a, K, V> {
        Opened {
            dict,
            bytes,
            site: self,
        }
    }
}

impl<K: Object, V: Object> Opened<'_, '_, K, V> {
    #[inline]
    pub(super) fn get(&self) -> Result<Option<V>, Fault> {
        self.encoded()
            .map(|value| self.dict.decode(value))
            .transpose()
    }

    /// The value in serialised form.
    #[inline]
    pub(super) fn encoded(&self) -> Option<&[u8]> {
        (self.site.spot != Spot::Absent).then(|| self.bytes.copied.value())
    }

    /// Gives the key a value; the one it had.
    #[inline]
    pub(super) fn put(&self, value: &[u8]) -> Result<Option<V>, UpdateError> {
        let old = self.get()?;
        self.store(value)?;
        Ok(old)
    }

    #[inline]
    fn store(&self, value: &[u8]) -> Result<(), UpdateError> {
        let Site { locked, hash, spot } = self.site;
        manager::with_room(&self.dict.place, || {
            locked.put(*spot, *hash, &self.bytes.key, value)
        })
    }

    /// Gives the key this value, or none.
    #[inline]
    pub(super) fn set(&self, value: Option<&V>) -> Result<(), UpdateError> {
        let Site { locked, spot, .. } = self.site;
        match (value, *spot) {
            (Some(value), _) => {
                let mut encoded = Encoded::new();
                self.store(self.dict.encode(value, &mut encoded)?)?;
            }
            (None, Spot::Found { slot, link }) => {
                locked.remove(slot, link)?;
                locked.trim()?;
            }
            (None, Spot::Absent) => {}
        }
        Ok(())
    }

    /// Removes the key; the value it had.
    #[inline]
    pub(super) fn remove(&self) -> Result<Option<V>, UpdateError> {
        let old = self.get()?;
        self.set(None)?;
        Ok(old)
    }

    #[inline]
    pub(super) fn or_insert_with(&self, f: impl FnOnce() -> V) -> Result<V, UpdateError> {
        match self.get()? {
            Some(value) => Ok(value),
            None => {
                let value = f();
                self.set(Some(&value))?;
                Ok(value)
            }
        }
    }
}

impl<'a, K: Object, V: Object> Entry<'a, K, V> {
    pub(super) fn of<Q: Serialize + ?Sized>(
        dict: &'a Dict<K, V>,
        shards: &'a Shards,
        key: &Q,
    ) -> Result<Self, UpdateError> {
        let mut bytes = Bytes::new();
        let site = Site::find(dict, shards, key, &mut bytes)?;
        Ok(Entry { dict, bytes, site })
    }

    fn open(&self) -> Opened<'_, 'a, K, V> {
        self.site.open(self.dict, &self.bytes)
    }

    /// The value, if there is one.
    ///
    /// # Errors
    ///
    /// [`Fault::Decode`] if it is no `V`.
    pub fn get(&self) -> Result<Option<V>, Fault> {
        self.open().get()
    }

    /// Gives the key a value; the one it had.
    ///
    /// # Errors
    ///
    /// See [`Dict::insert`].
    pub fn insert(self, value: &V) -> Result<Option<V>, UpdateError> {
        let mut encoded = Encoded::new();
        let value = self.dict.encode(value, &mut encoded)?;
        self.open().put(value)
    }

    /// Removes the key; the value it had.
    ///
    /// # Errors
    ///
    /// See [`Dict::remove`].
    pub fn remove(self) -> Result<Option<V>, UpdateError> {
        self.open().remove()
    }

    /// The value; if there is none, that of `f` from now on.
    ///
    /// # Errors
    ///
    /// See [`Dict::insert`].
    pub fn or_insert_with(self, f: impl FnOnce() -> V) -> Result<V, UpdateError> {
        self.open().or_insert_with(f)
    }
}

impl<K: Object, V: Object> fmt::Debug for Entry<'_, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("is_there", &(self.site.spot != Spot::Absent))
            .finish_non_exhaustive()
    }
}
