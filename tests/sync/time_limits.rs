//! Whatever takes a duration or a deadline keeps to it: at once if there is none left, not sooner than asked otherwise,
//! and nothing that is there to be had is refused for want of time.

use std::time::{Duration, Instant};

use crossproc::{
    Barrier, Condvar, CountingSemaphore, Event, Mutex, OnceLock, ReentrantMutex, RwLock, Semaphore,
};

use super::children::Holder;

/// Far more than it takes, far less than any sleep that would be a mistake.
const AT_ONCE: Duration = Duration::from_secs(5);

/// Each operation fails; without patience at once, with some not before its end.
fn keep_to_time(
    what: &str,
    none: &[&dyn Fn() -> bool],
    some: &dyn Fn(Duration) -> bool,
    until: &dyn Fn(Instant) -> bool,
) {
    let at_once = |failed: &dyn Fn() -> bool| {
        let start = Instant::now();
        for _ in 0..100 {
            assert!(failed(), "{what}");
        }
        assert!(start.elapsed() < AT_ONCE, "{what}: {:?}", start.elapsed());
    };
    none.iter().for_each(|failed| at_once(failed));
    at_once(&|| some(Duration::ZERO));
    let past = Instant::now();
    at_once(&|| until(past));

    let patience = Duration::from_millis(20);
    let start = Instant::now();
    assert!(some(patience) && start.elapsed() >= patience, "{what}");
    let deadline = Instant::now() + patience;
    assert!(until(deadline) && Instant::now() >= deadline, "{what}");
}

#[test]
fn locks() {
    guarded!();
    let (mutex, reentrant) = (Mutex::new(()).unwrap(), ReentrantMutex::new().unwrap());
    let [reads, writes] = [(); 2].map(|()| RwLock::new(()).unwrap());
    let holder = Holder::of(|| {
        let locked = (mutex.lock().unwrap(), reentrant.lock().unwrap());
        (locked, reads.read().unwrap(), writes.write().unwrap())
    });
    keep_to_time(
        "lock",
        &[&|| mutex.try_lock().is_err()],
        &|patience| mutex.lock_timeout(patience).is_err(),
        &|deadline| mutex.lock_deadline(deadline).is_err(),
    );
    keep_to_time(
        "reentrant lock",
        &[&|| reentrant.try_lock().is_err()],
        &|patience| reentrant.lock_timeout(patience).is_err(),
        &|deadline| reentrant.lock_deadline(deadline).is_err(),
    );
    keep_to_time(
        "read",
        &[&|| writes.try_read().is_err()],
        &|patience| writes.read_timeout(patience).is_err(),
        &|deadline| writes.read_deadline(deadline).is_err(),
    );
    for lock in [&reads, &writes] {
        keep_to_time(
            "write",
            &[&|| lock.try_write().is_err()],
            &|patience| lock.write_timeout(patience).is_err(),
            &|deadline| lock.write_deadline(deadline).is_err(),
        );
    }
    assert!(reads.read_timeout(Duration::ZERO).is_ok());
    holder.let_go();
    assert!(mutex.lock_timeout(Duration::ZERO).is_ok());
    assert!(reentrant.lock_deadline(Instant::now()).is_ok());
    assert!(writes.read_deadline(Instant::now()).is_ok());
    assert!(writes.write_timeout(Duration::ZERO).is_ok());
}

#[test]
fn semaphores() {
    guarded!();
    let permits = Semaphore::new(1).unwrap();
    let permit = permits.acquire().unwrap();
    keep_to_time(
        "acquire",
        &[&|| permits.try_acquire().is_err()],
        &|patience| permits.acquire_timeout(patience).is_err(),
        &|deadline| permits.acquire_deadline(deadline).is_err(),
    );
    drop(permit);
    assert!(permits.acquire_timeout(Duration::ZERO).is_ok());

    let count = CountingSemaphore::new(0).unwrap();
    keep_to_time(
        "take 1",
        &[&|| count.try_acquire().is_err()],
        &|patience| count.acquire_timeout(patience).is_err(),
        &|deadline| count.acquire_deadline(deadline).is_err(),
    );
}

#[test]
fn waits() {
    guarded!();
    let event = Event::new().unwrap();
    keep_to_time(
        "event",
        &[],
        &|patience| event.wait_timeout(patience).is_err(),
        &|deadline| event.wait_deadline(deadline).is_err(),
    );

    let once = OnceLock::<u64>::new().unwrap();
    keep_to_time(
        "once lock",
        &[&|| once.get() == Ok(None)],
        &|patience| once.wait_timeout(patience).is_err(),
        &|deadline| once.wait_deadline(deadline).is_err(),
    );

    let (lock, changed) = (Mutex::new(()).unwrap(), Condvar::new().unwrap());
    let guard = || lock.lock().unwrap();
    keep_to_time(
        "condition",
        &[],
        &|patience| {
            changed
                .wait_timeout(guard(), patience)
                .unwrap()
                .1
                .timed_out()
        },
        &|deadline| {
            changed
                .wait_deadline(guard(), deadline)
                .unwrap()
                .1
                .timed_out()
        },
    );
    let forever = |_: &mut ()| true;
    keep_to_time(
        "condition, while",
        &[],
        &|patience| {
            let waited = changed.wait_timeout_while(guard(), patience, forever);
            waited.unwrap().1.timed_out()
        },
        &|deadline| {
            let waited = changed.wait_deadline_while(guard(), deadline, forever);
            waited.unwrap().1.timed_out()
        },
    );

    let barrier = Barrier::new(2).unwrap();
    let party = std::cell::RefCell::new(barrier.join().unwrap());
    let whole = || barrier.reset().unwrap();
    keep_to_time(
        "barrier",
        &[],
        &|patience| {
            whole();
            party.borrow_mut().wait_timeout(patience).is_err()
        },
        &|deadline| {
            whole();
            party.borrow_mut().wait_deadline(deadline).is_err()
        },
    );
}
