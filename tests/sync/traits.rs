//! What may move between threads and be shared by them: checked when this is compiled.

use crossproc::sync::{
    MutexGuard, Party, Permit, ReentrantMutexGuard, RwLockReadGuard, RwLockWriteGuard,
};
use crossproc::{
    Barrier, Condvar, CountingSemaphore, Event, LockError, Mutex, OnceLock, ReentrantMutex, RwLock,
    Semaphore,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Fails to compile, for want of one answer, if the type has the trait.
macro_rules! is_not {
    ($type:ty: $trait:ident) => {
        const _: fn() = || {
            trait Ambiguous<Which> {
                fn one_answer() {}
            }
            impl<T: ?Sized> Ambiguous<()> for T {}
            struct HasIt;
            impl<T: ?Sized + $trait> Ambiguous<HasIt> for T {}
            let _ = <$type as Ambiguous<_>>::one_answer;
        };
    };
}

const fn is_a_handle<H: Send + Sync + Clone + Serialize + DeserializeOwned>() {}
const fn is_send<T: Send>() {}
const fn is_sync<T: Sync>() {}

const _: () = {
    is_a_handle::<Mutex<u64>>();
    is_a_handle::<ReentrantMutex>();
    is_a_handle::<RwLock<u64>>();
    is_a_handle::<Condvar>();
    is_a_handle::<Semaphore>();
    is_a_handle::<CountingSemaphore>();
    is_a_handle::<Event>();
    is_a_handle::<Barrier>();
    is_a_handle::<OnceLock<u64>>();
};

// The owner of a lock is a thread.
is_not!(MutexGuard<'static, u64>: Send);
is_not!(ReentrantMutexGuard<'static>: Send);
is_not!(RwLockReadGuard<'static, u64>: Send);
is_not!(RwLockWriteGuard<'static, u64>: Send);
is_not!(LockError<MutexGuard<'static, u64>>: Send);

// The owner of a permit or of a seat is a process.
const _: () = {
    is_send::<Permit<'static>>();
    is_sync::<Permit<'static>>();
    is_send::<Party>();
};
is_not!(Party: Clone);
is_not!(Permit<'static>: Clone);

// As the standard library's: a reference to a guard is one to its value.
const _: () = {
    is_sync::<MutexGuard<'static, u64>>();
    is_sync::<RwLockReadGuard<'static, u64>>();
    is_sync::<RwLockWriteGuard<'static, u64>>();
};
