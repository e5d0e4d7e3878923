//! The typed handle on a dict.

use std::borrow::Borrow;
use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;

use super::entry::{Bytes, Entry, Opened, Site};
use super::iter::Iter;
use super::shards::{SHARDS, Shards};
use crate::error::{Error, Fault, Result, UpdateError};
use crate::handle::travels;
use crate::heap::Copied;
use crate::manager::{self, nested};
use crate::object::{Encoded, Object};
use crate::place::Place;
use crate::segment::{Capacity, ElementLayout, Kind, Options, Primitive, Size};

/// Keys with values, shared by processes: both of any type that serde can serialise, or plain ones ([`Plain`](crate::Plain)).
///
/// It lives in a [`Manager`](crate::Manager), grows and shrinks with what is in it, and is bounded by the manager's memory. Clones, and handles opened elsewhere, refer
/// to the same dict.
///
/// ```
/// use crossproc::Manager;
///
/// let app = Manager::new()?;
/// let ages = app.dict::<String, u32>("ages")?;
/// ages.insert("ada", &36)?;
/// ages.update("ada", |age| Some(age.unwrap_or(0) + 1))?;      // atomic, whoever else does the same
/// assert_eq!(ages.get("ada")?, Some(37));
/// assert_eq!(ages.remove("ada")?, Some(37));
/// assert!(ages.is_empty());
/// # Ok::<(), crossproc::Error>(())
/// ```
///
/// # Blocking
///
/// [`get`](Dict::get) and [`contains_key`](Dict::contains_key) take no lock, unless writers overtake them 64 times, and wait for none for long. Everything that changes a key waits for
/// whoever is changing one in the same shard, of which there are 16; a function given to [`update`](Dict::update) and the like runs while the
/// lock is held, so it should be short. It may read the dict; if it asks for a change in the same shard it gets
/// [`Deadlock`](UpdateError::Deadlock).
///
/// # When a process dies
///
/// Each change is one store. A process that is killed has made it or has not; nobody sees half of it, nobody waits for it, and the
/// memory that it was about to use is free for the next.
///
/// # Equal keys
///
/// Keys are equal if their encodings are. So a key's `Serialize` must write equal keys equally, which a `HashMap` inside of a key does not; and with
/// `K = String` a `&str` is as good.
///
/// # Forks
///
/// A forked child may use what it inherits, but for entries: what it has of an [`entry`](Dict::entry) of its parent, or inside a function that the parent gave
/// to [`update`](Dict::update), changes nothing, and is [`Fault::RoleLost`].
pub struct Dict<K: Object, V: Object> {
    shards: Shards,
    pub(super) place: Place,
    types: PhantomData<fn() -> (K, V)>,
}

impl<K: Object, V: Object> Dict<K, V> {
    /// For [`Manager::create_object`](crate::Manager::create_object) and the like.
    pub fn options() -> Options<Self> {
        Options::new()
    }

    /// The value of a key, if it has one.
    ///
    /// # Errors
    ///
    /// [`Fault::Encode`] for a key that cannot be serialised, [`Fault::Decode`] for a value that is no `V`, [`Fault::Corrupted`].
    #[inline]
    pub fn get<Q: Serialize + ?Sized>(&self, key: &Q) -> Result<Option<V>, Fault>
    where
        K: Borrow<Q>,
    {
        let (mut encoded, mut copied) = (Encoded::new(), Copied::new());
        let key = self.encode(key, &mut encoded)?;
        match self.shards.get(key, &mut copied)? {
            true => self.decode(copied.value()).map(Some),
            false => Ok(None),
        }
    }

    /// Whether a key has a value.
    ///
    /// # Errors
    ///
    /// As for [`get`](Dict::get), without `Decode`.
    #[inline]
    pub fn contains_key<Q: Serialize + ?Sized>(&self, key: &Q) -> Result<bool, Fault>
    where
        K: Borrow<Q>,
    {
        let mut encoded = Encoded::new();
        let key = self.encode(key, &mut encoded)?;
        self.shards.get(key, &mut Copied::new())
    }

    /// Gives a key a value; the value it had.
    ///
    /// # Errors
    ///
    /// [`MaximumReached`](UpdateError::MaximumReached), [`NoMemory`](UpdateError::NoMemory), [`Oversized`](UpdateError::Oversized),
    /// [`Deadlock`](UpdateError::Deadlock), [`Fault`](UpdateError::Fault). Nothing was changed then.
    #[inline]
    pub fn insert<Q: Serialize + ?Sized>(
        &self,
        key: &Q,
        value: &V,
    ) -> Result<Option<V>, UpdateError>
    where
        K: Borrow<Q>,
    {
        let mut encoded = Encoded::new();
        let value = self.encode(value, &mut encoded)?;
        self.open(key, |entry| entry.put(value))
    }

    /// Removes a key; the value it had.
    ///
    /// # Errors
    ///
    /// [`Deadlock`](UpdateError::Deadlock), [`Fault`](UpdateError::Fault). Nothing was removed then.
    #[inline]
    pub fn remove<Q: Serialize + ?Sized>(&self, key: &Q) -> Result<Option<V>, UpdateError>
    where
        K: Borrow<Q>,
    {
        self.open(key, |entry| entry.remove())
    }

    /// Removes a key, whatever its value is: also one that cannot be read, as when it has a handle on an object that was removed. Whether it was there.
    ///
    /// # Errors
    ///
    /// [`Deadlock`](UpdateError::Deadlock), [`Fault`](UpdateError::Fault). Nothing was removed then.
    pub fn discard<Q: Serialize + ?Sized>(&self, key: &Q) -> Result<bool, UpdateError>
    where
        K: Borrow<Q>,
    {
        self.open(key, |entry| {
            let was_there = entry.encoded().is_some();
            entry.set(None)?;
            Ok(was_there)
        })
    }

    /// Replaces the value of a key by what `f` makes of it, atomically: nobody changes it meanwhile. `None` is no value, before and after. What `f` returned.
    ///
    /// If `f` panics, nothing was changed.
    ///
    /// # Errors
    ///
    /// As for [`insert`](Dict::insert).
    #[inline]
    pub fn update<Q: Serialize + ?Sized>(
        &self,
        key: &Q,
        f: impl FnOnce(Option<V>) -> Option<V>,
    ) -> Result<Option<V>, UpdateError>
    where
        K: Borrow<Q>,
    {
        self.open(key, |entry| {
            let new = f(entry.get()?);
            entry.set(new.as_ref())?;
            Ok(new)
        })
    }

    /// Replaces the value of a key if it is `current`; `None` is no value. Inside, the value it has if it is not.
    ///
    /// Values are equal if their encodings are.
    ///
    /// # Errors
    ///
    /// As for [`insert`](Dict::insert).
    pub fn compare_exchange<Q: Serialize + ?Sized>(
        &self,
        key: &Q,
        current: Option<&V>,
        new: Option<&V>,
    ) -> Result<Result<(), Option<V>>, UpdateError>
    where
        K: Borrow<Q>,
    {
        let mut encoded = Encoded::new();
        let current = current
            .map(|value| self.encode(value, &mut encoded))
            .transpose()?;
        self.open(key, |entry| {
            if entry.encoded() != current {
                return Ok(Err(entry.get()?));
            }
            entry.set(new)?;
            Ok(Ok(()))
        })
    }

    /// The value of a key; if it has none, that of `f` from now on. Of several who do so at once, one has its `f` called, and the others wait for it.
    ///
    /// # Errors
    ///
    /// As for [`insert`](Dict::insert).
    pub fn get_or_insert_with<Q: Serialize + ?Sized>(
        &self,
        key: &Q,
        f: impl FnOnce() -> V,
    ) -> Result<V, UpdateError>
    where
        K: Borrow<Q>,
    {
        if let Some(value) = self.get(key)? {
            return Ok(value);
        }
        self.open(key, |entry| entry.or_insert_with(f))
    }

    /// A key's place, for several steps that are to be atomic: nobody else changes this key, or any other of its shard, until the entry is dropped. Blocks
    /// while another has it.
    ///
    /// # Errors
    ///
    /// [`Deadlock`](UpdateError::Deadlock) if this thread has an entry of the same shard already, [`Fault`](UpdateError::Fault).
    #[inline]
    pub fn entry<Q: Serialize + ?Sized>(&self, key: &Q) -> Result<Entry<'_, K, V>, UpdateError>
    where
        K: Borrow<Q>,
    {
        Entry::of(self, &self.shards, key)
    }

    /// Calls `f` with a key's place, as [`entry`](Dict::entry) would give it away.
    #[inline]
    fn open<Q: Serialize + ?Sized, R>(
        &self,
        key: &Q,
        f: impl FnOnce(Opened<'_, '_, K, V>) -> Result<R, UpdateError>,
    ) -> Result<R, UpdateError> {
        let mut bytes = Bytes::new();
        let site = Site::find(self, &self.shards, key, &mut bytes)?;
        f(site.open(self, &bytes))
    }

    /// All keys with their values.
    ///
    /// Each shard is copied whole when the iteration comes to it: what it yields of one shard was there at one instant, but of different shards at different
    /// ones. A key that is there all the time comes once; one that is not there at any time does not come.
    pub fn iter(&self) -> Iter<'_, K, V> {
        Iter::new(self, &self.shards)
    }

    /// Removes every key for which `keep` returns false, shard after shard, atomically for each key.
    ///
    /// # Errors
    ///
    /// [`Deadlock`](UpdateError::Deadlock), [`Fault`](UpdateError::Fault). What was removed until then stays removed.
    pub fn retain(&self, mut keep: impl FnMut(&K, &V) -> bool) -> Result<(), UpdateError> {
        for shard in 0..self.shards.count() {
            let locked = self.shards.lock(shard)?;
            let mut copied = Copied::new();
            locked.each::<UpdateError>(&mut copied, |slot, link, copied| {
                let key = self.decode(copied.key())?;
                let value = self.decode(copied.value())?;
                if !keep(&key, &value) {
                    locked.remove(slot, link)?;
                }
                Ok(())
            })?;
            locked.trim()?;
        }
        Ok(())
    }

    /// Removes everything, at once: nobody sees some of it gone and some not.
    ///
    /// # Errors
    ///
    /// [`Deadlock`](UpdateError::Deadlock) if this thread has an [entry](Dict::entry): nothing was removed then. [`Fault`](UpdateError::Fault).
    pub fn clear(&self) -> Result<(), UpdateError> {
        self.shards.clear()
    }

    /// How many keys there are: while others change the dict, a sum over its shards at slightly different times.
    pub fn len(&self) -> usize {
        usize::try_from(self.shards.len()).unwrap_or(usize::MAX)
    }

    /// Whether there are none: see [`len`](Dict::len).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How often, since the segment was created, somebody put in order what a dead process had left.
    pub fn repairs(&self) -> u64 {
        self.place.repairs()
    }

    #[cfg(test)]
    pub(crate) fn shards(&self) -> &Shards {
        &self.shards
    }

    #[inline]
    pub(super) fn encode<'b, T: Serialize + ?Sized>(
        &self,
        value: &T,
        encoded: &'b mut Encoded,
    ) -> Result<&'b [u8], Fault> {
        nested::encode_into(&self.place, value, encoded)
    }

    #[inline]
    pub(super) fn decode<T: Object>(&self, bytes: &[u8]) -> Result<T, Fault> {
        nested::decode(&self.place, bytes)
    }
}

impl<'a, K: Object, V: Object> IntoIterator for &'a Dict<K, V> {
    type Item = Result<(K, V), Fault>;
    type IntoIter = Iter<'a, K, V>;

    fn into_iter(self) -> Iter<'a, K, V> {
        self.iter()
    }
}

impl<K: Object, V: Object> fmt::Debug for Dict<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dict")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

travels! { impl<K: Object, V: Object> Dict<K, V>, place }

impl<K: Object, V: Object> Primitive for Dict<K, V> {
    type Element = ();
    const KIND: Kind = Kind::Dict;
    const CAPACITY: Capacity = Capacity::ONE;

    #[expect(private_interfaces, reason = "for this crate's own use")]
    fn element() -> ElementLayout {
        ElementLayout::serialised::<(K, V)>()
    }

    fn body_len(_: Size) -> Option<u64> {
        Some(Shards::body_len(SHARDS))
    }

    fn attach(place: Place) -> Result<Self, Error> {
        let (heap, object, at) = manager::home(&place)?;
        Ok(Dict {
            shards: Shards::new(heap, at, object, SHARDS),
            place,
            types: PhantomData,
        })
    }
}
