//! Numbers, and what can be done to one in shared memory at once.

use std::sync::atomic::{
    AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicIsize, AtomicU8, AtomicU16, AtomicU32,
    AtomicU64, AtomicUsize, Ordering,
};

use crate::element::Element;

/// Integers and floats of up to 8 bytes: what a [`Value`](super::Value) or an [`Array`](super::Array) can count.
pub trait Number: Element + sealed::Sealed {
    /// What it is in shared memory.
    #[doc(hidden)]
    type Atomic: 'static;
    #[doc(hidden)]
    fn fetch_add(at: &Self::Atomic, n: Self) -> Self;
    #[doc(hidden)]
    fn fetch_sub(at: &Self::Atomic, n: Self) -> Self;
    #[doc(hidden)]
    fn fetch_max(at: &Self::Atomic, n: Self) -> Self;
    #[doc(hidden)]
    fn fetch_min(at: &Self::Atomic, n: Self) -> Self;
}

/// Integers of up to 8 bytes.
pub trait Integer: Number {
    #[doc(hidden)]
    fn fetch_and(at: &Self::Atomic, n: Self) -> Self;
    #[doc(hidden)]
    fn fetch_or(at: &Self::Atomic, n: Self) -> Self;
    #[doc(hidden)]
    fn fetch_xor(at: &Self::Atomic, n: Self) -> Self;
}

mod sealed {
    pub trait Sealed {}
}

// AcqRel: each pairs with whoever changed or wrote the number before, or reads or changes it after.
macro_rules! native {
    ($N:ty: $($name:ident),+) => { $(
        #[inline]
        fn $name(at: &Self::Atomic, n: $N) -> $N {
            at.$name(n, Ordering::AcqRel)
        }
    )+ };
}

macro_rules! integers {
    ($($N:ty: $Atomic:ty),+) => { $(
        impl sealed::Sealed for $N {}

        impl Number for $N {
            type Atomic = $Atomic;
            native!($N: fetch_add, fetch_sub, fetch_max, fetch_min);
        }

        impl Integer for $N {
            native!($N: fetch_and, fetch_or, fetch_xor);
        }
    )+ };
}

integers!(
    u8: AtomicU8, u16: AtomicU16, u32: AtomicU32, u64: AtomicU64, usize: AtomicUsize,
    i8: AtomicI8, i16: AtomicI16, i32: AtomicI32, i64: AtomicI64, isize: AtomicIsize
);

// Processors have no such instructions, so it is tried until nobody interferes.
macro_rules! floats {
    ($($N:ty: $Atomic:ty { $($name:ident: $with:expr),+ })+) => { $(
        impl sealed::Sealed for $N {}

        impl Number for $N {
            type Atomic = $Atomic;
            $(
                #[inline]
                fn $name(at: &Self::Atomic, n: $N) -> $N {
                    let with: fn($N, $N) -> $N = $with;
                    let changed = at.fetch_update(Ordering::AcqRel, Ordering::Acquire, |bits| {
                        Some(with(<$N>::from_bits(bits), n).to_bits())
                    });
                    let (Ok(bits) | Err(bits)) = changed;
                    <$N>::from_bits(bits)
                }
            )+
        }
    )+ };
}

floats! {
    f32: AtomicU32 { fetch_add: |a, b| a + b, fetch_sub: |a, b| a - b, fetch_max: f32::max, fetch_min: f32::min }
    f64: AtomicU64 { fetch_add: |a, b| a + b, fetch_sub: |a, b| a - b, fetch_max: f64::max, fetch_min: f64::min }
}
