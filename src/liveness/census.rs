//! Sleeping with an eye on everybody who might owe the sleeper a wake-up.

use std::sync::atomic::{AtomicU64 as ProcessLocalU64, Ordering as O};
use std::time::{Duration, Instant};

use super::attachment::Attachment;
use crate::atomic::{AtomicU32, Ordering};
use crate::platform::futex::{self, WAIT_ANY_MAX, Woken};

/// After this long a sleeper re-examines the world, whatever it was told: defence in depth.
pub(crate) const BACKSTOP: Duration = Duration::from_millis(500);
/// The same where the kernel cannot watch anybody for us, or where a process is about to end and its mark might
/// be missing: then it is the mechanism.
const SLICE: Duration = Duration::from_millis(10);
/// The same where there are more participants than one wait can watch.
const PARTIAL: Duration = Duration::from_millis(50);
/// How long the first wait lasts at most where the kernel refuses `membarrier`: far longer than any store
/// takes to become visible to other processors.
const BRIEF: Duration = Duration::from_millis(1);

static BACKSTOP_NANOS: ProcessLocalU64 = ProcessLocalU64::new(BACKSTOP.as_nanos() as u64);

/// Changes the backstop of this process, for tests that must see a lost wake-up as a hang.
pub(crate) fn set_backstop(backstop: Duration) {
    let nanos = u64::try_from(backstop.as_nanos()).unwrap_or(u64::MAX);
    BACKSTOP_NANOS.store(nanos, O::Relaxed);
}

fn backstop() -> Duration {
    Duration::from_nanos(BACKSTOP_NANOS.load(O::Relaxed))
}

/// The live participants at one moment, and what their words held.
pub(crate) struct Census<'a> {
    attachment: &'a Attachment,
    /// The first is the bell's place, the second the roster; life words follow.
    words: [(&'a AtomicU32, u32); WAIT_ANY_MAX],
    len: usize,
    /// More are alive than one wait can watch.
    partial: bool,
    /// A thread seems to live whose process's keeper has ended.
    half_dead: bool,
}

impl<'a> Census<'a> {
    const LIVES: usize = 2;

    /// Whoever examines its condition *after* this, and then sleeps, misses no death.
    pub(crate) fn take(attachment: &'a Attachment, own: u32) -> Census<'a> {
        let records = attachment.records();
        let roster = (records.roster(), records.roster().load(Ordering::SeqCst));
        let mut census = Census {
            attachment,
            words: [roster; WAIT_ANY_MAX],
            len: Census::LIVES,
            partial: false,
            half_dead: false,
        };
        for index in (0..records.used()).filter(|index| *index != own) {
            let life = records.life(index);
            if !life.is_live() {
                continue;
            }
            census.half_dead |=
                records.takes_part(index) && !records.is_live(records.process(index));
            if census.len == WAIT_ANY_MAX {
                census.partial = true;
                break;
            }
            census.words[census.len] = (records.futex(index), life.word());
            census.len += 1;
        }
        census
    }

    /// Sleeps until `bell` is rung or no longer holds `value`, membership changes, or `deadline`
    /// passes. It may return early: the caller examines its condition and comes back. Whether it was the bell that woke it.
    pub(crate) fn sleep(
        mut self,
        bell: &'a AtomicU32,
        value: u32,
        brief: bool,
        deadline: Option<Instant>,
    ) -> bool {
        self.words[0] = (bell, value);
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
        let end = until(limit);
        let records = self.attachment.records();
        let woken = match futex::wait_any(&self.words[..self.len], end) {
            Woken::Refused => futex::wait(bell, value, until(limit.min(SLICE))),
            woken => woken,
        };
        match woken {
            Woken::At(index) if index >= Census::LIVES => records.announce(),
            Woken::TimedOut => self.attachment.examine_now_and_then(),
            _ => {}
        }
        woken == Woken::At(0)
    }
}
