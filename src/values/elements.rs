//! Where an array's elements are in its segment, and how many are copied at once.
//!
//! | offset in the body | what |
//! |---|---|
//! | 0, 8 | the lock: its claim and its bell, as of any lock ([`guarded`](crate::sync::guarded)) |
//! | 128 | the elements, one directly behind the other |
//!
//! There is no step of writing after which something has to be finished: whoever dies has written some, and no other.

use std::marker::PhantomData;
use std::ops::Range;

use crate::element::Element;
use crate::error::{Error, Fault, Result};
use crate::place::Place;
use crate::segment::Size;

const ELEMENTS: usize = 128;

const NOT_AN_ELEMENT: Fault = Fault::Corrupted("an array's element is no valid value");

/// Of a value that is written again and again.
const BLOCK: usize = 4096;

/// Where element number `index` is.
#[inline]
pub(super) fn offset<T>(index: usize) -> usize {
    ELEMENTS + index * size_of::<T>()
}

/// Where the elements end.
pub(super) fn end(size: Size) -> Option<u64> {
    let elements = size.capacity.checked_mul(size.element_size.into())?;
    elements.checked_add(ELEMENTS as u64)
}

/// What the bytes begin with if all elements are this one.
pub(super) fn filled(size: Size, element: &[u8]) -> Result<Box<[u8]>> {
    let too_large = || Error::TooLarge {
        capacity: size.capacity,
        element_size: size.element_size,
    };
    let len = end(size).and_then(|end| usize::try_from(end).ok());
    let len = len.ok_or_else(too_large)?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(len).map_err(|_| too_large())?;
    bytes.resize(ELEMENTS, 0);
    if !element.is_empty() {
        bytes.extend(element.iter().cycle().take(len - ELEMENTS));
    }
    Ok(bytes.into())
}

pub(super) fn is_zero_valid<T: Element>() -> bool {
    T::is_valid_bit_pattern(&bytemuck::Zeroable::zeroed())
}

/// All of them. Indexes come checked.
pub(super) struct Elements<'a, T> {
    place: &'a Place,
    element: PhantomData<T>,
}

impl<'a, T: Element> Elements<'a, T> {
    #[inline]
    pub(super) fn of(place: &'a Place) -> Self {
        Elements {
            place,
            element: PhantomData,
        }
    }

    #[inline]
    pub(super) fn get(&self, index: usize) -> Result<T, Fault> {
        self.place
            .read_whole(offset::<T>(index))
            .check()
            .ok_or(NOT_AN_ELEMENT)
    }

    #[inline]
    pub(super) fn set(&self, index: usize, value: &T) {
        self.place.write_whole(offset::<T>(index), value);
    }

    pub(super) fn read(&self, range: Range<usize>) -> Result<Vec<T>, Fault> {
        let mut values = Vec::with_capacity(range.len());
        self.place
            .append::<T>(offset::<T>(range.start), range.len(), &mut values)
            .ok_or(NOT_AN_ELEMENT)?;
        Ok(values)
    }

    pub(super) fn read_into(&self, at: usize, to: &mut [T]) -> Result<(), Fault> {
        let copied = self.place.read_all(offset::<T>(at), to);
        copied.ok_or(NOT_AN_ELEMENT)
    }

    pub(super) fn write(&self, at: usize, values: &[T]) {
        self.place.write_all(offset::<T>(at), values);
    }

    pub(super) fn fill(&self, value: T, len: usize) {
        let block = vec![value; len.min((BLOCK / size_of::<T>().max(1)).max(1))];
        for at in (0..len).step_by(block.len()) {
            self.write(at, &block[..block.len().min(len - at)]);
        }
    }
}
