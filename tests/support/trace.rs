//! Child processes that can be run one machine instruction at a time, and killed between any two.
//!
//! Include it where it is needed: `#[path = "../support/trace.rs"] mod trace;`, and `asleep.rs` and `forked.rs` beside it.
#![allow(unsafe_code)] // ptrace(2)

use std::ffi::{c_int, c_long, c_uint, c_void};
use std::time::Duration;
use std::{fs, io, mem, ptr, thread};

pub(crate) use super::forked::{Child, Ending, fork};

/// How long to let others run before looking again.
const POLL: Duration = Duration::from_micros(20);

/// How often a system call is given the chance to return before it is taken for a sleep.
const LOOKS_BEFORE_SLEEP_CHECK: u32 = 20;

/// A child under ptrace, stopped between two instructions of its main thread.
///
/// Its other threads run freely. All calls must come from the thread that forked it. The two share
/// one CPU as long as the tracee lives: they take turns anyway, and passing the turn on is cheapest
/// that way.
pub(crate) struct Tracee {
    child: Child,
    /// It was last seen asleep inside the system call it was made to take.
    asleep: bool,
    /// Somebody else collects its status: it is killed here, and no more.
    reaped_elsewhere: bool,
    /// Where the tracing thread may run when there is no tracee.
    tracer_cpus: libc::cpu_set_t,
}

/// What came of letting a tracee go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It stopped again.
    Stopped,
    /// It sleeps in a futex and stays there until somebody wakes it.
    Asleep,
}

/// Called in the body given to [`Tracee::fork`]: hands control to the tracer, which has it from
/// the instruction after this call on.
pub(crate) fn stop_here() {
    // SAFETY: kill(2) and getpid(2) touch no memory.
    unsafe { libc::kill(libc::getpid(), libc::SIGSTOP) };
}

/// Called in a process that its parent is going to trace.
pub(crate) fn be_traced() {
    // SAFETY: PTRACE_TRACEME uses none of its arguments.
    let traced = unsafe { libc::ptrace(libc::PTRACE_TRACEME) };
    assert_ne!(traced, -1, "ptrace: {}", io::Error::last_os_error());
}

/// The heads of the robust lists of all threads of the calling process.
pub(crate) fn robust_lists() -> Vec<usize> {
    let threads = fs::read_dir("/proc/self/task")
        .expect("/proc is mounted")
        .flatten();
    let threads = threads.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    threads.map(robust_list_of).collect()
}

fn robust_list_of(thread: libc::pid_t) -> usize {
    let mut head: *mut c_void = ptr::null_mut();
    let mut length = 0_usize;
    // SAFETY: both pointers are valid places for what get_robust_list(2) writes.
    unsafe {
        libc::syscall(
            libc::SYS_get_robust_list,
            thread,
            &raw mut head,
            &raw mut length,
        )
    };
    head.addr()
}

#[cfg(target_arch = "x86_64")]
const SYSCALL_INSTRUCTION: (c_long, c_long) = (0x050f, 0xffff);
#[cfg(target_arch = "aarch64")]
const SYSCALL_INSTRUCTION: (c_long, c_long) = (0xd400_0001, 0xffff_ffff);

impl Tracee {
    /// Forks a process that runs `body`; returns once it has called [`stop_here`].
    pub(crate) fn fork(body: impl FnOnce()) -> Tracee {
        Tracee::stopped(
            fork(|| {
                be_traced();
                body();
            }),
            false,
        )
    }

    /// Takes over a process that this thread has spawned, once it has called [`be_traced`] and [`stop_here`]. Dropping it leaves it to be
    /// reaped by those who spawned it.
    pub(crate) fn spawned(pid: u32) -> Tracee {
        let pid = pid.cast_signed();
        Tracee::stopped(Child { pid, reaped: None }, true)
    }

    fn stopped(mut child: Child, reaped_elsewhere: bool) -> Tracee {
        let stopped = child.wait_status(0);
        assert_eq!(
            stopped,
            Some(libc::SIGSTOP),
            "the tracee stopped early, or ended: {:?}",
            child.reaped
        );
        let tracee = Tracee {
            tracer_cpus: share_cpu(child.pid),
            child,
            asleep: false,
            reaped_elsewhere,
        };
        let options = libc::PTRACE_O_EXITKILL | libc::PTRACE_O_TRACESYSGOOD;
        tracee.request(
            libc::PTRACE_SETOPTIONS,
            0,
            ptr::without_provenance_mut(options as usize),
        );
        tracee
    }

    /// Executes one instruction, which must not be a system call.
    ///
    /// On AArch64 this never gets past a load-exclusive/store-exclusive loop: it takes a processor
    /// with atomic instructions (LSE), which the standard library uses where they exist.
    pub(crate) fn step(&mut self) {
        self.request(libc::PTRACE_SINGLESTEP, 0, ptr::null_mut());
        let stopped = self.child.wait_status(0);
        self.expect_trap(stopped);
    }

    /// Runs to the next border of a system call: in, if it stands outside one, or out. On the way
    /// out it may fall asleep; then [`finish`](Self::finish) waits for its coming out.
    pub(crate) fn run_to_system_call(&mut self) -> Progress {
        assert!(!self.asleep, "it has not come out yet");
        self.request(libc::PTRACE_SYSCALL, 0, ptr::null_mut());
        let progress = self.stopped_or_asleep();
        self.asleep = progress == Progress::Asleep;
        progress
    }

    /// Waits for a sleeping tracee to wake up and to stop again.
    pub(crate) fn finish(&mut self) {
        assert!(self.asleep);
        while self.stopped_or_asleep() == Progress::Asleep {
            thread::sleep(POLL);
        }
        self.asleep = false;
    }

    /// Lets it run on without being traced.
    pub(crate) fn release(&mut self) {
        if self.asleep {
            self.finish();
        }
        self.request(libc::PTRACE_DETACH, 0, ptr::null_mut());
    }

    /// See [`is_asleep`].
    pub(crate) fn is_asleep(&self) -> bool {
        self.child.is_asleep()
    }

    /// Whether the next instruction is a system call.
    pub(crate) fn at_system_call(&self) -> bool {
        let (instruction, mask) = SYSCALL_INSTRUCTION;
        self.peek(self.program_counter()) & mask == instruction
    }

    /// Makes the kernel believe that there is nothing to do for these robust lists.
    pub(crate) fn clear_robust_lists(&self, heads: &[usize]) {
        const LIST_OP_PENDING: usize = 2 * mem::size_of::<usize>();
        for &head in heads {
            self.poke(head, head); // an empty list points at itself
            self.poke(head + LIST_OP_PENDING, 0);
        }
    }

    fn poke(&self, address: usize, word: usize) {
        let word = ptr::without_provenance_mut(word);
        self.request(libc::PTRACE_POKEDATA, address, word);
    }

    fn peek(&self, address: usize) -> c_long {
        self.request(libc::PTRACE_PEEKTEXT, address, ptr::null_mut())
    }

    /// Whether it was spawned, and stands within the system call that ends it.
    pub(crate) fn is_exiting(&self) -> bool {
        if !self.reaped_elsewhere || self.asleep {
            return false;
        }
        let registers = self.registers();
        #[cfg(target_arch = "x86_64")]
        return registers.orig_rax.cast_signed() == libc::SYS_exit_group;
        #[cfg(target_arch = "aarch64")]
        return registers.regs[8].cast_signed() == libc::SYS_exit_group;
    }

    fn program_counter(&self) -> usize {
        #[cfg(target_arch = "x86_64")]
        return self.registers().rip as usize;
        #[cfg(target_arch = "aarch64")]
        return self.registers().pc as usize;
    }

    fn registers(&self) -> libc::user_regs_struct {
        // SAFETY: all-zero bytes are a valid `user_regs_struct`, which consists of integers.
        let mut registers: libc::user_regs_struct = unsafe { mem::zeroed() };
        let mut place = libc::iovec {
            iov_base: (&raw mut registers).cast(),
            iov_len: mem::size_of_val(&registers),
        };
        self.request(
            libc::PTRACE_GETREGSET,
            libc::NT_PRSTATUS as usize,
            (&raw mut place).cast(),
        );
        registers
    }

    fn stopped_or_asleep(&mut self) -> Progress {
        let mut looks = 0;
        loop {
            let stopped = self.child.wait_status(libc::WNOHANG);
            if stopped.is_some() || self.child.reaped.is_some() {
                self.expect_trap(stopped);
                return Progress::Stopped;
            }
            looks += 1;
            if looks < LOOKS_BEFORE_SLEEP_CHECK {
                thread::yield_now();
            } else if self.child.is_asleep() {
                return Progress::Asleep;
            } else {
                thread::sleep(POLL);
            }
        }
    }

    fn expect_trap(&self, stopped: Option<c_int>) {
        // System call stops are marked by the eighth bit.
        assert_eq!(
            stopped.map(|signal| signal & 0x7f),
            Some(libc::SIGTRAP),
            "the tracee got another signal, or ended: {:?}",
            self.child.reaped
        );
    }

    fn request(&self, request: c_uint, address: usize, data: *mut c_void) -> c_long {
        // SAFETY: the requests made here touch the tracee's memory only, except PTRACE_GETREGSET,
        // whose `data` points at an iovec around a whole `user_regs_struct`.
        let answer = unsafe { libc::ptrace(request, self.child.pid, address, data) };
        // A word of the tracee's memory may be -1.
        if request != libc::PTRACE_PEEKTEXT {
            assert_ne!(
                answer,
                -1,
                "ptrace request {request}: {}",
                io::Error::last_os_error()
            );
        }
        answer
    }
}

impl Drop for Tracee {
    fn drop(&mut self) {
        if self.reaped_elsewhere {
            // SAFETY: kill(2) touches no memory; the process stands still, so that nobody can have reaped it.
            unsafe { libc::kill(self.child.pid, libc::SIGKILL) };
            self.child.reaped = Some(Ending::Signalled(libc::SIGKILL));
        }
        self.child.kill();
        set_cpus(0, &self.tracer_cpus);
    }
}

/// Confines process `pid` and the calling thread to the CPU the latter runs on; returns where it
/// could run before.
fn share_cpu(pid: libc::pid_t) -> libc::cpu_set_t {
    // SAFETY: all-zero bytes are a valid, empty `cpu_set_t`.
    let (mut before, mut here): (libc::cpu_set_t, libc::cpu_set_t) = unsafe { mem::zeroed() };
    // SAFETY: `before` is a whole `cpu_set_t` to write to, and the CPU's number is within one.
    unsafe {
        libc::sched_getaffinity(0, mem::size_of_val(&before), &raw mut before);
        libc::CPU_SET(libc::sched_getcpu().unsigned_abs() as usize, &mut here);
    }
    set_cpus(0, &here);
    set_cpus(pid, &here);
    before
}

fn set_cpus(pid: libc::pid_t, cpus: &libc::cpu_set_t) {
    // SAFETY: `cpus` is a whole `cpu_set_t`. Where this is refused the tracee is only slower.
    unsafe { libc::sched_setaffinity(pid, mem::size_of_val(cpus), cpus) };
}
