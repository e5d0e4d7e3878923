//! The handle of an array.

use std::marker::PhantomData;
use std::ops::Range;

use super::elements::{self, Elements};
use super::number::Number;
use super::word::{Word, is_word};
use crate::element::Element;
use crate::error::{Error, Fault, IndexError, Result};
use crate::handle::{debug_by_name, handle};
use crate::place::Place;
use crate::segment::{Bounded, Capacity, Kind, Options, Primitive, Size};

/// Elements in a row, of a number that is fixed when it is created. Any process reads and writes them at any time, by index or many at once.
///
/// An element of 1, 2, 4 or 8 bytes is read and written whole, by itself as well as among others; by itself ([`get`](Array::get), [`set`](Array::set)) as if
/// it were a [`Value`](super::Value): who reads it sees what its writer did before. One of another size may be seen half written by those who
/// do not have the lock. Operations on many elements are not one step: of what others write meanwhile, they see some.
///
/// [`lock`](Array::lock) is for those who want more: it keeps out others who lock, not those who do not. If its owner dies, the elements are as far
/// changed as it came, and the next owner is told.
///
/// At first all is zero, unless it was [filled](Options::filled) as it was created.
///
/// ```
/// use crossproc::Array;
///
/// let samples = Array::<f32>::new(1000)?;
/// samples.write(10, &[0.5, 0.25])?;
/// samples.fetch_add(11, 1.0)?;
/// assert_eq!(samples.read(10..13)?, [0.5, 1.25, 0.0]);
/// assert_eq!(samples.get(1000).unwrap_err().to_string(), "there is no element 1000: there are 1000, counted from 0");
/// # Ok::<(), crossproc::Error>(())
/// ```
pub struct Array<T: Element> {
    pub(super) place: Place,
    len: usize,
    element: PhantomData<fn() -> T>,
}

handle! {
    impl<T: Element> Array<T>, "array", place;
    fn new(capacity: usize);
    /// How often, since it was created, its lock was taken over from an owner that had died.
    fn repairs();
}

debug_by_name!(impl<T: Element> Array<T>);

impl<T: Element> Array<T> {
    /// How many elements it has.
    #[inline]
    #[expect(clippy::len_without_is_empty, reason = "there is at least one")]
    pub fn len(&self) -> usize {
        self.len
    }

    /// The element at `index`. Never blocks.
    ///
    /// # Errors
    ///
    /// [`OutOfBounds`](IndexError::OutOfBounds); [`Fault`](IndexError::Fault) if what is there is no valid element: only what was not written by this
    /// crate, or an element larger than a word that is being written.
    #[inline]
    pub fn get(&self, index: usize) -> Result<T, IndexError> {
        let got = if const { is_word(size_of::<T>()) } {
            self.word(index)?.get()
        } else {
            self.elements().get(self.checked(index)?)
        };
        got.map_err(IndexError::Fault)
    }

    /// Makes the element at `index` this `value`. Never blocks.
    ///
    /// # Errors
    ///
    /// [`OutOfBounds`](IndexError::OutOfBounds).
    #[inline]
    pub fn set(&self, index: usize, value: T) -> Result<(), IndexError> {
        if const { is_word(size_of::<T>()) } {
            self.word(index)?.set(&value);
        } else {
            self.elements().set(self.checked(index)?, &value);
        }
        Ok(())
    }

    /// Copies of the elements in `range`, at the speed of `memcpy`. Never blocks.
    ///
    /// # Errors
    ///
    /// [`OutOfBounds`](IndexError::OutOfBounds), [`Fault`](IndexError::Fault) as for [`get`](Array::get).
    pub fn read(&self, range: Range<usize>) -> Result<Vec<T>, IndexError> {
        let range = self.checked_range(range.start, range.len())?;
        self.elements().read(range).map_err(IndexError::Fault)
    }

    /// Copies as many elements as `to` has room for, from that at index `at` on. Never blocks.
    ///
    /// # Errors
    ///
    /// Those of [`read`](Array::read). With [`Fault`](IndexError::Fault), some elements may have been copied.
    pub fn read_into(&self, at: usize, to: &mut [T]) -> Result<(), IndexError> {
        let range = self.checked_range(at, to.len())?;
        self.elements()
            .read_into(range.start, to)
            .map_err(IndexError::Fault)
    }

    /// Copies `values` over the elements from index `at` on, at the speed of `memcpy`. Never blocks. Who dies meanwhile has written some of them.
    ///
    /// # Errors
    ///
    /// [`OutOfBounds`](IndexError::OutOfBounds): then nothing was written.
    pub fn write(&self, at: usize, values: &[T]) -> Result<(), IndexError> {
        let range = self.checked_range(at, values.len())?;
        self.elements().write(range.start, values);
        Ok(())
    }

    /// The same for all elements.
    ///
    /// # Errors
    ///
    /// [`OutOfBounds`](IndexError::OutOfBounds) unless there are as many `values` as elements: then nothing was written.
    pub fn copy_from_slice(&self, values: &[T]) -> Result<(), IndexError> {
        match values.len() == self.len {
            true => self.write(0, values),
            false => Err(IndexError::OutOfBounds {
                index: values.len(),
                len: self.len,
            }),
        }
    }

    /// Makes every element this `value`; otherwise as [`write`](Array::write).
    pub fn fill(&self, value: T) {
        self.elements().fill(value, self.len);
    }

    /// All elements, each as it is at the moment it is come to.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter {
            array: self,
            indexes: 0..self.len,
        }
    }

    #[inline]
    fn elements(&self) -> Elements<'_, T> {
        Elements::of(&self.place)
    }

    /// The element at `index`, of a size for which there are words.
    #[inline]
    pub(super) fn word(&self, index: usize) -> Result<Word<'_, T>, IndexError> {
        let offset = elements::offset::<T>(self.checked(index)?);
        Ok(Word::at(&self.place, offset))
    }

    #[inline]
    fn checked(&self, index: usize) -> Result<usize, IndexError> {
        if index < self.len {
            Ok(index)
        } else {
            Err(self.out_of_bounds(index))
        }
    }

    /// So many elements from index `at` on. No elements are nowhere out of bounds.
    fn checked_range(&self, at: usize, count: usize) -> Result<Range<usize>, IndexError> {
        match count.checked_sub(1) {
            None => Ok(0..0),
            Some(more) => {
                let last = self.checked(at.saturating_add(more))?;
                Ok(at..last + 1)
            }
        }
    }

    #[cold]
    fn out_of_bounds(&self, index: usize) -> IndexError {
        IndexError::OutOfBounds {
            index,
            len: self.len,
        }
    }
}

impl<N: Number> Array<N> {
    /// Makes the element at `index` this `new` if it is `current`: what it was, in `Ok` if it has been changed, in `Err` if not. One atomic step. Numbers are compared bit by
    /// bit: `0.0` is not `-0.0`.
    ///
    /// # Errors
    ///
    /// [`OutOfBounds`](IndexError::OutOfBounds).
    pub fn compare_exchange(
        &self,
        index: usize,
        current: N,
        new: N,
    ) -> Result<Result<N, N>, IndexError> {
        let exchanged = self.word(index)?.compare_exchange(&current, &new);
        exchanged.map_err(IndexError::Fault)
    }

    /// Makes the element at `index` what `change` makes of it, in one atomic step. What it was before. `change` runs again whenever the element has been changed meanwhile.
    ///
    /// # Errors
    ///
    /// [`OutOfBounds`](IndexError::OutOfBounds).
    pub fn update(&self, index: usize, mut change: impl FnMut(N) -> N) -> Result<N, IndexError> {
        let changed = self.word(index)?.try_update(|old| Some(change(old)));
        changed
            .map(|(Ok(old) | Err(old))| old)
            .map_err(IndexError::Fault)
    }
}

impl<T: Element> Options<Array<T>> {
    /// What all elements are at first, instead of zero. Needed where zero bytes are no valid element; an existing array keeps its own. While it is created,
    /// this takes the array's memory twice.
    pub fn filled(self, value: T) -> Self {
        self.beginning(bytemuck::bytes_of(&value).into())
    }
}

impl<T: Element> Primitive for Array<T> {
    type Element = T;
    const KIND: Kind = Kind::Array;
    const CAPACITY: Capacity = Capacity {
        what: "an array's length",
        default: None,
        most: u64::MAX,
        rule: "give the number of elements it is to have, at least 1",
    };

    fn body_len(size: Size) -> Option<u64> {
        elements::end(size)
    }

    fn first_bytes(size: Size, given: Option<&[u8]>) -> Result<Box<[u8]>> {
        match given {
            Some(element) => elements::filled(size, element),
            None if elements::is_zero_valid::<T>() => Ok(Box::default()),
            None => Err(Error::NoValue),
        }
    }

    fn attach(place: Place) -> Result<Self> {
        let too_long = Fault::Corrupted("an array is longer than the address space");
        Ok(Array {
            len: usize::try_from(place.capacity()).map_err(|_| too_long)?,
            place,
            element: PhantomData,
        })
    }
}

impl<T: Element> Bounded for Array<T> {}

impl<'a, T: Element> IntoIterator for &'a Array<T> {
    type Item = Result<T, Fault>;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

/// See [`Array::iter`].
#[derive(Debug, Clone)]
pub struct Iter<'a, T: Element> {
    array: &'a Array<T>,
    indexes: Range<usize>,
}

impl<T: Element> Iter<'_, T> {
    fn get(&self, index: usize) -> Result<T, Fault> {
        self.array.get(index).map_err(|error| match error {
            IndexError::Fault(fault) => fault,
            IndexError::OutOfBounds { .. } => unreachable!("the indexes are those of the array"),
        })
    }
}

impl<T: Element> Iterator for Iter<'_, T> {
    type Item = Result<T, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        self.indexes.next().map(|index| self.get(index))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.indexes.size_hint()
    }

    fn nth(&mut self, n: usize) -> Option<Self::Item> {
        self.indexes.nth(n).map(|index| self.get(index))
    }
}

impl<T: Element> DoubleEndedIterator for Iter<'_, T> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.indexes.next_back().map(|index| self.get(index))
    }
}

impl<T: Element> ExactSizeIterator for Iter<'_, T> {}
