//! The handle of one value.

use std::marker::PhantomData;

use super::number::Number;
use super::versioned::{self, Versioned};
use super::word::{Word, is_word};
use crate::element::Element;
use crate::error::{Fault, Result};
use crate::handle::{debug_by_name, handle};
use crate::place::Place;
use crate::segment::{Capacity, Kind, Options, Primitive, Size};

/// A value that any process reads and writes at any time, whole.
///
/// Of 1, 2, 4 or 8 bytes it is one word of shared memory: reading is a load, writing a store. Of another size it is there twice: those who read copy the valid
/// one, leave no trace, and wait for nobody; those who write do so one after the other, each into the copy that is not valid, and one store makes
/// that one valid. In both cases who reads sees what the writer did before it wrote.
///
/// A writer that dies, or is stopped, has written or has not; what is there is whole. One that dies is not waited for. One that is stopped
/// in the middle of writing a value of several words keeps other writers waiting, and nobody who reads.
///
/// It cannot be waited for: see [`Latest`](crate::Latest), [`Event`](crate::Event), [`Condvar`](crate::Condvar).
///
/// ```
/// use crossproc::{Value, process};
///
/// # crossproc::init();
/// let done = Value::new(0u64)?;
/// let position = Value::new([0.0f64; 3])?;
/// let child = process::spawn(
///     |(done, position): (Value<u64>, Value<[f64; 3]>)| {
///         position.set([1.0, 2.0, 3.0]).unwrap();
///         done.fetch_add(1);
///     },
///     (done.clone(), position.clone()),
/// )?;
/// child.join()?;
/// assert_eq!(done.get()?, 1);
/// assert_eq!(position.get()?, [1.0, 2.0, 3.0]);
/// # Ok::<(), crossproc::Error>(())
/// ```
pub struct Value<T: Element> {
    place: Place,
    value: PhantomData<fn() -> T>,
}

handle! {
    impl<T: Element> Value<T>, "value", place;
    fn new(value: T);
    /// How often, since it was created, one wrote it in the place of another who had died while writing it.
    fn repairs();
}

debug_by_name!(impl<T: Element> Value<T>);

/// Where a value is: of each type always the same.
enum Home<'a, T> {
    Word(Word<'a, T>),
    Copies(Versioned<'a, T>),
}

impl<T: Element> Value<T> {
    #[inline]
    fn home(&self) -> Home<'_, T> {
        if const { is_word(size_of::<T>()) } {
            Home::Word(Word::at(&self.place, 0))
        } else {
            Home::Copies(Versioned::of(&self.place))
        }
    }

    /// The value. Never blocks, unless writers keep overtaking it: then it waits for its turn among them.
    ///
    /// # Errors
    ///
    /// [`Fault`] if what is there is no valid value, or if it had to wait and this thread found no place among the segment's participants.
    #[inline]
    pub fn get(&self) -> Result<T, Fault> {
        match self.home() {
            Home::Word(word) => word.get(),
            Home::Copies(copies) => copies.get().map(|found| found.copy),
        }
    }

    /// Makes it `value`. Never blocks if it is a word; otherwise it blocks while another live thread is in the middle of writing it.
    ///
    /// # Errors
    ///
    /// None if it is a word; otherwise [`Fault`] if this thread cannot take part in the segment.
    #[inline]
    pub fn set(&self, value: T) -> Result<(), Fault> {
        match self.home() {
            Home::Word(word) => {
                word.set(&value);
                Ok(())
            }
            Home::Copies(copies) => copies.set(&value),
        }
    }

    /// Makes it `value`. What it was before. Blocks as [`set`](Value::set) does.
    ///
    /// # Errors
    ///
    /// [`Fault`] if what is there is no valid value, which is left as it is, or this thread cannot take part in the segment.
    #[inline]
    pub fn replace(&self, value: T) -> Result<T, Fault> {
        match self.home() {
            Home::Word(word) => word
                .try_update(|_| Some(value))
                .map(|(Ok(old) | Err(old))| old),
            Home::Copies(copies) => copies.change(|_| Some(value)),
        }
    }

    /// Makes it `new` if it is `current`: what it was, in `Ok` if it has been changed, in `Err` if not. Blocks as [`set`](Value::set) does.
    ///
    /// Values are compared bit by bit: `0.0` is not `-0.0`.
    ///
    /// # Errors
    ///
    /// Those of [`replace`](Value::replace).
    #[inline]
    pub fn compare_exchange(&self, current: T, new: T) -> Result<Result<T, T>, Fault> {
        match self.home() {
            Home::Word(word) => word.compare_exchange(&current, &new),
            Home::Copies(copies) => {
                let is_current = |old: &T| bytemuck::bytes_of(old) == bytemuck::bytes_of(&current);
                let old = copies.change(|old| is_current(old).then_some(new))?;
                Ok(if is_current(&old) { Ok(old) } else { Err(old) })
            }
        }
    }

    /// Makes it what `change` makes of it. What it was before.
    ///
    /// `change` runs without any lock, and again whenever the value has been written meanwhile: it should be short, and do nothing else.
    /// It may panic, or use the value itself. Otherwise this blocks as [`set`](Value::set) does.
    ///
    /// # Errors
    ///
    /// Those of [`replace`](Value::replace).
    ///
    /// ```
    /// let minmax = crossproc::Value::new([i64::MAX, i64::MIN])?;
    /// minmax.update(|[min, max]| [min.min(5), max.max(5)])?;
    /// assert_eq!(minmax.get()?, [5, 5]);
    /// # Ok::<(), crossproc::Error>(())
    /// ```
    #[inline]
    pub fn update(&self, mut change: impl FnMut(T) -> T) -> Result<T, Fault> {
        self.try_update(|old| Some(change(old)))
            .map(|(Ok(old) | Err(old))| old)
    }

    /// The same, unless `change` returns nothing: then the value is left as it is, and returned in `Err`.
    ///
    /// # Errors
    ///
    /// Those of [`replace`](Value::replace).
    #[inline]
    pub fn try_update(
        &self,
        mut change: impl FnMut(T) -> Option<T>,
    ) -> Result<Result<T, T>, Fault> {
        let copies = match self.home() {
            Home::Word(word) => return word.try_update(change),
            Home::Copies(copies) => copies,
        };
        loop {
            let old = copies.get()?;
            let Some(new) = change(old.copy) else {
                return Ok(Err(old.copy));
            };
            if copies.set_if_unchanged(old.version, &new)? {
                return Ok(Ok(old.copy));
            }
        }
    }
}

impl<N: Number> Value<N> {
    #[inline]
    pub(super) fn word(&self) -> Word<'_, N> {
        Word::at(&self.place, 0)
    }
}

impl<T: Element> Options<Value<T>> {
    /// The first value. Needed to create; an existing one keeps its own.
    pub fn value(self, value: T) -> Self {
        self.beginning(if is_word(size_of::<T>()) {
            bytemuck::bytes_of(&value).into()
        } else {
            versioned::initial(&value)
        })
    }
}

impl<T: Element> Primitive for Value<T> {
    type Element = T;
    const KIND: Kind = Kind::Value;
    const CAPACITY: Capacity = Capacity::ONE;
    const NEEDS_VALUE: bool = true;

    fn body_len(size: Size) -> Option<u64> {
        Some(if is_word(size.element_size as usize) {
            8
        } else {
            versioned::end(size.element_size)
        })
    }

    fn attach(place: Place) -> Result<Self> {
        Ok(Value {
            place,
            value: PhantomData,
        })
    }
}
