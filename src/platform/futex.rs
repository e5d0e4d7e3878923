//! Futexes shared between processes: wait, wait on many words at once, wake.

use std::ptr::from_ref;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::thread::futex::{self, ClockId, Timespec};

use super::clock;

/// The most words one [`wait_any`] can watch: the kernel's limit.
pub(crate) const WAIT_ANY_MAX: usize = 128;

/// Why a wait returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Woken {
    /// Somebody woke the word at this index; the last index where several were woken.
    At(usize),
    /// A word did not hold the expected value, or the wait was interrupted: look again.
    Changed,
    /// The deadline passed.
    TimedOut,
    /// This kernel, or a filter in front of it, refuses to wait on several words; or cannot at the moment.
    Refused,
}

/// Set by tests to act as if the kernel refused `futex_waitv`, and by the first real refusal.
pub(crate) static WAITV_REFUSED: AtomicBool = AtomicBool::new(false);

/// Blocks until a word of `words` is woken, none of them having changed from its expected value.
///
/// With more than one word this needs `futex_waitv` (Linux 5.16); where that is refused the
/// answer is [`Woken::Refused`], at once.
pub(crate) fn wait_any<'a>(
    mut words: impl ExactSizeIterator<Item = (&'a AtomicU32, u32)>,
    deadline: Instant,
) -> Woken {
    let count = words.len();
    debug_assert!(count > 0 && count <= WAIT_ANY_MAX);
    if count == 1
        && let Some((word, value)) = words.next()
    {
        return wait(word, value, deadline);
    }
    if WAITV_REFUSED.load(Ordering::Relaxed) {
        return Woken::Refused;
    }
    let mut waiters = [futex::Wait::new(); WAIT_ANY_MAX];
    for (waiter, (word, value)) in waiters.iter_mut().zip(words) {
        waiter.val = u64::from(value);
        waiter.uaddr = futex::WaitPtr::new(from_ref(word).cast_mut().cast());
        waiter.flags = futex::WaitFlags::SIZE_U32;
    }
    let until = absolute(deadline);
    let result = futex::waitv(
        &waiters[..count],
        futex::WaitvFlags::empty(),
        Some(&until),
        ClockId::Monotonic,
    );
    match result {
        Ok(index) => Woken::At(index),
        Err(Errno::TIMEDOUT) => Woken::TimedOut,
        Err(Errno::AGAIN | Errno::INTR) => Woken::Changed,
        Err(error) => {
            if matches!(error, Errno::NOSYS | Errno::PERM | Errno::INVAL) {
                WAITV_REFUSED.store(true, Ordering::Relaxed);
            }
            Woken::Refused
        }
    }
}

/// Blocks until `word` is woken, unless it does not hold `value`.
pub(crate) fn wait(word: &AtomicU32, value: u32, deadline: Instant) -> Woken {
    let timeout = timespec(remaining(deadline));
    match futex::wait(word, futex::Flags::empty(), value, Some(&timeout)) {
        Ok(()) => Woken::At(0),
        Err(Errno::TIMEDOUT) => Woken::TimedOut,
        Err(_) => Woken::Changed,
    }
}

/// Wakes up to `count` waiters of `word`; the number woken.
pub(crate) fn wake(word: &AtomicU32, count: u32) -> usize {
    // The address is mapped for as long as the reference lives, so the call has nothing to fail on.
    futex::wake(word, futex::Flags::empty(), count).unwrap_or(0)
}

fn remaining(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

/// `deadline` on the kernel's monotonic clock, which is the one behind [`Instant`].
fn absolute(deadline: Instant) -> Timespec {
    timespec(clock::monotonic().saturating_add(remaining(deadline)))
}

/// Durations past a century are cut to one: no sleep here lasts longer.
fn timespec(duration: Duration) -> Timespec {
    const CENTURY: i64 = 100 * 366 * 24 * 3600;
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).map_or(CENTURY, |seconds| seconds.min(CENTURY)),
        tv_nsec: i64::from(duration.subsec_nanos()),
    }
}
