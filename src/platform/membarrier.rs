#![allow(unsafe_code)] // membarrier and pthread_atfork by way of libc
//! The asymmetric fence: free for the side that runs often, a system call for the side that sleeps.
//!
//! A sleeper announces itself, then makes every other participant's thread execute a memory barrier
//! (`membarrier(GLOBAL_EXPEDITED)`, about a microsecond); the others need only a compiler barrier
//! between "publish" and "look whether somebody sleeps". See Dice, Huang, Yang, "Asymmetric Dekker
//! Synchronization" (2001), and membarrier(2).
//!
//! The kernel notes per processor whether a process that has registered itself runs there. When a thread ends it clears that
//! (`exit_mm`), and it sets it again only when it switches from one address space to another (`membarrier_switch_mm`): another thread of
//! the same process, next on that processor, is passed over by `GLOBAL_EXPEDITED`. `PRIVATE_EXPEDITED` looks at what runs
//! instead, and reaches all threads of the sleeper's own process. Those of other processes may be passed over: what sleepers do about that
//! is said at [`crate::wait::Bell`]'s module.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering, compiler_fence, fence};

use super::per_process::PerProcess;

/// Set by tests to act as if the kernel refused `membarrier`.
pub(crate) static MEMBARRIER_REFUSED: AtomicBool = AtomicBool::new(false);

/// Whether this process's threads execute the barriers that sleepers elsewhere ask for. Looked at in every operation,
/// so it is a plain static, which the child of a fork clears until it has registered itself.
static REGISTERED: AtomicBool = AtomicBool::new(false);

const CMD_GLOBAL_EXPEDITED: libc::c_int = 1 << 1;
const CMD_REGISTER_GLOBAL_EXPEDITED: libc::c_int = 1 << 2;
const CMD_PRIVATE_EXPEDITED: libc::c_int = 1 << 3;
const CMD_REGISTER_PRIVATE_EXPEDITED: libc::c_int = 1 << 4;

fn membarrier(command: libc::c_int) -> bool {
    if MEMBARRIER_REFUSED.load(Ordering::Relaxed) {
        return false;
    }
    // SAFETY: membarrier takes no pointers; an unknown command is refused with an error.
    unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
}

/// Makes this process one whose threads [`heavy`] barriers of others reach. Called at attach.
pub(crate) fn register() {
    static DONE: PerProcess<()> = PerProcess::new();
    static AT_FORK: Once = Once::new();
    extern "C" fn clear() {
        REGISTERED.store(false, Ordering::Relaxed);
    }
    DONE.get_or_init(|| {
        // SAFETY: the handler stores to a static, which is safe in the child of a fork.
        AT_FORK
            .call_once(|| assert_eq!(unsafe { libc::pthread_atfork(None, None, Some(clear)) }, 0));
        let registered =
            membarrier(CMD_REGISTER_GLOBAL_EXPEDITED) && membarrier(CMD_REGISTER_PRIVATE_EXPEDITED);
        REGISTERED.store(registered, Ordering::SeqCst);
    });
}

/// The side that runs often: orders what precedes before what follows, as seen by a thread that
/// calls [`heavy`] in between. A compiler barrier where the kernel does the rest.
#[inline]
pub(crate) fn light() {
    // Acquire: the caller looks whether somebody sleeps after this. One who slept when the process was not registered announced that before.
    if REGISTERED.load(Ordering::Acquire) {
        compiler_fence(Ordering::SeqCst);
    } else {
        fence(Ordering::SeqCst);
    }
}

/// The side that sleeps. False if the kernel refused: then the other side must use a real fence. The first barrier is for the other
/// processes, the second for this one, whose threads execute fences as long as it is not registered.
pub(crate) fn heavy() -> bool {
    fence(Ordering::SeqCst);
    membarrier(CMD_GLOBAL_EXPEDITED)
        && (!REGISTERED.load(Ordering::SeqCst) || membarrier(CMD_PRIVATE_EXPEDITED))
}

#[cfg(test)]
mod tests {
    use std::hint::spin_loop;
    use std::sync::atomic::AtomicU32;
    use std::thread;
    use std::time::{Duration, Instant};

    use rustix::thread::{CpuSet, sched_getaffinity};

    use super::*;
    use crate::platform::own::set_affinity;

    /// On a line of its own.
    #[repr(align(128))]
    #[derive(Default)]
    struct Word(AtomicU32);

    impl Word {
        fn get(&self) -> u32 {
            self.0.load(Ordering::Acquire)
        }

        fn set(&self, value: u32) {
            self.0.store(value, Ordering::Release);
        }
    }

    const END: u32 = u32::MAX;

    /// A sleeper and ringers that meet in rounds.
    #[derive(Default)]
    struct Table {
        round: Word,
        finished: Word,
        announced: Word,
        /// What the ringer writes before it publishes, which keeps the publishing store back.
        before: [Word; 2],
        published: Word,
        saw: Word,
    }

    impl Table {
        fn ring(&self) {
            let mut last = 0;
            loop {
                let round = self.round.get();
                if round == END {
                    return;
                }
                if round == last {
                    spin_loop();
                    continue;
                }
                last = round;
                self.before.iter().for_each(|word| word.set(round));
                self.published.set(round);
                light();
                self.saw.set(self.announced.0.load(Ordering::Relaxed));
                self.finished.set(round);
            }
        }

        /// Whether one of the two saw the other.
        fn meet(&self, round: u32) -> bool {
            self.before.iter().for_each(|word| word.set(0));
            self.round.set(round);
            (0..round % 64).for_each(|_| spin_loop());
            self.announced.0.swap(round, Ordering::SeqCst);
            let refused = !heavy();
            let found = self.published.get() == round;
            while self.finished.get() != round {
                spin_loop();
            }
            refused || found || self.saw.get() == round
        }
    }

    #[test]
    fn reaches_a_thread_where_another_has_ended() {
        register();
        let allowed = sched_getaffinity(None).unwrap();
        let mut processors = (0..CpuSet::MAX_CPU).filter(|number| allowed.is_set(*number));
        let (Some(here), Some(there)) = (processors.next(), processors.next()) else {
            return; // Nothing happens at the same time.
        };
        let table = Table::default();
        let lost = thread::scope(|scope| {
            scope.spawn(|| {
                set_affinity(&[there]).unwrap();
                table.ring();
            });
            let sleeper = scope.spawn(|| {
                set_affinity(&[here]).unwrap();
                let (start, mut rounds, mut lost) = (Instant::now(), 0, 0);
                while start.elapsed() < Duration::from_millis(500) {
                    let other = thread::spawn(move || set_affinity(&[there]).unwrap());
                    other.join().unwrap();
                    for _ in 0..1000 {
                        rounds += 1;
                        lost += u32::from(!table.meet(rounds));
                    }
                }
                table.round.set(END);
                lost
            });
            sleeper.join().unwrap()
        });
        assert_eq!(lost, 0);
    }
}
