#![allow(unsafe_code)] // ties views of the mapping to its lifetime
//! A process's hold on a segment, and the records of its threads there.

use std::collections::HashMap;
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering as ProcessLocal};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Instant;

use super::census::BACKSTOP;
use super::reboot;
use super::records::{Detail, Records};
use super::thread::{self, Participant};
use crate::atomic::{Ordering, fence};
use crate::error::{Error, Fault};
use crate::keeper;
use crate::owner::Owner;
use crate::platform::oracle::ByteLock;
use crate::platform::per_process::PerProcess;
use crate::platform::robust::{Life, LifePages, RobustList};
use crate::platform::{futex, membarrier, oracle, shm};
use crate::segment::Segment;

/// A mapped segment in which this process takes part. Handles share it; when the last one of the
/// process is dropped, all its records there are free again.
#[derive(Debug)]
pub(crate) struct Attachment {
    /// Never used twice in a process, nor in one forked from it.
    id: u64,
    records: Records,
    segment: Segment,
    /// When the second oracle was last asked without need.
    examined: Mutex<Instant>,
}

fn next_id() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, ProcessLocal::Relaxed) + 1
}

// SAFETY: the records are words of the segment, which is shared by design and accessed atomically.
unsafe impl Send for Attachment {}
// SAFETY: as above.
unsafe impl Sync for Attachment {}

/// One record held by one thread of this process.
#[derive(Debug)]
pub(crate) struct Registration {
    pub(crate) index: u32,
    life: Life,
    pages: LifePages,
    /// The attachment went away first: only the list node is left to take care of.
    abandoned: AtomicBool,
    _lock: Option<ByteLock>,
}

impl Registration {
    pub(crate) fn owner(&self) -> Owner {
        Owner::new(self.index, self.life.generation())
    }

    /// If the attachment is gone, takes the node off its thread's list; true if so.
    pub(crate) fn discard(&self, list: RobustList) -> bool {
        let abandoned = self.abandoned.load(ProcessLocal::Acquire);
        if abandoned {
            self.pages.discard(list);
        }
        abandoned
    }
}

/// The records this process holds in one segment.
struct Members {
    keeper: Registration,
    threads: Vec<Arc<Registration>>,
}

/// By attachment. A forked child starts with none.
static REGISTRY: PerProcess<Mutex<HashMap<u64, Members>>> = PerProcess::new();

fn registry() -> MutexGuard<'static, HashMap<u64, Members>> {
    let registry = REGISTRY.get_or_init(Mutex::default);
    registry
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// By the identity of the segment's file.
type Attachments = HashMap<(u64, u64), Weak<Attachment>>;

/// Those of this process that are in use. A forked child starts with none.
fn attachments() -> MutexGuard<'static, Attachments> {
    static ATTACHMENTS: PerProcess<Mutex<Attachments>> = PerProcess::new();
    let attachments = ATTACHMENTS.get_or_init(Mutex::default).lock();
    attachments.unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Attachment {
    /// Takes part in `segment`: from here on the process has a record in it. However many handles it has there, of however
    /// many primitives, a thread is one participant: what it owns by one handle it owns by all.
    pub(crate) fn of(segment: Segment) -> crate::Result<Arc<Attachment>> {
        let status = shm::status(segment.fd()).map_err(Error::os("look at the segment's file"))?;
        let known = |among: &Attachments| among.get(&status.identity).and_then(Weak::upgrade);
        let attachment = known(&attachments());
        if let Some(attachment) = attachment {
            return Ok(attachment);
        }
        // Not under the lock: it takes the keeper's help.
        let attachment = Attachment::new(segment)?;
        let mut attachments = attachments();
        if let Some(first) = known(&attachments) {
            return Ok(first);
        }
        attachments.retain(|_, attachment| attachment.strong_count() > 0);
        attachments.insert(status.identity, Arc::downgrade(&attachment));
        Ok(attachment)
    }

    fn new(segment: Segment) -> crate::Result<Arc<Attachment>> {
        // SAFETY: the attachment owns the segment, and hands the view out only with its own lifetime.
        let records = unsafe { Records::of(&segment) };
        reboot::enter(&segment, &records)?;
        let attachment = Arc::new(Attachment {
            id: next_id(),
            records,
            segment,
            examined: Mutex::new(Instant::now()),
        });
        attachment.process()?;
        Ok(attachment)
    }

    #[inline]
    pub(crate) fn segment(&self) -> &Segment {
        &self.segment
    }

    #[inline]
    pub(crate) fn records(&self) -> &Records {
        &self.records
    }

    /// The calling thread's record. The first call of a thread makes it; a forked child's too.
    #[inline]
    pub(crate) fn participant(&self) -> Result<&Participant, Fault> {
        let participant = match thread::find(self.id) {
            Some(participant) => participant,
            None => self.join()?,
        };
        // SAFETY: it belongs to this thread and stays until the attachment goes, which `self` prevents.
        Ok(unsafe { participant.as_ref() })
    }

    #[cold]
    fn join(&self) -> Result<std::ptr::NonNull<Participant>, Fault> {
        if let Some(participant) = thread::find_far(self.id) {
            return Ok(participant);
        }
        let process = self.process()?;
        thread::join(self.id, |list| {
            let registration = Arc::new(self.take_record(list, Some(process))?);
            if let Some(members) = registry().get_mut(&self.id) {
                members.threads.push(Arc::clone(&registration));
            }
            let intents = self.records.intents(registration.index);
            // SAFETY: the intents are words of the segment, mapped as long as this attachment.
            Ok(unsafe { Participant::new(registration, process, intents) })
        })
    }

    /// The record that stands for this process in the segment, if it has one: a forked child has none
    /// before its first operation.
    pub(crate) fn known_process(&self) -> Option<Owner> {
        registry()
            .get(&self.id)
            .map(|members| members.keeper.owner())
    }

    /// The record that stands for this process in the segment, held by its keeper thread.
    pub(crate) fn process(&self) -> Result<Owner, Fault> {
        if let Some(owner) = self.known_process() {
            return Ok(owner);
        }
        membarrier::register();
        // Not under the registry's lock, which the keeper takes when it drops a handle.
        let taken = keeper::run(|| {
            let list = RobustList::of_this_thread()?;
            self.take_record(list, None)
        });
        let keeper = taken??;
        let owner = keeper.owner();
        let mut registry = registry();
        if let Some(members) = registry.get(&self.id) {
            let first = members.keeper.owner();
            drop(registry);
            release(keeper);
            return Ok(first);
        }
        registry.insert(
            self.id,
            Members {
                keeper,
                threads: Vec::new(),
            },
        );
        Ok(owner)
    }

    /// Takes a record for the calling thread: the process's own if `process` is `None`.
    fn take_record(&self, list: RobustList, process: Option<Owner>) -> Result<Registration, Fault> {
        if let Some(registration) = self.take_first(list, process)? {
            return Ok(registration);
        }
        self.examine();
        self.take_first(list, process)?
            .ok_or(Fault::ParticipantsFull {
                participants: self.records.count(),
            })
    }

    fn take_first(
        &self,
        list: RobustList,
        process: Option<Owner>,
    ) -> Result<Option<Registration>, Fault> {
        let records = &self.records;
        // Before a record is taken: nothing may fail between taking it and holding its registration.
        let namespace = oracle::pid_namespace();
        for index in 0..records.count() {
            let seen = records.life(index);
            if seen.is_live() {
                continue;
            }
            let lock = match process {
                None => ByteLock::acquire(self.segment.fd(), index).ok(),
                Some(_) => None,
            };
            let (page, slot) = records.place(index);
            let pages = LifePages::map(self.segment.fd(), page as u64, slot)?;
            records.use_up_to(index);
            let Some(life) = pages.begin(list, seen) else {
                continue;
            };
            let own = Owner::new(index, life.generation());
            let detail = Detail {
                process: process.unwrap_or(own),
                namespace,
                byte_locked: lock.is_some(),
            };
            records.introduce(index, life, detail);
            fence(Ordering::SeqCst);
            if !records.is_live(detail.process) {
                // The keeper has ended, so this process is being killed, and survivors may have taken
                // over what it held: this thread must not touch the segment any more.
                pages.end(list, life);
                return Err(Fault::Corrupted("this process's own record was given up"));
            }
            records.announce();
            let abandoned = AtomicBool::new(false);
            return Ok(Some(Registration {
                index,
                life,
                pages,
                abandoned,
                _lock: lock,
            }));
        }
        Ok(None)
    }

    /// Lets the second oracle find deaths that the first one missed.
    #[cold]
    pub(crate) fn examine(&self) {
        self.records.examine(&self.segment);
    }

    /// The same, unless it was done less than a [`BACKSTOP`] ago: it costs a system call for each participant.
    pub(crate) fn examine_now_and_then(&self) {
        // A lock that another thread holds, or held when this process was forked, is one examination missed.
        let Ok(mut examined) = self.examined.try_lock() else {
            return;
        };
        if examined.elapsed() >= BACKSTOP {
            *examined = Instant::now();
            drop(examined);
            self.examine();
        }
    }

    /// Whether the very thread that `owner` names goes on.
    #[inline]
    pub(crate) fn is_thread_live(&self, owner: Owner) -> bool {
        self.records.is_live(owner)
    }

    /// A number that changes when a participant dies, leaves or joins.
    pub(crate) fn membership(&self) -> u64 {
        (0..self.records.used()).fold(0, |sum, index| {
            // Of all lives in their places: multiplied by an odd number, no change of one cancels out.
            (sum ^ self.records.life(index).0).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        })
    }

    /// Whether the process that `owner` names may still execute: see the module's documentation.
    #[inline]
    pub(crate) fn is_process_live(&self, owner: Owner) -> bool {
        self.records.is_live(owner) || self.is_half_dead(owner)
    }

    /// Its keeper has ended. If a thread of it seems to live, it is about to end, or its mark went missing
    /// (as when the process called `execve` from a thread that was not its first).
    #[cold]
    fn is_half_dead(&self, owner: Owner) -> bool {
        if !self.records.is_process_live(owner) {
            return false;
        }
        self.examine();
        self.records.is_process_live(owner)
    }

    /// Counts a repair.
    #[cold]
    pub(crate) fn repaired(&self) {
        self.records.repairs().fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        let mut registry = registry();
        let Some(members) = registry.remove(&self.id) else {
            return;
        };
        for registration in &members.threads {
            // If the pages cannot be replaced the record stays taken until its thread ends.
            if registration.pages.detach().is_ok() {
                let life = self.records.life_word(registration.index);
                let (live, freed) = (registration.life, registration.life.freed());
                let _ =
                    life.compare_exchange(live.0, freed.0, Ordering::Release, Ordering::Relaxed);
                futex::wake(self.records.futex(registration.index), 1);
                registration.abandoned.store(true, ProcessLocal::Release);
            }
        }
        drop(registry);
        release(members.keeper);
    }
}

/// Gives the process's own record back.
fn release(registration: Registration) {
    // If the keeper cannot be reached the process is ending, and the kernel marks the record.
    let _ = keeper::run(|| match RobustList::of_this_thread() {
        Ok(list) => registration.pages.end(list, registration.life),
        // What is on a list must stay mapped.
        Err(_) => mem::forget(registration),
    });
}

/// The calling thread ends: gives its record back, unless the attachment did.
pub(crate) fn leave(attachment: u64, registration: &Arc<Registration>, list: RobustList) {
    let mut registry = registry();
    let mine = |other: &Arc<Registration>| Arc::ptr_eq(other, registration);
    let threads = registry
        .get_mut(&attachment)
        .map(|members| &mut members.threads);
    match threads.and_then(|threads| Some((threads.iter().position(mine)?, threads))) {
        Some((position, threads)) => {
            threads.swap_remove(position);
            registration.pages.end(list, registration.life);
        }
        None => {
            if !registration.discard(list) {
                // It could not be cut off from the segment, so it is still this thread's to end.
                registration.pages.end(list, registration.life);
            }
        }
    }
}
