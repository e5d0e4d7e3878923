#![allow(unsafe_code)] // a value lives behind a raw pointer kept in a page of its own
//! Statics that start afresh in a forked child.
//!
//! `fork` copies memory, but not threads, robust lists or kernel registrations: a static that
//! describes any of these tells lies in the child. [`PerProcess`] keeps its pointer in a page
//! marked `MADV_WIPEONFORK`, which the kernel hands to the child zeroed. Nothing has to notice the
//! fork, and nothing is locked, so it does not matter what the parent's other threads were doing.

use std::io;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, Ordering};

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};

/// A process, as distinct from those that are forks of it. Found out without a system call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThisProcess(&'static u8);

impl ThisProcess {
    /// The calling process.
    pub(crate) fn new() -> ThisProcess {
        static MARK: PerProcess<u8> = PerProcess::new();
        // A fork makes one of its own, elsewhere: it has a copy of this one, which is never freed.
        ThisProcess(MARK.get_or_init(|| 0))
    }

    /// Whether it is the calling one.
    pub(crate) fn is_current(self) -> bool {
        ptr::eq(self.0, ThisProcess::new().0)
    }
}

/// A value every process makes for itself, at first use; a forked child counts as a new process.
///
/// Values are never dropped. What a child inherits unreachably from its parent's is leaked: it may
/// have been half-way through anything.
pub(crate) struct PerProcess<T: 'static> {
    /// Null until first use, in any process; then the address of the wiped page, for ever.
    /// The page holds one pointer: null until first use in *this* process.
    page: AtomicPtr<AtomicPtr<T>>,
}

impl<T: Sync> PerProcess<T> {
    pub(crate) const fn new() -> Self {
        PerProcess {
            page: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// The value, if this process has made it.
    pub(crate) fn get(&'static self) -> Option<&'static T> {
        // Acquire: pairs with the Release in `slot`.
        let slot = NonNull::new(self.page.load(Ordering::Acquire))?;
        // SAFETY: a published page stays mapped for ever, and holds a valid pointer cell.
        let slot = unsafe { slot.as_ref() };
        // Acquire: pairs with the Release in `get_or_init`.
        let value = NonNull::new(slot.load(Ordering::Acquire))?;
        // SAFETY: a published value is never freed, and `T` is `Sync`.
        Some(unsafe { value.as_ref() })
    }

    /// The value, made by `f` if this process has none yet. When threads race, one value wins and
    /// the others are dropped.
    ///
    /// # Panics
    ///
    /// If the kernel refuses the page.
    pub(crate) fn get_or_init(&'static self, f: impl FnOnce() -> T) -> &'static T {
        if let Some(value) = self.get() {
            return value;
        }
        let value = Box::into_raw(Box::new(f()));
        // Release: whoever finds the pointer finds the value. Acquire: pairs with the winner's.
        let won = self.slot().compare_exchange(
            ptr::null_mut(),
            value,
            Ordering::AcqRel,
            Ordering::Acquire,
        );
        match won {
            // SAFETY: just published, hence never freed.
            Ok(_) => unsafe { &*value },
            Err(theirs) => {
                // SAFETY: ours was not published, so nobody else knows it.
                drop(unsafe { Box::from_raw(value) });
                // SAFETY: a published value is never freed.
                unsafe { &*theirs }
            }
        }
    }

    /// The cell in the wiped page, mapping the page at first use.
    fn slot(&'static self) -> &'static AtomicPtr<T> {
        let mut page = self.page.load(Ordering::Acquire);
        if page.is_null() {
            let ours = map_wiped_on_fork()
                .expect("map a page: MADV_WIPEONFORK, Linux 4.14")
                .cast();
            // Release: whoever finds the address finds the page mapped and marked.
            page = match self.page.compare_exchange(
                ptr::null_mut(),
                ours,
                Ordering::AcqRel,
                Ordering::Acquire,
            ) {
                Ok(_) => ours,
                Err(theirs) => {
                    // SAFETY: our page was not published, so nobody else knows it.
                    unsafe { unmap(ours.cast()) };
                    theirs
                }
            };
        }
        // SAFETY: a published page stays mapped for ever; zeroed bytes are a null pointer cell.
        unsafe { &*page }
    }
}

/// Lengths are rounded up to the system's page size by the kernel.
const PAGE: usize = 4096;

/// A page that a forked child finds zeroed, as it is now.
pub(crate) fn map_wiped_on_fork() -> io::Result<*mut std::ffi::c_void> {
    // SAFETY: a fresh private mapping at an address the kernel chooses overlaps nothing.
    let page = unsafe {
        mmap_anonymous(
            ptr::null_mut(),
            PAGE,
            ProtFlags::READ | ProtFlags::WRITE,
            MapFlags::PRIVATE,
        )
    }?;
    // SAFETY: the page is ours alone; the advice concerns the children's copies only.
    let advised = unsafe { madvise(page, PAGE, Advice::LinuxWipeOnFork) };
    if let Err(error) = advised {
        // SAFETY: nobody else knows the page.
        unsafe { unmap(page) };
        return Err(error.into());
    }
    Ok(page)
}

/// # Safety
///
/// `page` must come from [`map_wiped_on_fork`], and not be used any more.
pub(crate) unsafe fn unmap(page: *mut std::ffi::c_void) {
    // SAFETY: forwarded from the caller.
    let unmapped = unsafe { munmap(page, PAGE) };
    debug_assert!(unmapped.is_ok(), "a page of our own can be unmapped");
}

/// Runs `body` in a forked process, in which it has to come true. It may start threads and allocate, which glibc permits after a fork.
#[cfg(test)]
pub(crate) fn assert_in_a_fork(body: impl FnOnce() -> bool) {
    // SAFETY: see above.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        // SAFETY: leaves without running the parent's exit handlers.
        unsafe { libc::_exit(i32::from(!body())) }
    }
    assert!(pid > 0);
    let pid = rustix::process::Pid::from_raw(pid);
    let (_, status) = rustix::process::waitpid(pid, rustix::process::WaitOptions::empty())
        .unwrap()
        .unwrap();
    assert_eq!(status.exit_status(), Some(0));
}

#[cfg(test)]
mod tests {
    use super::*;

    static NUMBER: PerProcess<u32> = PerProcess::new();

    #[test]
    fn a_forked_child_starts_afresh() {
        assert_eq!(NUMBER.get(), None);
        assert_eq!(*NUMBER.get_or_init(|| 1), 1);
        assert_eq!(*NUMBER.get_or_init(|| 2), 1);
        assert_in_a_fork(|| NUMBER.get().is_none() && *NUMBER.get_or_init(|| 3) == 3);
        assert_eq!(NUMBER.get(), Some(&1));
    }

    #[test]
    fn racing_threads_agree() {
        static RACED: PerProcess<usize> = PerProcess::new();
        let start = std::sync::Barrier::new(4);
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|n| {
                    let start = &start;
                    scope.spawn(move || {
                        start.wait();
                        RACED.get_or_init(|| n)
                    })
                })
                .collect();
            let seen: Vec<_> = threads.into_iter().map(|t| t.join().unwrap()).collect();
            assert!(seen.iter().all(|value| ptr::eq(*value, seen[0])));
        });
    }
}
