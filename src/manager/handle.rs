//! The handle on a manager.

use std::fmt;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

use super::directory::{Directory, Record};
use super::pin::{self, Pin};
use crate::dict::Dict;
use crate::element::Element;
use crate::error::{Error, Result};
use crate::handle::handle;
use crate::heap::{self, Geometry, Heap, MOST_MEMORY, SEED};
use crate::list::List;
use crate::liveness::Attachment;
use crate::namespace::Namespace;
use crate::object::Object;
use crate::place::{Identity, Part, Place};
use crate::platform::shm;
use crate::segment::{Capacity, Home, Kind, Options, Primitive, Size, Within};
use crate::values::{Array, Value};

/// How many objects of the same name can be removed while one is opened before that is given up.
const ROUNDS: u32 = 1000;

/// Bytes that a manager can grow to unless told otherwise.
const MEMORY: u64 = 1 << 30;

/// The longest name of an object, in bytes.
const LONGEST: usize = 200;

/// Named objects of every kind in one segment, for any number of processes, and without a server.
///
/// An object is created by whoever asks for it first, and opened by everyone else; its type is checked. It stays until it is removed, or the manager goes: a named
/// one when it is unlinked, an anonymous one with its last user.
///
/// ```
/// use crossproc::{Manager, Queue};
///
/// let app = Manager::new()?;
/// let sessions = app.dict::<String, u64>("sessions")?;
/// let jobs = app.open_or_create_object("jobs", &Queue::<u64>::options().capacity(64))?;
/// sessions.insert("ada", &1)?;
/// jobs.send(2)?;
/// let names: Vec<_> = app.objects()?.into_iter().map(|object| object.name).collect();
/// assert_eq!(names, ["jobs", "sessions"]);
/// # Ok::<(), crossproc::Error>(())
/// ```
///
/// # Memory
///
/// A manager takes memory as it needs it, up to a maximum that is chosen when it is created: [`Options::memory`], 1 GiB unless set, at most 64 GiB. An empty one takes some tens of kilobytes. What
/// is removed can be used again by every object of the manager; the system gets it back when the manager goes. When the maximum is reached, or the system has no memory left, the operation says so and has changed nothing.
///
/// # Objects in objects
///
/// A handle on an object can be part of what is stored in another object of the same manager: a `Dict<String, Dict<String, u32>>`, say. What is stored is which object
/// it is, so all who read it have the same object, and see what anybody changes there. It does not keep the object from being removed.
///
/// # When a process dies
///
/// No process is special. Objects exist completely or not at all; what a dead process was about to create or remove is given back or finished by the next who
/// creates or removes one.
///
/// # Forks
///
/// What a forked child inherits is open only for as long as its parent has it open. If the object is removed, and its parent closes it or dies, its memory is given to others while the
/// child still uses it. So a child that may outlive that opens the object itself, by its name.
pub struct Manager {
    pub(super) directory: Directory,
    heap: Heap,
}

/// What a manager says about one of its objects.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObjectInfo {
    /// Its name.
    pub name: String,
    /// Its kind: "dict", "queue", "mutex", …
    pub kind: String,
    /// The type of its elements, with size and alignment.
    pub element: String,
    /// How many elements it was made for, or bytes of memory; 1 where that means nothing.
    pub capacity: u64,
    /// Bytes that it takes, without what a dict, list or namespace takes for what is in it.
    pub bytes: u64,
}

/// How much memory a manager takes. All in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryInfo {
    /// In use by objects, in whole pages of 4096.
    pub used: u64,
    /// Taken from the system.
    pub committed: u64,
    /// The most it can grow to.
    pub maximum: u64,
}

handle! {
    impl Manager, "manager", heap.place;
    /// It has no objects.
    fn new();
    /// How often, since it was created, somebody put in order what a dead process had left in one of its objects.
    fn repairs();
}

impl Options<Manager> {
    /// How many bytes it can grow to: 1 GiB unless set, at most 64 GiB. When set, an existing one has to have the same.
    pub fn memory(self, bytes: u64) -> Self {
        self.sized(bytes)
    }
}

impl Manager {
    pub(crate) fn of(attachment: Arc<Attachment>) -> Manager {
        let heap = pin::heap(Place::whole(attachment));
        Manager {
            directory: Directory::of(heap.clone()),
            heap,
        }
    }

    pub(crate) fn from_fd(fd: OwnedFd, home: Home) -> Result<Manager> {
        Options::from_fd(fd, home)
    }

    pub(super) fn heap(&self) -> &Heap {
        &self.heap
    }

    /// Opens the manager in the file at this path, or creates it where there is none: for what is to outlive all processes, and the machine's run. See
    /// [`Options::open_or_create_at`], and [`Options::create_at`] and [`Options::open_at`] for the halves of it.
    ///
    /// # Errors
    ///
    /// See [`Options::open_or_create_at`].
    pub fn open_or_create_at(path: impl AsRef<Path>) -> Result<Manager> {
        Self::options().open_or_create_at(path)
    }

    /// Writes what is in the file of a manager at a path to the disk, and blocks until it is there. What others change meanwhile may be there or not.
    ///
    /// This is for machines that lose power or crash: pages that were changed since the last time are on the disk or not, in any order, and so what was committed since
    /// may be lost, or the file be damaged, which is found when it is read ([`Error::Corrupted`]) where it shows. A process that is killed, or a machine that is shut down in good order, loses nothing.
    ///
    /// For any other manager there is nothing to do.
    ///
    /// # Errors
    ///
    /// [`Error::Os`].
    pub fn sync(&self) -> Result<()> {
        self.heap.place.attachment.segment().sync()
    }

    /// The value of this name, created if there is none; then it is `T::default()`.
    ///
    /// # Errors
    ///
    /// See [`open_or_create_object`](Manager::open_or_create_object).
    pub fn value<T: Element + Default>(&self, name: &str) -> Result<Value<T>> {
        self.open_or_create_object(name, &Value::options().value(T::default()))
    }

    /// The array of this name and length, created if there is none.
    ///
    /// # Errors
    ///
    /// See [`open_or_create_object`](Manager::open_or_create_object).
    pub fn array<T: Element>(&self, name: &str, len: usize) -> Result<Array<T>> {
        self.open_or_create_object(name, &Array::options().capacity(len))
    }

    /// The dict of this name, created if there is none.
    ///
    /// # Errors
    ///
    /// See [`open_or_create_object`](Manager::open_or_create_object).
    pub fn dict<K: Object, V: Object>(&self, name: &str) -> Result<Dict<K, V>> {
        self.open_or_create_object(name, &Dict::options())
    }

    /// The list of this name, created if there is none.
    ///
    /// # Errors
    ///
    /// See [`open_or_create_object`](Manager::open_or_create_object).
    pub fn list<T: Object>(&self, name: &str) -> Result<List<T>> {
        self.open_or_create_object(name, &List::options())
    }

    /// The namespace of this name, created if there is none.
    ///
    /// # Errors
    ///
    /// See [`open_or_create_object`](Manager::open_or_create_object).
    pub fn namespace(&self, name: &str) -> Result<Namespace> {
        self.open_or_create_object(name, &Namespace::options())
    }

    /// The object of this name; if there is none, it is created as the options say. Of several who do so at once, one creates. Where it exists, its kind, the type of its elements
    /// and, if set, its capacity have to be the same; participants and access mode are the manager's.
    ///
    /// A process takes part in the segment as one, however many objects it uses.
    ///
    /// # Errors
    ///
    /// [`Error::Mismatch`] if it is something else (says what differs), [`Error::InvalidName`] unless the name has 1 to 200 bytes, [`Error::InvalidSize`], [`Error::NoValue`],
    /// [`Error::MaximumReached`], [`Error::NoMemory`], [`Error::Oversized`], [`Error::TooManyQueues`] (255), [`Error::TooManyOpen`],
    /// [`Error::Corrupted`]; [`Error::Contended`] if others kept creating and removing the name.
    pub fn open_or_create_object<H: Primitive>(
        &self,
        name: &str,
        options: &Options<H>,
    ) -> Result<H> {
        for _ in 0..ROUNDS {
            if let Some(handle) = self.find(name, options)? {
                return Ok(handle);
            }
            if let Some(handle) = self.create_unless(name, options)? {
                return Ok(handle);
            }
        }
        Err(self.contended(name))
    }

    /// Creates an object of this name.
    ///
    /// # Errors
    ///
    /// [`Error::AlreadyExists`] if there is one; those of [`open_or_create_object`](Manager::open_or_create_object).
    pub fn create_object<H: Primitive>(&self, name: &str, options: &Options<H>) -> Result<H> {
        validate_name(name)?;
        self.create_unless(name, options)?
            .ok_or_else(|| Error::AlreadyExists {
                name: name.to_owned(),
            })
    }

    /// Opens the object of this name.
    ///
    /// # Errors
    ///
    /// [`Error::NoObject`] if there is none; those of [`open_or_create_object`](Manager::open_or_create_object) that do not concern creating.
    pub fn open_object<H: Primitive>(&self, name: &str, options: &Options<H>) -> Result<H> {
        self.find(name, options)?.ok_or_else(|| Error::NoObject {
            name: name.to_owned(),
        })
    }

    /// Removes the object of this name. Nobody finds it any more; those who have it open go on using it, and its memory can be used again when the last of them has
    /// dropped it.
    ///
    /// # Errors
    ///
    /// [`Error::NoObject`] if there is none, [`Error::Corrupted`].
    pub fn remove_object(&self, name: &str) -> Result<()> {
        match self.directory.remove(name)? {
            true => Ok(()),
            false => Err(Error::NoObject {
                name: name.to_owned(),
            }),
        }
    }

    /// All objects, by name.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupted`].
    pub fn objects(&self) -> Result<Vec<ObjectInfo>> {
        let info = |(name, record): (String, Record)| {
            let entry = record.entry();
            let part = entry.part();
            ObjectInfo {
                name,
                kind: entry.kind(),
                element: entry.element(),
                capacity: part.capacity,
                bytes: part.len,
            }
        };
        Ok(self.directory.all()?.into_iter().map(info).collect())
    }

    /// How much memory it takes.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupted`].
    pub fn memory(&self) -> Result<MemoryInfo> {
        let pages = |pages: u64| pages * heap::PAGE;
        Ok(MemoryInfo {
            used: pages(heap::used(&self.heap)?),
            committed: pages(heap::committed(&self.heap)?.into()),
            maximum: self.heap.place.capacity(),
        })
    }

    /// Creates an object unless the name is taken.
    fn create_unless<H: Primitive>(&self, name: &str, options: &Options<H>) -> Result<Option<H>> {
        let participants = self.heap.place.attachment.segment().participants();
        let shape = options.shape_in(Within::Manager, participants)?;
        let pin = |record| Pin::of_new(self, name, record);
        let created = self.directory.create(name, &shape, pin)?;
        created.map(|pin| self.attach(pin, options)).transpose()
    }

    /// The object of this name, if there is one, and if it is what the options say.
    fn find<H: Primitive>(&self, name: &str, options: &Options<H>) -> Result<Option<H>> {
        validate_name(name)?;
        for _ in 0..ROUNDS {
            let Some(record) = self.directory.look(name)? else {
                return Ok(None);
            };
            if let Some(pin) = Pin::set(self, name, record)? {
                return self.attach(pin, options).map(Some);
            }
        }
        Err(self.contended(name))
    }

    /// The object of this number, if it is an `H`.
    pub(crate) fn object<H: Primitive>(&self, number: u32) -> Result<H> {
        let options = Options::new();
        if let Some(pin) = Pin::known(self, number) {
            return self.attach(pin, &options);
        }
        let found = self.directory.look_for(number)?;
        let (name, record) = found.ok_or(Error::Removed)?;
        let pin = Pin::set(self, &name, record)?.ok_or(Error::Removed)?;
        self.attach(pin, &options)
    }

    fn attach<H: Primitive>(&self, pin: Arc<Pin>, options: &Options<H>) -> Result<H> {
        let record = &pin.record;
        let found = record.check(&self.heap, &pin.name, &options.expected()?)?;
        let identity = Identity {
            announced: record.announced,
            number: record.number.into(),
        };
        // Both lie inside the mapping.
        let (offset, len) = (found.offset as usize, found.len as usize);
        let part = Part::Object(record.number);
        let place = &self.heap.place;
        H::attach(
            place
                .part(part, identity, offset, len, found.capacity)
                .pinned(pin),
        )
    }

    fn contended(&self, name: &str) -> Error {
        Error::Contended {
            name: name.to_owned(),
        }
    }
}

/// Whether this can be the name of an object, or of an attribute.
pub(crate) fn validate_name(name: &str) -> Result<()> {
    let reason = match name {
        "" => "it is empty",
        _ if name.len() > LONGEST => "it is longer than 200 bytes",
        _ => return Ok(()),
    };
    Err(Error::InvalidName {
        name: name.to_owned(),
        reason,
    })
}

impl fmt::Debug for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Manager")
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}

impl Primitive for Manager {
    type Element = ();
    const KIND: Kind = Kind::Manager;
    const CAPACITY: Capacity = Capacity {
        what: "memory",
        default: Some(MEMORY),
        most: MOST_MEMORY,
        rule: "give the number of bytes it can grow to, up to 64 GiB",
    };

    fn body_len(size: Size) -> Option<u64> {
        Geometry::new(size.capacity, pin::pins(size.participants)).map(|geometry| geometry.end)
    }

    fn committed(size: Size) -> Option<u64> {
        Geometry::new(size.capacity, pin::pins(size.participants))
            .map(|geometry| geometry.beginning())
    }

    fn first_bytes(_: Size, _: Option<&[u8]>) -> Result<Box<[u8]>> {
        let random = shm::random_id().map_err(Error::os("draw a random number"))?;
        let beginning = [&[0; SEED as usize][..], &random.to_ne_bytes()].concat();
        Ok(beginning.into())
    }

    fn attach(place: Place) -> Result<Self> {
        if place.which_part() != Part::Whole {
            Kind::Manager.check_within(Within::Group)?;
        }
        Ok(Manager::of(place.attachment))
    }
}
