//! An independent account of what was sent and received, kept in plain shared memory.
#![allow(unsafe_code)] // atomics in a mapping

use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd;
use std::process;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};

use memmap2::{MmapOptions, MmapRaw};
use rustix::fs::{MemfdFlags, memfd_create};

/// Which sender's message it is, and which of that sender's; and the same in disguise. Three of them
/// share a line of a ring.
pub(crate) type Message = [u64; 2];

/// Every sending process is a generation, and may be several one after the other.
const GENERATIONS: usize = 4096;
/// Messages of one generation.
pub(crate) const MESSAGES: u64 = 1 << 16;

/// Words before the counts.
const STOPPED: usize = 0;
const FINISHED: usize = 1;
const LAST_GENERATION: usize = 2;
const LAST_RECEIVED: usize = 3;
const SENT: usize = 4;
const CELLS: usize = SENT + GENERATIONS;
const WORDS: usize = CELLS + 8;

/// The account. Children open it by its path.
pub(crate) struct Tally {
    file: File,
    map: MmapRaw,
}

pub(crate) fn message(generation: u64, number: u64) -> Message {
    let label = generation * MESSAGES + number;
    [label, !label]
}

/// In a count: somebody has begun to work on the message.
const BEGUN: u8 = 0x80;

/// Whose message it is, and which.
fn label([label, disguised]: Message) -> (u64, u64) {
    assert_eq!(label, !disguised, "a torn message");
    (label / MESSAGES, label % MESSAGES)
}

impl Tally {
    pub(crate) fn new() -> Tally {
        let file = memfd_create("tally", MemfdFlags::CLOEXEC).expect("a memory file");
        let file = File::from(file);
        // Most of it is never touched, and takes no memory.
        let counts = GENERATIONS * MESSAGES as usize;
        file.set_len((WORDS * 8 + counts) as u64)
            .expect("a sparse file");
        Tally::map(file)
    }

    /// What a child opens.
    pub(crate) fn path(&self) -> String {
        format!("/proc/{}/fd/{}", process::id(), self.file.as_raw_fd())
    }

    pub(crate) fn open(path: &str) -> Tally {
        let file = OpenOptions::new().read(true).write(true).open(path);
        Tally::map(file.expect("the parent's tally"))
    }

    fn map(file: File) -> Tally {
        let map = MmapOptions::new().map_raw(&file).expect("a mapping");
        Tally { file, map }
    }

    fn word(&self, index: usize) -> &AtomicU64 {
        assert!(index < WORDS);
        // SAFETY: the word is inside the mapping, aligned, and everybody accesses it atomically.
        unsafe { &*self.map.as_mut_ptr().cast::<AtomicU64>().add(index) }
    }

    fn count(&self, generation: u64, number: u64) -> &AtomicU8 {
        assert!(generation < GENERATIONS as u64 && number < MESSAGES);
        let index = WORDS * 8 + (generation * MESSAGES + number) as usize;
        // SAFETY: the byte is inside the mapping, and everybody accesses it atomically.
        unsafe { &*self.map.as_mut_ptr().cast::<AtomicU8>().add(index) }
    }

    /// A word for whatever else is to be taken down.
    pub(crate) fn cell(&self, index: usize) -> &AtomicU64 {
        self.word(CELLS + index)
    }

    /// A new generation; they count up from 1.
    pub(crate) fn new_generation(&self) -> u64 {
        self.word(LAST_GENERATION).fetch_add(1, SeqCst) + 1
    }

    /// The first `count` messages of this generation have been sent.
    pub(crate) fn sent(&self, generation: u64, count: u64) {
        self.word(SENT + generation as usize).store(count, SeqCst);
    }

    /// Takes the message down; says whose it is, and which.
    pub(crate) fn received(&self, received: Message) -> (u64, u64) {
        let (generation, number) = label(received);
        self.count(generation, number).fetch_add(1, Relaxed);
        self.word(LAST_RECEIVED).store(received[0], SeqCst);
        (generation, number)
    }

    /// Takes down that somebody works on the message, who will take it down as received if all goes well.
    pub(crate) fn begun(&self, received: Message) {
        let (generation, number) = label(received);
        self.count(generation, number).fetch_or(BEGUN, Relaxed);
    }

    /// The message taken down last, where there is one receiver at a time. `(0, 0)` if none was.
    pub(crate) fn last_received(&self) -> (u64, u64) {
        let last = self.word(LAST_RECEIVED).load(SeqCst);
        (last / MESSAGES, last % MESSAGES)
    }

    /// Senders are to end.
    pub(crate) fn stop(&self) {
        self.word(STOPPED).store(1, SeqCst);
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.word(STOPPED).load(SeqCst) != 0
    }

    /// All senders have ended.
    pub(crate) fn finish(&self) {
        self.word(FINISHED).store(1, SeqCst);
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.word(FINISHED).load(SeqCst) != 0
    }

    /// Checks that nothing was received twice or out of nothing, and that no more is missing than
    /// `excusable`; says how many were sent, and how many are missing. Of each generation up to
    /// `under_way` messages may have been sent without having been taken down.
    pub(crate) fn verify(&self, under_way: u64, excusable: u64) -> (u64, u64) {
        let (mut total, mut missing) = (0, 0);
        for generation in 1..=self.word(LAST_GENERATION).load(SeqCst) {
            let sent = self.word(SENT + generation as usize).load(SeqCst);
            total += sent;
            for number in 0..MESSAGES {
                let count = self.count(generation, number).load(SeqCst) & !BEGUN;
                let whose = format_args!("message {number} of generation {generation}");
                assert!(count <= 1, "{whose} was received {count} times");
                assert!(
                    count == 0 || number < sent + under_way,
                    "{whose} was never sent"
                );
                missing += u64::from(count == 0 && number < sent);
            }
        }
        assert!(
            missing <= excusable,
            "{missing} of {total} messages are missing, {excusable} are excusable"
        );
        (total, missing)
    }

    /// Checks that somebody began to work on everything that was sent; says how many were begun.
    pub(crate) fn verify_begun(&self) -> u64 {
        let mut total = 0;
        for generation in 1..=self.word(LAST_GENERATION).load(SeqCst) {
            let sent = self.word(SENT + generation as usize).load(SeqCst);
            for number in 0..MESSAGES {
                let begun = self.count(generation, number).load(SeqCst) & BEGUN != 0;
                assert!(
                    begun || number >= sent,
                    "message {number} of generation {generation} is lost"
                );
                total += u64::from(begun);
            }
        }
        total
    }
}
