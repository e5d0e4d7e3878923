//! A thread of the reactor, from one sleep to the next: see [`super::reactor`].

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use super::reactor::{Server, is_same, reactor};
use super::subject::{self, Membership, Subject, memberships};
use crate::atomic::Ordering;
use crate::error::Fault;
use crate::liveness::{Attachment, BRIEF, Census};
use crate::platform::futex::{self, Woken};
use crate::wait::is_fenced;

/// How long a thread without topics waits for some before it ends.
const IDLE: Duration = Duration::from_millis(500);

/// A topic as a thread sleeps for it.
struct Watched {
    key: usize,
    subject: Subject,
    value: u32,
    membership: u64,
    fresh: Option<Instant>,
}

/// How a sleep ended.
#[derive(Clone, Copy)]
struct Slept {
    woken: Woken,
    /// It was to be short, for the sake of topics that are fresh.
    brief: bool,
}

/// It did not even begin.
const AWAKE: Slept = Slept {
    woken: Woken::Changed,
    brief: false,
};

pub(super) fn serve(server: &Arc<Server>) {
    let mut watched = Vec::new();
    let mut slept = AWAKE;
    loop {
        let control = server.control.load(Ordering::SeqCst);
        let mut round = Round::begin(server, &watched, slept);
        round.finish();
        watched = round.watched;
        if watched.is_empty() {
            let idle = futex::wait(&server.control, control, Instant::now() + IDLE);
            if idle == Woken::TimedOut && retire(server) {
                return;
            }
            slept = AWAKE;
        } else {
            slept = sleep(server, control, &watched);
        }
    }
}

/// Whether the thread is to end: it serves nobody, and nobody can come to it any more.
fn retire(server: &Arc<Server>) -> bool {
    let mut reactor = reactor();
    let is_used = reactor
        .topics
        .values()
        .any(|topic| topic.is_served_by(server));
    if !is_used {
        reactor.servers.retain(|other| !Arc::ptr_eq(other, server));
    }
    !is_used
}

/// What a thread does between two sleeps.
#[derive(Default)]
struct Round {
    /// May have woken the thread, and nobody waits for it any more.
    abandoned: Vec<Subject>,
    due: Vec<Waker>,
    /// Have something to do by now.
    called: Vec<Arc<Server>>,
    /// For the next sleep.
    watched: Vec<Watched>,
}

impl Round {
    fn begin(server: &Arc<Server>, watched: &[Watched], slept: Slept) -> Round {
        let Slept { woken, brief } = slept;
        let is_over = |since: Instant| since.elapsed() >= BRIEF;
        let mut round = Round::default();
        let mut rolls = Rolls::default();
        let mut reactor = reactor();
        for (index, was) in watched.iter().enumerate() {
            // In front of the first is the control word.
            let may_have_woken = matches!(woken, Woken::At(last) if index < last);
            let is_due = may_have_woken
                || woken == Woken::TimedOut && !brief
                || brief && was.fresh.is_some_and(is_over)
                || was.subject.word().load(Ordering::SeqCst) != was.value
                || rolls.membership(&was.subject) != was.membership;
            match reactor.topics.get_mut(&was.key) {
                Some(topic) => {
                    topic.due |= is_due;
                    // Given up here, and asked for again at another's.
                    if is_due && !topic.is_served_by(server) {
                        round.called.push(Arc::clone(&topic.server));
                    }
                }
                None if may_have_woken => round.abandoned.push(was.subject.clone()),
                None => {}
            }
        }
        let mut due: Vec<_> = reactor
            .of(server)
            .map(|(_, topic)| topic)
            .filter(|topic| topic.due)
            .collect();
        let (values, _) = subject::arm(due.iter().map(|topic| &topic.subject));
        let now = Instant::now();
        for (topic, value) in due.iter_mut().zip(values) {
            topic.due = false;
            topic.fresh = if topic.value == value {
                topic.fresh.filter(|since| !is_over(*since))
            } else {
                Some(now)
            };
            topic.value = value;
            topic.membership = rolls.membership(&topic.subject);
            round.due.extend(topic.wakers.values().cloned());
        }
        let watched = reactor.of(server).map(|(key, topic)| Watched {
            key: *key,
            subject: topic.subject.clone(),
            value: topic.value,
            membership: topic.membership,
            fresh: topic.fresh,
        });
        round.watched = watched.collect();
        round
    }

    fn finish(&mut self) {
        for subject in self.abandoned.drain(..) {
            subject.bell().ring(1);
        }
        self.called.drain(..).for_each(|server| server.call());
        for waker in self.due.drain(..) {
            // The panic hook has told of it; there is nobody to pass it on to.
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
    }
}

/// The memberships of segments, each read once.
#[derive(Default)]
struct Rolls(HashMap<usize, u64>);

impl Rolls {
    fn membership(&mut self, subject: &Subject) -> u64 {
        subject.attachment().map_or(0, |attachment| {
            let key = ptr::from_ref(attachment).addr();
            *self.0.entry(key).or_insert_with(|| attachment.membership())
        })
    }
}

fn sleep(server: &Arc<Server>, control: u32, watched: &[Watched]) -> Slept {
    for watched in watched {
        let joined = watched.subject.attachment().map(Attachment::participant);
        if let Some(Err(fault)) = joined {
            fail(watched.key, fault);
            return AWAKE;
        }
    }
    let Ok(memberships) = memberships(watched.iter().map(|watched| &watched.subject)) else {
        return AWAKE;
    };
    let bells = watched
        .iter()
        .map(|watched| (watched.subject.word(), watched.value));
    let mut census = Census::of([(&server.control, control)].into_iter().chain(bells));
    for member in &memberships {
        census.count_others(member.attachment, member.process);
    }
    let mut rolls = Rolls::default();
    let is_old = |watched: &Watched| rolls.membership(&watched.subject) != watched.membership;
    if watched.iter().any(is_old) {
        return AWAKE;
    }
    if census.is_partial()
        && let [_, .., last] = &*memberships
        && move_out(server, last)
    {
        return AWAKE;
    }
    let may_be_missed = |watched: &Watched| {
        watched.fresh.is_some() && (census.is_shared() || is_fenced(watched.value))
    };
    let brief = watched.iter().any(may_be_missed);
    let woken = census.sleep(brief, None);
    Slept { woken, brief }
}

/// Those who wait for it hear of the fault.
fn fail(key: usize, fault: Fault) {
    let mut round = Round::default();
    if let Some(topic) = reactor().topics.get_mut(&key) {
        topic.fault = Some(fault);
        round.due.extend(topic.wakers.values().cloned());
    }
    round.finish();
}

/// Leaves the topics of one of its segments to a new thread, as so many have joined that one wait cannot watch all. Whether that was possible.
fn move_out(server: &Arc<Server>, leaving: &Membership<'_>) -> bool {
    let mut reactor = reactor();
    let Ok(other) = reactor.start() else {
        return false;
    };
    for (_, topic) in reactor.of(server) {
        if is_same(topic.subject.attachment(), Some(leaving.attachment)) {
            topic.server = Arc::clone(&other);
            topic.due = true;
        }
    }
    drop(reactor);
    other.call();
    true
}
