//! The mutex, whose value is the count.

use super::drill::come_by;
use super::lock::{Held, Lock, Value};
use super::settle::{Taken, taken};
use crate::stress::burst::How;
use crossproc::sync::MutexGuard;

pub(crate) struct Mutex;

impl Lock for Mutex {
    type Handle = crossproc::Mutex<Value>;
    type Guard<'a> = MutexGuard<'a, Value>;

    fn create(
        name: Option<&str>,
        participants: u32,
        value: Value,
    ) -> crossproc::Result<Self::Handle> {
        let options = Self::Handle::options()
            .value(value)
            .participants(participants);
        come_by!(name, options, Self::Handle)
    }

    fn repairs(mutex: &Self::Handle) -> u64 {
        mutex.repairs()
    }

    fn lock(mutex: &Self::Handle, how: How) -> Option<Taken<Self::Guard<'_>>> {
        match how {
            How::Try => taken(mutex.try_lock()),
            How::Block => taken(mutex.lock()),
            How::Timeout(limit) => taken(mutex.lock_timeout(limit)),
        }
    }
}

/// For the guards of all locks with a value.
macro_rules! held {
    ($Guard:ident) => {
        impl Held for $Guard<'_, Value> {
            fn value(&self) -> Option<&Value> {
                Some(self)
            }

            fn set(&mut self, value: Value) {
                **self = value;
            }

            fn is_consistent(&self) -> bool {
                $Guard::is_consistent(self)
            }

            fn mark_consistent(&mut self) {
                $Guard::mark_consistent(self);
            }
        }
    };
}
pub(super) use held;

held!(MutexGuard);
