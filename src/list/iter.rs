//! All that is in a list, one after the other.

use std::fmt;
use std::vec;

use super::handle::List;
use crate::error::Fault;
use crate::object::Object;

/// How many elements are copied at a time.
const CHUNK: u64 = 64;

/// Yields copies of all elements of a [`List`]: see [`List::iter`].
///
/// An error is yielded in place of what could not be read; [`Fault::Cleared`] if the list was emptied meanwhile, and nothing after that.
pub struct Iter<'a, T: Object> {
    list: &'a List<T>,
    /// The next element to copy; `None` after the last.
    next: Option<u64>,
    /// The list's era when this began.
    era: Result<u32, Fault>,
    copied: vec::IntoIter<Vec<u8>>,
}

impl<'a, T: Object> Iter<'a, T> {
    pub(super) fn new(list: &'a List<T>) -> Self {
        Iter {
            list,
            next: Some(0),
            era: list.row.copies(0..0).map(|(era, _)| era),
            copied: Vec::new().into_iter(),
        }
    }

    /// Copies the elements from `next` on.
    fn copy(&mut self, next: u64) -> Result<(), Fault> {
        let end = next + CHUNK;
        let (era, copied) = self.list.row.copies(next..end)?;
        if era != self.era? {
            return Err(Fault::Cleared);
        }
        self.next = (copied.len() as u64 == CHUNK).then_some(end);
        self.copied = copied.into_iter();
        Ok(())
    }
}

impl<T: Object> Iterator for Iter<'_, T> {
    type Item = Result<T, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(value) = self.copied.next() {
                return Some(self.list.decode(&value));
            }
            let next = self.next.take()?;
            if let Err(fault) = self.copy(next) {
                return Some(Err(fault));
            }
        }
    }
}

impl<T: Object> fmt::Debug for Iter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter")
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}
