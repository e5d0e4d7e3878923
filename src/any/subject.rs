//! A bell, and what keeps it in memory.

use std::fmt;
use std::sync::Arc;

use crate::atomic::{AtomicU32, Ordering};
use crate::error::Fault;
use crate::liveness::Attachment;
use crate::owner::Owner;
use crate::place::Place;
use crate::process::ChildProcess;
use crate::wait::{Bell, FutexBell, arm_all};

/// What a waiter sleeps on while a source is not ready.
#[derive(Clone)]
pub struct Subject(Home);

#[derive(Clone)]
enum Home {
    /// In a segment, at this offset of the primitive.
    Place(Place, usize),
    /// In this process.
    Child(Arc<ChildProcess>),
}

impl Subject {
    pub(super) fn in_segment((place, offset): (&Place, usize)) -> Subject {
        Subject(Home::Place(place.clone(), offset))
    }

    pub(super) fn child(child: &Arc<ChildProcess>) -> Subject {
        Subject(Home::Child(Arc::clone(child)))
    }

    pub(super) fn word(&self) -> &AtomicU32 {
        match &self.0 {
            Home::Place(place, offset) => place.word(*offset),
            Home::Child(child) => child.bell(),
        }
    }

    pub(super) fn bell(&self) -> FutexBell<'_> {
        Bell::new(self.word())
    }

    /// Where those take part who ring it.
    pub(super) fn attachment(&self) -> Option<&Attachment> {
        match &self.0 {
            Home::Place(place, _) => Some(&place.attachment),
            Home::Child(_) => None,
        }
    }

    /// A number that changes with who takes part there.
    pub(super) fn membership(&self) -> u64 {
        self.attachment().map_or(0, Attachment::membership)
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.word().load(Ordering::Relaxed);
        f.debug_tuple("Subject").field(&word).finish()
    }
}

/// Arms the bells of all; what their words hold then, and whether the first sleep must be short.
pub(super) fn arm<'a>(subjects: impl IntoIterator<Item = &'a Subject>) -> (Vec<u32>, bool) {
    let bell = |subject: &'a Subject| (subject.bell(), 0);
    let mut bells: Vec<_> = subjects.into_iter().map(bell).collect();
    let brief = arm_all(&mut bells);
    (bells.iter().map(|(_, value)| *value).collect(), brief)
}

/// A segment that subjects are in, and the calling thread's record there.
pub(super) struct Membership<'a> {
    pub(super) attachment: &'a Attachment,
    pub(super) own: u32,
    pub(super) process: Owner,
}

/// The segments that the subjects are in, each once. The calling thread takes part in all of them: its death tells others what it knew.
pub(super) fn memberships<'a>(
    subjects: impl IntoIterator<Item = &'a Subject>,
) -> Result<Vec<Membership<'a>>, Fault> {
    let mut all: Vec<Membership<'a>> = Vec::new();
    for attachment in subjects.into_iter().filter_map(Subject::attachment) {
        if all
            .iter()
            .all(|known| !std::ptr::eq(known.attachment, attachment))
        {
            let participant = attachment.participant()?;
            all.push(Membership {
                attachment,
                own: participant.index(),
                process: participant.process,
            });
        }
    }
    Ok(all)
}
