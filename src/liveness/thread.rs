#![allow(unsafe_code)] // per-thread pages that the kernel wipes in a forked child
//! What a thread remembers about the segments it takes part in.
//!
//! Every operation of a queue asks "which record is mine?", so the answer is one thread-local load and one
//! comparison away. It stands in a page that the kernel replaces by zeroes in a forked child
//! (`MADV_WIPEONFORK`): the child's only thread then finds nothing, and joins anew under its own name.

use std::cell::Cell;
use std::collections::HashMap;
use std::io;
use std::ptr::{self, NonNull};
use std::sync::Arc;

use super::attachment::{Registration, leave};
use super::records::Intents;
use crate::owner::Owner;
use crate::platform::per_process;
use crate::platform::robust::RobustList;
use crate::sync::claim::Claim;
use crate::wait::SpinBudget;

/// Segments a thread finds without a search.
const WAYS: usize = 32;

/// Queues of one segment of which a thread remembers something.
const REMEMBERED: usize = 8;

/// A thread's part in one segment. Never leaves the thread.
pub(crate) struct Participant {
    pub(crate) registration: Arc<Registration>,
    intents: NonNull<Intents>,
    /// This thread, and its process.
    pub(crate) owner: Owner,
    pub(crate) process: Owner,
    /// What this thread writes to take a lock.
    pub(crate) claim: Claim,
    seen: [Seen; REMEMBERED],
    pub(crate) spin: SpinBudget,
}

/// What a thread remembers of a queue in the segment. Nothing, once it has used others that are remembered in the same place.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Which queue it is, by the number that no other in the segment ever has. One that is used after this one was removed counts its
    /// tickets and its news anew: what was seen of this one would be ahead of it.
    of: Cell<u64>,
    /// The last head this thread saw; never ahead of the queue's.
    pub(crate) head: Cell<u64>,
    /// News of which it knows that nothing more comes of them: for receiving, and for memory.
    pub(crate) orphans: Cell<Option<u64>>,
    pub(crate) memory: Cell<Option<u64>>,
}

impl Participant {
    /// # Safety
    ///
    /// `intents` must stay mapped as long as the attachment that `registration` belongs to.
    pub(crate) unsafe fn new(
        registration: Arc<Registration>,
        process: Owner,
        intents: &Intents,
    ) -> Participant {
        Participant {
            owner: registration.owner(),
            claim: Claim::held(registration.owner(), 0),
            process,
            registration,
            intents: NonNull::from(intents),
            seen: Default::default(),
            spin: SpinBudget::new(),
        }
    }

    pub(crate) fn index(&self) -> u32 {
        self.registration.index
    }

    /// What this thread remembers of the queue of this number.
    #[inline]
    pub(crate) fn seen(&self, number: u64) -> &Seen {
        let seen = &self.seen[number as usize % REMEMBERED];
        if seen.of.get() != number {
            seen.forget(number);
        }
        seen
    }

    #[inline]
    pub(crate) fn intents(&self) -> &Intents {
        // SAFETY: a participant is reached only through its attachment, which keeps the segment mapped.
        unsafe { self.intents.as_ref() }
    }
}

impl Seen {
    #[cold]
    fn forget(&self, number: u64) {
        self.of.set(number);
        self.head.take();
        self.orphans.take();
        self.memory.take();
    }
}

/// The thread's page. All zero in a forked child, and before a thread first joins.
struct Page {
    /// Unlike that of any other thread of this process, or of any process it was forked from.
    thread: Cell<u64>,
    state: Cell<*mut State>,
    ways: [Way; WAYS],
}

struct Way {
    attachment: Cell<u64>,
    participant: Cell<*const Participant>,
}

/// Everything the thread owns, for when the ways do not suffice. Boxed participants do not move.
struct State {
    list: RobustList,
    participants: HashMap<u64, Box<Participant>>,
}

struct NoPage(Page);
// SAFETY: this page is never written.
unsafe impl Sync for NoPage {}

static NO_PAGE: NoPage = NoPage(Page {
    thread: Cell::new(0),
    state: Cell::new(ptr::null_mut()),
    ways: [const {
        Way {
            attachment: Cell::new(0),
            participant: Cell::new(ptr::null()),
        }
    }; WAYS],
});

thread_local! {
    static PAGE: Cell<&'static Page> = const { Cell::new(&NO_PAGE.0) };
    /// Runs when the thread ends: what it holds goes back in an orderly way.
    static FAREWELL: Farewell = const { Farewell };
}

/// Tells threads apart, also across a fork. Zero while the thread has joined no segment.
#[inline]
pub(crate) fn current_thread() -> u64 {
    PAGE.get().thread.get()
}

/// The calling thread's part in `attachment`, if it has joined and the answer is near at hand.
#[inline]
pub(crate) fn find(attachment: u64) -> Option<NonNull<Participant>> {
    let way = way(PAGE.get(), attachment);
    if way.attachment.get() == attachment {
        NonNull::new(way.participant.get().cast_mut())
    } else {
        None
    }
}

fn way(page: &'static Page, attachment: u64) -> &'static Way {
    &page.ways[attachment as usize % WAYS]
}

/// The same, however far away the answer is; from now on it is near at hand.
pub(crate) fn find_far(attachment: u64) -> Option<NonNull<Participant>> {
    let page = PAGE.get();
    // SAFETY: the state belongs to this thread, and nobody else refers to it now.
    let state = unsafe { page.state.get().as_ref() }?;
    let participant = NonNull::from(&**state.participants.get(&attachment)?);
    let way = way(page, attachment);
    way.participant.set(participant.as_ptr());
    way.attachment.set(attachment);
    Some(participant)
}

/// Remembers what `join` makes as the calling thread's part in `attachment`.
pub(crate) fn join<E: From<io::Error>>(
    attachment: u64,
    join: impl FnOnce(RobustList) -> Result<Participant, E>,
) -> Result<NonNull<Participant>, E> {
    let state = state()?;
    // SAFETY: the state belongs to this thread, and `join` does not come back to this module.
    let state = unsafe { &mut *state };
    let list = state.list;
    state
        .participants
        .retain(|_, participant| !participant.registration.discard(list));
    let participant = Box::new(join(list)?);
    let place = NonNull::from(&*participant);
    state.participants.insert(attachment, participant);
    Ok(place)
}

/// A number that no thread of this process had before, nor of one that it was forked from.
fn next_thread() -> u64 {
    static LAST: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    LAST.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1
}

fn state() -> io::Result<*mut State> {
    let mut page = PAGE.get();
    if ptr::eq(page, &raw const NO_PAGE.0) {
        const { assert!(size_of::<Page>() <= 4096) };
        let mapped = per_process::map_wiped_on_fork()?.cast::<Page>();
        // SAFETY: zeroes are a valid `Page`, and the mapping is aligned, long enough, and kept until the thread ends.
        page = unsafe { &*mapped };
        PAGE.set(page);
    }
    if page.state.get().is_null() {
        let list = RobustList::of_this_thread()?;
        let state = Box::new(State {
            list,
            participants: HashMap::new(),
        });
        page.thread.set(next_thread());
        page.state.set(Box::into_raw(state));
        // Where the thread is already ending there is no farewell, and the kernel marks its records.
        let _ = FAREWELL.try_with(|_| ());
    }
    Ok(page.state.get())
}

struct Farewell;

impl Drop for Farewell {
    fn drop(&mut self) {
        let page = PAGE.replace(&NO_PAGE.0);
        let state = page.state.get();
        // Null in a forked child whose thread never joined under its own name.
        if !state.is_null() {
            // SAFETY: it came from `Box::into_raw` in this process, and nobody else has it any more.
            let state = unsafe { Box::from_raw(state) };
            for (attachment, participant) in &state.participants {
                leave(*attachment, &participant.registration, state.list);
            }
        }
        if !ptr::eq(page, &raw const NO_PAGE.0) {
            // SAFETY: this thread mapped the page, and has just forgotten it.
            unsafe { per_process::unmap(ptr::from_ref(page).cast_mut().cast()) };
        }
    }
}
