//! Values that tell whether they arrived whole.

use std::fmt;

use crossproc::Element;

/// An element made from a number.
pub(crate) trait Numbered: Element + PartialEq + fmt::Debug {
    fn nth(n: u32) -> Self;
}

impl Numbered for u8 {
    fn nth(n: u32) -> Self {
        n as u8
    }
}

impl Numbered for u64 {
    fn nth(n: u32) -> Self {
        u64::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

impl Numbered for [u8; 3] {
    fn nth(n: u32) -> Self {
        [n as u8, (n >> 8) as u8, !(n as u8)]
    }
}

impl Numbered for [u64; 9] {
    fn nth(n: u32) -> Self {
        std::array::from_fn(|index| u64::nth(n) ^ index as u64)
    }
}
