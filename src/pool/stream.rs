//! Many tasks of one function: feeding them to the workers in chunks, and taking the results as they come.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::iter::Fuse;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::code::{Outcome, Place};
use super::error::{JobError, TaskError};
use super::order::{Delivery, Errand, Order, Outcomes, Terms};
use super::shared::Shared;
use super::tasks::Progress;
use crate::object;
use crate::wait::Patience;

/// A chunk is to take so long, in nanoseconds: some hundred times what it costs to hand it over.
const TARGET: u64 = 500_000;
/// The arguments in a chunk are not longer than this, unless those of a single task are.
const LONGEST: usize = 1 << 16;
/// A chunk is at most this many times as long as the one before.
const GROWTH: usize = 4;
/// As many chunks are on their way as the workers need for this long, in nanoseconds …
const AHEAD: u64 = 1_000_000;
/// … and so many for each worker at least …
const LEAST: usize = 4;
/// … and so many at most.
const MOST: usize = 512;

pub(super) type OnProgress<'p> = Box<dyn FnMut(Progress) + 'p>;

/// The results of many tasks, in the order of the inputs: see [`Pool::map_ordered`](super::Pool::map_ordered).
///
/// When it is dropped, tasks that have not been begun are not run any more, and the results of others are dropped.
pub struct Ordered<'p, I: Iterator, R>(Stream<'p, I, R>);

/// The results of many tasks, in the order in which they come: see [`Pool::map_unordered`](super::Pool::map_unordered).
///
/// When it is dropped, tasks that have not been begun are not run any more, and the results of others are dropped.
pub struct Unordered<'p, I: Iterator, R>(Stream<'p, I, R>);

pub(super) struct Stream<'p, I: Iterator, R> {
    shared: &'p Arc<Shared>,
    order: Order,
    place: Result<Place, JobError>,
    terms: Terms,
    workers: usize,
    inputs: Fuse<I>,
    /// Inputs taken so far.
    taken: usize,
    /// Tasks whose outcome was received so far.
    received: usize,
    total: Option<usize>,
    /// Tasks in a chunk, if it was said.
    chunk: Option<usize>,
    /// Those in the last one.
    last_chunk: usize,
    /// Deliveries that have come.
    arrived: VecDeque<Delivery>,
    /// Those that have come before their turn, by the first of their tasks.
    early: BTreeMap<usize, Delivery>,
    /// Where those are put back in order.
    next_in_order: Option<usize>,
    at_hand: Option<AtHand>,
    on_progress: Option<OnProgress<'p>>,
    result: PhantomData<fn() -> R>,
}

/// A delivery that is being unpacked.
struct AtHand {
    first: usize,
    next: usize,
    left: usize,
    outcomes: Result<Outcomes, JobError>,
    /// How much of the bytes is unpacked.
    unpacked: usize,
    /// Up to which task there is no outcome to be had, and why.
    lost: Option<(usize, JobError)>,
}

/// What a stream is made of.
pub(super) struct Plan<'p> {
    pub(super) shared: &'p Arc<Shared>,
    pub(super) place: Result<Place, JobError>,
    pub(super) terms: Terms,
    pub(super) workers: usize,
    pub(super) chunk: Option<usize>,
    pub(super) on_progress: Option<OnProgress<'p>>,
    pub(super) is_ordered: bool,
}

impl<'p, I: Iterator, R> Stream<'p, I, R> {
    pub(super) fn new(plan: Plan<'p>, inputs: I) -> Self {
        let total = match inputs.size_hint() {
            (least, Some(most)) if least == most => Some(least),
            _ => None,
        };
        Stream {
            shared: plan.shared,
            order: Order::default(),
            place: plan.place,
            terms: plan.terms,
            workers: plan.workers,
            inputs: inputs.fuse(),
            taken: 0,
            received: 0,
            total,
            // What is killed when its time is up is to be one task.
            chunk: plan.terms.timeout.map_or(plan.chunk, |_| Some(1)),
            last_chunk: 1,
            arrived: VecDeque::new(),
            early: BTreeMap::new(),
            next_in_order: plan.is_ordered.then_some(0),
            at_hand: None,
            on_progress: plan.on_progress,
            result: PhantomData,
        }
    }

    pub(super) fn into_ordered(self) -> Ordered<'p, I, R> {
        Ordered(self)
    }

    pub(super) fn into_unordered(self) -> Unordered<'p, I, R> {
        Unordered(self)
    }

    /// How many tasks the next chunk is to have at most, and how many chunks may be on their way.
    fn sizes(&self) -> (usize, usize) {
        let each = self.order.inbox().each();
        let Some(each) = each else {
            // Nothing is known yet: one for each worker, until it is.
            let chunks = self.chunk.map_or(1, |_| LEAST);
            return (self.chunk.unwrap_or(1), self.workers * chunks);
        };
        let chunk = self.chunk.unwrap_or_else(|| {
            let ideal = usize::try_from(TARGET / each).unwrap_or(usize::MAX);
            let left = self.total.map_or(usize::MAX, |total| {
                // At the end smaller ones, so that the workers are done at the same time.
                total.saturating_sub(self.taken).div_ceil(self.workers * 2)
            });
            ideal
                .min(left)
                .min(self.last_chunk.saturating_mul(GROWTH))
                .max(1)
        });
        let takes = each.saturating_mul(chunk as u64);
        let wanted = (AHEAD / takes).saturating_mul(self.workers as u64);
        let wanted = usize::try_from(wanted).unwrap_or(MOST).min(MOST);
        (chunk, wanted.max(LEAST * self.workers))
    }
}

impl<A: Serialize, I: Iterator<Item = A>, R: DeserializeOwned> Stream<'_, I, R> {
    /// Sends chunks, as many as there may be, once there is room for half of those.
    fn feed(&mut self) -> Result<(), JobError> {
        let (chunk, window) = self.sizes();
        // Those that are on their way, or have come and are not unpacked.
        let ahead = (self.taken - self.received).div_ceil(chunk);
        if ahead > window / 2 {
            return Ok(());
        }
        let mut errands = Vec::new();
        while ahead + errands.len() < window
            && let Some(errand) = self.pack(chunk)?
        {
            errands.push(errand);
        }
        if errands.is_empty() {
            return Ok(());
        }
        self.shared.submit(errands, Patience::Forever)
    }

    /// The next chunk; `None` if there are no more inputs.
    fn pack(&mut self, most: usize) -> Result<Option<Errand>, JobError> {
        let mut first = self.taken;
        let mut arguments = Vec::new();
        let mut ends = Vec::new();
        while ends.len() < most && (self.chunk.is_some() || arguments.len() < LONGEST) {
            let Some(input) = self.inputs.next() else {
                break;
            };
            let before = arguments.len();
            if let Err(refusal) = append(&input, &mut arguments) {
                if !ends.is_empty() {
                    arguments.truncate(before);
                }
                self.order.deliver(Delivery {
                    first: self.taken,
                    count: 1,
                    outcomes: Err(refusal),
                });
                self.taken += 1;
                if ends.is_empty() {
                    arguments.clear();
                    first = self.taken;
                    continue;
                }
                break;
            }
            self.taken += 1;
            ends.push(arguments.len() as u32);
        }
        if ends.is_empty() {
            return Ok(None);
        }
        self.last_chunk = ends.len();
        let (order, place) = (self.order.clone(), self.place.clone()?);
        Ok(Some(Errand::new(
            order, first, place, self.terms, arguments, ends,
        )))
    }

    fn next(&mut self) -> Option<Result<R, TaskError>> {
        loop {
            if let Some(at_hand) = &mut self.at_hand {
                if at_hand.left > 0 {
                    return Some(at_hand.unpack());
                }
                self.at_hand = None;
            }
            if let Err(error) = self.feed() {
                return self.fail(error);
            }
            let next = self
                .early
                .first_entry()
                .filter(|first| Some(*first.key()) == self.next_in_order);
            let delivery = match next {
                Some(next) => next.remove(),
                None => match self.receive() {
                    Ok(Some(delivery)) => delivery,
                    Ok(None) => return None,
                    Err(error) => return self.fail(error),
                },
            };
            if let Some(next) = &mut self.next_in_order {
                if delivery.first != *next {
                    self.early.insert(delivery.first, delivery);
                    continue;
                }
                *next += delivery.count;
            }
            self.received += delivery.count;
            if let Some(tell) = &mut self.on_progress {
                tell(Progress {
                    done: self.received,
                    total: self.total,
                });
            }
            self.at_hand = Some(AtHand {
                first: delivery.first,
                next: delivery.first,
                left: delivery.count,
                outcomes: delivery.outcomes,
                unpacked: 0,
                lost: None,
            });
        }
    }

    /// What has come, or comes next; `None` if nothing will.
    fn receive(&mut self) -> Result<Option<Delivery>, JobError> {
        if self.arrived.is_empty() {
            let (order, arrived) = (&self.order, &mut self.arrived);
            self.shared.wait(Patience::Forever, |_| {
                let mut inbox = order.inbox();
                std::mem::swap(&mut inbox.deliveries, arrived);
                (!arrived.is_empty() || inbox.tickets == 0).then_some(())
            })?;
        }
        Ok(self.arrived.pop_front())
    }

    /// Ends with this error.
    fn fail(&mut self, error: JobError) -> Option<Result<R, TaskError>> {
        if self.place.is_ok() || self.received == 0 {
            let index = self.received;
            // Nothing else comes.
            self.place = Err(error.clone());
            self.received = usize::MAX;
            return Some(Err(TaskError { index, error }));
        }
        None
    }
}

/// Serialises an input; on failure, why.
#[inline]
fn append(input: &impl Serialize, to: &mut Vec<u8>) -> Result<(), JobError> {
    let refusal = |reason| Err(JobError::Arguments { reason });
    match object::append(input, to) {
        Ok(()) if u32::try_from(to.len()).is_ok() => Ok(()),
        Ok(()) => refusal("they are longer than 4 GiB".to_owned()),
        Err(error) => refusal(error.to_string()),
    }
}

impl AtHand {
    /// The outcome of the next task.
    #[inline]
    fn unpack<R: DeserializeOwned>(&mut self) -> Result<R, TaskError> {
        let index = self.next;
        self.next += 1;
        self.left -= 1;
        let outcome = match (&self.outcomes, &self.lost) {
            (Err(error), _) => Err(error.clone()),
            (Ok(_), Some((end, error))) if index < *end => Err(error.clone()),
            (Ok(outcomes), _) => match unpack(&outcomes.bytes[self.unpacked..]) {
                Ok((result, rest)) => {
                    self.unpacked = outcomes.bytes.len() - rest;
                    result
                }
                Err(error) => {
                    // Where the next outcome begins is not known, but where the next report does.
                    let end = outcomes.end_of_report(index - self.first);
                    let (tasks, bytes) = end.unwrap_or((usize::MAX, outcomes.bytes.len()));
                    self.unpacked = bytes;
                    self.lost = Some((self.first.saturating_add(tasks), error.clone()));
                    Err(error)
                }
            },
        };
        outcome.map_err(|error| TaskError { index, error })
    }
}

/// The outcome that these bytes begin with, and how many are behind it. Without that, those behind it cannot be had either.
#[inline]
pub(super) fn unpack<R: DeserializeOwned>(
    bytes: &[u8],
) -> Result<(Result<R, JobError>, usize), JobError> {
    let unreadable = |error: postcard::Error| JobError::Result {
        reason: error.to_string(),
    };
    if let [Outcome::RETURNED, result @ ..] = bytes {
        let (result, rest) = postcard::take_from_bytes(result).map_err(unreadable)?;
        return Ok((Ok(result), rest.len()));
    }
    let (outcome, rest) = postcard::take_from_bytes::<Outcome>(bytes).map_err(unreadable)?;
    let error = outcome.into_error().unwrap_or_else(|| JobError::Result {
        reason: "it begins like none".to_owned(),
    });
    Ok((Err(error), rest.len()))
}

impl<I: Iterator, R> Drop for Stream<'_, I, R> {
    fn drop(&mut self) {
        if self.shared.is_forked() {
            return;
        }
        let mut desk = self.shared.desk();
        let mut inbox = self.order.inbox();
        inbox.abandoned = true;
        inbox.deliveries.clear();
        let tickets = inbox.tickets;
        drop(inbox);
        if tickets > 0 {
            desk.cancel(&self.order, false);
            self.shared.nudge(&desk); // There is room for others.
        }
    }
}

macro_rules! iterator {
    ($name:ident) => {
        impl<A, I, R> Iterator for $name<'_, I, R>
        where
            A: Serialize,
            I: Iterator<Item = A>,
            R: DeserializeOwned,
        {
            type Item = Result<R, TaskError>;

            /// Blocks until there is another result.
            fn next(&mut self) -> Option<Self::Item> {
                self.0.next()
            }
        }

        impl<I: Iterator, R> fmt::Debug for $name<'_, I, R> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name))
                    .field("taken", &self.0.taken)
                    .field("received", &self.0.received)
                    .finish_non_exhaustive()
            }
        }
    };
}

iterator!(Ordered);
iterator!(Unordered);
