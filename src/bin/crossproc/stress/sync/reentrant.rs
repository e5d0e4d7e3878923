//! The lock that its owner can take again. It has no value.

use super::drill::come_by;
use super::lock::{Held, Lock, Value};
use super::settle::{Taken, taken};
use crate::stress::burst::How;
use crossproc::ReentrantMutex;
use crossproc::sync::ReentrantMutexGuard;
use std::time::Duration;

pub(crate) struct Reentrant;

impl Lock for Reentrant {
    type Handle = ReentrantMutex;
    type Guard<'a> = ReentrantMutexGuard<'a>;

    fn create(name: Option<&str>, participants: u32, _: Value) -> crossproc::Result<Self::Handle> {
        let options = ReentrantMutex::options().participants(participants);
        come_by!(name, options, ReentrantMutex)
    }

    fn repairs(lock: &Self::Handle) -> u64 {
        lock.repairs()
    }

    fn lock(lock: &Self::Handle, how: How) -> Option<Taken<Self::Guard<'_>>> {
        match how {
            How::Try => taken(lock.try_lock()),
            How::Block => taken(lock.lock()),
            How::Timeout(limit) => taken(lock.lock_timeout(limit)),
        }
    }

    fn nest<'a>(lock: &'a Self::Handle, outer: Self::Guard<'a>, choice: u64) -> Self::Guard<'a> {
        let how = [
            How::Try,
            How::Block,
            How::Timeout(Duration::ZERO),
            How::Block,
        ][choice as usize % 4];
        let inner = Self::lock(lock, how).expect("the owner never waits");
        assert_eq!(inner.told, !outer.is_consistent(), "told the same");
        // In either order.
        if choice & 4 == 0 { outer } else { inner.guard }
    }
}

impl Held for ReentrantMutexGuard<'_> {
    fn value(&self) -> Option<&Value> {
        None
    }

    fn set(&mut self, _: Value) {}

    fn is_consistent(&self) -> bool {
        ReentrantMutexGuard::is_consistent(self)
    }

    fn mark_consistent(&mut self) {
        ReentrantMutexGuard::mark_consistent(self);
    }
}
