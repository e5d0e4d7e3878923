//! Locks, semaphores, events and the like whose words are overwritten while they are used, and while they are held: every
//! operation returns, whatever it finds.
//!
//! Only what is given a time is called, as a word that says that somebody alive has a lock is to be believed. The exceptions are
//! called where that cannot be.

use std::thread;
use std::time::{Duration, Instant};

use crossproc::sync::Party;
use crossproc::{
    Barrier, Condvar, CountingSemaphore, Event, LockTimeoutError, Mutex, OnceLock, Options,
    Primitive, ReentrantMutex, RwLock, Semaphore, TryLockError,
};

use super::input::Input;
use super::segment_file::{BODY, SegmentFile};

const STEPS: u32 = 200;
/// What blocks is given this long: a lock that seems taken for ever is no fault.
pub(crate) const PATIENCE: Duration = Duration::from_micros(100);
/// The word that says who has a lock, or makes a value; the lowest two bits are 1 if anybody does.
const CLAIM: u64 = BODY;

/// Does what `bytes` say with one of these of this name.
pub(crate) fn run(name: &str, bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let input = &mut input;
    match input.below(10) {
        0 => session(name, input, Mutex::options().value(true), mutex),
        1 => session(name, input, Mutex::options().value([3u64; 20]), mutex),
        2 => session(name, input, ReentrantMutex::options(), reentrant),
        3 => session(name, input, RwLock::options().value(true), rwlock),
        4 => session(name, input, Condvar::options(), condvar),
        5 => {
            let permits = usize::from(1 + input.below(9));
            session(
                name,
                input,
                Semaphore::options().permits(permits),
                semaphore,
            );
        }
        6 => {
            let options = CountingSemaphore::options().count(2).maximum(3);
            session(name, input, options, counting);
        }
        7 => session(name, input, Event::options(), event),
        8 => {
            let options = Barrier::options().parties(usize::from(1 + input.below(9)));
            let options = match input.below(2) {
                0 => options,
                _ => options.go_on_without_the_dead(),
            };
            session(name, input, options, barrier);
        }
        _ => session(name, input, OnceLock::<bool>::options(), once_lock),
    }
}

/// Who overwrites words in the middle of an operation.
pub(crate) struct Meddler<'a, 'b> {
    file: &'a SegmentFile,
    /// `None` if another thread does so all the time.
    input: Option<&'a mut Input<'b>>,
}

impl Meddler<'_, '_> {
    pub(crate) fn meddle(&mut self) {
        if let Some(input) = &mut self.input {
            for _ in 0..input.below(3) {
                self.file.scribble(input);
            }
        }
    }

    /// Nobody has it, nor can the word come to say so.
    pub(crate) fn is_vacant(&self) -> bool {
        self.input.is_some() && self.file.word(CLAIM) & 3 != 1
    }
}

/// Calls `operate` again and again, and overwrites words in between or meanwhile.
pub(crate) fn session<H: Primitive + Sync>(
    name: &str,
    input: &mut Input<'_>,
    options: Options<H>,
    operate: fn(&H, u8, &mut Meddler<'_, '_>),
) {
    let options = options.participants(6);
    let mut handle = options.create(name).expect("a new segment");
    let file = &SegmentFile::of(name);
    for _ in 0..STEPS {
        if input.is_empty() {
            break;
        }
        match input.below(16) {
            0..6 => file.scribble(input),
            6 => {
                // Another handle of this process has records of its own.
                if let Ok(another) = options.open(name) {
                    handle = another;
                }
            }
            7 => {
                let (choice, handle) = (input.byte(), &handle);
                let input = Some(&mut *input);
                thread::scope(|scope| {
                    scope.spawn(|| operate(handle, choice, &mut Meddler { file, input }));
                });
            }
            8 => {
                let operations: [u8; 6] = std::array::from_fn(|_| input.byte());
                file.scribble_while(input, || {
                    for choice in operations {
                        operate(&handle, choice, &mut Meddler { file, input: None });
                    }
                });
            }
            _ => {
                let (choice, input) = (input.byte(), Some(&mut *input));
                operate(&handle, choice, &mut Meddler { file, input });
            }
        }
    }
}

/// Uses up the rest of the choice: how to take something, and what to do with it.
pub(crate) fn split(choice: u8) -> (u8, u8) {
    (choice % 3, choice / 3)
}

/// Takes a lock in one of three ways; the guard, whatever else is told.
macro_rules! take {
    ($lock:ident, $how:expr, $tries:ident, $in_time:ident, $until:ident) => {
        match $how {
            0 => $lock.$tries().or_else(TryLockError::into_guard).ok(),
            1 => $lock
                .$in_time(PATIENCE)
                .or_else(LockTimeoutError::into_guard)
                .ok(),
            _ => {
                let deadline = Instant::now() + PATIENCE;
                $lock
                    .$until(deadline)
                    .or_else(LockTimeoutError::into_guard)
                    .ok()
            }
        }
    };
}

#[allow(
    unused_imports,
    reason = "not every program that has this file has another that needs it"
)]
pub(crate) use take;

fn mutex<T: crossproc::Element + std::fmt::Debug>(
    lock: &Mutex<T>,
    choice: u8,
    meddler: &mut Meddler<'_, '_>,
) {
    let (how, what) = split(choice);
    let Some(mut guard) = take!(lock, how, try_lock, lock_timeout, lock_deadline) else {
        return drop(format!("{lock:?} {}", lock.repairs()));
    };
    meddler.meddle();
    match what % 4 {
        0 => *guard = T::clone(&guard),
        1 => guard.mark_consistent(),
        2 => drop(format!("{guard:?} {}", guard.is_consistent())),
        _ => drop(take!(lock, how, try_lock, lock_timeout, lock_deadline)),
    }
    meddler.meddle();
}

fn reentrant(lock: &ReentrantMutex, choice: u8, meddler: &mut Meddler<'_, '_>) {
    let (how, what) = split(choice);
    let outer = take!(lock, how, try_lock, lock_timeout, lock_deadline);
    meddler.meddle();
    let inner = take!(lock, what % 3, try_lock, lock_timeout, lock_deadline);
    meddler.meddle();
    if let Some(mut guard) = inner {
        match what / 3 % 4 {
            0 => guard.mark_consistent(),
            1 => drop(format!("{guard:?} {}", guard.is_consistent())),
            2 => drop(outer),
            _ => {}
        }
        meddler.meddle();
    }
}

fn rwlock(lock: &RwLock<bool>, choice: u8, meddler: &mut Meddler<'_, '_>) {
    let (how, what) = split(choice);
    let reads = what % 2 == 0;
    let reader = reads.then(|| take!(lock, how, try_read, read_timeout, read_deadline));
    meddler.meddle();
    if let Some(mut guard) = take!(lock, what / 2 % 3, try_write, write_timeout, write_deadline) {
        meddler.meddle();
        *guard = !*guard;
        guard.mark_consistent();
        drop(format!("{guard:?} {}", guard.is_consistent()));
    }
    meddler.meddle();
    let again = take!(lock, what / 6 % 3, try_read, read_timeout, read_deadline);
    drop(format!("{again:?}"));
    drop(reader);
    meddler.meddle();
}

/// With a lock that nobody overwrites.
fn condvar(changed: &Condvar, choice: u8, meddler: &mut Meddler<'_, '_>) {
    let (how, what) = split(choice);
    let lock = Mutex::new(0u8).expect("a new mutex");
    let guard = lock.lock().expect("nobody else has it");
    meddler.meddle();
    let deadline = || Instant::now() + PATIENCE;
    match what % 7 {
        0 => drop(changed.wait_timeout(guard, PATIENCE)),
        1 => drop(changed.wait_deadline(guard, deadline())),
        2 => drop(changed.wait_timeout_while(guard, PATIENCE, |_| how != 0)),
        3 => drop(changed.wait_deadline_while(guard, deadline(), |_| how != 0)),
        4 => drop(changed.notify_one()),
        5 => drop(changed.notify_n(how.into())),
        _ => drop(changed.notify_all()),
    }
    meddler.meddle();
}

fn semaphore(semaphore: &Semaphore, choice: u8, meddler: &mut Meddler<'_, '_>) {
    let mut permits = Vec::new();
    for part in 0..4 {
        match choice >> (2 * part) & 3 {
            0 => permits.extend(semaphore.try_acquire()),
            1 => permits.extend(semaphore.acquire_timeout(PATIENCE)),
            2 => permits.extend(semaphore.acquire_deadline(Instant::now() + PATIENCE)),
            _ => drop((permits.pop(), semaphore.available())),
        }
        meddler.meddle();
    }
    drop(format!("{permits:?} {}", semaphore.permits()));
}

fn counting(semaphore: &CountingSemaphore, choice: u8, meddler: &mut Meddler<'_, '_>) {
    let (how, what) = split(choice);
    match what % 5 {
        0 => drop(semaphore.try_acquire()),
        1 => drop(semaphore.acquire_timeout(PATIENCE)),
        2 => drop(semaphore.acquire_deadline(Instant::now() + PATIENCE)),
        3 => drop(semaphore.release(how.into())),
        _ => drop((semaphore.release(u32::MAX), semaphore.count())),
    }
    meddler.meddle();
}

fn event(event: &Event, choice: u8, meddler: &mut Meddler<'_, '_>) {
    match choice % 5 {
        0 => drop(event.set()),
        1 => drop(event.reset()),
        2 => drop(event.wait_timeout(PATIENCE)),
        3 => drop(event.wait_deadline(Instant::now() + PATIENCE)),
        _ => drop((event.is_set(), event.repairs())),
    }
    meddler.meddle();
}

fn barrier(barrier: &Barrier, choice: u8, meddler: &mut Meddler<'_, '_>) {
    let mut parties: Vec<Party> = (0..choice % 3).flat_map(|_| barrier.join()).collect();
    meddler.meddle();
    for (party, what) in parties.iter_mut().zip([choice / 3, choice / 15]) {
        match what % 5 {
            0 => drop(party.wait_timeout(PATIENCE)),
            1 => drop(party.wait_deadline(Instant::now() + PATIENCE)),
            2 => drop(barrier.abort()),
            3 => drop(barrier.reset()),
            _ => drop(format!(
                "{party:?} {:?} {}",
                barrier.broken(),
                barrier.waiting()
            )),
        }
        meddler.meddle();
    }
}

fn once_lock(once: &OnceLock<bool>, choice: u8, meddler: &mut Meddler<'_, '_>) {
    let (how, what) = split(choice);
    match what % 6 {
        0 => drop(once.get()),
        1 => drop(once.wait_timeout(PATIENCE)),
        2 => drop(once.wait_deadline(Instant::now() + PATIENCE)),
        3 if meddler.is_vacant() => drop(once.set(how == 0)),
        4 if meddler.is_vacant() => drop(once.get_or_init(|| {
            meddler.meddle();
            how == 0
        })),
        5 if meddler.is_vacant() => drop(once.get_or_try_init(|| {
            meddler.meddle();
            Err::<bool, _>(())
        })),
        _ => drop(once.repairs()),
    }
    meddler.meddle();
}
