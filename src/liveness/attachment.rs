#![allow(unsafe_code)] // ties views of the mapping to its lifetime
//! A process's hold on a segment, and the records of its threads there.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering as ProcessLocal};
use std::sync::{Arc, Mutex, MutexGuard};

use super::census::Census;
use super::records::{Detail, Owner, Records};
use super::thread::{self, Participant};
use crate::atomic::{Ordering, fence};
use crate::error::Fault;
use crate::keeper;
use crate::platform::oracle::ByteLock;
use crate::platform::per_process::PerProcess;
use crate::platform::robust::{Life, LifePages, RobustList};
use crate::platform::{self, membarrier};
use crate::segment::Segment;

/// A mapped segment in which this process takes part. Handles share it; when the last one of the
/// process is dropped, all its records there are free again.
#[derive(Debug)]
pub(crate) struct Attachment {
    /// Never used twice in a process, nor in one forked from it.
    id: u64,
    records: Records,
    segment: Segment,
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
    fn owner(&self) -> Owner {
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

impl Attachment {
    /// Takes part in `segment`: from here on the process has a record in it.
    pub(crate) fn new(segment: Segment) -> crate::Result<Arc<Attachment>> {
        // SAFETY: the attachment owns the segment, and hands the view out only with its own lifetime.
        let records = unsafe { Records::of(&segment) };
        let attachment = Arc::new(Attachment {
            id: platform::unique(),
            records,
            segment,
        });
        attachment.process()?;
        Ok(attachment)
    }

    pub(crate) fn segment(&self) -> &Segment {
        &self.segment
    }

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
        let process = self.process()?;
        thread::find_or_join(self.id, |list| {
            let registration = Arc::new(self.take_record(list, Some(process))?);
            if let Some(members) = registry().get_mut(&self.id) {
                members.threads.push(Arc::clone(&registration));
            }
            let intent = self.records.intent(registration.index);
            // SAFETY: the intent is a word of the segment, mapped as long as this attachment.
            Ok(unsafe { Participant::new(registration, intent) })
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

    /// Looks around before the caller examines its condition and sleeps.
    pub(crate) fn census(&self, participant: &Participant) -> Census<'_> {
        Census::take(self, participant.index())
    }

    /// Lets the second oracle find deaths that the first one missed.
    #[cold]
    pub(crate) fn examine(&self) {
        self.records.examine(&self.segment);
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
    let _ = keeper::run(|| -> io::Result<()> {
        let list = RobustList::of_this_thread()?;
        registration.pages.end(list, registration.life);
        drop(registration);
        Ok(())
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
            registration.discard(list);
        }
    }
}
