#![allow(unsafe_code)] // copies values to and from memory that other processes write
//! What can be sent, and how it is copied in and out of shared memory.
//!
//! Other processes may write the memory at any time, so no reference to a value there is ever formed:
//! values are copied piece by piece with relaxed atomic accesses, and a received copy is checked on this
//! side before it becomes a value.

use std::any::{TypeId, type_name};
use std::mem::MaybeUninit;
use std::ptr::{NonNull, from_ref};
use std::slice;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

use bytemuck::{CheckedBitPattern, NoUninit};

use crate::platform::copy;
use crate::segment::ElementLayout;

/// A value that can live in memory shared between processes: plain bytes without padding, pointers or owners.
///
/// Implemented for everything that is [`NoUninit`] and [`CheckedBitPattern`]: integers, floats, `bool`, `char`, arrays,
/// and structs and enums that derive both. The derives need `bytemuck`, with its feature `derive`, among the program's own
/// dependencies.
///
/// ```
/// use bytemuck::{CheckedBitPattern, NoUninit};
///
/// #[derive(Clone, Copy, NoUninit, CheckedBitPattern)]
/// #[repr(u32)]
/// enum Side { Buy, Sell }
///
/// #[derive(Clone, Copy, NoUninit, CheckedBitPattern)]
/// #[repr(C)]
/// struct Order { id: u64, price: u32, side: Side }
///
/// # fn main() -> crossproc::Result<()> {
/// let orders = crossproc::Queue::<Order>::new(16)?;
/// orders.send(Order { id: 1, price: 250, side: Side::Sell })?;
/// # Ok(())
/// # }
/// ```
pub trait Element: NoUninit + CheckedBitPattern + Send + 'static {}

impl<T: NoUninit + CheckedBitPattern + Send + 'static> Element for T {}

impl ElementLayout {
    /// What two programs compare before they share elements of type `T`.
    pub(crate) fn of<T: Element>() -> ElementLayout {
        const {
            assert!(
                size_of::<T>() <= 1 << 30,
                "elements must be smaller than 1 GiB"
            )
        };
        ElementLayout {
            size: size_of::<T>() as u32,
            align: align_of::<T>() as u32,
            name: without_paths(type_name::<T>()),
        }
    }
}

impl ElementLayout {
    /// The same for values that cross in serialised form: only the type's name can be compared.
    pub(crate) fn serialised<T>() -> ElementLayout {
        ElementLayout {
            size: 0,
            align: 1,
            name: without_paths(type_name::<T>()),
        }
    }
}

/// `Wrapper<Order>` for `a::Wrapper<b::c::Order>`: two programs may keep a type in different modules.
pub(crate) fn without_paths(name: &str) -> String {
    let mut short = String::with_capacity(name.len());
    let mut word = String::new();
    for character in name.chars() {
        if character.is_alphanumeric() || character == '_' {
            word.push(character);
        } else if character == ':' {
            word.clear();
        } else {
            short.push_str(&word);
            word.clear();
            short.push(character);
        }
    }
    short + &word
}

/// The largest power of two, up to 8, that divides the size: pieces of it are aligned wherever elements
/// follow one another from an 8-aligned start.
const fn piece<T>() -> usize {
    let zeros = size_of::<T>().trailing_zeros();
    if zeros < 3 { 1 << zeros } else { 8 }
}

macro_rules! by_piece {
    ($T:ty, $body:ident, $($argument:expr),+) => {
        match const { piece::<$T>() } {
            8 => $body::<AtomicU64, u64>($($argument),+),
            4 => $body::<AtomicU32, u32>($($argument),+),
            2 => $body::<AtomicU16, u16>($($argument),+),
            _ => $body::<AtomicU8, u8>($($argument),+),
        }
    };
}

/// Copies `value` to `to`.
///
/// # Safety
///
/// `to` must point to `size_of::<T>()` mapped bytes, aligned as [`piece`] says, that are accessed atomically only.
#[inline]
pub(crate) unsafe fn write<T: Element>(to: NonNull<u8>, value: &T) {
    #[inline]
    unsafe fn pieces<A: Atomic<P>, P: Copy>(to: *const u8, from: *const u8, bytes: usize) {
        for index in 0..bytes / size_of::<P>() {
            // SAFETY: `from` points to `bytes` initialised bytes: the value has no padding.
            let piece = unsafe { from.cast::<P>().add(index).read_unaligned() };
            // SAFETY: `to` points to as many mapped bytes, aligned for the piece.
            unsafe { &*to.cast::<A>().add(index) }.put(piece);
        }
    }
    let (to, from) = (to.as_ptr().cast_const(), from_ref(value).cast::<u8>());
    // SAFETY: forwarded from the caller; the value is plain bytes.
    unsafe { by_piece!(T, pieces, to, from, size_of::<T>()) }
}

/// A private copy of an element's bytes, not yet checked.
#[derive(Debug)]
pub(crate) struct Unchecked<T: Element>(MaybeUninit<T>);

impl<T: Element> Unchecked<T> {
    /// The value, if the bytes are one.
    #[inline]
    pub(crate) fn check(self) -> Option<T> {
        // SAFETY: every byte was initialised, and `Bits` accepts any of the same size.
        let bits: T::Bits = unsafe { std::mem::transmute_copy(&self.0) };
        // SAFETY: the bit pattern has just been found valid.
        T::is_valid_bit_pattern(&bits).then(|| unsafe { self.0.assume_init() })
    }
}

/// Copies an element's bytes from `from`.
///
/// # Safety
///
/// As for [`write`].
#[inline]
pub(crate) unsafe fn read<T: Element>(from: NonNull<u8>) -> Unchecked<T> {
    #[inline]
    unsafe fn pieces<A: Atomic<P>, P: Copy>(from: *const u8, to: *mut u8, bytes: usize) {
        for index in 0..bytes / size_of::<P>() {
            // SAFETY: `from` points to `bytes` mapped bytes, aligned for the piece.
            let piece = unsafe { &*from.cast::<A>().add(index) }.get();
            // SAFETY: `to` points to as many bytes of the private copy.
            unsafe { to.cast::<P>().add(index).write_unaligned(piece) };
        }
    }
    let mut copy = MaybeUninit::<T>::uninit();
    let to = copy.as_mut_ptr().cast::<u8>();
    // SAFETY: forwarded from the caller; the copy has room for all of it.
    unsafe { by_piece!(T, pieces, from.as_ptr().cast_const(), to, size_of::<T>()) };
    Unchecked(copy)
}

/// How many of the `bytes` of many elements are copied without looking where one ends: of elements that one access reads or writes, only as many as
/// are not divided by that.
#[inline]
fn in_bulk<T>(bytes: usize) -> usize {
    match size_of::<T>() {
        2 | 4 | 8 => copy::in_rounds(bytes),
        _ => bytes,
    }
}

/// Copies `values` to `to`, one directly behind the other.
///
/// # Safety
///
/// As for [`write`], for all of them.
pub(crate) unsafe fn write_all<T: Element>(to: NonNull<u8>, values: &[T]) {
    let bulk = in_bulk::<T>(size_of_val(values));
    // SAFETY: the values are initialised bytes, without padding, and no fewer than `bulk`.
    let bytes = unsafe { slice::from_raw_parts(values.as_ptr().cast::<u8>(), bulk) };
    // SAFETY: forwarded from the caller; the values are private.
    unsafe { copy::copy_in(to.as_ptr(), bytes) };
    let done = bulk.checked_div(size_of::<T>()).unwrap_or(0);
    for (index, value) in values.iter().enumerate().skip(done) {
        // SAFETY: forwarded from the caller; it is aligned as those before it.
        unsafe { write(to.add(index * size_of::<T>()), value) };
    }
}

/// Copies `count` elements from `from` to `to`, without looking what they are.
///
/// # Safety
///
/// As for [`read`], for all of them; `to` must be private, and have room.
unsafe fn read_unchecked<T: Element>(from: NonNull<u8>, count: usize, to: *mut T) {
    let bulk = in_bulk::<T>(count * size_of::<T>());
    // SAFETY: forwarded from the caller.
    unsafe { copy::copy_to(to.cast(), from.as_ptr(), bulk) };
    let done = bulk.checked_div(size_of::<T>()).unwrap_or(0);
    for index in done..count {
        // SAFETY: forwarded from the caller; it is aligned as those before it.
        let Unchecked(copy) = unsafe { read::<T>(from.add(index * size_of::<T>())) };
        // SAFETY: there is room.
        unsafe { to.cast::<MaybeUninit<T>>().add(index).write(copy) };
    }
}

/// The same as [`read`], in bulk: for those that are large.
///
/// # Safety
///
/// As for [`read`].
#[inline]
pub(crate) unsafe fn read_large<T: Element>(from: NonNull<u8>) -> Unchecked<T> {
    let mut copy = MaybeUninit::<T>::uninit();
    // SAFETY: forwarded from the caller; the copy has room for all of it.
    unsafe { copy::copy_to(copy.as_mut_ptr().cast(), from.as_ptr(), size_of::<T>()) };
    Unchecked(copy)
}

/// The same as [`write`], in bulk: for those that are large.
///
/// # Safety
///
/// As for [`write`].
#[inline]
pub(crate) unsafe fn write_large<T: Element>(to: NonNull<u8>, value: &T) {
    // SAFETY: forwarded from the caller; the value is private.
    unsafe { copy::copy_in(to.as_ptr(), bytemuck::bytes_of(value)) };
}

/// Copies elements from `from`, as many as `to` has room for. Nothing if the bytes of one are no value: then those before it have been copied.
///
/// # Safety
///
/// As for [`write_all`].
pub(crate) unsafe fn read_all<T: Element>(from: NonNull<u8>, to: &mut [T]) -> Option<()> {
    // A type that is any bits is its own.
    if TypeId::of::<T>() == TypeId::of::<T::Bits>() {
        // SAFETY: forwarded from the caller; the slice is private, and whatever is copied is a value.
        unsafe { read_unchecked(from, to.len(), to.as_mut_ptr()) };
        return Some(());
    }
    for (index, to) in to.iter_mut().enumerate() {
        // SAFETY: forwarded from the caller; it is aligned as those before it.
        *to = unsafe { read::<T>(from.add(index * size_of::<T>())) }.check()?;
    }
    Some(())
}

/// Copies `count` elements from `from`, behind what is in `to`. Nothing if the bytes of one are no value: then `to` is as it was.
///
/// # Safety
///
/// As for [`write_all`].
pub(crate) unsafe fn append<T: Element>(
    from: NonNull<u8>,
    count: usize,
    to: &mut Vec<T>,
) -> Option<()> {
    to.reserve(count);
    let room = &mut to.spare_capacity_mut()[..count];
    // SAFETY: forwarded from the caller; the room is private.
    unsafe { read_unchecked(from, count, room.as_mut_ptr().cast::<T>()) };
    let are_values = room.iter().all(|copy| {
        // SAFETY: every byte was initialised, and `Bits` accepts any of the same size.
        let bits: T::Bits = unsafe { std::mem::transmute_copy(copy) };
        T::is_valid_bit_pattern(&bits)
    });
    are_values.then(|| {
        // SAFETY: so many more have been initialised, by what has just been found valid.
        unsafe { to.set_len(to.len() + count) }
    })
}

/// A relaxed atomic access; orderings are the business of the words around the element.
trait Atomic<P> {
    fn get(&self) -> P;
    fn put(&self, piece: P);
}

macro_rules! atomic {
    ($($atomic:ty: $piece:ty),+) => { $(
        impl Atomic<$piece> for $atomic {
            #[inline]
            fn get(&self) -> $piece {
                self.load(Ordering::Relaxed)
            }

            #[inline]
            fn put(&self, piece: $piece) {
                self.store(piece, Ordering::Relaxed);
            }
        }
    )+ };
}

atomic!(AtomicU64: u64, AtomicU32: u32, AtomicU16: u16, AtomicU8: u8);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_their_paths() {
        assert_eq!(without_paths("u64"), "u64");
        assert_eq!(without_paths("a::b::Order"), "Order");
        assert_eq!(
            without_paths("core::Wrapper<a::Order, [b::C; 3]>"),
            "Wrapper<Order, [C; 3]>"
        );
    }

    #[test]
    fn every_size_survives_the_copy() {
        fn round_trip<const N: usize>()
        where
            [u8; N]: Element + PartialEq + std::fmt::Debug,
        {
            let mut shared = [0u64; 32];
            let value = std::array::from_fn(|index| index as u8 ^ 0x5a);
            let place = NonNull::from(&mut shared).cast();
            // SAFETY: the place is 256 bytes, 8-aligned, and used by this thread only.
            unsafe { write::<[u8; N]>(place, &value) };
            // SAFETY: as above.
            let copy = unsafe { read::<[u8; N]>(place) }.check();
            assert_eq!(copy, Some(value));
            let bytes: &[u8] = bytemuck::bytes_of(&shared);
            assert!(
                bytes[N..].iter().all(|byte| *byte == 0),
                "wrote past {N} bytes"
            );
        }
        round_trip::<1>();
        round_trip::<2>();
        round_trip::<3>();
        round_trip::<7>();
        round_trip::<8>();
        round_trip::<12>();
        round_trip::<24>();
        round_trip::<64>();
    }

    #[test]
    fn invalid_bits_are_no_value() {
        let mut shared = 2u64;
        // SAFETY: the place is 8 bytes, 8-aligned, and used by this thread only.
        let copy = unsafe { read::<bool>(NonNull::from(&mut shared).cast()) };
        assert_eq!(copy.check(), None);
    }
}
