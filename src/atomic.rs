#![allow(unsafe_code)] // a hint to the processor
//! The one door to atomics.
//!
//! Every algorithm takes its atomics from here, so that under `--cfg loom` the model checker's
//! stand behind the same code.

#[cfg(not(loom))]
pub(crate) use core::hint::spin_loop;
#[cfg(not(loom))]
pub(crate) use core::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

#[cfg(loom)]
pub(crate) use loom::hint::spin_loop;
#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

/// Whether this bug is to be there: one that the models have to find, chosen by `SEEDED_BUG` in the environment. Never anywhere else.
#[cfg(not(loom))]
#[inline(always)]
pub(crate) const fn seeded(_bug: &str) -> bool {
    false
}

#[cfg(loom)]
pub(crate) fn seeded(bug: &str) -> bool {
    // Not one of the model checker's: it is no part of any history.
    static SEEDED: std::sync::LazyLock<Option<String>> =
        std::sync::LazyLock::new(|| std::env::var("SEEDED_BUG").ok());
    SEEDED.as_deref() == Some(bug)
}

/// `Release`, but for this bug.
#[inline(always)]
pub(crate) fn release_but_for(bug: &str) -> Ordering {
    if seeded(bug) {
        Ordering::Relaxed
    } else {
        Ordering::Release
    }
}

/// Says that the caller is about to change the word: the processor fetches its cache line for that at once, rather than to read it first.
#[inline]
pub(crate) fn about_to_change(word: &AtomicU64) {
    #[cfg(all(not(loom), target_arch = "x86_64", not(miri)))]
    // SAFETY: a hint, which changes nothing and cannot fault.
    unsafe {
        use core::arch::x86_64::{_MM_HINT_ET0, _mm_prefetch};
        _mm_prefetch::<{ _MM_HINT_ET0 }>(core::ptr::from_ref(word).cast());
    }
    let _ = word;
}
