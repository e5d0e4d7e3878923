#![allow(unsafe_code)] // forms references to atomics inside the mapping
//! The participant records of a segment.

use std::ptr::NonNull;

use crate::atomic::{AtomicU32, AtomicU64, Ordering, fence};
use crate::owner::Owner;
use crate::platform::robust::{LIVES_PER_PAGE, Life, life_offset};
use crate::platform::{futex, oracle, page_size};
use crate::segment::Segment;

/// Words in the segment's first page, behind the header.
const ROSTER: usize = 1024;
const USED: usize = 1028;
const REPAIRS: usize = 1152;

/// Words of a record, from its start.
const PROCESS: usize = 0;
const PID: usize = 8;
const TID: usize = 12;
const NAMESPACE: usize = 16;
const DETAIL: usize = 24;
/// On a line of its own: its owner writes it in every operation of a queue.
const INTENT: usize = 128;

/// Set in [`DETAIL`] by a process that holds its byte lock.
const BYTE_LOCKED: u32 = 1;

/// Bytes from one record to the next within a page: three in a page, its last line left to the lives.
fn stride() -> usize {
    (page_size() - 128) / LIVES_PER_PAGE / 128 * 128
}

/// What a participant is about to do, so that the others know what a dead one was about to do. 0 is nothing.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Intents {
    /// To send under a ticket.
    pub(crate) send: AtomicU64,
    /// To receive a ticket.
    pub(crate) receive: AtomicU64,
    /// To take or give back memory.
    pub(crate) memory: AtomicU64,
}

/// What a participant tells about itself when it joins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Detail {
    pub(crate) process: Owner,
    /// Its PID namespace.
    pub(crate) namespace: u64,
    pub(crate) byte_locked: bool,
}

/// A view of the records, valid as long as the mapping it was made from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Records {
    base: NonNull<u8>,
    offset: usize,
    count: u32,
}

impl Records {
    /// # Safety
    ///
    /// The view must not be used after `segment` is unmapped.
    pub(crate) unsafe fn of(segment: &Segment) -> Records {
        Records {
            base: segment.base(),
            offset: segment.participants_offset(),
            count: segment.participants(),
        }
    }

    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// Where in the segment the page of record `index` starts, and which of its lives is the record's.
    #[inline]
    pub(crate) fn place(&self, index: u32) -> (usize, usize) {
        let index = index as usize;
        (
            self.offset + index / LIVES_PER_PAGE * page_size(),
            index % LIVES_PER_PAGE,
        )
    }

    fn word(&self, offset: usize) -> &AtomicU32 {
        // SAFETY: callers pass 4-aligned offsets inside the mapping, which is accessed atomically only.
        unsafe { self.base.add(offset).cast().as_ref() }
    }

    #[inline]
    fn long(&self, offset: usize) -> &AtomicU64 {
        // SAFETY: callers pass 8-aligned offsets inside the mapping, which is accessed atomically only.
        unsafe { self.base.add(offset).cast().as_ref() }
    }

    /// Start of record `index`, which is checked against the number of records.
    #[inline]
    fn record(&self, index: u32) -> usize {
        assert!(
            index < self.count,
            "a record's index is checked where it is read"
        );
        let (page, slot) = self.place(index);
        page + slot * stride()
    }

    #[inline]
    pub(crate) fn life_word(&self, index: u32) -> &AtomicU64 {
        assert!(
            index < self.count,
            "a record's index is checked where it is read"
        );
        let (page, slot) = self.place(index);
        self.long(page + life_offset(slot))
    }

    /// The kernel's half of a life, to sleep on.
    pub(crate) fn futex(&self, index: u32) -> &AtomicU32 {
        let (page, slot) = self.place(index);
        self.word(page + life_offset(slot))
    }

    #[inline]
    pub(crate) fn life(&self, index: u32) -> Life {
        Life(self.life_word(index).load(Ordering::Acquire))
    }

    /// What the participant announces.
    pub(crate) fn intents(&self, index: u32) -> &Intents {
        let words = self.long(self.record(index) + INTENT);
        // SAFETY: so many words of the record are its intents, inside the mapping and accessed atomically only.
        unsafe { NonNull::from(words).cast().as_ref() }
    }

    /// Whether a live participant announces anything for the place of this number. Most of what it announces stays until it announces something
    /// else, though that place has long been given up.
    pub(crate) fn announces(&self, number: u8) -> bool {
        // Where the number is, in the first two, and in the third.
        let is_of = |word: &AtomicU64, shift: u32| {
            // Acquire: pairs with announcing.
            let announced = word.load(Ordering::Acquire);
            announced != 0 && (announced >> shift) as u8 == number
        };
        (0..self.used()).any(|index| {
            let Intents {
                send,
                receive,
                memory,
            } = self.intents(index);
            let announces = is_of(send, 56) || is_of(receive, 56) || is_of(memory, 32);
            announces && self.takes_part(index)
        })
    }

    /// Changes when a participant joins, and when the death of one becomes known.
    pub(crate) fn roster(&self) -> &AtomicU32 {
        self.word(ROSTER)
    }

    /// How often survivors repaired something that a dead participant left behind.
    pub(crate) fn repairs(&self) -> &AtomicU64 {
        self.long(REPAIRS)
    }

    /// Records below this index have been in use at some time; no other has. Raised before a record is
    /// first taken, so whoever sees what its owner did sees it too.
    pub(crate) fn used(&self) -> u32 {
        self.word(USED).load(Ordering::SeqCst).min(self.count)
    }

    pub(crate) fn use_up_to(&self, index: u32) {
        self.word(USED).fetch_max(index + 1, Ordering::SeqCst);
    }

    /// Tells every sleeper of the segment that membership changed.
    pub(crate) fn announce(&self) {
        self.roster().fetch_add(1, Ordering::SeqCst);
        futex::wake(self.roster(), i32::MAX.cast_unsigned());
    }

    /// Written by a new owner, before its first operation.
    pub(crate) fn introduce(&self, index: u32, life: Life, detail: Detail) {
        let record = self.record(index);
        // What the predecessor announced is void.
        let Intents {
            send,
            receive,
            memory,
        } = self.intents(index);
        for intent in [send, receive, memory] {
            intent.store(0, Ordering::Release);
        }
        self.word(record + PID)
            .store(std::process::id(), Ordering::Relaxed);
        self.word(record + TID)
            .store(life.word() & TID_MASK, Ordering::Relaxed);
        self.long(record + NAMESPACE)
            .store(detail.namespace, Ordering::Relaxed);
        let flags = if detail.byte_locked { BYTE_LOCKED } else { 0 };
        let detail_word = u64::from(life.generation()) << 32 | u64::from(flags);
        self.long(record + PROCESS)
            .store(detail.process.bits(), Ordering::SeqCst);
        // Last: from here on the words above are this owner's, not its predecessor's.
        self.long(record + DETAIL)
            .store(detail_word, Ordering::SeqCst);
    }

    /// The process whose thread took record `index` last.
    pub(crate) fn process(&self, index: u32) -> Owner {
        Owner::from_bits(
            self.long(self.record(index) + PROCESS)
                .load(Ordering::SeqCst),
        )
    }

    /// The process id of the owner, in its own PID namespace: for messages. 0 if its record has been given to another.
    pub(crate) fn pid(&self, owner: Owner) -> u32 {
        let Some(index) = owner.index().filter(|index| *index < self.count) else {
            return 0;
        };
        let pid = self.word(self.record(index) + PID).load(Ordering::Acquire);
        // A new owner begins its life before it introduces itself.
        match self.life(index).generation() == owner.generation() {
            true => pid,
            false => 0,
        }
    }

    /// Whether the very life that `owner` names goes on.
    #[inline]
    pub(crate) fn is_live(&self, owner: Owner) -> bool {
        let Some(index) = owner.index().filter(|index| *index < self.count) else {
            return false;
        };
        let life = self.life(index);
        life.is_live() && life.generation() == owner.generation()
    }

    /// Whether the process that `owner` names may still execute: see the module's documentation.
    pub(crate) fn is_process_live(&self, owner: Owner) -> bool {
        if self.is_live(owner) {
            return true;
        }
        fence(Ordering::SeqCst);
        (0..self.used()).any(|index| self.takes_part(index) && self.process(index) == owner)
    }

    /// Whether record `index` has a live owner that has introduced itself. Until then the record's words
    /// are its predecessor's, and the new owner has done nothing yet.
    pub(crate) fn takes_part(&self, index: u32) -> bool {
        let life = self.life(index);
        life.is_live() && self.detail(index) >> 32 == u64::from(life.generation())
    }

    fn detail(&self, index: u32) -> u64 {
        self.long(self.record(index) + DETAIL)
            .load(Ordering::SeqCst)
    }

    /// Asks the second oracle about every participant that seems to live, and marks those that are
    /// gone. For rare occasions: it makes system calls.
    pub(crate) fn examine(&self, segment: &Segment) {
        let mut found = false;
        for index in 0..self.used() {
            let life = self.life(index);
            if life.is_live() && self.has_ended(segment, index, life) {
                let died = life.died();
                let marked = self.life_word(index).compare_exchange(
                    life.0,
                    died.0,
                    Ordering::SeqCst,
                    Ordering::Relaxed,
                );
                found |= marked.is_ok();
            }
        }
        if found {
            self.announce();
        }
    }

    fn has_ended(&self, segment: &Segment, index: u32, life: Life) -> bool {
        if !self.takes_part(index) {
            return false; // It has not introduced itself yet.
        }
        let record = self.record(index);
        let namespace = self.long(record + NAMESPACE).load(Ordering::Relaxed);
        if namespace != 0 && namespace == oracle::pid_namespace() {
            let pid = self.word(record + PID).load(Ordering::Relaxed);
            return oracle::thread_has_ended(pid, life.word() & TID_MASK);
        }
        let process = self.process(index);
        let Some(keeper) = process.index().filter(|index| *index < self.count) else {
            return false;
        };
        let keeper_detail = self.detail(keeper);
        let locked = u64::from(process.generation()) << 32 | u64::from(BYTE_LOCKED);
        keeper_detail == locked && oracle::ByteLock::is_held(segment.fd(), keeper) == Some(false)
    }
}

/// The thread id within a life word: `FUTEX_TID_MASK`.
const TID_MASK: u32 = 0x3fff_ffff;
