//! The handle on a namespace.

use std::fmt;

use super::tagged;
use crate::dict::shards::{Locked, Shards};
use crate::dict::table::Spot;
use crate::error::{Error, Fault, Result};
use crate::handle::travels;
use crate::heap::Copied;
use crate::manager::{self, validate_name};
use crate::object::Object;
use crate::place::Place;
use crate::segment::{Capacity, Kind, Options, Primitive, Size};

const NO_NAME: Fault = Fault::Corrupted("an attribute's name is no text");

/// Named values, each of a type of its own, shared by processes: what one would make global variables of.
///
/// It lives in a [`Manager`](crate::Manager), and is bounded by the manager's memory. Clones, and handles opened elsewhere, refer to the same namespace. A name has 1 to 200 bytes.
///
/// ```
/// use crossproc::Manager;
///
/// let app = Manager::new()?;
/// let config = app.namespace("config")?;
/// config.set("title", &"Squares".to_owned())?;
/// config.set("limit", &10u32)?;
/// config.update("limit", |limit: Option<u32>| limit.map(|limit| limit * 2))?;     // atomic, whoever else does the same
/// assert_eq!(config.get::<u32>("limit")?, Some(20));
/// assert_eq!(config.get::<u32>("depth")?, None);
/// assert!(config.get::<u32>("title").is_err());                                   // it is a String
/// assert_eq!(config.names()?, ["limit", "title"]);
/// # Ok::<(), crossproc::Error>(())
/// ```
///
/// # Blocking
///
/// [`get`](Namespace::get) and [`contains`](Namespace::contains) take no lock, unless writers overtake them 64 times. Everything else waits for whoever has the
/// namespace's lock. A function given to [`update`](Namespace::update) runs while the lock is held, so it should be short. It may read the namespace; if it asks for a change of it, it gets
/// [`Error::Deadlock`].
///
/// # When a process dies
///
/// Each change is one store. A process that is killed has made it or has not; nobody sees half of it, nobody waits for it, and the
/// memory that it was about to use is free for the next.
///
/// # Types
///
/// They are compared by name, without the modules they are in, and what is in them is not compared: two programs that give a type's name to different types
/// get [`Error::Decode`], or garbage, from one another.
pub struct Namespace {
    shards: Shards,
    place: Place,
}

impl Namespace {
    /// For [`Manager::create_object`](crate::Manager::create_object) and the like.
    pub fn options() -> Options<Self> {
        Options::new()
    }

    /// The value of an attribute, if there is one.
    ///
    /// # Errors
    ///
    /// [`Error::Mismatch`] if it is of another type (says both), [`Error::InvalidName`], [`Error::Decode`], [`Error::Corrupted`].
    pub fn get<T: Object>(&self, name: &str) -> Result<Option<T>> {
        let mut copied = Copied::new();
        match self.copy(name, &mut copied)? {
            true => tagged::decode(&self.place, name, copied.value()).map(Some),
            false => Ok(None),
        }
    }

    /// Whether there is an attribute of this name, of whatever type.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidName`], [`Error::Corrupted`].
    pub fn contains(&self, name: &str) -> Result<bool> {
        self.copy(name, &mut Copied::new())
    }

    fn copy(&self, name: &str, copied: &mut Copied) -> Result<bool> {
        validate_name(name)?;
        Ok(self.shards.get(name.as_bytes(), copied)?)
    }

    /// Gives an attribute a value, whatever it had.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidName`], [`Error::Encode`], [`Error::MaximumReached`], [`Error::NoMemory`], [`Error::Oversized`], [`Error::Deadlock`],
    /// [`Error::Corrupted`]. Nothing was changed then.
    pub fn set<T: Object>(&self, name: &str, value: &T) -> Result<()> {
        let value = tagged::encode(&self.place, value)?;
        Attribute::lock(self, name)?.put(&value)
    }

    /// Removes an attribute, of whatever type; whether there was one.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidName`], [`Error::Deadlock`], [`Error::Corrupted`]. Nothing was removed then.
    pub fn remove(&self, name: &str) -> Result<bool> {
        Attribute::lock(self, name)?.remove()
    }

    /// Replaces the value of an attribute by what `f` makes of it, atomically: nobody changes it meanwhile. `None` is no value, before and after. What `f` returned.
    ///
    /// If `f` panics, nothing was changed.
    ///
    /// # Errors
    ///
    /// Those of [`get`](Namespace::get) and of [`set`](Namespace::set).
    pub fn update<T: Object>(
        &self,
        name: &str,
        f: impl FnOnce(Option<T>) -> Option<T>,
    ) -> Result<Option<T>> {
        let attribute = Attribute::lock(self, name)?;
        let old = attribute.encoded();
        let old = old.map(|old| tagged::decode(&self.place, name, old));
        let new = f(old.transpose()?);
        match &new {
            Some(value) => attribute.put(&tagged::encode(&self.place, value)?)?,
            None => _ = attribute.remove()?,
        }
        Ok(new)
    }

    /// The names of all attributes, sorted, as they were at one instant.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupted`].
    pub fn names(&self) -> Result<Vec<String>> {
        let text = |(name, _)| String::from_utf8(name).map_err(|_| NO_NAME.into());
        let names: Result<Vec<String>> = self.shards.snapshot(0)?.into_iter().map(text).collect();
        let mut names = names?;
        names.sort_unstable();
        Ok(names)
    }

    /// How many attributes there are.
    pub fn len(&self) -> usize {
        usize::try_from(self.shards.len()).unwrap_or(usize::MAX)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Removes all attributes, at once.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupted`].
    pub fn clear(&self) -> Result<()> {
        Ok(self.shards.clear()?)
    }

    /// How often, since the segment was created, somebody put in order what a dead process had left.
    pub fn repairs(&self) -> u64 {
        self.place.repairs()
    }
}

/// An attribute that nobody else changes.
struct Attribute<'a> {
    place: &'a Place,
    locked: Locked<'a>,
    hash: u64,
    name: &'a str,
    spot: Spot,
    /// The record, if there is one.
    copied: Copied,
}

impl<'a> Attribute<'a> {
    fn lock(namespace: &'a Namespace, name: &'a str) -> Result<Self> {
        validate_name(name)?;
        let hash = namespace.shards.heap.hash(name.as_bytes());
        let locked = namespace.shards.lock(0)?;
        let mut copied = Copied::new();
        let spot = locked.find(hash, name.as_bytes(), &mut copied)?;
        Ok(Attribute {
            place: &namespace.place,
            locked,
            hash,
            name,
            spot,
            copied,
        })
    }

    fn encoded(&self) -> Option<&[u8]> {
        (self.spot != Spot::Absent).then(|| self.copied.value())
    }

    fn put(self, value: &[u8]) -> Result<()> {
        let name = self.name.as_bytes();
        let put = || self.locked.put(self.spot, self.hash, name, value);
        Ok(manager::with_room(self.place, put)?)
    }

    fn remove(self) -> Result<bool> {
        let Spot::Found { slot, link } = self.spot else {
            return Ok(false);
        };
        self.locked.remove(slot, link)?;
        self.locked.trim()?;
        Ok(true)
    }
}

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Namespace")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

travels! { impl Namespace, place }

impl Primitive for Namespace {
    type Element = ();
    const KIND: Kind = Kind::Namespace;
    const CAPACITY: Capacity = Capacity::ONE;

    fn body_len(_: Size) -> Option<u64> {
        Some(Shards::body_len(1))
    }

    fn attach(place: Place) -> Result<Self, Error> {
        let (heap, object, at) = manager::home(&place)?;
        Ok(Namespace {
            shards: Shards::new(heap, at, object, 1),
            place,
        })
    }
}
