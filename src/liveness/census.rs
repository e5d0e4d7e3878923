//! Sleeping with an eye on everybody who might owe the sleeper a wake-up.

use std::sync::atomic::{AtomicBool, AtomicU64 as ProcessLocalU64, Ordering as O};
use std::time::{Duration, Instant};

use super::attachment::Attachment;
use crate::atomic::{AtomicU32, Ordering};
use crate::owner::Owner;
use crate::platform::futex::{self, WAIT_ANY_MAX, Woken};

/// After this long a sleeper re-examines the world, whatever it was told: defence in depth.
pub(crate) const BACKSTOP: Duration = Duration::from_millis(500);
/// The same where the kernel cannot watch anybody for us, or where a process is about to end and its mark might
/// be missing: then it is the mechanism.
const SLICE: Duration = Duration::from_millis(10);
/// The same where there are more participants than one wait can watch.
const PARTIAL: Duration = Duration::from_millis(50);
/// How long a wait lasts at most while ringers may have missed that somebody sleeps: far longer than any store
/// takes to become visible to other processors.
pub(crate) const BRIEF: Duration = Duration::from_millis(1);

/// Set by tests that must see a lost wake-up as a hang, however soon it is lost.
pub(crate) static BARRIER_TRUSTED: AtomicBool = AtomicBool::new(false);

static BACKSTOP_NANOS: ProcessLocalU64 = ProcessLocalU64::new(BACKSTOP.as_nanos() as u64);

/// Changes the backstop of this process, for tests that must see a lost wake-up as a hang.
pub(crate) fn set_backstop(backstop: Duration) {
    let nanos = u64::try_from(backstop.as_nanos()).unwrap_or(u64::MAX);
    BACKSTOP_NANOS.store(nanos, O::Relaxed);
}

fn backstop() -> Duration {
    Duration::from_nanos(BACKSTOP_NANOS.load(O::Relaxed))
}

/// What a sleeper waits for: bells, and the live participants of the segments they are in, at one moment.
pub(crate) struct Census<'a> {
    /// The bells first, then each segment's roster and life words.
    words: Vec<Watched<'a>>,
    bells: usize,
    /// More are alive than one wait can watch.
    partial: bool,
    /// A thread seems to live whose process's keeper has ended.
    half_dead: bool,
    /// Threads of other processes take part.
    shared: bool,
}

struct Watched<'a> {
    word: &'a AtomicU32,
    /// What it held.
    value: u32,
    tells: Tells<'a>,
}

/// What a word tells that changes.
enum Tells<'a> {
    Ring,
    /// Somebody joined, or a death is known.
    Change(&'a Attachment),
    /// That one has ended.
    End(&'a Attachment),
}

impl<'a> Census<'a> {
    /// Of nobody yet, for those who wait for `bells`: words, and what they held when they were armed.
    pub(crate) fn of(bells: impl IntoIterator<Item = (&'a AtomicU32, u32)>) -> Census<'a> {
        let mut words = Vec::with_capacity(16);
        let ring = |(word, value)| Watched {
            word,
            value,
            tells: Tells::Ring,
        };
        words.extend(bells.into_iter().map(ring));
        Census {
            bells: words.len(),
            words,
            partial: false,
            half_dead: false,
            shared: false,
        }
    }

    /// Counts the live participants of a segment, but for the caller, who is number `own`. Whoever examines its condition
    /// *after* this, and then sleeps, misses no death.
    pub(crate) fn count(&mut self, attachment: &'a Attachment, own: u32) {
        let process = attachment.records().process(own);
        self.count_unless(attachment, process, |index| index == own);
    }

    /// The same for a thread that sleeps on behalf of its process: its other threads do not count either. One that ends by itself has
    /// finished what it did; one that is killed takes the caller with it.
    pub(crate) fn count_others(&mut self, attachment: &'a Attachment, process: Owner) {
        let records = attachment.records();
        self.count_unless(attachment, process, |index| {
            records.takes_part(index) && records.process(index) == process
        });
    }

    fn count_unless(
        &mut self,
        attachment: &'a Attachment,
        process: Owner,
        is_own: impl Fn(u32) -> bool,
    ) {
        let records = attachment.records();
        self.watch(Watched {
            word: records.roster(),
            value: records.roster().load(Ordering::SeqCst),
            tells: Tells::Change(attachment),
        });
        for index in 0..records.used() {
            let life = records.life(index);
            if !life.is_live() || is_own(index) {
                continue;
            }
            self.half_dead |= records.takes_part(index) && !records.is_live(records.process(index));
            // One that has not introduced itself will be counted anew when it does.
            self.shared |= records.process(index) != process;
            if self.partial {
                break;
            }
            self.watch(Watched {
                word: records.futex(index),
                value: life.word(),
                tells: Tells::End(attachment),
            });
        }
    }

    fn watch(&mut self, watched: Watched<'a>) {
        if self.words.len() < WAIT_ANY_MAX {
            self.words.push(watched);
        } else {
            self.partial = true;
        }
    }

    /// Whether one wait cannot watch all that were counted.
    pub(crate) fn is_partial(&self) -> bool {
        self.partial
    }

    /// Whether threads of other processes were counted, which a barrier may have passed over: a sleeper that has just armed sleeps briefly.
    pub(crate) fn is_shared(&self) -> bool {
        self.shared && !BARRIER_TRUSTED.load(O::Relaxed)
    }

    /// As many words as it watches.
    pub(crate) fn len(&self) -> usize {
        self.words.len()
    }

    /// Sleeps until a bell is rung or no longer holds its value, membership changes, or `deadline` passes. It may return early:
    /// the caller examines its condition and comes back.
    ///
    /// If it was woken, by the word at which index: several may have been, before this thread ran, and this is the last of them. So the
    /// bells up to that index, in the order in which they were given, may each have used up a wake for this sleeper; the ones behind it
    /// have not.
    pub(crate) fn sleep(&self, brief: bool, deadline: Option<Instant>) -> Woken {
        let now = Instant::now();
        let limit = if brief {
            BRIEF
        } else if self.half_dead {
            SLICE.min(backstop())
        } else if self.partial {
            PARTIAL.min(backstop())
        } else {
            backstop()
        };
        let until = |limit| {
            let end = now.checked_add(limit);
            [end, deadline]
                .into_iter()
                .flatten()
                .min()
                .unwrap_or(now + BACKSTOP)
        };
        let words = self
            .words
            .iter()
            .map(|watched| (watched.word, watched.value));
        let woken = match futex::wait_any(words, until(limit)) {
            Woken::Refused => {
                let first = &self.words[0];
                futex::wait(first.word, first.value, until(limit.min(SLICE)))
            }
            woken => woken,
        };
        match woken {
            Woken::At(last) => self.pass_on(last),
            Woken::TimedOut if !brief => self.examine(),
            _ => {}
        }
        woken
    }

    /// Tells the other sleepers of each segment in which an end woke this one. The one that died may have taken part in several.
    fn pass_on(&self, last: usize) {
        for (index, watched) in self
            .words
            .iter()
            .enumerate()
            .take(last + 1)
            .skip(self.bells)
        {
            let woke = |watched: &Watched<'_>| {
                index == last || watched.word.load(Ordering::SeqCst) != watched.value
            };
            if let Tells::End(attachment) = watched.tells
                && woke(watched)
            {
                attachment.records().announce();
            }
        }
    }

    fn examine(&self) {
        for watched in &self.words[self.bells..] {
            if let Tells::Change(attachment) = watched.tells {
                attachment.examine_now_and_then();
            }
        }
    }
}
