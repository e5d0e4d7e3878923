//! Where a value that is too large for one word is in its segment, and what is done with it.
//!
//! | offset in the body | what |
//! |---|---|
//! | 0, 8 | the writers' lock: its claim and its bell, as of any lock ([`guarded`]) |
//! | 128 | `version`, on a line that writers change once each |
//! | 136 | the value, twice, each rounded up to 8 bytes |

use std::marker::PhantomData;

use super::core::{self, Copies, Found};
use crate::atomic::AtomicU64;
use crate::element::{Element, Unchecked};
use crate::error::Fault;
use crate::place::Place;
use crate::sync::guarded;

const VERSION: usize = 128;
const COPIES: usize = VERSION + 8;

/// How often a reader that is overtaken by writers tries again before it keeps them out.
const TRIES: u32 = 16;

const NOT_A_VALUE: Fault = Fault::Corrupted("a value's bytes are no valid value");

/// Where the copies end.
pub(super) fn end(element_size: u32) -> u64 {
    COPIES as u64 + 2 * u64::from(element_size).next_multiple_of(8)
}

/// What the bytes begin with if `value` is the first.
pub(super) fn initial<T: Element>(value: &T) -> Box<[u8]> {
    [&[0; COPIES], bytemuck::bytes_of(value)].concat().into()
}

pub(super) struct Versioned<'a, T> {
    place: &'a Place,
    value: PhantomData<T>,
}

impl<T: Element> Copies for Versioned<'_, T> {
    type Value = T;
    type Copy = Unchecked<T>;

    #[inline]
    fn version(&self) -> &AtomicU64 {
        self.place.long(VERSION)
    }

    #[inline]
    fn write(&self, version: u64, value: &T) {
        self.place.write_whole(Self::offset(version), value);
    }

    #[inline]
    fn read(&self, version: u64) -> Unchecked<T> {
        self.place.read_whole(Self::offset(version))
    }
}

impl<'a, T: Element> Versioned<'a, T> {
    #[inline]
    pub(super) fn of(place: &'a Place) -> Self {
        Versioned {
            place,
            value: PhantomData,
        }
    }

    #[inline]
    fn offset(version: u64) -> usize {
        COPIES + (version & 1) as usize * const { size_of::<T>().next_multiple_of(8) }
    }

    /// The value, and its version.
    #[inline]
    pub(super) fn get(&self) -> Result<Found<T>, Fault> {
        let locked = || self.locked(|| core::read_locked(self));
        core::read(self, TRIES, locked).and_then(checked)
    }

    #[inline]
    pub(super) fn set(&self, value: &T) -> Result<(), Fault> {
        self.locked(|| core::write(self, value))
    }

    /// Writes `new` if the version is `seen`; whether it was.
    pub(super) fn set_if_unchanged(&self, seen: u64, new: &T) -> Result<bool, Fault> {
        self.locked(|| {
            let unchanged = core::version_locked(self) == seen;
            if unchanged {
                core::write(self, new);
            }
            unchanged
        })
    }

    /// Writes what `change` makes of the value, if it makes anything of it; the value before. `change` must not do anything else.
    pub(super) fn change(&self, change: impl FnOnce(&T) -> Option<T>) -> Result<T, Fault> {
        self.locked(|| {
            let old = checked(core::read_locked(self))?.copy;
            if let Some(new) = change(&old) {
                core::write(self, &new);
            }
            Ok(old)
        })?
    }

    /// What `act` returns, which runs while nobody writes.
    #[inline]
    fn locked<R>(&self, act: impl FnOnce() -> R) -> Result<R, Fault> {
        guarded::within(self.place, act)
    }
}

#[inline]
fn checked<T: Element>(found: Found<Unchecked<T>>) -> Result<Found<T>, Fault> {
    Ok(Found {
        version: found.version,
        copy: found.copy.check().ok_or(NOT_A_VALUE)?,
    })
}
