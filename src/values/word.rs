#![allow(unsafe_code)] // forms references to atomics inside the mapping
//! Values of 1, 2, 4 or 8 bytes: each is one atomic word.
//!
//! A load or a store is all there is to reading or writing one, and a compare-and-swap to changing it: that is the commit. Who dies has done it or has not.
//! Stores release and loads acquire: who reads a value sees what its writer did before.

use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

use super::number::Number;
use crate::element::Element;
use crate::error::Fault;
use crate::place::Place;

const NOT_A_VALUE: Fault = Fault::Corrupted("a word is no valid value");

/// Whether values of so many bytes are words.
#[inline]
pub(super) const fn is_word(size: usize) -> bool {
    matches!(size, 1 | 2 | 4 | 8)
}

/// A word that is a `T`.
#[derive(Clone, Copy)]
pub(super) struct Word<'a, T> {
    at: NonNull<u8>,
    life: PhantomData<(&'a Place, T)>,
}

macro_rules! by_size {
    ($T:ty, $body:ident ( $($argument:expr),+ )) => {
        match const { size_of::<$T>() } {
            8 => $body::<AtomicU64>($($argument),+),
            4 => $body::<AtomicU32>($($argument),+),
            2 => $body::<AtomicU16>($($argument),+),
            1 => $body::<AtomicU8>($($argument),+),
            _ => unreachable!("no word has this size"),
        }
    };
}

impl<'a, T: Element> Word<'a, T> {
    /// The word at `offset`, a multiple of its size.
    ///
    /// # Panics
    ///
    /// If it is no word, or not inside.
    #[inline]
    pub(super) fn at(place: &'a Place, offset: usize) -> Self {
        let size = size_of::<T>();
        assert!(is_word(size) && offset.is_multiple_of(size));
        assert!(offset <= place.len() && size <= place.len() - offset);
        Word {
            // SAFETY: it has just been found inside.
            at: unsafe { place.start().add(offset) },
            life: PhantomData,
        }
    }

    #[inline]
    fn load(self) -> u64 {
        #[inline]
        fn load<A: Atomic>(at: NonNull<u8>) -> u64 {
            // SAFETY: mapped and aligned, as found when the word was made, and accessed atomically.
            unsafe { at.cast::<A>().as_ref() }.get()
        }
        by_size!(T, load(self.at))
    }

    /// The value.
    #[inline]
    pub(super) fn get(self) -> Result<T, Fault> {
        value(self.load())
    }

    #[inline]
    pub(super) fn set(self, new: &T) {
        #[inline]
        fn store<A: Atomic>(at: NonNull<u8>, bits: u64) {
            // SAFETY: as for loading.
            unsafe { at.cast::<A>().as_ref() }.put(bits);
        }
        by_size!(T, store(self.at, bits(new)));
    }

    #[inline]
    fn exchange(self, current: u64, new: u64) -> Result<u64, u64> {
        #[inline]
        fn exchange<A: Atomic>(at: NonNull<u8>, current: u64, new: u64) -> Result<u64, u64> {
            // SAFETY: as for loading.
            unsafe { at.cast::<A>().as_ref() }.exchange(current, new)
        }
        by_size!(T, exchange(self.at, current, new))
    }

    /// Writes `new` where `current` is, bit by bit; otherwise says what is there.
    #[inline]
    pub(super) fn compare_exchange(self, current: &T, new: &T) -> Result<Result<T, T>, Fault> {
        match self.exchange(bits(current), bits(new)) {
            Ok(old) => value(old).map(Ok),
            Err(other) => value(other).map(Err),
        }
    }

    /// Writes what `change` makes of the value; the value before. If it makes nothing of it, that is left, and returned as an error.
    #[inline]
    pub(super) fn try_update(
        self,
        mut change: impl FnMut(T) -> Option<T>,
    ) -> Result<Result<T, T>, Fault> {
        let mut now = self.load();
        loop {
            let old = value(now)?;
            let Some(new) = change(old) else {
                return Ok(Err(old));
            };
            match self.exchange(now, bits(&new)) {
                Ok(_) => return Ok(Ok(old)),
                Err(other) => now = other,
            }
        }
    }
}

impl<'a, N: Number> Word<'a, N> {
    /// The number itself.
    #[inline]
    pub(super) fn atomic(self) -> &'a N::Atomic {
        // SAFETY: mapped and aligned, as found when the word was made, and accessed atomically; the atomic has the number's size.
        unsafe { self.at.cast::<N::Atomic>().as_ref() }
    }
}

#[inline]
fn bits<T: Element>(value: &T) -> u64 {
    let mut bytes = [0; 8];
    bytes[..size_of::<T>()].copy_from_slice(bytemuck::bytes_of(value));
    u64::from_le_bytes(bytes)
}

#[inline]
fn value<T: Element>(bits: u64) -> Result<T, Fault> {
    bytemuck::checked::try_pod_read_unaligned(&bits.to_le_bytes()[..size_of::<T>()])
        .map_err(|_| NOT_A_VALUE)
}

/// An atomic of any width.
trait Atomic {
    fn get(&self) -> u64;
    fn put(&self, bits: u64);
    fn exchange(&self, current: u64, new: u64) -> Result<u64, u64>;
}

macro_rules! atomics {
    ($($atomic:ty: $width:ty),+) => { $(
        impl Atomic for $atomic {
            #[inline]
            fn get(&self) -> u64 {
                // Acquire: pairs with the Release of whoever wrote it.
                self.load(Ordering::Acquire).into()
            }

            #[inline]
            fn put(&self, bits: u64) {
                // Release: pairs with the Acquire of whoever reads it.
                self.store(bits as $width, Ordering::Release);
            }

            #[inline]
            fn exchange(&self, current: u64, new: u64) -> Result<u64, u64> {
                // Release and Acquire: as above.
                self.compare_exchange(current as $width, new as $width, Ordering::AcqRel, Ordering::Acquire)
                    .map(u64::from)
                    .map_err(u64::from)
            }
        }
    )+ };
}

atomics!(AtomicU64: u64, AtomicU32: u32, AtomicU16: u16, AtomicU8: u8);
