//! Who takes part in a segment, who has died, and how sleepers learn of it.
//!
//! A **participant** is a thread that uses a segment. It owns one record there: a life word that the kernel
//! marks when the thread ends ([`crate::platform::robust`]), and words in which it announces what it is about to
//! do. One more record per process is held by the process's keeper thread: it stands for the process as a whole,
//! which owns what may move between threads (a ring's producer role).
//!
//! | state of a life | word (low half) | who changes it next |
//! |---|---|---|
//! | free | 0 | anyone, by compare-and-swap to *live* with the next generation |
//! | live | owner's thread id, waiters bit | its owner to *free*; the kernel to *ended* |
//! | ended | owner-died bit | anyone, by compare-and-swap to *live* with the next generation |
//!
//! A record's other words count only once its owner has introduced itself, which it does last by naming its generation.
//!
//! Nothing needs to be swept up after a death. An ended record is as good as a free one, and what the dead
//! announced counts only together with a live word. Killed while taking a record: see [`LifePages::begin`].
//! Killed after that: the record is *ended*.
//!
//! # A process is dead when
//!
//! its keeper's life is not live **and** no live thread record names it: after SIGKILL threads stop one by one, so
//! one thread's mark does not prove that its siblings have stopped. A thread that joins does *take record → name
//! process → fence → look at its keeper's life*, and an observer does *see the keeper ended → fence → look at
//! all records*. One of the two sees the other; a thread that finds its keeper gone is itself being killed and
//! touches nothing any more.
//!
//! # How sleepers learn of a death
//!
//! A sleeper waits at once on its bell, on the segment's **roster** and on the life word of every live participant
//! ([`census`]). The roster word changes whenever membership does: a joiner changes it before its first operation, and
//! the sleeper that a death woke changes it to pass the news on. Let a participant publish something and die before
//! it wakes anyone:
//!
//! - a sleeper that took its census before the death is woken by the kernel, or its wait finds the word changed;
//! - one that took it afterwards re-examines its condition after the census, and finds what was published;
//! - of several sleepers the kernel wakes one, which changes the roster and wakes the others; dies it first, its own
//!   life word wakes the next.
//!
//! [`LifePages::begin`]: crate::platform::robust::LifePages::begin

mod attachment;
mod census;
mod reboot;
mod records;
mod thread;

pub(crate) use attachment::Attachment;
pub(crate) use census::{BARRIER_TRUSTED, BRIEF, Census, set_backstop};
pub(crate) use records::Intents;
pub(crate) use thread::{Participant, Seen, current_thread};
