#![allow(unsafe_code)] // copies between private memory and memory that other processes write
//! Copying bytes in and out of memory that other processes may write at the same time.
//!
//! To the compiler the long runs are copied by nobody: assembly is outside of what it reasons about, so there is no data race for it
//! to assume away, at the speed of `memcpy`. What is left over, and what a processor without a loop of its own gets, are
//! relaxed atomic accesses. Neither promises anything about order, nor that a run is copied whole: that is the business of the words
//! around it.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

/// Bytes that one round of the processor's own loop copies.
const ROUND: usize = 64;

/// Copies `len` bytes from `from` to `to`.
///
/// # Safety
///
/// Both must be mapped for `len` bytes, one of them be private to the caller, and they must not overlap.
#[inline]
unsafe fn copy(to: *mut u8, from: *const u8, len: usize) {
    let long = in_rounds(len);
    if long > 0 {
        // SAFETY: as many bytes are mapped, and their number is a multiple of a round, not zero.
        unsafe { rounds(to, from, long) };
    }
    // SAFETY: `long` is at most `len`.
    unsafe { pieces(to.add(long), from.add(long), len - long) };
}

/// How many of `len` bytes are copied in rounds, which divide nothing of 8 bytes or fewer that is aligned: what is copied one behind the other, and written
/// meanwhile, is there as it was before or as it is after. What is left over is copied by bytes where it is not aligned.
#[inline]
pub(crate) const fn in_rounds(len: usize) -> usize {
    if has_rounds() { len / ROUND * ROUND } else { 0 }
}

const fn has_rounds() -> bool {
    cfg!(any(target_arch = "x86_64", target_arch = "aarch64")) && !cfg!(miri)
}

/// # Safety
///
/// As for [`copy`]; `len` must be a multiple of [`ROUND`], not zero.
#[cfg(target_arch = "x86_64")]
#[inline]
unsafe fn rounds(to: *mut u8, from: *const u8, len: usize) {
    // SAFETY: reads and writes the `len` bytes given, and the registers named.
    unsafe {
        std::arch::asm!(
            "2:",
            "movups {a}, [{from}]",
            "movups {b}, [{from} + 16]",
            "movups {c}, [{from} + 32]",
            "movups {d}, [{from} + 48]",
            "movups [{to}], {a}",
            "movups [{to} + 16], {b}",
            "movups [{to} + 32], {c}",
            "movups [{to} + 48], {d}",
            "add {from}, 64",
            "add {to}, 64",
            "sub {len}, 64",
            "jnz 2b",
            a = out(xmm_reg) _,
            b = out(xmm_reg) _,
            c = out(xmm_reg) _,
            d = out(xmm_reg) _,
            from = inout(reg) from => _,
            to = inout(reg) to => _,
            len = inout(reg) len => _,
            options(nostack),
        );
    }
}

/// # Safety
///
/// As for [`copy`]; `len` must be a multiple of [`ROUND`], not zero.
#[cfg(target_arch = "aarch64")]
#[inline]
unsafe fn rounds(to: *mut u8, from: *const u8, len: usize) {
    // SAFETY: reads and writes the `len` bytes given, and the registers named.
    unsafe {
        std::arch::asm!(
            "2:",
            "ldp {a:q}, {b:q}, [{from}]",
            "ldp {c:q}, {d:q}, [{from}, #32]",
            "add {from}, {from}, #64",
            "stp {a:q}, {b:q}, [{to}]",
            "stp {c:q}, {d:q}, [{to}, #32]",
            "add {to}, {to}, #64",
            "subs {len}, {len}, #64",
            "b.ne 2b",
            a = out(vreg) _,
            b = out(vreg) _,
            c = out(vreg) _,
            d = out(vreg) _,
            from = inout(reg) from => _,
            to = inout(reg) to => _,
            len = inout(reg) len => _,
            options(nostack),
        );
    }
}

/// # Safety
///
/// Never called: see [`has_rounds`].
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
unsafe fn rounds(_: *mut u8, _: *const u8, _: usize) {
    unreachable!("this processor has no loop of its own")
}

/// Copies piece by piece: eight bytes at a time where both addresses allow it.
///
/// # Safety
///
/// As for [`copy`].
#[inline]
unsafe fn pieces(to: *mut u8, from: *const u8, len: usize) {
    let aligned = (to as usize | from as usize).is_multiple_of(8);
    let words = if aligned { len / 8 } else { 0 };
    for index in 0..words {
        // SAFETY: inside the bytes given, aligned.
        let (from, to) = unsafe {
            let from = &*from.cast::<AtomicU64>().add(index);
            (from, &*to.cast::<AtomicU64>().add(index))
        };
        to.store(from.load(Ordering::Relaxed), Ordering::Relaxed);
    }
    for index in words * 8..len {
        // SAFETY: inside the bytes given.
        let (from, to) = unsafe {
            let from = &*from.cast::<AtomicU8>().add(index);
            (from, &*to.cast::<AtomicU8>().add(index))
        };
        to.store(from.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

/// Copies `from` to shared memory.
///
/// # Safety
///
/// As many bytes must be mapped at `to`, and not be `from`.
#[inline]
pub(crate) unsafe fn copy_in(to: *mut u8, from: &[u8]) {
    // SAFETY: the slice is private to the caller, and the rest is promised.
    unsafe { copy(to, from.as_ptr(), from.len()) }
}

/// Copies from shared memory, as much as `to` has room for.
///
/// # Safety
///
/// As many bytes must be mapped at `from`, and not be `to`.
#[inline]
pub(crate) unsafe fn copy_out(to: &mut [u8], from: *const u8) {
    // SAFETY: the slice is private to the caller, and the rest is promised.
    unsafe { copy(to.as_mut_ptr(), from, to.len()) }
}

/// The same to memory that may not have been initialised yet.
///
/// # Safety
///
/// As for [`copy_out`]; `to` must be private, and have room for `len` bytes.
#[inline]
pub(crate) unsafe fn copy_to(to: *mut u8, from: *const u8, len: usize) {
    // SAFETY: promised.
    unsafe { copy(to, from, len) }
}

/// The same into memory that has not been initialised yet: behind what is in `to`, whose length grows by `len`.
///
/// # Safety
///
/// As for [`copy_out`].
#[inline]
pub(crate) unsafe fn append(to: &mut Vec<u8>, from: *const u8, len: usize) {
    to.reserve(len);
    // SAFETY: there is room for `len` more bytes, private to the caller, and the rest is promised.
    unsafe { copy(to.as_mut_ptr().add(to.len()), from, len) };
    // SAFETY: they have just been written.
    unsafe { to.set_len(to.len() + len) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_and_alignment_survives() {
        let source: Vec<u8> = (0..400u32).map(|byte| (byte % 251) as u8 + 1).collect();
        for from in 0..9 {
            for to in 0..9 {
                for len in (0..200).chain([256, 300]) {
                    let mut shared = vec![0; 400];
                    let piece = &source[from..from + len];
                    // SAFETY: the bytes lie inside a buffer that only this thread uses.
                    unsafe { copy_in(shared.as_mut_ptr().add(to), piece) };
                    assert_eq!(&shared[to..to + len], piece);
                    assert!(
                        shared[..to]
                            .iter()
                            .chain(&shared[to + len..])
                            .all(|byte| *byte == 0)
                    );
                    let mut back = vec![0xff; len];
                    // SAFETY: as above.
                    unsafe { copy_out(&mut back, shared.as_ptr().add(to)) };
                    assert_eq!(back, piece);
                    // SAFETY: as above.
                    unsafe { append(&mut back, shared.as_ptr().add(to), len) };
                    assert_eq!(back, [piece, piece].concat());
                }
            }
        }
    }
}
