//! Who sleeps on behalf of futures: a thread for about every hundred words, however many futures wait for them.
//!
//! One *topic* for each bell that somebody waits for: the bell's armed value, the membership of its segment, and who is to be woken. A
//! thread watches its topics' bells, rosters and lives in one wait, next to a control word by which it is told that they have changed. In a
//! round it
//!
//! 1. finds the topics that are *due*: their bell may have woken it, or is not what it was when armed, or the membership is not;
//! 2. arms their bells anew, and notes the membership anew;
//! 3. wakes all who wait for them, who then attempt again;
//! 4. counts who is alive, compares the memberships once more, and sleeps.
//!
//! No wake is lost:
//!
//! - A future registers with values from before its last attempt. Should the bell ring in between, or before the thread sleeps, nobody
//!   or somebody else is woken by it: nobody, then the word changes, the wait does not begin, and the topic is due; somebody else, then
//!   that one takes the thing or passes the wake on.
//! - Should somebody publish and die in between, the membership differs from the one registered by the time that it is compared; after
//!   that, the one who dies is among those watched. Lives have generations, so no membership comes back.
//! - A ringer that the barrier passed over ([`crate::wait`]) has published by the time that a brief sleep takes: a topic armed for so long is due
//!   once more. From then on, while its word holds the same value, no ringer misses that somebody sleeps.
//! - Two futures that register different values for one bell cannot both be right: the topic is due.
//! - A thread that was woken, or may have been, by a bell that nobody waits for any more rings it again. One that was woken for
//!   futures wakes them all: they take what they find, and ring for what is left when they leave ([`super::attempt`]).
//! - The thread takes part in each of the segments: should the process be killed, the wakes that it used up are made good by its life word.

use std::collections::HashMap;
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Instant;
use std::{mem, thread};

use super::server::serve;
use super::subject::Subject;
use crate::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::error::Fault;
use crate::liveness::{Attachment, Census};
use crate::platform::futex;
use crate::platform::per_process::PerProcess;
use crate::platform::signals;

/// A thread takes on no more topics once it watches so many words: the rest is for participants that come later.
const ROOM: usize = 100;
/// So many bells of one segment that has used the room up.
const MOST_BELLS: usize = 64;

/// Futures that wait, and threads that sleep for them. A forked child has neither.
#[derive(Default)]
pub(super) struct Reactor {
    /// By the address of the bell's word, which a topic keeps in memory.
    pub(super) topics: HashMap<usize, Topic>,
    pub(super) servers: Vec<Arc<Server>>,
}

pub(super) struct Topic {
    pub(super) subject: Subject,
    /// What its word held when it was armed.
    pub(super) value: u32,
    /// Who took part then.
    pub(super) membership: u64,
    /// When it was armed, while ringers may have missed that.
    pub(super) fresh: Option<Instant>,
    pub(super) due: bool,
    /// Why it is not watched: the thread cannot take part in the segment.
    pub(super) fault: Option<Fault>,
    pub(super) wakers: HashMap<u64, Waker>,
    pub(super) server: Arc<Server>,
    /// How many more words its server watched when it took the topic on.
    pub(super) cost: usize,
}

/// A thread that sleeps.
pub(super) struct Server {
    /// Changed, and woken, when its topics are to be looked at.
    pub(super) control: AtomicU32,
}

impl Server {
    pub(super) fn call(&self) {
        self.control.fetch_add(1, Ordering::SeqCst);
        futex::wake(&self.control, 1);
    }
}

pub(super) fn reactor() -> MutexGuard<'static, Reactor> {
    static REACTOR: PerProcess<Mutex<Reactor>> = PerProcess::new();
    // Nothing under the lock panics half-way, or waits. Wakers are cloned there, but woken and dropped elsewhere.
    let reactor = REACTOR.get_or_init(Mutex::default).lock();
    reactor.unwrap_or_else(PoisonError::into_inner)
}

/// A bell that is armed: its word's value, and the membership of its segment, both from before the last attempt.
pub(super) struct Armed {
    pub(super) subject: Subject,
    pub(super) value: u32,
    pub(super) membership: u64,
}

/// A waker that is woken by some bells, until this is dropped.
pub(super) struct Registration {
    id: u64,
    topics: Vec<usize>,
}

/// Has `waker` woken once one of the bells rings, or whoever takes part there dies, after what is `armed` was read.
///
/// # Errors
///
/// If there is no thread to be had, or it cannot take part in one of the segments.
pub(super) fn register(armed: Vec<Armed>, waker: &Waker) -> Result<Registration, Fault> {
    // Counted up for ever, also across forks: a registration that a child inherits is none of its own.
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let mut registration = Registration {
        id: NEXT.fetch_add(1, Ordering::Relaxed),
        topics: Vec::new(),
    };
    let mut called = Vec::new();
    let mut reactor = reactor();
    let outcome = armed.into_iter().try_for_each(|armed| {
        let key = ptr::from_ref(armed.subject.word()).addr();
        if !reactor.topics.contains_key(&key) {
            let (server, cost) = reactor.server_for(&armed.subject)?;
            let topic = Topic {
                value: armed.value,
                membership: armed.membership,
                fresh: Some(Instant::now()),
                due: false,
                fault: None,
                wakers: HashMap::new(),
                server,
                cost,
                subject: armed.subject,
            };
            called.push(Arc::clone(&topic.server));
            reactor.topics.insert(key, topic);
        }
        let topic = reactor.topics.get_mut(&key).expect("it has been put there");
        // Also of those that fail: should nobody else wait for it, the topic goes with the registration.
        registration.topics.push(key);
        // Of a source that is given twice there is one waker already, the same.
        topic
            .wakers
            .entry(registration.id)
            .or_insert_with(|| waker.clone());
        if topic.value != armed.value || topic.membership != armed.membership {
            topic.due = true;
            called.push(Arc::clone(&topic.server));
        }
        topic.fault.map_or(Ok(()), Err)
    });
    drop(reactor);
    called.dedup_by(|one, other| Arc::ptr_eq(one, other));
    called.iter().for_each(|server| server.call());
    outcome.map(|()| registration)
}

impl Registration {
    /// From now on `waker` is the one to be woken. False if nobody knows of this registration: it is a forked process's inheritance.
    pub(super) fn renew(&self, waker: &Waker) -> Result<bool, Fault> {
        let mut replaced = Vec::new();
        let mut reactor = reactor();
        for key in &self.topics {
            let Some(topic) = reactor.topics.get_mut(key) else {
                return Ok(false);
            };
            let Some(known) = topic.wakers.get_mut(&self.id) else {
                return Ok(false);
            };
            if let Some(fault) = topic.fault {
                return Err(fault);
            }
            if !known.will_wake(waker) {
                replaced.push(mem::replace(known, waker.clone()));
            }
        }
        drop(reactor);
        drop(replaced);
        Ok(true)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let (mut wakers, mut topics) = (Vec::new(), Vec::new());
        let mut reactor = reactor();
        for key in &self.topics {
            if let Some(topic) = reactor.topics.get_mut(key)
                && let Some(waker) = topic.wakers.remove(&self.id)
            {
                wakers.push(waker);
                if topic.wakers.is_empty() {
                    topics.extend(reactor.topics.remove(key));
                }
            }
        }
        drop(reactor);
        // So that it lets go of the segment.
        topics.iter().for_each(|topic| topic.server.call());
    }
}

impl Reactor {
    /// The thread that is to serve one more subject, and how many more words it watches then: one that knows its segment, one that has
    /// room, or a new one.
    fn server_for(&mut self, subject: &Subject) -> Result<(Arc<Server>, usize), Fault> {
        let cost = cost(subject);
        let mut with_room = None;
        for server in &self.servers {
            let (mut bells, mut load, mut knows) = (0, 0, false);
            for topic in self
                .topics
                .values()
                .filter(|topic| topic.is_served_by(server))
            {
                bells += 1;
                load += topic.cost;
                knows |= is_same(topic.subject.attachment(), subject.attachment());
            }
            if knows && bells < MOST_BELLS {
                return Ok((Arc::clone(server), 1));
            }
            if with_room.is_none() && load + cost <= ROOM {
                with_room = Some(Arc::clone(server));
            }
        }
        match with_room {
            Some(server) => Ok((server, cost)),
            None => Ok((self.start()?, cost)),
        }
    }

    pub(super) fn start(&mut self) -> Result<Arc<Server>, Fault> {
        let server = Arc::new(Server {
            control: AtomicU32::new(0),
        });
        // A new thread inherits the mask, so that no handler ever runs on it.
        let _blocked = signals::block_all();
        let thread = thread::Builder::new().name("crossproc-wait".into());
        let own = Arc::clone(&server);
        thread.spawn(move || serve(&own))?;
        self.servers.push(Arc::clone(&server));
        Ok(server)
    }

    pub(super) fn of<'a>(
        &'a mut self,
        server: &'a Arc<Server>,
    ) -> impl Iterator<Item = (&'a usize, &'a mut Topic)> {
        let is_its = |topic: &Topic| topic.is_served_by(server) && topic.fault.is_none();
        self.topics
            .iter_mut()
            .filter(move |(_, topic)| is_its(topic))
    }
}

impl Topic {
    pub(super) fn is_served_by(&self, server: &Arc<Server>) -> bool {
        Arc::ptr_eq(&self.server, server)
    }
}

/// As many words as it takes to watch one bell in a segment.
fn cost(subject: &Subject) -> usize {
    let mut census = Census::of([(subject.word(), 0)]);
    if let Some(attachment) = subject.attachment()
        && let Some(process) = attachment.known_process()
    {
        census.count_others(attachment, process);
    }
    census.len()
}

pub(super) fn is_same(one: Option<&Attachment>, other: Option<&Attachment>) -> bool {
    matches!((one, other), (Some(one), Some(other)) if ptr::eq(one, other))
}
