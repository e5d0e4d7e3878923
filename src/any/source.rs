//! What can be waited for.

use std::fmt;
#[cfg(feature = "async")]
use std::iter;

use super::subject::Subject;
use crate::element::Element;
use crate::error::Fault;
use crate::place::Place;
use crate::process::Child;
use crate::wait::pass_on;
use crate::{
    CountingSemaphore, Event, MessageQueue, Object, ObjectQueue, Queue, Semaphore, broadcast, pipe,
    spsc,
};

/// Something that [`wait_any`](crate::wait_any) can wait for.
///
/// | | is ready when |
/// |---|---|
/// | [`Queue`], [`spsc::Consumer`] | a receive would not block: something is there, or nothing more will come |
/// | [`MessageQueue`], [`ObjectQueue`], [`pipe::Receiver`], [`pipe::End`], [`pipe::ByteReceiver`] | the same; of a message longer than the pipe also when a part of it is there |
/// | [`broadcast::Subscriber`], [`broadcast::Reader`], [`broadcast::Watcher`] | there is something that this one has not received |
/// | [`Event`] | it is set, or was since the wait began |
/// | [`Semaphore`], [`CountingSemaphore`] | there is a permit |
/// | [`process::Child`](crate::process::Child) | it has ended |
///
/// Only this crate's types can implement it.
pub trait Waitable: Source {}

/// What a wait needs to know of a source.
pub trait Source {
    /// Where it is, unless it is no part of a segment.
    fn place(&self) -> Option<&Place>;

    /// What is rung when it may have become ready.
    fn subject(&self) -> Subject;

    /// What there is to remember of it when a wait begins.
    fn mark(&self) -> u64 {
        0
    }

    /// Whether it is ready, or has been since.
    fn is_ready_since(&self, mark: u64) -> bool;
}

impl fmt::Debug for dyn Waitable + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waitable")
            .field("place", &self.place())
            .finish_non_exhaustive()
    }
}

/// For what has a `bell` in a segment and is ready when its `is_ready` says so.
macro_rules! waitable {
    ($( impl [$($generics:tt)*] $name:ty; )+) => { $(
        impl<$($generics)*> Waitable for $name {}

        impl<$($generics)*> Source for $name {
            fn place(&self) -> Option<&Place> {
                Some(self.bell().0)
            }

            fn subject(&self) -> Subject {
                Subject::in_segment(self.bell())
            }

            fn is_ready_since(&self, _: u64) -> bool {
                self.is_ready()
            }
        }
    )+ };
}

waitable! {
    impl [T: Element] Queue<T>;
    impl [T: Element] spsc::Consumer<T>;
    impl [] MessageQueue;
    impl [T: Object] ObjectQueue<T>;
    impl [T: Element] broadcast::Subscriber<T>;
    impl [T: Element] broadcast::Reader<T>;
    impl [T: Element] broadcast::Watcher<T>;
    impl [T] pipe::Receiver<T>;
    impl [A, B] pipe::End<A, B>;
    impl [] pipe::ByteReceiver;
    impl [] Semaphore;
    impl [] CountingSemaphore;
}

/// For futures, which borrow.
#[cfg(feature = "async")]
macro_rules! by_reference {
    ($( $reference:ty ),+) => { $(
        impl<S: Source + ?Sized> Source for $reference {
            fn place(&self) -> Option<&Place> {
                (**self).place()
            }

            fn subject(&self) -> Subject {
                (**self).subject()
            }

            fn mark(&self) -> u64 {
                (**self).mark()
            }

            fn is_ready_since(&self, mark: u64) -> bool {
                (**self).is_ready_since(mark)
            }
        }
    )+ };
}

#[cfg(feature = "async")]
by_reference!(&S, &mut S);

impl Waitable for Event {}

impl Source for Event {
    fn place(&self) -> Option<&Place> {
        Some(self.bell().0)
    }

    fn subject(&self) -> Subject {
        Subject::in_segment(self.bell())
    }

    fn mark(&self) -> u64 {
        Event::mark(self)
    }

    fn is_ready_since(&self, mark: u64) -> bool {
        self.has_been_set_since(mark)
    }
}

impl<R> Waitable for Child<R> {}

impl<R> Source for Child<R> {
    fn place(&self) -> Option<&Place> {
        None
    }

    fn subject(&self) -> Subject {
        Subject::child(self.process())
    }

    fn is_ready_since(&self, _: u64) -> bool {
        self.process().is_ready()
    }
}

/// What one waits for who waits for one thing or for several.
pub(crate) trait Sources {
    /// Makes sure that the calling thread takes part where it is about to look.
    fn enter(&self) -> Result<(), Fault>;
    fn subjects(&self) -> Vec<Subject>;
    /// To be called by one who was woken, or may have been, and leaves: rings for each source that is ready.
    fn pass_on(&self);
}

#[cfg(feature = "async")]
impl<S: Source> Sources for S {
    fn enter(&self) -> Result<(), Fault> {
        self.place()
            .map_or(Ok(()), |place| place.attachment.participant().map(drop))
    }

    fn subjects(&self) -> Vec<Subject> {
        vec![self.subject()]
    }

    fn pass_on(&self) {
        if self.enter().is_ok() && self.is_ready_since(self.mark()) {
            pass_on(iter::once(self.subject().bell()));
        }
    }
}

/// The sources of one call, and what there was to remember of them.
pub(crate) struct Several<'a> {
    sources: &'a [&'a dyn Waitable],
    marks: Vec<u64>,
    /// Which to look at first.
    from: usize,
}

impl<'a> Several<'a> {
    pub(super) fn new(sources: &'a [&'a dyn Waitable], from: usize) -> Several<'a> {
        Several {
            sources,
            marks: sources.iter().map(|source| source.mark()).collect(),
            from,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    pub(super) fn places(&self) -> impl Iterator<Item = &'a Place> {
        self.sources.iter().filter_map(|source| source.place())
    }

    fn is_ready(&self, index: usize) -> bool {
        self.sources[index].is_ready_since(self.marks[index])
    }

    /// One that is ready.
    pub(super) fn ready(&self) -> Option<usize> {
        let count = self.sources.len();
        (0..count)
            .map(|nth| (self.from + nth) % count)
            .find(|index| self.is_ready(*index))
    }
}

impl Sources for Several<'_> {
    fn enter(&self) -> Result<(), Fault> {
        self.places()
            .try_for_each(|place| place.attachment.participant().map(drop))
    }

    fn subjects(&self) -> Vec<Subject> {
        self.sources.iter().map(|source| source.subject()).collect()
    }

    fn pass_on(&self) {
        if self.enter().is_err() {
            return; // A forked child, which was not woken for anything.
        }
        let is_ready = |index: &usize| self.is_ready(*index);
        let ready = (0..self.sources.len()).filter(is_ready);
        let subjects: Vec<_> = ready.map(|index| self.sources[index].subject()).collect();
        pass_on(subjects.iter().map(Subject::bell));
    }
}
