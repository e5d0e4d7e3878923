//! The typed handle on a list.

use std::borrow::Borrow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Bound, RangeBounds};

use super::iter::Iter;
use super::read::Which;
use super::row::{Locked, Row};
use crate::error::{Error, Fault, Result, UpdateAtError, UpdateError};
use crate::handle::travels;
use crate::heap::Copied;
use crate::manager::{self, nested};
use crate::object::{Encoded, Object};
use crate::place::Place;
use crate::segment::{Capacity, ElementLayout, Kind, Options, Primitive, Size};

/// Elements in a row, shared by processes: of any type that serde can serialise.
///
/// It lives in a [`Manager`](crate::Manager), grows and shrinks with what is in it, and is bounded by the manager's memory. Clones, and handles opened elsewhere,
/// refer to the same list.
///
/// ```
/// use crossproc::Manager;
///
/// let app = Manager::new()?;
/// let steps = app.list::<String>("steps")?;
/// steps.extend(["wash".to_owned(), "cut".to_owned()])?;
/// steps.push(&"cook".to_owned())?;
/// steps.update(1, |step| step + " finely")?;                   // atomic, whoever else does the same
/// assert_eq!(steps.get(1)?.as_deref(), Some("cut finely"));
/// assert_eq!(steps.pop()?.as_deref(), Some("cook"));
/// assert_eq!(steps.len()?, 2);
/// # Ok::<(), crossproc::Error>(())
/// ```
///
/// # Blocking
///
/// [`get`](List::get), [`first`](List::first), [`last`](List::last) and [`len`](List::len) take no lock, unless writers overtake them 64 times. Everything else waits
/// for whoever has the list's lock. A function given to [`update`](List::update) or [`sort_by_key`](List::sort_by_key) runs while the lock is held, so it
/// should be short. It may read the list; if it asks for a change of it, it gets [`Deadlock`](UpdateError::Deadlock).
///
/// # What takes how long
///
/// What concerns one element, at any place, or the end of the list takes as long in a long list as in a short one. [`insert`](List::insert),
/// [`remove`](List::remove) and [`swap`](List::swap) copy 8 bytes for every element, unless it is the last. To take from the front, a
/// [`Queue`](crate::Queue) or an [`ObjectQueue`](crate::ObjectQueue) is the right thing.
///
/// # When a process dies
///
/// Each change is one store. A process that is killed has made it or has not; nobody sees half of it, nobody waits for it, and the
/// memory that it was about to use is free for the next.
///
/// # Forks
///
/// A forked child may use what it inherits; but if it was forked inside of a function that its parent gave to [`update`](List::update) or
/// [`sort_by_key`](List::sort_by_key), it changes nothing when it comes out of that: [`Fault::RoleLost`].
pub struct List<T: Object> {
    pub(super) row: Row,
    place: Place,
    elements: PhantomData<fn(T) -> T>,
}

impl<T: Object> List<T> {
    /// For [`Manager::create_object`](crate::Manager::create_object) and the like.
    pub fn options() -> Options<Self> {
        Options::new()
    }

    /// The element at an index; `None` beyond the end.
    ///
    /// # Errors
    ///
    /// [`Fault::Decode`] for an element that is no `T`, [`Fault::Corrupted`].
    #[inline]
    pub fn get(&self, index: usize) -> Result<Option<T>, Fault> {
        self.read(Which::At(index as u64))
    }

    /// The first element; `None` if there is none.
    ///
    /// # Errors
    ///
    /// As for [`get`](List::get).
    pub fn first(&self) -> Result<Option<T>, Fault> {
        self.get(0)
    }

    /// The last element; `None` if there is none.
    ///
    /// # Errors
    ///
    /// As for [`get`](List::get).
    pub fn last(&self) -> Result<Option<T>, Fault> {
        self.read(Which::Last)
    }

    #[inline]
    fn read(&self, which: Which) -> Result<Option<T>, Fault> {
        let mut copied = Copied::new();
        match self.row.get(which, &mut copied)? {
            true => self.decode(copied.value()).map(Some),
            false => Ok(None),
        }
    }

    /// How many elements there are.
    ///
    /// # Errors
    ///
    /// [`Fault::Corrupted`].
    pub fn len(&self) -> Result<usize, Fault> {
        let len = self.row.len()?;
        Ok(usize::try_from(len).unwrap_or(usize::MAX))
    }

    /// Whether there are none.
    ///
    /// # Errors
    ///
    /// As for [`len`](List::len).
    pub fn is_empty(&self) -> Result<bool, Fault> {
        Ok(self.len()? == 0)
    }

    /// Appends an element.
    ///
    /// # Errors
    ///
    /// [`MaximumReached`](UpdateError::MaximumReached), [`NoMemory`](UpdateError::NoMemory), [`Oversized`](UpdateError::Oversized),
    /// [`Deadlock`](UpdateError::Deadlock), [`Fault`](UpdateError::Fault). Nothing was changed then.
    pub fn push(&self, value: &T) -> Result<(), UpdateError> {
        let value = self.encode(value)?;
        self.row.lock()?.extend(&[value])
    }

    /// Appends elements, at once: nobody sees some of them there and some not, and none is there if there is no memory for all.
    ///
    /// # Errors
    ///
    /// As for [`push`](List::push).
    pub fn extend<V: Borrow<T>>(
        &self,
        values: impl IntoIterator<Item = V>,
    ) -> Result<(), UpdateError> {
        let encode = |value: V| self.encode(value.borrow());
        let values: Result<Vec<Encoded>, Fault> = values.into_iter().map(encode).collect();
        self.row.lock()?.extend(&values?)
    }

    /// Removes the last element, if there is one.
    ///
    /// # Errors
    ///
    /// [`Deadlock`](UpdateError::Deadlock), [`Fault`](UpdateError::Fault). Nothing was removed then.
    pub fn pop(&self) -> Result<Option<T>, UpdateError> {
        let list = self.row.lock()?;
        let Some(last) = list.len()?.checked_sub(1) else {
            return Ok(None);
        };
        let value = self.element(&list, last)?;
        list.shorten(last)?;
        Ok(Some(value))
    }

    /// Replaces an element; the one that was there.
    ///
    /// # Errors
    ///
    /// [`OutOfBounds`](UpdateAtError::OutOfBounds), and those of [`push`](List::push). Nothing was changed then.
    pub fn set(&self, index: usize, value: &T) -> Result<T, UpdateAtError> {
        let value = self.encode(value)?;
        let list = self.lock_at(index)?;
        let old = self.element(&list, index as u64)?;
        list.set(index as u64, &value)?;
        Ok(old)
    }

    /// Replaces an element by what `f` makes of it, atomically: nobody changes the list meanwhile. What `f` returned.
    ///
    /// If `f` panics, nothing was changed.
    ///
    /// # Errors
    ///
    /// As for [`set`](List::set).
    pub fn update(&self, index: usize, f: impl FnOnce(T) -> T) -> Result<T, UpdateAtError> {
        let list = self.lock_at(index)?;
        let new = f(self.element(&list, index as u64)?);
        let value = self.encode(&new)?;
        list.set(index as u64, &value)?;
        Ok(new)
    }

    /// Inserts an element in front of the one at `index`, or, if `index` is how many there are, behind the last one.
    ///
    /// # Errors
    ///
    /// As for [`set`](List::set).
    pub fn insert(&self, index: usize, value: &T) -> Result<(), UpdateAtError> {
        let value = self.encode(value)?;
        let list = self.row.lock()?;
        let len = self.len_of(&list)?;
        if index > len {
            return Err(UpdateAtError::OutOfBounds { index, len });
        }
        let inserted = match index == len {
            true => list.extend(&[value]),
            false => list.insert(index, &value),
        };
        Ok(inserted?)
    }

    /// Removes an element; those behind it move up.
    ///
    /// # Errors
    ///
    /// As for [`set`](List::set): unless it is the last one, removing takes some memory, too.
    pub fn remove(&self, index: usize) -> Result<T, UpdateAtError> {
        let list = self.lock_at(index)?;
        let value = self.element(&list, index as u64)?;
        list.remove(index)?;
        Ok(value)
    }

    /// Removes an element whatever it is: also one that cannot be read, as when it has a handle on an object that was removed.
    ///
    /// # Errors
    ///
    /// As for [`remove`](List::remove).
    pub fn discard(&self, index: usize) -> Result<(), UpdateAtError> {
        let list = self.lock_at(index)?;
        Ok(list.remove(index)?)
    }

    /// Swaps two elements.
    ///
    /// # Errors
    ///
    /// As for [`set`](List::set).
    pub fn swap(&self, a: usize, b: usize) -> Result<(), UpdateAtError> {
        let list = self.lock_at(a.max(b))?;
        let mut links = list.links().map_err(UpdateError::from)?;
        links.swap(a, b);
        Ok(list.reorder(&links)?)
    }

    /// Sorts the elements by a key, at once: everybody sees the old order, or the new one. Those with equal keys keep their order.
    ///
    /// If `key` panics, nothing was changed.
    ///
    /// # Errors
    ///
    /// As for [`push`](List::push).
    pub fn sort_by_key<K: Ord>(&self, mut key: impl FnMut(&T) -> K) -> Result<(), UpdateError> {
        let list = self.row.lock()?;
        let mut keyed = Vec::new();
        for (index, link) in (0..).zip(list.links()?) {
            keyed.push((key(&self.element(&list, index)?), link));
        }
        keyed.sort_by(|(a, _), (b, _)| a.cmp(b));
        let links: Vec<_> = keyed.iter().map(|(_, link)| *link).collect();
        list.reorder(&links)
    }

    /// Removes the elements from `len` on, at once; without effect if there are none.
    ///
    /// # Errors
    ///
    /// As for [`pop`](List::pop).
    pub fn truncate(&self, len: usize) -> Result<(), UpdateError> {
        match len {
            0 => self.clear(),
            _ => self.row.lock()?.shorten(len as u64),
        }
    }

    /// Removes everything, at once.
    ///
    /// # Errors
    ///
    /// As for [`pop`](List::pop).
    pub fn clear(&self) -> Result<(), UpdateError> {
        self.row.lock()?.clear()
    }

    /// The elements in a range of indexes, as they were at one instant; those that there are.
    ///
    /// # Errors
    ///
    /// As for [`get`](List::get).
    pub fn slice(&self, range: impl RangeBounds<usize>) -> Result<Vec<T>, Fault> {
        let bound = |bound: Bound<&usize>, beyond: u64| match bound {
            Bound::Included(index) => Some((*index as u64).saturating_add(beyond)),
            Bound::Excluded(index) => Some((*index as u64).saturating_add(1 - beyond)),
            Bound::Unbounded => None,
        };
        let start = bound(range.start_bound(), 0).unwrap_or(0);
        let end = bound(range.end_bound(), 1).unwrap_or(u64::MAX);
        let (_, copies) = self.row.copies(start..end)?;
        copies.iter().map(|value| self.decode(value)).collect()
    }

    /// All elements, as they were at one instant.
    ///
    /// # Errors
    ///
    /// As for [`get`](List::get).
    pub fn to_vec(&self) -> Result<Vec<T>, Fault> {
        self.slice(..)
    }

    /// All elements, in order.
    ///
    /// They are copied 64 at a time, each of these as they were at one instant, but not at the same one. Elements that are appended meanwhile
    /// are yielded; if elements in front are inserted or removed, others may be yielded twice, or not. If the list is emptied, by [`clear`](List::clear) or
    /// [`truncate`](List::truncate), [`Fault::Cleared`] comes last. For all at one instant there is [`to_vec`](List::to_vec).
    pub fn iter(&self) -> Iter<'_, T> {
        Iter::new(self)
    }

    /// How often, since the segment was created, somebody put in order what a dead process had left.
    pub fn repairs(&self) -> u64 {
        self.place.repairs()
    }

    /// Takes the lock, if there is an element at `index`.
    fn lock_at(&self, index: usize) -> Result<Locked<'_>, UpdateAtError> {
        let list = self.row.lock()?;
        let len = self.len_of(&list)?;
        match index < len {
            true => Ok(list),
            false => Err(UpdateAtError::OutOfBounds { index, len }),
        }
    }

    fn len_of(&self, list: &Locked<'_>) -> Result<usize, UpdateError> {
        Ok(usize::try_from(list.len()?).unwrap_or(usize::MAX))
    }

    /// An element that there is.
    fn element(&self, list: &Locked<'_>, index: u64) -> Result<T, Fault> {
        let mut copied = Copied::new();
        list.copy(index, &mut copied)?;
        self.decode(copied.value())
    }

    fn encode(&self, value: &T) -> Result<Encoded, Fault> {
        nested::encode(&self.place, value)
    }

    pub(super) fn decode(&self, bytes: &[u8]) -> Result<T, Fault> {
        nested::decode(&self.place, bytes)
    }
}

impl<'a, T: Object> IntoIterator for &'a List<T> {
    type Item = Result<T, Fault>;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T: Object> fmt::Debug for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("List")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

travels! { impl<T: Object> List<T>, place }

impl<T: Object> Primitive for List<T> {
    type Element = ();
    const KIND: Kind = Kind::List;
    const CAPACITY: Capacity = Capacity::ONE;

    #[expect(private_interfaces, reason = "for this crate's own use")]
    fn element() -> ElementLayout {
        ElementLayout::serialised::<T>()
    }

    fn body_len(_: Size) -> Option<u64> {
        Some(Row::BODY)
    }

    fn attach(place: Place) -> Result<Self, Error> {
        let (heap, object, at) = manager::home(&place)?;
        Ok(List {
            row: Row::new(heap, at, object),
            place,
            elements: PhantomData,
        })
    }
}
