//! The reader-writer lock: writers are owners, and readers look on.

use super::drill::come_by;
use super::lock::{Held, Lock, Value};
use super::mutex::held;
use super::settle::{Taken, taken};
use crate::stress::burst::How;
use crossproc::sync::RwLockWriteGuard;

pub(crate) struct RwLock;

impl Lock for RwLock {
    type Handle = crossproc::RwLock<Value>;
    type Guard<'a> = RwLockWriteGuard<'a, Value>;

    const IS_SHARED: bool = true;

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

    fn repairs(lock: &Self::Handle) -> u64 {
        lock.repairs()
    }

    fn lock(lock: &Self::Handle, how: How) -> Option<Taken<Self::Guard<'_>>> {
        match how {
            How::Try => taken(lock.try_write()),
            How::Block => taken(lock.write()),
            How::Timeout(limit) => taken(lock.write_timeout(limit)),
        }
    }

    fn read(lock: &Self::Handle, how: How, look: &mut dyn FnMut(&Value, bool)) -> bool {
        let read = match how {
            How::Try => taken(lock.try_read()),
            How::Block => taken(lock.read()),
            How::Timeout(limit) => taken(lock.read_timeout(limit)),
        };
        let Some(outer) = read else {
            return false;
        };
        look(&outer.guard, outer.told);
        // Whoever reads may read again, whoever waits to write.
        let inner = taken(lock.read()).expect("it waits");
        drop(outer);
        look(&inner.guard, inner.told);
        true
    }
}

held!(RwLockWriteGuard);
