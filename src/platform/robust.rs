#![allow(unsafe_code)] // walks and edits the thread's robust list; maps pages at fixed addresses
//! Life words: 32-bit words that the kernel marks when the thread that owns them ends, however it
//! ends.
//!
//! Each thread has a list of robust futexes, registered by its C library
//! (`set_robust_list(2)`, Documentation/locking/robust-futex-ABI). At the thread's death the kernel
//! walks it; every word on it that holds the thread's id is replaced by `FUTEX_OWNER_DIED` and one
//! of its waiters is woken. Nothing needs to run in the dying process.
//!
//! # Keeping links out of shared memory
//!
//! The kernel finds a word at a fixed distance (`futex_offset`) from its list node, and the node holds
//! pointers that the C library, this module and the kernel follow. Were the node in shared memory, a hostile
//! peer could aim those pointers anywhere. So each thread maps the shared page that ends with its
//! life word a second time, followed by a page of its own:
//!
//! ```text
//!   shared page (seen by all)                 private page (this thread's)
//! ├─ … records … ─┬─ word ─┬─ word ─┬─ word ─┼─ prev ─┬─ next ─┬ … ───────────┤
//!                                                       └ node = word - futex_offset
//! ```
//!
//! The word is the low half of a 64-bit life whose high half is a generation, so that "this life" and "a
//! later life in the same place" are never confused.

use std::io;
use std::os::fd::BorrowedFd;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU64, Ordering, compiler_fence};

use super::{futex, page_size};

/// The kernel's `struct robust_list_head`.
#[repr(C)]
struct Head {
    first: *mut Node,
    futex_offset: libc::c_long,
    pending: *mut Node,
}

/// A list node as the C libraries lay it out: the kernel knows `next` only; `prev` precedes it.
#[repr(C)]
struct Node {
    next: *mut Node,
}

/// How many life words end a page of records. Their nodes must all fit behind the page's end, with
/// [`LIFE_BYTES`] up to the page's end for each word.
pub(crate) const LIVES_PER_PAGE: usize = 3;
/// One life: the kernel's word and the generation above it.
pub(crate) const LIFE_BYTES: usize = 8;

/// Where life `slot` stands within its page.
#[inline]
pub(crate) fn life_offset(slot: usize) -> usize {
    page_size() - (LIVES_PER_PAGE - slot) * LIFE_BYTES
}

#[cfg(not(target_endian = "little"))]
compile_error!("a life word's futex must be the low half of its 64 bits: little-endian only");

/// Generations in one place that a power cut may have kept from the disk, more than there are in the minute or two that the system takes
/// to write a page.
const LEAP: u64 = 1 << 22;

const FUTEX_WAITERS: u32 = 0x8000_0000;
const FUTEX_OWNER_DIED: u32 = 0x4000_0000;

/// One 64-bit life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Life(pub(crate) u64);

impl Life {
    #[inline]
    pub(crate) fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The kernel's half.
    #[inline]
    pub(crate) fn word(self) -> u32 {
        self.0 as u32
    }

    /// Owned by a thread that has not ended.
    #[inline]
    pub(crate) fn is_live(self) -> bool {
        self.word() != 0 && self.word() & FUTEX_OWNER_DIED == 0
    }

    /// The next life in the same place, owned by thread `tid`. `FUTEX_WAITERS` makes the kernel wake
    /// a waiter at the owner's death.
    fn born(self, tid: u32) -> Life {
        let generation = self.generation().wrapping_add(1);
        Life(u64::from(generation) << 32 | u64::from(tid | FUTEX_WAITERS))
    }

    fn ended(self, word: u32) -> Life {
        Life(self.0 & !u64::from(u32::MAX) | u64::from(word))
    }

    /// What a survivor writes when it has other proof of the owner's death.
    pub(crate) fn died(self) -> Life {
        self.ended(FUTEX_WAITERS | FUTEX_OWNER_DIED)
    }

    /// What is written where the machine has been started anew since: nobody lives who did then, and the generations to come are none
    /// that somebody may have been known by.
    pub(crate) fn of_an_earlier_run(self) -> Life {
        let ended = if self.is_live() { self.died() } else { self };
        Life(ended.0.wrapping_add(LEAP << 32))
    }

    pub(crate) fn freed(self) -> Life {
        self.ended(0)
    }
}

/// The calling thread's robust list.
#[derive(Clone, Copy)]
pub(crate) struct RobustList {
    head: NonNull<Head>,
    /// Distance from a life to its node.
    to_node: usize,
}

impl RobustList {
    /// The calling thread's list, if its C library registered one that suits.
    pub(crate) fn of_this_thread() -> io::Result<RobustList> {
        let mut head: *mut Head = ptr::null_mut();
        let mut len: libc::size_t = 0;
        // SAFETY: both pointers are to live locals of the types the kernel writes.
        let result =
            unsafe { libc::syscall(libc::SYS_get_robust_list, 0, &raw mut head, &raw mut len) };
        if result != 0 {
            return Err(io::Error::last_os_error());
        }
        let unsuitable = || io::Error::from(io::ErrorKind::Unsupported);
        let head = NonNull::new(head).ok_or_else(unsuitable)?;
        // SAFETY: the kernel vouches that the C library registered this head for the calling thread.
        let offset = unsafe { (*head.as_ptr()).futex_offset };
        let to_node = usize::try_from(-offset).map_err(|_| unsuitable())?;
        // The first life's `prev` must lie behind the page's end, and the last life's `next` inside the
        // private page; nodes must be pointer-aligned.
        let first_prev = to_node.checked_sub(LIVES_PER_PAGE * LIFE_BYTES + size_of::<usize>());
        if first_prev.is_none() || to_node > page_size() / 2 || to_node % align_of::<Node>() != 0 {
            return Err(unsuitable());
        }
        Ok(RobustList { head, to_node })
    }

    /// What the kernel also looks at when the thread dies: the node being added or removed.
    fn set_pending(self, node: *mut Node) {
        compiler_fence(Ordering::SeqCst);
        // SAFETY: the head belongs to the calling thread and lives as long as it does.
        unsafe { ptr::write_volatile(&raw mut (*self.head.as_ptr()).pending, node) };
        compiler_fence(Ordering::SeqCst);
    }

    fn is_head(self, node: *mut Node) -> bool {
        ptr::eq(node, self.head.as_ptr().cast())
    }

    /// Puts `node` first. The kernel may look between any two instructions: the store to the head is
    /// the commit.
    fn link(self, node: *mut Node) {
        let head = self.head.as_ptr().cast::<Node>();
        // SAFETY: the head's `next` and every node on the list are this thread's own memory.
        unsafe {
            let first = (*head).next;
            *prev_of(node) = head;
            (*node).next = first;
            if !self.is_head(first) {
                *prev_of(first) = node;
            }
            compiler_fence(Ordering::SeqCst);
            ptr::write_volatile(&raw mut (*head).next, node);
        }
    }

    /// Takes `node` off the list. The store to its predecessor is the commit.
    fn unlink(self, node: *mut Node) {
        // SAFETY: `node` is on this thread's list, so its neighbours are this thread's own memory.
        unsafe {
            let next = (*node).next;
            let prev = *prev_of(node);
            if !self.is_head(next) {
                *prev_of(next) = prev;
            }
            compiler_fence(Ordering::SeqCst);
            ptr::write_volatile(&raw mut (*prev).next, next);
        }
    }
}

/// A node's back link, where the C libraries keep it. Bit 0 of a link marks a priority-inheriting futex.
fn prev_of(node: *mut Node) -> *mut *mut Node {
    node.map_addr(|address| (address & !1) - size_of::<usize>())
        .cast()
}

/// A life word mapped for one thread, with room for its list node behind it.
#[derive(Debug)]
pub(crate) struct LifePages {
    pages: NonNull<u8>,
    slot: usize,
}

// SAFETY: it is an owned mapping; what must happen on one thread is said at each function.
unsafe impl Send for LifePages {}
// SAFETY: as above; shared access is to atomics only.
unsafe impl Sync for LifePages {}

impl LifePages {
    /// Maps life `slot` of the page at `offset` of the segment behind `fd`.
    pub(crate) fn map(fd: BorrowedFd<'_>, offset: u64, slot: usize) -> io::Result<LifePages> {
        assert!(slot < LIVES_PER_PAGE, "a page has {LIVES_PER_PAGE} lives");
        let private = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let pages = mmap(ptr::null_mut(), 2 * page_size(), private, None)?;
        let mapped = LifePages { pages, slot };
        mmap(
            pages.as_ptr(),
            page_size(),
            libc::MAP_SHARED | libc::MAP_FIXED,
            Some((fd, offset)),
        )?;
        Ok(mapped)
    }

    fn life(&self) -> &AtomicU64 {
        // SAFETY: the slot's eight bytes are mapped as long as `self`, aligned, and accessed atomically.
        unsafe { &*self.pages.as_ptr().add(life_offset(self.slot)).cast() }
    }

    fn node(&self, list: RobustList) -> *mut Node {
        ptr::from_ref(self.life())
            .cast_mut()
            .wrapping_byte_add(list.to_node)
            .cast()
    }

    /// Begins a life here for the calling thread if the place still holds `seen`, which is not live.
    /// The compare-and-swap is the commit.
    ///
    /// Killed before it: nothing happened. After it: the node is pending or linked, so the kernel
    /// marks the life ended. `list` must be the calling thread's.
    pub(crate) fn begin(&self, list: RobustList, seen: Life) -> Option<Life> {
        let born = seen.born(
            rustix::thread::gettid()
                .as_raw_nonzero()
                .get()
                .cast_unsigned(),
        );
        let node = self.node(list);
        list.set_pending(node);
        let claim =
            self.life()
                .compare_exchange(seen.0, born.0, Ordering::SeqCst, Ordering::Relaxed);
        if claim.is_ok() {
            list.link(node);
        }
        list.set_pending(ptr::null_mut());
        claim.is_ok().then_some(born)
    }

    /// Ends the calling thread's life here in an orderly way: afterwards the place is free.
    ///
    /// Killed before the node is off the list, or while it is pending: the kernel marks the life
    /// ended, which is as good. `list` must be the calling thread's.
    pub(crate) fn end(&self, list: RobustList, life: Life) {
        let node = self.node(list);
        list.set_pending(node);
        list.unlink(node);
        // Fails only if somebody else wrote to the life: then it is no longer ours to free.
        let _ = self.life().compare_exchange(
            life.0,
            life.freed().0,
            Ordering::Release,
            Ordering::Relaxed,
        );
        // As the kernel does for the dead: what this thread has not let go of is free now, and somebody may sleep for it.
        // SAFETY: the life's lower half, mapped as long as `self`, aligned, and accessed atomically.
        let word = unsafe { &*self.pages.as_ptr().add(life_offset(self.slot)).cast() };
        futex::wake(word, 1);
        list.set_pending(ptr::null_mut());
    }

    /// Unlinks a life that was [`LifePages::detach`]ed. `list` must be the calling thread's.
    pub(crate) fn discard(&self, list: RobustList) {
        list.unlink(self.node(list));
    }

    /// Cuts another thread's life off from the segment: the kernel's walk will find a private word
    /// that owns nothing. May be called by any thread; the node stays on its owner's list.
    pub(crate) fn detach(&self) -> io::Result<()> {
        let private = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
        mmap(self.pages.as_ptr(), page_size(), private, None).map(|_| ())
    }
}

impl Drop for LifePages {
    fn drop(&mut self) {
        // SAFETY: the two pages are this value's own, and `end` or `discard` took the node off its list.
        unsafe { libc::munmap(self.pages.as_ptr().cast(), 2 * page_size()) };
    }
}

fn mmap(
    address: *mut u8,
    len: usize,
    flags: libc::c_int,
    file: Option<(BorrowedFd<'_>, u64)>,
) -> io::Result<NonNull<u8>> {
    use std::os::fd::AsRawFd;
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let (fd, offset) = file.map_or((-1, 0), |(fd, offset)| (fd.as_raw_fd(), offset));
    let offset = libc::off_t::try_from(offset).map_err(io::Error::other)?;
    // SAFETY: a null address maps new memory; a fixed one replaces pages that the caller owns.
    let mapped = unsafe { libc::mmap(address.cast(), len, protection, flags, fd, offset) };
    if mapped == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    NonNull::new(mapped.cast()).ok_or_else(|| io::ErrorKind::OutOfMemory.into())
}
