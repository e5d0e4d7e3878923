#![allow(unsafe_code)] // POSIX locks and semaphores, and a crate that works on raw memory
//! Locks and signals: crossproc's, and those it is compared with.

use std::cell::{Cell, UnsafeCell};
use std::hint::spin_loop;
use std::mem::MaybeUninit;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crossproc::{CountingSemaphore, Event, RwLock};
use raw_sync::Timeout;
use raw_sync::events::{self, EventImpl, EventInit, EventState};
use raw_sync::locks::{self, LockImpl, LockInit};

/// A number below `end`, unlike the one before: the same for all contenders, in an order that no processor foresees.
pub fn next_number(end: u64) -> u64 {
    thread_local! {
        static STATE: Cell<u64> = const { Cell::new(0x9e37_79b9_7f4a_7c15) };
    }
    // Marsaglia, "Xorshift RNGs", 2003.
    let mut state = STATE.get();
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    STATE.set(state);
    ((u128::from(state) * u128::from(end)) >> 64) as u64
}

/// A number under a lock.
pub trait Counter {
    fn add_one(&self);
    fn value(&self) -> u64;
}

impl Counter for Mutex<u64> {
    fn add_one(&self) {
        *self.lock().expect("nobody panicked") += 1;
    }

    fn value(&self) -> u64 {
        *self.lock().expect("nobody panicked")
    }
}

impl Counter for crossproc::Mutex<u64> {
    fn add_one(&self) {
        *self.lock().expect("nobody died") += 1;
    }

    fn value(&self) -> u64 {
        *self.lock().expect("nobody died")
    }
}

/// As little as a lock can be: one locked instruction and one store, and nobody to wake, to tell or to recover from.
#[derive(Default)]
pub struct Bare {
    locked: AtomicU64,
    value: AtomicU64,
}

impl Counter for Bare {
    fn add_one(&self) {
        let taken = || {
            self.locked
                .compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed)
        };
        while taken().is_err() {
            spin_loop();
        }
        let value = self.value.load(Ordering::Relaxed);
        self.value.store(value + 1, Ordering::Relaxed);
        self.locked.store(0, Ordering::Release);
    }

    fn value(&self) -> u64 {
        self.value.load(Ordering::Relaxed)
    }
}

/// A robust pthread mutex for several processes: of the others, the one that survives its owner.
pub struct Robust {
    mutex: Box<UnsafeCell<libc::pthread_mutex_t>>,
    value: UnsafeCell<u64>,
}

// SAFETY: the value is accessed under the mutex only, which is made for being shared.
unsafe impl Sync for Robust {}

impl Robust {
    pub fn new() -> Robust {
        let mut attributes = MaybeUninit::uninit();
        let mut mutex = MaybeUninit::uninit();
        // SAFETY: each call initialises or changes a local that the one before it has made.
        unsafe {
            libc::pthread_mutexattr_init(attributes.as_mut_ptr());
            let attributes = attributes.as_mut_ptr();
            libc::pthread_mutexattr_setpshared(attributes, libc::PTHREAD_PROCESS_SHARED);
            libc::pthread_mutexattr_setrobust(attributes, libc::PTHREAD_MUTEX_ROBUST);
            assert_eq!(libc::pthread_mutex_init(mutex.as_mut_ptr(), attributes), 0);
            Robust {
                mutex: Box::new(UnsafeCell::new(mutex.assume_init())),
                value: UnsafeCell::new(0),
            }
        }
    }

    fn with<R>(&self, section: impl FnOnce(&mut u64) -> R) -> R {
        // SAFETY: the mutex is initialised and does not move; the value is ours between the two calls.
        unsafe {
            assert_eq!(libc::pthread_mutex_lock(self.mutex.get()), 0);
            let result = section(&mut *self.value.get());
            assert_eq!(libc::pthread_mutex_unlock(self.mutex.get()), 0);
            result
        }
    }
}

impl Counter for Robust {
    fn add_one(&self) {
        self.with(|value| *value += 1);
    }

    fn value(&self) -> u64 {
        self.with(|value| *value)
    }
}

/// Room for anything of raw_sync's.
type Room = UnsafeCell<[u64; 64]>;

pub struct RawSyncMutex {
    lock: Box<dyn LockImpl>,
    _room: Box<Room>,
    _value: Box<UnsafeCell<u64>>,
}

// SAFETY: it is a pthread mutex made for several processes, and the value is accessed under it only.
unsafe impl Sync for RawSyncMutex {}

impl RawSyncMutex {
    pub fn new() -> RawSyncMutex {
        let room: Box<Room> = Box::new(UnsafeCell::new([0; 64]));
        let value = Box::new(UnsafeCell::new(0u64));
        // SAFETY: both boxes live as long as the lock, and there is room enough.
        let made = unsafe { locks::Mutex::new(room.get().cast(), value.get().cast()) };
        let (lock, _) = made.expect("a mutex");
        RawSyncMutex {
            lock,
            _room: room,
            _value: value,
        }
    }
}

impl Counter for RawSyncMutex {
    fn add_one(&self) {
        let guard = self.lock.lock().expect("locked");
        // SAFETY: the pointer is the value's, and the lock is held.
        unsafe { *guard.cast::<u64>() += 1 };
    }

    fn value(&self) -> u64 {
        let guard = self.lock.lock().expect("locked");
        // SAFETY: the pointer is the value's, and the lock is held.
        unsafe { *guard.cast::<u64>() }
    }
}

/// A number that is read under a lock for readers.
pub trait Readable {
    fn read_it(&self) -> u64;
}

impl Readable for std::sync::RwLock<u64> {
    fn read_it(&self) -> u64 {
        *self.read().expect("nobody panicked")
    }
}

impl Readable for RwLock<u64> {
    fn read_it(&self) -> u64 {
        *self.read().expect("nobody died")
    }
}

/// Something that is passed from one to another, who waits for it.
pub trait Baton {
    fn pass(&self);
    fn take(&self);
}

impl Baton for CountingSemaphore {
    fn pass(&self) {
        self.release(1).expect("released");
    }

    fn take(&self) {
        self.acquire().expect("acquired");
    }
}

impl Baton for Event {
    fn pass(&self) {
        self.set().expect("set");
    }

    fn take(&self) {
        self.wait().expect("waited");
        self.reset().expect("reset");
    }
}

/// A POSIX semaphore for several processes.
pub struct Posix(Box<UnsafeCell<libc::sem_t>>);

// SAFETY: a semaphore is made for being shared.
unsafe impl Sync for Posix {}

impl Posix {
    pub fn new() -> Posix {
        // SAFETY: all-zero bytes are memory for a semaphore, which the next call makes one.
        let semaphore = Box::new(UnsafeCell::new(unsafe { std::mem::zeroed() }));
        // SAFETY: the pointer is to memory that lives as long as the semaphore and does not move.
        assert_eq!(unsafe { libc::sem_init(semaphore.get(), 1, 0) }, 0);
        Posix(semaphore)
    }
}

impl Baton for Posix {
    fn pass(&self) {
        // SAFETY: the semaphore is initialised and does not move.
        assert_eq!(unsafe { libc::sem_post(self.0.get()) }, 0);
    }

    fn take(&self) {
        // SAFETY: as above. A signal may interrupt it.
        while unsafe { libc::sem_wait(self.0.get()) } != 0 {}
    }
}

pub struct RawSyncEvent {
    event: Box<dyn EventImpl>,
    _room: Box<Room>,
}

// SAFETY: it is a pthread mutex and condition made for several processes.
unsafe impl Sync for RawSyncEvent {}

impl RawSyncEvent {
    /// One that resets itself when a waiter takes it.
    pub fn new() -> RawSyncEvent {
        let room: Box<Room> = Box::new(UnsafeCell::new([0; 64]));
        // SAFETY: the box lives as long as the event, and there is room enough.
        let made = unsafe { events::Event::new(room.get().cast(), true) };
        let (event, _) = made.expect("an event");
        RawSyncEvent { event, _room: room }
    }
}

impl Baton for RawSyncEvent {
    fn pass(&self) {
        self.event.set(EventState::Signaled).expect("set");
    }

    fn take(&self) {
        self.event.wait(Timeout::Infinite).expect("waited");
    }
}

impl Drop for Robust {
    fn drop(&mut self) {
        // SAFETY: nobody has the mutex any more.
        unsafe { libc::pthread_mutex_destroy(self.mutex.get()) };
    }
}

impl Drop for Posix {
    fn drop(&mut self) {
        // SAFETY: nobody waits at the semaphore any more.
        unsafe { libc::sem_destroy(self.0.get()) };
    }
}
