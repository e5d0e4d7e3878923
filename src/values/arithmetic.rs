//! What is done to a number in place: the same for one by itself and for one among others.

use super::array::Array;
use super::number::{Integer, Number};
use super::value::Value;
use crate::error::IndexError;

macro_rules! in_place {
    ($($bound:ident { $( $(#[$doc:meta])* $name:ident ),+ })+) => { $(
        impl<N: $bound> Value<N> {
            $(
                $(#[$doc])*
                /// One atomic step; never blocks. The number as it was before.
                #[inline]
                pub fn $name(&self, n: N) -> N {
                    N::$name(self.word().atomic(), n)
                }
            )+
        }

        impl<N: $bound> Array<N> {
            $(
                $(#[$doc])*
                /// One atomic step on the element at `index`, whoever has the lock; never blocks. The number as it was before.
                ///
                /// # Errors
                ///
                /// [`OutOfBounds`](IndexError::OutOfBounds).
                #[inline]
                pub fn $name(&self, index: usize, n: N) -> Result<N, IndexError> {
                    Ok(N::$name(self.word(index)?.atomic(), n))
                }
            )+
        }
    )+ };
}

in_place! {
    Number {
        /// Adds `n`; integers wrap around.
        ///
        fetch_add,
        /// Subtracts `n`; integers wrap around.
        ///
        fetch_sub,
        /// Makes it `n` if that is larger; of floats, also if it was not a number.
        ///
        fetch_max,
        /// Makes it `n` if that is smaller; of floats, also if it was not a number.
        ///
        fetch_min
    }

    Integer {
        /// Clears the bits that are not set in `n`.
        ///
        fetch_and,
        /// Sets the bits that are set in `n`.
        ///
        fetch_or,
        /// Changes the bits that are set in `n`.
        ///
        fetch_xor
    }
}
