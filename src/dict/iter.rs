//! All that is in a dict.

use std::fmt;
use std::vec;

use super::handle::Dict;
use super::shards::{Pair, Shards};
use crate::error::Fault;
use crate::object::Object;

/// Yields copies of all keys and values of a [`Dict`]: see [`Dict::iter`].
///
/// An error is yielded in place of what could not be read; [`Fault::Cleared`] if the dict was emptied meanwhile, and nothing after that.
pub struct Iter<'a, K: Object, V: Object> {
    dict: &'a Dict<K, V>,
    shards: &'a Shards,
    /// The next shard to copy.
    next: u32,
    epoch: u64,
    copied: vec::IntoIter<Pair>,
}

impl<'a, K: Object, V: Object> Iter<'a, K, V> {
    pub(super) fn new(dict: &'a Dict<K, V>, shards: &'a Shards) -> Self {
        Iter {
            dict,
            shards,
            next: 0,
            epoch: shards.epoch_now(),
            copied: Vec::new().into_iter(),
        }
    }
}

impl<K: Object, V: Object> Iterator for Iter<'_, K, V> {
    type Item = Result<(K, V), Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((key, value)) = self.copied.next() {
                let key = self.dict.decode(&key);
                return Some(key.and_then(|key| Ok((key, self.dict.decode(&value)?))));
            }
            if self.next == self.shards.count() {
                return None;
            }
            let copied = self.shards.snapshot(self.next);
            self.next += 1;
            if self.shards.epoch_now() != self.epoch {
                self.next = self.shards.count();
                return Some(Err(Fault::Cleared));
            }
            match copied {
                Ok(copied) => self.copied = copied.into_iter(),
                Err(fault) => return Some(Err(fault)),
            }
        }
    }
}

impl<K: Object, V: Object> fmt::Debug for Iter<'_, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter")
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}
