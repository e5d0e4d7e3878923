//! The one future: something that is attempted until it succeeds.
//!
//! | step of a poll | why |
//! |---|---|
//! | registered already: leave the waker | before the attempt, so that a wake after it reaches whoever polls now |
//! | attempt: a result ends it | the operation's own commit, or nothing has happened |
//! | arm the bells, note the memberships | what is published from here on rings, and who dies from here on is missed when compared |
//! | attempt | what was published before, also by the dead, is seen |
//! | register: the bells' values and the memberships of before | the reactor sleeps only while they are what they were ([`super::reactor`]) |
//!
//! So between two polls there is always a moment after which whatever makes the attempt succeed also causes a wake. A future that has
//! been registered, and ends or is dropped, may have been woken for something that it did not take: it rings for what is ready.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::reactor::{self, Armed, Registration};
use super::source::Sources;
use super::subject::{self, Subject};
use crate::error::Fault;

/// Attempts the operation; `None` while it would block. Given a fault, it fails with it.
pub(crate) struct Attempt<S: Sources, F> {
    sources: S,
    attempt: F,
    registration: Option<Registration>,
}

impl<S: Sources, F> Attempt<S, F> {
    pub(crate) fn new<R>(sources: S, attempt: F) -> Attempt<S, F>
    where
        F: FnMut(&mut S, Result<(), Fault>) -> Option<R>,
    {
        Attempt {
            sources,
            attempt,
            registration: None,
        }
    }

    /// Is not to be woken any more, and has nothing to answer for.
    fn leave(&mut self) {
        if let Some(registration) = self.registration.take() {
            drop(registration);
            self.sources.pass_on();
        }
    }
}

/// Nothing is ever pinned.
impl<S: Sources, F> Unpin for Attempt<S, F> {}

impl<R, S: Sources, F> Future for Attempt<S, F>
where
    F: FnMut(&mut S, Result<(), Fault>) -> Option<R>,
{
    type Output = R;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<R> {
        let this = &mut *self;
        let registered = match &this.registration {
            Some(registration) => registration.renew(context.waker()),
            None => Ok(false),
        };
        let is_registered = registered == Ok(true);
        if let Some(result) = (this.attempt)(&mut this.sources, registered.map(drop)) {
            this.leave();
            return Poll::Ready(result);
        }
        if is_registered {
            return Poll::Pending;
        }
        let subjects = this.sources.subjects();
        let (values, _) = subject::arm(&subjects);
        let memberships: Vec<_> = subjects.iter().map(Subject::membership).collect();
        if let Some(result) = (this.attempt)(&mut this.sources, Ok(())) {
            this.leave();
            return Poll::Ready(result);
        }
        let seen = values.into_iter().zip(memberships);
        let armed = |(subject, (value, membership))| Armed {
            subject,
            value,
            membership,
        };
        let armed = subjects.into_iter().zip(seen).map(armed).collect();
        match reactor::register(armed, context.waker()) {
            Ok(registration) => {
                this.registration = Some(registration);
                Poll::Pending
            }
            Err(fault) => {
                let failed = (this.attempt)(&mut this.sources, Err(fault));
                Poll::Ready(failed.expect("given a fault, it fails with it"))
            }
        }
    }
}

impl<S: Sources, F> Drop for Attempt<S, F> {
    fn drop(&mut self) {
        self.leave();
    }
}
